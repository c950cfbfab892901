//! The one error of this crate: a message and where in the file it belongs.

/// What is wrong with a blueprint, and where. `Display` gives `line 12: ...`; the caller adds the file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct BlueprintError {
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in the line, in characters, from 1.
    pub column: usize,
    /// What was found and what is expected.
    pub message: String,
}

impl BlueprintError {
    /// An error at a position of the file.
    pub fn new(line: usize, column: usize, message: impl Into<String>) -> Self {
        Self { line, column, message: message.into() }
    }
}
