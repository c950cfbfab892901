//! What stops a blueprint, and what became of one that was not stopped.

use vestibule_blueprints::BlueprintError;
use vestibule_kernel::ApiError;
use vestibule_store::StoreError;

/// The tag that stands for a secret in an export.
pub(crate) const SECRET: &str = "!Secret";

/// What stopped a blueprint.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// An entry that cannot be applied.
    #[error("{file}:{line}: {message}")]
    Entry {
        /// The file's name.
        file: String,
        /// Its line.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// An entry that whoever applies it may not apply.
    #[error("{file}:{line}: {message}")]
    Forbidden {
        /// The file's name.
        file: String,
        /// Its line.
        line: usize,
        /// What they may not do.
        message: String,
    },
    /// New objects whose secrets the file does not tell.
    #[error("these secrets are neither in the file nor here, write them in place of {SECRET}:\n{}", .0.join("\n"))]
    Secrets(Vec<String>),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ApplyError {
    /// At a line of a file.
    pub(crate) fn at(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self::Entry { file: file.to_owned(), line, message: message.into() }
    }

    /// What the format says about a file.
    pub(crate) fn format(file: &str) -> impl Fn(BlueprintError) -> Self {
        move |error| Self::at(file, error.line, error.message)
    }

    /// What the engine says about an entry.
    pub(crate) fn entry(file: &str, line: usize) -> impl Fn(ApiError) -> Self {
        move |error| match error {
            ApiError::Internal(cause) => {
                tracing::error!(error = %cause, "a blueprint entry failed");
                Self::at(file, line, "the server failed to apply this entry; its log says why")
            }
            error @ (ApiError::Forbidden | ApiError::Refused(_)) => {
                Self::Forbidden { file: file.to_owned(), line, message: error.to_string() }
            }
            error => Self::at(file, line, error.to_string()),
        }
    }

    /// The same, `before` lines later.
    #[must_use]
    pub(crate) fn later(self, before: usize) -> Self {
        match self {
            Self::Entry { file, line, message } => Self::Entry { file, line: line + before, message },
            Self::Forbidden { file, line, message } => Self::Forbidden { file, line: line + before, message },
            other => other,
        }
    }
}

/// What became of the entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Objects made.
    pub created: usize,
    /// Objects written again.
    pub updated: usize,
    /// Objects deleted.
    pub deleted: usize,
    /// Entries that asked for nothing.
    pub passed: usize,
    /// What the author may want to know, with its line.
    pub notes: Vec<(usize, String)>,
}

impl Applied {
    /// Adds what became of another document, which begins `before` lines later.
    pub(crate) fn add(&mut self, other: Self, before: usize) {
        self.created += other.created;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.passed += other.passed;
        self.notes.extend(other.notes.into_iter().map(|(line, note)| (line + before, note)));
    }
}
