/**
 * The tree of a network as it travelled: columns, a node and all below it before the next.
 *
 * @typedef {object} Columns
 * @property {string[]} name
 * @property {number[]} depth
 * @property {number[]} end          the first node behind a node's own subtree
 * @property {number[]} times        of a node that stands for several layers alike; 0 for a layer
 * @property {number[]} parameters   counted where they are met first
 * @property {number[]} trainable
 * @property {number[]} shared
 * @property {number[]} macs
 * @property {number[]} activations  bytes
 * @property {number[]} calls
 * @property {number[]} kind         this and the following: numbers in `tables`
 * @property {number[]} output
 * @property {number[]} sees
 * @property {number[]} sharedWith
 * @property {number[]} state
 * @property {number[]} settings
 * @property {number[]} above        what a path has before the name
 * @property {Record<string, string[]>} tables
 */

/** At most so many rows are opened unasked. */
const FIRST_ROWS = 80;

export class TreeData {
  /**
   * @param {Columns} columns
   * @param {[number, number, string][]} edges  source (−1: the picture), target, how
   */
  constructor(columns, edges) {
    this.columns = columns;
    this.edges = edges;
    this.length = columns.depth.length;
    this.open = new Uint8Array(this.length);
    this.parent = parents(columns);
    /** @type {Uint8Array | null} what a search lets through: 1 on the way to a match, 2 a match */
    this.found = null;
    this.matches = 0;
    this.openFirst();
    this.arrange();
  }

  /** @param {string} table @param {number} node */
  text(table, node) {
    return this.columns.tables[table][this.columns[table][node]];
  }

  /** @param {number} node */
  path(node) {
    return this.columns.times[node] ? this.columns.name[node] : this.text("above", node) + this.columns.name[node];
  }

  /** @param {number} node */
  hasInside(node) {
    return this.columns.end[node] > node + 1;
  }

  /** @param {number} node */
  isOpen(node) {
    return this.hasInside(node) && (this.found ? this.found[node] > 0 && this.reaches(node) : this.open[node] === 1);
  }

  /** Whether a search found anything inside. @param {number} node */
  reaches(node) {
    for (let i = node + 1; i < this.columns.end[node]; i += 1) if (this.found?.[i]) return true;
    return false;
  }

  /** Open level by level what isn't a fold, as long as it is a screen or two. */
  openFirst() {
    let shown = [];
    for (let i = 0; i < this.length; i = this.columns.end[i]) shown.push(i);
    for (let count = shown.length; shown.length; ) {
      const next = [];
      let more = 0;
      for (const node of shown) {
        if (!this.hasInside(node) || this.columns.times[node]) continue;
        for (let i = node + 1; i < this.columns.end[node]; i = this.columns.end[i]) {
          next.push(i);
          more += 1;
        }
      }
      if (!more || count + more > FIRST_ROWS) return;
      for (const node of shown) if (!this.columns.times[node]) this.open[node] = 1;
      count += more;
      shown = next;
    }
  }

  /** Which nodes are shown, in order, and in which row every node is found: its own, or what is closed above it. */
  arrange() {
    const rows = [];
    this.rowOf = new Int32Array(this.length).fill(-1);
    for (let i = 0; i < this.length; ) {
      if (this.found && !this.found[i]) {
        i = this.columns.end[i];
        continue;
      }
      this.rowOf[i] = rows.length;
      const stop = this.isOpen(i) ? i + 1 : this.columns.end[i];
      this.rowOf.fill(rows.length, i, stop);
      rows.push(i);
      i = stop;
    }
    this.rows = Int32Array.from(rows);
    this.arcs = this.arcsBetween();
  }

  /**
   * The connections between rows that are shown, each once, with its lane: arcs in one lane don't cross.
   * @returns {{from: number, to: number, lane: number, how: string}[]}
   */
  arcsBetween() {
    const met = new Set();
    const arcs = [];
    for (const [source, target, how] of this.edges) {
      const from = source < 0 ? -1 : this.rowOf[source];
      const to = this.rowOf[target];
      if (to < 0 || (source >= 0 && from < 0) || from === to || (to === from + 1 && how === "reads")) continue;
      const key = from * this.length + to;
      if (met.has(key)) continue;
      met.add(key);
      arcs.push({ from, to, lane: 0, how });
    }
    arcs.sort((a, b) => Math.abs(a.to - a.from) - Math.abs(b.to - b.from) || a.from - b.from);
    return inLanes(arcs);
  }

