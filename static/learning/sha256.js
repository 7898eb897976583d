/* SHA-256 (FIPS 180-4), at once and everywhere: crypto.subtle makes a page wait, and pages without TLS lack it. */

const encoder = new TextEncoder();
const [H, K] = constants();
const W = new Int32Array(64);

/** The digest's first 8 bytes as a BigInt, big-endian. Throws RangeError for half of a surrogate pair, which is no text. */
export function head(text) {
  const state = digest(text);
  return (BigInt(state[0] >>> 0) << 32n) | BigInt(state[1] >>> 0);
}

/** The digest as eight 32-bit words. */
export function digest(text) {
  if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text)) {
    throw new RangeError("half of a surrogate pair is no text");
  }
  const bytes = encoder.encode(text);
  const blocks = new Uint8Array(((bytes.length + 72) >> 6) << 6);
  blocks.set(bytes);
  blocks[bytes.length] = 0x80;
  const view = new DataView(blocks.buffer);
  view.setBigUint64(blocks.length - 8, BigInt(bytes.length) * 8n);
  const state = Int32Array.from(H);
  for (let start = 0; start < blocks.length; start += 64) compress(state, view, start);
  return state;
}

function compress(state, view, start) {
  for (let t = 0; t < 16; t++) W[t] = view.getInt32(start + t * 4);
  for (let t = 16; t < 64; t++) {
    const a = W[t - 15], b = W[t - 2];
    const s0 = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3), s1 = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10);
    W[t] = (W[t - 16] + s0 + W[t - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t++) {
    const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25), s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
    const one = (h + s1 + ((e & f) ^ (~e & g)) + K[t] + W[t]) | 0;
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, place) => (state[place] = (state[place] + word) | 0));
}

function turn(word, by) {
  return (word >>> by) | (word << (32 - by));
}

/** The first 32 bits of the fractional parts of the square and cube roots of the first primes. */
function constants() {
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
  const part = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
  return [primes.slice(0, 8).map((prime) => part(Math.sqrt(prime))), primes.map((prime) => part(Math.cbrt(prime)))];
}
