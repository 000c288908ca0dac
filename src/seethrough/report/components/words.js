/**
 * Words and numbers in the language of the page. The words themselves come with the page.
 */

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/**
 * A measured number to some significant digits, written as the static page writes it.
 * @param {number} number
 * @param {number} [digits]
 */
export function measured(number, digits = 3) {
  const [mantissa, power] = number.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  if (number === 0) return "0";
  if (exponent >= -3 && exponent < 5) return number.toFixed(Math.max(0, digits - 1 - exponent)).replace("-", "−");
  const raised = [...String(exponent)].map((c) => SUPERSCRIPT[c]).join("");
  return `${mantissa.replace("-", "−")}\u00a0×\u00a010${raised}`;
}

/**
 * A large whole number in three figures: "86.7 M". Nothing for none.
 * @param {number} number
 */
export function amount(number) {
  return scaled(number, 1000, ["", " k", " M", " G", " T"]);
}

/**
 * Bytes in steps of 1,000: "3.2 MB".
 * @param {number} number
 */
export function bytes(number) {
  return scaled(number, 1000, [" B", " kB", " MB", " GB", " TB"]);
}

/**
 * @param {number} number
 * @param {number} step
 * @param {string[]} units
 */
function scaled(number, step, units) {
  let unit = 0;
  while (number >= step && unit < units.length - 1) {
    number /= step;
    unit += 1;
  }
  if (!number) return "·";
  const digits = unit ? Math.max(0, 3 - String(Math.floor(number)).length) : 0;
  return number.toFixed(digits) + units[unit].replace(" ", "\u00a0");
}

export class Words {
  /**
   * @param {Record<string, {en: string, zh: string}>} table
   * @param {import("./state.js").State} state
   */
  constructor(table, state) {
    this.table = table;
    this.state = state;
  }

  /**
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   */
  say(key, values = {}) {
    return this.both(this.table[key]).replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  }

  /** @param {{en: string, zh: string}} text */
  both(text) {
    return this.state.get("language") === "zh" ? text.zh : text.en;
  }

  /** @param {number} share 0…1 */
  percent(share) {
    return `${Math.round(100 * share)}${this.state.get("language") === "zh" ? "" : "\u00a0"}%`;
  }
}
