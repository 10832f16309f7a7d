// One device in the monitoring of a plan.

import { part, post } from "../api.js";
import { attempt, button, h } from "../dom.js";
import { confirm } from "../dialogs.js";
import { badge, code, time, tone } from "../shown.js";

export const COLUMNS = ["DeviceKey", "Upgrade status", "Components", "Start and end"];
const OPEN = ["Not Upgraded", "Upgrading"];

function component({ identifier, status, progress, source_version, target_version }) {
  const bar = h("progress", { max: 100, value: progress, class: tone(status), "aria-label": `Progress of ${identifier}` });
  const versions = `${source_version || "any"} → ${target_version}`;
  return h("div", { class: "part" }, code(identifier), badge(status), bar, h("span", { class: "percent" }, `${progress} %`), h("small", { class: "soft versions" }, versions));
}

const cancel = (plan, { dk }) =>
  confirm(`Cancel the upgrade of ${dk}?`, "A running upgrade is called back as soon as the device agrees; one that is being installed goes on.", "Cancel upgrade", () => post(`/plans/${plan.id}/devices/${part(dk)}/cancel`));

function actions(plan, device, openLog) {
  const label = (text) => ({ "aria-label": `${text} ${device.dk}` });
  const retry = () => attempt(() => post(`/plans/${plan.id}/devices/${part(device.dk)}/retry`), `${device.dk} is tried again.`);
  const active = plan.activated && !["Forced Terminated", "Ended"].includes(plan.status);
  return h(
    "div",
    { class: "actions" },
    button("Log", () => openLog(device.dk), "small", label("Log of")),
    active && OPEN.includes(device.status) && button("Cancel", () => cancel(plan, device), "small grave", { ...label("Cancel"), disabled: device.cancelling }),
    active && plan.mode === "silent" && device.status === "Upgrade Failed" && button("Retry", retry, "small", label("Retry")),
  );
}

const name = ({ dk, online }) => [h("div", {}, code(dk)), h("small", { class: online ? "online" : "soft" }, online ? "Online" : "Offline")];

function status(device) {
  const more = device.cancelling ? "Cancelling…" : device.refused_until ? ["Refused until ", time(device.refused_until)] : "";
  return [badge(device.status), more && h("div", { class: "soft" }, h("small", {}, more))];
}

/** The row of a device. */
export function deviceRow(plan, device, openLog) {
  const cells = [name(device), status(device), device.components.map(component), [h("div", {}, time(device.start)), h("div", {}, time(device.end))], actions(plan, device, openLog)];
  return h("tr", { "data-key": device.dk }, cells.map((cell, index) => h("td", { "data-title": COLUMNS[index] ?? null }, cell)));
}
