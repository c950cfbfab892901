// Bundles the API reference: one script and one style sheet with the licences of all that is in them, each compressed
// twice, into the folder that the crate `vestibule-web` embeds.

import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const HERE = import.meta.dirname;
const INTO = resolve(HERE, "../crates/web/bundle");

/** What may be in a program under MIT or Apache-2.0. */
const LICENCES = /^(0BSD|Apache-2\.0|BSD-[23]-Clause|BlueOak-1\.0\.0|ISC|MIT)$/;

/** The viewer can talk to services of its maker; those parts stay out. */
const leaveOut = {
  name: "leave out",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@scalar\/agent-chat/ }, ({ path }) => ({ path, namespace: "nothing" }));
    onLoad({ filter: /.*/, namespace: "nothing" }, () => ({ contents: "module.exports = {};" }));
  },
};

/** The folder of the package that a file belongs to. */
const packageOf = (file) => {
  const [, folder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
  return folder;
};

/** Every package of a bundle with the text of its licence; throws at one that we may not use. */
const licences = async (inputs) => {
  const folders = [...new Set(inputs.map(packageOf).filter(Boolean))].sort();
  const texts = await Promise.all(folders.map(async (folder) => {
    const { name, version, license, author } = JSON.parse(await readFile(join(HERE, folder, "package.json"), "utf8"));
    if (!LICENCES.test(license)) throw new Error(`${name} ${version} is under ${license}, which we do not know`);
    const file = (await readdir(join(HERE, folder))).find((name) => /^licen[cs]e/i.test(name));
    const text = file ? await readFile(join(HERE, folder, file), "utf8") : `Author: ${author?.name ?? author ?? "unnamed"}`;
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  }));
  return texts.join(`\n${"-".repeat(80)}\n\n`);
};

const write = async (name, content) => {
  // Gzip alone: browsers take brotli over TLS only, and the binary would carry both.
  const packed = gzipSync(content, { level: 9 });
  await writeFile(join(INTO, `${name}.gz`), packed);
  console.log(`${name}: ${content.length} bytes, ${packed.length} as gzip`);
};

const { outputFiles, metafile } = await build({
  absWorkingDir: HERE,
  entryPoints: ["src/reference.js"],
  bundle: true,
  minify: true,
  metafile: true,
  write: false,
  format: "esm",
  target: ["chrome111", "firefox115", "safari16.4"],
  legalComments: "none",
  outdir: INTO,
  plugins: [leaveOut],
  define: {
    "process.env.NODE_ENV": '"production"',
    __VUE_OPTIONS_API__: "true",
    __VUE_PROD_DEVTOOLS__: "false",
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
  },
});
const notices = await licences(Object.keys(metafile.inputs));
await mkdir(INTO, { recursive: true });
for (const file of await readdir(INTO)) if (/\.(br|gz)$/.test(file)) await rm(join(INTO, file));
// The script last: it is what `scripts/web.sh` looks at.
await write("reference.txt", Buffer.from(notices));
for (const ending of [".css", ".js"]) {
  const { contents } = outputFiles.find(({ path }) => path.endsWith(ending));
  await write(`reference${ending}`, Buffer.from(contents));
}
