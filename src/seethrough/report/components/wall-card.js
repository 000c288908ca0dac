/**
 * The image that is pointed at, beside the wall: larger, with its answers, what it is, and what the network holds nearest.
 */

import { element } from "./define.js";
import { measured } from "./words.js";

const LARGE = 320;
const SMALL = 64;

export class WallCard {
  /**
   * @param {HTMLElement} host
   * @param {import("./wall-data.js").WallData} data
   * @param {import("./wall-sprites.js").WallSprites} sprites
   * @param {import("./words.js").Words} words
   * @param {{filter: (label: number) => void, goTo: (i: number) => void}} asks
   */
  constructor(host, data, sprites, words, asks) {
    this.host = host;
    this.data = data;
    this.sprites = sprites;
    this.words = words;
    this.asks = asks;
    this.i = -1;
  }

  /**
   * @param {number} i  -1 for none
   * @param {{pinned: boolean, maps: boolean, largest: (number | null)[] | null}} how
   */
  show(i, how) {
    this.i = i;
    if (i < 0) {
      this.host.replaceChildren(element("p", "small-print", this.words.say("choose")));
      return;
    }
    const { columns } = this.data;
    const parts = [this.picture(i, LARGE, how.maps), element("h2", "", columns.names[i]), ...this.verdict(i)];
    if (how.pinned) parts.push(element("p", "small-print", this.words.say("pinned")));
    parts.push(this.chips(i), ...this.numbers(i, how), ...this.nearest(i));
    this.host.replaceChildren(...parts);
  }

  /** The same in a line, for those who listen. @param {number} i */
  line(i) {
    const { columns } = this.data;
    const label = columns.labels && columns.top ? columns.labels[columns.top[i][0]] : "";
    const sure = this.data.confidence(i);
    const said = [columns.names[i], label, sure === null ? "" : this.words.percent(sure)];
    if (columns.right[i] >= 0) said.push(this.words.say(columns.right[i] ? "mark_right" : "mark_wrong"));
    return said.filter(Boolean).join(", ");
  }

  /** @param {number} i @param {number} side @param {boolean} map */
  picture(i, side, map) {
    const canvas = element("canvas");
    canvas.width = canvas.height = side;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", this.data.columns.names[i]);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.imageSmoothingQuality = "high";
    this.sprites.draw(context, i, 0, 0, side);
    if (map) this.sprites.drawMap(context, i, 0, 0, side);
    return canvas;
  }

  /** What it is, and whether the network says so. @param {number} i */
  verdict(i) {
    const { columns } = this.data;
    if (columns.truth[i] < 0) return [];
    const name = columns.truths[columns.truth[i]];
    if (columns.right[i] < 0) return [element("p", "", `${this.words.say("group")}: ${name}`)];
    const truth = `${this.words.say("is")} ${name}`;
    const right = columns.right[i] === 1;
    const mark = this.words.say(right ? "mark_right" : "mark_wrong");
    return [element("p", right ? "verdict" : "verdict wrong", right ? mark : `${mark}: ${truth}`)];
  }

  /** @param {number} i */
  chips(i) {
    const { columns } = this.data;
    const list = element("ul", "chips");
    (columns.top?.[i] ?? []).forEach((label, k) => list.append(element("li", "", this.chip(i, label, k))));
    return list;
  }

  /** @param {number} i @param {number} label @param {number} k  its rank */
  chip(i, label, k) {
    const { columns } = this.data;
    const name = columns.labels?.[label] ?? "";
    const share = this.data.chance(i, k);
    const percent = share === null ? "" : this.words.percent(share);
    const true_ = columns.right[i] >= 0 && columns.truths[columns.truth[i]] === name;
    const button = element("button", true_ ? "chip-button true" : "chip-button");
    button.type = "button";
    button.append(element("b", "", true_ ? `${name} ✓` : name), element("span", "", percent));
    if (share !== null) {
      const filled = element("u");
      filled.style.width = `${Math.max(0.5, 100 * share)}%`;
      button.append(element("i", "", filled));
    }
    button.title = this.words.say("chip", { label: name, percent });
    button.addEventListener("click", () => this.asks.filter(label));
    return button;
  }

  /** @param {number} i @param {{maps: boolean, largest: (number | null)[] | null}} how */
  numbers(i, how) {
    const lines = Object.entries(this.data.columns.numbers).map(([name, values]) => {
      const value = values[i];
      return `${name}: ${value === null ? this.words.say("numbers_missing") : measured(value)}`;
    });
    const largest = how.largest?.[i] ?? null;
    if (how.maps && largest !== null) lines.push(this.words.say("map_largest", { value: measured(largest) }));
    return lines.map((line) => element("p", "small-print", line));
  }

  /** @param {number} i */
  nearest(i) {
    const near = this.data.columns.nearest[i];
    if (!near.length) return [];
    const row = element("div", "near");
    for (const other of near) {
      const button = element("button", "", this.picture(other, SMALL, false));
      button.type = "button";
      button.title = this.words.say("go_to", { name: this.data.columns.names[other] });
      button.setAttribute("aria-label", button.title);
      button.addEventListener("click", () => this.asks.goTo(other));
      row.append(button);
    }
    return [element("h3", "", this.words.say("nearest")), row];
  }
}
