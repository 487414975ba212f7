// The 4-10-3 network: one button a unit, one line a weight. Every unit shows what went up on its first line
// and what came back on its second, for the chosen point.

import { h, setTo, svg } from "../../web/dom.js";
import { GRADIENTS } from "./network.js";
import { num, set, short } from "../../web/numbers.js";
import { LAYERS, placing } from "./placing.js";
import { UNITS, WEIGHTS, choosing, choosingUnit, sameWeight, weightTitle } from "./weights.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").Weight} Weight */
/** @typedef {import("./weights.js").Unit} Unit */

/**
 * What is to be seen: names of the values that are known, that a step reads, that it writes, that are wrong.
 * @typedef {{known: Set<string>, reads: Set<string>, writes: string, target: Weight | null,
 *   wrong: Set<string>}} View
 */

const LOSSES = ["J_i", "J", "norms", "J_tilde"];

/** Names of values as they are read aloud. @type {Record<string, string>} */
const SPOKEN = {
  a1: "value",
  z2: "sum",
  a2: "activation",
  z3: "score",
  f: "probability",
  delta2: "error signal",
  dJ_da2: "error at its output",
  delta3: "error signal",
  Delta: "wanted",
};

export class Drawing {
  /** @param {Store} store @param {Record<string, string>} symbols MathML of the values' names */
  constructor(store, symbols) {
    this.store = store;
    this.symbols = symbols;
    this.svg = svg("svg", { "aria-hidden": "true" });
    this.lines = WEIGHTS.map(() => svg("line", { class: "edge" }));
    this.hits = WEIGHTS.map((weight) => this.#hit(weight));
    this.svg.append(...this.lines, ...this.hits);
    this.units = UNITS.map((unit) => this.#unit(unit));
    this.ones = [h("span", { class: "one" }, "1"), h("span", { class: "one" }, "1")];
    this.heads = LAYERS.map((layer) => h("div", { class: "head" }, h("b", {}, layer), h("span")));
    this.losses = LOSSES.map((name) => this.#loss(name));
    this.caption = h("span");
    this.lossList = h("dl", { class: "losses" }, ...this.losses.map(({ element }) => element));
    this.element = h(
      "div",
      { class: "net", role: "group", "aria-label": "The network, for the chosen point" },
      /** @type {any} */ (this.svg),
      ...this.heads,
      ...this.ones,
      ...this.units.map(({ element }) => element),
      this.lossList,
    );
    new ResizeObserver(() => this.#place()).observe(this.element);
  }

  /** A wide line that nobody sees, to be clicked. @param {Weight} weight */
  #hit(weight) {
    const line = svg("line", { class: "hit" }, svg("title", {}, weightTitle(weight)));
    line.addEventListener("click", () => this.store.change(choosing(this.store, weight)));
    return line;
  }

  /** @param {Unit} unit */
  #unit(unit) {
    const halves = unit.halves.map((names) => {
      const cells = names.map((name, n) => ({ name, data: h("data", { class: n ? "back" : "up" }) }));
      return { element: h("span", { class: "half" }, ...cells.map(({ data }) => data)), names, cells };
    });
    const flag = h("span", { class: "flag" });
    const onclick = () => this.store.change(choosingUnit(this.store, unit));
    const parts = [...halves.map((half) => half.element), flag];
    return {
      ...unit,
      element: h("button", { type: "button", class: `unit ${unit.kind}`, onclick }, ...parts),
      parts: halves,
      flag,
    };
  }

  /** @param {string} name */
  #loss(name) {
    const symbol = h("dt");
    symbol.innerHTML = this.symbols[name];
    const value = h("data", {});
    return { name, value, element: h("div", {}, symbol, h("dd", {}, value)) };
  }

  /** @param {View} view */
  show(view) {
    this.view = view;
    for (const unit of this.units) this.#showUnit(unit, view);
    for (const { name, value, element } of this.losses) {
      const row = name === "J_i" ? this.store.chosen.i : 0;
      if (view.known.has(name))
        set(value, num(this.store.values[name].at(row, 0), name === "J_i" ? `J_i[${row}]` : name));
      else forget(value);
      light(element, view, [name]);
      value.classList.toggle("wrong", view.wrong.has(name) && this.store.differs(name, row, 0));
    }
    WEIGHTS.forEach((weight, n) => this.#showEdge(weight, this.lines[n], view));
    this.#showHeads(view);
    this.#showCaption(view);
  }

  /** @param {Drawing["units"][number]} unit @param {View} view */
  #showUnit(unit, view) {
    const { values, chosen } = this.store;
    const said = [unit.title];
    for (const { element, names, cells } of unit.parts) {
      for (const { name, data } of cells) {
        light(data, view, [name]);
        if (!view.known.has(name)) {
          forget(data);
          continue;
        }
        const value = values[name].at(chosen.i, unit.n);
        set(data, num(value, `${name}[${chosen.i}, ${unit.n}]`), short(value, this.tight));
        data.classList.toggle("wrong", view.wrong.has(name) && this.store.differs(name, chosen.i, unit.n));
        said.push(`${SPOKEN[name]} ${data.textContent}`);
      }
      light(element, view, names);
    }
    const dead = unit.kind === "hidden" && view.known.has("z2") && this.store.dead(unit.n);
    const label = unit.kind === "output" && this.store.y.data[chosen.i] === unit.n;
    const isChosen = unit.n === { input: chosen.d, hidden: chosen.h, output: chosen.k }[unit.kind];
    if (dead) said.push("dead: off for every point");
    if (label) said.push("the label");
    unit.flag.textContent = dead ? "dead" : label ? "label" : "";
    unit.element.classList.toggle("dead", dead);
    setTo(unit.element, "aria-label", said.join(", "));
    setTo(unit.element, "aria-pressed", String(isChosen));
  }

  /** @param {Weight} weight @param {Element} line @param {View} view */
  #showEdge(weight, line, view) {
    const shown = edgeTable(weight.name, view);
    const table = this.store.values[shown];
    const value = table.at(weight.row, weight.col);
    const largest = table.data.reduce((most, one) => Math.max(most, Math.abs(one)), 1e-12);
    const share = Math.min(1, Math.abs(value) / largest) || 0;
    const target = view.target !== null && sameWeight(view.target, weight);
    const kinds = ["edge", value < 0 ? "negative" : "positive"];
    if (view.reads.has(weight.name) || view.writes === shown) kinds.push("lit");
    if (target) kinds.push("target");
    if (view.wrong.has(shown) && this.store.differs(shown, weight.row, weight.col)) kinds.push("wrong");
    setTo(line, "class", kinds.join(" "));
    setTo(line, "stroke-width", (target ? 2.5 + 3 * share : 0.4 + 3.6 * share).toFixed(2));
  }

