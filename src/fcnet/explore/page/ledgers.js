// The numbers of every equation, for the units and the weight that are chosen.

import { num } from "../../web/numbers.js";
import { alone, bracketed, each, ledger, penalty, product, reader, summed } from "./terms.js";

/** @typedef {import("../../web/numbers.js").Num} Num */
/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./ledger.js").Ledger} Ledger */

/**
 * The numbers of each step's equation, for what is chosen.
 * @type {Record<string, (store: Store) => Ledger>}
 */
const LEDGERS = {
  a1: (store) => {
    const { at } = reader(store);
    const { i, d } = store.chosen;
    return ledger(
      `input ${d + 1}, point ${i + 1}`,
      [alone("the point’s number", at("X", i, d))],
      at("a1", i, d),
    );
  },
  z2: (store) => {
    const { at, of } = reader(store);
    const { i, h: unit } = store.chosen;
    const terms = each(store.values.a1.cols, (d) =>
      product(`input ${d + 1}`, at("a1", i, d), at("W1", d, unit)),
    );
    return ledger(
      `hidden unit ${unit + 1}, point ${i + 1}`,
      [...terms, alone("bias", of("b1", unit))],
      at("z2", i, unit),
    );
  },
  a2: (store) => {
    const { at } = reader(store);
    const { i, h: unit } = store.chosen;
    const z = at("z2", i, unit);
    const total = num(Math.max(0, z.value), `max(0, ${z.of})`);
    return ledger(
      `hidden unit ${unit + 1}, point ${i + 1}`,
      [
        {
          label: z.value > 0 ? "positive: on" : "not positive: off",
          parts: ["max(0, ", z, ")"],
          value: total,
        },
      ],
      at("a2", i, unit),
      total,
    );
  },
  z3: (store) => {
    const { at, of } = reader(store);
    const { i, k } = store.chosen;
    const terms = each(store.values.a2.cols, (unit) =>
      product(`hidden unit ${unit + 1}`, at("a2", i, unit), at("W2", unit, k)),
    );
    return ledger(`class ${k}, point ${i + 1}`, [...terms, alone("bias", of("b2", k))], at("z3", i, k));
  },
  f: (store) => {
    const { at } = reader(store);
    const { i, k } = store.chosen;
    const terms = each(store.values.z3.cols, (j) => {
      const z = at("z3", i, j);
      return { label: `class ${j}`, parts: ["exp(", z, ")"], value: num(Math.exp(z.value), `exp(${z.of})`) };
    });
    const sum = summed(terms);
    const share = num(terms[k].value.value / sum.value, `exp(z3[${i}, ${k}]) / exp(z3[${i}]).sum()`);
    return ledger(
      `class ${k}, point ${i + 1}`,
      [
        ...terms,
        alone("their sum", sum),
        { label: `class ${k} of it`, parts: [terms[k].value, " / ", sum], value: share },
      ],
      at("f", i, k),
      share,
    );
  },
  J_i: (store) => {
    const { at, down } = reader(store);
    const { i } = store.chosen;
    const p = at("f", i, store.y.data[i]);
    const total = num(-Math.log(p.value), `-log(${p.of})`);
    return ledger(
      `point ${i + 1}, label ${store.y.data[i]}`,
      [{ label: "the label’s probability", parts: ["−log ", p], value: total }],
      down("J_i", i),
      total,
    );
  },
  J: (store) => {
    const { down, scalar } = reader(store);
    const N = store.X.rows;
    const terms = each(N, (i) => ({
      label: `point ${i + 1}`,
      parts: [down("J_i", i), ` / ${N}`],
      value: num(store.values.J_i.at(i, 0) / N, `J_i[${i}] / N`),
    }));
    return ledger("the mean over the five points", terms, scalar("J"));
  },
  norms: (store) => {
    const { scalar } = reader(store);
    const terms = ["W1", "W2"].map((name) => {
      const squares = store.values[name].data.reduce((total, w) => total + w * w, 0);
      return alone(
        `${store.values[name].data.length} squares of ${name}`,
        num(squares, `(${name}**2).sum()`),
      );
    });
    return ledger("all weights, no biases", terms, scalar("norms"));
  },
  J_tilde: (store) => {
    const { scalar } = reader(store);
    return ledger(
      "the objective",
      [alone("the loss", scalar("J")), product("the penalty", scalar("reg"), scalar("norms"))],
      scalar("J_tilde"),
    );
  },
  Delta: (store) => {
    const { at } = reader(store);
    const { i, k } = store.chosen;
    const is = store.y.data[i] === k;
    const total = num(is ? 1 : 0, `1 * (y[${i}] == ${k})`);
    return ledger(
      `class ${k}, point ${i + 1}`,
      [alone(is ? "it is the label" : `the label is ${store.y.data[i]}`, total)],
      at("Delta", i, k),
    );
  },
  delta3: (store) => {
    const { at } = reader(store);
    const { i, k } = store.chosen;
    const [f, Delta] = [at("f", i, k), at("Delta", i, k)];
    const N = store.X.rows;
    const total = num((f.value - Delta.value) / N, `(${f.of} - ${Delta.of}) / N`);
    return ledger(
      `class ${k}, point ${i + 1}`,
      [{ label: "said − true, over N", parts: ["(", f, " − ", Delta, `) / ${N}`], value: total }],
      at("delta3", i, k),
      total,
    );
  },
  dJ_dW2: (store) => {
    const { at } = reader(store);
    const { h: unit, k } = store.chosen;
    const terms = each(store.X.rows, (i) => product(`point ${i + 1}`, at("a2", i, unit), at("delta3", i, k)));
    return ledger(`weight from hidden unit ${unit + 1} to class ${k}`, terms, at("dJ_dW2", unit, k));
  },
  dW2: (store) => {
    const { at } = reader(store);
    const { h: unit, k } = store.chosen;
    return ledger(
      `weight from hidden unit ${unit + 1} to class ${k}`,
      [alone("from the loss", at("dJ_dW2", unit, k)), penalty(store, "W2", unit, k)],
      at("dW2", unit, k),
    );
  },
  db2: (store) => {
    const { at, of } = reader(store);
    const { k } = store.chosen;
    return ledger(
      `bias of class ${k}`,
      each(store.X.rows, (i) => alone(`point ${i + 1}`, at("delta3", i, k))),
      of("db2", k),
    );
  },
  dJ_da2: (store) => {
    const { at } = reader(store);
    const { i, h: unit } = store.chosen;
    const terms = each(store.values.delta3.cols, (k) =>
      product(`class ${k}`, at("delta3", i, k), at("W2", unit, k)),
    );
    return ledger(`hidden unit ${unit + 1}, point ${i + 1}`, terms, at("dJ_da2", i, unit));
  },
  slope2: (store) => {
    const { at } = reader(store);
    const { i, h: unit } = store.chosen;
    const z = at("z2", i, unit);
    const total = num(z.value > 0 ? 1 : 0, `1 * (${z.of} > 0)`);
    return ledger(
      `hidden unit ${unit + 1}, point ${i + 1}`,
      [{ label: z.value > 0 ? "on" : "off", parts: [z, z.value > 0 ? " > 0" : " ≤ 0"], value: total }],
      at("slope2", i, unit),
    );
  },
  delta2: (store) => {
    const { at } = reader(store);
    const { i, h: unit } = store.chosen;
    return ledger(
      `hidden unit ${unit + 1}, point ${i + 1}`,
      [product("error × slope", at("dJ_da2", i, unit), at("slope2", i, unit))],
      at("delta2", i, unit),
    );
  },
  dW1: (store) => {
    const { at } = reader(store);
    const { d, h: unit } = store.chosen;
    const terms = each(store.X.rows, (i) => product(`point ${i + 1}`, at("a1", i, d), at("delta2", i, unit)));
    return ledger(
      `weight from input ${d + 1} to hidden unit ${unit + 1}`,
      [...terms, penalty(store, "W1", d, unit)],
      at("dW1", d, unit),
    );
  },
  db1: (store) => {
    const { at, of } = reader(store);
    const { h: unit } = store.chosen;
    return ledger(
      `bias of hidden unit ${unit + 1}`,
      each(store.X.rows, (i) => alone(`point ${i + 1}`, at("delta2", i, unit))),
      of("db1", unit),
    );
  },
};

