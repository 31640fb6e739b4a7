/** A stretch of time that can be panned and zoomed. Panning is the browser's own scrolling: by wheel, touch and keys. */

import { extent, parts, TAIL, told } from "./bars.js";
import { ticks } from "./axis.js";
import { h, place } from "./dom.js";
import { capital } from "./kinds.js";
import { lanes } from "./lanes.js";
import { recordLink } from "./state.js";
import { tip } from "./tip.js";

const PAD = 28;
const LANE = 38, THIN_LANE = 11, MOST_LANES = 36;
const AXIS = 30;
const LONGEST = 260, LABEL = 0.6; // pixels, and of the width of the view
const NEAREST = 48; // pixels a day
const SETTLED = 250; // milliseconds

/**
 * A chart of `items`, each `{ record, span }`. `days` are the first and the last day to show, or null for all;
 * `onWindow` is told them when they change by hand.
 */
export class Chart {
  constructor(items, days, onWindow) {
    this.items = items.map((item) => ({ ...item, element: null, drawn: 0 }));
    this.byId = new Map(this.items.map((item) => [item.record.id, item]));
    this.first = Math.min(...items.map(({ span }) => span.first));
    this.last = Math.max(...items.map(({ span }) => span.last));
    this.pad = PAD + (items.some(({ span }) => span.openRight) ? TAIL : 0);
    [this.days, this.onWindow] = [days, onWindow];
    this.round = 0;
    this.moved = () => {};
    this.axis = h("div", { class: "axis", "aria-hidden": "true" });
    this.grid = h("div", { class: "grid", "aria-hidden": "true" });
    this.list = h("ol", { class: "items", "aria-label": "Records in the order of time" });
    this.world = h("div", { class: "world" }, this.grid, this.axis, this.list);
    this.scroller = h(
      "div",
      { class: "scroller", tabindex: 0, role: "group", "aria-label": "Timeline: arrow keys move in time, up and down go from record to record, plus and minus zoom, 0 shows all" },
      this.world,
    );
    this.#listen();
  }

  /** The whole in the width there is. */
  fit() {
    this.days = null;
    this.#layout();
    this.#settled();
  }

  /** Zoom by a factor around a pixel of the view; its middle, where none is given. */
  zoom(factor, at = this.scroller.clientWidth / 2) {
    const day = this.#day(this.scroller.scrollLeft + at);
    const scale = Math.min(NEAREST, Math.max(this.fitting, this.scale * factor));
    this.days = scale === this.fitting ? null : [day - (at - PAD) / scale, 0];
    this.#layout(scale);
    this.scroller.scrollLeft = this.x(day) - at;
    this.#draw();
    this.#settled();
  }

  /** The bar of a record, if it is drawn. */
  bar(id) {
    const element = this.byId.get(id)?.element;
    return element?.isConnected ? element.querySelector(".possible") : null;
  }

  /** For the print: the whole in the width of a page, whatever the window's. Null ends it. */
  print(width) {
    this.printing = width !== null;
    if (this.printing) this.#layout((width - PAD - this.pad) / this.length, width);
    else this.#resized();
  }

  x = (day) => PAD + (day - this.first) * this.scale;

