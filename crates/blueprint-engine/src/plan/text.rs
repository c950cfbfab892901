//! A plan as a text: one line an object, one line a field.

use std::fmt;

use serde_json::Value;

use super::{Action, Plan, Planned};

/// The longest value that is written whole, characters.
const WHOLE: usize = 200;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for planned in &self.changes {
            planned.fmt(f)?;
        }
        let [create, change, delete] =
            [Action::Create, Action::Change, Action::Delete].map(|action| self.count(action));
        writeln!(f, "{create} to create, {change} to change, {delete} to delete, {} as they are.", self.unchanged)
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Create => '+',
            Action::Change => '~',
            Action::Delete => '-',
        };
        write!(f, "{sign} {} {}", self.model, self.name)?;
        match self.line {
            0 => writeln!(f, "  (goes with another)")?,
            line => writeln!(f, "  (line {line})")?,
        }
        for field in &self.fields {
            let after = short(&field.after);
            match self.action {
                Action::Change => writeln!(f, "    {}: {} -> {after}", field.field, short(&field.before))?,
                _ => writeln!(f, "    {}: {after}", field.field)?,
            }
        }
        Ok(())
    }
}

/// A value on one line, cut where it is long.
fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= WHOLE {
        return text;
    }
    let cut: String = text.chars().take(WHOLE).collect();
    format!("{cut}... ({} characters)", text.chars().count())
}
