/**
 * All that the views of a page draw from: the maps, the colour tables, the words and the state.
 */

import { Heat } from "./heat.js";
import { bytesFromBase64 } from "./unpack.js";
import { Words } from "./words.js";

export class Scene {
  /**
   * @param {any} payload
   * @param {import("./state.js").State} state
   */
  constructor(payload, state) {
    this.state = state;
    this.words = new Words(payload.words, state);
    this.fade = payload.fade;
    this.tables = {
      signed: bytesFromBase64(payload.tables.signed),
      unsigned: bytesFromBase64(payload.tables.unsigned),
    };
    /** @type {Map<string, import("./heat.js").MapRecord>} */
    this.records = new Map(payload.maps.map((record) => [record.id, record]));
    /** @type {Map<string, import("./tile-data.js").TilesRecord>} */
    this.tiles = new Map((payload.tiles ?? []).map((record) => [record.id, record]));
    /** @type {Map<string, Promise<Heat>>} */
    this.heats = new Map();
  }

  /**
   * A map's values, decoded once.
   * @param {string} id
   * @returns {Promise<Heat>}
   */
  heat(id) {
    const record = this.records.get(id);
    if (!record) return Promise.reject(new Error(`there is no map ${id}`));
    if (!this.heats.has(id)) this.heats.set(id, Heat.read(record));
    return this.heats.get(id);
  }

  /** @param {import("./heat.js").MapRecord} record */
  table(record) {
    return record.signed ? this.tables.signed : this.tables.unsigned;
  }

  /**
   * Where the colours of a map end under the scope in force: the map's own limit, or the largest among its peers.
   * @param {import("./heat.js").MapRecord} record
   */
  limit(record) {
    const scope = this.state.get("scope");
    if (scope === "own") return record.limit;
    const peers = [...this.records.values()].filter((other) => scope === "all" || other.method === record.method);
    return Math.max(...peers.map((other) => other.limit));
  }
}
