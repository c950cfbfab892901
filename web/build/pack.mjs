// Where what is bundled goes, and how it is kept.

import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

export const ROOT = resolve(import.meta.dirname, "..");
/** The folder that the crate `vestibule-web` embeds. */
export const INTO = resolve(ROOT, "../crates/web/bundle");

/** Keeps a file, compressed; its size so. Gzip alone: browsers take brotli over TLS only, and the binary would carry both. */
export const pack = async (name, content, { quiet = false } = {}) => {
  const packed = gzipSync(content, { level: 9 });
  await writeFile(join(INTO, `${name}.gz`), packed);
  if (!quiet) console.log(`${name}: ${content.length} bytes, ${packed.length} as gzip`);
  return packed.length;
};
