// Upgrade components: what plans pick from.

import { get, post, remove } from "../api.js";
import { button, h, say } from "../dom.js";
import { ask, confirm } from "../dialogs.js";
import { code, head, table, time } from "../shown.js";

export const KINDS = [["module", "Module firmware (FOTA)"], ["mcu", "MCU firmware (SOTA)"]];

const newComponent = (again) =>
  ask("New component", {
    fields: [
      { label: "Name", name: "name", required: true, maxlength: 100 },
      { label: "Identifier", name: "identifier", required: true, maxlength: 100, hint: "What the module prints in its offers, e.g. BC25" },
      { label: "Type", name: "type", type: "select", options: KINDS },
    ],
    action: "Create component",
    submit: async (wanted) => {
      await post("/components", wanted);
      say(`Component ${wanted.name} created.`);
      again();
    },
  });

const discard = (component, again) =>
  confirm(`Delete ${component.name}?`, "Plans that use it keep what they have.", "Delete component", async () => {
    await remove(`/components/${component.id}`);
    again();
  });

export default async function components(place, { again, signal }) {
  const found = await get("/components?limit=10000", signal);
  const columns = [
    ["Name", (c) => c.name],
    ["Identifier", (c) => code(c.identifier)],
    ["Type", (c) => Object.fromEntries(KINDS)[c.type]],
    ["Created", (c) => time(c.created)],
    ["", (c) => h("div", { class: "actions" }, button("Delete", () => discard(c, again), "small grave", { "aria-label": `Delete ${c.name}` }))],
  ];
  place.append(
    head("Components", "The parts of a device that can be upgraded, under the identifiers the devices use.", button("New component", () => newComponent(again), "main")),
    h("section", { class: "card" }, table("Components", columns, found.items, "There is no component yet.")),
  );
}
