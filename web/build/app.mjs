// Bundles the administrators' application: chunks named by their content, its page, the licences; and holds its size.

import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";

import { licences } from "./licences.mjs";
import { INTO, ROOT, pack } from "./pack.mjs";

/** Bytes of script, as gzip, that a browser may have to load before it shows a route. */
const LIST = 250_000, FORM = 300_000;
const DIST = resolve(ROOT, "dist");
/** Routes whose size is held. */
const ROUTES = {
  overview: ["overview/Overview.tsx", LIST], "a list": ["objects/ListPage.tsx", LIST], events: ["events/Log.tsx", LIST],
  "a form": ["objects/ObjectPage.tsx", FORM], "a new application": ["wizards/NewApplication.tsx", FORM],
  "a new source": ["wizards/source/NewSource.tsx", FORM], "a new user": ["wizards/user/NewUser.tsx", FORM],
};

export const app = async () => {
  const inputs = new Set();
  const note = { name: "note", generateBundle(_, bundle) { for (const chunk of Object.values(bundle)) for (const id of chunk.moduleIds ?? []) inputs.add(id.replace(/^\0/, "").split("?")[0]); } };
  await build({ configFile: resolve(ROOT, "vite.config.js"), logLevel: "warn", plugins: [note] });
  await rm(join(INTO, "app"), { recursive: true, force: true });
  await mkdir(join(INTO, "app"), { recursive: true });
  for (const file of await readdir(join(DIST, "app"))) await pack(`app/${file}`, await readFile(join(DIST, "app", file)), { quiet: true });
  await pack("app.txt", Buffer.from(await licences([...inputs])));
  await measure();
  await writeFile(join(INTO, "app.html"), await readFile(join(DIST, "index.html")));
};

/** Prints what each route loads before it shows anything, and fails where that is too much. */
const measure = async () => {
  const manifest = JSON.parse(await readFile(join(DIST, ".vite/manifest.json"), "utf8"));
  const sizes = new Map();
  const size = async (file) => {
    if (!sizes.has(file)) sizes.set(file, gzipSync(await readFile(join(DIST, file)), { level: 9 }).length);
    return sizes.get(file);
  };
  const closure = (key, found = new Set()) => {
    if (found.has(key)) return found;
    found.add(key);
    for (const other of manifest[key]?.imports ?? []) closure(other, found);
    return found;
  };
  for (const [name, [file, most]] of Object.entries(ROUTES)) {
    const keys = closure(file, closure("objects/ResourcePage.tsx", closure("index.html")));
    const chunks = [...keys].map((key) => manifest[key]);
    const sum = async (files) => (await Promise.all([...new Set(files)].map(size))).reduce((one, other) => one + other, 0);
    const scripts = await sum(chunks.map((chunk) => chunk.file).filter((file) => file.endsWith(".js")));
    const styles = await sum(chunks.flatMap((chunk) => chunk.css ?? []));
    console.log(`app, ${name}: ${(scripts / 1000).toFixed(1)} kB of script and ${(styles / 1000).toFixed(1)} kB of style, as gzip`);
    if (scripts > most) throw new Error(`${name} needs more than ${most / 1000} kB of script before it shows anything`);
  }
};
