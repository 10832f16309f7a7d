// The list of upgrade plans.

import { get } from "../api.js";
import { button, h } from "../dom.js";
import { field } from "../fields.js";
import { badge, head, table } from "../shown.js";
import { modeText, planActions, rate } from "./planactions.js";

const LATEST = 3000; // milliseconds between two looks
const STATES = ["Inactivated", "To be Upgraded", "Upgrading", "Suspended", "Forced Terminated", "Ended"];
const chosen = { name: "", product_key: "", status: "", since: "", until: "" };

function filter(products, changed) {
  const all = [["", "All"]];
  const boxes = [
    field({ label: "Name", name: "name", type: "search", value: chosen.name }),
    field({ label: "Product", name: "product_key", type: "select", value: chosen.product_key, options: [...all, ...products.map((p) => [p.product_key, p.name])] }),
    field({ label: "Status", name: "status", type: "select", value: chosen.status, options: [...all, ...STATES.map((s) => [s, s])] }),
    field({ label: "Made from", name: "since", type: "date", value: chosen.since }),
    field({ label: "to", name: "until", type: "date", value: chosen.until }),
  ];
  const form = h("form", { class: "filter", role: "search", "aria-label": "Filter plans" }, boxes);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    chosen[event.target.name] = event.target.value;
    changed();
  });
  return form;
}

/** The days of the filter as moments: both belong to the range, in the time zone of the browser. */
function asked() {
  const moment = (day, more) => day && new Date(new Date(`${day}T00:00:00`).getTime() + more).toISOString();
  return { ...chosen, since: moment(chosen.since, 0), until: moment(chosen.until, 86_400_000) };
}

export default async function plans(place, { signal }) {
  const products = (await get("/products?limit=10000", signal)).items;
  const names = new Map(products.map((product) => [product.product_key, product.name]));
  const list = h("div", {});
  let before = "";
  const look = async () => {
    const wanted = new URLSearchParams(Object.entries(asked()).filter(([, value]) => value));
    const found = await get(`/plans?limit=10000&${wanted}`, signal);
    const now = JSON.stringify(found);
    if (now !== before) list.replaceChildren(table("Upgrade plans", columns, found.items.reverse(), Object.values(chosen).some(Boolean) ? "No plan fits this filter." : "There is no plan yet."));
    before = now;
  };
  const columns = [
    ["Plan", (p) => h("a", { href: `#/plans/${p.id}` }, p.name)],
    ["Product and mode", (p) => [h("div", {}, names.get(p.product_key) ?? p.product_key), h("small", { class: "soft" }, modeText(p.mode))]],
    ["Status", (p) => badge(p.status)],
    ["Devices", (p) => String(p.counts.devices)],
    ["Succeeded", (p) => String(p.counts.upgraded)],
    ["Failed", (p) => String(p.counts.failed)],
    ["Rate", (p) => rate(p.success_rate)],
    ["", (p) => h("div", { class: "actions" }, planActions(p, look, true))],
  ];
  const quiet = () => look().catch(() => {});
  await look();
  const timer = setInterval(() => list.contains(document.activeElement) || quiet(), LATEST);
  signal.addEventListener("abort", () => clearInterval(timer));
  const create = button("New plan", () => (location.hash = "#/plans/new"), "main");
  place.append(head("Upgrade plans", "A plan brings packages to the devices of one product, silently or after the user has agreed.", create), h("section", { class: "card" }, filter(products, quiet), list));
}
