// Numbers on the page. Each is a <data> element with all its digits, and says which NumPy expression it is.

import { h } from "./dom.js";

/** @typedef {{value: number, of: string}} Num a number, and the NumPy expression that gives it */

/** @param {number} value @param {string} of @returns {Num} */
export function num(value, of) {
  return { value, of };
}

/**
 * A number in so many significant digits, with a minus sign that is one.
 * @param {number} value
 * @param {number} digits
 */
export function format(value, digits = 5) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e5) return proper(String(value));
  const size = Math.abs(value);
  const text =
    size >= 1e6 || size < 1e-4 ? value.toExponential(Math.min(digits, 3) - 1) : value.toPrecision(digits);
  return proper(text.includes("e+") && size < 1e6 ? String(Number(text)) : text);
}

/** As short as it stands inside a unit. @param {number} value @param {boolean} tight */
export function short(value, tight = false) {
  if (Number.isInteger(value) || !Number.isFinite(value)) return format(value, 1);
  const size = Math.abs(value);
  const less = tight ? 1 : 0;
  if (size >= 1e4 || size < (tight ? 5e-3 : 1e-3))
    return proper(value.toExponential(tight || size >= 1e4 ? 0 : 1));
  if (size >= 100) return proper(value.toFixed(0));
  if (size >= 10) return proper(value.toFixed(1 - less));
  if (size >= 1) return proper(value.toFixed(2 - less));
  return proper(value.toFixed((size < 0.01 ? 4 : 3) - less));
}

/** @param {string} text */
function proper(text) {
  return text.replaceAll("-", "−").replace("e+", "e");
}

/** A number as an element. @param {Num} number @param {number} digits */
export function shown(number, digits = 5) {
  return set(h("data", {}), number, format(number.value, digits));
}

/**
 * Change what such an element shows.
 * @param {HTMLDataElement} element @param {Num} number @param {string} text
 */
export function set(element, number, text = format(number.value)) {
  if (element.textContent !== text) element.textContent = text;
  element.value = String(number.value);
  element.title = number.of;
  return element;
}
