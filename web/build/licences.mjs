// The licences of the packages in a bundle.

import { readFile, readdir } from "node:fs/promises";
import { resolve } from "node:path";

import { ROOT } from "./pack.mjs";

/** What may be in a program under MIT or Apache-2.0. */
const LICENCES = /^(0BSD|Apache-2\.0|BSD-[23]-Clause|BlueOak-1\.0\.0|ISC|MIT)$/;

/** The folder of the package that a file belongs to. */
const packageOf = (file) => {
  const [, folder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
  return folder;
};

/** Every package of a bundle with the text of its licence; throws at one that we may not use. */
export const licences = async (inputs) => {
  const folders = [...new Set(inputs.map(packageOf).filter(Boolean).map((folder) => resolve(ROOT, folder)))].sort();
  const texts = await Promise.all(folders.map(async (folder) => {
    const { name, version, license, author } = JSON.parse(await readFile(resolve(folder, "package.json"), "utf8"));
    if (!LICENCES.test(license)) throw new Error(`${name} ${version} is under ${license}, which we do not know`);
    const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name));
    const text = file ? await readFile(resolve(folder, file), "utf8") : `Author: ${author?.name ?? author ?? "unnamed"}`;
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  }));
  return texts.join(`\n${"-".repeat(80)}\n\n`);
};
