// The recipes of docs/recipes.md for Node and for a browser, run as they stand beside the API at this address.
// Usage: node recipes.mjs BASE
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { JSDOM, VirtualConsole } from "jsdom";

const [base] = process.argv.slice(2);
const here = fileURLToPath(new URL(".", import.meta.url));
const page = readFileSync(join(here, "../docs/recipes.md"), "utf8").replaceAll("http://127.0.0.1:8000", base);
const blocks = (language) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map((found) => found[1]);
const got = async (path) => (await fetch(`${base}/v1/${path}`)).json();

// All events, typed: the types made, the program checked and run, by the commands that the page gives.
const folder = mkdtempSync(join(tmpdir(), "recipes-"));
symlinkSync(join(here, "node_modules"), join(folder, "node_modules"));
writeFileSync(join(folder, "events.mts"), blocks("ts")[0]);
const commands = blocks("sh")[0].replaceAll("npx ", "npx --no-install ");
const printed = execFileSync("sh", ["-euc", commands], { cwd: folder, encoding: "utf8" });
rmSync(folder, { recursive: true });
const { items, total, next } = await got("events?limit=200&total=true");
assert.equal(next, null);
assert(total > 20, "there are more than a page");
const lines = items.map(({ date, name }) => `${date?.text ?? "undated"}\t${name}`);
assert.deepEqual(printed.trim().split("\n").slice(-total), lines);
console.log(`${total} events in TypeScript`);

// What these pages ask of a browser and jsdom has not. JSON must be of the window's own objects.
const completed = (window, changed) => {
  window.fetch = async (url) => {
    const response = await fetch(url);
    assert.equal(response.status, 200, url);
    const body = JSON.stringify(changed(await response.json()));
    return { json: async () => window.JSON.parse(body) };
  };
  window.IntersectionObserver = class { observe() {} disconnect() {} };
  window.matchMedia = () => ({ matches: false, addListener() {}, addEventListener() {} });
  window.scrollTo = () => {};
  const pen = { measureText: () => ({ width: 10 }) };
  const canvas = new Proxy(pen, { get: (held, name) => held[name] ?? (() => {}) });
  window.HTMLCanvasElement.prototype.getContext = () => canvas;
};

const seconds = (count) => new Promise((done) => setTimeout(done, count * 1000));
const opened = async (html, ready, changed = (body) => body) => {
  const virtualConsole = new VirtualConsole();
  const faults = [];
  virtualConsole.on("jsdomError", (error) => faults.push(error.message));
  virtualConsole.on("error", (...words) => faults.push(words.join(" ")));
  const url = pathToFileURL(join(here, "page.html")).href;
  const options = { url, runScripts: "dangerously", resources: "usable", pretendToBeVisual: true, virtualConsole };
  const { window } = new JSDOM(html, { ...options, beforeParse: (window) => completed(window, changed) });
  for (let tries = 0; tries < 300 && !ready(window.document); tries += 1) await seconds(0.1);
  assert(ready(window.document), `${window.document.title} is not drawn`);
  // Faults may come late, and nothing may come from elsewhere.
  await seconds(1);
  assert.deepEqual(faults, []);
  const loaded = [...window.document.querySelectorAll("link, script[src]")].map(({ href, src }) => href ?? src);
  assert.deepEqual(loaded.filter((each) => !each.startsWith("file:")), []);
  return window.document;
};
const texts = (document, selector) => [...document.querySelectorAll(selector)].map((element) => element.textContent);
const [timeline, map, chart] = blocks("html");

const sent = await got("timeline?format=timelinejs&limit=200");
const shown = await opened(timeline, (document) => document.querySelectorAll(".tl-slide").length > sent.events.length);
assert.equal(shown.querySelectorAll(".tl-slide").length, sent.events.length + 1);
assert.equal(shown.querySelectorAll(".tl-timemarker").length, sent.events.length);
assert(sent.events.length && sent.undated.length);
assert.equal(texts(shown, "#undated li").length, sent.undated.length);
console.log(`${sent.events.length} slides and a list of ${sent.undated.length} undated`);

const graphOf = (document) => document.getElementById("map")?._cyreg?.cy;
const graph = graphOf(await opened(map, (document) => graphOf(document)?.nodes().length));
const network = await got("records/great-leap-forward/neighbors?depth=4&kind=event&kind=policy");
const ids = (elements) => [...elements].map((element) => element.id()).sort();
assert.deepEqual(ids(graph.nodes()), network.nodes.map(({ id }) => id).sort());
assert.deepEqual(ids(graph.edges()), network.links.map(({ id }) => id).sort());
const drawn = { explicit: ["solid", "3px"], implied: ["dashed", "3px"], null: ["solid", "1px"] };
for (const edge of graph.edges()) {
  assert.deepEqual([edge.style("line-style"), edge.style("width")], drawn[edge.data("causality")], edge.id());
}
assert.deepEqual(new Set([...graph.edges()].map((edge) => `${edge.data("causality")}`)), new Set(Object.keys(drawn)));
for (const element of graph.elements()) {
  const { stance, polarity } = element.data();
  const plain = stance === "asserted" && polarity === "positive";
  assert.equal(/ \(.*\)$/.test(element.style("label")), !plain, element.id());
}
console.log(`${network.nodes.length} nodes and ${network.links.length} edges`);

const estimates = (await got("estimates?measure=deaths&type=estimate")).items;
const bars = await opened(chart, (document) => document.querySelector("rect"));
const rects = [...bars.querySelectorAll("rect")].map((rect) => ["x", "width"].map((name) => +rect.getAttribute(name)));
const most = Math.max(...estimates.map(({ high }) => high));
const near = (given, wanted) => assert(Math.abs(given - wanted) < 1e-6, `${given} for ${wanted}`);
assert.equal(rects.length, estimates.length);
estimates.forEach(({ low, high }, row) => {
  near(rects[row][0], (low / most) * 800);
  near(rects[row][1], ((high - low) / most) * 800);
});
assert.deepEqual(texts(bars, "text"), [
  "Deaths in China: 15,000,000 to 45,000,000 persons (“between”), scholars",
  "Deaths in the Soviet famine: 5,000,000 to 7,000,000 persons, the author",
]);
const [some, other] = estimates;
const given = [
  { ...some, low: null },
  { ...other, low: null, high: null, value: 6e6 },
  { ...some, high: null, value: 2e7 },
];
const partly = await opened(chart, (document) => document.querySelector("li"), () => ({ items: given }));
assert.deepEqual(texts(partly, "text"), ["Deaths in the Soviet famine: 6,000,000 persons, the author"]);
assert.deepEqual(texts(partly, "#open li"), [
  "Deaths in China: ? to 45,000,000 persons (“between”), scholars",
  "Deaths in China: 20,000,000, within 15,000,000 to ? persons (“between”), scholars",
]);
console.log(`${rects.length} bars, and what is open at an end beside them`);
process.exit(0);
