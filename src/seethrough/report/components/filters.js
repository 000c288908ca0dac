/**
 * The page of filters comes to life: sort them by a measure, keep those that are noticed, look at one closely.
 *
 * The numbers are those of the table below the tiles; nothing is carried twice.
 */

import { element } from "./define.js";

const TAGS = { en: "en", zh: "zh-Hans" };
const LARGE = 250;

/** One layer's tiles, with the table that has their numbers. */
class Layer {
  /** @param {HTMLElement} section */
  constructor(section) {
    this.tools = /** @type {HTMLElement} */ (section.querySelector(".tools"));
    this.tiles = /** @type {HTMLElement} */ (section.querySelector(".tiles"));
    this.detail = /** @type {HTMLElement} */ (section.querySelector(".filter-detail"));
    /** @type {HTMLElement[]} */
    this.cards = [...this.tiles.querySelectorAll(".filter")];
    this.headings = [...section.querySelectorAll("thead th")];
    this.keys = this.headings.map((heading) => heading.getAttribute("data-key"));
    /** @type {Map<string, HTMLTableRowElement>} */
    this.rows = new Map([...section.querySelectorAll("tbody tr")].map((row) => [row.getAttribute("data-k"), row]));
    /** @type {HTMLElement | null} */
    this.pinned = null;
    this.tools.hidden = false;
    this.listen();
    this.look(this.cards[0]); // from the start, so that nothing moves when the first is looked at
  }

  listen() {
    for (const button of this.tools.querySelectorAll(".sort")) {
      button.addEventListener("click", () => this.sort(button.getAttribute("data-key") ?? "number"));
    }
    const only = this.tools.querySelector(".only");
    only?.addEventListener("click", () => this.keep(only.getAttribute("aria-pressed") !== "true"));
    const own = this.tools.querySelector(".own");
    own?.addEventListener("click", () => {
      own.setAttribute("aria-pressed", String(own.getAttribute("aria-pressed") !== "true"));
      this.changeScale();
    });
    this.tiles.addEventListener("pointerover", (event) => this.pinned ?? this.look(cardOf(event)));
    this.tiles.addEventListener("focusin", (event) => this.pinned ?? this.look(cardOf(event)));
    this.tiles.addEventListener("click", (event) => this.pin(cardOf(event)));
    this.tiles.addEventListener("keydown", (event) => this.press(event));
  }

  /**
   * Largest first, and by number for the number itself; what has no such measure goes last.
   * @param {string} key
   */
  sort(key) {
    for (const button of this.tools.querySelectorAll(".sort")) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-key") === key));
    }
    const column = this.keys.indexOf(key);
    /** @param {HTMLElement} card */
    const value = (card) => {
      if (column <= 0) return -Number(card.dataset.k);
      const cell = this.rows.get(card.dataset.k ?? "")?.cells[column];
      const number = Number.parseFloat(cell?.getAttribute("data-value") ?? "");
      return Number.isNaN(number) ? -Infinity : number;
    };
    const keyed = this.cards.map((card) => ({ card, value: value(card) }));
    keyed.sort((a, b) => (a.value === b.value ? Number(a.card.dataset.k) - Number(b.card.dataset.k) : b.value - a.value));
    this.cards = keyed.map(({ card }) => card);
    this.tiles.append(...this.cards);
  }

  /** From the layer's scale to each filter's own, or back: the other picture stands beside the one that is shown. */
  changeScale() {
    for (const image of this.tiles.querySelectorAll(".tile img")) {
      const shown = image.getAttribute("src") ?? "";
      image.setAttribute("src", image.getAttribute("data-own") ?? shown);
      image.setAttribute("data-own", shown);
    }
    this.look(this.tiles.querySelector(".chosen"));
  }

  /** @param {boolean} only   whether tiles in which nothing is noticed are hidden */
  keep(only) {
    this.tools.querySelector(".only")?.setAttribute("aria-pressed", String(only));
    for (const card of this.cards) card.hidden = only && !card.classList.contains("marked");
  }

  /** @param {HTMLElement | null} card */
  pin(card) {
    this.pinned?.classList.remove("pinned");
    this.pinned = card === this.pinned ? null : card;
    this.pinned?.classList.add("pinned");
    this.look(card);
  }

  /**
   * A filter closely: its picture large, its measures by name.
   * @param {HTMLElement | null} card
   */
  look(card) {
    if (!card) return;
    for (const other of this.tiles.querySelectorAll(".chosen")) other.classList.remove("chosen");
    card.classList.add("chosen");
    for (const other of this.cards) other.tabIndex = other === card ? 0 : -1;
    const cells = [...(this.rows.get(card.dataset.k ?? "")?.cells ?? [])];
    const names = element("dl");
    for (const [column, cell] of cells.entries()) {
      names.append(copied("dt", this.headings[column]), copied("dd", cell));
    }
    const large = element("div", "large", ...[...card.querySelectorAll("img")].map(enlarged));
    const marks = [...card.querySelectorAll(".mark")].map((mark) => mark.cloneNode(true));
    this.detail.replaceChildren(large, ...marks, names);
    this.detail.hidden = false;
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const shown = this.cards.filter((card) => !card.hidden);
    const here = shown.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -here, End: shown.length - 1 - here }[event.key];
    if (step !== undefined && here >= 0) {
      shown[Math.min(shown.length - 1, Math.max(0, here + step))].focus();
      event.preventDefault();
    } else if (event.key === "Enter" || event.key === " ") {
      this.pin(cardOf(event));
      event.preventDefault();
    } else if (event.key === "Escape" && this.pinned) {
      this.pin(this.pinned);
    }
  }
}

/** @param {Event} event */
function cardOf(event) {
  const target = event.target instanceof Element ? event.target.closest(".filter") : null;
  return target instanceof HTMLElement ? target : null;
}

/** @param {HTMLImageElement} image */
function enlarged(image) {
  const copy = /** @type {HTMLImageElement} */ (image.cloneNode());
  const times = Math.max(1, Math.min(LARGE / image.width, LARGE / 2 / image.height));
  copy.width = Math.round(image.width * times);
  copy.height = Math.round(image.height * times);
  return copy;
}

/**
 * What a cell says, in both languages, as another element.
 * @param {"dt" | "dd"} tag
 * @param {Element} cell
 */
function copied(tag, cell) {
  return element(tag, "", ...[...cell.childNodes].map((node) => node.cloneNode(true)));
}

function followLanguage() {
  for (const input of document.querySelectorAll('input[name="language"]')) {
    if (!(input instanceof HTMLInputElement)) continue;
    input.addEventListener("change", () => {
      document.documentElement.lang = TAGS[/** @type {"en" | "zh"} */ (input.value)];
    });
  }
}

followLanguage();
for (const section of document.querySelectorAll(".layer-filters")) {
  if (section instanceof HTMLElement && section.querySelector(".tiles")) new Layer(section);
}
document.documentElement.dataset.ready = "yes";
