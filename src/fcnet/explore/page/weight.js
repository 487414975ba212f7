// One weight: the terms of its chain rule, and the loss as the weight moves.

import { h, slider } from "../../web/dom.js";
import { ledgerTable } from "./ledger.js";
import { chainRule } from "./ledgers.js";
import { GRADIENTS, centralDifference, objectiveAt, relativeError } from "./network.js";
import { format, num, shown } from "../../web/numbers.js";
import { Plot } from "../../web/plot.js";
import { WEIGHTS, choosing, entry, sameWeight, weightTitle } from "./weights.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").Weight} Weight */

/** How far the slider moves a weight, to each side. */
const REACH = 1;

const POINTS = 81;

export class WeightPanel {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.exponent = -0.5;
    this.title = h("h2");
    this.why = h("p", { class: "why", "aria-live": "polite" });
    this.cells = WEIGHTS.map((weight) => this.#cell(weight));
    this.terms = h("div");
    this.move = slider({
      label: "Move it by",
      name: "offset",
      min: -REACH,
      max: REACH,
      step: 0.01,
      value: 0,
      say: (value) => format(value, 3),
      change: (offset) => store.change({ offset }),
    });
    this.step = slider({
      label: "Step h of the central difference",
      name: "h",
      min: -9,
      max: 0,
      step: 0.25,
      value: this.exponent,
      say: (value) => format(10 ** value, 2),
      change: (value) => {
        this.exponent = value;
        this.show();
      },
    });
    this.plot = new Plot(
      "The objective as the weight moves, its tangent and the central difference",
      "the weight",
      "objective",
    );
    this.said = h("table", { class: "ledger" });
    this.element = h(
      "section",
      { class: "panel", "aria-label": "One weight" },
      this.title,
      this.why,
      h("details", { class: "picker" }, h("summary", {}, "Choose another weight"), this.#grids()),
      h("h3", {}, "The chain rule, example by example"),
      this.terms,
      h("h3", {}, "Move it, and the loss moves along the tangent"),
      this.plot.element,
      h(
        "p",
        { class: "key" },
        h("span", { class: "curve-key objective" }, "objective"),
        h("span", { class: "curve-key tangent" }, "tangent: the gradient"),
        h("span", { class: "curve-key chord" }, "central difference"),
      ),
      this.move.element,
      this.step.element,
      this.said,
    );
  }

  /** @param {Weight} weight */
  #cell(weight) {
    const data = h("data");
    const element = h(
      "button",
      {
        type: "button",
        class: "cell",
        tabindex: -1,
        onclick: () => this.store.change(choosing(this.store, weight)),
      },
      data,
    );
    return { weight, data, element };
  }

  #grids() {
    const grids = [
      ["W1", "b1"],
      ["W2", "b2"],
    ].map((names) => {
      const rows = names.flatMap((name) => {
        const cells = this.cells.filter(({ weight }) => weight.name === name);
        const count = Math.max(...cells.map(({ weight }) => weight.row)) + 1;
        return Array.from({ length: count }, (_, row) =>
          h(
            "tr",
            {},
            h(
              "th",
              { scope: "row" },
              name.startsWith("b") ? "bias" : name === "W1" ? `input ${row + 1}` : `hidden ${row + 1}`,
            ),
            ...cells.filter(({ weight }) => weight.row === row).map(({ element }) => h("td", {}, element)),
          ),
        );
      });
      return h(
        "div",
        { class: "scroll" },
        h(
          "table",
          { class: "cells" },
          h("caption", {}, `Gradients of ${names.join(" and ")}`),
          h("tbody", {}, ...rows),
        ),
      );
    });
    return h("div", { onkeydown: (/** @type {KeyboardEvent} */ event) => this.#walk(event) }, ...grids);
  }

  /** Arrow keys walk through the cells. @param {KeyboardEvent} event */
  #walk(event) {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const from = this.cells.find(({ element }) => element === document.activeElement);
    if (!by || !from) return;
    event.preventDefault();
    const cell = /** @type {HTMLTableCellElement} */ (from.element.parentElement);
    const row = /** @type {HTMLTableRowElement} */ (cell.parentElement);
    const table = /** @type {HTMLTableElement} */ (row.closest("table"));
    const next = table.rows[row.rowIndex + by[0]]?.cells[cell.cellIndex + by[1]]?.querySelector("button");
    if (!next) return;
    next.focus();
    next.click();
  }

  /** @returns {import("./drawing.js").View} */
  view() {
    const known = new Set(Object.keys(this.store.values));
    return { known, reads: new Set(), writes: "", target: this.store.weight, wrong: this.store.wrong(known) };
  }

