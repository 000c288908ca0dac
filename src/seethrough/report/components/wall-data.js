/**
 * What the page knows of each image, in the order in which they hang; and which of them are asked for.
 *
 * @typedef {object} Columns
 * @property {string[]} names
 * @property {number[][]} nearest
 * @property {number[]} right     1 right, 0 wrong, -1 not known
 * @property {string[]} truths    classes as they were given
 * @property {number[]} truth     which of them, or -1
 * @property {Record<string, (number | null)[]>} numbers
 * @property {string[]} [labels]  classes that are among the answers
 * @property {number[][]} [top]   which of them, strongest first
 * @property {(number | null)[][]} [chance]   in ten-thousandths
 *
 * @typedef {object} Wanted
 * @property {string} query
 * @property {number} predicted   a label, or -1 for any
 * @property {number} true        a class, or -1 for any
 * @property {"all" | "right" | "wrong"} side
 * @property {number} from        of 100
 * @property {number} to          of 100
 */

const PARTS = 10000;

/** @type {Wanted} */
export const ANY = Object.freeze({ query: "", predicted: -1, true: -1, side: "all", from: 0, to: 100 });

export class WallData {
  /**
   * @param {Columns} columns
   * @param {[number, number]} grid  rows and columns
   */
  constructor(columns, grid) {
    this.columns = columns;
    this.rows = grid[0];
    this.across = grid[1];
    this.length = columns.names.length;
    this.folded = columns.names.map((name) => name.toLowerCase());
    /** 1 for each image that is asked for */
    this.shown = new Uint8Array(this.length).fill(1);
  }

  /**
   * The image at a place of the wall, or -1.
   * @param {number} row
   * @param {number} column
   */
  at(row, column) {
    const i = row * this.across + column;
    return row >= 0 && column >= 0 && column < this.across && i < this.length ? i : -1;
  }

  /** The first answer, or -1. @param {number} i */
  predicted(i) {
    return this.columns.top ? this.columns.top[i][0] : -1;
  }

  /** The first answer's probability 0…1, or null. @param {number} i */
  confidence(i) {
    const parts = this.columns.chance?.[i][0] ?? null;
    return parts === null ? null : parts / PARTS;
  }

  /** The probability of an image's k-th answer 0…1, or null. @param {number} i @param {number} k */
  chance(i, k) {
    const parts = this.columns.chance?.[i][k] ?? null;
    return parts === null ? null : parts / PARTS;
  }

  /** @param {Wanted} wanted */
  filter(wanted) {
    const query = wanted.query.trim().toLowerCase();
    for (let i = 0; i < this.length; i += 1) this.shown[i] = this.fits(i, wanted, query) ? 1 : 0;
  }

  /** @param {number} i @param {Wanted} wanted @param {string} query */
  fits(i, wanted, query) {
    const { right, truth } = this.columns;
    if (query && !this.folded[i].includes(query)) return false;
    if (wanted.predicted >= 0 && this.predicted(i) !== wanted.predicted) return false;
    if (wanted.true >= 0 && truth[i] !== wanted.true) return false;
    if (wanted.side !== "all" && right[i] !== (wanted.side === "right" ? 1 : 0)) return false;
    const sure = this.confidence(i);
    return sure === null || (100 * sure >= wanted.from && 100 * sure <= wanted.to);
  }

  /** How many are shown, how many of these are known to be right, and how many of them could be. */
  counts() {
    let shown = 0;
    let right = 0;
    let known = 0;
    for (let i = 0; i < this.length; i += 1) {
      if (!this.shown[i]) continue;
      shown += 1;
      if (this.columns.right[i] >= 0) known += 1;
      if (this.columns.right[i] === 1) right += 1;
    }
    return { shown, right, known };
  }
}
