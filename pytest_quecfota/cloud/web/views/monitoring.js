// One plan: its state, its figures, and its devices as they are upgraded, live.

import { get, post } from "../api.js";
import { attempt, button, h, renew, say } from "../dom.js";
import { field } from "../fields.js";
import { listen } from "../live.js";
import { badge, code, head, pager, time } from "../shown.js";
import { COLUMNS, deviceRow } from "./devicerow.js";
import { save } from "./lists.js";
import { openLog } from "./log.js";
import { modeText, planActions, rate } from "./planactions.js";

const PAGE = 100; // devices shown at once
const STATES = ["Not Upgraded", "Upgrading", "Upgraded", "Upgrade Failed", "No Update Required"];

function figures(counts, share) {
  const shown = [["Devices", counts.devices], ["Not upgraded", counts.not_upgraded], ["Upgrading", counts.upgrading], ["Succeeded", counts.upgraded], ["Failed", counts.failed], ["No update", counts.no_update_required], ["Success rate", rate(share)]];
  return shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value))));
}

function facts(plan) {
  const list = (which, keys) =>
    keys.length ? [`${keys.slice(0, 5).join(", ")}${keys.length > 5 ? ` and ${keys.length - 5} more` : ""} `, button("Save", () => save(`/plans/${plan.id}/lists/${which}`, `${plan.name} ${which}.csv`), "small", { "aria-label": `Save ${which}` })] : "–";
  const push = plan.mode === "silent" ? [["Pushed actively", plan.push_actively ? `yes, ${plan.push_period}` : "no"], ["Rejection time", `${plan.rejection_minutes} min`]] : [["Text for the user", plan.texts.en || plan.texts.zh || "–"]];
  const components = plan.components.map((c) => h("div", {}, code(c.identifier), ` ${c.package_type}, ${c.source_version || c.specified_versions.join("; ") || "any"} → ${c.target_version}`));
  const shown = [
    ["ProductKey", code(plan.product_key)],
    ["Upgrade mode", modeText(plan.mode)],
    ["Planned time", [time(plan.start), " – ", time(plan.end), ` ${plan.time_zone}`]],
    ...push,
    ["Strategy", `${plan.strategy.retries} retries, from ${String(plan.strategy.min_signal).replace("-", "−")} dBm, from ${plan.strategy.min_battery} %`],
    ["White list", list("whitelist", plan.whitelist)],
    ["Black list", list("blacklist", plan.blacklist)],
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
  const pages = h("div", {});
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
    pages.replaceChildren(pager(offset, PAGE, found.total, (to) => attempt(() => ((offset = to), page()))));
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
      if (log?.dk === data.dk) log.refresh(data);
    } else {
      live.textContent = name === "connected" ? "Live" : "Connecting…";
      live.className = name === "connected" ? "badge good" : "badge wait";
    }
  }

  async function retryAll() {
    const { retried, refused } = await post(`/plans/${id}/retry`, {});
    const [first] = refused;
    say(`${retried.length} devices are tried again.${first ? ` ${refused.length} are not: ${first.dk}: ${first.detail}.` : ""}`, refused.length > 0);
    await look();
  }

  const live = h("span", { class: "badge", role: "status" }, "Connecting…");
  state.addEventListener("change", () => attempt(() => ((offset = 0), page())));
  showPlan();
  await page();
  const tools = h("div", { class: "filter" }, h("h2", {}, "Devices"), live, state, plan.mode === "silent" && button("Retry all failed", () => attempt(retryAll), "small"), button("Export", () => save(`/plans/${id}/export`, `${plan.name}.csv`), "small", { "aria-label": "Export devices" }));
  const headings = [...COLUMNS.map((title) => h("th", { scope: "col" }, title)), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Actions"))];
  const table = h("table", {}, h("caption", { class: "unseen" }, `Devices of ${plan.name}`), h("thead", {}, h("tr", {}, headings)), rows);
  place.append(
    h("a", { class: "crumb", href: "#/plans" }, "← Upgrade plans"),
    top,
    numbers,
    h("section", { class: "card" }, tools, h("div", { class: "scroll" }, table), empty, pages),
    h("section", { class: "card pad" }, h("h2", {}, "Details"), details),
  );
  listen(`/api/v1/plans/${id}/events`, signal, hear);
}
