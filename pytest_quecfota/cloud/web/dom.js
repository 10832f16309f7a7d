// Elements from data: text is always text, never markup, so nothing a device or a user wrote can become a script.

/** An element; `on…` attributes are listeners, true and false set or leave out, children may be nested lists. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A button; `kind` is a class such as `main`, `grave`, `small`. */
export const button = (text, onclick, kind = "", more = {}) => h("button", { type: "button", class: kind, onclick, ...more }, text);

/** A short notice that leaves by itself; screen readers hear it. */
export function say(text, bad = false) {
  const note = h("p", { class: bad ? "bad" : "good" }, text);
  const all = document.getElementById("messages");
  for (const earlier of all.querySelectorAll(".good")) earlier.remove();
  all.append(note);
  setTimeout(() => note.remove(), bad ? 9000 : 4000);
}

/** Runs what a button does, once at a time, and says what went wrong. */
export async function attempt(action, done = "") {
  const pressed = document.activeElement instanceof HTMLButtonElement ? document.activeElement : null;
  if (pressed) pressed.disabled = true;
  try {
    await action();
    if (done) say(done);
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, true);
  } finally {
    if (pressed) pressed.disabled = false;
  }
}

/** Makes the children of `place` equal to those of `wanted`; what is the same already stays, with its focus and its clicks. */
export function renew(place, wanted) {
  const now = [...place.children];
  const due = [...wanted.children];
  if (now.length !== due.length) place.replaceChildren(...wanted.childNodes);
  else now.forEach((child, index) => child.isEqualNode(due[index]) || child.replaceWith(due[index]));
}
