/**
 * One set of tiles on canvases, a row of tiles each. Only rows near the window hold a drawing, so that thousands of
 * channels scroll smoothly.
 */

import { element } from "./define.js";
import { colourAt } from "./tile-data.js";

const GAP = 4;
const LABEL = 14;
const FEW_ROWS = 3;
/** How far outside of the window rows are drawn already. */
const AHEAD = "500px";
const BAR = { width: 18, height: 72 };
/** CSS pixels across: of a tile with many cells, and of one with few. */
const WIDE = 78;
const NARROW = 60;
const FEW_CELLS = 10;
const TALLEST = 110;

export class TileGrid {
  /**
   * @param {HTMLElement} host
   * @param {import("./tile-data.js").TileValues} values
   * @param {{table: Uint8Array, folded: boolean, look: () => {frame: number, order: number[], limit: (tile: number) => number,
   *   spot: import("./tile-data.js").Spot | null, pinned: boolean}}} how   ``look`` tells what is to be shown now
   */
  constructor(host, values, { table, folded, look }) {
    this.host = host;
    this.values = values;
    this.table = table;
    this.folded = folded;
    this.look = look;
    /** @type {HTMLCanvasElement[]} */
    this.lines = [];
    this.cell = document.createElement("canvas");
    this.cell.width = values.record.columns;
    this.cell.height = values.record.rows;
    this.seen = new Set();
    this.watcher = new IntersectionObserver((entries) => this.scrolled(entries), { rootMargin: AHEAD });
    new ResizeObserver(() => this.resized()).observe(host);
    this.measure();
    this.build();
  }

  get bars() {
    return this.values.cells === 1;
  }

  measure() {
    const { rows, columns } = this.values.record;
    this.wide = Math.max(120, this.host.clientWidth);
    const side = Math.max(rows, columns) < FEW_CELLS ? NARROW : WIDE;
    const wanted = columns >= rows ? side : Math.max(6, (side * columns) / rows);
    this.width = this.bars ? BAR.width : Math.min(this.wide, wanted);
    this.height = this.bars ? BAR.height : Math.min(TALLEST, Math.max(6, (this.width * rows) / columns));
    this.pitch = this.height + LABEL + GAP;
    this.across = Math.max(1, Math.floor((this.wide + GAP) / (this.width + GAP)));
    this.down = Math.ceil(this.values.count / this.across);
  }

  resized() {
    if (Math.abs(this.host.clientWidth - this.wide) < 1) return;
    this.measure();
    this.build();
  }

  /** @param {boolean} folded */
  fold(folded) {
    this.folded = folded;
    this.build();
  }

  /** Whether some rows are folded away, or could be. */
  get foldable() {
    return this.down > FEW_ROWS;
  }

  get shownRows() {
    return this.folded ? Math.min(FEW_ROWS, this.down) : this.down;
  }

  /** Tiles that can be pointed at now. */
  get shown() {
    return Math.min(this.values.count, this.shownRows * this.across);
  }

