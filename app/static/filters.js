/** The filters of the timeline: each is a parameter of the page, and of the API. */

import { h } from "./dom.js";
import { capital, KINDS } from "./kinds.js";
import { change } from "./state.js";

export function filters(kinds, shown, facets, given) {
  const form = h(
    "form",
    { class: "filters", "aria-label": "Filters", onchange: apply, onsubmit: apply },
    h("fieldset", {}, h("legend", {}, "Show"), kinds.map((kind) => h("label", { class: `pill kind-${kind}` },
      h("input", { type: "checkbox", name: "kind", value: kind, checked: shown.includes(kind) }), capital(KINDS[kind])))),
    select("person", "Person", facets.person.values, given.get("person")),
    select("policy", "Policy", facets.policy.values, given.get("policy")),
    year("from", "From", given.get("from")),
    year("to", "To", given.get("to")),
    // A form without a button is not sent by Enter in every browser.
    h("button", { class: "unseen", tabindex: -1 }, "Apply"),
  );
  return form;
}

function apply(event) {
  event.preventDefault();
  const form = new FormData(event.currentTarget);
  const one = (name) => form.get(name)?.trim() || null;
  change({ kind: form.getAll("kind"), person: one("person"), policy: one("policy"), from: one("from"), to: one("to"), window: null });
}

function select(name, label, values, chosen) {
  const options = values.map(({ value, label: text, count }) =>
    h("option", { value, selected: value === chosen }, `${text} (${count.toLocaleString("en")})`));
  if (chosen && !values.some(({ value }) => value === chosen)) options.push(h("option", { value: chosen, selected: true }, chosen));
  return h("label", { class: "field" }, h("span", {}, label), h("select", { name }, h("option", { value: "" }, "all"), options));
}

function year(name, label, value) {
  return h("label", { class: "field year" }, h("span", {}, label),
    h("input", { name, value: value ?? "", placeholder: "year", autocomplete: "off", spellcheck: "false" }));
}
