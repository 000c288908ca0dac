/**
 * What stands beside the tiles: the picture with what a unit sees, the value under the cursor, and the choices.
 */

import { element } from "./define.js";
import { fieldOf } from "./tile-data.js";
import { measured } from "./words.js";

const SCALES = ["unit", "layer", "network"];

export class TilePanel {
  /**
   * @param {HTMLElement} host
   * @param {import("./tile-data.js").TilesRecord} record
   * @param {import("./words.js").Words} words
   * @param {(key: "scale" | "sort" | "frame", value: string | number) => void} choose
   */
  constructor(host, record, words, choose) {
    this.record = record;
    this.words = words;
    this.choose = choose;
    this.figures = [...host.querySelectorAll("figure")];
    this.field = element("div", "tiles-field");
    this.field.hidden = true;
    this.readout = element("div", "tiles-readout");
    this.controls = element("div", "tiles-controls");
    this.keys = element("p", "tiles-keys");
    host.querySelector(".tiles-look")?.append(this.readout);
    host.append(this.controls, this.keys);
  }

  /** @param {{scale: string, sort: number, frame: number}} chosen */
  build(chosen) {
    const { words, record } = this;
    const sorts = record.sets[0]?.sorts.map((sort) => words.both(sort.name)) ?? [];
    const parts = [
      this.segments(chosen.scale),
      this.select("sort", words.say("tiles_sort"), [...sorts, words.say("tiles_number")], chosen.sort),
    ];
    if (record.frames.length > 1) {
      const names = record.frames.map((frame) => words.both(frame.name));
      parts.unshift(this.select("frame", words.say("tiles_frame"), names, chosen.frame));
    }
    this.controls.replaceChildren(...parts);
    this.keys.textContent = words.say("tiles_keys");
  }

  /** @param {string} chosen */
  segments(chosen) {
    const scales = this.record.sets.length > 1 ? SCALES : SCALES.slice(0, 2);
    const fieldset = element("fieldset", "", element("legend", "", this.words.say("tiles_scale")));
    for (const scale of scales) {
      const input = element("input");
      Object.assign(input, { type: "radio", name: `${this.record.id}-scale`, value: scale, checked: scale === chosen });
      input.addEventListener("change", () => this.choose("scale", scale));
      fieldset.append(element("label", "choice", input, element("span", "", this.words.say(`tiles_scale_${scale}`))));
    }
    return fieldset;
  }

  /**
   * @param {"sort" | "frame"} key
   * @param {string} name
   * @param {string[]} options
   * @param {number} chosen
   */
  select(key, name, options, chosen) {
    const select = element("select");
    options.forEach((text, i) => {
      const option = element("option", "", text);
      option.value = String(i);
      option.selected = i === chosen;
      select.append(option);
    });
    select.dataset.choice = key;
    select.addEventListener("change", () => this.choose(key, Number(select.value)));
    return element("label", "", element("span", "label", name), select);
  }

  /** @param {number} frame */
  showFrame(frame) {
    for (const figure of this.figures) figure.hidden = Number(figure.dataset.frame) !== frame;
  }

  /**
   * @param {import("./tile-data.js").Spot | null} spot
   * @param {import("./tile-data.js").TileValues | null} values
   * @param {number} frame
   * @param {{pinned: boolean, spoken: boolean}} how
   */
  show(spot, values, frame, { pinned, spoken }) {
    this.readout.setAttribute("aria-live", spoken ? "polite" : "off");
    if (!spot || !values) {
      const idle = this.figures.length ? "tiles_idle" : "tiles_idle_plain";
      this.readout.replaceChildren(element("p", "quiet", this.words.say(idle)));
      this.field.hidden = true;
      return;
    }
    const value = values.value(frame, spot);
    const shown = Number.isNaN(value) ? this.words.say("tiles_not_a_number") : measured(value);
    this.readout.replaceChildren(
      element("p", "tiles-value", shown),
      element("p", "", `${this.words.both(values.record.name)} · ${this.where(spot, values.record)}`),
      element("p", "quiet", [...this.remarks(spot, values.record, pinned)].join(" · ")),
    );
    this.frameField(spot, values.record, frame);
  }

  /** In the network's own rows and columns, from 0, as its arrays are indexed. */
  where({ tile, row, column }, { numbers, step, rows, columns }) {
    const number = numbers[tile];
    if (rows * columns === 1) return this.words.say("tiles_channel", { number });
    return this.words.say("tiles_at", { number, row: row * step, column: column * step });
  }

  *remarks({ tile, row, column }, { remarks, field, step, places }, pinned) {
    if (remarks[tile]) yield this.words.both(remarks[tile]);
    if (step > 1) {
      const rows = Math.min(step, places[0] - row * step);
      const columns = Math.min(step, places[1] - column * step);
      yield this.words.say("tiles_mean_of", { rows, columns });
    }
    if (field) {
      const [height, width] = field.size;
      const all = height === null && width === null;
      const seen = { height: height ?? "∞", width: width ?? "∞" };
      yield all ? this.words.say("tiles_sees_all") : this.words.say("tiles_sees", seen);
    }
    if (pinned) yield this.words.say("tiles_pinned");
  }

  frameField(spot, record, frame) {
    const fit = this.record.frames[frame].fit;
    const box = fieldOf(record, fit, spot);
    const stage = this.figures.find((figure) => Number(figure.dataset.frame) === frame)?.querySelector(".tiles-stage");
    this.field.hidden = !box || !stage;
    if (!box || !stage || !fit) return;
    stage.append(this.field);
    const [height, width] = fit.picture;
    Object.assign(this.field.style, {
      top: `${(100 * box.top) / height}%`,
      left: `${(100 * box.left) / width}%`,
      height: `${(100 * (box.bottom - box.top)) / height}%`,
      width: `${(100 * (box.right - box.left)) / width}%`,
    });
  }
}
