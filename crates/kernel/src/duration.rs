//! Durations as administrators write them: `hours=1;minutes=30`, or a signed number of seconds.

use chrono::TimeDelta;

/// Units of a duration text and their length in microseconds.
const UNITS: &[(&str, i64)] = &[
    ("microseconds", 1),
    ("milliseconds", 1_000),
    ("seconds", 1_000_000),
    ("minutes", 60_000_000),
    ("hours", 3_600_000_000),
    ("days", 86_400_000_000),
    ("weeks", 604_800_000_000),
];

/// Reads `unit=number` pairs separated by `;`. An empty text is zero.
///
/// # Errors
/// The text that could not be understood.
pub fn parse(text: &str) -> Result<TimeDelta, String> {
    let mut total: i64 = 0;
    for pair in text.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (unit, number) = pair.split_once('=').ok_or_else(|| pair.to_owned())?;
        let unit = unit.trim().to_lowercase();
        let length = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, length)| *length).ok_or(unit)?;
        let number: f64 = number.trim().parse().map_err(|_| pair.to_owned())?;
        #[expect(clippy::cast_precision_loss, reason = "a week in microseconds is exact in a double")]
        let part = number * length as f64;
        if !part.is_finite() || part.abs() > 9e18 {
            return Err(pair.to_owned());
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
        let part = part as i64;
        total = total.checked_add(part).ok_or_else(|| pair.to_owned())?;
    }
    Ok(TimeDelta::microseconds(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pairs() {
        assert_eq!(parse("hours=1;minutes=30"), Ok(TimeDelta::minutes(90)));
        assert_eq!(parse("seconds=0"), Ok(TimeDelta::zero()));
        assert_eq!(parse("days=1.5"), Ok(TimeDelta::hours(36)));
        assert_eq!(parse(""), Ok(TimeDelta::zero()));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert_eq!(parse("fortnights=1"), Err("fortnights".into()));
        assert_eq!(parse("hours"), Err("hours".into()));
        assert!(parse("hours=inf").is_err());
        assert!(parse("weeks=99999999999").is_err());
    }
}
