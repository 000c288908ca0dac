/**
 * All about the selected layer, beside the tree.
 */

import { element } from "./define.js";
import { amount, bytes } from "./words.js";

const MOST = 12;

export class TreeDetail {
  /**
   * @param {HTMLElement} host
   * @param {import("./tree-data.js").TreeData} data
   * @param {import("./words.js").Words} words
   * @param {(node: number) => void} goTo
   */
  constructor(host, data, words, goTo) {
    this.host = host;
    this.data = data;
    this.words = words;
    this.goTo = goTo;
    this.node = -1;
  }

  /** @param {number} node */
  show(node) {
    this.node = node;
    if (node < 0) {
      this.host.replaceChildren(element("p", "quiet", this.words.say("choose")));
      return;
    }
    const { data, words } = this;
    const title = element("h2", "", data.path(node));
    const facts = element("dl", "facts");
    for (const [name, value] of this.facts(node)) {
      if (value) facts.append(element("dt", "", name), element("dd", "", value));
    }
    this.host.replaceChildren(title, element("p", "quiet", data.text("kind", node)), facts, ...this.settings(node), ...this.flow(node));
    this.host.setAttribute("aria-label", words.say("about", { name: data.path(node) }));
  }

  /** @param {number} node @returns {[string, string][]} */
  facts(node) {
    const { columns } = this.data;
    const { words } = this;
    const parameters = columns.parameters[node];
    const frozen = parameters - columns.trainable[node];
    const exact = parameters ? parameters.toLocaleString("en") : "";
    return [
      [words.say("output"), this.data.text("output", node)],
      [words.say("parameters"), frozen ? words.say("of_them_frozen", { count: exact, frozen: frozen.toLocaleString("en") }) : exact],
      [words.say("shared"), columns.shared[node] ? columns.shared[node].toLocaleString("en") : ""],
      [words.say("macs"), columns.macs[node] ? amount(columns.macs[node]) : ""],
      [words.say("activations"), columns.activations[node] ? bytes(columns.activations[node]) : ""],
      [words.say("sees"), this.data.text("sees", node)],
      [words.say("called"), columns.calls[node] > 1 ? String(columns.calls[node]) : ""],
      [words.say("inside"), this.data.hasInside(node) ? (columns.end[node] - node - 1).toLocaleString("en") : ""],
    ];
  }

  /** @param {number} node */
  settings(node) {
    const text = this.data.text("settings", node);
    if (!text) return [];
    const list = element("dl", "facts code");
    for (const line of text.split("\n")) {
      const [name, value] = line.split("\t");
      list.append(element("dt", "", name), element("dd", "", value));
    }
    return [element("h3", "", this.words.say("made")), list];
  }

  /** @param {number} node */
  flow(node) {
    const { reads, readBy } = this.data.neighbours(node);
    return [...this.list("reads_from", reads), ...this.list("read_by", readBy)];
  }

  /** @param {string} heading @param {{node: number, how: string}[]} others */
  list(heading, others) {
    if (!others.length) return [];
    const list = element("ul", "flow");
    for (const { node, how } of others.slice(0, MOST)) list.append(element("li", "", ...this.link(node, how)));
    if (others.length > MOST) list.append(element("li", "quiet", this.words.say("more_of_them", { count: others.length - MOST })));
    return [element("h3", "", this.words.say(heading)), list];
  }

  /** @param {number} node @param {string} how @returns {(Node | string)[]} */
  link(node, how) {
    const label = how === "reads" ? "" : ` ${how}`;
    if (node < 0) return [this.words.say("picture"), label];
    const button = element("button", "link", this.data.path(node));
    button.type = "button";
    button.addEventListener("click", () => this.goTo(node));
    return [button, element("span", "quiet", ` ${this.data.text("output", node)}${label}`)];
  }
}
