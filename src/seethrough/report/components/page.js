/**
 * A page comes to life: read what it carries, and hand it to the elements that are already there.
 */

import { Scene } from "./scene.js";
import { State } from "./state.js";
import { KeyHelp } from "./key-help.js";
import { MapControls } from "./map-controls.js";
import "./map-legend.js";
import "./map-view.js";

const TAGS = { en: "en", zh: "zh-Hans" };

/** @param {State} state */
function followLanguage(state) {
  for (const input of document.querySelectorAll('input[name="language"]')) {
    input.addEventListener("change", () => state.set("language", input.value));
    if (input.checked) state.set("language", input.value);
  }
  const apply = () => {
    document.documentElement.lang = TAGS[state.get("language")];
    document.title = document.documentElement.dataset[`title${state.get("language") === "zh" ? "Zh" : "En"}`] ?? "";
  };
  state.subscribe((changed) => changed.has("language") && apply());
  apply();
}

/**
 * The view is kept in the address, so that a link or a reload shows the same.
 * @param {State} state
 */
function keepInAddress(state) {
  state.readFragment(location.hash);
  state.subscribe((changed) => {
    if (["mode", "opacity", "threshold", "scope", "sampling"].some((key) => changed.has(key))) {
      history.replaceState(null, "", `#${state.toFragment()}`);
    }
  });
}

/**
 * A part that fails says so in its place; the rest of the page, and the still picture below, stay.
 * @param {HTMLElement} part
 * @param {unknown} error
 */
function complain(part, error) {
  const message = document.createElement("p");
  message.className = "failure";
  message.setAttribute("role", "alert");
  message.textContent = String(error);
  part.before(message);
  console.error(error);
}

/** Whether a part stands in something that is folded away. */
const isClosed = (part) => part.closest("details:not([open])") !== null;

/**
 * @param {HTMLElement} part
 * @param {Scene} scene
 */
async function show(part, scene) {
  try {
    if ("show" in part) await part.show(scene);
  } catch (error) {
    complain(part, error);
  }
}

/**
 * What is folded away is unpacked and drawn when it is opened, so that a page of many maps opens at once.
 * @param {HTMLElement[]} waiting
 * @param {Scene} scene
 */
function drawWhenOpened(waiting, scene) {
  const left = new Set(waiting);
  const draw = () => {
    for (const part of left) {
      if (isClosed(part)) continue;
      left.delete(part);
      show(part, scene);
    }
  };
  if (left.size) document.addEventListener("toggle", draw, { capture: true }); // it doesn't bubble
}

async function start() {
  const state = new State();
  keepInAddress(state);
  followLanguage(state);
  const payload = JSON.parse(document.getElementById("payload")?.textContent ?? "{}");
  if (!payload.maps?.length && !payload.tiles?.length) return;
  const scene = new Scene(payload, state);
  const keys = document.querySelector("seethrough-keys-v1");
  if (keys instanceof KeyHelp) keys.show(scene);
  for (const part of document.querySelectorAll("seethrough-controls-v1")) {
    if (part instanceof MapControls) part.show(scene, () => keys instanceof KeyHelp && keys.open());
  }
  const parts = [...document.querySelectorAll("seethrough-map-v1, seethrough-legend-v1, seethrough-tiles-v1")];
  const closed = parts.filter((part) => isClosed(part));
  await Promise.all(parts.filter((part) => !closed.includes(part)).map((part) => show(part, scene)));
  drawWhenOpened(closed, scene);
  document.documentElement.dataset.ready = "yes";
}

start();
