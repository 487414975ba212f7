// Predict, then reveal: questions whose answers are computed from the page's own numbers.

import { button, h } from "../../web/dom.js";
import { Matrix } from "./matrix.js";
import { GRADIENTS, PARAMS, compute } from "./network.js";
import { format, num, shown } from "../../web/numbers.js";
import { differing } from "./store.js";
import { initialParams } from "./training.js";
import { RandomState } from "./random.js";
import { H, K, WEIGHTS, choosing, entry, weightTitle } from "./weights.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("../../web/numbers.js").Num} Num */
/**
 * @typedef {{text: string, many: boolean, options: string[], right: boolean[], because: (string | Num)[],
 *   choose?: Partial<Store>}} Question
 */

/**
 * Each makes a question of the page's state; the round says which point or weight it is about.
 * @type {((store: Store, round: number) => Question)[]}
 */
const QUESTIONS = [whichLearn, whichDead, upOrDown, whichRise, doubledLambda, knowingNothing, allEqual];

export class PredictPanel {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.round = 0;
    this.place = 0;
    this.question = QUESTIONS[0](store, 0);
    /** @type {HTMLInputElement[]} */
    this.inputs = [];
    /** @type {HTMLElement[]} */
    this.marks = [];
    this.heading = h("h2");
    this.options = h("fieldset", { class: "list" });
    this.reveal = button("Reveal", () => this.#reveal(), { class: "main" });
    this.other = button("Next question", () => this.#next());
    this.because = h("p", { class: "why", role: "status" });
    this.element = h(
      "section",
      { class: "panel", "aria-label": "Predict" },
      this.heading,
      this.options,
      h("div", { class: "buttons" }, this.reveal, this.other),
      this.because,
    );
  }

  /** The mode is entered: the question is asked of the weights as they are now. */
  enter() {
    this.question = QUESTIONS[this.place](this.store, this.round);
    const { many, options, text, choose } = this.question;
    this.heading.textContent = text;
    this.inputs = options.map((_, n) =>
      h("input", { type: many ? "checkbox" : "radio", name: "answer", value: n }),
    );
    this.marks = options.map(() => h("span", { class: "mark" }));
    const labels = options.map((option, n) =>
      h("label", {}, this.inputs[n], h("span", {}, option), this.marks[n]),
    );
    this.options.replaceChildren(h("legend", {}, many ? "Mark all that apply" : "Mark one"), ...labels);
    this.because.textContent = "";
    this.reveal.disabled = false;
    this.store.change({ ...choose, revealed: false });
  }

  #next() {
    this.place = (this.place + 1) % QUESTIONS.length;
    if (this.place === 0) this.round += 1;
    this.enter();
    this.inputs[0].focus();
  }

  #reveal() {
    const { right, because } = this.question;
    let good = true;
    this.inputs.forEach((input, n) => {
      const agrees = input.checked === right[n];
      good &&= agrees;
      this.marks[n].textContent = right[n] ? (agrees ? "✓ yes" : "✗ yes") : input.checked ? "✗ no" : "";
      this.marks[n].className = `mark ${agrees ? "passes" : "fails"}`;
      input.disabled = true;
    });
    this.reveal.disabled = true;
    const told = because.map((part) => (typeof part === "string" ? part : shown(part)));
    this.because.replaceChildren(good ? "Right. " : "Not quite. ", ...told);
    this.store.change({ revealed: true });
  }

  /** @returns {import("./drawing.js").View} */
  view() {
    const { values, revealed } = this.store;
    const forward = ["a1", "z2", "a2", "z3", "f"];
    const known = new Set(revealed ? Object.keys(values) : forward);
    return {
      known,
      reads: new Set(),
      writes: "",
      target: this.question.choose?.weight ?? null,
      wrong: this.store.wrong(known),
    };
  }

  show() {}
}

/** @param {number} count */
const units = (count) => Array.from({ length: count }, (_, n) => n);

/** @param {Store} store @param {number} round @returns {Question} */
function whichLearn(store, round) {
  const i = (store.chosen.i + round) % store.X.rows;
  const right = units(H).map((unit) => store.values.delta2.at(i, unit) !== 0);
  const off = units(H)
    .filter((unit) => !right[unit])
    .map((unit) => unit + 1);
  return {
    text: `Point ${i + 1} alone: which hidden units learn from it?`,
    many: true,
    right,
    options: units(H).map((unit) => `hidden unit ${unit + 1}`),
    choose: { chosen: { ...store.chosen, i } },
    because: [
      off.length
        ? `Where the sum z is not positive, the ReLU’s slope is 0: units ${off.join(", ")} are off for ` +
          `this point, and no gradient reaches their weights from it.`
        : "Every unit is on for this point, so its error reaches all of them.",
    ],
  };
}

