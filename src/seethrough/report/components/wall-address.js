/**
 * What is seen of a wall, kept in the address, so that a link or a reload shows the same.
 */

import { NOTHING_ASKED } from "./wall-tools.js";

const SIDES = ["all", "right", "wrong"];
const STYLES = ["frame", "tint"];

/**
 * Only what differs from a fresh page.
 * @param {import("./wall-tools.js").Asked} asked
 * @param {{x: number, y: number, zoom: number} | null} view  null for the whole wall
 * @param {number} pinned
 * @returns {string}
 */
export function toFragment(asked, view, pinned) {
  const said = new URLSearchParams();
  for (const [key, value] of Object.entries(asked)) {
    if (value !== NOTHING_ASKED[key]) said.set(key, String(value));
  }
  if (pinned >= 0) said.set("image", String(pinned));
  if (view) said.set("view", [view.x.toFixed(2), view.y.toFixed(2), view.zoom.toFixed(1)].join(","));
  return said.toString();
}

/**
 * What a fragment says; anything that is not a value of ours is left out.
 * @param {string} fragment
 * @param {{labels: number, truths: number, images: number}} bounds
 */
export function fromFragment(fragment, bounds) {
  const said = new URLSearchParams(fragment.replace(/^#/, ""));
  /** @type {Partial<import("./wall-tools.js").Asked>} */
  const asked = {};
  const whole = (/** @type {string} */ key, /** @type {number} */ most) => {
    const text = said.get(key) ?? "";
    return /^\d{1,7}$/.test(text) && Number(text) < most ? Number(text) : -1;
  };
  asked.predicted = whole("predicted", bounds.labels);
  asked.true = whole("true", bounds.truths);
  for (const key of /** @type {const} */ (["from", "to"])) if (whole(key, 101) >= 0) asked[key] = whole(key, 101);
  for (const key of /** @type {const} */ (["query", "colour"])) if (said.has(key)) asked[key] = said.get(key) ?? "";
  if (SIDES.includes(said.get("side") ?? "")) asked.side = /** @type {any} */ (said.get("side"));
  if (STYLES.includes(said.get("style") ?? "")) asked.style = /** @type {any} */ (said.get("style"));
  for (const key of /** @type {const} */ (["marks", "maps"])) if (said.has(key)) asked[key] = said.get(key) === "true";
  const numbers = (said.get("view") ?? "").split(",").map(Number);
  const view = numbers.length === 3 && numbers.every((n) => Number.isFinite(n)) ? numbers : null;
  return { asked, view: view && { x: view[0], y: view[1], zoom: view[2] }, image: whole("image", bounds.images) };
}
