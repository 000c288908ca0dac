/**
 * The values of a set of tiles as they travelled: decoded once, read a cell at a time, painted a tile at a time.
 *
 * @typedef {{en: string, zh: string}} Both
 * @typedef {object} SetRecord
 * @property {Both} name
 * @property {boolean} signed
 * @property {number} rows        cells of a tile, down
 * @property {number} columns     and across
 * @property {[number, number]} places   places of the map that a tile stands for, down and across
 * @property {number} step        places a side that one cell is the mean of
 * @property {number[]} numbers   the number each tile goes by
 * @property {{name: Both, order: number[]}[]} sorts
 * @property {Both[]} remarks
 * @property {{size: (number | null)[], stride: number[], start: number[]} | null} field
 * @property {number} limit       |value| at which the colours of the whole set end; 0 for a flat one
 * @property {string} largest     base64 of float32: each tile's largest |value|, frame by frame
 * @property {"none" | "left"} filter
 * @property {string} data
 *
 * @typedef {object} Fit          from pixels of the network's input to the picture's, down and across
 * @property {[number, number]} picture
 * @property {[number, number]} input
 * @property {[number, number]} ratio
 * @property {[number, number]} offset
 *
 * @typedef {object} TilesRecord
 * @property {string} id
 * @property {"unit" | "layer" | "network"} scale
 * @property {{name: Both, fit: Fit | null}[]} frames
 * @property {SetRecord[]} sets
 *
 * @typedef {{set: number, tile: number, row: number, column: number}} Spot   a cell of a tile of a set
 */

import { addUp } from "./heat.js";
import { bytesFromBase64, inflate } from "./unpack.js";

const NOT_A_NUMBER = 0;
const GREY = 128;

export class TileValues {
  /**
   * @param {SetRecord} record
   * @param {Uint8Array} codes
   */
  constructor(record, codes) {
    this.record = record;
    this.codes = codes;
    this.count = record.numbers.length;
    this.cells = record.rows * record.columns;
    this.largest = new Float32Array(bytesFromBase64(record.largest).buffer);
    /** What a byte stands for, in units of the tile's largest |value|. */
    this.shares = Float32Array.from({ length: 256 }, (_, code) => {
      const s = record.signed ? (code - 128) / 127 : (code - 1) / 254;
      return code === NOT_A_NUMBER ? NaN : Math.sign(s) * s * s;
    });
  }

  /**
   * @param {SetRecord} record
   * @returns {Promise<TileValues>}
   */
  static async read(record) {
    const codes = await inflate(bytesFromBase64(record.data));
    if (record.filter === "left") addUp(codes, record.columns);
    const values = new TileValues(record, codes);
    if (codes.length !== values.largest.length * values.cells) throw new Error(`${record.name.en}: tiles are damaged`);
    return values;
  }

  /**
   * A cell's value; NaN where it is no number.
   * @param {number} frame
   * @param {Spot} spot
   */
  value(frame, { tile, row, column }) {
    const number = frame * this.count + tile;
    const code = this.codes[number * this.cells + row * this.record.columns + column];
    return this.shares[code] * this.largest[number];
  }

  /**
   * Where a tile's colours end when it has a scale of its own: the same under every frame, so that they compare.
   * @param {number} tile
   */
  own(tile) {
    let end = 0;
    for (let i = tile; i < this.largest.length; i += this.count) end = Math.max(end, this.largest[i]);
    return end;
  }

  /**
   * The strongest cell of a tile.
   * @param {number} frame
   * @param {number} tile
   * @returns {{row: number, column: number}}
   */
  strongest(frame, tile) {
    const start = (frame * this.count + tile) * this.cells;
    let best = 0;
    for (let i = 1; i < this.cells; i += 1) {
      const here = Math.abs(this.shares[this.codes[start + i]]);
      if (here > Math.abs(this.shares[this.codes[start + best]])) best = i;
    }
    return { row: Math.floor(best / this.record.columns), column: best % this.record.columns };
  }

  /**
   * A tile as pixels, one a cell.
   * @param {number} frame
   * @param {number} tile
   * @param {Uint8Array} table
   * @param {number} limit  0: nothing to tell apart, all is neutral
   * @returns {ImageData}
   */
  paint(frame, tile, table, limit) {
    const { rows, columns, signed } = this.record;
    const image = new ImageData(columns, rows);
    const number = frame * this.count + tile;
    const ratio = limit > 0 ? this.largest[number] / limit : 0;
    const palette = this.shares.map((share) => colourAt(share * ratio, table.length / 3, signed));
    for (let i = 0; i < this.cells; i += 1) {
      const code = this.codes[number * this.cells + i];
      const colour = 3 * palette[code];
      const known = code !== NOT_A_NUMBER;
      for (let c = 0; c < 3; c += 1) image.data[4 * i + c] = known ? table[colour + c] : GREY;
      image.data[4 * i + 3] = 255;
    }
    return image;
  }
}

/**
 * The row of a colour table for a value in units of where the colours end.
 * @param {number} at
 * @param {number} rows
 * @param {boolean} signed
 */
export function colourAt(at, rows, signed) {
  if (signed) return Math.round(((Math.max(-1, Math.min(1, at || 0)) + 1) * (rows - 1)) / 2);
  return Math.round(Math.max(0, Math.min(1, at || 0)) * (rows - 1));
}

/**
 * What the places of a cell see together, on the picture, in its pixels and cut to it; null where they see none of it, or
 * nobody knows.
 * @param {SetRecord} record
 * @param {Fit | null} fit
 * @param {Spot} spot
 * @returns {{top: number, left: number, bottom: number, right: number} | null}
 */
export function fieldOf({ field, step, places }, fit, { row, column }) {
  if (!field || !fit) return null;
  const [down, across] = [row, column].map((cell, axis) => {
    const size = field.size[axis];
    const first = cell * step;
    const last = Math.min(places[axis], first + step) - 1;
    const low = size === null ? 0 : Math.max(0, field.start[axis] + field.stride[axis] * first);
    const high =
      size === null ? fit.input[axis] : Math.min(fit.input[axis], field.start[axis] + field.stride[axis] * last + size);
    const onPicture = (at) => Math.max(0, Math.min(fit.picture[axis], (at + fit.offset[axis]) * fit.ratio[axis]));
    return [onPicture(low), onPicture(high)];
  });
  if (down[1] <= down[0] || across[1] <= across[0]) return null;
  return { top: down[0], bottom: down[1], left: across[0], right: across[1] };
}
