// What the page knows at a moment, what follows from it, and who is told when it changes.

import { Matrix } from "./matrix.js";
import { PARAMS, compute } from "./network.js";
import { EXERCISE_START, QUESTION_3, Training, update } from "./training.js";

/** @typedef {import("./network.js").ParamName} ParamName */
/** @typedef {import("./network.js").Values} Values */
/** @typedef {import("./mistakes.js").Mistake} Mistake */
/** @typedef {{name: ParamName, row: number, col: number}} Weight biases have row 0 */
/** @typedef {{i: number, d: number, h: number, k: number}} Chosen point, input, hidden unit and class */
/** @typedef {"pass" | "weight" | "train" | "mistakes" | "predict" | "pictures"} Mode */

export class Store {
  /** @param {{X: number[][], y: number[], reg: number}} toy */
  constructor(toy) {
    this.X = Matrix.of(toy.X);
    this.y = new Matrix(toy.y.length, 1, Float64Array.from(toy.y));
    /** @type {Mode} */
    this.mode = "pass";
    this.step = 0;
    /** @type {Chosen} */
    this.chosen = { i: 0, d: 0, h: 4, k: 0 };
    /** @type {Weight} */
    this.weight = { name: "W1", row: 0, col: 4 };
    this.offset = 0;
    this.settings = { ...QUESTION_3, reg: toy.reg };
    this.start = EXERCISE_START;
    this.training = new Training(this.X, this.y, this.start);
    /** @type {Mistake | null} */
    this.mistake = null;
    /** Whether the gradients are shown, where a question hides them. */
    this.revealed = true;
    /** The chain as the page computes it, mistake included. @type {Values} */
    this.values = {};
    /** The chain without mistakes. @type {Values} */
    this.right = {};
    /** @type {(() => void)[]} */
    this.listeners = [];
    this.refresh();
  }

  /** Change something, compute what follows and tell everyone. @param {Partial<Store>} changes */
  change(changes) {
    if (changes.weight || (changes.mode && changes.mode !== this.mode)) this.offset = 0;
    Object.assign(this, changes);
    this.refresh();
    for (const listener of this.listeners) listener();
  }

  /**
   * What the rules are given: the points, lambda and the parameters, with the chosen weight moved.
   * @returns {Values}
   */
  given() {
    const given = { X: this.X, y: this.y, reg: Matrix.scalar(this.settings.reg), ...this.training.params };
    if (this.offset !== 0) {
      const { name, row, col } = this.weight;
      given[name] = given[name].with(row, col, given[name].at(row, col) + this.offset);
    }
    return given;
  }

  refresh() {
    const given = this.given();
    this.values = this.#updated(compute(given, this.mistake?.instead));
    this.right = this.mistake ? this.#updated(compute(given)) : this.values;
    if (this.mistake?.guard) this.#guard(this.mistake.guard);
  }

  /** Units that are off for every point. @param {number} h */
  dead(h) {
    return (
      this.X.data.length > 0 &&
      Array.from({ length: this.X.rows }, (_, i) => this.values.z2.at(i, h)).every((z) => z <= 0)
    );
  }

  /** Of these values those that the mistake changes. @param {Set<string>} names @returns {Set<string>} */
  wrong(names) {
    if (this.right === this.values) return new Set();
    return new Set(
      [...names].filter(
        (name) => name in this.right && differing(this.values[name], this.right[name]).count > 0,
      ),
    );
  }

  /**
   * Whether the mistake changes an entry of a value.
   * @param {string} name
   * @param {number} row
   * @param {number} col
   */
  differs(name, row, col) {
    return apart(this.values[name].at(row, col), this.right[name].at(row, col));
  }

  /**
   * The values with the update of Algorithm 1 on all five points.
   * @param {Values} values
   * @returns {Values}
   */
  #updated(values) {
    const [velocity, params] = update(
      values,
      this.training.velocity,
      this.training.rate(this.settings),
      this.settings.momentum,
    );
    for (const name of PARAMS) {
      values[`v_${name}`] = velocity[name];
      values[`new_${name}`] = params[name];
    }
    return values;
  }

  /** @param {import("./training.js").Guard} guard */
  #guard(guard) {
    const { new_W1: W1, new_b1: b1, new_W2: W2, new_b2: b2 } = this.values;
    for (const [name, value] of Object.entries(guard({ W1, b1, W2, b2 }))) this.values[`new_${name}`] = value;
  }
}

/** Whether two numbers differ by more than rounding. @param {number} one @param {number} other */
function apart(one, other) {
  return Math.abs(one - other) > 1e-12 * Math.max(1, Math.abs(other));
}

/**
 * How many entries of two tables differ, and by how much at most.
 * @param {Matrix} one
 * @param {Matrix} other
 */
export function differing(one, other) {
  let [count, largest] = [0, 0];
  for (let n = 0; n < one.data.length; n++) {
    if (!apart(one.data[n], other.data[n])) continue;
    count += 1;
    largest = Math.max(largest, Math.abs(one.data[n] - other.data[n]));
  }
  return { count, largest };
}
