//! Lines on their way out: those of one moment leave together. A warning, and what is worse, leaves at once.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits for others.
const MOMENT: Duration = Duration::from_millis(10);
/// Bytes that wait at most: whoever adds more writes them.
const MOST: usize = 64 * 1024;

/// Lines, and where they go.
pub(super) struct Lines<W> {
    state: Mutex<State<W>>,
    added: Condvar,
}

struct State<W> {
    waiting: Vec<u8>,
    to: W,
    /// Whether a thread sends off what waits.
    is_attended: bool,
}

impl<W: Write> State<W> {
    /// Sends off what waits. What cannot be written is lost: there is nowhere left to say so.
    fn send(&mut self) -> io::Result<()> {
        let written = self.to.write_all(&self.waiting).and_then(|()| self.to.flush());
        self.waiting.clear();
        written
    }
}

impl<W: Write + Send + 'static> Lines<W> {
    pub(super) const fn new(to: W) -> Self {
        let state = Mutex::new(State { waiting: Vec::new(), to, is_attended: false });
        Self { state, added: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends off what waits.
    pub(super) fn flush(&self) {
        let _ = self.state().send();
    }

    /// Sends off what waits, for ever: a moment after the first line of it.
    fn attend(&self) {
        loop {
            let state = self.state();
            drop(
                self.added.wait_while(state, |state| state.waiting.is_empty()).unwrap_or_else(PoisonError::into_inner),
            );
            thread::sleep(MOMENT);
            self.flush();
        }
    }

    fn add(&'static self, line: &[u8], at_once: bool) -> io::Result<()> {
        let mut state = self.state();
        let is_first = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        if !at_once && !state.is_attended {
            let attending = thread::Builder::new().name("log".into()).spawn(|| self.attend());
            state.is_attended = attending.is_ok();
        }
        if at_once || !state.is_attended || state.waiting.len() > MOST {
            return state.send();
        }
        if is_first {
            self.added.notify_one();
        }
        Ok(())
    }
}

/// What a line is written to.
pub(super) struct Line<W: 'static> {
    lines: &'static Lines<W>,
    at_once: bool,
}

impl<W: Write + Send + 'static> Write for Line<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.add(line, self.at_once)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes what lines are written to.
pub(super) struct To<W: 'static>(pub &'static Lines<W>);

impl<W: Write + Send + 'static> MakeWriter<'_> for To<W> {
    type Writer = Line<W>;

    fn make_writer(&self) -> Line<W> {
        Line { lines: self.0, at_once: true }
    }

    fn make_writer_for(&self, meta: &Metadata<'_>) -> Line<W> {
        Line { lines: self.0, at_once: *meta.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    /// What was written, piece by piece.
    #[derive(Clone, Default)]
    struct Pieces(Arc<Mutex<Vec<String>>>);

    impl Write for Pieces {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(String::from_utf8(piece.to_vec()).unwrap());
            Ok(piece.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines() -> (&'static Lines<Pieces>, impl Fn() -> Vec<String>) {
        let pieces = Pieces::default();
        let lines: &Lines<Pieces> = Box::leak(Box::new(Lines::new(pieces.clone())));
        (lines, move || pieces.0.lock().unwrap().clone())
    }

    #[test]
    fn lines_of_one_moment_leave_together_and_in_their_order() {
        let (lines, written) = lines();
        for line in ["one\n", "two\n", "three\n"] {
            lines.add(line.as_bytes(), false).unwrap();
        }
        let begun = Instant::now();
        while written().concat() != "one\ntwo\nthree\n" {
            assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", written());
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_warning_leaves_at_once_behind_what_waits() {
        let (lines, written) = lines();
        lines.add(b"one\n", false).unwrap();
        lines.add(b"a warning\n", true).unwrap();
        assert_eq!(written().concat(), "one\na warning\n");
    }

    #[test]
    fn no_more_waits_than_fits() {
        let (lines, written) = lines();
        lines.add(&vec![b'x'; MOST + 1], false).unwrap();
        assert_eq!(written().concat().len(), MOST + 1);
    }

    #[test]
    fn the_end_waits_for_nobody() {
        let (lines, written) = lines();
        lines.add(b"the last\n", false).unwrap();
        lines.flush();
        assert_eq!(written().concat(), "the last\n");
    }

    /// Its level says which lines leave at once.
    #[test]
    fn what_is_worse_than_a_notice_leaves_at_once() {
        let (lines, written) = lines();
        let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(To(lines)).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("a notice");
            tracing::error!("an error");
        });
        let text = written().concat();
        assert!(text.contains("a notice") && text.ends_with("an error\n"), "{text}");
    }
}
