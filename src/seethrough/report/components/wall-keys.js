/**
 * The help for keys on the wall.
 */

import { element } from "./define.js";

const KEYS = [
  ["⇔", "keys_drag"],
  ["Ctrl", "keys_wheel"],
  ["← ↑ → ↓", "keys_arrows"],
  ["+ −", "keys_zoom"],
  ["0", "keys_fit"],
  ["Enter", "keys_enter"],
  ["Esc", "keys_escape"],
  ["/", "keys_search"],
  ["?", "keys_help"],
];

/**
 * @param {HTMLDialogElement} dialog
 * @param {import("./words.js").Words} words
 */
export function openKeys(dialog, words) {
  const list = element("dl");
  for (const [key, text] of KEYS) list.append(element("dt", "", element("kbd", "", key)), element("dd", "", words.say(text)));
  const close = element("button", "", words.say("close"));
  close.type = "button";
  close.addEventListener("click", () => dialog.close());
  dialog.setAttribute("aria-label", words.say("help"));
  dialog.replaceChildren(list, close);
  if (!dialog.open) dialog.showModal();
}
