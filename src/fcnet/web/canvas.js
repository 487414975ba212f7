// Pictures on the page, pixel by pixel.

import { h } from "./dom.js";

/** @typedef {[number, number, number]} Shape channels, height, width */

/** @param {Shape} shape @param {string} name of the class */
export function canvasOf([, height, width], name) {
  return h("canvas", { width, height, class: name });
}

/**
 * Pixels channel by channel, 0 to 255; a single channel is grey.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} pixels
 * @param {Shape} shape
 */
export function paint(canvas, pixels, [channels, height, width]) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(width, height);
  for (let n = 0; n < height * width; n++) {
    for (let c = 0; c < 3; c++) image.data[4 * n + c] = pixels[(channels === 3 ? c : 0) * height * width + n];
    image.data[4 * n + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/**
 * Weights of both signs, scaled by the largest: 0 is middle grey.
 * @param {HTMLCanvasElement} canvas
 * @param {Float64Array} weights
 * @param {Shape} shape
 */
export function paintWeights(canvas, weights, shape) {
  const largest = weights.reduce((most, one) => Math.max(most, Math.abs(one)), 1e-300);
  paint(
    canvas,
    weights.map((one) => (255 * (1 + one / largest)) / 2),
    shape,
  );
}

/**
 * How much each pixel matters, as a veil: what lowers an answer in one colour, what raises it in another.
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} drops
 * @param {Shape} shape
 */
export function paintVeil(canvas, drops, [, height, width]) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(width, height);
  const largest = drops.reduce((most, one) => Math.max(most, Math.abs(one)), 1e-12);
  drops.forEach((drop, n) => {
    image.data.set(drop > 0 ? [213, 94, 0] : [0, 114, 178], 4 * n);
    image.data[4 * n + 3] = Math.round((175 * Math.abs(drop)) / largest);
  });
  context.putImageData(image, 0, 0);
}
