//! Replacements in a text, and which line of it each line of the outcome comes from.

/// Puts `text` in place of the bytes from `start` to `end`.
pub(super) struct Edit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: String,
}

/// The line of an offset, counted from one.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.get(..offset).map_or(0, |before| before.matches('\n').count())
}

/// A text with its edits.
pub(super) struct Lines<'t> {
    text: &'t str,
    edits: Vec<Edit>,
}

/// The outcome.
pub(super) struct Edited {
    pub(super) text: String,
    /// For each line the line that it comes from, counted from one.
    pub(super) lines: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str, edits: Vec<Edit>) -> Self {
        Self { text, edits }
    }

    /// The text with everything replaced. Edits are nested or apart, the outer was given before the inner.
    pub(super) fn apply(mut self) -> Edited {
        self.edits.sort_by_key(|edit| (edit.start, edit.end));
        let (mut output, mut lines, mut line) = (String::with_capacity(self.text.len() + 64), vec![1], 1);
        let mut at = 0;
        for edit in &self.edits {
            let Some(between) = self.text.get(at..edit.start) else { continue };
            copy(between, &mut output, &mut lines, &mut line);
            output.push_str(&edit.text);
            lines.extend(std::iter::repeat_n(line, edit.text.matches('\n').count()));
            line += self.text.get(edit.start..edit.end).map_or(0, |gone| gone.matches('\n').count());
            at = edit.end;
        }
        copy(self.text.get(at..).unwrap_or_default(), &mut output, &mut lines, &mut line);
        Edited { text: output, lines }
    }
}

fn copy(text: &str, output: &mut String, lines: &mut Vec<usize>, line: &mut usize) {
    output.push_str(text);
    for _ in text.matches('\n') {
        *line += 1;
        lines.push(*line);
    }
}
