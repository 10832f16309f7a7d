// Labelled form fields from descriptions: {name, label, type, value, options, hint, …attributes}.

import { h } from "./dom.js";

let numbers = 0;

function control({ type = "text", options, value, ...attributes }) {
  if (type === "select") {
    const shown = options.map(([key, text]) => h("option", { value: key, selected: key === value }, text));
    return h("select", attributes, shown);
  }
  if (type === "textarea") return h("textarea", attributes, value ?? "");
  if (type === "checkbox") return h("input", { type, checked: Boolean(value), ...attributes });
  return h("input", { type, value, ...attributes });
}

/** A field with its label and hint, tied together for those who do not see them. */
export function field({ label, hint, ...description }) {
  const id = `field-${++numbers}`;
  const hintId = hint ? `${id}-hint` : null;
  const box = control({ id, "aria-describedby": hintId, ...description });
  const caption = h("label", { class: "label", for: id }, label, description.required ? " *" : "");
  const below = hint && h("span", { class: "hint", id: hintId }, hint);
  const check = description.type === "checkbox";
  return h("div", { class: check ? "field check" : "field" }, check ? [box, caption] : [caption, box], below);
}

/** The values of a form, by name: text trimmed, numbers as numbers, checkboxes as true and false; empty text left out. */
export function values(form) {
  const found = {};
  for (const box of form.elements) {
    if (!box.name || box.type === "file") continue;
    if (box.type === "checkbox") found[box.name] = box.checked;
    else if (box.value.trim() !== "") found[box.name] = box.type === "number" ? Number(box.value) : box.value.trim();
  }
  return found;
}
