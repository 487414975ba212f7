// Elements in a line, and pieces of a page that several panels use.

/** @typedef {Node | string | null | false} Child */

/**
 * An element with its attributes, listeners (on...) and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean | ((event: any) => void)>} attributes
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

/**
 * The same for SVG.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {(Element | string)[]} children
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * Set an attribute where it changes: the browser would lay out anew.
 * @param {Element} element
 * @param {string} name
 * @param {string} value
 */
export function setTo(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Our own markup, from the page's data. @param {string} markup @param {string} name of the class */
export function markup(markup, name = "") {
  const element = h("span", { class: name });
  element.innerHTML = markup;
  return element;
}

/**
 * @param {string} text
 * @param {(event: MouseEvent) => void} onclick
 * @param {Record<string, string>} attributes
 */
export function button(text, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, text);
}

let labels = 0;

/**
 * A slider with its name, and its value in words beside it.
 * @param {{label: string, min: number, max: number, step: number, value: number,
 *   say: (value: number) => Node | string, change: (value: number) => void, name: string}} options
 */
export function slider(options) {
  const id = `slider-${++labels}`;
  const output = h("output", { for: id });
  const input = h("input", {
    type: "range",
    id,
    min: options.min,
    max: options.max,
    step: options.step,
    name: options.name,
  });
  const show = () => {
    const said = options.say(Number(input.value));
    output.replaceChildren(said);
    input.setAttribute("aria-valuetext", output.textContent ?? "");
  };
  /** @param {number} value */
  const set = (value) => {
    input.value = String(value);
    show();
  };
  input.addEventListener("input", () => {
    show();
    options.change(Number(input.value));
  });
  set(options.value);
  return {
    element: h("div", { class: "slider" }, h("label", { for: id }, options.label), output, input),
    input,
    set,
    show,
  };
}

/**
 * One of several, as radio buttons that look like a row of buttons.
 * @template {string} V
 * @param {string} legend
 * @param {string} name
 * @param {[V, string][]} choices
 * @param {(value: V) => void} change
 */
export function choice(legend, name, choices, change) {
  const inputs = choices.map(([value]) =>
    h("input", { type: "radio", name, value, onchange: () => change(value) }),
  );
  const labelled = inputs.map((input, n) => h("label", {}, input, h("span", {}, choices[n][1])));
  return {
    element: h("fieldset", { class: "choice" }, h("legend", {}, legend), h("div", {}, ...labelled)),
    /** @param {V} value */
    set: (value) => {
      for (const input of inputs) input.checked = input.value === value;
    },
  };
}
