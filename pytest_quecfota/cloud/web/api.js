// Calls of the Developer Center's HTTP API. The token stays in this tab (sessionStorage) and goes nowhere else.

const KEY = "developer-center-token";

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

/** A call the platform refused; `message` is its reason. */
export class Refused extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

/** The response of a call; throws `Refused`. A token that is not valid (any more) signs out. */
export async function request(method, path, { body, signal } = {}) {
  const headers = { Authorization: `Bearer ${token.get() ?? ""}` };
  const form = body instanceof FormData;
  if (body !== undefined && !form) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, signal, body: body === undefined || form ? body : JSON.stringify(body) });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Refused(0, "The Developer Center does not answer.");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) {
    token.forget();
    document.dispatchEvent(new Event("signed-out"));
  }
  throw new Refused(response.status, problem.detail ?? `The call failed with status ${response.status}.`);
}

async function json(method, path, more) {
  const response = await request(method, path, more);
  return response.status === 204 ? null : response.json();
}

const BASE = "/api/v1";
export const get = (path, signal) => json("GET", BASE + path, { signal });
export const post = (path, body) => json("POST", BASE + path, { body });
export const put = (path, body) => json("PUT", BASE + path, { body });
export const patch = (path, body) => json("PATCH", BASE + path, { body });
export const remove = (path) => json("DELETE", BASE + path);
export const clock = () => json("GET", "/control/clock");
/** One part of a path, whatever characters it has. */
export const part = encodeURIComponent;
