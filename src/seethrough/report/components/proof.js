/**
 * The page of a proof comes to life: what a language is chosen for follows it. Everything else is there without scripts.
 */

const TAGS = { en: "en", zh: "zh-Hans" };

function start() {
  const root = document.documentElement;
  const speak = (/** @type {string} */ language) => {
    root.lang = TAGS[language === "zh" ? "zh" : "en"];
    document.title = root.dataset[language === "zh" ? "titleZh" : "titleEn"] ?? "";
  };
  for (const input of document.querySelectorAll('input[name="language"]')) {
    if (!(input instanceof HTMLInputElement)) continue;
    input.addEventListener("change", () => speak(input.value));
    if (input.checked) speak(input.value);
  }
  root.dataset.ready = "yes";
}

start();
