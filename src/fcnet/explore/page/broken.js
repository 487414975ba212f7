// Break it: a typical mistake, what it makes wrong, what the exercise’s checks say, how it trains.

import { h, markup } from "../../web/dom.js";
import { PARAMS, compute, gradientCheck } from "./network.js";
import { num, shown } from "../../web/numbers.js";
import { Plot } from "../../web/plot.js";
import { differing } from "./store.js";
import { EXERCISE_START, ITERATIONS, Training, question3 } from "./training.js";
import { Matrix } from "./matrix.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./mistakes.js").Mistake} Mistake */
/**
 * @typedef {{reg: number, loss: number, scores: number[][], limits: {scores: number, loss: number,
 *   gradient: number, training: number}}} Wanted
 */

export class BrokenPanel {
  /**
   * @param {Store} store
   * @param {Mistake[]} all
   * @param {Wanted} wanted
   * @param {Record<string, string>} symbols
   */
  constructor(store, all, wanted, symbols) {
    this.store = store;
    this.wanted = wanted;
    this.symbols = symbols;
    /** @type {Record<string, Training>} trainings by the mistake's code, "" for the right code */
    this.trained = {};
    this.inputs = [null, ...all].map((mistake) =>
      h("input", {
        type: "radio",
        name: "mistake",
        value: mistake?.code ?? "",
        onchange: () => store.change({ mistake }),
      }),
    );
    const titles = ["none: the right code", ...all.map(({ title }) => title)];
    const choices = this.inputs.map((input, n) => h("label", {}, input, h("span", {}, titles[n])));
    this.text = h("p", { class: "why", "aria-live": "polite" });
    this.checks = h("tbody");
    this.numbers = h("div");
    this.plot = new Plot("Question 3’s training with and without the mistake", "iteration", "objective");
    this.element = h(
      "section",
      { class: "panel", "aria-label": "Break it" },
      h("h2", {}, "Break it"),
      h(
        "p",
        {},
        "Switch on a mistake that real solutions make. Wrong numbers are crossed in the drawing, " +
          "here and in all other views.",
      ),
      h("fieldset", { class: "list" }, h("legend", {}, "The mistake"), ...choices),
      this.text,
      h("h3", {}, "What the exercise’s checks say"),
      h("table", { class: "ledger checks" }, this.checks),
      this.plot.element,
      h(
        "p",
        { class: "key" },
        h("span", { class: "curve-key before" }, "the right code"),
        h("span", { class: "curve-key objective" }, "with the mistake"),
      ),
      h("h3", {}, "Which numbers become wrong"),
      this.numbers,
    );
  }

  /** @returns {import("./drawing.js").View} */
  view() {
    const known = new Set(Object.keys(this.store.values));
    return { known, reads: new Set(), writes: "", target: null, wrong: this.store.wrong(known) };
  }

  show() {
    const { mistake } = this.store;
    for (const input of this.inputs) input.checked = input.value === (mistake?.code ?? "");
    this.text.textContent =
      mistake?.text ?? "All checks pass. Choose a mistake and see which of them notices.";
    this.#showChecks(mistake);
    this.#showNumbers();
    const [right, broken] = [this.#training(null), this.#training(mistake)];
    const curves = [right, ...(mistake ? [broken] : [])].map((training, n) => ({
      points: training.history.map((loss, at) => /** @type {[number, number]} */ ([at, loss])),
      kind: n || !mistake ? "objective" : "before",
    }));
    this.plot.draw(
      { x: [0, ITERATIONS], y: [0, Math.max(1.4, Math.min(4, ...broken.history.slice(0, 1)) * 1.1)] },
      curves,
    );
  }

  /** Question 3’s training with a mistake, once. @param {Mistake | null} mistake */
  #training(mistake) {
    const code = mistake?.code ?? "";
    this.trained[code] ??= question3(this.store.X, this.store.y, mistake?.instead, mistake?.guard);
    return this.trained[code];
  }

  /** The exercise’s checks, at its weights and its lambda. @param {Mistake | null} mistake */
  #showChecks(mistake) {
    const { X, y } = this.store;
    const { limits } = this.wanted;
    const given = { X, y, reg: Matrix.scalar(this.wanted.reg), ...new Training(X, y, EXERCISE_START).params };
    const values = compute(given, mistake?.instead);
    const scores = values.f
      .minus(Matrix.of(this.wanted.scores))
      .data.reduce((total, one) => total + Math.abs(one), 0);
    const errors = gradientCheck(given, mistake?.instead);
    const { history } = this.#training(mistake);
    const last = history.at(-1) ?? Infinity;
    const stopped = history.length < ITERATIONS ? ` (stopped after ${history.length})` : "";
    this.checks.replaceChildren(
      check("1: scores, sum of differences", num(scores, "scores_difference"), scores < limits.scores),
      check(
        "1: objective",
        num(values.J_tilde.at(0, 0), "exercise_loss"),
        Math.abs(values.J_tilde.at(0, 0) - this.wanted.loss) < limits.loss,
        12,
      ),
      ...PARAMS.map((name) =>
        check(
          `2: gradient of ${name}, relative error`,
          num(errors[name], `gradient_check["${name}"]`),
          errors[name] < limits.gradient,
          2,
        ),
      ),
      check(`3: toy training, last objective${stopped}`, num(last, "final_loss"), last <= limits.training, 4),
    );
  }

  #showNumbers() {
    const { right, values } = this.store;
    const wrong = [
      ...this.store.wrong(new Set(Object.keys(values).filter((name) => !name.startsWith("v_")))),
    ];
    const rows = wrong.map((name) => {
      const { count, largest } = differing(values[name], right[name]);
      return h(
        "tr",
        {},
        h("th", { scope: "row" }, markup(this.symbols[name]), name.startsWith("new_") && " after the update"),
        h("td", {}, shown(num(count, `wrong_count["${name}"]`), 3), ` of ${values[name].data.length}`),
        h("td", { class: "value" }, shown(num(largest, `wrong_by["${name}"]`), 3)),
      );
    });
    const heading = h(
      "tr",
      {},
      h("th", { scope: "col" }, "value"),
      h("th", { scope: "col" }, "wrong"),
      h("th", { scope: "col", class: "value" }, "by at most"),
    );
    this.numbers.replaceChildren(
      rows.length
        ? h("table", { class: "ledger" }, h("thead", {}, heading), h("tbody", {}, ...rows))
        : h("p", {}, "None."),
    );
  }
}

/** @param {string} name @param {import("../../web/numbers.js").Num} number @param {boolean} passes */
function check(name, number, passes, digits = 3) {
  return h(
    "tr",
    { class: passes ? "passes" : "fails" },
    h("th", { scope: "row" }, name),
    h("td", { class: "value" }, shown(number, digits)),
    h("td", { class: "verdict" }, passes ? "passes" : "fails"),
  );
}
