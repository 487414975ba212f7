// Where the units and lines of the drawing stand, for a given width.

import { D, H, K, WEIGHTS } from "./weights.js";

/** @typedef {import("./weights.js").Layer} Layer */
/** @typedef {{x: number, y: number, width: number}} Place the middle, in pixels */

/**
 * @typedef {{height: number, name: string, units: Record<Layer, Place[]>, heads: Place[], losses: Place,
 *   edges: {x1: number, y1: number, x2: number, y2: number}[]}} Placing
 * of each layer the last unit is the one that is always 1; heads are named by their lower edge
 */

/**
 * Heights of a row and of the headings, widths of the columns' units; by the width from which they hold.
 * @type {{from: number, row: number, top: number, sizes: [number, number, number], name: string}[]}
 */
const SIZES = [
  { from: 700, row: 60, top: 82, sizes: [92, 180, 180], name: "wide" },
  { from: 560, row: 51, top: 74, sizes: [80, 152, 152], name: "" },
  { from: 0, row: 43, top: 64, sizes: [44, 92, 92], name: "tight" },
];

/** @type {Layer[]} */
export const LAYERS = ["input", "hidden", "output"];

/** @param {number} width @returns {Placing} */
export function placing(width) {
  const { row, top, sizes, name } = /** @type {(typeof SIZES)[number]} */ (
    SIZES.find(({ from }) => width >= from)
  );
  const [input, hidden, output] = sizes;
  const columns = [input / 2, (width + input - output) / 2, width - output / 2];
  /**
   * @param {number} x
   * @param {number} size
   * @param {number} count
   * @param {number} middle row in which the column is centred
   */
  const column = (x, size, count, middle) =>
    Array.from({ length: count }, (_, n) => ({
      x,
      y: top + row * (middle + n - (count - 1) / 2 + 0.5),
      width: size,
    }));
  const units = {
    input: column(columns[0], input, D + 1, 5),
    hidden: column(columns[1], hidden, H + 1, 5),
    output: column(columns[2], output, K, 3),
  };
  const heads = LAYERS.map((layer, n) => ({
    x: columns[n],
    y: units[layer][0].y - row / 2 - 9,
    width: [input, hidden, output][n],
  }));
  const losses = { x: columns[2], y: top + row * 8, width: output };
  return {
    height: top + row * (H + 1),
    name,
    units,
    heads,
    losses,
    edges: WEIGHTS.map((weight) => edge(weight, units)),
  };
}

/** @param {import("./store.js").Weight} weight @param {Record<Layer, Place[]>} units */
function edge(weight, units) {
  const [below, above] = weight.name.endsWith("1")
    ? [units.input, units.hidden]
    : [units.hidden, units.output];
  const bias = weight.name.startsWith("b");
  const from = bias ? below[below.length - 1] : below[weight.row];
  const to = above[weight.col];
  const start = bias ? 13 : from.width / 2;
  return { x1: from.x + start, y1: from.y, x2: to.x - to.width / 2, y2: to.y };
}
