/** People and organizations: offices over time, and for one of them what was done, and with whom. */

import { extent, parts, told } from "./bars.js";
import { ticks } from "./axis.js";
import { span } from "./dates.js";
import { h } from "./dom.js";
import { capital, marks, plain, voice } from "./kinds.js";
import { link, panelLink, recordLink, state } from "./state.js";

const MOST = 200, TIES = 600;
const FIELDS = "id,kind,name,relation_count";
const ACTORS = ["person", "organization"];

export const title = "People";

export async function show(asked) {
  const [people, organizations, offices] = await Promise.all([
    asked.all("/v1/people", { fields: FIELDS, total: true }, MOST),
    asked.all("/v1/organizations", { fields: FIELDS, total: true }, MOST),
    asked.all("/v1/relations", { predicate: "held_office" }, MOST),
  ]);
  const actors = [...people.items, ...organizations.items];
  if (!actors.length) return [h("p", { class: "empty" }, "No people and no organizations are loaded.")];
  const chosen = state().get("who") ?? most(people.items.length ? people.items : actors).id;
  return [
    offices.items.length ? officeChart(offices.items) : null,
    h("div", { class: "actors" },
      h("nav", { "aria-label": "People and organizations" }, group("People", people, chosen), group("Organizations", organizations, chosen)),
      await deeds(asked, chosen)),
  ];
}

function most(actors) {
  return actors.reduce((best, each) => (each.relation_count > best.relation_count ? each : best));
}

function group(heading, { items, total, whole }, chosen) {
  const sorted = [...items].sort((a, b) => b.relation_count - a.relation_count);
  return [
    h("h2", {}, heading),
    h("ul", {}, sorted.map((actor) => h("li", {}, link({ who: actor.id }, { "aria-current": actor.id === chosen ? "true" : null },
      capital(actor.name), h("small", { title: "relations" }, ` ${actor.relation_count}`))))),
    whole ? null : h("p", { class: "quiet" }, `${items.length} of ${total}`),
  ];
}

/** Offices as rows on one scale; those without a date are named, and not placed. */
function officeChart(relations) {
  const offices = relations.map((relation) => ({ relation, span: span(relation.date) }));
  const dated = offices.filter((office) => office.span);
  const undated = offices.filter((office) => !office.span);
  const row = ({ relation }) => [recordLink(relation.subject), ", ",
    panelLink("relation", relation.id, {}, relation.role ?? relation.label), " of ", recordLink(relation.object)];
  return h(
    "section",
    { class: "offices", "aria-labelledby": "offices" },
    h("h2", { id: "offices" }, "Offices over time"),
    dated.length ? scale(dated, row) : null,
    undated.length ? h("p", {}, h("b", {}, "Undated: "), undated.map((office, index) => [index ? "; " : "", row(office)])) : null,
  );
}

const WIDE = 1_000; // of which a bar is so many, whatever the width

function scale(offices, row) {
  const first = Math.min(...offices.map((office) => office.span.first)) - 400;
  const last = Math.max(...offices.map((office) => office.span.last)) + 400;
  const x = (day) => 100 + ((day - first) / (last - first)) * (WIDE - 200);
  const shown = ticks(first, last, ((WIDE - 200) / (last - first)) * 0.6);
  const per = (value) => `${value / 10}%`;
  const relative = (element) => {
    for (const name of ["left", "width"]) element.style.setProperty(name, per(parseFloat(element.style.getPropertyValue(name))));
    return element;
  };
  return h(
    "div",
    { class: "rows" },
    h("div", { class: "row", "aria-hidden": "true" }, h("span"), h("div", { class: "axis" }, shown.map(({ day, label }) => h("span", { style: { left: per(x(day)) } }, label)))),
    offices.map((office) => h("div", { class: "row" },
      h("span", {}, row(office), h("span", { class: "quiet" }, ` ${told(office.relation.date, office.span)}`)),
      h("div", { class: "bar kind-person", "aria-hidden": "true" }, parts(extent(office.span, x), 0).map(relative)))),
  );
}

async function deeds(asked, id) {
  const [actor, relations, shared] = await Promise.all([
    asked.get(`/v1/records/${encodeURIComponent(id)}`),
    asked.all("/v1/relations", { record: id }, TIES),
    asked.all("/v1/records", { record: id, kind: ["event", "policy"] }, TIES),
  ]);
  const others = together(actor, relations.items, shared.items);
  const done = Map.groupBy(relations.items, ({ subject, label, inverse_label: inverse }) => (subject.id === id ? label : inverse));
  return h(
    "article",
    { class: "deeds" },
    h("h2", {}, recordLink(actor, {}, capital(actor.name))),
    h("p", {}, actor.summary),
    h("section", {}, h("h3", {}, "With whom"), others.length
      ? h("ul", { class: "with" }, others.map(([other, ties]) => h("li", {}, link({ who: other.id }, { class: "name" }, capital(other.name)), h("ul", {}, ties.map((tie) => h("li", {}, tie))))))
      : h("p", { class: "quiet" }, "No source joins anyone else to it.")),
    h("section", {}, h("h3", {}, "Who did what"), h("dl", {}, [...done].map(([label, some]) => [
      h("dt", {}, label),
      some.map((relation) => h("dd", {}, deed(relation, id))),
    ]))),
  );
}

function deed(relation, id) {
  return [recordLink(otherEnd(relation, id)), ...resting(relation, relation.role)];
}

/** How a relation is said and by whom, and the way to its evidence. */
function resting(relation, role) {
  const notes = [role, relation.date?.text && `“${relation.date.text}”`, ...marks(relation),
    relation.attributed_to && `says ${voice(relation)}`].filter(Boolean);
  return [h("span", { class: "quiet" }, notes.length ? ` ${notes.join(" · ")}` : ""),
    " ", panelLink("relation", relation.id, { class: "cite", title: "Who says so, and where" }, "evidence")];
}

function otherEnd({ subject, object }, id) {
  return subject.id === id ? object : subject;
}

/** Who else had part in the same events and policies, and who is related directly: `[actor, ties]`, the closest first. */
function together(actor, relations, shared) {
  const found = new Map();
  const add = (other, tie) => {
    if (other.id === actor.id || !ACTORS.includes(other.kind)) return;
    if (!found.has(other.id)) found.set(other.id, [other, []]);
    found.get(other.id)[1].push(tie);
  };
  for (const relation of relations) {
    const { subject, object, label, role } = relation;
    add(otherEnd(relation, actor.id), [`${subject.name} ${label} ${object.name}${role ? ` (${role})` : ""}`, ...resting(relation)]);
  }
  for (const record of shared) {
    const own = record.involved?.find((each) => each.record.id === actor.id);
    for (const each of own ? record.involved : []) {
      add(each.record, [recordLink(record), h("span", { class: "quiet" }, ` ${[part(own), part(each)].join(" / ")}`)]);
    }
  }
  return [...found.values()].sort((a, b) => b[1].length - a[1].length);
}

function part({ role, predicate }) {
  return role ?? plain(predicate);
}
