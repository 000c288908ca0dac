/**
 * A block of tiles: sets of small maps beside the picture they are about. One choice of frame, order and scale holds for
 * all sets; one cell of one tile is looked at. The stills inside stay for readers without scripts.
 */

import { define, element } from "./define.js";
import { TileGrid } from "./tile-grid.js";
import { TilePanel } from "./tile-panel.js";
import { TileValues } from "./tile-data.js";
import { measured } from "./words.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Tiles extends HTMLElement {
  /** @param {import("./scene.js").Scene} scene */
  async show(scene) {
    const record = scene.tiles.get(this.dataset.tiles ?? "");
    if (!record) throw new Error(`there are no tiles ${this.dataset.tiles}`);
    this.record = record;
    this.words = scene.words;
    this.chosen = { scale: record.scale, sort: 0, frame: 0, ...readFragment(record) };
    /** @type {import("./tile-data.js").Spot | null} */
    this.spot = null;
    this.pinned = false;
    this.spoken = false;
    this.sets = await Promise.all(record.sets.map((set) => TileValues.read(set)));
    this.parts = [...this.querySelectorAll(".tile-set")];
    const host = /** @type {HTMLElement} */ (this.querySelector(".tiles-panel"));
    this.panel = new TilePanel(host, record, this.words, (key, value) => this.choose(key, value));
    this.grids = this.sets.map((values, i) => this.grid(values, i, scene));
    scene.state.subscribe((changed) => changed.has("language") && this.write());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
    this.panel.showFrame(this.chosen.frame);
    this.write();
  }

  // --- what is shown ------------------------------------------------------------------------------------------------

  /**
   * @param {TileValues} values
   * @param {number} i
   * @param {import("./scene.js").Scene} scene
   */
  grid(values, i, scene) {
    const host = /** @type {HTMLElement} */ (this.parts[i].querySelector(".tile-grid"));
    host.tabIndex = 0;
    host.setAttribute("role", "application");
    const grid = new TileGrid(host, values, {
      table: values.record.signed ? scene.tables.signed : scene.tables.unsigned,
      folded: this.sets.length > 1,
      look: () => ({
        frame: this.chosen.frame,
        order: this.order(i),
        limit: (tile) => this.limit(i, tile),
        spot: this.spot?.set === i ? this.spot : null,
        pinned: this.pinned,
      }),
    });
    this.listen(host, grid, i);
    return grid;
  }

  /** @param {number} set */
  order(set) {
    const { sorts, numbers } = this.sets[set].record;
    return sorts[this.chosen.sort]?.order ?? numbers.map((_, tile) => tile).sort((a, b) => numbers[a] - numbers[b]);
  }

  /**
   * |value| at which a tile's colours end.
   * @param {number} set
   * @param {number} tile
   */
  limit(set, tile) {
    if (this.chosen.scale === "unit") return this.sets[set].own(tile);
    if (this.chosen.scale === "layer") return this.sets[set].record.limit;
    return Math.max(...this.sets.map((values) => values.record.limit));
  }

  /**
   * @param {"scale" | "sort" | "frame"} key
   * @param {string | number} value
   */
  choose(key, value) {
    this.chosen = { ...this.chosen, [key]: value };
    history.replaceState(null, "", `#${toFragment(this.chosen)}`);
    this.panel.showFrame(this.chosen.frame);
    this.writeLegends();
    this.redraw();
    this.tell();
  }

  redraw() {
    for (const grid of this.grids) grid.draw();
  }

  // --- words --------------------------------------------------------------------------------------------------------

  write() {
    this.panel.build(this.chosen);
    this.grids.forEach((grid, i) => {
      const name = this.words.both(this.sets[i].record.name);
      grid.host.setAttribute("aria-label", this.words.say("tiles_grid", { name }));
      this.writeMore(grid, i);
    });
    this.writeLegends();
    this.tell();
  }

  /**
   * @param {TileGrid} grid
   * @param {number} i
   */
  writeMore(grid, i) {
    this.parts[i].querySelector(".tile-more")?.remove();
    if (!grid.foldable) return;
    const text = grid.folded ? this.words.say("tiles_more", { count: grid.values.count }) : this.words.say("tiles_less");
    const button = element("button", "tile-more", text);
    button.type = "button";
    button.setAttribute("aria-expanded", String(!grid.folded));
    button.addEventListener("click", () => {
      grid.fold(!grid.folded);
      this.writeMore(grid, i);
      /** @type {HTMLElement} */ (this.parts[i].querySelector(".tile-more"))?.focus();
    });
    this.parts[i].append(button);
  }

  writeLegends() {
    this.parts.forEach((part, i) => {
      const { signed } = this.sets[i].record;
      const own = this.chosen.scale === "unit";
      const end = measured(this.limit(i, 0));
      const [low, high] = [part.querySelector(".tile-low"), part.querySelector(".tile-high")];
      if (low) low.textContent = own ? "" : signed ? `−${end}` : "0";
      if (high) high.textContent = own ? this.words.say("tiles_own_ends") : end;
    });
  }

  tell() {
    const values = this.spot ? this.sets[this.spot.set] : null;
    this.panel.show(this.spot, values, this.chosen.frame, { pinned: this.pinned, spoken: this.spoken });
  }

  // --- the cell that is looked at -------------------------------------------------------------------------------------

  /**
   * @param {HTMLElement} host
   * @param {TileGrid} grid
   * @param {number} set
   */
  listen(host, grid, set) {
    const pointed = (event) => {
      const at = grid.at(event);
      return at && { set, ...at };
    };
    host.addEventListener("pointermove", (event) => {
      if (!this.pinned) this.go(pointed(event), false);
    });
    host.addEventListener("pointerleave", () => {
      if (!this.pinned && !host.matches(":focus-visible")) this.go(null, false);
    });
    host.addEventListener("click", (event) => this.pin(pointed(event)));
    host.addEventListener("focus", () => {
      if (host.matches(":focus-visible") && this.spot?.set !== set && !this.pinned) this.goToStrongest(grid, set, 0);
    });
    host.addEventListener("keydown", (event) => this.key(event, grid, set));
  }

  /**
   * @param {import("./tile-data.js").Spot | null} spot
   * @param {boolean} spoken
   */
  go(spot, spoken) {
    const before = this.spot;
    if (JSON.stringify(before) === JSON.stringify(spot)) return;
    this.spot = spot;
    this.spoken = spoken;
    for (const at of [before, spot]) if (at) this.grids[at.set].drawTiles([at.tile]);
    this.tell();
  }

  /** @param {import("./tile-data.js").Spot | null} spot */
  pin(spot) {
    const same = this.pinned && JSON.stringify(this.spot) === JSON.stringify(spot);
    this.pinned = Boolean(spot) && !same;
    this.go(spot, false);
    if (this.spot) this.grids[this.spot.set].drawTiles([this.spot.tile]);
    this.tell();
  }

  /**
   * @param {TileGrid} grid
   * @param {number} set
   * @param {number} place
   */
  goToStrongest(grid, set, place) {
    const tile = this.order(set)[place];
    if (tile !== undefined) this.go({ set, tile, ...grid.values.strongest(this.chosen.frame, tile) }, true);
  }

  /**
   * @param {KeyboardEvent} event
   * @param {TileGrid} grid
   * @param {number} set
   */
  key(event, grid, set) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const spot = this.spot?.set === set ? this.spot : null;
    if (event.key in ARROWS) this.step(ARROWS[event.key], event.shiftKey, grid, set, spot);
    else if (event.key === "Home" && spot) this.goToStrongest(grid, set, this.order(set).indexOf(spot.tile));
    else if (event.key === "Enter" && spot) this.pin(spot);
    else if (event.key === "Escape") this.pin(null);
    else return;
    event.preventDefault();
  }

  /** One place, and over the tile's edge into the next tile; or from tile to tile. */
  step([right, down], byTile, grid, set, spot) {
    if (!spot) return this.goToStrongest(grid, set, 0);
    this.pinned = false;
    const order = this.order(set);
    const { rows, columns } = grid.values.record;
    const [row, column] = [spot.row + down, spot.column + right];
    const inside = row >= 0 && row < rows && column >= 0 && column < columns;
    if (inside && !byTile) return this.go({ ...spot, row, column }, true);
    const place = order.indexOf(spot.tile) + right + down * grid.across;
    if (place < 0 || place >= grid.shown) return undefined;
    const wrap = (at, length) => (at + length) % length;
    const cell = byTile ? { row: spot.row, column: spot.column } : { row: wrap(row, rows), column: wrap(column, columns) };
    return this.go({ set, tile: order[place], ...cell }, true);
  }
}

/** The choices as the fragment of an address: "tiles=unit,0,2". */
function toFragment({ scale, sort, frame }) {
  return `tiles=${[scale, sort, frame].join(",")}`;
}

/**
 * Take what the address says; anything that there isn't is left out.
 * @param {import("./tile-data.js").TilesRecord} record
 */
function readFragment(record) {
  const found = /(?:^#|&)tiles=(unit|layer|network),(\d{1,2}),(\d{1,3})$/.exec(location.hash);
  if (!found) return {};
  const [sort, frame] = [Number(found[2]), Number(found[3])];
  const known = sort <= (record.sets[0]?.sorts.length ?? 0) && frame < record.frames.length;
  return known ? { scale: found[1], sort, frame } : {};
}

define("seethrough-tiles-v1", Tiles);
