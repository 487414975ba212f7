// Tables of numbers out of the page's data: one deflated block, and where in it each table is.

import { Matrix } from "./matrix.js";

/**
 * @typedef {{kind: "float32" | "int16" | "int8" | "uint8", shape: [number, number], at: number,
 *   scale?: number}} Packed
 */

const ARRAYS = { float32: Float32Array, int16: Int16Array, int8: Int8Array, uint8: Uint8Array };

/** The block's bytes. @param {string} text base64 @returns {Promise<ArrayBuffer>} */
export function inflate(text) {
  const deflated = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** The numbers of a table as they are. @param {ArrayBuffer} block @param {Packed} packed */
export function numbers(block, { kind, shape: [rows, cols], at }) {
  const ArrayOf = ARRAYS[kind];
  return new ArrayOf(block.slice(at, at + rows * cols * ArrayOf.BYTES_PER_ELEMENT));
}

/**
 * A table in float64; whole numbers are multiplied by the scale of their column.
 * @param {ArrayBuffer} block
 * @param {Packed} packed
 */
export function table(block, packed) {
  const [rows, cols] = packed.shape;
  const out = new Matrix(rows, cols, Float64Array.from(numbers(block, packed)));
  if (packed.scale === undefined) return out;
  const scale = numbers(block, { kind: "float32", shape: [1, cols], at: packed.scale });
  for (let n = 0; n < out.data.length; n++) out.data[n] *= scale[n % cols];
  return out;
}
