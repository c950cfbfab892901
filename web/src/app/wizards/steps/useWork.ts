// What a wizard makes, one after the other: what is done stays done, and another try goes on where the last one stopped.

import { useRef, useState } from "react";

import type { Row } from "../../lib/api";

export interface Job {
  /** Names it from one try to the next. */
  key: string;
  /** What it does, for people. */
  label: string;
  /** What it is made of: once done, it is done again only where this has changed. */
  of: unknown;
  /** Does it; `before` is what came of it when it was done with something else. */
  run: (before: Row | undefined) => Promise<Row | null>;
  /** Takes back what came of it, where it is not wanted any more. */
  undo?: (made: Row) => Promise<unknown>;
}

export type State = "done" | "failed" | "running" | "waiting";

interface Done {
  of: string;
  label: string;
  made: Row | null;
  undo?: Job["undo"];
}

export interface Failure {
  key: string;
  label: string;
  error: unknown;
}

export const useWork = () => {
  const done = useRef(new Map<string, Done>());
  const [running, setRunning] = useState<string | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);

  /** What came of a job, if it was done. */
  const made = (key: string): Row | null => done.current.get(key)?.made ?? null;

  /** Does what is left to do; why it stopped, if it did. */
  const work = async (jobs: Job[]): Promise<Failure | null> => {
    let at = { key: "", label: "" };
    setFailure(null);
    try {
      for (const [key, one] of done.current) {
        if (jobs.some((job) => job.key === key)) continue;
        at = { key, label: one.label };
        setRunning(key);
        if (one.made) await one.undo?.(one.made);
        done.current.delete(key);
      }
      for (const { key, label, of, run, undo } of jobs) {
        const before = done.current.get(key);
        const wanted = JSON.stringify(of);
        if (before?.of === wanted) continue;
        at = { key, label };
        setRunning(key);
        done.current.set(key, { of: wanted, label, undo, made: await run(before?.made ?? undefined) });
      }
      return null;
    } catch (error) {
      const stopped = { ...at, error };
      setFailure(stopped);
      return stopped;
    } finally {
      setRunning(null);
    }
  };

  const stateOf = ({ key, of }: Job): State => {
    if (running === key) return "running";
    if (failure?.key === key) return "failed";
    return done.current.get(key)?.of === JSON.stringify(of) ? "done" : "waiting";
  };

  return { work, made, stateOf, failure, busy: running !== null, begun: done.current.size > 0 || failure !== null };
};

export type Work = ReturnType<typeof useWork>;
