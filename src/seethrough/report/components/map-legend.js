/**
 * What the colours of a map mean, in numbers, and under them the value at the crosshair, or else the unit.
 */

import { define, element, styledRoot } from "./define.js";
import { measured } from "./words.js";

const STYLE = `
:host { display: block; font-variant-numeric: tabular-nums; }
.bar { position: relative; height: 10px; }
canvas { display: block; width: 100%; height: 100%; border-radius: 2px; background: var(--hatch); }
.tick { position: absolute; top: -3px; bottom: -3px; width: 3px; margin-left: -1.5px; background: var(--ink);
  border: 1px solid var(--paper); border-radius: 2px; }
.numbers { display: flex; justify-content: space-between; gap: 0.75em; margin-top: 0.3em; color: var(--quiet);
  font-size: 0.78rem; line-height: 1.4; }
.middle { text-align: center; min-width: 0; overflow-wrap: anywhere; }
output { display: block; min-height: 1.5em; margin-top: 0.1em; font-size: 0.82rem; color: var(--ink); text-align: center; }
.idle { color: var(--quiet); font-size: 0.78rem; }
[hidden] { display: none; }
`;

export class MapLegend extends HTMLElement {
  /** @param {import("./scene.js").Scene} scene */
  async show(scene) {
    this.scene = scene;
    this.state = scene.state;
    this.heat = await scene.heat(this.dataset.map ?? "");
    this.record = this.heat.record;
    this.build();
    this.state.subscribe((changed) => this.refresh(changed));
    this.refresh(new Set(["threshold", "scope", "cursor", "language"]));
  }

  build() {
    this.canvas = element("canvas");
    this.tick = element("div", "tick");
    this.low = element("span");
    this.middle = element("span", "middle");
    this.high = element("span");
    this.output = element("output");
    styledRoot(this, STYLE).append(
      element("div", "bar", this.canvas, this.tick),
      element("div", "numbers", this.low, this.middle, this.high),
      this.output,
    );
    const table = this.scene.table(this.record);
    this.canvas.width = table.length / 3;
    this.canvas.height = 1;
  }

  /** @param {Set<string>} changed */
  refresh(changed) {
    if (changed.has("threshold")) this.drawBar();
    if (changed.has("scope") || changed.has("language")) this.writeEnds();
    if (changed.has("cursor") || changed.has("language") || changed.has("scope")) this.writeValue();
  }

  /** The colour table; what the threshold hides is left out. */
  drawBar() {
    const table = this.scene.table(this.record);
    const count = table.length / 3;
    const image = new ImageData(count, 1);
    const zero = this.record.signed ? (count - 1) / 2 : 0;
    for (let i = 0; i < count; i += 1) {
      const shown = Math.abs(i - zero) / (count - 1 - zero) >= this.state.get("threshold");
      image.data.set([table[3 * i], table[3 * i + 1], table[3 * i + 2], shown ? 255 : 0], 4 * i);
    }
    this.canvas.getContext("2d")?.putImageData(image, 0, 0);
  }

  writeEnds() {
    const limit = measured(this.scene.limit(this.record));
    this.low.textContent = this.record.signed ? `−${limit}` : "0";
    this.high.textContent = limit;
    const { words } = this.scene;
    this.middle.textContent = words.both(this.record.ends);
  }

  writeValue() {
    const cursor = this.state.get("cursor");
    const here = cursor && cursor.picture === this.record.picture ? cursor : null;
    const value = here ? this.heat.at(here.x, here.y) : null;
    this.output.ariaLive = here && here.by === this.record.id ? "polite" : "off"; // one map speaks, the others only show
    this.output.textContent = here ? this.sentence(here, value) : this.scene.words.both(this.record.unit);
    this.output.classList.toggle("idle", !here);
    this.tick.hidden = value === null;
    if (value === null) return;
    const at = Math.max(-1, Math.min(1, value / this.scene.limit(this.record)));
    this.tick.style.left = `${this.record.signed ? 50 * (at + 1) : 100 * Math.max(0, at)}%`;
  }

  /**
   * @param {{x: number, y: number}} place
   * @param {number | null} value
   */
  sentence({ x, y }, value) {
    const { words } = this.scene;
    if (value === null) return words.say("unseen", { x, y });
    const side = this.record.signed && value !== 0 ? ` ${words.say(value > 0 ? "for" : "against")}` : "";
    return `x ${x}, y ${y}: ${measured(value)}${side}`;
  }
}

define("seethrough-legend-v1", MapLegend);
