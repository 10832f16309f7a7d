// The way of one component from the offer to the version check, as the vendor's page shows it.

import { h } from "../dom.js";
import { badge, code } from "../shown.js";

const STEPS = ["Start", "Confirm", "Download", "Upgrade", "Result"];
const REACHED = {
  "Plan Not Received": 0, "Plan Received": 1, "Upgrade Confirmed": 2, "Ready to Download": 2, "Downloading": 2, "Download Failed": 2,
  "Download Succeeded": 3, "Upgrading": 3, "Upgrade Failed": 4, "Upgrade Succeeded": 5, "No Update Required": 5,
};

function step(name, index, { status, progress }) {
  const reached = REACHED[status];
  const failed = status.endsWith("Failed") && index === reached;
  const kind = failed ? "bad" : index < reached ? "done" : index === reached ? "now" : "due";
  const more = kind === "now" && progress && index > 1 ? ` ${progress} %` : "";
  return h("li", { class: kind, "aria-current": index === reached ? "step" : null }, name + more);
}

/** Where each component of a device stands. */
export function steps(components) {
  return components.map((component) =>
    h(
      "section",
      { class: "way" },
      h("div", {}, code(component.identifier), ` ${component.source_version || "any"} → ${component.target_version} `, badge(component.status)),
      h("ol", { class: "steps", "aria-label": `Steps of ${component.identifier}` }, STEPS.map((name, index) => step(name, index, component))),
    ),
  );
}
