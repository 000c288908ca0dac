/**
 * The wall on the screen: dragged, zoomed, pointed at. Places are in cells from the upper left corner of the wall.
 */

import { CHUNK } from "./wall-chunks.js";

const LEAST = 8;
const MOST = 256;
/** Pixels across the level that is always there as a whole. */
const BASE = 1536;
/** Milliseconds of a frame that finer chunks may be painted in. */
const PATIENCE = 7;
const STILL = 4;

/**
 * @typedef {object} Told
 * @property {(i: number) => void} pointed   another image, or -1, is under the pointer
 * @property {(i: number) => void} chosen    one was clicked, or chosen by Enter
 * @property {(i: number) => void} moved     the arrow keys went to one
 * @property {() => void} seen               another part of the wall is seen
 * @property {() => void} left               Escape
 */

export class WallSheet {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./wall-data.js").WallData} data
   * @param {import("./wall-chunks.js").WallChunks} chunks
   * @param {Told} told
   */
  constructor(canvas, data, chunks, told) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.data = data;
    this.chunks = chunks;
    this.told = told;
    this.base = LEAST;
    while (this.base < MOST && 2 * this.base * data.across <= BASE) this.base *= 2;
    this.finest = this.base;
    while (this.finest < MOST && this.finest < chunks.sprites.tile) this.finest *= 2;
    /** @type {{x: number, y: number, zoom: number}} what is in the middle, and screen pixels of a cell */
    this.view = { x: data.across / 2, y: data.rows / 2, zoom: 1 };
    this.fitted = true;
    this.at = -1;
    this.pinned = -1;
    this.pending = 0;
    /** @type {Map<number, {x: number, y: number}>} */
    this.pointers = new Map();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
      canvas.addEventListener(end, (event) => this.up(event));
    }
    canvas.addEventListener("pointerleave", () => this.pointers.size || this.point(-1));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("dblclick", (event) => this.zoomAt(2, this.place(event)));
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  // --- drawing ------------------------------------------------------------------------------------------------------

  resize() {
    const scale = devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(this.canvas.clientWidth * scale));
    this.canvas.height = Math.max(1, Math.round(this.canvas.clientHeight * scale));
    if (this.fitted) this.fit();
    this.draw();
  }

  later() {
    if (!this.pending) this.pending = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.pending = 0;
    const { canvas, context, view } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    this.drawLevel(this.base, () => true);
    let level = this.base;
    while (level < this.finest && level < view.zoom) level *= 2;
    if (level > this.base) {
      const until = performance.now() + PATIENCE;
      if (!this.drawLevel(level, () => performance.now() < until)) this.later();
    }
    for (const i of new Set([this.pinned, this.at])) if (i >= 0) this.ring(i);
  }

  /**
   * @param {number} level
   * @param {() => boolean} mayPaint
   * @returns {boolean} whether all of it was drawn
   */
  drawLevel(level, mayPaint) {
    const { canvas, context, view, data } = this;
    const cells = CHUNK / level;
    const half = { x: canvas.width / 2 / view.zoom, y: canvas.height / 2 / view.zoom };
    const first = { x: Math.max(0, Math.floor((view.x - half.x) / cells)), y: Math.max(0, Math.floor((view.y - half.y) / cells)) };
    const last = {
      x: Math.min(Math.ceil(data.across / cells), Math.ceil((view.x + half.x) / cells)),
      y: Math.min(Math.ceil(data.rows / cells), Math.ceil((view.y + half.y) / cells)),
    };
    let whole = true;
    for (let down = first.y; down < last.y; down += 1) {
      for (let across = first.x; across < last.x; across += 1) {
        const chunk = this.chunks.get(level, across, down, mayPaint());
        whole &&= chunk !== null;
        if (!chunk) continue;
        const [left, top] = this.onScreen(across * cells, down * cells).map(Math.round);
        const [right, bottom] = this.onScreen((across + 1) * cells, (down + 1) * cells).map(Math.round);
        if (level > this.base) context.clearRect(left, top, right - left, bottom - top);
        context.drawImage(chunk, left, top, right - left, bottom - top);
      }
    }
    return whole;
  }

  /** @param {number} x @param {number} y */
  onScreen(x, y) {
    const { canvas, view } = this;
    return [(x - view.x) * view.zoom + canvas.width / 2, (y - view.y) * view.zoom + canvas.height / 2];
  }

  /** @param {number} i */
  ring(i) {
    const [x, y] = this.onScreen(i % this.data.across, Math.floor(i / this.data.across));
    const side = this.view.zoom;
    const { context } = this;
    for (const [width, colour] of /** @type {[number, string][]} */ ([[5, "#fff"], [2.5, i === this.pinned ? "#d00060" : "#111"]])) {
      context.lineWidth = width * (devicePixelRatio || 1);
      context.strokeStyle = colour;
      context.strokeRect(x - 1, y - 1, side, side);
    }
  }

  // --- moving -------------------------------------------------------------------------------------------------------

  fit() {
    const { canvas, data } = this;
    this.fitted = true;
    this.see({ x: data.across / 2, y: data.rows / 2, zoom: this.fitting() }, true);
    this.fitted = canvas.width > 1;
  }

  fitting() {
    return 0.985 * Math.min(this.canvas.width / this.data.across, this.canvas.height / this.data.rows);
  }

  /**
   * @param {{x: number, y: number, zoom: number}} view
   * @param {boolean} [fitted]
   */
  see(view, fitted = false) {
    const zoom = Math.max(Math.min(this.fitting(), MOST), Math.min(view.zoom, MOST * (devicePixelRatio || 1)));
    this.view = {
      x: Math.max(0, Math.min(this.data.across, view.x)),
      y: Math.max(0, Math.min(this.data.rows, view.y)),
      zoom,
    };
    this.fitted = fitted;
    this.told.seen();
    this.later();
  }

  /** @param {number} factor @param {{x: number, y: number}} [place]  what stays where it is; by default the middle */
  zoomAt(factor, place = this.view) {
    const { view } = this;
    const least = this.fitting();
    const zoom = Math.max(least, Math.min(view.zoom * factor, MOST * (devicePixelRatio || 1)));
    const kept = view.zoom / zoom;
    const fits = zoom <= least * 1.001;
    if (fits) this.fit();
    else this.see({ x: place.x + (view.x - place.x) * kept, y: place.y + (view.y - place.y) * kept, zoom });
  }

  /** Bring an image into sight. @param {number} i @param {number} [zoom]  at least so large, in pixels */
  goTo(i, zoom = 0) {
    const x = (i % this.data.across) + 0.5;
    const y = Math.floor(i / this.data.across) + 0.5;
    const { view, canvas } = this;
    this.at = i;
    const wanted = Math.max(view.zoom, zoom * (devicePixelRatio || 1));
    const margin = { x: canvas.width / 2 / wanted - 1, y: canvas.height / 2 / wanted - 1 };
    const inSight = Math.abs(x - view.x) < margin.x && Math.abs(y - view.y) < margin.y;
    if (inSight && wanted === view.zoom) this.later();
    else this.see({ x, y, zoom: wanted });
  }

  // --- what a person does -------------------------------------------------------------------------------------------

  /** Where an event is on the wall. @param {{clientX: number, clientY: number}} event */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = devicePixelRatio || 1;
    const { view, canvas } = this;
    return {
      x: view.x + ((event.clientX - box.left) * scale - canvas.width / 2) / view.zoom,
      y: view.y + ((event.clientY - box.top) * scale - canvas.height / 2) / view.zoom,
    };
  }

  /** @param {{clientX: number, clientY: number}} event */
  under(event) {
    const { x, y } = this.place(event);
    return this.data.at(Math.floor(y), Math.floor(x));
  }

  /** @param {number} i */
  point(i) {
    if (i === this.at) return;
    this.at = i;
    this.told.pointed(i);
    this.later();
  }

  /** @param {PointerEvent} event */
  down(event) {
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.travelled = 0;
  }

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.point(this.under(event));
      return;
    }
    const [dx, dy] = [event.clientX - before.x, event.clientY - before.y];
    this.travelled = (this.travelled ?? 0) + Math.hypot(dx, dy);
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (others.length) {
      const reach = (/** @type {{x: number, y: number}} */ p) => Math.hypot(p.x - others[0].x, p.y - others[0].y) || 1;
      const middle = { clientX: (event.clientX + others[0].x) / 2, clientY: (event.clientY + others[0].y) / 2 };
      this.zoomAt(reach({ x: event.clientX, y: event.clientY }) / reach(before), this.place(middle));
      return;
    }
    if (this.travelled <= STILL) return;
    this.canvas.classList.add("dragging");
    const scale = (devicePixelRatio || 1) / this.view.zoom;
    this.see({ ...this.view, x: this.view.x - dx * scale, y: this.view.y - dy * scale });
  }

  /** @param {PointerEvent} event */
  up(event) {
    const clicked = this.pointers.delete(event.pointerId) && event.type === "pointerup" && (this.travelled ?? 0) <= STILL;
    if (!this.pointers.size) this.canvas.classList.remove("dragging");
    if (!clicked) return;
    const i = this.under(event);
    this.point(i);
    this.told.chosen(i);
  }

  /** The page scrolls unless the wall was clicked, or Ctrl is held. @param {WheelEvent} event */
  wheel(event) {
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== this.canvas) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 32 : 1;
    const steps = Math.max(-120, Math.min(120, event.deltaY * lines));
    this.zoomAt(Math.exp(-steps * (event.ctrlKey ? 0.008 : 0.0035)), this.place(event));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { data } = this;
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.key in steps) this.step(steps[event.key]);
    else if (event.key === "Home" || event.key === "End") this.arrive(event.key === "Home" ? 0 : data.length - 1);
    else if (event.key === "+" || event.key === "=") this.zoomAt(1.5, this.kept());
    else if (event.key === "-" || event.key === "_") this.zoomAt(1 / 1.5, this.kept());
    else if (event.key === "0") this.fit();
    else if ((event.key === "Enter" || event.key === " ") && this.at >= 0) this.told.chosen(this.at);
    else if (event.key === "Escape") this.told.left();
    else return;
    event.preventDefault();
  }

  /** What a key's zoom keeps in its place: the image that is at, if it is in sight. */
  kept() {
    return this.at < 0 ? this.view : { x: (this.at % this.data.across) + 0.5, y: Math.floor(this.at / this.data.across) + 0.5 };
  }

  /** @param {[number, number]} step  rows and columns */
  step([down, right]) {
    const { data } = this;
    const from = this.at >= 0 ? this.at : Math.max(0, data.at(Math.floor(this.view.y), Math.floor(this.view.x)));
    let [row, column] = [Math.floor(from / data.across) + down, (from % data.across) + right];
    while (data.at(row, column) >= 0 && !data.shown[data.at(row, column)]) [row, column] = [row + down, column + right];
    if (data.at(row, column) >= 0) this.arrive(data.at(row, column));
  }

  /** @param {number} i */
  arrive(i) {
    this.goTo(i);
    this.told.moved(i);
  }
}
