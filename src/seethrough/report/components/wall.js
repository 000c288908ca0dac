/**
 * The page of a wall comes to life.
 */

import { State } from "./state.js";
import { unpack } from "./unpack.js";
import { fromFragment, toFragment } from "./wall-address.js";
import { WallCard } from "./wall-card.js";
import { WallChunks } from "./wall-chunks.js";
import { colouring } from "./wall-colours.js";
import { WallData } from "./wall-data.js";
import { openKeys } from "./wall-keys.js";
import { WallSheet } from "./wall-sheet.js";
import { WallSprites } from "./wall-sprites.js";
import { WallTools } from "./wall-tools.js";
import { Words } from "./words.js";

const TAGS = { en: "en", zh: "zh-Hans" };
/** Pixels that an image is shown in at least, when one goes to it by name. */
const NEAR = 72;
/** Milliseconds of rest after which the address follows. */
const REST = 250;

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

class Page {
  /**
   * @param {any} payload
   * @param {WallData} data
   * @param {WallSprites} sprites
   * @param {State} state
   */
  constructor(payload, data, sprites, state) {
    this.payload = payload;
    this.data = data;
    this.words = new Words(payload.words, state);
    this.largest = payload.maps?.largest ?? null;
    this.chunks = new WallChunks(data, sprites, { colour: () => null, style: "frame", marks: true, maps: false });
    this.canvas = /** @type {HTMLCanvasElement} */ (part("canvas"));
    this.sheet = new WallSheet(this.canvas, data, this.chunks, {
      pointed: (i) => this.sheet.pinned < 0 && this.tell(i),
      chosen: (i) => this.pin(i === this.sheet.pinned ? -1 : i),
      moved: (i) => this.arrived(i),
      seen: () => this.later(),
      left: () => this.pin(-1),
    });
    this.card = new WallCard(part("card"), data, sprites, this.words, {
      filter: (label) => this.tools.ask({ predicted: label }),
      goTo: (i) => this.visit(i),
    });
    this.tools = new WallTools(/** @type {HTMLFormElement} */ (part("tools")), data, this.words, (asked) => this.ask(asked));
    this.listen();
  }

  listen() {
    const dialog = /** @type {HTMLDialogElement} */ (part("keys"));
    part("zoom-in").addEventListener("click", () => this.sheet.zoomAt(1.6));
    part("zoom-out").addEventListener("click", () => this.sheet.zoomAt(1 / 1.6));
    part("fit").addEventListener("click", () => this.sheet.fit());
    part("help").addEventListener("click", () => openKeys(dialog, this.words));
    part("search").addEventListener("keydown", (event) => {
      const first = this.data.shown.indexOf(1);
      if (event.key === "Enter" && first >= 0) this.visit(first);
      if (event.key === "Escape") this.tools.ask({ query: "" });
    });
    document.getElementById("confusion")?.addEventListener("click", (event) => this.confused(event));
    document.addEventListener("keydown", (event) => {
      const typing = event.target instanceof HTMLInputElement && event.target.type === "search";
      if (typing || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
      if (event.key === "/") part("search").focus();
      else if (event.key === "?") openKeys(dialog, this.words);
      else return;
      event.preventDefault();
    });
  }

  /** A cell of the confusion matrix shows its images, or, pressed again, all. @param {Event} event */
  confused(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button) return;
    const { columns } = this.data;
    const pressed = button.getAttribute("aria-pressed") === "true";
    const predicted = pressed ? -1 : (columns.labels ?? []).indexOf(button.dataset.predicted ?? "");
    this.tools.ask({ true: pressed ? -1 : columns.truths.indexOf(button.dataset.true ?? ""), predicted, side: "all" });
    part("sheet").scrollIntoView({ block: "nearest" });
  }

  /** @param {import("./wall-tools.js").Asked} asked */
  ask(asked) {
    this.data.filter(asked);
    const colours = colouring(asked.colour, this.data, this.words, this.payload.tables.unsigned);
    part("legend").replaceChildren(...colours.legend());
    this.chunks.renew({ colour: colours.of, style: asked.style, marks: asked.marks, maps: asked.maps });
    this.count();
    this.press(asked);
    this.tell(this.card.i);
    this.sheet.later();
    this.later();
  }

