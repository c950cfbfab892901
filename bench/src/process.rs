//! What the kernel tells of a process: processor time and memory.

use std::fs;
use std::path::Path;

/// Ticks of processor time a second, on every Linux that matters.
const TICKS: f64 = 100.0;

/// A process whose figures are read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    /// This one.
    Me,
    /// Another.
    Process(u32),
}

impl Who {
    fn read(self, file: &str) -> String {
        let folder = match self {
            Self::Me => "self".to_owned(),
            Self::Process(id) => id.to_string(),
        };
        fs::read_to_string(Path::new("/proc").join(folder).join(file)).unwrap_or_default()
    }

    /// Processor seconds so far, all threads, in user mode and in the kernel.
    pub(crate) fn processor_seconds(self) -> f64 {
        let text = self.read("stat");
        // The name may hold blanks and parentheses; what follows the last one does not.
        let rest = text.rsplit(") ").next().unwrap_or_default();
        let ticks: u32 = rest.split(' ').skip(11).take(2).filter_map(|number| number.parse::<u32>().ok()).sum();
        f64::from(ticks) / TICKS
    }

    /// Resident memory, MB (2^20 bytes): now, and the most there ever was.
    pub(crate) fn resident(self) -> (f64, f64) {
        let text = self.read("status");
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.split_whitespace().next().and_then(|number| number.parse::<u32>().ok()).map_or(0.0, f64::from) / 1024.0
        };
        (field("VmRSS:"), field("VmHWM:"))
    }
}

/// Processors that may be used.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// A number of things, for arithmetic.
pub(crate) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_knows_this_process() {
        let before = Who::Me.processor_seconds();
        let (now, most) = Who::Me.resident();
        assert!(before >= 0.0 && now > 0.5 && most >= now);
        assert_eq!(Who::Process(u32::MAX).resident(), (0.0, 0.0));
    }
}
