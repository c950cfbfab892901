// A proof of work as a captcha: `captcha.js` loads it like a provider's script. The challenge is
// `bits.puzzles.expires.random.code`; for each puzzle a worker (this file again) looks for a number, so that the SHA-256
// of `random:puzzle:number` begins with that many zero bits. SubtleCrypto would be slower: it is asynchronous.

const K = new Uint32Array(64);
const BEGIN = new Uint32Array(8);

/** The constants of SHA-256 (FIPS 180-4, 4.2.2 and 5.3.3): the beginnings of roots of primes. */
const prepare = () => {
  const fraction = (root) => Math.floor((root - Math.floor(root)) * 2 ** 32);
  let found = 0;
  for (let n = 2; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (found < 8) BEGIN[found] = fraction(Math.sqrt(n));
    K[found++] = fraction(Math.cbrt(n));
  }
};

const W = new Uint32Array(64);
const H = new Uint32Array(8);

/** One block of 64 bytes at `at`. */
const block = (view, at) => {
  for (let i = 0; i < 16; i++) W[i] = view.getUint32(at + i * 4);
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15], y = W[i - 2];
    const s = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const t = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = W[i - 16] + s + W[i - 7] + t;
  }
  let [a, b, c, d, e, f, g, h] = H;
  for (let i = 0; i < 64; i++) {
    const s = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (h + s + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
    const t = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (t + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
  }
  H[0] += a; H[1] += b; H[2] += c; H[3] += d; H[4] += e; H[5] += f; H[6] += g; H[7] += h;
};

/** The zero bits at the beginning of the hash of `length` bytes; the buffer has room for the padding. */
const zeros = (bytes, view, length) => {
  const end = ((length + 8) >> 6) * 64 + 64;
  bytes.fill(0, length, end);
  bytes[length] = 0x80;
  view.setUint32(end - 4, length * 8);
  H.set(BEGIN);
  for (let at = 0; at < end; at += 64) block(view, at);
  return H[0] ? Math.clz32(H[0]) : 32 + Math.clz32(H[1]);
};

const solve = (challenge) => {
  const [bits, puzzles, , random] = challenge.split(".");
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  const numbers = [];
  for (let puzzle = 0; puzzle < Number(puzzles); puzzle++) {
    const begin = new TextEncoder().encode(`${random}:${puzzle}:`);
    bytes.set(begin);
    for (let number = 0; ; number++) {
      const digits = String(number);
      for (let i = 0; i < digits.length; i++) bytes[begin.length + i] = digits.charCodeAt(i);
      if (zeros(bytes, view, begin.length + digits.length) >= Number(bits)) {
        numbers.push(number);
        break;
      }
    }
  }
  return `${challenge}:${numbers.join(",")}`;
};

if (typeof document === "undefined") {
  prepare();
  onmessage = ({ data }) => postMessage(solve(data));
} else {
  const own = document.currentScript.src;
  /** The work begins with the page, while somebody still types. */
  window.captcha = {
    render(_, { sitekey, callback, "error-callback": fail }) {
      const worker = new Worker(own);
      worker.onmessage = ({ data }) => callback(data);
      worker.onerror = () => fail();
      worker.postMessage(sitekey);
      return 0;
    },
  };
}
