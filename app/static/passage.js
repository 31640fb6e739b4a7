/** A paragraph of a source with a span marked in it: in its words where they are held, or else by place alone. */

import { h } from "./dom.js";
import { panelLink } from "./state.js";

/** The passage of a citation, fetched when it is looked at. */
export async function passageOf(asked, citation) {
  try {
    const passage = await asked.get(`/v1/passages/${encodeURIComponent(citation.passage)}`);
    return h("div", {}, passageView(passage, citation), h("p", { class: "quiet" },
      panelLink("passage", passage.id, {}, "The whole paragraph, and what else rests on it")));
  } catch (failure) {
    if (failure.name === "AbortError") return "";
    return h("p", { class: "failure" }, failure.message);
  }
}

/** `citation` may be null: then every cited sentence is shown as such. Offsets are code points. */
export function passageView(passage, citation) {
  const at = citation && { start: citation.start - passage.start, end: citation.end - passage.start };
  return h("div", { class: "passage" },
    passage.text === null ? strip(passage, at) : h("p", {}, words([...passage.text], at)),
    h("p", { class: "quiet" }, [
      passage.section.title, `characters ${citation?.start ?? passage.start} to ${citation?.end ?? passage.end}`,
      passage.text === null ? "the text is not held here, so that the place is not verified" : null,
    ].filter(Boolean).join(" · ")));
}

function words(points, at) {
  if (!at) return points.join("");
  return [points.slice(0, at.start).join(""), h("mark", {}, points.slice(at.start, at.end).join("")), points.slice(at.end).join("")];
}

/** The paragraph's sentences as a strip, with the span where it lies among them. */
function strip({ start, end, sentences }, at) {
  const share = (value) => `${(value / (end - start)) * 100}%`;
  const part = (name, each) => h("i", { class: name, style: { left: share(each.start), width: share(each.end - each.start) } });
  const label = `${sentences.length} sentences, ${at ? `the cited span from character ${at.start} to ${at.end}` : "the cited ones filled"}`;
  return h("div", { class: "strip", role: "img", "aria-label": label },
    sentences.map((each) => part(each.cited && !at ? "sentence cited" : "sentence", each)), at && part("span", at));
}
