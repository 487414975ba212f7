// The terms that equations are made of, each with its numbers and the NumPy expression that it is.

import { num } from "../../web/numbers.js";

/** @typedef {import("../../web/numbers.js").Num} Num */
/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./ledger.js").Term} Term */
/** @typedef {import("./ledger.js").Ledger} Ledger */

/** @param {Store} store of the values */
export function reader(store) {
  const { values } = store;
  /** An entry of a table. @param {string} name @param {number} row @param {number} col */
  const at = (name, row, col) => num(values[name].at(row, col), `${name}[${row}, ${col}]`);
  /** An entry of a row. @param {string} name @param {number} col */
  const of = (name, col) => num(values[name].at(0, col), `${name}[${col}]`);
  /** An entry of a column. @param {string} name @param {number} row */
  const down = (name, row) => num(values[name].at(row, 0), `${name}[${row}]`);
  /** @param {string} name */
  const scalar = (name) => num(values[name].at(0, 0), name);
  return { at, of, down, scalar };
}

/** @param {string} label @param {Num[]} factors @returns {Term} */
export function product(label, ...factors) {
  const parts = factors.flatMap((factor, n) => (n ? [" × ", ...bracketed(factor)] : [factor]));
  const value = factors.reduce((total, factor) => total * factor.value, 1);
  return { label, parts, value: num(value, factors.map(({ of }) => of).join(" * ")) };
}

/** @param {Num} factor @returns {(string | Num)[]} */
export function bracketed(factor) {
  return factor.value < 0 ? ["(", factor, ")"] : [factor];
}

/** @param {string} label @param {Num} number @returns {Term} */
export function alone(label, number) {
  return { label, parts: [], value: number };
}

/** @param {Term[]} terms */
export function summed(terms) {
  return num(
    terms.reduce((total, { value }) => total + value.value, 0),
    terms.map(({ value }) => value.of).join(" + "),
  );
}

/**
 * A sum of its terms, unless the total is given.
 * @param {string} of
 * @param {Term[]} terms
 * @param {Num} computed
 * @param {Num} [total]
 * @returns {Ledger}
 */
export function ledger(of, terms, computed, total) {
  return { of, terms, computed, total: total ?? summed(terms), sums: !total && terms.length > 1 };
}

/** @param {number} count @param {(n: number) => Term} term */
export function each(count, term) {
  return Array.from({ length: count }, (_, n) => term(n));
}

/** @param {Store} store @param {string} name @param {number} row @param {number} col @returns {Term} */
export function penalty(store, name, row, col) {
  const { at, scalar } = reader(store);
  const [reg, w] = [scalar("reg"), at(name, row, col)];
  return {
    label: "penalty",
    parts: ["2 × ", reg, " × ", ...bracketed(w)],
    value: num(2 * reg.value * w.value, `2 * reg * ${w.of}`),
  };
}
