// Screenshots for people to look at; git does not keep them. Taken by `npm run shots`.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../screenshots");

export const SHOTS = process.env.VESTIBULE_SHOTS === "on";

export const shoot = async (page, name, { fullPage = false } = {}) => {
  if (!SHOTS) return;
  mkdirSync(FOLDER, { recursive: true });
  await page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage, animations: "disabled" });
};