  /** What the columns show, above them. @param {View} view */
  #showHeads(view) {
    this.heads.forEach((head, n) => {
      const { halves } = /** @type {Unit} */ (UNITS.find((unit) => unit.kind === LAYERS[n]));
      const rows = [0, 1].map((line) => halves.flatMap((names) => names[line] ?? []));
      const known = rows.filter((names) => names.some((name) => view.known.has(name)));
      if (head.dataset.shows === known.join()) return;
      head.dataset.shows = known.join();
      const line = known.map(
        (names) => `<span>${names.map((name) => `<i>${this.symbols[name]}</i>`).join("")}</span>`,
      );
      /** @type {HTMLElement} */ (head.lastElementChild).innerHTML = line.join("");
    });
  }

  /** What the lines are. @param {View} view */
  #showCaption(view) {
    const lit = WEIGHTS.some(({ name }) => edgeTable(name, view) === view.writes);
    const text = lit ? `Lit lines: ${this.symbols[view.writes]}, others: weights` : "Lines: weights";
    const after = view.writes === "update" ? " after the update" : "";
    if (this.caption.dataset.shows === view.writes) return;
    this.caption.dataset.shows = view.writes;
    this.caption.innerHTML = text + after;
  }

  #place() {
    const width = this.element.clientWidth;
    if (!width) return;
    const places = placing(width);
    this.tight = places.name === "tight";
    this.element.className = `net ${places.name}`;
    this.element.style.height = `${places.height}px`;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${places.height}`);
    for (const unit of this.units) put(unit.element, places.units[unit.kind][unit.n]);
    this.ones.forEach((one, n) => put(one, /** @type {any} */ (places.units[LAYERS[n]].at(-1))));
    this.heads.forEach((head, n) => put(head, places.heads[n]));
    put(this.lossList, places.losses);
    places.edges.forEach((ends, n) => {
      for (const [name, at] of Object.entries(ends)) {
        this.lines[n].setAttribute(name, at.toFixed(1));
        this.hits[n].setAttribute(name, at.toFixed(1));
      }
    });
    if (this.view) this.show(this.view);
  }
}

/**
 * Which table the lines of a layer show: what a step writes, if that is a table of weights.
 * @param {string} name
 * @param {View} view
 */
function edgeTable(name, view) {
  const gradient = GRADIENTS[/** @type {"W1"} */ (name)];
  if (view.writes === gradient || (name === "W2" && view.writes === "dJ_dW2")) return view.writes;
  return view.writes === "update" ? `new_${name}` : name;
}

/** @param {Element} element @param {View} view @param {string[]} names */
function light(element, view, names) {
  element.classList.toggle(
    "reads",
    names.some((name) => view.reads.has(name)),
  );
  element.classList.toggle("writes", names.includes(view.writes));
}

/** @param {HTMLDataElement} element */
function forget(element) {
  element.replaceChildren();
  element.classList.remove("wrong");
  element.removeAttribute("value");
  element.removeAttribute("title");
}

/** @param {HTMLElement} element @param {import("./placing.js").Place} place */
function put(element, place) {
  element.style.left = `${place.x}px`;
  element.style.top = `${place.y}px`;
  element.style.width = `${place.width}px`;
}
