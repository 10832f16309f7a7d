// The upgrade log of one device in one plan; it grows while it is open.

import { get, part } from "../api.js";
import { h } from "../dom.js";
import { field } from "../fields.js";
import { show } from "../dialogs.js";
import { code, table, time } from "../shown.js";

const COLUMNS = [["Time", (line) => time(line.time)], ["Component", (line) => (line.component ? code(line.component) : "–")], ["Message", (line) => line.text]];

/** Opens the log; `refresh()` of what it returns reads it again, `closed` is called at its end. */
export function openLog(plan, dk, closed) {
  const list = h("div", {});
  const which = field({ label: "Component", type: "select", options: [["", "All"], ...plan.components.map((c) => [c.identifier, c.identifier])] });
  let lines = [];
  const render = () => {
    const wanted = which.querySelector("select").value;
    const shown = lines.filter((line) => !wanted || !line.component || line.component === wanted);
    list.replaceChildren(table(`Log of ${dk}`, COLUMNS, shown, "Nothing has happened yet."));
  };
  const refresh = async () => {
    const found = await get(`/plans/${plan.id}/devices/${part(dk)}/log?limit=10000`);
    lines = found.items;
    render();
  };
  which.addEventListener("change", render);
  refresh().catch((error) => list.replaceChildren(h("p", { class: "problem" }, error.message)));
  show(`Log of ${dk}`, [h("div", { class: "filter" }, which), list], { wide: true, closed });
  return { dk, refresh: () => refresh().catch(() => {}) };
}