  count() {
    const { shown, right, known } = this.data.counts();
    const words = {
      shown: shown.toLocaleString("en"),
      all: this.data.length.toLocaleString("en"),
      known: known.toLocaleString("en"),
      right: known ? this.words.percent(right / known) : "",
    };
    const key = known === shown ? "shown_right" : known ? "shown_known" : "shown";
    part("count").textContent = this.words.say(shown ? key : "nothing_fits", words);
  }

  /** Which cell of the matrix is asked for. @param {import("./wall-tools.js").Asked} asked */
  press(asked) {
    const { columns } = this.data;
    const wanted = [columns.truths[asked.true], columns.labels?.[asked.predicted]];
    for (const button of document.querySelectorAll("#confusion button")) {
      if (!(button instanceof HTMLElement)) continue;
      const on = button.dataset.true === wanted[0] && button.dataset.predicted === wanted[1];
      button.setAttribute("aria-pressed", String(on));
    }
  }

  /** @param {number} i */
  tell(i) {
    const pinned = this.sheet.pinned;
    this.card.show(pinned >= 0 ? pinned : i, { pinned: pinned >= 0, maps: this.tools.asked.maps, largest: this.largest });
  }

  /** @param {number} i */
  arrived(i) {
    if (this.sheet.pinned >= 0) this.sheet.pinned = i;
    this.tell(i);
    part("spoken").textContent = this.card.line(i);
  }

  /** @param {number} i */
  pin(i) {
    this.sheet.pinned = i;
    this.tell(i < 0 ? this.sheet.at : i);
    this.sheet.later();
    this.later();
  }

  /** @param {number} i */
  visit(i) {
    this.sheet.goTo(i, NEAR);
    this.pin(i);
  }

  later() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      const { view, fitted, pinned } = this.sheet;
      const said = toFragment(this.tools.asked, fitted ? null : view, pinned);
      history.replaceState(null, "", said ? `#${said}` : location.pathname);
    }, REST);
  }

  say() {
    const { words } = this;
    const count = this.data.length.toLocaleString("en");
    this.canvas.setAttribute("aria-label", words.say("sheet", { count }));
    for (const [id, key] of [["zoom-in", "zoom_in"], ["zoom-out", "zoom_out"], ["fit", "fit"], ["help", "help"]]) {
      part(id).setAttribute("aria-label", words.say(key));
      part(id).title = words.say(key);
    }
    this.tools.say();
    this.ask(this.tools.asked);
  }

  /** What the address asks for. @param {string} fragment */
  begin(fragment) {
    const { columns } = this.data;
    const bounds = { labels: columns.labels?.length ?? 0, truths: columns.truths.length, images: this.data.length };
    const { asked, view, image } = fromFragment(fragment, bounds);
    part("sheet").classList.add("live");
    part("sheet").style.aspectRatio = `${this.data.across} / ${this.data.rows}`;
    for (const id of ["canvas", "zoom"]) part(id).hidden = false;
    this.sheet.resize();
    this.say();
    this.tools.ask(asked);
    if (view) this.sheet.see(view);
    if (image >= 0) this.pin(image);
  }
}

async function start() {
  const state = new State();
  const payload = JSON.parse(part("payload").textContent ?? "{}");
  const still = /** @type {HTMLImageElement} */ (part("still"));
  const [columns, sprites] = await Promise.all([unpack(payload.data), WallSprites.read(payload, still)]);
  const page = new Page(payload, new WallData(columns, payload.grid), sprites, state);
  followLanguage(state, page);
  page.begin(location.hash);
  document.documentElement.dataset.ready = "yes";
}

/**
 * @param {State} state
 * @param {Page} page
 */
function followLanguage(state, page) {
  for (const choice of document.querySelectorAll('input[name="language"]')) {
    if (!(choice instanceof HTMLInputElement)) continue;
    choice.addEventListener("change", () => state.set("language", /** @type {"en" | "zh"} */ (choice.value)));
    if (choice.checked) state.values.language = /** @type {"en" | "zh"} */ (choice.value);
  }
  const apply = () => {
    document.documentElement.lang = TAGS[state.get("language")];
    document.title = document.documentElement.dataset[state.get("language") === "zh" ? "titleZh" : "titleEn"] ?? "";
  };
  apply();
  state.subscribe((changed) => {
    if (!changed.has("language")) return;
    apply();
    page.say();
  });
}

start();
