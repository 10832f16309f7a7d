// Version packages: upload, verification on one device, deletion.

import { get, post, remove } from "../api.js";
import { button, h, say } from "../dom.js";
import { ask, confirm } from "../dialogs.js";
import { badge, code, head, size, table, time } from "../shown.js";
import { KINDS } from "./components.js";

const LATEST = 3000; // milliseconds between two looks
const FORMATS = ".bin,.rar,.pack,.mini_1,.mini_2,.py,.tar,.s19,.bin_1,.bin_2,.zip,.gz";
const VERSION = "[A-Za-z0-9_.\\-]{1,64}";
const FIELDS = [
  { label: "Name", name: "name", required: true, maxlength: 100 },
  { label: "Component type", name: "component_type", type: "select", options: KINDS },
  { label: "Package type", name: "package_type", type: "select", options: [["full", "Full"], ["delta", "Delta"]] },
  { label: "Source version", name: "source_version", pattern: VERSION, hint: "Only devices that report it are offered a delta package." },
  { label: "Target version", name: "target_version", required: true, pattern: VERSION, hint: "Letters, digits, _, - and ." },
  { label: "Files", name: "files", type: "file", required: true, multiple: true, accept: FORMATS, hint: "1 to 5 files of at most 100 MB each" },
  { label: "Remarks", name: "remarks", type: "textarea", maxlength: 200 },
];

function newPackage(again) {
  const dialog = ask("Add package", {
    fields: FIELDS,
    action: "Upload package",
    submit: async (wanted, form) => {
      const body = new FormData();
      for (const [name, value] of Object.entries(wanted)) if (name !== "source_version" || wanted.package_type === "delta") body.append(name, value);
      for (const file of form.elements.files.files) body.append("files", file);
      await post("/packages", body);
      say(`Package ${wanted.name} added.`);
      again();
    },
  });
  const { package_type: type, source_version: source } = dialog.querySelector("form").elements;
  const follow = () => {
    source.required = type.value === "delta";
    source.closest(".field").hidden = type.value !== "delta";
  };
  type.addEventListener("change", follow);
  follow();
}

const verify = (item, components, again) =>
  ask(`Verify ${item.name}`, {
    text: "The package is issued at once to one device that is online; after 60 minutes without success it has failed.",
    fields: [
      { label: "DeviceKey", name: "dk", required: true, pattern: "[A-Za-z0-9]{4,32}" },
      { label: "Component", name: "component", type: "select", required: true, options: components.filter((c) => c.type === item.component_type).map((c) => [c.identifier, c.name]) },
    ],
    action: "Verify",
    submit: async (wanted) => {
      await post(`/packages/${item.id}/verify`, wanted);
      say("The package was issued.");
      again();
    },
  });

const discard = (item, again) =>
  confirm(`Delete ${item.name}?`, "The package and its files are removed.", "Delete package", async () => {
    await remove(`/packages/${item.id}`);
    again();
  });

function versions(item) {
  return item.package_type === "delta" ? [code(item.source_version), " → ", code(item.target_version)] : code(item.target_version);
}

export default async function packages(place, { again, signal }) {
  const components = await get("/components?limit=10000", signal);
  const list = h("section", { class: "card" });
  const actions = (p) =>
    h(
      "div",
      { class: "actions" },
      button("Verify", () => verify(p, components.items, again), "small", { "aria-label": `Verify ${p.name}` }),
      button("Delete", () => discard(p, again), "small grave", { "aria-label": `Delete ${p.name}` }),
    );
  const columns = [
    ["Name", (p) => [h("div", {}, p.name), p.remarks && h("small", { class: "soft" }, p.remarks)]],
    ["Component", (p) => (p.component_type === "mcu" ? "MCU" : "Module")],
    ["Package", (p) => (p.package_type === "delta" ? "Delta" : "Full")],
    ["Version", versions],
    ["Files", (p) => h("span", { title: p.files.map((f) => f.name).join(", ") }, `${p.files.length} · ${size(p.size)}`)],
    ["State", (p) => badge(p.verification && p.state === "Not Verified" ? p.verification.state : p.state)],
    ["Created", (p) => time(p.created)],
    ["", actions],
  ];
  let before = "";
  const look = async () => {
    const found = await get("/packages?limit=10000", signal);
    const now = JSON.stringify(found);
    if (now !== before) list.replaceChildren(table("Packages", columns, found.items, "There is no package yet."));
    before = now;
  };
  await look();
  const timer = setInterval(() => list.contains(document.activeElement) || look().catch(() => {}), LATEST);
  signal.addEventListener("abort", () => clearInterval(timer));
  place.append(head("Packages", "Firmware, in full or as the difference from one version to the next.", button("Add package", () => newPackage(again), "main")), list);
}
