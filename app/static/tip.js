/** A few lines beside what the pointer is on, or what has the focus. */

import { h, place } from "./dom.js";

const box = h("div", { class: "tip", role: "presentation", hidden: true });
document.body.append(box);

/** Show `lines()` for an element: the first in bold. They repeat what is on the page for those who do not see them. */
export function tip(element, lines) {
  const show = ({ clientX, clientY }) => {
    const [title, ...rest] = lines().filter(Boolean);
    box.replaceChildren(h("b", {}, title), ...rest.map((line) => h("span", {}, line)));
    box.hidden = false;
    const focused = element.getBoundingClientRect();
    const [x, y] = clientX === undefined ? [focused.left, focused.bottom] : [clientX, clientY];
    place(box, {
      left: Math.max(8, Math.min(x + 14, innerWidth - box.offsetWidth - 8)),
      top: y + 20 + box.offsetHeight > innerHeight ? Math.max(8, y - box.offsetHeight - 14) : y + 20,
    });
  };
  element.addEventListener("pointermove", (event) => event.pointerType === "mouse" && show(event));
  element.addEventListener("pointerleave", hide);
  element.addEventListener("focusin", () => element.matches(":has(:focus-visible), :focus-visible") && show({}));
  element.addEventListener("focusout", hide);
}

function hide() {
  box.hidden = true;
}

addEventListener("scroll", hide, { capture: true, passive: true });
addEventListener("keydown", ({ key }) => key === "Escape" && hide());
