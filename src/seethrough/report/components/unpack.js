/**
 * What a page carries packed: base64 of zlib.
 */

/**
 * @param {string} text
 * @returns {Uint8Array}
 */
export function bytesFromBase64(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

/**
 * @param {Uint8Array} bytes  zlib
 * @returns {Promise<Uint8Array>}
 */
export async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * @param {string} packed  base64 of zlib of JSON
 * @returns {Promise<any>}
 */
export async function unpack(packed) {
  return JSON.parse(new TextDecoder().decode(await inflate(bytesFromBase64(packed))));
}
