/**
 * The controls above the wall: which images are shown, and what their frames tell.
 */

import { ANY } from "./wall-data.js";

/**
 * @typedef {import("./wall-data.js").Wanted & {colour: string, style: "frame" | "tint", marks: boolean, maps: boolean}} Asked
 */

/** @type {Asked} */
export const NOTHING_ASKED = Object.freeze({ ...ANY, colour: "none", style: "frame", marks: true, maps: false });

/** @param {string} id */
const input = (id) => /** @type {HTMLInputElement | null} */ (document.getElementById(id));

export class WallTools {
  /**
   * @param {HTMLFormElement} form
   * @param {import("./wall-data.js").WallData} data
   * @param {import("./words.js").Words} words
   * @param {(asked: Asked) => void} changed
   */
  constructor(form, data, words, changed) {
    this.form = form;
    this.data = data;
    this.words = words;
    this.changed = changed;
    /** @type {Asked} */
    this.asked = { ...NOTHING_ASKED };
    form.addEventListener("input", (event) => this.read(event.target));
    form.addEventListener("submit", (event) => event.preventDefault());
    input("reset")?.addEventListener("click", () => this.ask({ ...ANY }));
  }

  /** Choose some values, as if by hand. @param {Partial<Asked>} values */
  ask(values) {
    this.asked = { ...this.asked, ...values };
    this.write();
    this.changed(this.asked);
  }

  /** @param {EventTarget | null} from  the control that was touched */
  read(from) {
    const asked = { ...this.asked };
    asked.query = input("search")?.value ?? "";
    asked.predicted = Number(input("predicted")?.value ?? -1);
    asked.true = Number(input("true")?.value ?? -1);
    asked.side = /** @type {any} */ (new FormData(this.form).get("side") ?? "all");
    asked.from = Number(input("from")?.value ?? 0);
    asked.to = Number(input("to")?.value ?? 100);
    if (asked.from > asked.to && from === input("from")) asked.to = asked.from;
    if (asked.from > asked.to) asked.from = asked.to;
    asked.colour = input("colour")?.value ?? "none";
    asked.style = /** @type {any} */ (new FormData(this.form).get("style") ?? "frame");
    asked.marks = input("marks")?.checked ?? false;
    asked.maps = input("maps")?.checked ?? false;
    this.ask(asked);
  }

  /** The controls show what is asked. */
  write() {
    const { asked, form } = this;
    for (const [id, value] of Object.entries({
      search: asked.query, predicted: asked.predicted, true: asked.true, from: asked.from, to: asked.to, colour: asked.colour,
    })) {
      const control = input(id);
      if (control && control.value !== String(value)) control.value = String(value);
    }
    for (const name of /** @type {const} */ (["side", "style"])) {
      for (const radio of form.querySelectorAll(`input[name="${name}"]`)) {
        if (radio instanceof HTMLInputElement) radio.checked = radio.value === asked[name];
      }
    }
    for (const name of /** @type {const} */ (["marks", "maps"])) {
      const box = input(name);
      if (box) box.checked = asked[name];
    }
    const said = document.getElementById("range-said");
    if (said) said.textContent = `${asked.from}–${asked.to}\u00a0%`;
  }

  /** The names of choices, in the language of the page. */
  say() {
    const { columns } = this.data;
    const predicted = this.count(columns.labels ?? [], (i) => this.data.predicted(i));
    const truths = this.count(columns.truths, (i) => columns.truth[i]);
    this.fill("predicted", predicted);
    this.fill("true", truths);
    const colours = [["none", this.words.say("colour_none")]];
    if (columns.labels) colours.push(["predicted", this.words.say("colour_predicted")]);
    if (columns.truths.length) colours.push(["true", this.words.say(columns.right.some((r) => r >= 0) ? "colour_true" : "group")]);
    if (columns.chance) colours.push(["confidence", this.words.say("colour_confidence")]);
    for (const name of Object.keys(columns.numbers)) colours.push([`number:${name}`, name]);
    options(input("colour"), colours);
    for (const [id, key] of [["from", "from"], ["to", "to"]]) input(id)?.setAttribute("aria-label", this.words.say(key));
    this.write();
  }

  /**
   * @param {string[]} names
   * @param {(i: number) => number} classOf
   * @returns {[string, string][]}
   */
  count(names, classOf) {
    const times = new Array(names.length).fill(0);
    for (let i = 0; i < this.data.length; i += 1) if (classOf(i) >= 0) times[classOf(i)] += 1;
    return names
      .map((name, k) => /** @type {[string, string]} */ ([String(k), `${name} (${times[k].toLocaleString("en")})`]))
      .filter(([k]) => times[Number(k)])
      .sort((a, b) => a[1].localeCompare(b[1]));
  }

  /** @param {string} id @param {[string, string][]} choices */
  fill(id, choices) {
    options(input(id), [["-1", this.words.say("any")], ...choices]);
  }
}

/** @param {HTMLElement | null} select @param {string[][]} choices */
function options(select, choices) {
  select?.replaceChildren(
    ...choices.map(([value, text]) => {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = text;
      return option;
    }),
  );
}
