/**
 * A map over its picture. The pointer or the arrow keys put a crosshair on a place, and every map of the same picture
 * shows it. The still picture inside the element stays for readers without scripts.
 */

import { define, element, styledRoot } from "./define.js";

const STYLE = `
:host { display: block; }
.stage { position: relative; overflow: hidden; border-radius: var(--radius, 6px); background: var(--hatch); cursor: crosshair;
  touch-action: pan-y; }
.stage:focus-visible { outline: 3px solid var(--focus); outline-offset: 3px; }
img, canvas { display: block; width: 100%; }
canvas { position: absolute; inset: 0; height: 100%; transition: opacity 160ms; }
@media (prefers-reduced-motion: reduce) { canvas { transition: none; } }
.cells { image-rendering: pixelated; }
.hidden { opacity: 0; }
.line { position: absolute; background: #fff; mix-blend-mode: difference; opacity: 0.75; pointer-events: none; }
.across { left: 0; right: 0; height: 1px; }
.down { top: 0; bottom: 0; width: 1px; }
[hidden] { display: none; }
`;

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class MapView extends HTMLElement {
  /** @param {import("./scene.js").Scene} scene */
  async show(scene) {
    this.scene = scene;
    this.state = scene.state;
    this.heat = await scene.heat(this.dataset.map ?? "");
    this.record = this.heat.record;
    this.build();
    this.listen();
    this.state.subscribe((changed) => this.refresh(changed));
    this.refresh(new Set(["mode", "cursor", "language"]));
  }

  build() {
    const root = styledRoot(this, STYLE);
    this.picture = element("img");
    this.picture.alt = "";
    this.picture.src = this.pictureSource();
    this.canvas = element("canvas");
    this.canvas.width = this.record.columns;
    this.canvas.height = this.record.rows;
    this.across = element("div", "line across");
    this.down = element("div", "line down");
    this.stage = element("div", "stage", this.picture, this.canvas, this.across, this.down);
    this.stage.tabIndex = 0;
    this.stage.setAttribute("role", "application");
    root.append(this.stage);
  }

  pictureSource() {
    const shown = document.querySelector(`img[data-picture="${CSS.escape(this.record.picture)}"]`);
    return shown instanceof HTMLImageElement ? shown.src : "";
  }

  listen() {
    this.stage.addEventListener("pointermove", (event) => this.point(event));
    this.stage.addEventListener("pointerdown", (event) => this.point(event));
    this.stage.addEventListener("pointerleave", () => {
      if (!this.stage.matches(":focus-visible")) this.state.set("cursor", null);
    });
    this.stage.addEventListener("focus", () => {
      if (this.stage.matches(":focus-visible") && !this.place()) this.goToSpot();
    });
    this.stage.addEventListener("blur", () => this.state.set("cursor", null));
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("keyup", (event) => {
      if (event.key === " ") this.state.set("bare", false);
    });
  }

  /** The crosshair's place where it is on this map's picture. */
  place() {
    const cursor = this.state.get("cursor");
    return cursor && cursor.picture === this.record.picture ? cursor : null;
  }

  /** @param {PointerEvent} event */
  point(event) {
    const box = this.stage.getBoundingClientRect();
    this.go(
      Math.floor(((event.clientX - box.left) / box.width) * this.record.width),
      Math.floor(((event.clientY - box.top) / box.height) * this.record.height),
    );
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  go(x, y) {
    const { picture, width, height } = this.record;
    const inside = (at, length) => Math.max(0, Math.min(length - 1, at));
    this.state.set("cursor", { picture, x: inside(x, width), y: inside(y, height), by: this.record.id });
  }

  goToSpot() {
    const { spot, width, height } = this.record;
    const [x, y] = spot ?? [Math.floor(width / 2), Math.floor(height / 2)];
    this.go(x, y);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) this.step(ARROWS[event.key], event.shiftKey ? 10 : 1);
    else if (event.key === "Home") this.goToSpot();
    else if (event.key === "Escape") this.state.set("cursor", null);
    else if (event.key === " ") this.state.set("bare", true);
    else return;
    event.preventDefault();
  }

  /**
   * One step is one cell of the map, at least one pixel.
   * @param {number[]} direction
   * @param {number} times
   */
  step([right, down], times) {
    const { width, columns } = this.record;
    const place = this.place();
    if (!place) return this.goToSpot();
    const size = times * Math.max(1, Math.round(width / columns));
    return this.go(place.x + right * size, place.y + down * size);
  }

  /** @param {Set<string>} changed */
  refresh(changed) {
    if (changed.has("language")) this.label();
    if (changed.has("cursor")) this.drawCrosshair();
    if (["mode", "opacity", "threshold", "scope", "sampling", "bare"].some((key) => changed.has(key))) this.draw();
  }

  label() {
    const sentence = document.getElementById(`${this.dataset.map}-sentence-${this.state.get("language")}`);
    const name = document.getElementById(`${this.dataset.map}-name`);
    this.stage.setAttribute("aria-roledescription", this.scene.words.say("map"));
    this.stage.setAttribute("aria-label", `${name?.innerText ?? ""}. ${sentence?.textContent ?? ""}`);
  }

  draw() {
    const state = this.state;
    const mode = state.get("bare") ? "picture" : state.get("mode");
    this.picture.style.visibility = mode === "map" ? "hidden" : "visible";
    this.canvas.classList.toggle("hidden", mode === "picture");
    this.canvas.classList.toggle("cells", this.inCells());
    const image = this.heat.paint({
      table: this.scene.table(this.record),
      limit: this.scene.limit(this.record),
      threshold: state.get("threshold"),
      opacity: state.get("opacity"),
      fade: this.scene.fade,
      alone: mode === "map",
    });
    this.canvas.getContext("2d")?.putImageData(image, 0, 0);
  }

  /** Whether cells are drawn with hard edges: asked for, or the map is so small that smoothing would invent detail. */
  inCells() {
    const sampling = this.state.get("sampling");
    return sampling === "cells" || (sampling === "auto" && Math.max(this.record.rows, this.record.columns) <= 64);
  }

  drawCrosshair() {
    const place = this.place();
    this.across.hidden = this.down.hidden = !place;
    if (!place) return;
    this.across.style.top = `${(100 * (place.y + 0.5)) / this.record.height}%`;
    this.down.style.left = `${(100 * (place.x + 0.5)) / this.record.width}%`;
  }
}

define("seethrough-map-v1", MapView);
