// The devices of a product.

import { get, part, post } from "../api.js";
import { attempt, button, h, say } from "../dom.js";
import { ask, confirm } from "../dialogs.js";
import { badge, code, head, pager, table, time } from "../shown.js";

const LATEST = 3000; // milliseconds between two looks
const PAGE = 100; // devices shown at once

function versions({ module, mcu }) {
  const others = Object.entries(mcu).map(([name, version]) => h("div", {}, `${name}: `, code(version)));
  return [h("div", {}, code(module)), others];
}

function actions(base, device, again) {
  const act = (name, done) => attempt(() => post(`${base}/${part(device.dk)}/${name}`).then(again), done);
  const reset = () =>
    confirm("Reset device", `${device.dk} loses its secret and has to authenticate anew.`, "Reset device", async () => {
      await post(`${base}/${part(device.dk)}/reset`);
      again();
    });
  const [name, text] = device.status === "Disabled" ? ["enable", "Enable"] : ["disable", "Disable"];
  return h(
    "div",
    { class: "actions" },
    button(text, () => act(name, `${device.dk}: ${name}d.`), "small", { "aria-label": `${text} ${device.dk}` }),
    button("Reset", reset, "small grave", { "aria-label": `Reset ${device.dk}` }),
  );
}

const addDevice = (base, again) =>
  ask("Add device", {
    text: "Devices list themselves when they connect for the first time; this lists one before that.",
    fields: [{ label: "DeviceKey", name: "dk", required: true, pattern: "[A-Za-z0-9]{4,32}", hint: "4 to 32 letters or digits, often the IMEI" }],
    action: "Add device",
    submit: async (wanted) => {
      await post(base, wanted);
      say(`Device ${wanted.dk} added.`);
      again();
    },
  });

export default async function devices(place, { again, signal }, key) {
  const base = `/products/${part(key)}/devices`;
  const product = await get(`/products/${part(key)}`, signal);
  const list = h("section", { class: "card" });
  const columns = [
    ["DeviceKey", (d) => [h("div", {}, code(d.dk)), h("small", { class: d.online ? "online" : "soft" }, d.online ? "Online" : "Offline")]],
    ["Status", (d) => badge(d.status)],
    ["Model", (d) => d.model || "–"],
    ["Versions", (d) => versions(d.versions)],
    ["Battery", (d) => h("span", { class: "nowrap" }, d.battery === null ? "–" : `${d.battery} %`)],
    ["Signal", (d) => h("span", { class: "nowrap" }, d.signal === null ? "–" : `${d.signal} dBm`.replace("-", "−"))],
    ["Last seen", (d) => time(d.seen)],
    ["", (d) => actions(base, d, again)],
  ];
  let before = "";
  let offset = 0;
  const look = async () => {
    const found = await get(`${base}?${new URLSearchParams({ offset, limit: PAGE })}`, signal);
    const now = JSON.stringify([offset, found]);
    if (now !== before) list.replaceChildren(table(`Devices of ${product.name}`, columns, found.items, "No device has connected yet."), pager(offset, PAGE, found.total, (to) => attempt(() => ((offset = to), look()))));
    before = now;
  };
  await look();
  const timer = setInterval(() => list.contains(document.activeElement) || look().catch(() => {}), LATEST);
  signal.addEventListener("abort", () => clearInterval(timer));
  place.append(h("a", { class: "crumb", href: "#/products" }, "← Products"), head(`Devices of ${product.name}`, null, button("Add device", () => addDevice(base, again))), list);
}