  /** @param {number} node @param {boolean} wanted */
  setOpen(node, wanted) {
    if (!this.hasInside(node) || this.found) return;
    this.open[node] = wanted ? 1 : 0;
    this.arrange();
  }

  /** @param {boolean} wanted */
  setAll(wanted) {
    this.open.fill(wanted ? 1 : 0);
    this.arrange();
  }

  /** Open what a node is in. @param {number} node */
  reveal(node) {
    for (let i = this.parent[node]; i >= 0; i = this.parent[i]) this.open[i] = 1;
    this.arrange();
  }

  /**
   * Show only layers whose path or class has a text in it, or fits a pattern with * and ?, and what they are in.
   * @param {string} query
   */
  search(query) {
    const wanted = query.trim().toLowerCase();
    this.matches = 0;
    if (!wanted) {
      this.found = null;
      this.arrange();
      return;
    }
    const fits = matcher(wanted);
    const found = new Uint8Array(this.length);
    for (let i = 0; i < this.length; i += 1) {
      if (this.columns.times[i] || !(fits(this.path(i).toLowerCase()) || fits(this.text("kind", i).toLowerCase()))) continue;
      found[i] = 2;
      this.matches += 1;
      for (let up = this.parent[i]; up >= 0 && !found[up]; up = this.parent[up]) found[up] = 1;
    }
    this.found = found;
    this.arrange();
  }

  /** The node of a layer's path, or −1. @param {string} path */
  nodeAt(path) {
    for (let i = 0; i < this.length; i += 1) if (!this.columns.times[i] && this.path(i) === path) return i;
    return -1;
  }

  /**
   * What a node reads from outside of it, and who outside reads it.
   * @param {number} node
   */
  neighbours(node) {
    const inside = (/** @type {number} */ other) => other >= node && other < this.columns.end[node];
    const reads = this.edges.filter(([source, target]) => inside(target) && !inside(source));
    const read = this.edges.filter(([source, target]) => inside(source) && !inside(target));
    return { reads: distinct(reads, 0), readBy: distinct(read, 1) };
  }
}

/** @param {[number, number, string][]} edges @param {0 | 1} end */
function distinct(edges, end) {
  return [...new Map(edges.map((edge) => [edge[end], { node: edge[end], how: edge[2] }])).values()];
}

/** @param {string} wanted */
function matcher(wanted) {
  if (!/[*?]/.test(wanted)) return (/** @type {string} */ text) => text.includes(wanted);
  const pattern = wanted.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".");
  const fitting = new RegExp(`^${pattern}$`);
  return (/** @type {string} */ text) => fitting.test(text);
}

/** @param {Columns} columns */
function parents(columns) {
  const found = new Int32Array(columns.depth.length).fill(-1);
  const above = [];
  for (let i = 0; i < found.length; i += 1) {
    above.length = columns.depth[i];
    if (above.length) found[i] = above[above.length - 1];
    above.push(i);
  }
  return found;
}

/** Arcs by length: the short ones lie inside. @param {{from: number, to: number, lane: number, how: string}[]} arcs */
function inLanes(arcs) {
  /** @type {[number, number][][]} */
  const lanes = [];
  for (const arc of arcs) {
    const [low, high] = arc.from < arc.to ? [arc.from, arc.to] : [arc.to, arc.from];
    let lane = 0;
    while (lane < LANES - 1 && lanes[lane]?.some(([a, b]) => low < b && a < high)) lane += 1;
    (lanes[lane] ??= []).push([low, high]);
    arc.lane = lane;
  }
  return arcs;
}

export const LANES = 6;

/** A row's height in pixels; the style sheet says the same. */
export const ROW = 28;
