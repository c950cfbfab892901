//! What a program may use up.

use std::time::Duration;

/// Limits of one run; whoever exceeds one gets [`RunError::Budget`](crate::RunError::Budget).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How long it may compute. Waiting for the host does not count.
    pub compute: Duration,
    /// How long it may take in all.
    pub total: Duration,
    /// How much memory it may take, bytes: of all programs that run at this moment together. Counted where the process uses
    /// `vestibule_allocator::Allocator`.
    pub memory: usize,
    /// How often it may ask the host for something.
    pub suspensions: usize,
    /// How much may come out: the result, the context, messages and what it prints, bytes.
    pub output: usize,
    /// How deeply functions may call one another.
    pub recursion: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            compute: Duration::from_millis(500),
            total: Duration::from_secs(15),
            memory: 64 << 20,
            suspensions: 1000,
            output: 1 << 20,
            recursion: 100,
        }
    }
}
