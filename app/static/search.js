/** Search as you type: records, relations and passages, each with what in it answers. */

import { h } from "./dom.js";
import { plain, marks, voice } from "./kinds.js";
import { link, panelLink, recordLink, state } from "./state.js";

const HITS = 40, SPANS = 2;

export const title = "Search";

export async function show(asked) {
  const q = state().get("q")?.trim() ?? "";
  if (!q) return [h("p", { class: "empty" }, "Write a word, a name or a “phrase in quotes” above.")];
  const [names, hits] = await Promise.all([
    asked.get("/v1/suggest", { q, limit: 8 }),
    asked.get("/v1/search", { q, limit: HITS, total: true }),
  ]);
  return [
    h("p", { class: "lead", role: "status" }, count(hits, q)),
    hits.did_you_mean ? h("p", {}, "Did you mean ", link({ q: hits.did_you_mean.q }, { class: "name" }, hits.did_you_mean.q), "?") : null,
    names.items.length ? h("ul", { class: "chips names", "aria-label": "Names that begin so" }, names.items.map((name) =>
      h("li", {}, recordLink(name, { class: `chip kind-${name.kind}` }, marked(name.matched, name.ranges), h("em", {}, ` ${name.hint}`))))) : null,
    h("ol", { class: "hits" }, hits.items.map(hit)),
  ];
}

function count({ items, total }, q) {
  if (!items.length) return `Nothing answers to “${q}”.`;
  const shown = items.length < (total ?? items.length) ? `, of which the first ${items.length} are shown` : "";
  return `${(total ?? items.length).toLocaleString("en")} for “${q}”${shown}`;
}

function hit(found) {
  const notes = [found.date, ...marks(found), found.attributed_to && `says ${voice(found)}`].filter(Boolean);
  return h(
    "li",
    { class: `kind-${found.kind}` },
    h("p", {}, h("span", { class: "badge" }, found.kind), " ", opened(found), notes.length ? h("span", { class: "quiet" }, ` ${notes.join(" · ")}`) : null),
    found.matches.filter(({ field }) => field !== "name" && field !== "label").map((match) => reason(plain(match.field), match)),
    found.spans.slice(0, SPANS).map((span) => reason(span.type === "citation" ? "cited words" : "the text", span)),
  );
}

/** One way in which a hit answers, its words marked. */
function reason(field, { text, ranges, cut_before: before, cut_after: after }) {
  return h("p", { class: "match" }, h("span", { class: "field" }, field), h("span", {}, before ? "… " : null, marked(text, ranges), after ? " …" : null));
}

function opened(found) {
  const named = found.matches.find(({ field, cut_before: before, cut_after: after }) => ["name", "label"].includes(field) && !before && !after);
  const name = named?.text === found.name ? marked(found.name, named.ranges) : found.name;
  if (found.kind === "relation") return panelLink("relation", found.id, { class: "name" }, name);
  if (found.kind === "passage") return panelLink("passage", found.id, { class: "name" }, name);
  return recordLink(found, { class: "name" }, name);
}

/** A text with its ranges marked. They count code points, as the API does. */
function marked(text, ranges) {
  const points = [...text];
  const pieces = [];
  let end = 0;
  for (const range of ranges) {
    pieces.push(points.slice(end, range.start).join(""), h("mark", {}, points.slice(range.start, range.end).join("")));
    end = range.end;
  }
  return [...pieces, points.slice(end).join("")];
}
