// A trained network as a list of layers. Each goes forward, and backward from what it was given before.
// A new kind of layer is one entry of LAYERS, a new activation one of ACTIVATIONS.

import { numbers, table } from "./decode.js";

/** @typedef {Float64Array} Vector */
/**
 * @typedef {{kind: string, forward: (x: Vector) => Vector, backward: (x: Vector,
 *   error: Vector) => Vector}} Layer
 */

/** GELU in its form with tanh. */
const C = Math.sqrt(2 / Math.PI);
const CUBE = 0.044715;

/** @param {number} z */
const geluGate = (z) => Math.tanh(C * (z + CUBE * z ** 3));

/**
 * phi and its slope, both from z.
 * @type {Record<string, {value: (z: number) => number, slope: (z: number) => number}>}
 */
const ACTIVATIONS = {
  relu: { value: (z) => (z <= 0 ? 0 : z), slope: (z) => (z > 0 ? 1 : 0) },
  tanh: { value: Math.tanh, slope: (z) => 1 - Math.tanh(z) ** 2 },
  gelu: {
    value: (z) => (z / 2) * (1 + geluGate(z)),
    slope: (z) => {
      const gate = geluGate(z);
      return ((1 + gate) / 2) * (1 + (1 - gate) * C * z * (1 + 3 * CUBE * z * z));
    },
  },
};

/** @type {Record<string, (told: any, block: ArrayBuffer) => Layer>} */
const LAYERS = {
  linear: (told, block) => {
    const W = table(block, told.W);
    const b = told.b && numbers(block, told.b);
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
  activation: (told) => {
    const { value, slope } = ACTIVATIONS[told.function];
    return {
      kind: "activation",
      forward: (x) => x.map(value),
      backward: (x, error) => error.map((one, n) => one * slope(x[n])),
    };
  },
  layernorm: (told, block) => {
    const gamma = numbers(block, told.gamma);
    const beta = numbers(block, told.beta);
    return {
      kind: "layernorm",
      forward: (x) => normalised(x, told.epsilon).normed.map((one, n) => one * gamma[n] + beta[n]),
      backward: (x, error) => {
        const { normed, spread } = normalised(x, told.epsilon);
        const g = error.map((one, n) => one * gamma[n]);
        const [plain, along] = [mean(g), mean(g.map((one, n) => one * normed[n]))];
        return g.map((one, n) => (one - plain - normed[n] * along) / spread);
      },
    };
  },
  residual: (told, block) => {
    const inner = layersOf(told.layers, block);
    return {
      kind: "residual",
      forward: (x) => {
        const out = forward(inner, x)[inner.length];
        return out.map((one, n) => one + x[n]);
      },
      backward: (x, error) => {
        const below = backward(inner, forward(inner, x), error, inner.length - 1, 0);
        return below.map((one, n) => one + error[n]);
      },
    };
  },
};

/** @param {Vector} x */
function mean(x) {
  return x.reduce((a, b) => a + b, 0) / x.length;
}

/** @param {Vector} x @param {number} epsilon */
function normalised(x, epsilon) {
  const middle = mean(x);
  const spread = Math.sqrt(mean(x.map((one) => (one - middle) ** 2)) + epsilon);
  return { normed: x.map((one) => (one - middle) / spread), spread };
}

/** @param {any[]} told @param {ArrayBuffer} block @returns {Layer[]} */
export function layersOf(told, block) {
  return told.map((one) => LAYERS[one.kind](one, block));
}

/**
 * What each layer is given, and last the scores.
 * @param {Layer[]} layers
 * @param {Vector} x
 * @returns {Vector[]}
 */
export function forward(layers, x) {
  const given = [x];
  for (const layer of layers) given.push(layer.forward(given[given.length - 1]));
  return given;
}

/**
 * An error at the output of layer `from`, brought back to the input of layer `to`.
 * @param {Layer[]} layers
 * @param {Vector[]} given
 * @param {Vector} error
 * @param {number} from
 * @param {number} to
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
