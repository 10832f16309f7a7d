// One plan: its state, its figures, and its devices as they are upgraded, live.

import { get, part, post } from "../api.js";
import { attempt, button, h, renew } from "../dom.js";
import { field } from "../fields.js";
import { listen } from "../live.js";
import { badge, code, head, time } from "../shown.js";
import { COLUMNS, deviceRow } from "./devicerow.js";
import { openLog } from "./log.js";
import { modeText, planActions, rate } from "./planactions.js";

const PAGE = 100; // devices shown at once
const STATES = ["Not Upgraded", "Upgrading", "Upgraded", "Upgrade Failed", "No Update Required"];

function figures(counts, share) {
  const shown = [["Devices", counts.devices], ["Not upgraded", counts.not_upgraded], ["Upgrading", counts.upgrading], ["Succeeded", counts.upgraded], ["Failed", counts.failed], ["No update", counts.no_update_required], ["Success rate", rate(share)]];
  return shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value))));
}

function facts(plan) {
  const list = (keys) => (keys.length ? keys.join(", ") : "–");
  const push = plan.mode === "silent" ? [["Pushed actively", plan.push_actively ? `yes, ${plan.push_period}` : "no"], ["Rejection time", `${plan.rejection_minutes} min`]] : [["Text for the user", plan.texts.en || plan.texts.zh || "–"]];
  const components = plan.components.map((c) => h("div", {}, code(c.identifier), ` ${c.package_type}, ${c.source_version || c.specified_versions.join("; ") || "any"} → ${c.target_version}`));
  const shown = [
    ["ProductKey", code(plan.product_key)],
    ["Upgrade mode", modeText(plan.mode)],
    ["Planned time", [time(plan.start), " – ", time(plan.end), ` ${plan.time_zone}`]],
    ...push,
    ["Strategy", `${plan.strategy.retries} retries, ${plan.strategy.min_signal} dBm, ${plan.strategy.min_battery} %`],
    ["White list", list(plan.whitelist)],
    ["Black list", list(plan.blacklist)],
    ["Components", components],
  ];
  return h("dl", { class: "facts" }, shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

export default async function monitoring(place, { signal }, id) {
  let plan = await get(`/plans/${id}`, signal);
  let log = null;
  let offset = 0;
  const rows = h("tbody", {});
  const top = h("div", { class: "head" });
  const numbers = h("dl", { class: "figures" });
  const details = h("div", {});
  const pager = h("div", { class: "filter", role: "group", "aria-label": "Pages" });
  const state = field({ label: "Status", type: "select", options: [["", "All"], ...STATES.map((s) => [s, s])] });
  const empty = h("p", { class: "empty" });
  const logOf = (dk) => (log = openLog(plan, dk, () => (log = null)));

  function showPlan() {
    const wanted = head(plan.name, null, planActions(plan, changed));
    wanted.querySelector("h1").after(badge(plan.status));
    renew(top, wanted);
    details.replaceChildren(facts(plan));
    numbers.replaceChildren(...figures(plan.counts, plan.success_rate));
  }

  async function changed(action) {
    if (action === "delete") location.hash = "#/plans";
    else await look();
  }

  async function page() {
    const status = state.querySelector("select").value;
    const query = new URLSearchParams({ offset, limit: PAGE, ...(status && { status }) });
    const found = await get(`/plans/${id}/devices?${query}`, signal);
    rows.replaceChildren(...found.items.map((device) => deviceRow(plan, device, logOf)));
    empty.textContent = found.total ? "" : "There is no such device yet.";
    empty.hidden = found.total > 0;
    const move = (by) => attempt(() => ((offset += by), page()));
    pager.hidden = found.total <= PAGE;
    pager.replaceChildren(
      h("span", { class: "soft" }, `${offset + 1}–${Math.min(offset + PAGE, found.total)} of ${found.total}`),
      button("Previous", () => move(-PAGE), "small", { disabled: offset === 0 }),
      button("Next", () => move(PAGE), "small", { disabled: offset + PAGE >= found.total }),
    );
  }

  async function look() {
    plan = await get(`/plans/${id}`, signal);
    showPlan();
    await page();
  }

  function hear(name, data) {
    if (name === "plan") {
      const moved = data.status !== plan.status;
      plan = data;
      showPlan();
      if (moved) page().catch(() => {});
    } else if (name === "counts") {
      numbers.replaceChildren(...figures(data, data.success_rate));
      if (data.devices !== plan.counts.devices) page().catch(() => {});
      plan = { ...plan, counts: data };
    } else if (name === "device") {
      const old = rows.querySelector(`[data-key="${CSS.escape(data.dk)}"]`);
      if (old) renew(old, deviceRow(plan, data, logOf));
      else if (offset === 0 && rows.children.length < PAGE) page().catch(() => {});
      if (log?.dk === data.dk) log.refresh();
    } else {
      live.textContent = name === "connected" ? "Live" : "Connecting…";
      live.className = name === "connected" ? "badge good" : "badge wait";
    }
  }

  async function retryAll() {
    const failed = await get(`/plans/${id}/devices?${new URLSearchParams({ status: "Upgrade Failed", limit: 10000 })}`, signal);
    for (const { dk } of failed.items) await post(`/plans/${id}/devices/${part(dk)}/retry`);
    await look();
  }

  const live = h("span", { class: "badge", role: "status" }, "Connecting…");
  state.addEventListener("change", () => attempt(() => ((offset = 0), page())));
  showPlan();
  await page();
  const tools = h("div", { class: "filter" }, h("h2", {}, "Devices"), live, state, plan.mode === "silent" && button("Retry all failed", () => attempt(retryAll, "All failed devices are tried again."), "small"));
  const headings = [...COLUMNS.map((title) => h("th", { scope: "col" }, title)), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Actions"))];
  const table = h("table", {}, h("caption", { class: "unseen" }, `Devices of ${plan.name}`), h("thead", {}, h("tr", {}, headings)), rows);
  place.append(
    h("a", { class: "crumb", href: "#/plans" }, "← Upgrade plans"),
    top,
    numbers,
    h("section", { class: "card" }, tools, h("div", { class: "scroll" }, table), empty, pager),
    h("section", { class: "card pad" }, h("h2", {}, "Details"), details),
  );
  listen(`/api/v1/plans/${id}/events`, signal, hear);
}
