// Typical mistakes of real solutions: which rules of the chain they replace, and the words for them.

import { Matrix } from "./matrix.js";
import { logSoftmax, ofLabels, softmax } from "./network.js";

/** @typedef {import("./network.js").Rules} Rules */
/** @typedef {import("./training.js").Guard} Guard */
/** @typedef {{code: string, title: string, text: string, instead: Rules, guard?: Guard}} Mistake */

/**
 * The texts of each code, from the page's data.
 * @typedef {Record<string, {title: string, text: string}>} Texts
 */

/** What each mistake computes instead. @type {Record<string, {instead: Rules, guard?: Guard}>} */
const INSTEAD = {
  RELU_MASK_MISSING: { instead: { delta2: ({ dJ_da2 }) => dJ_da2 } },
  MEAN_MISSING: { instead: { delta3: ({ z3, Delta }) => softmax(z3).minus(Delta) } },
  BIAS_GRAD_DIV_N_TWICE: {
    instead: {
      db1: ({ delta2 }) => delta2.sumOfRows().scaled(1 / delta2.rows),
      db2: ({ delta3 }) => delta3.sumOfRows().scaled(1 / delta3.rows),
    },
  },
  REG_HALF_BUG: {
    instead: {
      J_tilde: ({ J, reg, norms }) => Matrix.scalar(J.at(0, 0) + 0.5 * reg.at(0, 0) * norms.at(0, 0)),
      ...withPenalty(1),
    },
  },
  REG_GRAD_FACTOR: { instead: withPenalty(1) },
  REG_GRAD_MISSING: { instead: withPenalty(0) },
  SOFTMAX_AXIS: {
    instead: {
      f: ({ z3 }) => softmax(z3.transposed()).transposed(),
      J_i: ({ f, y }) => ofLabels(f, y).map((p) => -Math.log(p)),
      delta3: ({ f, Delta }) => f.minus(Delta).scaled(1 / f.rows),
    },
  },
  SOFTMAX_TWICE: {
    instead: {
      f: ({ z3 }) => softmax(softmax(z3)),
      J_i: ({ f, y }) => ofLabels(f, y).map((p) => -Math.log(p)),
      delta3: ({ f, Delta }) => f.minus(Delta).scaled(1 / f.rows),
    },
  },
  LOSS_ALL_CLASSES: {
    instead: {
      J_i: ({ z3 }) =>
        new Matrix(z3.rows, 1).map(
          (_, row) =>
            -logSoftmax(z3)
              .row(row)
              .reduce((a, b) => a + b),
        ),
    },
  },
  BIASES_NOT_UPDATED: {
    instead: {},
    guard: (params) => ({ ...params, b1: params.b1.scaled(0), b2: params.b2.scaled(0) }),
  },
};

/**
 * Gradients by the weights with this many times lambda * W instead of twice.
 * @param {number} factor
 * @returns {Rules}
 */
function withPenalty(factor) {
  return {
    dW2: ({ dJ_dW2, reg, W2 }) => dJ_dW2.plus(W2.scaled(factor * reg.at(0, 0))),
    dW1: ({ a1, delta2, reg, W1 }) =>
      a1
        .transposed()
        .times(delta2)
        .plus(W1.scaled(factor * reg.at(0, 0))),
  };
}

/** The mistakes that have both a text and rules. @param {Texts} texts @returns {Mistake[]} */
export function mistakes(texts) {
  return Object.entries(INSTEAD)
    .filter(([code]) => code in texts)
    .map(([code, rules]) => ({ code, ...texts[code], ...rules }));
}
