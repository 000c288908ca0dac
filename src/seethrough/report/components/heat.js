/**
 * One map: its values as they travelled, a value at a place, and the map as colours.
 *
 * @typedef {object} MapRecord
 * @property {string} id
 * @property {string} picture
 * @property {string} method
 * @property {boolean} signed
 * @property {number} rows
 * @property {number} columns
 * @property {number} height      of the picture, in pixels
 * @property {number} width
 * @property {number} largest     the largest |value|
 * @property {number} limit       |value| at which the map's own colours end
 * @property {[number, number] | null} spot   the strongest place, x and y in picture pixels
 * @property {"none" | "left"} filter
 * @property {string} data        base64 of zlib
 * @property {{en: string, zh: string}} ends
 * @property {{en: string, zh: string}} unit
 */

import { bytesFromBase64, inflate } from "./unpack.js";

const UNSEEN = 0;

/** How much of the picture a grey veil hides where the network never saw it. */
const UNSEEN_VEIL = 0.5;

/**
 * Undo "difference to the left neighbour, modulo 256", row by row, in place.
 * @param {Uint8Array} codes
 * @param {number} columns
 */
export function addUp(codes, columns) {
  for (let i = 0; i < codes.length; i += 1) {
    if (i % columns) codes[i] = (codes[i] + codes[i - 1]) & 255;
  }
}

export class Heat {
  /**
   * @param {MapRecord} record
   * @param {Uint8Array} codes
   */
  constructor(record, codes) {
    this.record = record;
    this.codes = codes;
    this.values = Float32Array.from(codes, (code) => Heat.value(code, record));
  }

  /**
   * @param {MapRecord} record
   * @returns {Promise<Heat>}
   */
  static async read(record) {
    const codes = await inflate(bytesFromBase64(record.data));
    if (codes.length !== record.rows * record.columns) throw new Error(`map ${record.id} is damaged`);
    if (record.filter === "left") addUp(codes, record.columns);
    return new Heat(record, codes);
  }

  /**
   * A byte's value: sign(s) · s² · largest.
   * @param {number} code
   * @param {MapRecord} record
   */
  static value(code, record) {
    if (code === UNSEEN) return 0;
    const s = record.signed ? (code - 128) / 127 : (code - 1) / 254;
    return Math.sign(s) * s * s * record.largest;
  }

  /**
   * The value at a picture pixel, or null where the network never saw it.
   * @param {number} x
   * @param {number} y
   */
  at(x, y) {
    const { rows, columns, height, width } = this.record;
    const row = Math.min(rows - 1, Math.floor(((y + 0.5) * rows) / height));
    const column = Math.min(columns - 1, Math.floor(((x + 0.5) * columns) / width));
    const i = row * columns + column;
    return this.codes[i] === UNSEEN ? null : this.values[i];
  }

  /**
   * The map as pixels, `alone` or to lay over its picture: then opacity follows the distance from zero, and a signed
   * map's colours start halfway along the table, since its pale middle would whiten the picture.
   * @param {{table: Uint8Array, limit: number, threshold: number, opacity: number, fade: number, alone: boolean}} how
   * @returns {ImageData}
   */
  paint({ table, limit, threshold, opacity, fade, alone }) {
    const { rows, columns, signed } = this.record;
    const image = new ImageData(columns, rows);
    const steps = signed ? (table.length / 3 - 1) / 2 : table.length / 3 - 1;
    for (let i = 0; i < this.values.length; i += 1) {
      const at = Math.max(signed ? -1 : 0, Math.min(1, this.values[i] / limit));
      const size = Math.abs(at);
      const tinted = signed && !alone ? Math.sign(at) * (0.5 + 0.5 * size) : at;
      const colour = 3 * Math.round((signed ? tinted + 1 : tinted) * steps);
      const unseen = this.codes[i] === UNSEEN;
      let alpha = alone ? 1 : size ** fade * opacity;
      if (size < threshold) alpha = 0;
      if (unseen) alpha = alone ? 0 : UNSEEN_VEIL;
      const pixel = 4 * i;
      image.data[pixel] = unseen ? 128 : table[colour];
      image.data[pixel + 1] = unseen ? 128 : table[colour + 1];
      image.data[pixel + 2] = unseen ? 128 : table[colour + 2];
      image.data[pixel + 3] = Math.round(255 * alpha);
    }
    return image;
  }
}
