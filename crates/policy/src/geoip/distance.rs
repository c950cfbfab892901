//! Places, how far they are from one another, and where somebody signed in before.

use chrono::{DateTime, Utc};
use serde_json::Value;
use vestibule_store::{Database, StoreError};

/// Mean radius of the Earth, kilometres (IUGG).
const RADIUS: f64 = 6371.0088;
/// Most logins that are looked at.
const MOST: i64 = 1000;

/// A place, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    latitude: f64,
    longitude: f64,
}

impl Place {
    /// From what is known of an address.
    pub(super) fn read(known: &Value) -> Option<Self> {
        let part = |name: &str| known.get(name).and_then(Value::as_f64).filter(|degrees| degrees.is_finite());
        Some(Self { latitude: part("lat")?, longitude: part("long")? })
    }

    /// Kilometres along a great circle (haversine formula): within half a percent of the ellipsoid's.
    pub(super) fn kilometres(&self, other: &Self) -> f64 {
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let across = (other.longitude - self.longitude).to_radians();
        let half = ((to - from) / 2.0).sin().powi(2) + from.cos() * to.cos() * (across / 2.0).sin().powi(2);
        2.0 * RADIUS * half.sqrt().min(1.0).asin()
    }
}

/// A login.
pub(super) struct Login {
    /// When.
    pub at: DateTime<Utc>,
    /// Where, if it was known then.
    pub place: Option<Place>,
}

/// The newest logins of a user.
pub(super) async fn logins(database: &Database, user: i64, count: i64) -> Result<Vec<Login>, StoreError> {
    let sql = "SELECT created, context FROM events WHERE user_id = $1 AND action = 'login' \
               ORDER BY created DESC LIMIT $2";
    let rows = database.query(sql, vec![user.into(), count.clamp(0, MOST).into()]).await?;
    let read = |row: &vestibule_store::Row| {
        let place = row.json("context")?.get("geo").and_then(Place::read);
        Ok(Login { at: row.time("created")?, place })
    };
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Place;

    #[test]
    fn berlin_is_as_far_from_paris_as_it_is() {
        let berlin = Place::read(&json!({"lat": 52.52, "long": 13.405})).unwrap();
        let paris = Place::read(&json!({"lat": 48.8566, "long": 2.3522})).unwrap();
        let away = berlin.kilometres(&paris);
        assert!((870.0..885.0).contains(&away), "{away}");
        assert!(berlin.kilometres(&berlin) < 0.001);
        let antipode = Place::read(&json!({"lat": -52.52, "long": -166.595})).unwrap();
        assert!((20_000.0..20_030.0).contains(&berlin.kilometres(&antipode)));
        assert_eq!(Place::read(&json!({"lat": 1.0, "long": null})), None);
    }
}
