/** The timeline: what is dated on an axis, what is not in a tray of its own, and causes as arcs over both. */

import { Failure } from "./api.js";
import { told } from "./bars.js";
import { Arcs, causeList, chained } from "./causes.js";
import { Chart } from "./chart.js";
import { iso, parsed, span } from "./dates.js";
import { growing, h } from "./dom.js";
import { filters } from "./filters.js";
import { capital, isDashed } from "./kinds.js";
import { change, recordLink, state } from "./state.js";
import { tip } from "./tip.js";

const MOST = 2_000;
const TRAY = 80;
const PAPER = 680; // pixels, as wide as A4 and Letter have room for
const FIELDS = "id,kind,name,summary,date,stance,attributed_to,polarity";
/** How each kind that has dates is asked for what has to do with a person and a policy. */
const LISTS = {
  event: { path: "/v1/events", person: "person", policy: "policy" },
  policy: { path: "/v1/policies", person: "person", policy: "id" },
  quote: { path: "/v1/quotes", person: "speaker", policy: "about" },
  estimate: { path: "/v1/estimates", person: "attributed_to", policy: "subject" },
};
const DEFAULT = ["event", "policy"];

export const title = "Timeline";

export async function show(asked) {
  const given = state();
  const kinds = given.getAll("kind").filter((kind) => kind in LISTS);
  const shown = kinds.length ? kinds : DEFAULT;
  const lists = shown.map((kind) => asked.all(LISTS[kind].path, query(kind, given), MOST).catch(mistaken));
  const [options, relations, ...found] = await Promise.all([
    asked.get("/v1/events", { facets: "person,policy", fields: "id", limit: 1 }),
    asked.all("/v1/relations", { causality: ["explicit", "implied"], include: "citations" }, MOST),
    ...lists,
  ]);
  const records = found.flatMap(({ items }) => items);
  const causes = among(relations.items, records);
  const wrong = found.find(({ faults }) => faults);
  return [
    filters(Object.keys(LISTS), shown, options.facets, given),
    ...found.map((list, index) => list.whole ? null : notice(list, shown[index])),
    given.has("from") || given.has("to") ? h("p", { class: "quiet" }, "What has no date is left out: no year can be asked of it.") : null,
    wrong ? wrong.faults.map(fault) : records.length ? stage(records, causes, relations.citations, given) : empty(given),
    causes.length ? h("section", { "aria-labelledby": "causes" }, h("h2", { id: "causes" }, "Causes"),
      h("p", { class: "lead" }, "What the sources state as a cause, and what they only imply, each with its words."),
      causeList(causes, relations.citations)) : null,
  ];
}

/** A filter that was written wrongly leaves the others as they are, and the place where it can be mended. */
function mistaken(error) {
  if (!(error instanceof Failure) || error.status !== 422) throw error;
  return { items: [], whole: true, faults: error.faults };
}

function fault({ parameter, detail }) {
  return h("p", { class: "failure", role: "alert" }, h("strong", {}, capital(parameter)), `: ${detail}`);
}

function query(kind, given) {
  const { person, policy } = LISTS[kind];
  const dates = { from: given.get("from"), to: given.get("to") };
  const match = dates.from || dates.to ? "possible" : null;
  return { [person]: given.get("person"), [policy]: given.get("policy"), ...dates, match, fields: FIELDS, total: true };
}

function among(relations, records) {
  const ids = new Set(records.map(({ id }) => id));
  return relations.filter(({ subject, object }) => ids.has(subject.id) && ids.has(object.id));
}

function notice({ items, total }, kind) {
  const all = total?.toLocaleString("en") ?? "more";
  return h("p", { class: "notice" }, `The first ${items.length.toLocaleString("en")} of ${all} are shown (${kind}). Filter, or set the years, to see the others.`);
}

function empty(given) {
  const filtered = ["kind", "person", "policy", "from", "to"].some((name) => given.has(name));
  return h("p", { class: "empty" }, filtered
    ? "Nothing answers to these filters. Take one away."
    : "There is nothing here yet. Add a pack below seed/, and it is shown as soon as it is loaded.");
}

function stage(records, causes, citations, given) {
  const items = records.map((record) => ({ record, span: span(record.date) }));
  const dated = items.filter((item) => item.span);
  const undated = chained(items.filter((item) => !item.span).map(({ record }) => record), causes);
  const chart = dated.length ? new Chart(dated, windowOf(given), keep) : null;
  const chips = new Map();
  const element = h(
    "section",
    { class: "stage" },
    chart && toolbar(chart),
    chart?.scroller,
    undated.length ? tray(undated, chips, () => arcs.redraw()) : null,
  );
  const arcs = new Arcs(element, causes, citations, (id) => chips.get(id) ?? chart?.bar(id));
  element.append(arcs.element);
  if (chart) chart.moved = () => arcs.redraw();
  new ResizeObserver(() => arcs.redraw()).observe(element);
  forPrint(chart, element);
  return element;
}

/** The days of `window=1957-01-01/1962-12-31`; null for all. */
function windowOf(given) {
  const days = (given.get("window") ?? "").split("/").map(parsed);
  return days.length === 2 && days.every(Number.isInteger) && days[0] < days[1] ? days : null;
}

function keep(days) {
  change({ window: days && days.map((day) => iso(day)).join("/") }, { replace: true });
}

function toolbar(chart) {
  const button = (label, sign, act) => h("button", { type: "button", title: label, "aria-label": label, onclick: act }, sign);
  return h(
    "div",
    { class: "toolbar" },
    legend(),
    h("span", { class: "buttons" },
      button("Zoom out", "−", () => chart.zoom(1 / 1.6)),
      button("Zoom in", "+", () => chart.zoom(1.6)),
      button("Show all", "All", () => chart.fit())),
  );
}

function legend() {
  const entry = (parts, text) => h("span", { class: "entry" }, h("span", { class: "bar", "aria-hidden": "true" }, parts.map((name) => h("i", { class: name }))), text);
  return h("span", { class: "legend" },
    entry(["certain"], "certain"), entry(["possible"], "possible"),
    entry(["open-left", "possible"], "open: “by …”"), entry(["cause explicit"], "stated cause"), entry(["cause implied"], "implied cause"));
}

function tray(records, chips, grown) {
  const chip = (record) => {
    const made = recordLink(record, { class: `chip kind-${record.kind}${isDashed(record) ? " dashed" : ""}`, data: { id: record.id } },
      capital(record.name), record.date ? h("em", {}, ` ${record.date.text}`) : null);
    chips.set(record.id, made);
    tip(made, () => [capital(record.name), record.date && told(record.date, null), record.summary]);
    return made;
  };
  const dashed = records.some(isDashed) ? "; dashed: what the author does not simply assert" : "";
  return h("div", { class: "tray" },
    h("h2", {}, "Undated ", h("small", {}, `${records.length.toLocaleString("en")}, whose place here means nothing${dashed}`)),
    growing({ class: "chips" }, TRAY, records, chip, grown));
}

function forPrint(chart, element) {
  if (!chart) return;
  const act = ({ type }) => element.isConnected && chart.print(type === "beforeprint" ? PAPER : null);
  addEventListener("beforeprint", act);
  addEventListener("afterprint", act);
}
