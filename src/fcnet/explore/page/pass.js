// One pass, step by step: the equation, and the same equation with its numbers.

import { button, h, markup } from "../../web/dom.js";
import { ledgerTable } from "./ledger.js";
import { ledgerOf, updateLedger } from "./ledgers.js";
import { num, shown } from "../../web/numbers.js";
import { entry, weightTitle } from "./weights.js";

/** @typedef {import("./store.js").Store} Store */
/**
 * @typedef {{number: string, name: string, title: string, reads: string[], formula: string, line: string,
 *   text: string, part: string}} Step
 */

/** Which tables a vector's entries are named in with one index. */
const ROWS = new Set(["J_i", "db2", "db1"]);
const SCALARS = new Set(["J", "norms", "J_tilde"]);

export class PassPanel {
  /**
   * @param {Store} store @param {Step[]} steps @param {Record<string, string>} symbols
   * @param {() => void} nextPass @param {(text: string) => void} announce
   */
  constructor(store, steps, symbols, nextPass, announce) {
    this.announce = announce;
    this.store = store;
    this.steps = steps;
    this.symbols = symbols;
    const last = steps.length - 1;
    this.first = button("First", () => this.go(0), { "aria-label": "First step" });
    this.back = button("Back", () => this.go(store.step - 1), { "aria-keyshortcuts": "ArrowLeft" });
    this.next = button("Next", () => this.go(store.step + 1), {
      "aria-keyshortcuts": "ArrowRight",
      class: "main",
    });
    this.range = h("input", {
      type: "range",
      min: 0,
      max: last,
      step: 1,
      "aria-label": "Step of the pass",
      name: "step",
      oninput: () => this.go(Number(this.range.value)),
    });
    this.nextPass = nextPass;
    this.where = h("p", { class: "where" });
    this.transport = h(
      "div",
      { class: "transport" },
      this.range,
      h("div", { class: "buttons" }, this.first, this.back, this.next, this.where),
    );
    this.body = h("div", { class: "step" });
    this.element = h("section", { class: "panel", "aria-label": "One pass" }, this.transport, this.body);
  }

  /** @param {number} step */
  go(step) {
    if (step === this.steps.length) this.nextPass();
    else this.store.change({ step: Math.min(Math.max(step, 0), this.steps.length - 1) });
    this.announce(`${this.store.step + 1}: ${this.steps[this.store.step].title}`);
  }

  /** What the drawing is to show. @returns {import("./drawing.js").View} */
  view() {
    const step = this.steps[this.store.step];
    const known = new Set(this.steps.slice(0, this.store.step + 1).map(({ name }) => name));
    return {
      known,
      reads: new Set(step.reads),
      writes: step.name,
      target: this.target(),
      wrong: this.store.wrong(known),
    };
  }

  /** The weight that the step is about, if it is about one. @returns {import("./store.js").Weight | null} */
  target() {
    const { d, h: unit, k } = this.store.chosen;
    const name = this.steps[this.store.step].name;
    if (name === "dW1") return { name: "W1", row: d, col: unit };
    if (name === "db1") return { name: "b1", row: 0, col: unit };
    if (name === "dW2" || name === "dJ_dW2") return { name: "W2", row: unit, col: k };
    if (name === "db2") return { name: "b2", row: 0, col: k };
    return name === "update" ? this.store.weight : null;
  }

  show() {
    const number = this.store.step;
    const step = this.steps[number];
    this.range.value = String(number);
    this.range.setAttribute("aria-valuetext", `${number + 1} of ${this.steps.length}: ${step.title}`);
    this.first.disabled = this.back.disabled = number === 0;
    this.next.textContent = number === this.steps.length - 1 ? "Next pass" : "Next";
    this.where.textContent = `${step.part}: ${number + 1} of ${this.steps.length}`;
    const open = this.body.querySelector("details")?.open ?? false;
    this.body.replaceChildren(
      h("h2", {}, step.title, h("span", { class: "equation-number" }, step.number)),
      h("p", { class: "flow" }, ...this.flow(step)),
      markup(step.formula, "formula"),
      h("code", { class: "line" }, step.line),
      ledgerTable(this.ledger(step.name)),
      h(
        "details",
        { open },
        h("summary", {}, "How one arrives at it"),
        markup(step.text, "prose"),
        this.table(step.name),
      ),
    );
  }

  /** @param {string} name */
  ledger(name) {
    const { weight } = this.store;
    if (name !== "update") return ledgerOf(name, this.store);
    return updateLedger(this.store, weightTitle(weight), (table) => entry(weight, table));
  }

  /** @param {Step} step */
  flow(step) {
    const reads = step.reads.map((name) => markup(this.symbols[name] ?? name, "chip reads"));
    const writes = step.name === "update" ? ["W1", "b1", "W2", "b2"] : [step.name];
    return [
      "reads ",
      ...reads,
      " writes ",
      ...writes.map((name) => markup(this.symbols[name], "chip writes")),
    ];
  }

  /** Everything that the step writes, for all points. @param {string} name */
  table(name) {
    const value = this.store.values[name];
    if (!value || SCALARS.has(name)) return null;
    const rows = Array.from({ length: value.rows }, (_, row) =>
      h(
        "tr",
        {},
        ...value.row(row).map((one, col) => {
          const of = ROWS.has(name) ? `${name}[${name === "J_i" ? row : col}]` : `${name}[${row}, ${col}]`;
          return h("td", {}, shown(num(one, of), 3));
        }),
      ),
    );
    const caption = h(
      "caption",
      {},
      "All of ",
      markup(this.symbols[name]),
      `, ${value.rows} × ${value.cols}`,
    );
    return h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": `All of ${name}` },
      h("table", { class: "grid" }, caption, h("tbody", {}, ...rows)),
    );
  }
}
