// What can be done to a plan in which state; the same buttons in the list and in the monitoring.

import { post, put, remove } from "../api.js";
import { attempt, button, say } from "../dom.js";
import { ask, confirm } from "../dialogs.js";

const RUNNING = ["suspend", "texts", "terminate"];
const POSSIBLE = {
  "Inactivated": ["activate", "edit", "texts", "delete"],
  "To be Upgraded": RUNNING,
  "Upgrading": RUNNING,
  "Suspended": ["resume", "texts", "terminate"],
};
const TEXT = { activate: "Activate", edit: "Edit", delete: "Delete", texts: "Texts", suspend: "Suspend", resume: "Resume", terminate: "Terminate" };
const DONE = { activate: "activated", suspend: "suspended", resume: "resumed" };

const QUESTIONS = {
  terminate: (plan) => [`Terminate ${plan.name}?`, "Devices that have not begun can no longer be upgraded; running upgrades go on.", "Terminate plan"],
  delete: (plan) => [`Delete ${plan.name}?`, "The plan was never activated; nothing else is lost.", "Delete plan"],
};

const reword = (plan, again) =>
  ask(`Texts of ${plan.name}`, {
    text: "What the App shows its user before the upgrade.",
    fields: [
      { label: "English", name: "en", type: "textarea", maxlength: 2000, value: plan.texts.en },
      { label: "Chinese", name: "zh", type: "textarea", maxlength: 2000, value: plan.texts.zh, lang: "zh" },
    ],
    action: "Save texts",
    submit: async (texts) => {
      await put(`/plans/${plan.id}/texts`, texts);
      say("Texts saved.");
      again("texts");
    },
  });

function press(action, plan, again) {
  if (action === "edit") location.hash = `#/plans/${plan.id}/edit`;
  else if (action === "texts") reword(plan, again);
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
  const possible = (POSSIBLE[plan.status] ?? []).filter((action) => action !== "texts" || plan.mode !== "silent");
  return possible.map((action) =>
    button(TEXT[action], () => press(action, plan, again), `${small ? "small" : ""} ${style[action] ?? ""}`, { "aria-label": `${TEXT[action]} ${plan.name}` }),
  );
}

export const rate = (share) => (share === null || share === undefined ? "–" : `${(share * 100).toFixed(share % 1 ? 1 : 0)}\u00a0%`);
export const modeText = (mode) => (mode === "silent" ? "Silent" : "User-confirmed");
