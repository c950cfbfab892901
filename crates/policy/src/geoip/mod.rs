//! Where somebody is, as far as a database tells from their address: in which country, in whose network, how far from
//! where they were.

use async_trait::async_trait;
use http::Method;
use serde_json::{Value, json};
use vestibule_resource::call::{Permission, ok};
use vestibule_resource::{Computed, Field, Fields, Kind, Object, Operation, Represent, Resource, Shape, Spec};
use vestibule_store::DocumentType;

use crate::kind::{POLICIES, Policy, PolicyBase, PolicyEntry};
use crate::request::{PolicyException, PolicyResult, Request};

mod countries;
mod distance;

use countries::COUNTRIES;

/// Kilometres that nobody travels in an hour.
const FASTEST: f64 = 1000.0;

/// Where somebody must be.
#[derive(Clone, Debug, Fields)]
pub struct GeoIpPolicy {
    /// What every policy has.
    #[field(flatten)]
    pub policy: PolicyBase,
    /// Autonomous systems, one of which the address must belong to.
    #[field(default = [])]
    pub asns: Vec<i64>,
    /// Countries, in one of which the address must be.
    #[field(empty, shape = Shape::Choice(&COUNTRIES).list())]
    pub countries: Vec<String>,
    /// The same, with their names.
    #[field(shape = Shape::Object("DetailedCountryField", detailed).list(), computed = countries_obj)]
    pub countries_obj: Computed,
    /// Compares with where the user signed in before.
    #[field(default = false)]
    pub check_history_distance: bool,
    /// Kilometres from there that are too many.
    #[field(min = 0, max = i64::MAX, default = 100)]
    pub history_max_distance_km: i64,
    /// Kilometres that databases may be wrong by.
    #[field(min = 0, max = 2_147_483_647, default = 50)]
    pub distance_tolerance_km: i64,
    /// How many logins are looked at.
    #[field(min = 0, max = 2_147_483_647, default = 5)]
    pub history_login_count: i64,
    /// Refuses who could not have come here from where they signed in before.
    #[field(default = false)]
    pub check_impossible_travel: bool,
    /// Kept for clients: the tolerance above counts for both.
    #[field(min = 0, max = 2_147_483_647, default = 100)]
    pub impossible_tolerance_km: i64,
}

fn detailed() -> Vec<Field> {
    let code =
        Shape::Text { min: Some(2), max: Some(2), blank: false, trim: true, format: vestibule_resource::Format::Plain };
    vec![Field::of::<String>("code", "Its two letters.").shape(code), Field::of::<String>("name", "Its name.")]
}

fn countries_obj(_: &Represent<'_>, object: &Object) -> Value {
    let codes = object.get("countries").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    codes.map(|code| json!({"code": code, "name": countries::name(code)})).collect()
}

impl DocumentType for GeoIpPolicy {
    const KIND: &'static str = "authentik_policies_geoip.geoippolicy";
}

impl Resource for GeoIpPolicy {
    fn spec() -> Spec {
        Spec::new("policies/geoip", Self::KIND, "GeoIPPolicy")
            .verbose("GeoIP Policy", "GeoIP Policies")
            .component("ak-policy-geoip-form")
            .says("Where somebody must be, as far as a database tells from their address.")
            .family(&POLICIES)
            .lookup("pk", "policy_uuid")
            .search(&["name"])
            .order(&["name"])
            .filter(&["name"])
    }
}

/// As the engine knows it.
pub(crate) const ENTRY: PolicyEntry = PolicyEntry {
    kind: Kind::document::<GeoIpPolicy>,
    policy: |document| document.get::<GeoIpPolicy>().map(|policy| policy as &dyn Policy),
    offered: true,
};

fn country_fields() -> Vec<Field> {
    vec![
        Field::of::<String>("code", "Its two letters.").shape(Shape::Choice(&COUNTRIES)),
        Field::of::<String>("name", "Its name."),
    ]
}

