/**
 * The help for keys: a dialog that "?" opens.
 */

import { define, element, styledRoot } from "./define.js";

const STYLE = `
dialog { max-width: 32rem; border: 1px solid var(--line); border-radius: 12px; padding: 1.6rem 1.8rem; color: var(--ink);
  background: var(--paper); font: inherit; box-shadow: 0 20px 60px rgb(0 0 0 / 0.25); }
dialog::backdrop { background: rgb(0 0 0 / 0.35); }
h2 { margin: 0 0 1rem; font: 600 1.25rem var(--serif); }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0.55rem 1.2rem; margin: 0 0 1.4rem; }
dt { text-align: right; white-space: nowrap; }
dd { margin: 0; color: var(--quiet); }
kbd { font: 0.85em ui-monospace, monospace; padding: 0.1em 0.45em; border: 1px solid var(--control); border-radius: 4px; }
button { font: inherit; padding: 0.45rem 1.1rem; border-radius: 999px; border: 1px solid var(--control); color: var(--ink);
  background: none; cursor: pointer; }
button:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
`;

const KEYS = [
  ["← ↑ → ↓", "keys_arrows"],
  ["Shift + ←…", "keys_shift"],
  ["Home", "keys_home"],
  ["Space", "keys_space"],
  ["Esc", "keys_escape"],
  ["?", "keys_help"],
];

export class KeyHelp extends HTMLElement {
  /** @param {import("./scene.js").Scene} scene */
  show(scene) {
    this.words = scene.words;
    this.dialog = element("dialog");
    styledRoot(this, STYLE).append(this.dialog);
    document.addEventListener("keydown", (event) => {
      const typing = event.composedPath()[0] instanceof HTMLSelectElement;
      if (event.key === "?" && !typing && !event.ctrlKey && !event.metaKey) this.open();
    });
  }

  open() {
    const close = element("button", "", this.words.say("close"));
    close.addEventListener("click", () => this.dialog.close());
    const list = element("dl");
    for (const [key, text] of KEYS) {
      list.append(element("dt", "", element("kbd", "", key)), element("dd", "", this.words.say(text)));
    }
    const heading = element("h2", "", this.words.say("keys"));
    heading.id = "heading";
    this.dialog.setAttribute("aria-labelledby", "heading");
    this.dialog.replaceChildren(heading, list, close);
    if (!this.dialog.open) this.dialog.showModal();
  }
}

define("seethrough-keys-v1", KeyHelp);
