// A text that is a program or data, with the marks of what is wrong with it. Loaded where one is shown.

import { json, jsonParseLinter } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { linter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { minimalSetup } from "codemirror";
import { lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";

import { nonce } from "../lib/nonce";

export type Language = "python" | "json" | "yaml" | "text";

interface Props {
  value: string;
  change: (value: string) => void;
  language: Language;
  id: string;
  labelledBy: string;
  describedBy?: string;
  /** What the server said is wrong: marked at the line that it names. */
  error?: string;
  readOnly?: boolean;
}

const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.bool, tags.null], color: "var(--accent)", fontWeight: "500" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.number, tags.atom], color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
  { tag: [tags.propertyName, tags.attributeName], color: "var(--code-name)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const LOOKS = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "transparent", minHeight: "120px" },
  ".cm-content": { caretColor: "var(--text)", fontFamily: "var(--mantine-font-family-monospace)", padding: "10px 0" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in oklab, var(--accent) 25%, transparent) !important" },
  ".cm-tooltip": { background: "var(--card)", color: "var(--text)", border: "1px solid var(--edge)", borderRadius: "8px" },
});

const LANGUAGES = { python: () => [python()], json: () => [json(), linter(jsonParseLinter())], yaml: () => [yaml()], text: () => [] };

/** `Expression Syntax Error: … (line 3, column 2)`, or a line counted from the head of a function. */
const marks = (view: EditorView, error: string | undefined): Diagnostic[] => {
  if (!error) return [];
  const [, line, column] = /line (\d+)(?:, column (\d+))?\)/.exec(error) ?? [];
  if (!line) return [];
  const shift = column ? 0 : 1;
  const at = view.state.doc.line(Math.min(Math.max(Number(line) - shift, 1), view.state.doc.lines));
  // What is missing at the end of a line is marked at what stands there last.
  const from = Math.max(at.from, Math.min(at.from + (column ? Number(column) - 1 : 0), at.to - 1));
  return [{ from, to: at.to, severity: "error", message: error }];
};

const CodeEditor = ({ value, change, language, id, labelledBy, describedBy, error, readOnly }: Props) => {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const told = useRef(change);
  told.current = change;
  const attributes = useRef(new Compartment());
  const contents = () => EditorView.contentAttributes.of({ id, "aria-labelledby": labelledBy, "aria-multiline": "true", ...(describedBy && { "aria-describedby": describedBy }), ...(error && { "aria-invalid": "true" }) });

  useEffect(() => {
    if (!place.current) return undefined;
    const made = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: value,
        extensions: [
          EditorView.cspNonce.of(nonce), minimalSetup, lineNumbers(), EditorView.lineWrapping, syntaxHighlighting(COLOURS), LOOKS, LANGUAGES[language](),
          EditorState.readOnly.of(Boolean(readOnly)), attributes.current.of(contents()),
          EditorView.updateListener.of((update) => { if (update.docChanged) told.current(update.state.doc.toString()); }),
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
  }, [language]);

  useEffect(() => {
    const made = view.current;
    if (made && made.state.doc.toString() !== value) made.dispatch({ changes: { from: 0, to: made.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    const made = view.current;
    if (!made) return;
    made.dispatch({ effects: attributes.current.reconfigure(contents()) });
    made.dispatch(setDiagnostics(made.state, marks(made, error)));
  }, [error, labelledBy, describedBy]);

  return <div ref={place} className="editor" data-wrong={error ? true : undefined} />;
};

export default CodeEditor;
