/** The public API, asked by URL; what was asked is kept, so that each view can show it. */

import { put } from "./state.js";

const PAGE = 200;
const PATIENCE = 20_000;

/** An answer that is none: the problem as the API tells it, or that it could not be reached (status 0). */
export class Failure extends Error {
  constructor(url, status, problem) {
    super(problem?.detail ?? (status ? `It answered ${status}.` : "It could not be reached."));
    Object.assign(this, { url, status, title: problem?.title ?? "The API did not answer as it should", faults: problem?.errors ?? [] });
  }

  /** Whether the same question will fail again. */
  get isFinal() {
    return this.status >= 400 && this.status < 500;
  }
}

/** The path and query of a request; a list gives its parameter several times, null, undefined and "" leave it out. */
export function target(path, query = {}) {
  const text = put(new URLSearchParams(), query).toString().replaceAll("%2C", ",");
  return text ? `${path}?${text}` : path;
}

/** The requests of one view, in the order in which they were made. */
export class Asked {
  constructor(signal) {
    this.signal = signal;
    this.made = [];
  }

  /** The JSON of an answer. Throws a Failure, or an AbortError when the view is gone. */
  async get(path, query) {
    const url = target(path, query);
    this.made.push({ url, pages: 1 });
    return this.#fetch(url);
  }

  /** The items of a list, page after page, up to `most`; `whole` is false where there are more. */
  async all(path, query, most = PAGE) {
    const first = target(path, { ...query, limit: Math.min(PAGE, most) });
    const entry = { url: first, pages: 0 };
    this.made.push(entry);
    const items = [], citations = [];
    let next = first, body;
    while (next && items.length < most) {
      const answer = await this.#fetch(next);
      body ??= answer;
      entry.pages += 1;
      items.push(...answer.items);
      citations.push(...(answer.included?.citations ?? []));
      next = answer.next && here(answer.next);
    }
    return { ...body, items, citations, whole: !next };
  }

  async #fetch(url) {
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(PATIENCE)]);
    let response, body;
    try {
      response = await fetch(url, { signal, headers: { accept: "application/json" } });
      body = await response.json();
    } catch (error) {
      this.signal.throwIfAborted();
      throw new Failure(url, response?.status ?? 0);
    }
    if (!response.ok) throw new Failure(url, response.status, body);
    return body;
  }
}

/** A full URL of the API as this page reaches it, whatever host the API believes to be. */
function here(url) {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
