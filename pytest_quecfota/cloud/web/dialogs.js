// Dialogs: a form to fill in, a question to answer, something to read. Escape closes all of them.

import { button, h } from "./dom.js";
import { field, values } from "./fields.js";

/** Shows `content` in a dialog that is gone once it is closed. */
export function show(title, content, { wide = false, closed = () => {}, tools = null } = {}) {
  const dialog = h("dialog", { class: wide ? "wide" : "", "aria-labelledby": "dialog-title" });
  dialog.append(
    h("header", {}, h("h2", { id: "dialog-title" }, title), tools, button("Close", () => dialog.close(), "small")),
    h("div", { class: "inside" }, content),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** A form in a dialog; `submit(values, form)` may throw, and its message is shown in the dialog. */
export function ask(title, { text, fields, action, submit }) {
  const problem = h("p", { class: "problem", role: "alert" });
  const send = h("button", { class: "main" }, action);
  const cancel = button("Cancel", () => dialog.close());
  const form = h("form", {}, text && h("p", {}, text), fields.map(field), problem, h("footer", {}, cancel, send));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    send.disabled = true;
    send.textContent = `${action}…`;
    try {
      await submit(values(form), form);
      dialog.close();
    } catch (error) {
      problem.textContent = error.message;
      problem.scrollIntoView({ block: "nearest" });
    } finally {
      send.disabled = false;
      send.textContent = action;
    }
  });
  const dialog = show(title, form);
  form.querySelector("input, select, textarea")?.focus();
  return dialog;
}

/** Asks before something that cannot be taken back. */
export const confirm = (title, text, action, submit) => ask(title, { text, fields: [], action, submit });
