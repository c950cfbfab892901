// Where somebody is in a wizard, and what they have said: kept while they go back and forth, and held when they leave.

import { useBlocker } from "@tanstack/react-router";
import { useRef, useState } from "react";

import { t } from "../../lib/i18n";

/** What is wrong, by field. */
export type Errors = Record<string, string>;

interface Rules<V> {
  /** What is wrong with what was said in a step. */
  check: (step: number, values: V) => Errors;
  /** The step that asks for a field. */
  stepOf: (field: string) => number;
  /** The step that shows everything. */
  last: number;
}

export const useSteps = <V extends object>(start: V, { check, stepOf, last }: Rules<V>) => {
  const [values, setValues] = useState(start);
  const [at, setAt] = useState(0);
  const [errors, setErrors] = useState<Errors>({});
  // Counts the refusals: each leads to the first field that is wrong.
  const [refusals, setRefusals] = useState(0);
  const [reached, setReached] = useState(0);
  const [touched, setTouched] = useState(false);
  const finished = useRef(false);
  useBlocker({ shouldBlockFn: () => touched && !finished.current && !window.confirm(t("form.leave")), enableBeforeUnload: () => touched && !finished.current });

  const set = (more: Partial<V>) => {
    setTouched(true);
    setValues((before) => ({ ...before, ...more }));
    setErrors((before) => Object.fromEntries(Object.entries(before).filter(([name]) => !(name in more))));
  };
  const refuse = (found: Errors) => {
    setErrors(found);
    setRefusals((count) => count + 1);
    setAt(Math.min(...Object.keys(found).map(stepOf)));
  };
  const go = (step: number) => {
    setAt(step);
    setReached((before) => Math.max(before, step));
  };
  /** To the step after this one; back to where everything is shown, if they came from there. */
  const next = () => {
    const found = check(at, values);
    if (Object.keys(found).length) return refuse(found);
    go(reached === last ? last : at + 1);
  };
  const finish = () => { finished.current = true; };
  return { values, set, at, go, next, back: () => setAt(Math.max(0, at - 1)), refuse, errors, refusals, reviewing: reached === last, finish };
};

export type Steps<V extends object> = ReturnType<typeof useSteps<V>>;
