//! The ceremonies of WebAuthn: what a browser is asked to do with an authenticator, and whether it did.

mod ed25519;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;
use vestibule_devices::{DeviceRow, UNKNOWN, WebAuthnDeviceType};
use vestibule_flow::StageCx;
use vestibule_kernel::{ApiError, Object};
use vestibule_store::Configuration;
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::proto::{
    AuthenticationState, AuthenticatorAttachment, COSEAlgorithm, Credential, PublicKeyCredential,
    RegisterPublicKeyCredential, RegistrationState, UserVerificationPolicy,
};

use crate::authenticator_validate::{UserVerification, WebAuthnHint};
use crate::setup;

/// How long a browser waits for an authenticator.
const PATIENCE: Duration = Duration::from_mins(5);

/// Algorithms of keys that authenticators are asked for, the usual one first.
const ALGORITHMS: [COSEAlgorithm; 4] =
    [COSEAlgorithm::ES256, COSEAlgorithm::EDDSA, COSEAlgorithm::ES384, COSEAlgorithm::RS256];

/// Where pages are that may use its credentials.
fn origin(cx: &StageCx<'_>) -> Result<Url, ApiError> {
    Url::parse(&cx.visit.client.origin()).map_err(|_| ApiError::internal("a host that is no address"))
}

/// The relying party: the host that was asked, and pages of it alone (WebAuthn Level 3, sections 5.1.2 and 13.4.9).
fn relying_party(cx: &StageCx<'_>) -> Result<WebauthnCore, ApiError> {
    let origin = origin(cx)?;
    let id = rp_id(cx);
    Ok(WebauthnCore::new_unsafe_experts_only(&setup::issuer(cx), &id, vec![origin], PATIENCE, Some(false), Some(false)))
}

/// What credentials are made for.
pub(crate) fn rp_id(cx: &StageCx<'_>) -> String {
    cx.visit.client.host_name()
}

fn policy(verification: UserVerification) -> UserVerificationPolicy {
    match verification {
        UserVerification::Required => UserVerificationPolicy::Required,
        UserVerification::Preferred => UserVerificationPolicy::Preferred,
        UserVerification::Discouraged => UserVerificationPolicy::Discouraged_DO_NOT_USE,
    }
}

fn failed(error: impl std::fmt::Debug) -> ApiError {
    ApiError::internal(format!("a WebAuthn ceremony could not begin: {error:?}"))
}

fn with_hints(options: &mut Value, hints: &[WebAuthnHint]) {
    if let (Value::Object(options), false) = (options, hints.is_empty()) {
        options.insert("hints".into(), hints.iter().map(|hint| hint.as_str()).collect());
    }
}

/// Of what sort a device is to be: as it was chosen, or else as hints say that all agree (WebAuthn Level 3, section 5.8.7),
/// for browsers that know no hints.
fn attachment(chosen: &str, hints: &[WebAuthnHint]) -> Option<AuthenticatorAttachment> {
    match chosen {
        "platform" => Some(AuthenticatorAttachment::Platform),
        "cross-platform" => Some(AuthenticatorAttachment::CrossPlatform),
        _ if hints.is_empty() => None,
        _ if hints.iter().all(|hint| hint.as_str() == "client-device") => Some(AuthenticatorAttachment::Platform),
        _ if hints.iter().all(|hint| hint.as_str() != "client-device") => Some(AuthenticatorAttachment::CrossPlatform),
        _ => None,
    }
}

/// How a new credential is to be.
pub(crate) struct Wanted<'a> {
    /// Whose it will be: a handle that says nothing of them, a name, and a name for people.
    pub user: (&'a str, &'a str, &'a str),
    /// Credentials that they have.
    pub known: &'a [DeviceRow],
    /// Whether the device makes sure who holds it.
    pub verification: UserVerification,
    /// Whether the device keeps it, so that nobody has to say who they are.
    pub resident: UserVerification,
    /// Of what sort the device is; empty: any.
    pub attachment: &'a str,
    /// Which devices a browser offers first.
    pub hints: &'a [WebAuthnHint],
}

