// Shortcuts: single keys, which whoever speaks to the machine can switch off (WCAG 2.1.4), and Ctrl K, which is always there.

import { useEffect } from "react";

import type { Key } from "../lib/i18n";

/** Where a letter after `g` leads. */
export const GO: readonly (readonly [letter: string, path: string, key: Key])[] = [
  ["o", "/", "nav.overview"], ["u", "/core/users", "nav.users"], ["g", "/core/groups", "nav.groups"], ["a", "/core/applications", "nav.apps"], ["p", "/providers/all", "nav.providers"],
  ["f", "/flows/instances", "nav.flows"], ["s", "/stages/all", "nav.stages"], ["e", "/events/events", "nav.events"], ["h", "/configuration/history", "nav.history"],
];

const KEPT = "vestibule-keys";
/** Milliseconds within which the second of two keys follows. */
const SOON = 1200;

export const areOn = () => {
  try { return localStorage.getItem(KEPT) !== "off"; } catch { return true; }
};

export const switchKeys = (on: boolean) => {
  try { if (on) localStorage.removeItem(KEPT); else localStorage.setItem(KEPT, "off"); } catch { /* Then they stay as they are. */ }
};

interface Ways {
  search: () => void;
  help: () => void;
  go: (path: string) => void;
}

/** Whether a key is meant for what has the focus, or for something that lies over the page. */
const isTaken = (event: KeyboardEvent) => {
  const at = event.target as HTMLElement;
  return event.defaultPrevented || event.isComposing || at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) || document.querySelector("[role=dialog], [role=menu], [role=listbox]") !== null;
};

/** Listens for shortcuts, as long as the page is there. */
export const useKeys = ({ search, help, go }: Ways) => useEffect(() => {
  let since = 0;
  const press = (event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      search();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !areOn() || isTaken(event)) return;
    const second = event.timeStamp - since < SOON;
    since = 0;
    const target = second ? GO.find(([letter]) => letter === event.key) : undefined;
    if (target) go(target[1]);
    else if (event.key === "g") { since = event.timeStamp; return; }
    else if (event.key === "/") search();
    else if (event.key === "?") help();
    else if (event.key === "n") document.querySelector<HTMLElement>("[data-new]")?.click();
    else return;
    event.preventDefault();
  };
  document.addEventListener("keydown", press);
  return () => document.removeEventListener("keydown", press);
}, [search, help, go]);
