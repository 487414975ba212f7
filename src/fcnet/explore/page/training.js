// Algorithm 1 on the toy problem, with the exercise's minibatches: 200 draws of the five points.

import { Matrix } from "./matrix.js";
import { GRADIENTS, PARAMS, compute } from "./network.js";
import { RandomState } from "./random.js";

/** @typedef {import("./network.js").Params} Params */
/** @typedef {import("./network.js").ParamName} ParamName */
/** @typedef {import("./network.js").Rules} Rules */
/** @typedef {import("./network.js").Values} Values */
/** @typedef {"normal" | "he" | "equal"} Scheme */
/** @typedef {{scheme: Scheme, std: number, seed: number}} Start */
/** @typedef {{learningRate: number, decay: number, momentum: number, reg: number}} Settings */
/** @typedef {(params: Params) => Params} Guard what a mistake does to the parameters of an update */

const SIZES = { D: 4, H: 10, K: 3 };

/** Draws of a minibatch, and iterations of question 3's training. */
export const BATCH = 200;
export const ITERATIONS = 100;

/** The settings of question 3. @type {Settings} */
export const QUESTION_3 = { learningRate: 0.1, decay: 0.95, momentum: 0, reg: 5e-6 };

/** The exercise's initial weights. @type {Start} */
export const EXERCISE_START = { scheme: "normal", std: 0.1, seed: 0 };

/** A training that can be stepped through: its weights, its velocity and what it draws from. */
export class Training {
  /**
   * @param {Matrix} X the points
   * @param {Matrix} y their labels, (N, 1)
   * @param {Start} start
   */
  constructor(X, y, start) {
    this.X = X;
    this.y = y;
    this.start = start;
    this.rng = new RandomState(start.seed);
    this.params = initialParams(start, this.rng);
    this.velocity = mapParams(this.params, (value) => new Matrix(value.rows, value.cols));
    this.iteration = 0;
    /** @type {number[]} the objective of every iteration's minibatch */
    this.history = [];
  }

  /** The learning rate of the next iteration. @param {Settings} settings */
  rate(settings) {
    return settings.learningRate * settings.decay ** this.iteration;
  }

  /**
   * One iteration; returns whether everything is still finite. Without, nothing is changed.
   * @param {Settings} settings @param {Rules} instead @param {Guard} guard
   */
  step(settings, instead = {}, guard = (params) => params) {
    const drawn = this.rng.choice(this.X.rows, BATCH);
    const given = {
      X: this.X.take(drawn),
      y: this.y.take(drawn),
      reg: Matrix.scalar(settings.reg),
      ...this.params,
    };
    const values = compute(given, instead);
    const [velocity, params] = update(values, this.velocity, this.rate(settings), settings.momentum);
    const next = guard(params);
    const loss = values.J_tilde.at(0, 0);
    if (!Number.isFinite(loss) || !PARAMS.every((name) => next[name].data.every(Number.isFinite)))
      return false;
    this.params = next;
    this.velocity = velocity;
    this.history.push(loss);
    this.iteration += 1;
    return true;
  }
}

/**
 * Algorithm 1, lines 3 and 4.
 * @param {Values} values with the gradients @param {Params} velocity
 * @param {number} learningRate @param {number} momentum
 * @returns {[Params, Params]} the new velocity and the new parameters
 */
export function update(values, velocity, learningRate, momentum) {
  const next = mapParams(velocity, (v, name) =>
    v.zip(values[GRADIENTS[name]], (speed, slope) => momentum * speed - learningRate * slope),
  );
  return [next, mapParams(next, (v, name) => values[name].plus(v))];
}

/** @param {Start} start @param {RandomState} rng @returns {Params} */
export function initialParams(start, rng) {
  const { D, H, K } = SIZES;
  return {
    W1: drawn(D, H, start, rng),
    b1: new Matrix(1, H),
    W2: drawn(H, K, start, rng),
    b2: new Matrix(1, K),
  };
}

/** @param {number} inputs @param {number} outputs @param {Start} start @param {RandomState} rng */
function drawn(inputs, outputs, start, rng) {
  const std = start.scheme === "he" ? Math.sqrt(2 / inputs) : start.std;
  const normal = new Matrix(inputs, outputs).map(() => rng.normal());
  return normal.map((value) => std * (start.scheme === "equal" ? 1 : value));
}

/** @param {Params} params @param {(value: Matrix, name: ParamName) => Matrix} f @returns {Params} */
function mapParams(params, f) {
  return { W1: f(params.W1, "W1"), b1: f(params.b1, "b1"), W2: f(params.W2, "W2"), b2: f(params.b2, "b2") };
}

/**
 * Question 3's training from the exercise's weights, to its end or to the last finite iteration.
 * @param {Matrix} X @param {Matrix} y @param {Rules} instead @param {Guard} [guard]
 */
export function question3(X, y, instead = {}, guard) {
  const training = new Training(X, y, EXERCISE_START);
  for (let n = 0; n < ITERATIONS; n++) if (!training.step(QUESTION_3, instead, guard)) break;
  return training;
}
