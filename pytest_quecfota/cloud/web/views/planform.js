// Making a plan, and changing one that was not activated.

import { get, patch, post } from "../api.js";
import { button, h, say } from "../dom.js";
import { field, values } from "../fields.js";
import { head } from "../shown.js";
import { keys, list } from "./lists.js";
import { picks } from "./picks.js";

const PERIOD = "(?:[01]\\d|2[0-4]):00-(?:[01]\\d|2[0-4]):00";
const EMPTY = { name: "", mode: "silent", whitelist: [], blacklist: [], time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC", push_actively: true, push_period: "00:00-24:00", rejection_minutes: 120, strategy: { retries: 5, min_signal: -113, min_battery: 30, platform_filter: false }, texts: {}, components: [] };
const number = (name, label, value, min, max, hint) => field({ label, name, value, min, max, hint, type: "number", required: true });

function basics(plan, products, fixed) {
  return h(
    "fieldset",
    {},
    h("legend", {}, "Plan"),
    h(
      "div",
      { class: "columns" },
      field({ label: "Name", name: "name", value: plan.name, required: true, maxlength: 100 }),
      field({ label: "Product", name: "product_key", type: "select", required: true, disabled: fixed, value: plan.product_key, options: products.map((p) => [p.product_key, `${p.name} (${p.product_key})`]) }),
    ),
    h(
      "div",
      { class: "columns" },
      list("White list", "whitelist", plan.whitelist, "DeviceKeys, one a line. Empty: all devices of the product."),
      list("Black list", "blacklist", plan.blacklist, "Left out whatever the white list says."),
    ),
  );
}

function times(plan) {
  const zones = h("datalist", { id: "zones" }, ["UTC", ...Intl.supportedValuesOf("timeZone")].map((zone) => h("option", { value: zone })));
  return h(
    "fieldset",
    {},
    h("legend", {}, "Planned time"),
    h(
      "div",
      { class: "columns" },
      field({ label: "Time zone", name: "time_zone", value: plan.time_zone, required: true, list: "zones" }),
      field({ label: "Start", name: "start", type: "datetime-local", value: plan.start?.slice(0, 16), hint: "Empty: at once" }),
      field({ label: "End", name: "end", type: "datetime-local", value: plan.end?.slice(0, 16), hint: "What is not upgraded then has failed." }),
    ),
    zones,
  );
}

function manner(plan) {
  const mode = field({ label: "Upgrade mode", name: "mode", type: "select", value: plan.mode, options: [["silent", "Silent"], ["user-confirmed", "User-confirmed"]] });
  const silent = h(
    "div",
    {},
    field({ label: "Push actively", name: "push_actively", type: "checkbox", value: plan.push_actively, hint: "Otherwise devices have to ask." }),
    h(
      "div",
      { class: "columns" },
      field({ label: "Push period", name: "push_period", value: plan.push_period, pattern: PERIOD, required: true, hint: "Whole hours, e.g. 00:00-06:00" }),
      number("rejection_minutes", "Rejection time (minutes)", plan.rejection_minutes, 10, 1440, "So long after a refusal nothing is pushed."),
    ),
  );
  const confirmed = h(
    "div",
    { class: "columns" },
    field({ label: "Text for the user, English", name: "en", type: "textarea", value: plan.texts.en ?? "", maxlength: 2000 }),
    field({ label: "Text for the user, Chinese", name: "zh", type: "textarea", value: plan.texts.zh ?? "", maxlength: 2000, lang: "zh" }),
  );
  const follow = () => {
    confirmed.hidden = !(silent.hidden = mode.querySelector("select").value !== "silent");
  };
  mode.addEventListener("change", follow);
  follow();
  return h("fieldset", {}, h("legend", {}, "Manner"), h("div", { class: "columns" }, mode), silent, confirmed);
}

function strategy({ retries, min_signal, min_battery, platform_filter }) {
  return h(
    "fieldset",
    {},
    h("legend", {}, "Strategy"),
    h(
      "div",
      { class: "columns" },
      number("retries", "Retry times", retries, 0, 5),
      number("min_signal", "Minimum RSRP (dBm)", min_signal, -113, 0),
      number("min_battery", "Minimum battery capacity (%)", min_battery, 0, 100),
    ),
    field({ label: "Check on the platform too", name: "platform_filter", type: "checkbox", value: platform_filter, hint: "The offer is kept from devices that reported less; otherwise the device alone decides." }),
  );
}

function asked(form, chosen) {
  const { retries, min_signal, min_battery, platform_filter, en = "", zh = "", whitelist, blacklist, ...plain } = values(form);
  for (const name of ["identifier", "package", "specified_versions"]) delete plain[name];
  return { ...plain, whitelist: keys(whitelist), blacklist: keys(blacklist), strategy: { retries, min_signal, min_battery, platform_filter }, texts: { en, zh }, components: chosen.wanted() };
}

export default async function planform(place, { signal }, id) {
  const lists = await Promise.all(["/products", "/components", "/packages", "/plans"].map((path) => get(`${path}?limit=10000`, signal)));
  const [products, components, packages, plans] = lists.map((found) => found.items);
  const plan = id ? await get(`/plans/${id}`, signal) : EMPTY;
  const missing = [["products", products], ["components", components], ["packages", packages]].filter(([, found]) => !found.length);
  place.append(h("a", { class: "crumb", href: "#/plans" }, "← Upgrade plans"), head(id ? `Edit ${plan.name}` : "New upgrade plan"));
  if (missing.length) {
    place.append(missing.map(([what]) => h("p", {}, "A plan needs ", h("a", { href: `#/${what}` }, what), "; there are none yet.")).reduce((all, one) => (all.append(one), all), h("div", { class: "card pad" })));
    return;
  }
  const chosen = picks(components, packages, plan.components, plans.filter((other) => other.id !== id));
  const problem = h("p", { class: "problem", role: "alert" });
  const parts = h("fieldset", {}, h("legend", {}, "Components, in the order of their upgrade"), chosen.element);
  const buttons = h("div", { class: "actions" }, h("button", { class: "main" }, id ? "Save plan" : "Create plan"), button("Cancel", () => history.back()));
  const form = h("form", {}, basics(plan, products, Boolean(id)), parts, manner(plan), times(plan), strategy(plan.strategy), problem, buttons);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      const wanted = asked(form, chosen);
      const { product_key, ...changes } = wanted;
      const saved = id ? await patch(`/plans/${id}`, changes) : await post("/plans", wanted);
      say(`${saved.name} saved.`);
      location.hash = `#/plans/${saved.id}`;
    } catch (error) {
      problem.textContent = error.message;
    }
  });
  place.append(form);
}
