// What can be done to a plan in which state; the same buttons in the list and in the monitoring.

import { post, remove } from "../api.js";
import { attempt, button, say } from "../dom.js";
import { confirm } from "../dialogs.js";

const RUNNING = ["suspend", "terminate"];
const POSSIBLE = {
  "Inactivated": ["activate", "edit", "delete"],
  "To be Upgraded": RUNNING,
  "Upgrading": RUNNING,
  "Suspended": ["resume", "terminate"],
};
const TEXT = { activate: "Activate", edit: "Edit", delete: "Delete", suspend: "Suspend", resume: "Resume", terminate: "Terminate" };
const DONE = { activate: "activated", suspend: "suspended", resume: "resumed" };

const QUESTIONS = {
  terminate: (plan) => [`Terminate ${plan.name}?`, "Devices that have not begun can no longer be upgraded; running upgrades go on.", "Terminate plan"],
  delete: (plan) => [`Delete ${plan.name}?`, "The plan was never activated; nothing else is lost.", "Delete plan"],
};

function press(action, plan, again) {
  if (action === "edit") location.hash = `#/plans/${plan.id}/edit`;
  else if (action in QUESTIONS) {
    confirm(...QUESTIONS[action](plan), async () => {
      await (action === "delete" ? remove(`/plans/${plan.id}`) : post(`/plans/${plan.id}/${action}`));
      say(`${plan.name} ${action}d.`);
      again(action);
    });
  } else attempt(() => post(`/plans/${plan.id}/${action}`).then(() => again(action)), `${plan.name} ${DONE[action]}.`);
}

/** The buttons of a plan; only where there is room for it the next step stands out. */
export function planActions(plan, again, small = false) {
  const style = { activate: small ? "" : "main", terminate: "grave", delete: "grave" };
  return (POSSIBLE[plan.status] ?? []).map((action) =>
    button(TEXT[action], () => press(action, plan, again), `${small ? "small" : ""} ${style[action] ?? ""}`, { "aria-label": `${TEXT[action]} ${plan.name}` }),
  );
}

export const rate = (share) => (share === null || share === undefined ? "–" : `${(share * 100).toFixed(share % 1 ? 1 : 0)}\u00a0%`);
export const modeText = (mode) => (mode === "silent" ? "Silent" : "User-confirmed");
