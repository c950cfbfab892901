// Bundles the administrators' application: chunks named by their content, its page, the licences; and holds its size.

import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";

import { licences } from "./licences.mjs";
import { INTO, ROOT, pack } from "./pack.mjs";
import { prune } from "./styles.mjs";

/** Bytes of script, as gzip, that a browser may have to load before it shows a route. */
const LIST = 250_000, FORM = 300_000;
const DIST = resolve(ROOT, "dist");
/** Where the server has what is below `dist/`. */
const BASE = "/static/vestibule/";
/** Routes whose size is held. */
const ROUTES = {
  overview: ["overview/Overview.tsx", LIST], "a list": ["objects/ListPage.tsx", LIST], events: ["events/Log.tsx", LIST],
  "a form": ["objects/ObjectPage.tsx", FORM], "a new application": ["wizards/NewApplication.tsx", FORM],
  "a new source": ["wizards/source/NewSource.tsx", FORM], "a new user": ["wizards/user/NewUser.tsx", FORM],
};

/** Where the application comes to be on its page. */
const ROOM = '<div id="application">';
/** What nearly every page is: its scripts come along with the first ones, instead of after them. */
const USUAL = ["objects/ResourcePage.tsx", "objects/ListPage.tsx"];

export const app = async () => {
  const inputs = new Set();
  const note = { name: "note", generateBundle(_, bundle) { for (const chunk of Object.values(bundle)) for (const id of chunk.moduleIds ?? []) inputs.add(id.replace(/^\0/, "").split("?")[0]); } };
  await build({ configFile: resolve(ROOT, "vite.config.js"), logLevel: "warn", plugins: [note] });
  const manifest = JSON.parse(await readFile(join(DIST, ".vite/manifest.json"), "utf8"));
  const style = await shorten();
  const html = page(await readFile(join(DIST, "index.html"), "utf8"), manifest, style);
  await rm(join(INTO, "app"), { recursive: true, force: true });
  await mkdir(join(INTO, "app"), { recursive: true });
  for (const file of await readdir(join(DIST, "app"))) await pack(`app/${file}`, await readFile(join(DIST, "app", file)), { quiet: true });
  await pack("app.txt", Buffer.from(await licences([...inputs])));
  await measure(html, manifest, style);
  await writeFile(join(INTO, "app.html"), html);
};

/** Writes the style sheet anew without what nothing needs; `{was, is}`, names below `dist/`. */
const shorten = async () => {
  const files = await readdir(join(DIST, "app"));
  const read = (name) => readFile(join(DIST, "app", name), "utf8");
  const [was] = files.filter((name) => name.endsWith(".css"));
  const css = prune(await read(was), await Promise.all(files.filter((name) => name.endsWith(".js")).map(read)));
  const is = `style-${createHash("sha256").update(css).digest("base64url").slice(0, 8)}.css`;
  await rm(join(DIST, "app", was));
  await writeFile(join(DIST, "app", is), css);
  return { was: `app/${was}`, is: `app/${is}` };
};

/** Every chunk that some chunks need before they run, by their keys in the manifest. */
const closure = (manifest, keys, found = new Set()) => {
  for (const key of keys) {
    if (found.has(key) || !manifest[key]) continue;
    found.add(key);
    closure(manifest, manifest[key].imports ?? [], found);
  }
  return found;
};

/** The chunks that a page's own tags load. */
const entries = (html, manifest) => Object.keys(manifest).filter((key) => html.includes(`src="${BASE}${manifest[key].file}"`));

/**
 * The page: its style sheet stands between the outline, which is drawn without waiting for it, and the application, whose
 * own styles come after it; and the scripts of the usual page are asked for at once.
 */
const page = (html, manifest, style) => {
  const link = /\n\s*<link rel="stylesheet"[^>]*>/;
  const sheet = html.match(link)?.[0].replace(style.was, style.is);
  if (!sheet?.includes(style.is) || !html.includes(ROOM)) throw new Error("the page has no style sheet, or no room for the application");
  const first = closure(manifest, entries(html, manifest));
  const files = [...closure(manifest, USUAL)].filter((key) => !first.has(key)).map((key) => manifest[key].file);
  const preloads = files.map((file) => `  <link rel="modulepreload" crossorigin href="${BASE}${file}">\n`).join("");
  return html.replace(link, "").replace("</head>", `${preloads}</head>`).replace(ROOM, `${sheet.trim()}\n${ROOM}`);
};

/** Prints what each route loads before it shows anything, and fails where that is too much. */
const measure = async (html, manifest, style) => {
  const size = async (file) => gzipSync(await readFile(join(DIST, file)), { level: 9 }).length;
  const styles = await size(style.is);
  for (const [name, [file, most]] of Object.entries(ROUTES)) {
    if (!manifest[file]) throw new Error(`there is no ${file}`);
    const files = [...closure(manifest, [...entries(html, manifest), ...USUAL, file])].map((key) => manifest[key].file);
    const scripts = (await Promise.all(files.map(size))).reduce((one, other) => one + other, 0);
    console.log(`app, ${name}: ${(scripts / 1000).toFixed(1)} kB of script in ${files.length} files and ${(styles / 1000).toFixed(1)} kB of style, as gzip`);
    if (scripts > most) throw new Error(`${name} needs more than ${most / 1000} kB of script before it shows anything`);
  }
};
