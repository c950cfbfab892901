//! Makes the program that the interpreter runs from an administrator's text: what it does not know (`yield`, `del`,
//! `%`-formatting, imports of modules that it lacks) is put in words that it knows, at the places that the syntax tree names.

mod edits;
mod prelude;
mod visit;

use std::collections::HashSet;

use ruff_python_ast::token::TokenKind;
use ruff_text_size::Ranged;

use crate::plain::{self, Plain};
use crate::program::SyntaxError;
use edits::Lines;
use visit::{NETWORK_WORDS, Rewriter};

type Parsed = ruff_python_parser::Parsed<ruff_python_ast::ModModule>;

/// A text as the interpreter takes it.
pub(crate) struct Rewritten {
    /// The program.
    pub(crate) source: String,
    /// The administrator's line for each line of the program, both counted from one; 0 where there is none.
    pub(crate) lines: Vec<usize>,
    /// Every word of the text, and of what it has become.
    pub(crate) words: HashSet<Box<str>>,
    /// How far each line is indented more than the administrator's, characters.
    pub(crate) indent: usize,
    /// What it is where it needs no interpreter.
    pub(crate) plain: Option<Plain>,
}

/// Rewrites a text.
///
/// # Errors
/// What will not parse, or is known not to run.
pub(crate) fn rewrite(text: &str) -> Result<Rewritten, SyntaxError> {
    let parsed = ruff_python_parser::parse_module(text).map_err(|error| {
        let start = usize::from(error.location.start());
        SyntaxError::at(text, start, error.error.to_string())
    })?;
    let mut rewriter = Rewriter::new(text);
    rewriter.handler(&parsed.syntax().body);
    rewriter.networks(mentions(text, &parsed, &NETWORK_WORDS));
    if let Some((offset, message)) = rewriter.refused {
        return Err(SyntaxError::at(text, offset, message));
    }
    let kept = text_lines(text, &parsed);
    let output = Lines::new(text, rewriter.edits).apply();
    let words = prelude::Words::of(&output.text);
    let mut source = words.prelude();
    source.push_str("def _vb_handler():\n    pass\n");
    if words.has("request") && words.has("context") || words.has("flow_plan") {
        source.push_str("    _vb_link()\n");
    }
    if rewriter.yields {
        source.push_str("    _vb_out = []\n");
    }
    let mut numbers = vec![0; source.matches('\n').count()];
    for (line, &number) in output.text.split('\n').zip(&output.lines) {
        // Nothing may be put before a line that begins inside of a text.
        if !kept.contains(&number) {
            source.push_str("    ");
        }
        source.push_str(line);
        source.push('\n');
        numbers.push(number);
    }
    if rewriter.yields {
        source.push_str("    return _vb_out\n");
    }
    source.push_str("_vb_result = _vb_handler()\n_vb_weigh((_vb_result, context))\n");
    // What the text itself mentions it mentions still, whatever it has become.
    let words = prelude::Words::of(text).all().into_iter().chain(words.all()).collect();
    let plain = plain::compile(&parsed.syntax().body);
    Ok(Rewritten { source, lines: numbers, words, indent: 4, plain })
}

/// How often a text has one of some words, outside of comments and of texts.
fn mentions(text: &str, parsed: &Parsed, words: &[&str]) -> usize {
    let names = parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Name);
    let named =
        names.filter_map(|token| text.get(usize::from(token.range().start())..usize::from(token.range().end())));
    named.filter(|name| words.contains(name)).count()
}

/// The lines, counted from one, that begin inside of a text.
fn text_lines(text: &str, parsed: &Parsed) -> Vec<usize> {
    let mut kept = Vec::new();
    for token in parsed.tokens() {
        let inside = matches!(token.kind(), TokenKind::String | TokenKind::FStringMiddle | TokenKind::TStringMiddle);
        let range = token.range();
        let Some(content) = text.get(usize::from(range.start())..usize::from(range.end())) else { continue };
        if inside && content.contains('\n') {
            let first = edits::line_of(text, range.start().into());
            kept.extend((1..=content.matches('\n').count()).map(|line| first + line));
        }
    }
    kept
}
