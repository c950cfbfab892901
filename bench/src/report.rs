//! Figures beside their targets. Nothing fails here: times depend on the machine, and people judge them.

/// Begins, with what is measured.
pub(crate) fn begin(title: &str) {
    println!("\n{title}");
}

/// A figure.
pub(crate) fn line(name: &str, value: impl std::fmt::Display) {
    println!("  {name:<44} {value}");
}

/// A figure that is to be `target` or less.
pub(crate) fn at_most(name: &str, value: f64, target: f64, unit: &str) {
    against(name, value, unit, "at most", target, value <= target);
}

/// A figure that is to be `target` or more.
pub(crate) fn at_least(name: &str, value: f64, target: f64, unit: &str) {
    against(name, value, unit, "at least", target, value >= target);
}

fn against(name: &str, value: f64, unit: &str, bound: &str, target: f64, met: bool) {
    let verdict = if met { "met" } else { "MISSED" };
    let value = format!("{value:.2} {unit}");
    println!("  {name:<44} {value:<16} {bound} {target} {unit}: {verdict}");
}
