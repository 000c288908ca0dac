/**
 * The page of a summary comes to life.
 */

import { State } from "./state.js";
import { TreeData } from "./tree-data.js";
import { TreeDetail } from "./tree-detail.js";
import { TreeView } from "./tree-view.js";
import { unpack } from "./unpack.js";
import { Words } from "./words.js";

const TAGS = { en: "en", zh: "zh-Hans" };

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

async function start() {
  const state = new State();
  const payload = JSON.parse(part("payload").textContent ?? "{}");
  const words = new Words(payload.words, state);
  const [columns, edges] = await Promise.all([unpack(payload.rows), unpack(payload.connections)]);
  const data = new TreeData(columns, edges);
  const detail = new TreeDetail(part("detail"), data, words, (node) => view.goTo(node));
  const view = new TreeView(part("tree"), data, payload.total, words, (node) => {
    detail.show(node);
    keepInAddress(node < 0 ? "" : data.path(node));
  });

  const search = /** @type {HTMLInputElement} */ (part("search"));
  const say = () => {
    document.documentElement.lang = TAGS[state.get("language")];
    search.placeholder = words.say("search");
    part("open-all").textContent = words.say("open_all");
    part("close-all").textContent = words.say("close_all");
    tellCount(data, words, search.value);
    detail.show(detail.node);
    view.refresh();
  };
  followLanguage(state, say);
  search.addEventListener("input", () => {
    data.search(search.value);
    view.scroll.scrollTop = 0;
    tellCount(data, words, search.value);
    view.refresh();
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") view.scroll.focus();
    if (event.key === "Escape") leave(search);
  });
  for (const [id, wanted] of /** @type {[string, boolean][]} */ ([["open-all", true], ["close-all", false]])) {
    part(id).addEventListener("click", () => {
      leave(search);
      data.setAll(wanted);
      view.refresh();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      search.focus();
      event.preventDefault();
    }
  });
  say();
  const named = data.nodeAt(new URLSearchParams(location.hash.slice(1)).get("layer") ?? "");
  if (named >= 0) view.goTo(named);
  document.documentElement.dataset.ready = "yes";
}

/** @param {HTMLInputElement} search */
function leave(search) {
  search.value = "";
  search.dispatchEvent(new Event("input"));
}

/**
 * @param {TreeData} data
 * @param {Words} words
 * @param {string} query
 */
function tellCount(data, words, query) {
  const all = data.columns.times.filter((n) => !n).length.toLocaleString("en");
  part("count").textContent = query.trim()
    ? words.say("matches", { count: data.matches.toLocaleString("en"), all })
    : words.say("layers", { count: all });
}

/** @param {string} path */
function keepInAddress(path) {
  history.replaceState(null, "", path ? `#${new URLSearchParams({ layer: path })}` : location.pathname);
}

/**
 * @param {State} state
 * @param {() => void} say
 */
function followLanguage(state, say) {
  for (const input of document.querySelectorAll('input[name="language"]')) {
    if (!(input instanceof HTMLInputElement)) continue;
    input.addEventListener("change", () => state.set("language", /** @type {"en" | "zh"} */ (input.value)));
    if (input.checked) state.values.language = /** @type {"en" | "zh"} */ (input.value);
  }
  state.subscribe((changed) => changed.has("language") && say());
}

start();
