// Tables of float64 numbers, with the few operations that a fully-connected network is made of.

export class Matrix {
  /**
   * @param {number} rows
   * @param {number} cols
   * @param {Float64Array} data row by row
   */
  constructor(rows, cols, data = new Float64Array(rows * cols)) {
    this.rows = rows;
    this.cols = cols;
    this.data = data;
  }

  /** @param {number[][]} rows */
  static of(rows) {
    return new Matrix(rows.length, rows[0].length, Float64Array.from(rows.flat()));
  }

  /** @param {number} value a table of one number */
  static scalar(value) {
    return new Matrix(1, 1, Float64Array.of(value));
  }

  /** @param {number} row @param {number} col */
  at(row, col) {
    return this.data[row * this.cols + col];
  }

  /** A copy with one entry changed. @param {number} row @param {number} col @param {number} value */
  with(row, col, value) {
    const data = this.data.slice();
    data[row * this.cols + col] = value;
    return new Matrix(this.rows, this.cols, data);
  }

  /** Some of the rows, in that order. @param {number[]} wanted */
  take(wanted) {
    const out = new Matrix(wanted.length, this.cols);
    wanted.forEach((row, n) =>
      out.data.set(this.data.subarray(row * this.cols, (row + 1) * this.cols), n * this.cols),
    );
    return out;
  }

  /** @param {(value: number, row: number, col: number) => number} f */
  map(f) {
    const out = new Matrix(this.rows, this.cols);
    for (let n = 0; n < out.data.length; n++)
      out.data[n] = f(this.data[n], Math.floor(n / this.cols), n % this.cols);
    return out;
  }

  /**
   * Entry by entry with another of the same shape.
   * @param {Matrix} other
   * @param {(a: number, b: number) => number} f
   */
  zip(other, f) {
    const out = new Matrix(this.rows, this.cols);
    for (let n = 0; n < out.data.length; n++) out.data[n] = f(this.data[n], other.data[n]);
    return out;
  }

  /** @param {Matrix} other */
  plus(other) {
    return this.zip(other, (a, b) => a + b);
  }

  /** @param {Matrix} other */
  minus(other) {
    return this.zip(other, (a, b) => a - b);
  }

  /** @param {number} factor */
  scaled(factor) {
    return this.map((value) => value * factor);
  }

  /** The matrix product. @param {Matrix} other */
  times(other) {
    const out = new Matrix(this.rows, other.cols);
    for (let r = 0; r < this.rows; r++) {
      for (let m = 0; m < this.cols; m++) {
        const a = this.data[r * this.cols + m];
        if (a === 0) continue;
        const from = m * other.cols;
        const to = r * other.cols;
        for (let c = 0; c < other.cols; c++) out.data[to + c] += a * other.data[from + c];
      }
    }
    return out;
  }

  transposed() {
    const out = new Matrix(this.cols, this.rows);
    for (let r = 0; r < this.rows; r++) {
      for (let c = 0; c < this.cols; c++) out.data[c * this.rows + r] = this.data[r * this.cols + c];
    }
    return out;
  }

  /** A row added to every row. @param {Matrix} row (1, cols) */
  plusRow(row) {
    return this.map((value, _, col) => value + row.data[col]);
  }

  /** Each column's sum, (1, cols). */
  sumOfRows() {
    const out = new Matrix(1, this.cols);
    for (let n = 0; n < this.data.length; n++) out.data[n % this.cols] += this.data[n];
    return out;
  }

  sum() {
    let total = 0;
    for (const value of this.data) total += value;
    return total;
  }

  /** Row r as a plain list. @param {number} r */
  row(r) {
    return Array.from(this.data.subarray(r * this.cols, (r + 1) * this.cols));
  }
}
