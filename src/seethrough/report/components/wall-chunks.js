/**
 * The wall drawn in squares of pixels at some sizes, each kept: a frame puts a few dozen of them on the screen instead of
 * thousands of pictures.
 */

/** Pixels a side of a chunk. */
export const CHUNK = 512;

const KEPT = 120;
const FAINT = 0.08;
const TINT = 0.5;
const WRONG = "#e8590c";

/**
 * @typedef {object} Look
 * @property {(i: number) => string | null} colour
 * @property {"frame" | "tint"} style
 * @property {boolean} marks   whether wrong ones are marked
 * @property {boolean} maps
 */

export class WallChunks {
  /**
   * @param {import("./wall-data.js").WallData} data
   * @param {import("./wall-sprites.js").WallSprites} sprites
   * @param {Look} look
   */
  constructor(data, sprites, look) {
    this.data = data;
    this.sprites = sprites;
    this.look = look;
    this.version = 0;
    /** @type {Map<string, {canvas: HTMLCanvasElement, version: number}>} from the least lately used on */
    this.kept = new Map();
  }

  /** What is shown, or how, has changed. @param {Look} look */
  renew(look) {
    this.look = look;
    this.version += 1;
  }

  /**
   * A chunk as it should be now; painted, if it isn't kept and `paint` allows.
   * @param {number} level  pixels of a cell
   * @param {number} across  which chunk
   * @param {number} down
   * @param {boolean} paint
   * @returns {HTMLCanvasElement | null}
   */
  get(level, across, down, paint) {
    const key = `${level}/${across}/${down}`;
    const found = this.kept.get(key);
    if (found && found.version === this.version) {
      this.kept.delete(key);
      this.kept.set(key, found);
      return found.canvas;
    }
    if (!paint) return null;
    const canvas = found?.canvas ?? this.spare();
    this.paint(canvas, level, across, down);
    this.kept.delete(key);
    this.kept.set(key, { canvas, version: this.version });
    return canvas;
  }

  /** A canvas to paint on: that of the chunk least lately used, where there are enough. */
  spare() {
    if (this.kept.size >= KEPT) {
      const [oldest, { canvas }] = /** @type {[string, {canvas: HTMLCanvasElement}]} */ (this.kept.entries().next().value);
      this.kept.delete(oldest);
      return canvas;
    }
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = CHUNK;
    return canvas;
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} level
   * @param {number} across
   * @param {number} down
   */
  paint(canvas, level, across, down) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.clearRect(0, 0, CHUNK, CHUNK);
    const cells = CHUNK / level;
    for (let row = 0; row < cells; row += 1) {
      for (let column = 0; column < cells; column += 1) {
        const i = this.data.at(down * cells + row, across * cells + column);
        if (i >= 0) this.tile(context, i, column * level, row * level, level);
      }
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} i
   * @param {number} x
   * @param {number} y
   * @param {number} level
   */
  tile(context, i, x, y, level) {
    const side = level - Math.max(1, Math.round(level / 24));
    if (!this.data.shown[i]) {
      context.globalAlpha = FAINT;
      this.sprites.draw(context, i, x, y, side);
      context.globalAlpha = 1;
      return;
    }
    this.sprites.draw(context, i, x, y, side);
    if (this.look.maps) this.sprites.drawMap(context, i, x, y, side);
    const colour = this.look.colour(i);
    if (colour) this.tell(context, colour, x, y, side);
    if (this.look.marks && this.data.columns.right[i] === 0) cross(context, x + side, y, side);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {string} colour
   * @param {number} x
   * @param {number} y
   * @param {number} side
   */
  tell(context, colour, x, y, side) {
    if (this.look.style === "tint") {
      context.globalAlpha = TINT;
      context.fillStyle = colour;
      context.fillRect(x, y, side, side);
      context.globalAlpha = 1;
      return;
    }
    const width = Math.max(1.5, side / 11);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.strokeRect(x + width / 2, y + width / 2, side - width, side - width);
  }
}

/**
 * The mark of a wrong answer: a corner with a cross in it.
 * @param {CanvasRenderingContext2D} context
 * @param {number} right  edge
 * @param {number} top
 * @param {number} side
 */
function cross(context, right, top, side) {
  const corner = Math.max(3.5, side * 0.3);
  context.fillStyle = WRONG;
  context.beginPath();
  context.moveTo(right - corner, top);
  context.lineTo(right, top);
  context.lineTo(right, top + corner);
  context.fill();
  if (side < 26) return;
  const middle = corner * 0.3;
  const arm = corner * 0.16;
  context.strokeStyle = "#fff";
  context.lineWidth = Math.max(1, side / 40);
  context.beginPath();
  for (const sign of [1, -1]) {
    context.moveTo(right - middle - arm, top + middle - sign * arm);
    context.lineTo(right - middle + arm, top + middle + sign * arm);
  }
  context.stroke();
}
