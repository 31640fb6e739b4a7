/** The requests behind a view: the very URLs, and how to send them from a shell, a page and Python. */

import { h } from "./dom.js";

const CODE = {
  curl: (url) => `curl '${url.replaceAll("'", "%27")}'`,
  fetch: (url) => `const response = await fetch(${JSON.stringify(url)});\nconst body = await response.json();`,
  httpx: (url) => `import httpx\n\nbody = httpx.get(${JSON.stringify(url)}).raise_for_status().json()`,
};
let operations = null;

/** Show what was asked. Each request opens into code that can be copied. */
export function requests(asked) {
  const list = asked.made.filter(({ url }, index) => asked.made.findIndex((other) => other.url === url) === index);
  return h(
    "details",
    { class: "requests", open: true },
    h("summary", {}, list.length === 1 ? "The request behind this" : `The ${list.length} requests behind this`),
    h("ul", {}, list.map(request)),
  );
}

function request({ url, pages }) {
  const whole = new URL(url, location.origin).href;
  const code = h("pre", { tabindex: 0, hidden: true });
  const copy = h("button", { type: "button", hidden: true, onclick: () => copied(copy, code) }, "Copy");
  const buttons = Object.entries(CODE).map(([name, write]) => h("button", { type: "button", "aria-expanded": "false", onclick: ({ currentTarget: button }) => {
    const opened = button.getAttribute("aria-expanded") === "false";
    for (const other of buttons) other.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-expanded", String(opened));
    code.hidden = copy.hidden = !opened;
    code.textContent = write(whole);
  } }, name));
  const swagger = h("a", { href: "/docs", target: "_blank", rel: "noopener", onpointerenter: find, onfocus: find }, "open in Swagger UI");
  // Where an operation stands on the page of the documentation is known from the document, which is large.
  async function find() {
    swagger.href = await documented(url).catch(() => "/docs");
  }
  return h("li", {},
    h("p", { class: "url" }, h("span", { class: "verb" }, "GET"), " ", h("a", { href: url }, readable(url)),
      pages > 1 ? h("span", { class: "quiet" }, ` and ${pages - 1} more by next`) : null),
    h("p", { class: "ways" }, buttons, swagger), h("div", { class: "code" }, code, copy));
}

function readable(url) {
  return decodeURI(url).replaceAll(/[?&]/g, "\u200b$&");
}

async function copied(button, code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    // Without leave, or over plain HTTP from elsewhere: what is selected can be copied by hand.
    getSelection().selectAllChildren(code);
    button.textContent = "Selected";
  }
  setTimeout(() => (button.textContent = "Copy"), 2_000);
}

/** The place of a request's operation in Swagger UI. */
async function documented(url) {
  operations ??= fetch("/openapi.json").then((response) => response.json());
  const parts = new URL(url, location.origin).pathname.split("/");
  const { paths } = await operations;
  const fits = (path) => {
    const wanted = path.split("/");
    return wanted.length === parts.length && wanted.every((part, index) => part === parts[index] || part.startsWith("{"));
  };
  const path = parts.join("/") in paths ? parts.join("/") : Object.keys(paths).find(fits);
  const { tags, operationId } = paths[path].get;
  return `/docs#/${tags[0]}/${operationId}`;
}
