/** Figures as the sources give them: ranges on one scale for each measure, whose they are, and targets apart. */

import { h } from "./dom.js";
import { capital, figure, marks, plain, voice } from "./kinds.js";
import { recordLink } from "./state.js";

const MOST = 1_000;

export const title = "Estimates";

export async function show(asked) {
  const { items, total, whole } = await asked.all("/v1/estimates", { sort: "id", total: true }, MOST);
  const drawn = items.filter((item) => ends(item).some((end) => end !== null));
  const told = items.filter((item) => !drawn.includes(item));
  const targets = drawn.filter(({ type }) => type === "target");
  const counts = drawn.filter(({ type }) => type !== "target");
  return [
    h("p", { class: "lead" }, "A bar reaches from the lowest to the highest figure that is given. There is no middle: no source gave one."),
    whole ? null : h("p", { class: "notice" }, `The first ${items.length} of ${total} are shown.`),
    items.length ? null : h("p", { class: "empty" }, "No figures are loaded."),
    scales(counts, "Counts and estimates"),
    scales(targets, "Targets: what was aimed at, not what was counted"),
    told.length ? h("section", { class: "figures" }, h("h2", {}, "In words only"), h("ul", { class: "cards" }, told.map((item) => h("li", { class: "card" }, said(item))))) : null,
  ];
}

/** The lowest and the highest of a figure; null where it is open. */
function ends({ low, high, value }) {
  return low === null && high === null ? [value, value] : [low, high];
}

function scales(items, heading) {
  if (!items.length) return null;
  const groups = Map.groupBy(items, ({ measure, unit }) => [plain(measure), unit && unit !== plain(measure) ? unit : null].filter(Boolean).join(", in "));
  return h("section", { class: "figures" }, h("h2", {}, heading), [...groups].map(([name, group]) => scale(name, group)));
}

function scale(name, group) {
  const highest = Math.max(...group.flatMap(ends).filter((end) => end !== null));
  const step = round((highest || 1) / 5);
  const top = Math.ceil((highest || 1) / step) * step;
  const share = (value) => `${(value / top) * 100}%`;
  const marksOf = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step);
  return h(
    "figure",
    {},
    h("figcaption", {}, capital(name)),
    h("div", { class: "ruler", "aria-hidden": "true" }, marksOf.map((mark) => h("span", { style: { left: share(mark) } }, short(mark)))),
    h("ul", {}, group.map((item) => {
      const [low, high] = ends(item);
      const [left, right] = [low ?? 0, high ?? top];
      const sides = [low === null && "from-open", high === null && "to-open", left === right && "single", item.approximate && "about"];
      const bar = h("span", { class: ["range", ...sides].filter(Boolean).join(" "), style: { left: share(left), width: share(right - left) } });
      const within = item.value !== null && low !== high ? h("span", { class: "given", style: { left: share(item.value) } }) : null;
      return h("li", { class: item.stance }, said(item), h("div", { class: "track", "aria-hidden": "true" }, marksOf.map((mark) => h("i", { style: { left: share(mark) } })), bar, within));
    })),
  );
}

function said(item) {
  const about = [item.subject, item.place].filter(Boolean).map((record) => recordLink(record));
  return h(
    "div",
    { class: "said" },
    h("p", {}, recordLink(item, { class: "name" }), figure(item) ? h("strong", {}, ` ${figure(item)}`) : null,
      item.hedge ? h("q", {}, item.hedge) : null, item.duration ? h("span", { class: "quiet" }, ` over ${duration(item.duration)}`) : null),
    h("p", { class: "quiet" }, ["says ", voice(item), marks(item).length ? ` (${marks(item).join(", ")})` : "",
      ...about.flatMap((each, index) => [index ? ", " : " · of ", each])]),
    figure(item) ? null : h("p", {}, item.summary),
  );
}

/** Such as `1 year`, of the ISO 8601 duration P1Y; other forms as they are. */
function duration(text) {
  const found = /^P(\d+)([YMWD])$/.exec(text);
  const name = found && { Y: "year", M: "month", W: "week", D: "day" }[found[2]];
  return found ? `${found[1]} ${name}${found[1] === "1" ? "" : "s"}` : text;
}

/** 1, 2 or 5 with zeros, not below what is asked for. */
function round(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= least);
}

function short(value) {
  return new Intl.NumberFormat("en", { notation: "compact" }).format(value);
}