/** @param {Store} store @returns {Question} */
function whichDead(store) {
  const right = units(H).map((unit) => store.dead(unit));
  const dead = units(H)
    .filter((unit) => right[unit])
    .map((unit) => unit + 1);
  return {
    text: "Which hidden units learn from none of the five points? Look at each point in turn.",
    many: true,
    right,
    options: units(H).map((unit) => `hidden unit ${unit + 1}`),
    because: [
      dead.length
        ? `Units ${dead.join(", ")} are off for all five points. Their bias gradients are exactly 0, ` +
          `and only the penalty moves their weights.`
        : "None: each unit is on for at least one point.",
    ],
  };
}

/** @param {Store} store @param {number} round @returns {Question} */
function upOrDown(store, round) {
  const weight = WEIGHTS[(7 + 13 * round) % WEIGHTS.length];
  const gradient = store.values[GRADIENTS[weight.name]].at(weight.row, weight.col);
  return {
    text: `Increase the ${weightTitle(weight)} a little. What does the objective do?`,
    many: false,
    options: ["it rises", "it falls", "nothing"],
    right: [gradient > 0, gradient < 0, gradient === 0],
    choose: choosing(store, weight),
    because: [
      "Its gradient is ",
      num(gradient, entry(weight, GRADIENTS[weight.name])),
      ": so much more objective for each unit of weight.",
    ],
  };
}

/** @param {Store} store @param {number} round @returns {Question} */
function whichRise(store, round) {
  const i = (store.chosen.i + 1 + round) % store.X.rows;
  const errors = store.values.delta3.row(i);
  return {
    text: `Gradient descent moves point ${i + 1}’s scores against their gradient. Which does it raise?`,
    many: true,
    options: units(K).map((k) => `class ${k}`),
    right: errors.map((error) => error < 0),
    choose: { chosen: { ...store.chosen, i } },
    because: [
      "The gradients by its scores are ",
      ...errors.flatMap((error, k) => [num(error, `delta3[${i}, ${k}]`), k < K - 1 ? ", " : ""]),
      ": (probability − 1) / N for the label, probability / N for the others.",
    ],
  };
}

/** @param {Store} store @returns {Question} */
function doubledLambda(store) {
  const given = store.given();
  const [once, twice] = [given.reg, given.reg.scaled(2)].map((reg) => compute({ ...given, reg }));
  const right = PARAMS.map((name) => differing(once[GRADIENTS[name]], twice[GRADIENTS[name]]).count > 0);
  return {
    text: "Double lambda. Which gradients change?",
    many: true,
    options: PARAMS,
    right,
    because: ["The penalty adds 2 λ W to the gradient of each weight. Biases are not in it."],
  };
}

/** @param {Store} store @returns {Question} */
function knowingNothing(store) {
  const given = store.given();
  for (const name of PARAMS) given[name] = given[name].scaled(0);
  const loss = compute(given).J.at(0, 0);
  const options = [0, 1 / K, 1, Math.log(K)];
  return {
    text: "All weights are 0, so that the three classes are equally likely. What is the loss, in nats?",
    many: false,
    options: options.map((option) => format(option, 4)),
    right: options.map((option) => Math.abs(option - loss) < 1e-12),
    because: [
      "Each class gets 1/3, and −log(1/3) = log 3 = ",
      num(loss, "log(3)"),
      ". A fresh network should start close to it.",
    ],
  };
}

/** @param {Store} store @returns {Question} */
function allEqual(store) {
  const params = initialParams({ scheme: "equal", std: 0.1, seed: 0 }, new RandomState(0));
  const { dW1 } = compute({ X: store.X, y: store.y, reg: Matrix.scalar(0), ...params });
  const different = new Set(
    units(H).map((unit) =>
      units(dW1.rows)
        .map((d) => dW1.at(d, unit))
        .join(),
    ),
  ).size;
  return {
    text: "All weights start at 0.1. How many different hidden units can training make of the ten?",
    many: false,
    options: ["1", "3", "10"],
    right: [1, 3, 10].map((count) => count === different),
    because: [
      "Equal units get equal gradients, so they stay equal for ever: ten copies of one. ",
      "Random weights break the tie.",
    ],
  };
}
