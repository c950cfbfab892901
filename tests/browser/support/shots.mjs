// Screenshots for people to look at; git does not keep them. None where VESTIBULE_SHOTS is `off`.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../screenshots");

export const shoot = async (page, name, { fullPage = false } = {}) => {
  if (process.env.VESTIBULE_SHOTS === "off") return;
  mkdirSync(FOLDER, { recursive: true });
  await page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage, animations: "disabled" });
};
