// What a flow consists of, and what is done to it.

import { useQuery } from "@tanstack/react-query";

import { call, type Row } from "../lib/api";
import { changed, client, list } from "../lib/queries";

const key = (flow: string) => ["flow", flow];

/** The stages of a flow in their order. */
export const useSteps = (flow: string) => useQuery({ queryKey: key(flow), queryFn: async () => (await list("flows/bindings/", { target: flow, ordering: "order", page_size: 100 })).results });

const STEP = 10;

/** The changes of order that make a sequence; each place may be taken once. */
export const renumber = (steps: Row[]): { pk: string; order: number }[] => {
  const sorted = steps.every((step, index) => index === 0 || step.order > steps[index - 1]!.order);
  return sorted ? [] : steps.flatMap((step, index) => (step.order === index * STEP ? [] : [{ pk: step.pk, order: index * STEP }]));
};

/** Puts the stages into this order; what stands there is asked again, also where it did not come to its end. */
export const reorder = async (flow: string, now: Row[], wanted: Row[]) => {
  const steps = wanted.flatMap(({ pk }) => now.filter((step) => step.pk === pk));
  const changes = renumber(steps);
  client.setQueryData(key(flow), steps.map((step) => ({ ...step, order: changes.find(({ pk }) => pk === step.pk)?.order ?? step.order })));
  try {
    for (const { pk, order } of changes) await call("PATCH", `flows/bindings/${pk}/`, { order });
  } finally {
    await changed();
  }
};

/** Binds a stage at a place, after making room for it where there is none. */
export const insert = async (flow: string, steps: Row[], at: number, stage: string) => {
  const before = steps[at - 1]?.order ?? -STEP;
  const after = steps[at]?.order;
  try {
    if (after !== undefined && after - before < 2) {
      for (const [index, step] of steps.entries()) {
        const order = (index < at ? index : index + 1) * STEP;
        if (step.order !== order) await call("PATCH", `flows/bindings/${step.pk}/`, { order });
      }
      return await call("POST", "flows/bindings/", { target: flow, stage, order: at * STEP });
    }
    return await call("POST", "flows/bindings/", { target: flow, stage, order: after === undefined ? before + STEP : before + Math.floor((after - before) / 2) });
  } finally {
    await changed();
  }
};
