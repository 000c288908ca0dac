/**
 * The pictures themselves: a coarse one of the whole wall for far, sheets of sprites for near, and maps to lay over them.
 */

import { bytesFromBase64, inflate } from "./unpack.js";

/**
 * @typedef {object} SpritePayload
 * @property {number} tile    pixels a side
 * @property {number} across  tiles in a row of a sheet
 * @property {number} each    tiles on a full sheet
 * @property {string} kind
 * @property {string[]} data
 */

export class WallSprites {
  /**
   * @param {SpritePayload} payload
   * @param {ImageBitmap[]} sheets
   * @param {{image: CanvasImageSource, tile: number, across: number}} still
   * @param {{canvas: CanvasImageSource, cells: number, across: number} | null} maps
   */
  constructor(payload, sheets, still, maps) {
    this.tile = payload.tile;
    this.across = payload.across;
    this.each = payload.each;
    this.sheets = sheets;
    this.still = still;
    this.maps = maps;
  }

  /**
   * @param {any} payload  of the page
   * @param {HTMLImageElement} still
   */
  static async read(payload, still) {
    const { sprites, maps } = payload;
    const [sheets, layer] = await Promise.all([
      Promise.all(
        sprites.data.map((/** @type {string} */ text) =>
          createImageBitmap(new Blob([bytesFromBase64(text)], { type: sprites.kind })),
        ),
      ),
      maps ? paintedMaps(maps, payload) : null,
      still.decode(),
    ]);
    sprites.data = null;
    return new WallSprites(sprites, sheets, { image: still, tile: payload.still, across: payload.grid[1] }, layer);
  }

  /**
   * Draw one image into a square.
   * @param {CanvasRenderingContext2D} context
   * @param {number} i
   * @param {number} x
   * @param {number} y
   * @param {number} side
   */
  draw(context, i, x, y, side) {
    const { still } = this;
    if (side <= still.tile) {
      const at = [(i % still.across) * still.tile, Math.floor(i / still.across) * still.tile];
      context.drawImage(still.image, at[0], at[1], still.tile - 1, still.tile - 1, x, y, side, side);
      return;
    }
    const on = i % this.each;
    const at = [(on % this.across) * this.tile, Math.floor(on / this.across) * this.tile];
    context.drawImage(this.sheets[Math.floor(i / this.each)], at[0], at[1], this.tile, this.tile, x, y, side, side);
  }

  /**
   * Lay an image's map over the square that it is drawn in.
   * @param {CanvasRenderingContext2D} context
   * @param {number} i
   * @param {number} x
   * @param {number} y
   * @param {number} side
   */
  drawMap(context, i, x, y, side) {
    if (!this.maps) return;
    const { canvas, cells, across } = this.maps;
    const at = [(i % across) * cells, Math.floor(i / across) * cells];
    context.drawImage(canvas, at[0], at[1], cells, cells, x, y, side, side);
  }
}

/** Of a map where it is largest, as in overlays elsewhere. */
const OPACITY = 0.6;

/**
 * All maps in their colours on one sheet; opacity follows the value, so that nothing covers nothing.
 * @param {{cells: number, data: string}} maps
 * @param {any} payload
 */
async function paintedMaps(maps, payload) {
  const codes = await inflate(bytesFromBase64(maps.data));
  const { cells } = maps;
  const size = cells * cells;
  const count = codes.length / size;
  const across = Math.ceil(Math.sqrt(count));
  const colours = bytesFromBase64(payload.tables.unsigned);
  const steps = colours.length / 3 - 1;
  const image = new ImageData(across * cells, Math.ceil(count / across) * cells);
  for (let k = 0; k < codes.length; k += 1) {
    const i = Math.floor(k / size);
    const row = Math.floor(i / across) * cells + Math.floor((k % size) / cells);
    const pixel = 4 * (row * image.width + (i % across) * cells + (k % cells));
    const share = codes[k] / 255;
    const colour = 3 * Math.round(share * steps);
    image.data[pixel] = colours[colour];
    image.data[pixel + 1] = colours[colour + 1];
    image.data[pixel + 2] = colours[colour + 2];
    image.data[pixel + 3] = Math.round(255 * OPACITY * share ** payload.fade);
  }
  return { canvas: await createImageBitmap(image), cells, across };
}
