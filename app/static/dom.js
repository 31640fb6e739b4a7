/** Elements, made without a line of HTML in a string: what the API says is always text. */

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `on…` are listeners, `style` sets properties, `data` the dataset; null and false are left out. */
export function h(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") place(element, value);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Set style properties; numbers are pixels. */
export function place(element, properties) {
  for (const [name, value] of Object.entries(properties)) {
    element.style.setProperty(name, typeof value === "number" ? `${value}px` : value);
  }
}

/** A list of which the first `most` are shown, and the others when they are asked for. */
export function growing(attributes, most, things, made, grown = () => {}) {
  const list = h("ul", attributes, things.slice(0, most).map((thing) => h("li", {}, made(thing))));
  if (things.length <= most) return [list];
  const more = h("button", { type: "button", class: "more", onclick: () => {
    list.append(...things.slice(most).map((thing) => h("li", {}, made(thing))));
    more.remove();
    grown();
  } }, `Show the other ${(things.length - most).toLocaleString("en")}`);
  return [list, more];
}
