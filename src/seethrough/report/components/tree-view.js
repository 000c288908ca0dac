/**
 * The rows of a tree that are in sight. A row has a fixed height, so which ones those are is arithmetic, and a network of
 * ten thousand layers costs no more than one of fifty.
 */

import { element } from "./define.js";
import { TreeArcs } from "./tree-arcs.js";
import { ROW } from "./tree-data.js";
import { amount, bytes } from "./words.js";


const BEYOND = 12;
const BARS = ["parameters", "macs", "activations"];

export class TreeView {
  /**
   * @param {HTMLElement} host
   * @param {import("./tree-data.js").TreeData} data
   * @param {Record<string, number>} total  of the whole network
   * @param {import("./words.js").Words} words
   * @param {(node: number) => void} chosen  told when another row is selected
   */
  constructor(host, data, total, words, chosen) {
    this.data = data;
    this.total = total;
    this.largest = Object.fromEntries(BARS.map((key) => [key, largestLayer(data, key)]));
    this.words = words;
    this.chosen = chosen;
    this.selected = -1;
    this.head = element("div", "row head");
    this.head.setAttribute("role", "row");
    this.space = element("div", "space");
    this.space.setAttribute("role", "rowgroup");
    this.scroll = element("div", "scroller", this.head, this.space);
    this.scroll.setAttribute("role", "treegrid");
    this.scroll.tabIndex = 0;
    this.arcs = new TreeArcs(this.scroll);
    host.append(this.scroll, this.arcs.canvas);
    /** @type {Map<number, HTMLElement>} from a row's number to what shows it */
    this.shown = new Map();
    this.pending = 0;
    this.scroll.addEventListener("scroll", () => this.later(), { passive: true });
    this.scroll.addEventListener("click", (event) => this.click(event));
    this.scroll.addEventListener("dblclick", (event) => this.doubleClick(event));
    this.scroll.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.later()).observe(this.scroll);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.later());
  }

  /** Words, or which rows there are, have changed. */
  refresh() {
    for (const row of this.shown.values()) row.remove();
    this.shown.clear();
    this.head.replaceChildren(
      ...["layer", "class", "output", ...BARS, "sees"].map((key, i) => {
        const cell = element("span", `cell ${key}`, this.words.say(key));
        cell.setAttribute("role", "columnheader");
        if (i > 2) cell.title = this.words.say(`${key}_is`);
        return cell;
      }),
    );
    this.scroll.setAttribute("aria-label", this.words.say("tree"));
    this.scroll.setAttribute("aria-rowcount", String(this.data.rows.length));
    this.space.style.height = `${this.data.rows.length * ROW}px`;
    this.draw();
  }

  later() {
    if (!this.pending) this.pending = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.pending = 0;
    const { rows } = this.data;
    const top = this.scroll.scrollTop;
    const first = Math.max(0, Math.floor(top / ROW) - BEYOND);
    const last = Math.min(rows.length, Math.ceil((top + this.scroll.clientHeight) / ROW) + BEYOND);
    for (const [number, row] of this.shown) {
      if (number < first || number >= last) {
        row.remove();
        this.shown.delete(number);
      }
    }
    const fresh = document.createDocumentFragment();
    for (let number = first; number < last; number += 1) {
      if (!this.shown.has(number)) {
        const row = this.row(number);
        this.shown.set(number, row);
        fresh.append(row);
      }
    }
    this.space.append(fresh);
    this.arcs.draw(this.data.arcs, top, this.selected < 0 ? -2 : this.data.rowOf[this.selected]);
  }

  /** @param {number} number */
  row(number) {
    const { data } = this;
    const { columns } = data;
    const node = data.rows[number];
    const row = element("div", "row");
    row.setAttribute("role", "row");
    row.setAttribute("aria-level", String(columns.depth[node] + 1));
    row.setAttribute("aria-rowindex", String(number + 1));
    if (data.hasInside(node)) row.setAttribute("aria-expanded", String(data.isOpen(node)));
    row.id = `row-${number}`;
    row.dataset.number = String(number);
    row.style.transform = `translateY(${number * ROW}px)`;
    row.classList.toggle("selected", node === this.selected);
    row.setAttribute("aria-selected", String(node === this.selected));
    row.classList.toggle("fold", columns.times[node] > 0);
    row.classList.toggle("idle", data.text("state", node) !== "");
    row.classList.toggle("on-the-way", data.found?.[node] === 1);
    row.append(
      this.name(node),
      cell("class", data.text("kind", node)),
      cell("output", data.text("output", node)),
      ...BARS.map((key) => this.bar(key, node)),
      cell("sees", data.text("sees", node)),
    );
    return row;
  }

  /** @param {number} node */
  name(node) {
    const { columns } = this.data;
    const made = cell("layer", "");
    const twist = element("span", "twist", this.data.hasInside(node) ? "▸" : "");
    twist.setAttribute("aria-hidden", "true");
    const name = element("span", "name", columns.name[node]);
    made.style.setProperty("--depth", String(columns.depth[node]));
    made.append(twist, name);
    if (columns.times[node]) made.append(tag(this.words.say("alike", { count: columns.times[node].toLocaleString("en") })));
    if (columns.calls[node] > 1) made.append(tag(this.words.say("calls", { count: columns.calls[node] })));
    if (columns.parameters[node] && !columns.trainable[node]) made.append(tag(this.words.say("frozen_tag"), "cold"));
    const holder = this.data.text("sharedWith", node);
    if (holder) made.append(tag(`= ${holder}`));
    made.title = this.data.path(node);
    return made;
  }

  /** @param {string} key @param {number} node */
  bar(key, node) {
    const { columns } = this.data;
    const value = columns[key][node];
    const shared = key === "parameters" && !value && columns.shared[node];
    const text = key === "activations" ? bytes(value) : shared ? `(${amount(shared)})` : amount(value);
    const made = cell(`${key} measure`, text);
    if (value && this.total[key]) {
      const trained = key === "parameters" ? columns.trainable[node] : value;
      // a layer beside the largest one, so that they can be told apart; what holds layers by its share of the network
      const whole = this.data.hasInside(node) ? this.total[key] : this.largest[key];
      const stripes = [stripe("cold", (value - trained) / whole), stripe("warm", trained / whole)];
      made.append(element("span", this.data.hasInside(node) ? "stripes share" : "stripes", ...stripes));
      made.title = this.words.say("share", { percent: this.words.percent(value / this.total[key]) });
    }
    return made;
  }

  // --- what a person does ---------------------------------------------------------------------------------------------

  /** @param {number} node @param {boolean} [tell] */
  select(node, tell = true) {
    const before = this.selected;
    this.selected = node;
    for (const [number, row] of this.shown) {
      const here = this.data.rows[number];
      if (here !== before && here !== node) continue;
      row.classList.toggle("selected", here === node);
      row.setAttribute("aria-selected", String(here === node));
    }
    if (node >= 0) this.scroll.setAttribute("aria-activedescendant", `row-${this.data.rowOf[node]}`);
    if (tell) this.chosen(node);
    this.later();
  }

  /** Bring a node into sight, opening what it is in. @param {number} node */
  goTo(node) {
    if (this.data.rows[this.data.rowOf[node]] !== node) this.data.reveal(node);
    this.select(node);
    this.refresh();
    this.intoSight(this.data.rowOf[node], true);
  }

  /** @param {number} number @param {boolean} [middle] */
  intoSight(number, middle = false) {
    const room = this.scroll.clientHeight - ROW;
    const top = number * ROW;
    if (top < this.scroll.scrollTop || top + ROW > this.scroll.scrollTop + room) {
      this.scroll.scrollTop = middle || top < this.scroll.scrollTop ? top - (middle ? room / 2 : 0) : top + ROW - room;
    }
    this.draw();
  }

  /** @param {number} node @param {boolean} wanted */
  setOpen(node, wanted) {
    this.data.setOpen(node, wanted);
    this.refresh();
  }

  /** @param {Event} event */
  nodeOf(event) {
    const row = event.target instanceof Element ? event.target.closest("[data-number]") : null;
    return row instanceof HTMLElement ? this.data.rows[Number(row.dataset.number)] : -1;
  }

  /** @param {MouseEvent} event */
  click(event) {
    const node = this.nodeOf(event);
    if (node < 0) return;
    this.select(node);
    if (event.target instanceof Element && event.target.closest(".twist")) this.setOpen(node, !this.data.isOpen(node));
  }

  /** @param {MouseEvent} event */
  doubleClick(event) {
    const node = this.nodeOf(event);
    if (node >= 0 && !(event.target instanceof Element && event.target.closest(".twist"))) {
      this.setOpen(node, !this.data.isOpen(node));
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { data } = this;
    const at = this.selected < 0 ? -1 : data.rowOf[this.selected];
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / ROW) - 2);
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: data.rows.length - 1 };
    const node = this.selected;
    if (event.key in steps) {
      const to = Math.min(data.rows.length - 1, Math.max(0, steps[event.key]));
      this.select(data.rows[to]);
      this.intoSight(to);
    } else if (node < 0) {
      return;
    } else if (event.key === "Enter" || event.key === " ") {
      this.setOpen(node, !data.isOpen(node));
    } else if (event.key === "ArrowRight") {
      if (data.hasInside(node) && !data.isOpen(node)) this.setOpen(node, true);
      else if (data.hasInside(node)) this.goTo(data.rows[at + 1]);
    } else if (event.key === "ArrowLeft") {
      if (data.isOpen(node)) this.setOpen(node, false);
      else if (data.parent[node] >= 0) this.goTo(data.parent[node]);
    } else {
      return;
    }
    event.preventDefault();
  }
}

/** @param {import("./tree-data.js").TreeData} data @param {string} key */
function largestLayer(data, key) {
  let largest = 0;
  for (let i = 0; i < data.length; i += 1) if (!data.hasInside(i)) largest = Math.max(largest, data.columns[key][i]);
  return largest || 1;
}

/** @param {string} kind @param {string} text */
function cell(kind, text) {
  const made = element("span", `cell ${kind}`, text);
  made.setAttribute("role", "gridcell");
  return made;
}

/** @param {string} text @param {string} [more] */
function tag(text, more = "") {
  return element("span", `tag ${more}`, text);
}

/** @param {string} kind @param {number} share 0…1 */
function stripe(kind, share) {
  const made = element("i", kind);
  made.style.width = `${share > 0 ? Math.max(0.5, 100 * share) : 0}%`;
  return made;
}
