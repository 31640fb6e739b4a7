/** What is shown is said by the query of the page's URL, and by nothing else: a link shows the same thing. */

import { h } from "./dom.js";

const listeners = [];
const changesOf = new WeakMap();

export function state() {
  return new URLSearchParams(location.search);
}

/** The URL of this page with some parameters changed; null takes one away, a list gives it several times. */
export function url(changes) {
  const next = state();
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const each of [value].flat()) if (each !== null && each !== "") next.append(name, each);
  }
  const query = next.toString().replaceAll("%2F", "/").replaceAll("%2C", ",");
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

/** Opens a record beside the view. */
export function recordLink(record, attributes, ...children) {
  return link({ record: record.id, relation: null }, attributes, ...(children.length ? children : [record.name]));
}

addEventListener("popstate", () => listeners.forEach((listener) => listener()));
addEventListener("click", (event) => {
  const found = event.target.closest?.("a");
  if (!changesOf.has(found) || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  change(changesOf.get(found));
});