  #day(x) {
    return this.first + (x - PAD) / this.scale;
  }

  get length() {
    return Math.max(1, this.last - this.first);
  }

  get fitting() {
    return Math.min(NEAREST, Math.max(1, this.width - PAD - this.pad) / this.length);
  }

  #listen() {
    const { scroller } = this;
    // Before the first frame, so that what follows does not jump; the observer comes after it.
    document.addEventListener("shown", () => scroller.isConnected && this.#resized(), { once: true });
    new ResizeObserver(() => {
      if (scroller.clientWidth && scroller.clientWidth !== this.width && !this.printing) this.#resized();
    }).observe(scroller);
    scroller.addEventListener("scroll", () => {
      this.frame ??= requestAnimationFrame(() => {
        this.frame = null;
        this.#draw();
        this.#settled();
      });
    });
    scroller.addEventListener("keydown", (event) => this.#key(event));
    scroller.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 200), event.clientX - scroller.getBoundingClientRect().left);
    }, { passive: false });
    this.#drag();
    this.#pinch();
  }

  #resized() {
    this.width = this.scroller.clientWidth;
    this.#layout();
    if (this.days) this.scroller.scrollLeft = this.x(this.days[0]);
    this.#draw();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#go(step);
    else if (event.key === "+" || event.key === "=") this.zoom(1.5);
    else if (event.key === "-") this.zoom(1 / 1.5);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }

  /** Focus the next or the previous record in the order of time. */
  #go(step) {
    const focused = this.items.findIndex(({ element }) => element?.contains(document.activeElement));
    const next = this.items[focused < 0 ? (step > 0 ? 0 : this.items.length - 1) : focused + step];
    if (!next) return;
    const middle = next.found.body[0] - this.width / 2;
    if (next.found.body[1] < this.scroller.scrollLeft || next.found.left > this.scroller.scrollLeft + this.width) {
      this.scroller.scrollLeft = middle;
    }
    this.#draw(next);
    next.element.firstChild.focus();
  }

  #drag() {
    const { scroller } = this;
    let from = null;
    scroller.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && !event.button) {
        from = { x: event.clientX, y: event.clientY, left: scroller.scrollLeft, top: scroller.scrollTop, far: false };
      }
    });
    addEventListener("pointermove", (event) => {
      if (!from) return;
      from.far ||= Math.hypot(event.clientX - from.x, event.clientY - from.y) > 4;
      if (!from.far) return;
      scroller.classList.add("dragged");
      scroller.scrollTo(from.left - event.clientX + from.x, from.top - event.clientY + from.y);
    });
    addEventListener("pointerup", () => {
      // The click that ends a drag opens nothing.
      // After the click that ends the drag.
      setTimeout(() => scroller.classList.remove("dragged"));
      from = null;
    });
    scroller.addEventListener("dragstart", (event) => event.preventDefault());
    scroller.addEventListener("click", (event) => {
      if (!scroller.classList.contains("dragged")) return;
      event.preventDefault();
      event.stopPropagation();
    }, { capture: true });
  }

  #pinch() {
    const { scroller } = this;
    const apart = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    let before = null;
    scroller.addEventListener("touchstart", ({ touches }) => (before = touches.length === 2 ? apart(touches) : null));
    scroller.addEventListener("touchmove", (event) => {
      if (event.touches.length !== 2 || !before) return;
      event.preventDefault();
      const [a, b] = event.touches;
      const now = apart(event.touches);
      this.zoom(now / before, (a.clientX + b.clientX) / 2 - scroller.getBoundingClientRect().left);
      before = now;
    }, { passive: false });
  }

  /** Give every record its place at this scale: labelled, or as thin bars where so many are in view at once. */
  #layout(scale = this.days ? this.#scaleOf(this.days) : this.fitting, width = this.width) {
    this.round += 1;
    this.scale = scale;
    const all = this.x(this.last) + this.pad;
    const measured = this.items.map(({ record, span }) => ({ found: extent(span, this.x), label: Math.min(labelWidth(capital(record.name)), LABEL * width) }));
    const labelled = measured.map(({ found, label }) => {
      const flipped = found.left + label > Math.max(all, width) && found.body[1] - label > 0;
      const [left, right] = flipped
        ? [Math.min(found.left, found.body[1] - label), found.right]
        : [found.left, Math.max(found.right, found.left + label)];
      return { left, right, flipped };
    });
    let stretches = labelled, lane = inOrder(labelled, 10);
    this.high = labelled.filter((_, index) => lane[index] >= MOST_LANES);
    this.thin = this.#crowded(this.days ? this.x(this.days[0]) : 0, width);
    if (this.thin) {
      stretches = measured.map(({ found }) => ({ left: found.left, right: found.right, flipped: false }));
      lane = inOrder(stretches, 2);
    }
    const height = this.thin ? THIN_LANE : LANE;
    this.items.forEach((item, index) => {
      Object.assign(item, stretches[index], { found: measured[index].found, top: AXIS + 8 + lane[index] * height });
    });
    this.world.classList.toggle("thin", this.thin);
    place(this.world, { width: Math.max(all, width ?? 0), height: AXIS + 20 + (Math.max(...lane) + 1) * height });
    this.#draw();
  }

  /** Whether labels would pile up too high in a part of the view. */
  #crowded(from, width) {
    return this.high.some(({ left, right }) => right >= from && left <= from + width);
  }

  #scaleOf([from, to]) {
    return to > from ? Math.min(NEAREST, Math.max(this.fitting, this.width / (to - from))) : this.scale;
  }

  /** Draw what is in view and a screen beyond, and what has the focus. */
  #draw(also = null) {
    const [from, to] = [this.scroller.scrollLeft - this.width, this.scroller.scrollLeft + 2 * this.width];
    const focused = this.list.contains(document.activeElement) ? document.activeElement.parentElement : null;
    const missing = [];
    for (const item of this.items) {
      const near = (item.right >= from && item.left <= to) || item === also || (focused && item.element === focused);
      if (!near) item.element?.remove();
      else if (item.drawn !== this.round || !item.element.isConnected) missing.push(item);
    }
    for (const item of missing) this.#show(item);
    this.#axis(from, to);
    this.moved();
  }

  #show(item) {
    item.element ??= made(item);
    item.drawn = this.round;
    place(item.element, { left: item.left, top: item.top, width: item.right - item.left });
    item.element.classList.toggle("flipped", item.flipped);
    item.element.lastChild.replaceChildren(...parts(item.found, item.left));
    if (!item.element.isConnected) this.list.append(item.element);
  }

  #axis(from, to) {
    // Redrawn when half a screen away from where it was, or at another scale.
    if (this.ticked?.round === this.round && Math.abs(this.ticked.from - from) < this.width / 2) return;
    this.ticked = { round: this.round, from };
    const shown = ticks(Math.max(this.#day(from), this.#day(0)), Math.min(this.#day(to), this.#day(this.world.offsetWidth)), this.scale);
    // A label that has no room before the end is left out.
    const inside = shown.filter(({ day }) => this.x(day) >= 0 && this.x(day) + 40 < this.world.offsetWidth);
    this.axis.replaceChildren(...inside.map(({ day, label, strong }) =>
      h("span", { class: strong ? "strong" : "", style: { left: this.x(day) } }, label)));
    this.grid.replaceChildren(...inside.map(({ day, strong }) =>
      h("i", { class: strong ? "strong" : "", style: { left: this.x(day) } })));
  }

  #settled() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const { scrollLeft, clientWidth, isConnected } = this.scroller;
      if (!isConnected || this.scale === this.fitting && !this.days) return isConnected && this.onWindow(null);
      this.days = [this.#day(scrollLeft), this.#day(scrollLeft + clientWidth)];
      this.onWindow(this.days);
      if (this.thin !== this.#crowded(scrollLeft, clientWidth)) this.#layout(this.scale);
    }, SETTLED);
  }
}

function inOrder(stretches, gap) {
  const order = stretches.map((_, index) => index).sort((a, b) => stretches[a].left - stretches[b].left);
  const found = lanes(order.map((index) => stretches[index]), gap);
  const lane = [];
  order.forEach((index, place) => (lane[index] = found[place]));
  return lane;
}

function made({ record, span }) {
  const label = `${capital(record.name)}, ${record.kind}, ${told(record.date, span)}`;
  const shown = recordLink(record, { class: "label", tabindex: -1, "aria-label": label, draggable: "false", data: { id: record.id } }, capital(record.name));
  const element = h("li", { class: `item kind-${record.kind} ${record.stance}`, data: { id: record.id } }, shown, h("span", { class: "bar" }));
  tip(element, () => [capital(record.name), told(record.date, span), record.summary]);
  element.lastChild.addEventListener("click", () => shown.click());
  return element;
}

let pen;

function labelWidth(text) {
  if (!pen) {
    pen = document.createElement("canvas").getContext("2d");
    pen.font = `500 13px ${getComputedStyle(document.body).fontFamily}`;
  }
  return Math.min(LONGEST, Math.ceil(pen.measureText(text).width) + 6);
}
