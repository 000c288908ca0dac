/**
 * The page of units comes to life: units are sorted and found, and gone through by keys. What a unit is told in full is
 * the style sheet's affair, by the address.
 */

import { State } from "./state.js";
import { Words } from "./words.js";

const TAGS = { en: "en", zh: "zh-Hans" };

/** Orders by name: the attribute, and whether the largest comes first. */
const ORDERS = {
  by_number: ["number", false],
  by_fires: ["fires", true],
  by_rare: ["strong", false],
  by_selectivity: ["selectivity", true],
  by_largest: ["largest", true],
};

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @returns {HTMLElement[]} */
const all = () => [...document.querySelectorAll(".one")].filter((unit) => unit instanceof HTMLElement);

/**
 * Whether a unit answers to what was typed: its number, or part of a class.
 * @param {HTMLElement} unit
 * @param {string} query
 */
function answers(unit, query) {
  if (!query) return true;
  if (/^\d+$/.test(query)) return unit.dataset.number === query;
  return (unit.dataset.find ?? "").toLowerCase().includes(query);
}

/** @param {string} order */
function sort(order) {
  const [name, descending] = ORDERS[order];
  for (const group of document.querySelectorAll(".units")) {
    const units = [...group.children];
    const value = (/** @type {Element} */ unit) => Number(/** @type {HTMLElement} */ (unit).dataset[name]);
    units.sort((a, b) => (descending ? value(b) - value(a) : value(a) - value(b)));
    group.append(...units);
  }
}

/** The unit that the address names, if it is there and shown. */
function current() {
  return all().find((unit) => unit.id === decodeURIComponent(location.hash.slice(1)));
}

/**
 * Go to the next shown unit, or the one before.
 * @param {number} step
 */
function go(step) {
  const shown = all().filter((unit) => !unit.hidden);
  const here = current();
  const at = here ? shown.indexOf(here) + step : step > 0 ? 0 : shown.length - 1;
  if (shown[at]) location.hash = shown[at].id;
}

/** @param {KeyboardEvent} event */
function press(event) {
  if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "[") go(-1);
  else if (event.key === "]") go(1);
  else if (event.key === "/") {
    part("find").focus();
    event.preventDefault();
  } else if (event.key === "Escape" && current()) location.hash = "";
}

/** @param {() => void} say */
function followLanguage(state, say) {
  for (const input of document.querySelectorAll('input[name="language"]')) {
    if (!(input instanceof HTMLInputElement)) continue;
    input.addEventListener("change", () => state.set("language", input.value));
    if (input.checked) state.values.language = input.value;
  }
  state.subscribe((changed) => changed.has("language") && say());
}

function start() {
  const state = new State();
  const payload = JSON.parse(part("payload").textContent ?? "{}");
  const words = new Words(payload.words, state);
  const find = /** @type {HTMLInputElement} */ (part("find"));
  const order = /** @type {HTMLSelectElement} */ (part("sort"));
  for (const name of Object.keys(ORDERS)) order.append(new Option("", name));
  const count = () => {
    const units = all();
    const shown = units.filter((unit) => !unit.hidden).length;
    part("count").textContent = words.say("shown", { shown, all: units.length });
  };
  const say = () => {
    const root = document.documentElement;
    root.lang = TAGS[state.get("language")];
    document.title = root.dataset[state.get("language") === "zh" ? "titleZh" : "titleEn"] ?? "";
    find.placeholder = words.say("filter");
    find.setAttribute("aria-label", words.say("filter"));
    part("sort-name").textContent = words.say("sort");
    for (const option of order.options) option.textContent = words.say(option.value);
    count();
  };
  followLanguage(state, say);
  find.addEventListener("input", () => {
    const query = find.value.trim().toLowerCase();
    for (const unit of all()) unit.hidden = !answers(unit, query);
    count();
  });
  order.addEventListener("change", () => sort(order.value));
  document.addEventListener("keydown", press);
  say();
  /** @type {HTMLElement} */ (document.querySelector(".survey .tools")).hidden = false;
  document.documentElement.dataset.ready = "yes";
}

start();
