// The units and weights of the 4-10-3 network: what each is called, and how one is chosen.

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").Weight} Weight */
/** @typedef {"input" | "hidden" | "output"} Layer */

/** A unit; each half of it shows the value that went up and the one that came back.
 * @typedef {{kind: Layer, n: number, title: string, halves: string[][]}} Unit */

export const D = 4;
export const H = 10;
export const K = 3;

/** @type {Unit[]} */
export const UNITS = [
  ...units("input", D, (n) => `input ${n + 1}`, [["a1"]]),
  ...units("hidden", H, (n) => `hidden unit ${n + 1}`, [
    ["z2", "delta2"],
    ["a2", "dJ_da2"],
  ]),
  ...units("output", K, (n) => `class ${n}`, [
    ["z3", "delta3"],
    ["f", "Delta"],
  ]),
];

/**
 * @param {Layer} kind
 * @param {number} count
 * @param {(n: number) => string} title
 * @param {string[][]} halves
 * @returns {Unit[]}
 */
function units(kind, count, title, halves) {
  return Array.from({ length: count }, (_, n) => ({ kind, n, title: title(n), halves }));
}

/** The weights, biases as weights of a unit that is always 1. @type {Weight[]} */
export const WEIGHTS = [
  ...weights("W1", D, H),
  ...weights("b1", 1, H),
  ...weights("W2", H, K),
  ...weights("b2", 1, K),
];

/** @param {Weight["name"]} name @param {number} rows @param {number} cols @returns {Weight[]} */
function weights(name, rows, cols) {
  return Array.from({ length: rows * cols }, (_, n) => ({ name, row: Math.floor(n / cols), col: n % cols }));
}

/** @param {Weight} one @param {Weight} other */
export function sameWeight(one, other) {
  return one.name === other.name && one.row === other.row && one.col === other.col;
}

/** A weight in words. @param {Weight} weight */
export function weightTitle({ name, row, col }) {
  const to = name.endsWith("1") ? `hidden unit ${col + 1}` : `class ${col}`;
  if (name.startsWith("b")) return `bias of ${to}`;
  return `weight from ${name === "W1" ? `input ${row + 1}` : `hidden unit ${row + 1}`} to ${to}`;
}

/**
 * The NumPy expression of an entry of a parameter or its gradient.
 * @param {Weight} weight
 * @param {string} table
 */
export function entry({ name, row, col }, table = name) {
  return name.startsWith("b") ? `${table}[${col}]` : `${table}[${row}, ${col}]`;
}

/**
 * What changes when a weight is chosen: the units at its ends are chosen too.
 * @param {Store} store
 * @param {Weight} weight
 */
export function choosing(store, weight) {
  const chosen = { ...store.chosen };
  if (weight.name === "W1") chosen.d = weight.row;
  if (weight.name === "W2") chosen.h = weight.row;
  if (weight.name.endsWith("1")) chosen.h = weight.col;
  else chosen.k = weight.col;
  return { weight, chosen };
}

/**
 * What changes when a unit is chosen: a weight that reaches it is chosen too.
 * @param {Store} store
 * @param {Unit} unit
 */
export function choosingUnit(store, unit) {
  const { d, h, k } = store.chosen;
  if (unit.kind === "input") return choosing(store, { name: "W1", row: unit.n, col: h });
  if (unit.kind === "hidden") return choosing(store, { name: "W1", row: d, col: unit.n });
  return choosing(store, { name: "W2", row: h, col: unit.n });
}
