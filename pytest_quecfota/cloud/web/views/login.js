// Signing in: the token that was printed when the service started.

import { token } from "../api.js";
import { h } from "../dom.js";
import { field, values } from "../fields.js";

export default async function login(place) {
  const problem = h("p", { class: "problem", role: "alert" });
  const form = h(
    "form",
    { class: "card pad login" },
    h("h1", {}, "Sign in"),
    h("p", { class: "soft" }, "The token was printed when the service started. It is kept in this tab only."),
    h("input", { type: "text", autocomplete: "username", value: "Developer Center", hidden: true, "aria-label": "User" }),
    field({ label: "Token", name: "token", type: "password", required: true, autocomplete: "current-password" }),
    problem,
    h("button", { class: "main" }, "Sign in"),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    const given = values(form).token ?? "";
    if (!/^[!-~]+$/.test(given)) {
      problem.textContent = "This token is not valid.";
      return;
    }
    // A refused token would end in a new sign-in form; asking by hand keeps this one and its reason.
    const answer = await fetch("/api/v1/projects?limit=1", { headers: { Authorization: `Bearer ${given}` } }).catch(() => null);
    if (answer === null) problem.textContent = "The Developer Center does not answer.";
    else if (!answer.ok) problem.textContent = "This token is not valid.";
    else {
      token.set(given);
      document.dispatchEvent(new Event("signed-in"));
    }
  });
  place.append(form);
}
