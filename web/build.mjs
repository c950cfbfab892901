// Bundles what the crate `vestibule-web` embeds: the API reference and the administrators' application, each with the
// licences of all that is in it.

import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { app } from "./build/app.mjs";
import { INTO } from "./build/pack.mjs";
import { reference } from "./build/reference.mjs";

await mkdir(INTO, { recursive: true });
for (const file of await readdir(INTO)) if (/\.(br|gz|html)$/.test(file)) await rm(join(INTO, file));
await app();
// Last: its script is what `scripts/web.sh` looks at.
await reference();
