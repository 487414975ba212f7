// An equation with its numbers in it, for one unit or weight: a row for each term, and their total.

import { h } from "../../web/dom.js";
import { shown } from "../../web/numbers.js";

/** @typedef {import("../../web/numbers.js").Num} Num */

/**
 * A term: its name, the numbers with the signs between them, and what they give.
 * @typedef {{label: string, parts: (string | Num)[], value: Num}} Term
 */
/**
 * @typedef {{of: string, terms: Term[], total: Num, computed: Num,
 *   sums: boolean}} Ledger `computed` is the page's own, with its mistake
 */

/** @param {Ledger} ledger @param {boolean} bars whether each term is drawn beside its number */
export function ledgerTable(ledger, bars = false) {
  const largest = Math.max(...ledger.terms.map(({ value }) => Math.abs(value.value)), 1e-300);
  const rows = ledger.terms.map(({ label, parts, value }) =>
    h(
      "tr",
      { class: value.value === 0 ? "nothing" : "" },
      h("th", { scope: "row" }, label),
      h("td", { class: "parts" }, ...parts.map((part) => (typeof part === "string" ? part : shown(part)))),
      h("td", { class: "value" }, shown(value)),
      bars && h("td", { class: "bar" }, bar(value.value / largest)),
    ),
  );
  const wrong =
    Math.abs(ledger.computed.value - ledger.total.value) > 1e-9 * Math.max(1, Math.abs(ledger.total.value));
  const last = h(
    "tr",
    { class: "total" },
    h("th", { scope: "row", colspan: 2 }, ledger.sums ? "together" : "result"),
    h("td", { class: "value" }, shown(ledger.total)),
    bars && h("td", {}),
  );
  const mistaken = h(
    "tr",
    { class: "mistaken" },
    h("th", { scope: "row", colspan: 2 }, "the code with the mistake says"),
    h("td", { class: "value" }, shown(ledger.computed)),
    bars && h("td", {}),
  );
  return h(
    "table",
    { class: "ledger" },
    h("caption", {}, ledger.of),
    h("tbody", {}, ...rows),
    h("tfoot", {}, last, wrong && mistaken),
  );
}

/** A share between -1 and 1 as a bar from the middle. @param {number} share */
function bar(share) {
  const inner = h("span", { class: share < 0 ? "negative" : "positive" });
  inner.style.width = `${50 * Math.abs(share)}%`;
  inner.style.marginLeft = share < 0 ? `${50 - 50 * Math.abs(share)}%` : "50%";
  return h("span", { class: "track", "aria-hidden": "true" }, inner);
}
