//! What a comparison found.

use std::fmt;

/// How many differences a listed operation shows.
const SHOWN: usize = 4;

/// The operations of one group, the first part of their path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The first part of the path.
    pub group: String,
    /// How many operations the official document has.
    pub official: usize,
    /// How many of them ours has, exact or not.
    pub served: usize,
    /// How many of them ours has exactly.
    pub exact: usize,
}

/// What [`compare`](crate::compare()) found.
///
/// Displays as a table with the line `N of 937 operations exact` at its end; with `{:#}` every missing and inexact
/// operation goes before it, with the first few of its differences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The groups, in the order of the official paths.
    pub rows: Vec<Row>,
    /// The operations ours lacks, as (method, path).
    pub missing: Vec<(String, String)>,
    /// The operations ours has otherwise, as (method, path, differences).
    pub inexact: Vec<(String, String, Vec<String>)>,
    /// How many operations are exact.
    pub exact: usize,
    /// How many operations were compared. Zero says that nothing was: no operations, or no such group.
    pub total: usize,
}

impl Report {
    /// Counts one official operation; `found` are its differences, `None` where ours lacks it.
    pub(crate) fn count(&mut self, group: &str, (method, path): (String, String), found: Option<Vec<String>>) {
        let exact = usize::from(found.as_ref().is_some_and(Vec::is_empty));
        let served = usize::from(found.is_some());
        match self.rows.iter_mut().find(|row| row.group == group) {
            Some(row) => {
                row.official += 1;
                row.served += served;
                row.exact += exact;
            }
            None => self.rows.push(Row { group: group.to_owned(), official: 1, served, exact }),
        }
        self.total += 1;
        self.exact += exact;
        match found {
            None => self.missing.push((method, path)),
            Some(found) if !found.is_empty() => self.inexact.push((method, path, found)),
            Some(_) => {}
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            for (method, path) in &self.missing {
                writeln!(f, "missing  {method} {path}")?;
            }
            for (method, path, found) in &self.inexact {
                let found: Vec<&str> = found.iter().take(SHOWN).map(String::as_str).collect();
                writeln!(f, "inexact  {method} {path}: {}", found.join("; "))?;
            }
        }
        writeln!(f, "{:<20}{:>9}{:>8}{:>8}", "group", "official", "served", "exact")?;
        for row in &self.rows {
            writeln!(f, "{:<20}{:>9}{:>8}{:>8}", row.group, row.official, row.served, row.exact)?;
        }
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let percent = 100.0 * number(self.exact) / number(self.total.max(1));
        write!(f, "{} of {} operations exact ({percent:.1} %)", self.exact, self.total)
    }
}
