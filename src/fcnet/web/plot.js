// A line plot: a few curves, two axes with few words.

import { h, svg } from "./dom.js";
import { format } from "./numbers.js";

/** kind is a class of the style sheet; a letter stands at the end of its curve instead of dots.
 * @typedef {{points: [number, number][], kind: string, letter?: string}} Curve */
/** @typedef {{x: [number, number], y: [number, number]}} Range */

const WIDTH = 560;
const HEIGHT = 260;
const LEFT = 62;
const BOTTOM = 34;
const TOP = 10;
const RIGHT = 12;

export class Plot {
  /**
   * @param {string} label for those who do not see it
   * @param {string} xName
   * @param {string} yName
   * @param {(y: number) => string} yText what stands at a tick of the second axis
   */
  constructor(label, xName, yName, yText = tickText) {
    this.names = [xName, yName];
    this.yText = yText;
    this.drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
    this.element = h("div", { class: "plot" }, /** @type {any} */ (this.drawing));
  }

  /** @param {Range} range @param {Curve[]} curves @param {Curve[]} dots */
  draw(range, curves, dots = []) {
    /** @param {number} x */
    const right = (x) => LEFT + ((x - range.x[0]) / (range.x[1] - range.x[0])) * (WIDTH - LEFT - RIGHT);
    /** @param {number} y */
    const down = (y) =>
      HEIGHT - BOTTOM - ((y - range.y[0]) / (range.y[1] - range.y[0])) * (HEIGHT - BOTTOM - TOP);
    const inside = /** @param {[number, number]} point */ (point) => Number.isFinite(point[1]);
    const clip = /** @param {number} y */ (y) => Math.min(Math.max(down(y), -HEIGHT), 2 * HEIGHT);
    const [width, height] = [WIDTH - LEFT - RIGHT, HEIGHT - BOTTOM - TOP];
    const lines = curves.map(({ points, kind }) =>
      svg("path", {
        class: `curve ${kind}`,
        d: points
          .filter(inside)
          .map(([x, y], n) => `${n ? "L" : "M"}${right(x).toFixed(2)} ${clip(y).toFixed(2)}`)
          .join(""),
      }),
    );
    const circles = dots.flatMap(({ points, kind, letter }) => {
      const all = points.filter(inside);
      if (letter === undefined)
        return all.map(([x, y]) => svg("circle", { class: `dot ${kind}`, cx: right(x), cy: clip(y), r: 5 }));
      return all.slice(-1).map(([x, y]) => {
        const above = Math.max(clip(y) - 6, TOP + 14);
        return svg("text", { class: `letter ${kind}`, x: right(x) - 2, y: above }, letter);
      });
    });
    const window = svg(
      "svg",
      { x: LEFT, y: TOP, width, height, viewBox: `${LEFT} ${TOP} ${width} ${height}` },
      ...lines,
      ...circles,
    );
    this.drawing.replaceChildren(...axes(range, right, down, this.names, this.yText), window);
  }
}

/**
 * @param {Range} range @param {(x: number) => number} right @param {(y: number) => number} down
 * @param {string[]} names @param {(y: number) => string} yText
 */
function axes(range, right, down, names, yText) {
  const floor = HEIGHT - BOTTOM;
  const parts = ticks(range.y, 4).flatMap((y) => [
    svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: down(y), y2: down(y) }),
    svg("text", { class: "tick end", x: LEFT - 8, y: down(y) + 4 }, yText(y)),
  ]);
  parts.push(
    ...ticks(range.x, 5).map((x) =>
      svg("text", { class: "tick middle", x: right(x), y: floor + 17 }, tickText(x)),
    ),
  );
  parts.push(svg("text", { class: "tick end name", x: WIDTH - RIGHT, y: floor + 31 }, names[0]));
  parts.push(svg("text", { class: "tick name", x: LEFT + 6, y: TOP + 10 }, names[1]));
  return parts;
}

/** @param {number} value */
function tickText(value) {
  return Math.abs(value) < 1e-12
    ? "0"
    : format(Number(value.toPrecision(6)), 6)
        .replace(/(\.\d*?)0+($|e)/, "$1$2")
        .replace(/\.($|e)/, "$1");
}

/** Round numbers in a range, about so many. @param {[number, number]} range @param {number} count */
export function ticks([low, high], count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = /** @type {number} */ (
    [1, 2, 5, 10].map((n) => n * power).find((one) => one >= rough * 0.999)
  );
  const out = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++) out.push(n * step);
  return out;
}