/// Options for a new credential, and what its answer will be compared with.
pub(crate) fn begin_registration(cx: &StageCx<'_>, wanted: &Wanted<'_>) -> Result<(Value, Value), ApiError> {
    let (handle, name, display) = wanted.user;
    let display = if display.is_empty() { name } else { display };
    let attachment = attachment(wanted.attachment, wanted.hints);
    let known = wanted.known.iter().filter_map(credential).map(|credential| credential.cred_id).collect();
    let party = relying_party(cx)?;
    let builder = party.new_challenge_register_builder(handle.as_bytes(), name, display).map_err(failed)?;
    let builder = builder
        .attestation(webauthn_rs_core::proto::AttestationConveyancePreference::Direct)
        .user_verification_policy(policy(wanted.verification))
        .require_resident_key(wanted.resident == UserVerification::Required)
        .authenticator_attachment(attachment)
        .credential_algorithms(ALGORITHMS.to_vec())
        .exclude_credentials(Some(known));
    let (options, state) = party.generate_challenge_register(builder).map_err(failed)?;
    let mut options = serde_json::to_value(options.public_key).map_err(failed)?;
    if let Some(selection) = options.get_mut("authenticatorSelection").and_then(Value::as_object_mut) {
        selection.insert("residentKey".into(), wanted.resident.as_str().into());
        selection.insert("userVerification".into(), wanted.verification.as_str().into());
    }
    with_hints(&mut options, wanted.hints);
    Ok((options, serde_json::to_value(state).map_err(failed)?))
}

/// A credential that was made.
pub(crate) struct Made {
    /// The credential, as it is kept.
    pub credential: Value,
    /// Its identifier.
    pub id: String,
    /// What its device has counted.
    pub count: i64,
    /// What its device says that its model is.
    pub aaguid: Uuid,
    /// The certificate that the device was attested with, base64url of its DER.
    pub certificate: Option<String>,
}

/// A browser's answer. Some that sign in to an Android device leave out what it could only be.
fn whole(mut response: Object) -> Value {
    response.entry("type").or_insert_with(|| "public-key".into());
    Value::Object(response)
}

/// Checks what a browser made; why not, in words for logs.
pub(crate) fn finish_registration(cx: &StageCx<'_>, state: Value, response: Object) -> Result<Made, String> {
    let response: RegisterPublicKeyCredential =
        serde_json::from_value(whole(response)).map_err(|error| error.to_string())?;
    let made = match ed25519::attestation(&response.response.attestation_object)? {
        Some(attestation) => {
            let origin = origin(cx).map_err(|error| error.to_string())?;
            ed25519::register(&ed25519::Place { id: &rp_id(cx), origin, state: &state }, &response, attestation)?
        }
        None => {
            let state: RegistrationState = serde_json::from_value(state).map_err(|error| error.to_string())?;
            let party = relying_party(cx).map_err(|error| error.to_string())?;
            party.register_credential(&response, &state, None).map_err(|error| format!("{error:?}"))?
        }
    };
    let id = URL_SAFE_NO_PAD.encode(&made.cred_id);
    let aaguid = aaguid_of(&response.response.attestation_object).unwrap_or(UNKNOWN);
    let count = i64::from(made.counter);
    let credential = serde_json::to_value(made).map_err(|error| error.to_string())?;
    let certificate = credential.pointer("/attestation/data/Basic/0").and_then(Value::as_str).map(str::to_owned);
    Ok(Made { credential, id, count, aaguid, certificate })
}

/// The model in the authenticator data of an attestation object (WebAuthn Level 3, sections 6.1 and 6.5.1): the bytes
/// behind the hash of the relying party, the flags and the counter.
fn aaguid_of(attestation: &[u8]) -> Option<Uuid> {
    const KEY: &[u8] = b"\x68authData";
    let start = attestation.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let header = match attestation.get(start)? {
        0x58 => 2,
        0x59 => 3,
        0x40..=0x57 => 1,
        _ => return None,
    };
    let data = attestation.get(start + header..)?;
    let has_credential = data.get(32)? & 0x40 != 0;
    has_credential.then(|| Uuid::from_slice(data.get(37..53)?).ok()).flatten()
}

