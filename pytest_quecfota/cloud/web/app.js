// The page: which view an address shows, signing in and out, the platform's clock.

import { clock, token } from "./api.js";
import { h } from "./dom.js";
import components from "./views/components.js";
import devices from "./views/devices.js";
import login from "./views/login.js";
import monitoring from "./views/monitoring.js";
import packages from "./views/packages.js";
import planform from "./views/planform.js";
import plans from "./views/plans.js";
import products from "./views/products.js";

const ROUTES = [
  [/^#\/products$/, products, "Products"],
  [/^#\/products\/([^/]+)$/, devices, "Devices"],
  [/^#\/packages$/, packages, "Packages"],
  [/^#\/components$/, components, "Components"],
  [/^#\/plans$/, plans, "Upgrade plans"],
  [/^#\/plans\/new$/, planform, "New upgrade plan"],
  [/^#\/plans\/(\d+)\/edit$/, planform, "Edit upgrade plan"],
  [/^#\/plans\/(\d+)$/, monitoring, "Monitoring"],
];
const main = document.getElementById("main");
let leaving = new AbortController();

function frame(inside, title) {
  document.body.classList.toggle("outside", !inside);
  document.getElementById("nav").hidden = !inside;
  document.getElementById("leave").hidden = !inside;
  document.title = `${title} – Developer Center`;
  for (const link of document.querySelectorAll("#nav a")) {
    const here = location.hash.startsWith(link.hash) && link.hash !== "";
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
}

/** Shows what the address names; the view before it is told to end (its `signal`). */
async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  const [pattern, view, title] = token.get() ? ROUTES.find(([known]) => known.test(location.hash)) ?? [] : [null, login, "Sign in"];
  if (view === undefined) {
    location.replace("#/products");
    return;
  }
  frame(view !== login, title);
  const place = h("div", {});
  const args = pattern ? location.hash.match(pattern).slice(1).map(decodeURIComponent) : [];
  try {
    await view(place, { signal, again: show }, ...args);
  } catch (error) {
    if (error.name === "AbortError" || !token.get()) return;
    place.replaceChildren(h("h1", { tabindex: -1 }, "That did not work"), h("p", { class: "problem" }, error.message));
  }
  if (signal.aborted) return;
  const moved = main.dataset.shown !== location.hash;
  main.dataset.shown = location.hash;
  main.replaceChildren(place);
  if (view === login) main.querySelector("input").focus();
  else if (moved) {
    scrollTo(0, 0);
    main.querySelector("h1")?.focus({ preventScroll: true });
  }
}

async function tick() {
  const place = document.getElementById("clock");
  if (!token.get()) place.textContent = "";
  else if (!document.hidden) {
    const { now, speed } = await clock().catch(() => ({}));
    if (now) place.textContent = `${now.slice(0, 19).replace("T", " ").replaceAll("-", "\u2011")} UTC${speed === 1 ? "" : ` · ×${speed >= 1e9 ? "max" : speed}`}`;
  }
}

document.getElementById("leave").addEventListener("click", () => {
  token.forget();
  show();
});
document.addEventListener("signed-out", show);
document.addEventListener("signed-in", () => {
  tick();
  show();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", show);
setInterval(tick, 2000);
tick();
show();
