/** Beside a view: all that is said of a record, who says so and in which stance, and the words it rests on. */

import { told } from "./bars.js";
import { span } from "./dates.js";
import { h } from "./dom.js";
import { capital, figure, marks, plain, voice } from "./kinds.js";
import { passageOf, passageView } from "./passage.js";
import { panelLink, recordLink } from "./state.js";

const MOST = 400;

/** The parameters of the page that open the panel, and what each shows. */
export const PANELS = { record, relation, passage };

async function record(asked, id) {
  const [shown, relations] = await Promise.all([
    asked.get(`/v1/records/${encodeURIComponent(id)}`, { include: "citations" }),
    asked.all("/v1/relations", { record: id, include: "citations" }, MOST),
  ]);
  const cited = Map.groupBy(relations.citations, ({ target }) => target.id);
  return [
    heading(shown.kind, shown.name, shown),
    shown.kind === "quote" ? h("blockquote", {}, shown.text) : null,
    shown.kind === "estimate" && figure(shown) ? h("p", { class: "figure" }, figure(shown), shown.hedge ? h("q", {}, shown.hedge) : null) : null,
    h("p", {}, shown.summary),
    facts(shown),
    section("Where it stands", citations(asked, shown.included.citations)),
    relations.items.length ? section(`Said of it${relations.whole ? "" : `, the first ${MOST}`}`, h("ul", { class: "statements" }, relations.items.map((each) =>
      h("li", {}, statement(each, id), citations(asked, cited.get(each.id) ?? []))))) : null,
  ];
}

async function relation(asked, id) {
  const shown = await asked.get(`/v1/relations/${encodeURIComponent(id)}`, { include: "citations" });
  return [
    heading("relation", `${shown.subject.name} ${shown.label} ${shown.object.name}`, shown),
    statement(shown, null),
    shown.note ? h("p", {}, shown.note) : null,
    section("Where it stands", citations(asked, shown.included.citations)),
  ];
}

async function passage(asked, id) {
  const shown = await asked.get(`/v1/passages/${encodeURIComponent(id)}`);
  return [
    heading("passage", `${shown.source.name}, paragraph ${shown.paragraph}`, {}),
    passageView(shown, null),
    section("What rests on it", h("ul", { class: "statements" }, [...new Map(shown.anchors.map(({ target }) => [target.id, target])).values()].map((target) =>
      h("li", {}, target.type === "record" ? recordLink(target) : panelLink("relation", target.id, {}, target.name))))),
  ];
}

function heading(kind, name, shown) {
  const said = [...marks(shown), shown.stance && `says ${voice(shown)}`].filter(Boolean);
  const date = shown.date ? told(shown.date, span(shown.date)) : "date" in shown && shown.kind ? "undated" : null;
  return h(
    "header",
    { class: `kind-${kind}` },
    h("p", {}, h("span", { class: "badge" }, kind), shown.type && plain(shown.type) !== kind ? ` ${plain(shown.type)}` : ""),
    h("h2", { tabindex: -1 }, capital(name)),
    h("p", { class: "quiet" }, [date, ...said].filter(Boolean).join(" · "), shown.date?.edtf ? h("code", { title: "EDTF" }, shown.date.edtf) : null),
  );
}

function section(title, ...children) {
  return h("section", {}, h("h3", {}, title), ...children);
}

/** What the kinds have of their own, as far as it is given. */
function facts(shown) {
  const names = (records) => records?.length ? records.map((each, index) => [index ? ", " : "", recordLink(each)]) : null;
  const rows = {
    "Also called": shown.aliases?.map(({ name }) => name).join(", "),
    Description: shown.description,
    "Who spoke": shown.speaker && recordLink(shown.speaker),
    About: names(shown.about),
    Of: names([shown.subject, shown.place].filter(Boolean)),
    Measure: shown.measure && plain(shown.measure),
    Offices: shown.offices?.length ? shown.offices.map(({ organization, role, date }, index) =>
      [index ? "; " : "", role ?? "office", " of ", recordLink(organization), date ? ` (“${date.text}”)` : " (undated)"]) : null,
    "Begun by": names(shown.initiators),
    Involved: shown.involved?.length ? shown.involved.map(({ record: each, role, predicate }, index) =>
      [index ? ", " : "", recordLink(each), ` (${role ?? plain(predicate)})`]) : null,
    Where: names(shown.places),
    Policies: names(shown.policies),
    Author: shown.author && [shown.author, shown.affiliation].filter(Boolean).join(", "),
    Licence: shown.licence,
  };
  const given = Object.entries(rows).filter(([, value]) => value && value.length !== 0);
  return given.length ? h("dl", { class: "facts" }, given.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])) : null;
}

/** A relation as a sentence; the record that is shown is not linked to itself. */
function statement(each, own) {
  const side = (record) => (record.id === own ? record.name : recordLink(record));
  const notes = [each.role, each.date && `“${each.date.text}”`, ...marks(each), `says ${voice(each)}`].filter(Boolean);
  return h("p", {}, side(each.subject), " ", own ? panelLink("relation", each.id, { class: "predicate" }, each.label) : each.label, " ",
    side(each.object), h("span", { class: "quiet" }, ` ${notes.join(" · ")}`));
}

/** The cited words, each of which opens its place in the text. */
function citations(asked, cited) {
  return h("ul", { class: "cited" }, cited.map((citation) => {
    const place = h("div", { class: "place" });
    const verified = citation.status === "verified" && h("span", { title: "verified against the text" }, " ✓");
    const opener = h("summary", {}, h("q", {}, citation.exact ?? citation.fragment),
      h("span", { class: "quiet" }, `paragraph ${citation.paragraph}`, verified));
    const details = h("details", { ontoggle: async () => {
      if (details.open && !place.hasChildNodes()) place.replaceChildren(await passageOf(asked, citation));
    } }, opener, place);
    return h("li", {}, details);
  }));
}

