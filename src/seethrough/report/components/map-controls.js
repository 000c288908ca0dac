/**
 * The controls of all maps on the page: mode, opacity, threshold, scale, sampling, and the help for keys.
 */

import { define, element, styledRoot } from "./define.js";

const STYLE = `
:host { display: block; }
form { display: flex; flex-wrap: wrap; align-items: center; gap: 0.6rem 1.25rem; }
fieldset { display: flex; margin: 0; padding: 0; border: 0; min-width: 0; }
legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
label { font-size: 0.82rem; color: var(--quiet); white-space: nowrap; }
.field { display: flex; align-items: center; gap: 0.55rem; }
.segment { position: relative; }
.segment input { position: absolute; inset: 0; opacity: 0; margin: 0; cursor: pointer; }
.segment span { display: block; padding: 0.42rem 0.9rem; border: 1px solid var(--control); margin-left: -1px; color: var(--ink);
  font-size: 0.82rem; }
.segment:first-of-type span { border-radius: 999px 0 0 999px; }
.segment:last-of-type span { border-radius: 0 999px 999px 0; }
.segment input:checked + span { background: var(--ink); color: var(--paper); border-color: var(--ink); }
.segment input:focus-visible + span { outline: 3px solid var(--focus); outline-offset: 2px; z-index: 1; position: relative; }
input[type="range"] { width: 6.2rem; accent-color: var(--accent); margin: 0; }
output { font-size: 0.82rem; color: var(--ink); min-width: 3.2em; font-variant-numeric: tabular-nums; }
select, button { font: inherit; font-size: 0.82rem; color: var(--ink); background: var(--paper); border: 1px solid var(--control);
  border-radius: 999px; padding: 0.4rem 0.8rem; }
button { min-width: 2.2rem; cursor: pointer; }
:is(select, button, input[type="range"]):focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
`;

export class MapControls extends HTMLElement {
  /**
   * @param {import("./scene.js").Scene} scene
   * @param {() => void} help
   */
  show(scene, help) {
    this.scene = scene;
    this.state = scene.state;
    this.words = scene.words;
    this.pictures = new Set([...scene.records.values()].map((record) => record.picture)).size;
    this.form = element("form");
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.help = help;
    styledRoot(this, STYLE).append(this.form);
    this.hidden = false;
    this.build();
    this.state.subscribe((changed) => this.refresh(changed));
  }

  build() {
    const scopes = this.pictures > 1 ? ["own", "method", "all"] : ["own", "all"];
    this.form.replaceChildren(
      this.segments("mode", ["picture", "overlay", "map"]),
      this.range("opacity"),
      this.range("threshold"),
      this.choice("scope", scopes),
      this.choice("sampling", ["auto", "smooth", "cells"]),
      this.helpButton(),
    );
    this.enable();
  }

  /** @param {Set<string>} changed */
  refresh(changed) {
    if (changed.has("language")) this.build();
    else this.enable();
  }

  /** Opacity means nothing where the map stands alone or is lifted. */
  enable() {
    const opacity = this.form.querySelector("#opacity");
    if (opacity instanceof HTMLInputElement) opacity.disabled = this.state.get("mode") !== "overlay";
  }

  /**
   * @param {"mode"} key
   * @param {string[]} values
   */
  segments(key, values) {
    const fieldset = element("fieldset", "", element("legend", "", this.words.say(key)));
    for (const value of values) {
      const input = element("input");
      input.type = "radio";
      input.name = key;
      input.value = value;
      input.checked = this.state.get(key) === value;
      input.addEventListener("change", () => this.state.set(key, value));
      fieldset.append(element("label", "segment", input, element("span", "", this.words.say(`${key}_${value}`))));
    }
    return fieldset;
  }

  /** @param {"opacity" | "threshold"} key */
  range(key) {
    const label = element("label", "", this.words.say(key));
    label.htmlFor = key;
    const input = element("input");
    Object.assign(input, { type: "range", id: key, min: "0", max: "100", step: "1" });
    input.value = String(Math.round(100 * this.state.get(key)));
    const output = element("output");
    const write = () => {
      output.textContent = this.words.percent(Number(input.value) / 100);
      input.setAttribute("aria-valuetext", this.words.say(`${key}_value`, { percent: output.textContent }));
    };
    input.addEventListener("input", () => {
      this.state.set(key, Number(input.value) / 100);
      write();
    });
    write();
    return element("div", "field", label, input, output);
  }

  /**
   * @param {"scope" | "sampling"} key
   * @param {string[]} values
   */
  choice(key, values) {
    const label = element("label", "", this.words.say(key));
    label.htmlFor = key;
    const select = element("select");
    select.id = key;
    for (const value of values) {
      const option = element("option", "", this.words.say(`${key}_${value}`));
      option.value = value;
      option.selected = this.state.get(key) === value;
      select.append(option);
    }
    select.addEventListener("change", () => this.state.set(key, select.value));
    return element("div", "field", label, select);
  }

  helpButton() {
    const button = element("button", "", "?");
    button.type = "button";
    button.setAttribute("aria-label", this.words.say("keys"));
    button.addEventListener("click", this.help);
    return button;
  }
}

define("seethrough-controls-v1", MapControls);
