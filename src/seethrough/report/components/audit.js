/**
 * The page of an audit comes to life: each finding's question is answered by a button, and the answers are gathered as a
 * small text that can be copied or saved. They are kept in the address, so that a reload has them; nothing is sent.
 */

import { State } from "./state.js";
import { Words } from "./words.js";

const TAGS = { en: "en", zh: "zh-Hans" };
const ANSWERS = ["background", "class"];

/**
 * @typedef {object} Asked
 * @property {number} number   of the finding, from 1
 * @property {string} kind
 * @property {string} name
 * @property {string} of       the class that it was found for
 */

/** @param {string} id */
const part = (id) => document.getElementById(id);

/** What was answered, by a finding's number, as the address says it: "#answers=1.background,3.class". */
function fromAddress() {
  const found = new Map();
  const said = /(?:^#?|&)answers=([\w.,]+)/.exec(location.hash)?.[1] ?? "";
  for (const each of said.split(",")) {
    const [number, answer] = each.split(".");
    if (/^\d{1,4}$/.test(number) && ANSWERS.includes(answer)) found.set(Number(number), answer);
  }
  return found;
}

/** @param {Map<number, string>} answers */
function toAddress(answers) {
  const said = [...answers].sort((a, b) => a[0] - b[0]).map(([number, answer]) => `${number}.${answer}`);
  history.replaceState(null, "", said.length ? `#answers=${said.join(",")}` : location.pathname + location.search);
}

/**
 * The file that a repair reads.
 * @param {{format: string, fingerprint: string, findings: Asked[]}} payload
 * @param {Map<number, string>} answers
 */
function written(payload, answers) {
  const given = payload.findings.filter((finding) => answers.has(finding.number));
  const record = {
    format: payload.format,
    fingerprint: payload.fingerprint,
    answers: Object.fromEntries(given.map((finding) => [String(finding.number), answers.get(finding.number)])),
    findings: Object.fromEntries(
      given.map(({ number, kind, name, of }) => [String(number), { kind, name, of }]),
    ),
  };
  return `${JSON.stringify(record, null, 2)}\n`;
}

/**
 * @param {State} state
 * @param {() => void} say
 */
function followLanguage(state, say) {
  for (const input of document.querySelectorAll('input[name="language"]')) {
    if (!(input instanceof HTMLInputElement)) continue;
    input.addEventListener("change", () => state.set("language", input.value));
    if (input.checked) state.values.language = input.value;
  }
  state.subscribe((changed) => changed.has("language") && say());
}

/** @param {HTMLTextAreaElement} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text.value);
  } catch {
    text.select(); // no leave to write there: at least it is chosen
    document.execCommand("copy");
  }
}

function start() {
  const state = new State();
  const payload = JSON.parse(part("payload")?.textContent ?? "{}");
  const words = new Words(payload.words, state);
  const answers = fromAddress();
  const text = part("written"), answered = part("answered"), button = part("copy"), save = part("download");
  const show = () => {
    if (!(text instanceof HTMLTextAreaElement) || !answered || !(save instanceof HTMLAnchorElement)) return;
    const all = payload.findings.length;
    const count = payload.findings.filter((/** @type {Asked} */ finding) => answers.has(finding.number)).length;
    text.value = written(payload, answers);
    answered.textContent = words.say("answered", { count, all });
    save.href = `data:application/json;charset=utf-8,${encodeURIComponent(text.value)}`;
  };
  const say = () => {
    const root = document.documentElement;
    root.lang = TAGS[state.get("language")];
    document.title = root.dataset[state.get("language") === "zh" ? "titleZh" : "titleEn"] ?? "";
    show();
  };
  for (const question of document.querySelectorAll(".question")) {
    if (!(question instanceof HTMLElement)) continue;
    const number = Number(question.dataset.number);
    question.hidden = false;
    for (const input of question.querySelectorAll("input")) {
      input.checked = answers.get(number) === input.value;
      input.addEventListener("change", () => {
        answers.set(number, input.value);
        toAddress(answers);
        show();
      });
    }
  }
  button?.addEventListener("click", async () => {
    if (text instanceof HTMLTextAreaElement) await copy(text);
    if (answered) answered.textContent = words.say("copied");
  });
  followLanguage(state, say);
  say();
  const given = document.querySelector(".given");
  if (given instanceof HTMLElement) given.hidden = false;
  document.documentElement.dataset.ready = "yes";
}

start();
