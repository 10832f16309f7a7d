// The components of a plan, in the order in which they are upgraded.

import { button, h } from "../dom.js";
import { field } from "../fields.js";

const text = (p) => `${p.name} (${p.package_type === "delta" ? `${p.source_version} → ` : ""}${p.target_version})`;

/** The list of picks: `element` to show, `wanted()` for the API; those of another plan can be taken over. */
export function picks(components, packages, chosen, plans) {
  const list = h("div", {});
  const kinds = new Map(components.map((c) => [c.identifier, c.type]));

  function pick(start) {
    const row = h("div", { class: "pick", role: "group" });
    const which = field({ label: "Component", name: "identifier", type: "select", value: start.identifier, options: components.map((c) => [c.identifier, `${c.name} (${c.identifier})`]) });
    const versions = field({ label: "Specified versions", name: "specified_versions", value: start.specified_versions?.join("; ") ?? "", hint: "Up to 8, with ; between" });
    const source = h("div", {});
    const follow = () => {
      const kind = kinds.get(which.querySelector("select").value);
      const fitting = packages.filter((p) => p.component_type === kind);
      source.replaceChildren(field({ label: "Package", name: "package", type: "select", required: true, value: start.package, options: fitting.map((p) => [p.id, text(p)]), hint: fitting.length ? null : "There is no package for this type yet." }));
      limit();
    };
    const limit = () => {
      const found = packages.find((p) => p.id === source.querySelector("select").value);
      versions.querySelector("input").disabled = found?.package_type === "delta";
    };
    which.addEventListener("change", follow);
    source.addEventListener("change", limit);
    row.append(h("span", { class: "place", "aria-hidden": "true" }), which, source, versions, h("div", { class: "actions" }, button("↑", () => up(row), "small", { title: "Upgrade earlier", "aria-label": "Upgrade earlier" }), button("Remove", () => drop(row), "small grave")));
    list.append(row);
    follow();
    count();
  }

  function up(row) {
    row.previousElementSibling?.before(row);
    count();
    row.querySelector("button").focus();
  }

  function drop(row) {
    if (list.children.length > 1) row.remove();
    count();
    list.querySelector("select").focus();
  }

  function count() {
    [...list.children].forEach((row, index) => {
      row.firstChild.textContent = `${index + 1}.`;
      row.setAttribute("aria-label", `Component ${index + 1}`);
    });
  }

  function wanted() {
    return [...list.children].map((row) => {
      const [identifier, pack] = [...row.querySelectorAll("select")].map((box) => box.value);
      const versions = row.querySelector("input");
      return { identifier, package: pack, ...(versions.disabled || !versions.value.trim() ? {} : { specified_versions: versions.value }) };
    });
  }

  function fill(starts) {
    list.replaceChildren();
    for (const start of starts) pick(start);
  }

  function reuse() {
    const options = [["", "Take over from a plan…"], ...plans.toReversed().map((plan) => [plan.id, plan.name])];
    const box = h("select", { "aria-label": "Take over components from a plan" }, options.map(([key, shown]) => h("option", { value: key }, shown)));
    box.addEventListener("change", () => {
      const other = plans.find((plan) => plan.id === box.value);
      if (other) fill(other.components);
      box.value = "";
    });
    return box;
  }

  fill(chosen.length ? chosen : [{}]);
  const tools = h("div", { class: "actions under" }, button("Add component", () => pick({}), "small"), plans.length > 0 && reuse());
  return { element: [list, tools], wanted };
}
