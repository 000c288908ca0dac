/**
 * What a picture's frame or tint tells: a class in one of eight hues that most eyes tell apart, or a number on a scale.
 */

import { element } from "./define.js";
import { bytesFromBase64 } from "./unpack.js";
import { measured } from "./words.js";

const HUES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7a5ccf"];
const OTHERS = "#8e8e93";

/**
 * @typedef {object} Colouring
 * @property {(i: number) => string | null} of
 * @property {() => Node[]} legend
 */

/**
 * @param {string} key  "none", "predicted", "true", "confidence", or "number:NAME"
 * @param {import("./wall-data.js").WallData} data
 * @param {import("./words.js").Words} words
 * @param {string} table  base64 of RGB
 * @returns {Colouring}
 */
export function colouring(key, data, words, table) {
  const { columns } = data;
  if (key === "predicted" && columns.labels) {
    return byClass(columns.labels, data.length, (i) => data.predicted(i), words);
  }
  if (key === "true") return byClass(columns.truths, data.length, (i) => columns.truth[i], words);
  if (key === "confidence") return byNumber((i) => data.confidence(i), [0, 1], table, (n) => words.percent(n));
  const numbers = columns.numbers[key.replace(/^number:/, "")];
  if (!numbers) return { of: () => null, legend: () => [] };
  const known = numbers.filter((n) => n !== null);
  const low = known.reduce((a, b) => Math.min(a, b), Infinity);
  const high = known.reduce((a, b) => Math.max(a, b), -Infinity);
  return byNumber((i) => numbers[i], [low, high], table, measured);
}

/**
 * @param {string[]} names
 * @param {number} length
 * @param {(i: number) => number} classOf
 * @param {import("./words.js").Words} words
 * @returns {Colouring}
 */
function byClass(names, length, classOf, words) {
  const times = new Array(names.length).fill(0);
  for (let i = 0; i < length; i += 1) if (classOf(i) >= 0) times[classOf(i)] += 1;
  const most = names.map((_, k) => k).sort((a, b) => times[b] - times[a] || a - b).slice(0, HUES.length);
  const hue = new Map(most.map((k, at) => [k, HUES[at]]));
  return {
    of: (i) => (classOf(i) < 0 ? null : hue.get(classOf(i)) ?? OTHERS),
    legend: () => [
      ...most.map((k) => swatch(HUES[most.indexOf(k)], `${names[k]} (${times[k].toLocaleString("en")})`)),
      ...(names.length > most.length ? [swatch(OTHERS, words.say("others"))] : []),
    ],
  };
}

/**
 * @param {(i: number) => number | null} valueOf
 * @param {[number, number]} ends
 * @param {string} table
 * @param {(n: number) => string} say
 * @returns {Colouring}
 */
function byNumber(valueOf, [low, high], table, say) {
  const colours = bytesFromBase64(table);
  const steps = colours.length / 3 - 1;
  const at = (/** @type {number} */ share) => {
    const k = 3 * Math.round(Math.max(0, Math.min(1, share)) * steps);
    return `rgb(${colours[k]}, ${colours[k + 1]}, ${colours[k + 2]})`;
  };
  return {
    of: (i) => {
      const value = valueOf(i);
      return value === null ? null : at(high > low ? (value - low) / (high - low) : 0.5);
    },
    legend: () => (Number.isFinite(low) ? [element("span", "", say(low)), ramp(at), element("span", "", say(high))] : []),
  };
}

/** @param {string} colour @param {string} text */
function swatch(colour, text) {
  const patch = element("i");
  patch.style.background = colour;
  return element("span", "", patch, text);
}

/** @param {(share: number) => string} at */
function ramp(at) {
  const canvas = element("canvas");
  canvas.width = 128;
  canvas.height = 1;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  for (let x = 0; x < 128; x += 1) {
    context.fillStyle = at(x / 127);
    context.fillRect(x, 0, 1, 1);
  }
  return canvas;
}