/// `policies/geoip_iso3166/`.
pub(crate) fn operations() -> Vec<Operation> {
    let answer = Some(Shape::Object("DetailedCountry", country_fields).list());
    vec![
        Operation::new(Method::GET, "policies/geoip_iso3166/", "policies_geoip_iso3166_list", answer, |_| async {
            ok(&COUNTRIES.values.iter().map(|(code, name)| json!({"code": code, "name": name})).collect())
        })
        .permission(Permission::Public)
        .doc("Every country (ISO 3166-1)."),
    ]
}

#[async_trait]
impl Policy for GeoIpPolicy {
    fn base(&self) -> &PolicyBase {
        &self.policy
    }

    /// Any of the networks and countries will do; the distances must be right besides.
    async fn passes(&self, request: &Request<'_>) -> Result<PolicyResult, PolicyException> {
        let mut places = Vec::new();
        if !self.asns.is_empty() {
            places.push(self.network(request)?);
        }
        if !self.countries.is_empty() {
            places.push(self.country(request)?);
        }
        let mut passing = places.is_empty() || places.iter().any(Result::is_ok);
        let mut messages: Vec<String> = places.into_iter().filter_map(Result::err).map(str::to_owned).collect();
        if self.check_history_distance || self.check_impossible_travel {
            let distances = self.distances(request).await?;
            passing &= distances.passing;
            messages.extend(distances.messages);
        }
        Ok(PolicyResult { passing, messages, ..PolicyResult::default() })
    }
}

/// That nothing is known of an address: it can be neither in a place nor outside of it.
fn not_found(message: &str) -> PolicyException {
    PolicyException::new("GeoIPNotFoundException", message)
}

impl GeoIpPolicy {
    fn network(&self, request: &Request<'_>) -> Result<Result<(), &'static str>, PolicyException> {
        let number = request.context("asn").and_then(|asn| asn.get("asn")).and_then(Value::as_i64);
        let number = number.filter(|number| *number != 0);
        let number = number.ok_or_else(|| not_found("GeoIP: client IP not found in ASN database."))?;
        let within = self.asns.contains(&number);
        Ok(if within { Ok(()) } else { Err("Client IP is not part of an allowed autonomous system.") })
    }

    fn country(&self, request: &Request<'_>) -> Result<Result<(), &'static str>, PolicyException> {
        let country = request.context("geoip").and_then(|geoip| geoip.get("country")).and_then(Value::as_str);
        let country = country.filter(|country| !country.is_empty());
        let country =
            country.ok_or_else(|| not_found("GeoIP: client IP address not found in City database."))?.to_owned();
        let within = self.countries.contains(&country);
        Ok(if within { Ok(()) } else { Err("Client IP is not in an allowed country.") })
    }

    /// Whether somebody may be here, after where they signed in before. Who never did may.
    async fn distances(&self, request: &Request<'_>) -> Result<PolicyResult, PolicyException> {
        let here = request.context("geoip").and_then(distance::Place::read);
        let (Some(here), Some(user)) = (here, request.subject.pk()) else {
            return Ok(PolicyResult::default());
        };
        let logins = distance::logins(request.means.store.database(), user, self.history_login_count).await?;
        if logins.is_empty() {
            return Ok(PolicyResult::of(true));
        }
        let now = request.means.ctx.now();
        let mut known = false;
        for login in logins {
            let Some(there) = login.place else { continue };
            let away = there.kilometres(&here);
            if self.check_history_distance && away >= kilometres(self.history_max_distance_km) + self.tolerance() {
                return Ok(PolicyResult::no("Distance from previous authentication is larger than threshold."));
            }
            let hours = kilometres((now - login.at).num_hours().max(1));
            if self.check_impossible_travel && away >= FASTEST * hours + self.tolerance() {
                return Ok(PolicyResult::no("Distance is further than possible."));
            }
            known = true;
        }
        Ok(PolicyResult::of(known))
    }

    fn tolerance(&self) -> f64 {
        kilometres(self.distance_tolerance_km)
    }
}

/// A whole number as one with a fraction. Nothing on Earth is farther than 32 bits of kilometres, or hours.
fn kilometres(whole: i64) -> f64 {
    i32::try_from(whole).map_or(f64::from(i32::MAX), f64::from)
}
