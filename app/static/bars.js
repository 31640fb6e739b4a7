/** Dates drawn as what they are: what is certain solid, what is possible faded, and open where nothing bounds it. */

import { h } from "./dom.js";

export const TAIL = 90;
const LEAST = 5;

/** The pixels that a span takes, `x` giving those of a day: of its body, and of its open ends. */
export function extent(span, x) {
  const left = x(span.first);
  const right = Math.max(x(span.last), left + LEAST);
  return {
    body: [left, right],
    left: span.openLeft ? Math.max(Math.min(left - 12, 0), left - TAIL) : left,
    right: span.openRight ? right + TAIL : right,
    certain: span.certain && [x(span.certain[0]), Math.max(x(span.certain[1]), x(span.certain[0]) + LEAST)],
  };
}

/** The parts of a bar, each placed from `origin` on. */
export function parts(found, origin) {
  const part = (name, [left, right]) => h("i", { class: name, style: { left: left - origin, width: right - left } });
  return [
    found.left < found.body[0] && part("open-left", [found.left, found.body[0]]),
    part("possible", found.body),
    found.certain && part("certain", found.certain),
    found.right > found.body[1] && part("open-right", [found.body[1], found.right]),
  ].filter(Boolean);
}

/** What a span says, in words for those who do not see the bar. */
export function told(date, span) {
  const words = date?.text ? `“${date.text}”` : "undated";
  if (!span) return date?.relative_to ? `${words}, counted from ${date.relative_to.name}` : words;
  const open = [span.openLeft && "open at its beginning", span.openRight && "open at its end"].filter(Boolean);
  return [words, ...open, date.approximate && "approximate", date.uncertain && "uncertain"].filter(Boolean).join(", ");
}
