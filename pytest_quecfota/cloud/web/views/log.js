// The upgrade log of one device in one plan; it grows while it is open.

import { get, part } from "../api.js";
import { h } from "../dom.js";
import { field } from "../fields.js";
import { show } from "../dialogs.js";
import { code, table, time } from "../shown.js";
import { steps } from "./steps.js";

const COLUMNS = [["Time", (line) => time(line.time)], ["Component", (line) => (line.component ? code(line.component) : "–")], ["Message", (line) => line.text]];

/** Opens the log; `refresh(device)` of what it returns reads it again, `closed` is called at its end. */
export function openLog(plan, dk, closed) {
  const list = h("div", {});
  const way = h("div", { class: "ways" });
  const device = `/plans/${plan.id}/devices/${part(dk)}`;
  const which = field({ label: "Component", type: "select", options: [["", "All"], ...plan.components.map((c) => [c.identifier, c.identifier])] });
  let lines = [];
  const render = () => {
    const wanted = which.querySelector("select").value;
    const shown = lines.filter((line) => !wanted || !line.component || line.component === wanted);
    list.replaceChildren(table(`Log of ${dk}`, COLUMNS, shown, "Nothing has happened yet."));
  };
  const refresh = async (told) => {
    const [state, found] = await Promise.all([told ?? get(device), get(`${device}/log?limit=10000`)]);
    way.replaceChildren(...steps(state.components));
    lines = found.items;
    const first = !list.children.length;
    const box = list.closest("dialog");
    const follows = first ? state.status === "Upgrading" : box && box.scrollTop + box.clientHeight >= box.scrollHeight - 40;
    render();
    if (follows) box?.scrollTo(0, box.scrollHeight);
  };
  which.addEventListener("change", render);
  refresh().catch((error) => list.replaceChildren(h("p", { class: "problem" }, error.message)));
  show(`Log of ${dk}`, [way, h("div", { class: "filter" }, which), list], { wide: true, closed });
  return { dk, refresh: (told) => refresh(told).catch(() => {}) };
}
