//! A closed loop: so many workers, each of which begins anew when it is done. Counted while it runs evenly.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Problem;
use crate::process::{Who, number};

/// What is measured, beside the work itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// How long it runs before it counts: what is under way when counting begins makes up for what is at its end.
    pub warm: Duration,
    /// How long it counts.
    pub lasts: Duration,
    /// The process that serves.
    pub server: Who,
}

/// What was counted; windows of the same work add up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count {
    /// Seconds that counted.
    pub seconds: f64,
    /// How long each piece of work took, milliseconds.
    pub took: Vec<f64>,
    /// How many a second, window by window.
    pub rates: Vec<f64>,
    /// Processor seconds of this process.
    pub mine: f64,
    /// Processor seconds of the serving process.
    pub servers: f64,
}

impl Count {
    /// Adds a window.
    pub(crate) fn add(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.took.extend(other.took);
        self.rates.extend(other.rates);
        self.mine += other.mine;
        self.servers += other.servers;
    }

    /// How many a second.
    pub(crate) fn rate(&self) -> f64 {
        number(self.took.len()) / self.seconds.max(f64::MIN_POSITIVE)
    }

    /// The time, in milliseconds, within which this share was done.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        crate::stats::percentile(&self.took, share)
    }

    /// Milliseconds of `seconds` for each piece of work.
    pub(crate) fn each(&self, seconds: f64) -> f64 {
        1000.0 * seconds / number(self.took.len()).max(1.0)
    }
}

/// Lets every worker repeat its work, one thread each, and counts what is done within the span.
///
/// # Errors
/// The first error of a worker.
pub(crate) fn run<W>(workers: Vec<W>, span: Span) -> Result<Count, Problem>
where
    W: FnMut() -> io::Result<()> + Send,
{
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let stop = &stop;
        let threads: Vec<_> = workers.into_iter().map(|worker| scope.spawn(move || repeat(worker, stop))).collect();
        thread::sleep(span.warm);
        let (begin, mine, servers) = figures(span.server);
        thread::sleep(span.lasts);
        let (end, mine_after, servers_after) = figures(span.server);
        stop.store(true, Ordering::Relaxed);
        let mut took = Vec::new();
        for thread in threads {
            let done = thread.join().map_err(|_| "a worker panicked")??;
            let within = done.into_iter().filter(|(at, _)| (begin..end).contains(at));
            took.extend(within.map(|(_, took)| took.as_secs_f64() * 1000.0));
        }
        let seconds = (end - begin).as_secs_f64();
        let rates = vec![number(took.len()) / seconds];
        Ok(Count { seconds, took, rates, mine: mine_after - mine, servers: servers_after - servers })
    })
}

fn figures(server: Who) -> (Instant, f64, f64) {
    (Instant::now(), Who::Me.processor_seconds(), server.processor_seconds())
}

/// When each piece of work was done, and how long it took.
fn repeat<W>(mut work: W, stop: &AtomicBool) -> io::Result<Vec<(Instant, Duration)>>
where
    W: FnMut() -> io::Result<()>,
{
    let mut done = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        if let Err(error) = work() {
            // The others are not to wait for this one.
            stop.store(true, Ordering::Relaxed);
            return Err(error);
        }
        let now = Instant::now();
        done.push((now, now - begun));
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_in_time_counts() {
        let work = || {
            thread::sleep(Duration::from_millis(5));
            Ok(())
        };
        let span = Span { warm: Duration::from_millis(20), lasts: Duration::from_millis(200), server: Who::Me };
        let count = run(vec![work; 3], span).unwrap();
        assert!((30.0..=620.0).contains(&count.rate()), "{}", count.rate());
        assert!(count.percentile(0.5) >= 5.0);
        let failing = || Err(io::Error::other("no"));
        assert_eq!(run(vec![failing], span).unwrap_err().to_string(), "no");
    }
}
