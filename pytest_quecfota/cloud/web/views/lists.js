// White and black lists: typed, imported from a file, saved as one.

import { request } from "../api.js";
import { attempt, button, h, say } from "../dom.js";
import { field } from "../fields.js";

const HEADINGS = ["devicekey", "device key", "dk", "imei"];

/** Device keys in a text: one a line in its first column, or several with blanks, commas or semicolons between. */
export const keys = (text = "") => text.split(/[\s,;]+/).filter(Boolean);

/** Device keys of a file: the first column of each line, whatever stands in the others. */
function column(text) {
  const first = text.replace(/^\uFEFF/, "").split(/\r?\n/).map((line) => line.split(/[,;\t]/)[0].trim().replace(/^"|"$/g, ""));
  return first.filter((key, line) => key && !(line === 0 && HEADINGS.includes(key.toLowerCase())));
}

/** A list to be typed, or imported from a text or CSV file. */
export function list(label, name, value, hint) {
  const box = field({ label, name, type: "textarea", value: value.join("\n"), hint });
  const text = box.querySelector("textarea");
  const file = h("input", { type: "file", accept: ".csv,.txt,text/csv,text/plain", hidden: true, "aria-label": `File for the ${label.toLowerCase()}` });
  const count = h("span", { class: "soft", role: "status" });
  const show = () => (count.textContent = keys(text.value).length ? `${keys(text.value).length} devices` : "");
  file.addEventListener("change", async () => {
    const found = column(await file.files[0].text());
    text.value = [...new Set([...keys(text.value), ...found])].join("\n");
    file.value = "";
    show();
    say(`${found.length} devices imported.`);
  });
  text.addEventListener("input", show);
  show();
  return h("div", {}, box, h("div", { class: "actions under" }, button("Import file", () => file.click(), "small", { "aria-label": `Import ${label.toLowerCase()}` }), count, file));
}

/** Saves what a call answers as a file. */
export const save = (path, name) =>
  attempt(async () => {
    const address = URL.createObjectURL(await (await request("GET", `/api/v1${path}`)).blob());
    const link = h("a", { href: address, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }, `${name} saved.`);