/** The ledger of a step. @param {string} name @param {Store} store */
export function ledgerOf(name, store) {
  return LEDGERS[name](store);
}

/**
 * The update of the chosen weight by Algorithm 1.
 * @param {Store} store
 * @param {string} title
 * @param {(table: string) => string} entryOf
 * @returns {Ledger}
 */
export function updateLedger(store, title, entryOf) {
  const { name, row, col } = store.weight;
  /** @param {string} table */
  const read = (table) => num(store.values[table].at(row, col), entryOf(table));
  const gradient = read(`d${name}`);
  const { momentum } = store.settings;
  const rate = num(store.training.rate(store.settings), "learning_rate");
  const old = num(store.training.velocity[name].at(row, col), entryOf(`old_${name}`));
  const terms = [
    alone("the weight", read(name)),
    product("momentum × velocity", num(momentum, "momentum"), old),
    {
      label: "− rate × gradient",
      parts: ["−", rate, " × ", ...bracketed(gradient)],
      value: num(-rate.value * gradient.value, `-learning_rate * ${gradient.of}`),
    },
  ];
  return ledger(title, terms, read(`new_${name}`));
}

/**
 * The chain rule of the chosen weight, one term an example.
 * @param {Store} store
 * @param {string} title
 * @returns {Ledger}
 */
export function chainRule(store, title) {
  const { at, of } = reader(store);
  const { name, row, col } = store.weight;
  /** @param {number} i */
  const back = (i) => [at("slope2", i, col), at("dJ_da2", i, col)];
  /** @type {Record<string, (i: number) => Num[]>} */
  const factors = {
    W1: (i) => [at("a1", i, row), ...back(i)],
    b1: back,
    W2: (i) => [at("a2", i, row), at("delta3", i, col)],
    b2: (i) => [at("delta3", i, col)],
  };
  const terms = each(store.X.rows, (i) => product(`point ${i + 1}`, ...factors[name](i)));
  if (name.startsWith("W")) terms.push(penalty(store, name, row, col));
  return ledger(title, terms, name.startsWith("W") ? at(`d${name}`, row, col) : of(`d${name}`, col));
}
