/** The page: which view the URL asks for, what it is waiting for, and what went wrong. The file to read first. */

import { Asked, Failure } from "./api.js";
import { h } from "./dom.js";
import * as estimates from "./estimates.js";
import { PANELS } from "./panel.js";
import * as people from "./people.js";
import { requests } from "./requests.js";
import * as search from "./search.js";
import { change, link, onChange, state } from "./state.js";
import * as timeline from "./timeline.js";

const VIEWS = { timeline, estimates, people, search };
/** What a panel or a chart keeps in the URL, and for which the view is not made anew. */
const ASIDE = [...Object.keys(PANELS), "window"];
const WAIT = 150; // milliseconds after a key

const main = document.querySelector("main");
const panel = document.querySelector("#panel");
const tabs = document.querySelector("nav.tabs");
const box = document.querySelector("#q");
const drawn = { view: null, panel: null };
const asking = { view: new AbortController(), panel: new AbortController() };
let opener = null;

function update() {
  const given = state();
  const name = given.get("view") in VIEWS ? given.get("view") : "timeline";
  const view = [...given].filter(([key]) => !ASIDE.includes(key)).join("&");
  if (view !== drawn.view) {
    drawn.view = view;
    document.title = `${VIEWS[name].title} · Fasti`;
    for (const tab of tabs.children) tab.dataset.view === name ? tab.setAttribute("aria-current", "page") : tab.removeAttribute("aria-current");
    fill("view", main, (asked) => VIEWS[name].show(asked));
  }
  if (document.activeElement !== box) box.value = given.get("q") ?? "";
  showPanel(given);
}

function showPanel(given) {
  const kind = Object.keys(PANELS).find((each) => given.has(each));
  const wanted = kind && `${kind} ${given.get(kind)}`;
  if (wanted === drawn.panel) return;
  if (!drawn.panel) opener = document.activeElement;
  drawn.panel = wanted;
  document.body.classList.toggle("with-panel", Boolean(kind));
  panel.hidden = !kind;
  mark();
  if (!kind) {
    asking.panel.abort();
    if (opener?.isConnected) opener.focus({ preventScroll: true });
    return;
  }
  const close = h("button", { type: "button", class: "close", "aria-label": "Close", onclick: closePanel }, "×");
  fill("panel", panel, (asked) => PANELS[kind](asked, given.get(kind)), close).then(() => panel.querySelector("h2")?.focus({ preventScroll: true }));
}

function closePanel() {
  change(Object.fromEntries(Object.keys(PANELS).map((name) => [name, null])));
}

/** Show what `make` gives, with the requests behind it; until then what was there, and a failure with a way to retry. */
async function fill(place, root, make, ...before) {
  asking[place].abort();
  const { signal } = (asking[place] = new AbortController());
  const asked = new Asked(signal);
  root.setAttribute("aria-busy", "true");
  let shown;
  try {
    shown = await make(asked);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Failure)) console.error(error);
    shown = [failure(error, () => fill(place, root, make, ...before))];
  }
  if (signal.aborted) return;
  root.removeAttribute("aria-busy");
  const refocus = focusIn(root);
  root.replaceChildren(...[...before, shown, requests(asked)].flat(Infinity).filter(Boolean));
  document.dispatchEvent(new Event("shown"));
  mark();
  refocus();
}

/** Gives the focus back, once a view is made anew, to what had it, with what was being written there. */
function focusIn(root) {
  const { activeElement: element } = document;
  if (!root.contains(element) || !element.matches("a, [name]")) return () => {};
  const { name, type, value } = element;
  const same = name ? `[name="${name}"]${type === "checkbox" ? `[value="${value}"]` : ""}` : `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  // Or its removal would count as the end of writing, and half a year be asked for.
  if (type === "text") element.value = element.defaultValue;
  return () => {
    const found = root.querySelector(same);
    found?.focus({ preventScroll: true });
    if (found && type === "text") found.value = value;
  };
}

function failure(error, retry) {
  const anew = Object.fromEntries([...state().keys()].filter((name) => name !== "view").map((name) => [name, null]));
  return h("div", { class: "failure", role: "alert" },
    h("h2", {}, error.title ?? "The page has a fault"), h("p", {}, error.message),
    error.isFinal ? link(anew, {}, "Show all instead") : h("button", { type: "button", onclick: retry }, "Try again"));
}

function mark() {
  const chosen = state().get("record");
  for (const each of document.querySelectorAll("[data-id]")) each.classList.toggle("chosen", each.dataset.id === chosen);
}

/** What is loaded, by its own title; the page stands without it. */
async function introduce() {
  const about = await new Asked(asking.view.signal).get("/v1").catch(() => null);
  const bases = about?.knowledge_bases ?? [];
  document.querySelector("#base").replaceChildren(bases.map(({ title }) => title).join(" · "));
  const licences = bases.map(({ licence, licence_url: url, citation }) => [url ? h("a", { href: url }, licence) : licence, ` ${citation}`]);
  document.querySelector("#licence").replaceChildren(...licences.flat());
}

for (const [name, { title }] of Object.entries(VIEWS)) {
  tabs.append(link({ view: name === "timeline" ? null : name }, { data: { view: name } }, title));
}
let typing;
box.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => change({ view: "search", q: box.value }, { replace: state().get("view") === "search" }), WAIT);
});
box.form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  change({ view: "search", q: box.value });
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && drawn.panel) closePanel();
  if (event.key === "/" && !event.target.closest("input, select, textarea")) {
    event.preventDefault();
    box.focus();
  }
});
onChange(update);
update();
introduce();
