/**
 * What is shared by all views of a page: a few named values, and who wants to know when they change.
 *
 * @typedef {object} Values
 * @property {"picture" | "overlay" | "map"} mode
 * @property {number} opacity      0…1, of overlays
 * @property {number} threshold    0…1, of |value| / limit: what lies below is not drawn
 * @property {"own" | "method" | "all"} scope   whose values set the end of the colours
 * @property {"auto" | "smooth" | "cells"} sampling
 * @property {{picture: string, x: number, y: number, by: string} | null} cursor   a place in picture pixels, and the map
 *   on which it was moved
 * @property {boolean} bare        whether the maps are lifted for a moment
 * @property {"en" | "zh"} language
 */

/** @type {Values} */
export const DEFAULTS = Object.freeze({
  mode: "overlay",
  opacity: 0.6,
  threshold: 0,
  scope: "own",
  sampling: "auto",
  cursor: null,
  bare: false,
  language: "en",
});

const CHOICES = {
  mode: ["picture", "overlay", "map"],
  scope: ["own", "method", "all"],
  sampling: ["auto", "smooth", "cells"],
};

export class State {
  /** @param {Partial<Values>} [values] */
  constructor(values = {}) {
    this.values = { ...DEFAULTS, ...values };
    /** @type {Set<(changed: Set<string>) => void>} */
    this.listeners = new Set();
    /** @type {Set<string>} */
    this.changed = new Set();
  }

  /**
   * @template {keyof Values} K
   * @param {K} key
   * @returns {Values[K]}
   */
  get(key) {
    return this.values[key];
  }

  /**
   * Listeners hear of it once a frame, however many values changed.
   * @template {keyof Values} K
   * @param {K} key
   * @param {Values[K]} value
   */
  set(key, value) {
    if (this.values[key] === value) return;
    this.values[key] = value;
    if (!this.changed.size) requestAnimationFrame(() => this.tell());
    this.changed.add(key);
  }

  /** @param {(changed: Set<string>) => void} listener */
  subscribe(listener) {
    this.listeners.add(listener);
  }

  tell() {
    const changed = this.changed;
    this.changed = new Set();
    for (const listener of this.listeners) listener(changed);
  }

  /** The part that changes the picture, as the fragment of an address: "view=map,60,0,own,auto". */
  toFragment() {
    const { mode, opacity, threshold, scope, sampling } = this.values;
    return `view=${[mode, Math.round(opacity * 100), Math.round(threshold * 100), scope, sampling].join(",")}`;
  }

  /**
   * Take what a fragment says; anything that is not a value of ours is left out.
   * @param {string} fragment
   */
  readFragment(fragment) {
    const found = /(?:^#?|&)view=([\w,]+)/.exec(fragment);
    if (!found) return;
    const [mode, opacity, threshold, scope, sampling] = found[1].split(",");
    for (const [key, value] of Object.entries({ mode, scope, sampling })) {
      if (CHOICES[key].includes(value)) this.values[key] = value;
    }
    for (const [key, value] of Object.entries({ opacity, threshold })) {
      if (/^\d{1,3}$/.test(value ?? "") && Number(value) <= 100) this.values[key] = Number(value) / 100;
    }
  }
}
