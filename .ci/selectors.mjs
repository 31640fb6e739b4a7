// Apache Annotator, an implementation of the W3C selectors, finds in the text what the evidence points at.
// Usage: node selectors.mjs BASE, where the texts of the sources are held.
import assert from "node:assert";
import { createTextPositionSelectorMatcher, createTextQuoteSelectorMatcher } from "@apache-annotator/dom";
import { JSDOM } from "jsdom";

const base = process.argv[2];
const answer = async (path, tries = 60) => {
  try {
    return await (await fetch(`${base}/v1${path}`)).json();
  } catch (error) {
    // The server may not be up yet.
    if (!tries) throw error;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return answer(path, tries - 1);
  }
};

// The source as a page: a paragraph per passage, and between two as many characters as the API leaves out there.
const page = async (source) => {
  const { window } = new JSDOM("<body></body>");
  // What Annotator takes for granted in a browser.
  Object.assign(globalThis, { NodeFilter: window.NodeFilter, Node: window.Node });
  const { document } = window;
  const { items } = await answer(`/sources/${source}/passages?limit=200`);
  let end = 0;
  for (const passage of items) {
    document.body.append("\n".repeat(passage.start - end));
    const paragraph = document.body.appendChild(document.createElement("p"));
    paragraph.textContent = passage.text;
    end = passage.end;
  }
  return document.body;
};

const found = async (matcher, scope) => {
  const ranges = [];
  for await (const range of matcher(scope)) ranges.push(range.toString());
  return ranges;
};

const pages = {};
let count = 0;
for (const { id } of (await answer("/records?limit=200")).items) {
  const { items } = await answer(`/records/${id}/evidence`);
  const utf16 = (await answer(`/records/${id}/evidence?units=utf16`)).items;
  for (const [index, { source, target }] of items.entries()) {
    pages[source.id] ??= await page(source.id);
    const [quote, position] = target.selector;
    const scope = pages[source.id];
    assert.deepEqual(await found(createTextQuoteSelectorMatcher(quote), scope), [quote.exact], id);
    assert.deepEqual(await found(createTextPositionSelectorMatcher(position), scope), [quote.exact], id);
    const { start, end } = utf16[index].target.selector[1];
    assert.equal(scope.textContent.slice(start, end), quote.exact, id);
    count += 1;
  }
}
assert(count > 0, "there is no evidence");
console.log(`${count} places found by their words and by their offsets, in code points and in UTF-16`);
