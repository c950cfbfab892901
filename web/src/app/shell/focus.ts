// Where the keyboard goes on: the focus is never lost with what had it.

import { useEffect, useRef, useState, type RefObject } from "react";

/** Gives the focus back to what had it before, once what took it is gone and left it to nothing. */
export const useFocusBack = () => {
  const [before] = useState(() => document.activeElement);
  useEffect(() => () => {
    // The menu that somebody came by is gone itself by then; it has given the focus to its button.
    setTimeout(() => {
      const nothing = !document.activeElement || document.activeElement === document.body;
      if (nothing && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    });
  }, []);
};

const FIELDS = "input:not([type=hidden]):not(:disabled), textarea:not(:disabled), [contenteditable=true], button.kind";

/** Takes the focus to the first field of what is shown, whenever `shown` changes and, where that is wished for, at once. */
export const useFirstField = (place: RefObject<HTMLElement | null>, shown: unknown, atOnce: boolean) => {
  const seen = useRef(atOnce ? undefined : shown);
  useEffect(() => {
    if (seen.current === shown) return;
    seen.current = shown;
    place.current?.querySelector<HTMLElement>(FIELDS)?.focus();
  }, [shown]);
};
