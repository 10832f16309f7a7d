// How states, times, sizes and tables are shown.

import { button, h } from "./dom.js";

const TONES = {
  "Upgraded": "good", "Upgrade Succeeded": "good", "Verified": "good", "Activated": "good", "Online": "good",
  "Upgrade Failed": "bad", "Download Failed": "bad", "Failed": "bad", "Forced Terminated": "bad", "Disabled": "bad",
  "Upgrading": "busy", "To be Upgraded": "busy", "Upgrade Confirmed": "busy", "Ready to Download": "busy",
  "Downloading": "busy", "Download Succeeded": "busy", "Verifying": "busy", "Plan Received": "busy",
  "Suspended": "wait", "Inactivated": "wait", "Not Verified": "wait", "Not Activated": "wait",
};

export const tone = (status) => TONES[status] ?? "";
export const badge = (status) => h("span", { class: `badge ${tone(status)}` }, status);
/** `2026-01-31T08:00:00.000+08:00` as `2026-01-31 08:00:00`, in the offset it came with. */
export const time = (iso) => (iso ? h("time", { datetime: iso, title: iso }, iso.slice(0, 19).replace("T", " ")) : "–");
export const code = (text) => h("code", {}, text || "–");

/** Bytes in the unit a reader expects. */
export function size(bytes) {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 2);
  return power ? `${(bytes / 1024 ** power).toFixed(1)} ${["", "KiB", "MiB"][power]}` : `${bytes} bytes`;
}

/** A table of `columns` [title, cell(item)]; `empty` stands where there is nothing. */
export function table(caption, columns, items, empty) {
  if (!items.length) return h("p", { class: "empty" }, empty);
  const head = columns.map(([title]) => h("th", { scope: "col" }, title || h("span", { class: "unseen" }, "Actions")));
  const rows = items.map((item) => h("tr", { "data-key": item.dk ?? item.id }, columns.map(([title, cell]) => h("td", { "data-title": title || null }, cell(item)))));
  const name = h("caption", { class: "unseen" }, caption);
  return h("div", { class: "scroll" }, h("table", {}, name, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)));
}

/** Which part of a long list is shown, and the way to the others; nothing where all of it is. */
export function pager(offset, size, total, go) {
  if (total <= size) return "";
  return h(
    "div",
    { class: "filter pages", role: "group", "aria-label": "Pages" },
    h("span", { class: "soft" }, `${offset + 1}–${Math.min(offset + size, total)} of ${total}`),
    button("Previous", () => go(offset - size), "small", { disabled: offset === 0 }),
    button("Next", () => go(offset + size), "small", { disabled: offset + size >= total }),
  );
}

/** A page's head: title, one line about it, what can be done. */
export function head(title, about, ...actions) {
  return h("div", { class: "head" }, h("h1", { tabindex: -1 }, title), h("div", { class: "actions" }, actions), about && h("p", {}, about));
}
