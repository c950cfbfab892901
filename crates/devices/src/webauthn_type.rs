//! Models of authenticators, known by their AAGUID (WebAuthn Level 3, section 6.5.1). The list that ships are numbers that
//! their makers publish.

use uuid::Uuid;
use vestibule_kernel::{Actor, ApiError, Object};
use vestibule_resource::{Field, Fields, Kind, Resource, Spec, Verb};
use vestibule_store::{DocumentType, Store};

/// The AAGUID of what does not say what it is, and of everything that is not known.
pub const UNKNOWN: Uuid = Uuid::nil();

/// The models that are known: AAGUID and name, one a line.
const KNOWN: &str = include_str!("webauthn_types.txt");
/// Where it is kept which list was read last.
const DONE: &str = "webauthn_device_types";

/// A model of authenticators.
#[derive(Clone, Debug, Fields)]
pub struct WebAuthnDeviceType {
    /// Key.
    #[field(internal)]
    pub pk: Uuid,
    /// Its number.
    pub aaguid: Uuid,
    /// What it is called.
    pub description: String,
    /// Its picture.
    #[field(internal, default = "")]
    pub icon: String,
}

/// The fields that devices and stages show of it.
pub(crate) fn type_fields() -> Vec<Field> {
    vec![Field::of::<Uuid>("aaguid", "Its number."), Field::of::<String>("description", "What it is called.")]
}

impl DocumentType for WebAuthnDeviceType {
    const KIND: &'static str = "authentik_stages_authenticator_webauthn.webauthndevicetype";
}

impl Resource for WebAuthnDeviceType {
    fn spec() -> Spec {
        Spec::new("stages/authenticator/webauthn_device_types", Self::KIND, "WebAuthnDeviceType")
            .verbose("WebAuthn Device type", "WebAuthn Device types")
            .lookup("aaguid", "aaguid")
            .search(&["description", "aaguid"])
            .order(&["description"])
            .filter(&["aaguid", "description", "icon"])
            .verbs(&[Verb::View])
            .without_used_by()
            .describe(|object| object.get("description").and_then(|text| text.as_str()).unwrap_or_default().to_owned())
    }
}

pub(crate) fn kind() -> Kind {
    Kind::document::<WebAuthnDeviceType>()
}

/// Keeps the models that are known, unless this list was kept already.
pub async fn ensure_types(store: &Store) -> Result<(), ApiError> {
    let mark = vestibule_kernel::secret::sha256_hex(KNOWN.as_bytes());
    if store.state(DONE).await?.as_deref() == Some(&mark) {
        return Ok(());
    }
    let mut change = store.change(Actor::System).await?;
    change.lock().await?;
    let lines = KNOWN.lines().filter_map(|line| line.split_once(' '));
    for (aaguid, description) in lines {
        let Ok(pk) = aaguid.parse::<Uuid>() else { continue };
        let known = change.configuration().get::<WebAuthnDeviceType>(pk).map(|known| known.description.clone());
        if known.as_deref() == Some(description) {
            continue;
        }
        let mut object = Object::new();
        object.insert("pk".into(), pk.to_string().into());
        object.insert("aaguid".into(), pk.to_string().into());
        object.insert("description".into(), description.into());
        object.insert("icon".into(), "".into());
        change.put(WebAuthnDeviceType::KIND, pk, object).await?;
    }
    change.set_state(DONE, &mark).await?;
    Ok(change.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_number_and_a_name() {
        for line in KNOWN.lines() {
            let (aaguid, name) = line.split_once(' ').unwrap();
            assert!(aaguid.parse::<Uuid>().is_ok() && !name.trim().is_empty(), "{line}");
        }
        assert!(KNOWN.lines().any(|line| line.starts_with(&UNKNOWN.to_string())));
    }
}