  show() {
    const { weight, values } = this.store;
    const title = weightTitle(weight);
    this.title.textContent = title[0].toUpperCase() + title.slice(1);
    this.why.replaceChildren(...this.#why());
    for (const { weight: one, data, element } of this.cells) {
      const value = values[GRADIENTS[one.name]].at(one.row, one.col);
      const chosen = sameWeight(one, weight);
      data.value = String(value);
      data.title = entry(one, GRADIENTS[one.name]);
      data.textContent = format(value, 2);
      element.tabIndex = chosen ? 0 : -1;
      element.setAttribute("aria-pressed", String(chosen));
      element.setAttribute("aria-label", `${weightTitle(one)}, gradient ${data.textContent}`);
    }
    this.terms.replaceChildren(
      ledgerTable(chainRule(this.store, "The slope of the objective by this weight"), true),
    );
    this.move.set(this.store.offset);
    this.#draw();
  }

  /** Why the gradient is what it is, where there is something to say. */
  #why() {
    const { weight, values, X } = this.store;
    if (!weight.name.endsWith("1")) return ["It reaches the score of one class, for every point at once."];
    const column = Array.from({ length: X.rows }, (_, i) => ({ z: values.z2.at(i, weight.col), i }));
    const on = column.filter(({ z }) => z > 0).length;
    const unit = `Hidden unit ${weight.col + 1}`;
    if (on > 0)
      return [`${unit} is on for ${on} of ${X.rows} points: only they have a say in this gradient.`];
    const { z, i } = column.reduce((most, one) => (one.z > most.z ? one : most));
    return [
      `${unit} is dead: its largest sum is `,
      shown(num(z, `z2[${i}, ${weight.col}]`), 3),
      ", so the ReLU gives 0 for every point, its slope is 0, and nothing comes back. ",
      weight.name === "W1" ? "Only the penalty pulls at its weights." : "Its bias does not move.",
    ];
  }

  #draw() {
    const { store } = this;
    const { weight, mistake, offset } = store;
    const { name, row, col } = weight;
    const given = store.given();
    const [here, w] = [store.values.J_tilde.at(0, 0), given[name].at(row, col)];
    const gradient = store.values[GRADIENTS[name]].at(row, col);
    const h10 = 10 ** this.exponent;
    /** @param {number} by */
    const objective = (by) => objectiveAt(given, name, row, col, by, mistake?.instead);
    const xs = Array.from(
      { length: POINTS },
      (_, n) => w - offset + REACH * ((2.4 * n) / (POINTS - 1) - 1.2),
    );
    const curve = xs.map((x) => /** @type {[number, number]} */ ([x, objective(x - w)]));
    /** @type {[number, number]} */
    const range = [xs[0], xs[POINTS - 1]];
    const tangent = range.map((x) => /** @type {[number, number]} */ ([x, here + gradient * (x - w)]));
    const chord = [-h10, h10].map((by) => /** @type {[number, number]} */ ([w + by, objective(by)]));
    const ys = curve.map(([, y]) => y).filter(Number.isFinite);
    const [low, high] = [Math.min(...ys), Math.max(...ys)];
    const pad = 0.12 * (high - low || 1);
    this.plot.draw(
      { x: range, y: [low - pad, high + pad] },
      [
        { points: curve, kind: "objective" },
        { points: tangent, kind: "tangent" },
        { points: chord, kind: "chord" },
      ],
      [
        { points: chord, kind: "chord" },
        { points: [[w, here]], kind: "objective" },
      ],
    );
    this.#say(h10, gradient, chord);
  }

  /** @param {number} h10 @param {number} gradient @param {[number, number][]} chord */
  #say(h10, gradient, chord) {
    const { weight, mistake } = this.store;
    const place = `"${entry(weight)}"`;
    const difference = centralDifference(
      this.store.given(),
      weight.name,
      weight.row,
      weight.col,
      h10,
      mistake?.instead,
    );
    /** @type {[string, import("../../web/numbers.js").Num][]} */
    const rows = [
      ["objective at w − h", num(chord[0][1], `J_tilde_at(${place}, -h)`)],
      ["objective at w + h", num(chord[1][1], `J_tilde_at(${place}, h)`)],
      ["their difference over 2h", num(difference, `difference(${place}, h)`)],
      ["the gradient by the chain rule", num(gradient, entry(weight, GRADIENTS[weight.name]))],
      ["relative error", num(relativeError(gradient, difference), `relative_error(${place}, h)`)],
    ];
    this.said.replaceChildren(
      h(
        "tbody",
        {},
        ...rows.map(([label, number]) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, label),
            h("td", { class: "value" }, shown(number, label === "relative error" ? 2 : 8)),
          ),
        ),
      ),
    );
  }
}