/// The credential of a device.
fn credential(device: &DeviceRow) -> Option<Credential> {
    serde_json::from_value(device.row.json("credential").ok()?).ok()
}

/// Options for the use of a credential, and what the answer will be compared with; of no devices: of whatever the browser
/// has for this host.
pub(crate) fn begin_authentication(
    cx: &StageCx<'_>,
    devices: &[DeviceRow],
    verification: UserVerification,
    hints: &[WebAuthnHint],
) -> Result<(Value, Value), ApiError> {
    let party = relying_party(cx)?;
    let known = devices.iter().filter_map(credential).collect();
    let builder = party.new_challenge_authenticate_builder(known, Some(policy(verification))).map_err(failed)?;
    let (options, state) = party.generate_challenge_authenticate(builder).map_err(failed)?;
    let mut options = serde_json::to_value(options.public_key).map_err(failed)?;
    if let Some(options) = options.as_object_mut() {
        options.insert("userVerification".into(), verification.as_str().into());
    }
    with_hints(&mut options, hints);
    Ok((options, serde_json::to_value(state).map_err(failed)?))
}

/// The identifier of the credential that an answer was made with.
pub(crate) fn credential_of(response: &Object) -> Option<String> {
    let response: PublicKeyCredential = serde_json::from_value(whole(response.clone())).ok()?;
    Some(URL_SAFE_NO_PAD.encode(response.raw_id))
}

/// A credential that was used.
pub(crate) struct Used {
    /// The credential as it is now.
    pub credential: Value,
    /// What its device has counted.
    pub count: i64,
}

/// Checks an answer against the device it was made with; why not, in words for logs.
pub(crate) fn finish_authentication(
    cx: &StageCx<'_>,
    state: Value,
    device: &DeviceRow,
    response: Object,
) -> Result<Used, String> {
    let response: PublicKeyCredential = serde_json::from_value(whole(response)).map_err(|error| error.to_string())?;
    let mut known = credential(device).ok_or("a credential that cannot be read")?;
    if ed25519::key(&known).is_some() {
        let origin = origin(cx).map_err(|error| error.to_string())?;
        ed25519::authenticate(&ed25519::Place { id: &rp_id(cx), origin, state: &state }, &response, &mut known)?;
    } else {
        let mut state: AuthenticationState = serde_json::from_value(state).map_err(|error| error.to_string())?;
        let party = relying_party(cx).map_err(|error| error.to_string())?;
        state.set_allowed_credentials(vec![known.clone()]);
        let result = party.authenticate_credential(&response, &state).map_err(|error| format!("{error:?}"))?;
        known.counter = result.counter();
        known.backup_state = result.backup_state();
    }
    let count = i64::from(known.counter);
    Ok(Used { credential: serde_json::to_value(known).map_err(|error| error.to_string())?, count })
}

/// Whether a model is among those that are let through; none named: all are.
pub(crate) fn is_allowed(configuration: &Configuration, allowed: &[Uuid], aaguid: Uuid) -> bool {
    let known = configuration.get::<WebAuthnDeviceType>(aaguid).is_some();
    allowed.is_empty() || allowed.contains(&aaguid) || (!known && allowed.contains(&UNKNOWN))
}

/// Models with what is known of them, as stages show them.
pub(crate) fn described(configuration: &Configuration, models: &Value) -> Value {
    let models = models.as_array().into_iter().flatten().filter_map(|model| model.as_str()?.parse::<Uuid>().ok());
    let known = models.filter_map(|model| configuration.get::<WebAuthnDeviceType>(model));
    known.map(|model| json!({"aaguid": model.aaguid, "description": model.description})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_found_in_the_authenticator_data() {
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58\xa4".to_vec();
        object.extend([0; 32]);
        object.extend([0x45, 0, 0, 0, 1]);
        object.extend([7; 16]);
        assert_eq!(aaguid_of(&object), Some(Uuid::from_bytes([7; 16])));
        assert_eq!(aaguid_of(b"nothing"), None);
        assert_eq!(aaguid_of(object.get(..40).unwrap()), None);
    }
}
