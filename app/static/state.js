/** What is shown is said by the query of the page's URL, and by nothing else: a link shows the same thing. */

import { h } from "./dom.js";

const listeners = [];
const changesOf = new WeakMap();

export function state() {
  return new URLSearchParams(location.search);
}

/** Parameters with some of them changed: a list gives one several times; null, undefined and "" take it away. */
export function put(parameters, changes) {
  for (const [name, value] of Object.entries(changes)) {
    parameters.delete(name);
    for (const each of [value].flat()) if (each !== null && each !== undefined && each !== "") parameters.append(name, each);
  }
  return parameters;
}

/** The URL of this page with some parameters changed, as `put` does it. */
export function url(changes) {
  const query = put(state(), changes).toString().replaceAll("%2F", "/").replaceAll("%2C", ",");
  return query ? `/?${query}` : "/";
}

/** Change the state. `replace` makes no entry in the history. */
export function change(changes, { replace = false } = {}) {
  const next = url(changes);
  if (next === `/${location.search}`) return;
  history[replace ? "replaceState" : "pushState"](null, "", next);
  for (const listener of listeners) listener();
}

export function onChange(listener) {
  listeners.push(listener);
}

/** A link that changes the state; it can be opened in a tab of its own, too. */
export function link(changes, attributes, ...children) {
  const made = h("a", { href: url(changes), ...attributes }, ...children);
  changesOf.set(made, changes);
  return made;
}

/** A link that opens a record, a relation or a passage beside the view, in the place of what is open there. */
export function panelLink(kind, id, attributes, ...children) {
  return link({ record: null, relation: null, passage: null, [kind]: id }, attributes, ...children);
}

export function recordLink(record, attributes, ...children) {
  return panelLink("record", record.id, attributes, ...(children.length ? children : [record.name]));
}

addEventListener("popstate", () => listeners.forEach((listener) => listener()));
addEventListener("click", (event) => {
  const found = event.target.closest?.("a");
  if (!changesOf.has(found) || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  change(changesOf.get(found));
});
