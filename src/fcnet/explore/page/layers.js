// A trained network as a list of layers. Each goes forward, and backward from what it was given on the way up.
// A new kind of layer is one entry of LAYERS.

import { table } from "./decode.js";

/** @typedef {Float64Array} Vector */
/** @typedef {{kind: string, forward: (x: Vector) => Vector, backward: (x: Vector, error: Vector) => Vector}} Layer */

/** @type {Record<string, (told: any, block: ArrayBuffer) => Layer>} */
const LAYERS = {
  linear: (told, block) => {
    const W = table(block, told.W);
    const b = told.b && table(block, told.b).data;
    return {
      kind: "linear",
      forward: (x) => {
        const out = b ? Float64Array.from(b) : new Float64Array(W.cols);
        for (let p = 0; p < W.rows; p++) {
          const factor = x[p];
          if (factor === 0) continue;
          const from = p * W.cols;
          for (let q = 0; q < W.cols; q++) out[q] += factor * W.data[from + q];
        }
        return out;
      },
      backward: (_, error) => {
        const out = new Float64Array(W.rows);
        for (let p = 0; p < W.rows; p++) {
          const from = p * W.cols;
          let total = 0;
          for (let q = 0; q < W.cols; q++) total += W.data[from + q] * error[q];
          out[p] = total;
        }
        return out;
      },
    };
  },
  relu: () => ({
    kind: "relu",
    forward: (x) => x.map((value) => (value <= 0 ? 0 : value)),
    backward: (x, error) => error.map((value, n) => (x[n] > 0 ? value : 0)),
  }),
};

/** @param {any[]} told @param {ArrayBuffer} block @returns {Layer[]} */
export function layersOf(told, block) {
  return told.map((one) => LAYERS[one.kind](one, block));
}

/** What each layer is given, and last the scores. @param {Layer[]} layers @param {Vector} x @returns {Vector[]} */
export function forward(layers, x) {
  const given = [x];
  for (const layer of layers) given.push(layer.forward(given[given.length - 1]));
  return given;
}

/**
 * An error at the output of layer `from`, brought back to the input of layer `to`.
 * @param {Layer[]} layers @param {Vector[]} given @param {Vector} error @param {number} from @param {number} to
 */
export function backward(layers, given, error, from, to) {
  for (let n = from; n >= to; n--) error = layers[n].backward(given[n], error);
  return error;
}

/** @param {Vector} scores @returns {number[]} */
export function probabilities(scores) {
  const largest = scores.reduce((most, one) => Math.max(most, one), -Infinity);
  const powers = Array.from(scores, (score) => Math.exp(score - largest));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

/** A vector with a single 1. @param {number} size @param {number} place */
export function unit(size, place) {
  const out = new Float64Array(size);
  out[place] = 1;
  return out;
}
