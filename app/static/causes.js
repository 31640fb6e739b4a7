/** Causes as arcs between what is on the page: solid where the source states them, dashed where it implies them. */

import { growing, h, svg } from "./dom.js";
import { capital, marks, voice } from "./kinds.js";
import { panelLink, recordLink } from "./state.js";
import { tip } from "./tip.js";

const MOST = 60, LISTED = 40;

/** The words that a relation rests on. */
function words(relation, citations) {
  const cited = citations.filter(({ target }) => target.id === relation.id);
  return [...new Set(cited.map(({ exact, fragment }) => exact ?? fragment))];
}

/** An overlay of arcs; `find(id)` gives the element of a record, `redraw()` puts them where these are now. */
export class Arcs {
  constructor(stage, relations, citations, find) {
    Object.assign(this, { stage, find });
    this.element = svg("svg", { class: "arcs", "aria-hidden": "true" }, arrow());
    // More than can be told apart are drawn only for the record that is looked at.
    this.few = relations.length <= MOST;
    this.arcs = relations.map((relation) => {
      const line = svg("path", { class: `arc ${relation.causality}`, "marker-end": "url(#arrow)" });
      const wide = svg("path", { class: "reach" });
      const group = svg("g", { class: this.few ? "" : "idle" }, wide, line);
      tip(group, () => [sentence(relation), marks(relation).join(", "), ...words(relation, citations).map((text) => `“${text}”`)]);
      return { relation, line, wide, group };
    });
    this.element.append(...this.arcs.map(({ group }) => group));
    stage.addEventListener("pointerover", (event) => this.#light(event.target.closest("[data-id]")?.dataset.id));
    stage.addEventListener("focusin", (event) => this.#light(event.target.closest("[data-id]")?.dataset.id));
  }

  redraw() {
    const origin = this.stage.getBoundingClientRect();
    for (const { relation, line, wide, group } of this.arcs) {
      if (!this.few && !group.classList.contains("on")) continue;
      const [from, to] = [this.find(relation.subject.id), this.find(relation.object.id)].map((element) => seen(element, origin));
      group.toggleAttribute("hidden", !from || !to);
      if (!from || !to) continue;
      const path = curve(from, to);
      line.setAttribute("d", path);
      wide.setAttribute("d", path);
    }
  }

  #light(id) {
    this.stage.classList.toggle("lit", this.arcs.some(({ relation }) => touches(relation, id)));
    for (const { relation, group } of this.arcs) group.classList.toggle("on", touches(relation, id));
    if (!this.few && id) this.redraw();
  }
}

function touches({ subject, object }, id) {
  return subject.id === id || object.id === id;
}

/** Where an element is on the stage; null where it is not in view. */
function seen(element, origin) {
  if (!element) return null;
  let { left, right, top, bottom } = element.getBoundingClientRect();
  const view = element.closest(".scroller")?.getBoundingClientRect();
  if (view) {
    if (right < view.left || left > view.right || bottom < view.top + 30 || top > view.bottom) return null;
    [left, right] = [Math.max(left, view.left), Math.min(right, view.right)];
  }
  return { left: left - origin.left, right: right - origin.left, top: top - origin.top, bottom: bottom - origin.top };
}

function curve(from, to) {
  const between = (a, b) => Math.min(Math.max((a.left + a.right) / 2, b.left + 10), Math.max(b.right - 10, b.left + 2));
  if (to.top >= from.bottom || from.top >= to.bottom) {
    const down = to.top >= from.bottom;
    const [x1, y1] = [between(to, from), down ? from.bottom : from.top];
    const [x2, y2] = [between(from, to), down ? to.top - 2 : to.bottom + 2];
    const middle = (y1 + y2) / 2;
    return `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`;
  }
  const right = to.left >= from.right;
  const [x1, x2] = right ? [from.right, to.left - 2] : [from.left, to.right + 2];
  const [y1, y2] = [(from.top + from.bottom) / 2, (to.top + to.bottom) / 2];
  // Neighbours are joined straight; what lies between two others is passed above.
  const bow = Math.abs(x2 - x1) < 60 ? 0 : 30;
  return `M${x1} ${y1}C${x1 + (x2 - x1) / 3} ${y1 - bow} ${x2 - (x2 - x1) / 3} ${y2 - bow} ${x2} ${y2}`;
}

function arrow() {
  return svg("defs", {}, svg(
    "marker",
    { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" },
    svg("path", { d: "M0 .5 8 4 0 7.5z" }),
  ));
}

function sentence({ subject, label, object }) {
  return capital(`${subject.name} ${label} ${object.name}`);
}

/** The same in words, each with what it rests on. */
export function causeList(relations, citations) {
  return growing({ class: "causes" }, LISTED, relations, (relation) => h(
    "div",
    { class: relation.causality },
    h("p", {}, recordLink(relation.subject, {}, capital(relation.subject.name)), " ",
      panelLink("relation", relation.id, { class: "predicate" }, relation.label), " ", recordLink(relation.object)),
    h("p", { class: "quiet" }, [marks(relation).join(", "), `says ${voice(relation)}`].join(" · "),
      words(relation, citations).map((text) => h("q", {}, text))),
  ));
}

/** Records in an order in which a cause stands before what it caused, those of one chain together. */
export function chained(records, relations) {
  const all = new Map(records.map((record) => [record.id, record]));
  const next = Map.groupBy(relations, ({ subject }) => subject.id);
  const caused = new Set(relations.map(({ object }) => object.id));
  const order = new Set();
  const walk = (id) => {
    if (order.has(id) || !all.has(id)) return;
    order.add(id);
    for (const { object } of next.get(id) ?? []) walk(object.id);
  };
  // What something dated caused stands next to it; then the chains, then what is in none.
  for (const { subject, object } of relations) if (!all.has(subject.id)) walk(object.id);
  for (const { id } of records) if (next.has(id) && !caused.has(id)) walk(id);
  for (const { id } of records) walk(id);
  return [...order].map((id) => all.get(id));
}
