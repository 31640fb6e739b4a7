// The real TimelineJS, in a simulated browser: every slide that is sent must be shown, with its words as words.
// Usage: node timelinejs.mjs URL…
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { JSDOM, VirtualConsole } from "jsdom";

const code = readFileSync(createRequire(import.meta.url).resolve("@knight-lab/timelinejs/dist/js/timeline.js"), "utf8");
const faults = [];

const answer = async (url, tries = 60) => {
  try {
    return await (await fetch(url)).json();
  } catch (error) {
    // The server may not be up yet.
    if (!tries) throw error;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return answer(url, tries - 1);
  }
};

const browser = () => {
  const virtualConsole = new VirtualConsole();
  virtualConsole.on("jsdomError", (error) => faults.push(`the page fails: ${error.message}`));
  const page = '<body><div id="timeline" style="width: 1000px; height: 600px"></div></body>';
  const { window } = new JSDOM(page, { runScripts: "outside-only", pretendToBeVisual: true, virtualConsole });
  // What TimelineJS asks of a browser and jsdom has not.
  window.IntersectionObserver = class { observe() {} disconnect() {} };
  window.matchMedia = () => ({ matches: false, addListener() {}, addEventListener() {} });
  window.scrollTo = () => {};
  window.eval(`${code}\nwindow.TL = TL;`);
  return window;
};

const rendered = (window, data) => new Promise((resolve, reject) => {
  const options = { script_path: "http://localhost/", font: null, theme: null, language: "en" };
  const timeline = new window.TL.Timeline("timeline", data, options);
  timeline.on("ready", () => resolve(timeline));
  setTimeout(() => reject(new Error(window.document.body.textContent.slice(0, 500))), 10_000);
});

const words = (window, html) => {
  const element = window.document.createElement("div");
  element.innerHTML = html;
  return element.textContent;
};

const same = (what, wanted, found) => {
  const [expected, given] = [wanted, found].map((each) => JSON.stringify(each));
  if (expected !== given) faults.push(`${what}: ${given} for ${expected}`);
};

for (const url of process.argv.slice(2)) {
  const sent = await answer(url);
  const window = browser();
  const timeline = await rendered(window, structuredClone(sent));
  const shown = (selector) => [...window.document.querySelectorAll(selector)].map((element) => element.textContent);
  const ids = sent.events.map((slide) => slide.unique_id).sort();
  same("errors", [], timeline.config.messages.errors.map(String));
  same("slides that TimelineJS keeps", ids, timeline.config.events.map((slide) => slide.unique_id).sort());
  const order = new Map(sent.events.map((slide) => [slide.unique_id, slide]));
  const slides = timeline.config.events.map((slide) => order.get(slide.unique_id));
  same("headlines", [sent.title, ...slides].map((s) => words(window, s.text.headline)), shown(".tl-slide .tl-headline"));
  same("markers", slides.map((s) => words(window, s.text.headline)), shown(".tl-timemarker .tl-headline"));
  // TimelineJS decodes a date's text once before it is HTML.
  const dates = slides.map((s) => words(window, words(window, s.display_date)));
  same("dates", dates, shown(".tl-slide .tl-headline-date").filter(Boolean));
  for (const slide of timeline.config.events) {
    const { start_date: start, end_date: end } = order.get(slide.unique_id);
    const date = new Date(0, (start.month ?? 1) - 1, start.day ?? 1);
    date.setFullYear(start.year);
    same(`start of ${slide.unique_id}`, date.getTime(), slide.start_date.getTime());
    if (Boolean(end) !== Boolean(slide.end_date)) faults.push(`${slide.unique_id}: its end is dropped`);
    if (slide.end_date && slide.end_date.isBefore(slide.start_date)) faults.push(`${slide.unique_id} is drawn backwards`);
  }
  same("elements that came with the data", 0, window.document.querySelectorAll(".tl-text :is(script, img, b)").length);
  console.log(`${timeline.config.events.length} of ${ids.length} slides shown: ${url}`);
  window.close();
}
if (faults.length) {
  console.error(faults.join("\n"));
}
process.exit(faults.length ? 1 : 0);
