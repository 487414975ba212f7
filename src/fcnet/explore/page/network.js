// The exercise's network as a chain of values, each computed from those before it.
// The names are those of the NumPy lines that stand beside the equations.

import { Matrix } from "./matrix.js";

/** @typedef {Record<string, Matrix>} Values */
/** @typedef {Record<string, (v: Values) => Matrix>} Rules how values are computed, by name */
/** @typedef {{W1: Matrix, b1: Matrix, W2: Matrix, b2: Matrix}} Params */
/** @typedef {"W1" | "b1" | "W2" | "b2"} ParamName */

/** @type {ParamName[]} */
export const PARAMS = ["W1", "b1", "W2", "b2"];

/** The gradient of each parameter. @type {Record<ParamName, string>} */
export const GRADIENTS = { W1: "dW1", b1: "db1", W2: "dW2", b2: "db2" };

/** The softmax of each row, (2); the largest number of a row is subtracted first. @param {Matrix} u */
export function softmax(u) {
  const out = new Matrix(u.rows, u.cols);
  for (let r = 0; r < u.rows; r++) {
    const row = u.row(r);
    const largest = Math.max(...row);
    const powers = row.map((value) => Math.exp(value - largest));
    const total = powers.reduce((a, b) => a + b, 0);
    out.data.set(
      powers.map((power) => power / total),
      r * u.cols,
    );
  }
  return out;
}

/** The logarithm of the softmax of each row, (11). @param {Matrix} u */
export function logSoftmax(u) {
  const out = new Matrix(u.rows, u.cols);
  for (let r = 0; r < u.rows; r++) {
    const row = u.row(r);
    const largest = Math.max(...row);
    const log = Math.log(row.reduce((total, value) => total + Math.exp(value - largest), 0));
    out.data.set(
      row.map((value) => value - largest - log),
      r * u.cols,
    );
  }
  return out;
}

/** Of each row the entry of its label, (N, 1). @param {Matrix} table @param {Matrix} y */
export function ofLabels(table, y) {
  return new Matrix(
    table.rows,
    1,
    Float64Array.from(y.data, (label, row) => table.at(row, label)),
  );
}

/** @param {Matrix} W */
function sumOfSquares(W) {
  return W.data.reduce((total, w) => total + w * w, 0);
}

/** Forward, loss and backward, in the order of computation. @type {Rules} */
export const RULES = {
  a1: ({ X }) => X, // (3)
  z2: ({ a1, W1, b1 }) => a1.times(W1).plusRow(b1), // (4)
  a2: ({ z2 }) => z2.map((value) => (value <= 0 ? 0 : value)), // (1), (5)
  z3: ({ a2, W2, b2 }) => a2.times(W2).plusRow(b2), // (6)
  f: ({ z3 }) => softmax(z3), // (2), (7)
  J_i: ({ z3, y }) => ofLabels(logSoftmax(z3), y).scaled(-1), // (8)-(11)
  J: ({ J_i }) => Matrix.scalar(J_i.sum() / J_i.rows), // (12)
  norms: ({ W1, W2 }) => Matrix.scalar(sumOfSquares(W1) + sumOfSquares(W2)), // (14)
  J_tilde: ({ J, reg, norms }) => Matrix.scalar(J.at(0, 0) + reg.at(0, 0) * norms.at(0, 0)), // (13)
  Delta: ({ z3, y }) => z3.map((_, row, col) => (y.data[row] === col ? 1 : 0)), // (17)
  delta3: ({ z3, Delta }) =>
    softmax(z3)
      .minus(Delta)
      .map((value) => value / z3.rows), // (16)
  dJ_dW2: ({ a2, delta3 }) => a2.transposed().times(delta3), // (18), (19)
  dW2: ({ dJ_dW2, reg, W2 }) => dJ_dW2.plus(W2.scaled(2 * reg.at(0, 0))), // (20)
  db2: ({ delta3 }) => delta3.sumOfRows(),
  dJ_da2: ({ delta3, W2 }) => delta3.times(W2.transposed()),
  slope2: ({ z2 }) => z2.map((value) => (value > 0 ? 1 : 0)),
  delta2: ({ dJ_da2, slope2 }) => dJ_da2.zip(slope2, (error, slope) => error * slope),
  dW1: ({ a1, delta2, reg, W1 }) =>
    a1
      .transposed()
      .times(delta2)
      .plus(W1.scaled(2 * reg.at(0, 0))),
  db1: ({ delta2 }) => delta2.sumOfRows(),
};

/** What is needed for the objective alone. */
const FORWARD = ["a1", "z2", "a2", "z3", "f", "J_i", "J", "norms", "J_tilde"];

/**
 * The rules' values in their order.
 * @param {Values} given X, y (N, 1), reg and the parameters
 * @param {Rules} instead rules of a mistake, which replace the right ones
 * @param {string[]} names which values
 * @returns {Values}
 */
export function compute(given, instead = {}, names = Object.keys(RULES)) {
  const values = { ...given };
  for (const name of names) values[name] = (instead[name] ?? RULES[name])(values);
  return values;
}

/** The objective (13). @param {Values} given @param {Rules} instead */
export function objective(given, instead = {}) {
  return compute(given, instead, FORWARD).J_tilde.at(0, 0);
}

/**
 * The objective with one parameter moved by some amount.
 * @param {Values} given @param {ParamName} name @param {number} row @param {number} col
 * @param {number} by @param {Rules} instead
 */
export function objectiveAt(given, name, row, col, by, instead = {}) {
  const moved = given[name].with(row, col, given[name].at(row, col) + by);
  return objective({ ...given, [name]: moved }, instead);
}

/**
 * The central difference quotient of the objective.
 * @param {Values} given @param {ParamName} name @param {number} row @param {number} col
 * @param {number} h @param {Rules} instead
 */
export function centralDifference(given, name, row, col, h, instead = {}) {
  const above = objectiveAt(given, name, row, col, h, instead);
  return (above - objectiveAt(given, name, row, col, -h, instead)) / (2 * h);
}

/** The exercise's relative error of two numbers. @param {number} a @param {number} n */
export function relativeError(a, n) {
  return Math.abs(a - n) / Math.max(1e-8, Math.abs(a) + Math.abs(n));
}

/**
 * The exercise's gradient check: the largest relative error of each parameter's gradient.
 * @param {Values} given @param {Rules} instead @param {number} h
 * @returns {Record<ParamName, number>}
 */
export function gradientCheck(given, instead = {}, h = 1e-5) {
  const values = compute(given, instead);
  const errors = { W1: 0, b1: 0, W2: 0, b2: 0 };
  for (const name of PARAMS) {
    const gradient = values[GRADIENTS[name]];
    gradient.map((analytic, row, col) => {
      const error = relativeError(analytic, centralDifference(given, name, row, col, h, instead));
      errors[name] = Math.max(errors[name], Number.isNaN(error) ? Infinity : error);
      return 0;
    });
  }
  return errors;
}
