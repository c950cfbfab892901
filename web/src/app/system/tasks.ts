// What the pages of tasks share.

import type { Row } from "../lib/api";

/** Milliseconds after which something that is under way is looked at again. */
export const SOON = 1500;

const UNDER_WAY = new Set(["waiting_for_dependencies", "queued", "consumed", "preprocess", "running", "postprocess"]);

/** Whether a task has not ended yet. */
export const isUnderWay = (task: Row): boolean => UNDER_WAY.has(task.aggregated_status);
