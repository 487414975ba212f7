// What a trained network makes of one picture: its answer, what each hidden unit adds to it, and what if.

import { backward, forward, layersOf, probabilities, unit } from "./layers.js";
import { table } from "./decode.js";

/** @typedef {import("./layers.js").Layer} Layer */
/** @typedef {import("./layers.js").Vector} Vector */
/** @typedef {{row: number, col: number, size: number}} Patch rows and columns from its upper left corner */
/** @typedef {{unit: number, activation: number, push: number[]}} Speaker */

export class Vision {
  /** @param {any} run of the page's data @param {ArrayBuffer} block its numbers */
  constructor(run, block) {
    this.shape = /** @type {[number, number, number]} */ (run.shape);
    this.classes = /** @type {string[]} */ (run.classes);
    this.mean = table(block, run.mean).data;
    this.scale = run.scale;
    this.layers = layersOf(run.layers, block);
    /** Where in the list hidden units are: behind activations, and behind residual blocks. */
    this.hidden = this.layers.flatMap((layer, n) =>
      ["activation", "residual"].includes(layer.kind) ? [n] : [],
    );
  }

  /**
   * The network's view of pixels, covered parts being the mean picture.
   * @param {Uint8Array} pixels
   * @param {Patch | null} patch
   */
  input(pixels, patch) {
    const [, height, width] = this.shape;
    const x = Float64Array.from(pixels, (pixel, n) => (pixel - this.mean[n]) / this.scale);
    if (!patch) return x;
    for (let n = 0; n < x.length; n++) {
      const row = Math.floor(n / width) % height;
      const col = n % width;
      if (
        row >= patch.row &&
        row < patch.row + patch.size &&
        col >= patch.col &&
        col < patch.col + patch.size
      )
        x[n] = 0;
    }
    return x;
  }

  /**
   * What each layer is given, with some hidden units switched off.
   * @param {Vector} x
   * @param {Map<number, Set<number>>} off by the layer's place
   */
  see(x, off = new Map()) {
    const given = [x];
    this.layers.forEach((layer, n) => {
      const out = layer.forward(given[n]);
      for (const one of off.get(n) ?? []) out[one] = 0;
      given.push(out);
    });
    return given;
  }

  /** @param {Vector[]} given */
  answer(given) {
    return probabilities(given[given.length - 1]);
  }

  /**
   * The hidden units of a layer that move the scores most: activation times the scores' slope by it.
   * @param {Vector[]} given @param {number} place of the layer @param {number} count @returns {Speaker[]}
   */
  speakers(given, place, count) {
    const last = this.layers.length - 1;
    const activations = given[place + 1];
    const slopes = this.classes.map((_, k) =>
      backward(this.layers, given, unit(this.classes.length, k), last, place + 1),
    );
    const all = Array.from(activations, (activation, n) => ({
      unit: n,
      activation,
      push: slopes.map((slope) => activation * slope[n]),
    }));
    /** @param {Speaker} one */
    const loud = (one) => Math.max(...one.push) - Math.min(...one.push);
    return all
      .filter((one) => one.activation !== 0)
      .sort((a, b) => loud(b) - loud(a))
      .slice(0, count);
  }

  /**
   * What in the picture would switch a hidden unit on: the slope by each pixel of what its activation is
   * given, or of a residual block's output.
   * @param {Vector[]} given @param {number} place @param {number} one
   */
  looksFor(given, place, one) {
    const from = this.layers[place].kind === "activation" ? place - 1 : place;
    return backward(this.layers, given, unit(given[from + 1].length, one), from, 0);
  }

  /** The corners of patches that cover the picture in steps of half a patch. @param {number} size */
  corners(size) {
    const [, height, width] = this.shape;
    const step = Math.max(1, Math.floor(size / 2));
    /** @param {number} side */
    const along = (side) =>
      Array.from({ length: Math.ceil((side - size) / step) + 1 }, (_, n) => Math.min(n * step, side - size));
    return along(height).flatMap((row) => along(width).map((col) => ({ row, col, size })));
  }

  /**
   * The probability of a class with that patch covered.
   * @param {Uint8Array} pixels
   * @param {Patch} patch
   * @param {number} k
   */
  covered(pixels, patch, k) {
    const given = forward(this.layers, this.input(pixels, patch));
    return this.answer(given)[k];
  }
}
