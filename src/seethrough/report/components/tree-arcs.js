/**
 * Arcs beside the rows: what goes past other layers, from the row that gives it to the row that reads it.
 */

import { LANES, ROW } from "./tree-data.js";

const WIDTH = 64;
const INSET = 6;

export class TreeArcs {
  /** @param {HTMLElement} scroll  what scrolls beneath */
  constructor(scroll) {
    this.scroll = scroll;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "arcs";
    this.canvas.setAttribute("aria-hidden", "true");
  }

  /**
   * @param {{from: number, to: number, lane: number, how: string}[]} arcs
   * @param {number} top      how far it is scrolled, in pixels
   * @param {number} selected the selected row; its arcs stand out
   */
  draw(arcs, top, selected) {
    const height = this.scroll.clientHeight - ROW;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = WIDTH * ratio;
    this.canvas.height = Math.max(1, height * ratio);
    this.canvas.style.height = `${Math.max(0, height)}px`;
    const pen = this.canvas.getContext("2d");
    if (!pen) return;
    pen.scale(ratio, ratio);
    // a canvas doesn't know the page's variables; as colours of its own they are resolved
    const { color: plain, textDecorationColor: accent } = getComputedStyle(this.canvas);
    const inSight = arcs.filter(({ from, to }) => Math.max(from, to) * ROW >= top - ROW && Math.min(from, to) * ROW <= top + height);
    for (const chosen of [false, true]) {
      pen.strokeStyle = pen.fillStyle = chosen ? accent : plain;
      pen.lineWidth = chosen ? 2 : 1;
      pen.globalAlpha = chosen ? 1 : 0.65;
      for (const arc of inSight) {
        if ((arc.from === selected || arc.to === selected) === chosen) stroke(pen, arc, top);
      }
    }
  }
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {{from: number, to: number, lane: number}} arc
 * @param {number} top
 */
function stroke(pen, { from, to, lane }, top) {
  const start = from < 0 ? -top - 2 : from * ROW + ROW * 0.62 - top;
  const stop = to * ROW + ROW * 0.42 - top;
  const right = WIDTH - INSET;
  const x = right - 8 - lane * ((WIDTH - INSET - 14) / (LANES - 1));
  const bend = Math.min(7, Math.abs(stop - start) / 2);
  const down = Math.sign(stop - start);
  pen.beginPath();
  pen.moveTo(right, start);
  pen.lineTo(x + bend, start);
  pen.quadraticCurveTo(x, start, x, start + down * bend);
  pen.lineTo(x, stop - down * bend);
  pen.quadraticCurveTo(x, stop, x + bend, stop);
  pen.lineTo(right - 3, stop);
  pen.stroke();
  pen.beginPath();
  pen.moveTo(right + 1, stop);
  pen.lineTo(right - 5, stop - 3);
  pen.lineTo(right - 5, stop + 3);
  pen.fill();
}
