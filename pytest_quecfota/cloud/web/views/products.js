// Projects and products.

import { get, part, post } from "../api.js";
import { button, h, say } from "../dom.js";
import { ask, show } from "../dialogs.js";
import { code, head, table, time } from "../shown.js";

const newProject = (again) =>
  ask("New project", {
    fields: [{ label: "Name", name: "name", required: true, maxlength: 100 }],
    action: "Create project",
    submit: async (wanted) => {
      await post("/projects", wanted);
      say(`Project ${wanted.name} created.`);
      again();
    },
  });

const newProduct = (projects, again) =>
  ask("New product", {
    fields: [
      { label: "Name", name: "name", required: true, maxlength: 100 },
      { label: "Project", name: "project", type: "select", options: [["", "none"], ...projects.map((p) => [p.id, p.name])], value: projects.at(-1)?.id },
      { label: "ProductKey", name: "product_key", pattern: "[A-Za-z0-9_\\-]{1,64}", hint: "Left empty, one is made up." },
      { label: "ProductSecret", name: "product_secret", maxlength: 128, autocomplete: "off", hint: "Left empty, one is made up." },
    ],
    action: "Create product",
    submit: async (wanted) => {
      await post("/products", wanted);
      say(`Product ${wanted.name} created.`);
      again();
    },
  });

const credentials = (product) =>
  show(`Credentials of ${product.name}`, [
    h("p", {}, "Devices of this product prove with both that they belong to it."),
    h("dl", { class: "facts" }, [["ProductKey", product.product_key], ["ProductSecret", product.product_secret]].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, code(value))))),
  ]);

export default async function products(place, { again, signal }) {
  const [projects, found] = await Promise.all([get("/projects?limit=10000", signal), get("/products?limit=10000", signal)]);
  const names = new Map(projects.items.map((project) => [project.id, project.name]));
  const columns = [
    ["Product", (p) => h("a", { href: `#/products/${part(p.product_key)}` }, p.name)],
    ["Project", (p) => names.get(p.project) ?? "–"],
    ["ProductKey", (p) => code(p.product_key)],
    ["Created", (p) => time(p.created)],
    ["", (p) => h("div", { class: "actions" }, button("Credentials", () => credentials(p), "small", { "aria-label": `Credentials of ${p.name}` }))],
  ];
  const projectColumns = [
    ["Project", (p) => p.name],
    ["Products", (p) => String(found.items.filter((product) => product.project === p.id).length)],
    ["Created", (p) => time(p.created)],
  ];
  place.append(
    head(
      "Products",
      "A product stands for one kind of device; its devices come by themselves with ProductKey and ProductSecret.",
      button("New project", () => newProject(again)),
      button("New product", () => newProduct(projects.items, again), "main"),
    ),
    h("section", { class: "card" }, table("Products", columns, found.items, "There is no product yet.")),
    projects.items.length ? h("section", { class: "card" }, table("Projects", projectColumns, projects.items, "")) : "",
  );
}