  build() {
    this.watcher.disconnect();
    this.seen.clear();
    this.lines = Array.from({ length: this.shownRows }, (_, i) => {
      const line = element("canvas");
      line.dataset.line = String(i);
      line.width = line.height = 0;
      line.style.height = `${this.pitch}px`;
      return line;
    });
    this.host.replaceChildren(...this.lines);
    for (const line of this.lines) this.watcher.observe(line);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  scrolled(entries) {
    for (const { target, isIntersecting } of entries) {
      const line = Number(/** @type {HTMLElement} */ (target).dataset.line);
      if (isIntersecting) {
        this.seen.add(line);
        this.drawLine(line);
      } else {
        this.seen.delete(line);
        this.lines[line].width = 0; // gives its memory back
      }
    }
  }

  /** Draw again what can be seen. */
  draw() {
    for (const line of this.seen) this.drawLine(line);
  }

  /**
   * Draw again the rows that hold these tiles.
   * @param {Iterable<number>} tiles
   */
  drawTiles(tiles) {
    const { order } = this.look();
    const lines = new Set([...tiles].map((tile) => Math.floor(order.indexOf(tile) / this.across)));
    for (const line of lines) if (this.seen.has(line)) this.drawLine(line);
  }

  /** @param {number} line */
  drawLine(line) {
    const canvas = this.lines[line];
    const density = window.devicePixelRatio || 1;
    canvas.width = Math.round(this.wide * density);
    canvas.height = Math.round(this.pitch * density);
    const pen = canvas.getContext("2d");
    if (!pen) return;
    pen.scale(density, density);
    pen.imageSmoothingEnabled = false;
    pen.font = "10px system-ui, sans-serif";
    pen.textBaseline = "top";
    const shown = this.look();
    const ink = getComputedStyle(this.host).color;
    const first = line * this.across;
    shown.order.slice(first, first + this.across).forEach((tile, i) => {
      const left = i * (this.width + GAP);
      if (this.bars) this.drawBar(pen, tile, left, shown, ink);
      else this.drawMap(pen, tile, left, shown);
      pen.fillStyle = ink;
      pen.globalAlpha = 0.6;
      if (!this.bars || i % 2 === 0) pen.fillText(String(this.values.record.numbers[tile]), left, this.height + 2);
      pen.globalAlpha = 1;
      if (shown.spot?.tile === tile) this.drawSpot(pen, shown.spot, left, shown.pinned, ink);
    });
  }

  drawMap(pen, tile, left, { frame, limit }) {
    const image = this.values.paint(frame, tile, this.table, limit(tile));
    this.cell.getContext("2d")?.putImageData(image, 0, 0);
    pen.drawImage(this.cell, left, 0, this.width, this.height);
  }

  drawBar(pen, tile, left, { frame, limit }, ink) {
    const { signed } = this.values.record;
    const value = this.values.value(frame, { set: 0, tile, row: 0, column: 0 });
    const end = limit(tile);
    const at = end > 0 ? Math.max(-1, Math.min(1, value / end || 0)) : 0;
    const zero = signed ? this.height / 2 : this.height;
    const long = Math.abs(at) * (signed ? this.height / 2 : this.height);
    const colour = 3 * colourAt(at, this.table.length / 3, signed);
    pen.globalAlpha = 0.25;
    pen.fillStyle = ink;
    pen.fillRect(left, zero - 0.5, this.width, 1);
    pen.globalAlpha = 1;
    pen.fillStyle = `rgb(${this.table.slice(colour, colour + 3).join(" ")})`;
    pen.fillRect(left, at < 0 ? zero : zero - long, this.width - 2, Math.max(long, 0.5));
    pen.globalAlpha = 0.35; // an edge, since a colour near the paper's would not be seen
    pen.strokeStyle = ink;
    pen.lineWidth = 1;
    pen.strokeRect(left + 0.5, (at < 0 ? zero : zero - long) + 0.5, this.width - 3, Math.max(long - 1, 0));
    pen.globalAlpha = 1;
  }

  /** A frame around the tile, and one around the cell. */
  drawSpot(pen, { row, column }, left, pinned, ink) {
    const { rows, columns } = this.values.record;
    const [wide, high] = [this.width / columns, this.height / rows];
    pen.lineWidth = pinned ? 3 : 2;
    pen.strokeStyle = ink;
    pen.strokeRect(left + 1, 1, this.width - 2, this.height - 2);
    if (this.bars) return;
    pen.lineWidth = 1;
    for (const [colour, more] of [["#000", 1.5], ["#fff", 0.5]]) {
      pen.strokeStyle = colour;
      pen.strokeRect(left + column * wide - more, row * high - more, wide + 2 * more, high + 2 * more);
    }
  }

  /**
   * The cell under the pointer; null between tiles.
   * @param {PointerEvent} event
   * @returns {{tile: number, row: number, column: number} | null}
   */
  at(event) {
    const box = this.host.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    const [i, line] = [Math.floor(x / (this.width + GAP)), Math.floor(y / this.pitch)];
    const [inX, inY] = [x - i * (this.width + GAP), y - line * this.pitch];
    const place = line * this.across + i;
    if (i < 0 || i >= this.across || inX >= this.width || inY < 0 || place < 0 || place >= this.shown) return null;
    const { rows, columns } = this.values.record;
    const row = Math.min(rows - 1, Math.floor((inY / this.height) * rows));
    return { tile: this.look().order[place], row, column: Math.floor((inX / this.width) * columns) };
  }
}
