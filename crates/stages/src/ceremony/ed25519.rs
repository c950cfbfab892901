//! Credentials of Ed25519 (COSE algorithm -8, RFC 9053, section 2.2): the library reads them and verifies nothing with
//! them. What it asks of all others is asked of these here, in the order of WebAuthn Level 3, sections 7.1 and 7.2.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_cbor_2::Value as Cbor;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;
use webauthn_rs_core::attestation::{FidoGenCeAaguid, assert_packed_attest_req, validate_extension};
use webauthn_rs_core::crypto::verify_signature;
use webauthn_rs_core::internals::AuthenticatorData;
use webauthn_rs_core::proto::{
    AttestationFormat, AttestationMetadata, Authentication, COSEAlgorithm, COSEKey, COSEKeyType, COSEOKPKey, Ceremony,
    CollectedClientData, Credential, EDDSACurve, ParsedAttestation, ParsedAttestationData, PublicKeyCredential,
    RegisterPublicKeyCredential, RegisteredExtensions, Registration, UserVerificationPolicy,
};

/// The algorithm.
const EDDSA: i128 = -8;
/// The length of the hash that authenticator data begins with (section 6.1).
const HASH: usize = 32;

/// Where a ceremony takes place: the relying party, the origin of its pages, and what was noted when it began.
pub(super) struct Place<'a> {
    pub id: &'a str,
    pub origin: Url,
    pub state: &'a Value,
}

impl Place<'_> {
    /// Whether a browser signed what was asked, on a page of this origin; the hash of what it signed.
    fn client_data(&self, kind: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let told: CollectedClientData = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let challenge = self.state.get("challenge").and_then(Value::as_str).unwrap_or_default();
        if challenge.is_empty() || URL_SAFE_NO_PAD.encode(&told.challenge) != challenge {
            return Err("an answer to another challenge".into());
        }
        if told.type_ != kind || told.origin.origin() != self.origin.origin() || told.cross_origin == Some(true) {
            return Err(format!("an answer of another page: {} at {}", told.type_, told.origin));
        }
        Ok(digest(&SHA256, bytes).as_ref().to_vec())
    }

    fn policy(&self) -> UserVerificationPolicy {
        let policy = self.state.get("policy").cloned().unwrap_or_default();
        serde_json::from_value(policy).unwrap_or(UserVerificationPolicy::Required)
    }

    /// What every authenticator has to say: for this relying party, with somebody there, and of backups only where there
    /// may be any.
    fn data<T: Ceremony>(&self, bytes: &[u8]) -> Result<AuthenticatorData<T>, String> {
        let data = AuthenticatorData::<T>::try_from(bytes).map_err(|error| format!("{error:?}"))?;
        if bytes.get(..HASH) != Some(digest(&SHA256, self.id.as_bytes()).as_ref()) {
            return Err("an answer for another relying party".into());
        }
        if !data.user_present || (data.backup_state && !data.backup_eligible) {
            return Err("nobody was there, or a backup that cannot be".into());
        }
        Ok(data)
    }
}

/// What an authenticator made: its statement about it, and the key.
pub(super) struct Attestation {
    format: String,
    statement: BTreeMap<Cbor, Cbor>,
    data: Vec<u8>,
    key: Vec<u8>,
}

/// What an authenticator made, if it is of this algorithm.
///
/// # Errors
/// It says that it is, and is not.
pub(super) fn attestation(object: &[u8]) -> Result<Option<Attestation>, String> {
    // (Whatever is no attestation is for the library to refuse.)
    let Ok(Cbor::Map(mut object)) = serde_cbor_2::from_slice::<Cbor>(object) else { return Ok(None) };
    let mut part = |name: &str| object.remove(&Cbor::Text(name.to_owned()));
    let parts = (part("fmt"), part("attStmt"), part("authData"));
    let (Some(Cbor::Text(format)), Some(Cbor::Map(statement)), Some(Cbor::Bytes(data))) = parts else {
        return Ok(None);
    };
    let Ok(read) = AuthenticatorData::<Registration>::try_from(data.as_slice()) else { return Ok(None) };
    let Some(Cbor::Map(key)) = read.acd.map(|made| made.credential_pk) else { return Ok(None) };
    let label = |label: i128| key.get(&Cbor::Integer(label));
    if label(3) != Some(&Cbor::Integer(EDDSA)) {
        return Ok(None);
    }
    // An octet key pair on the curve of that name (RFC 9053, section 7.2).
    match (label(1), label(-1), label(-2)) {
        (Some(Cbor::Integer(1)), Some(Cbor::Integer(6)), Some(Cbor::Bytes(x))) if x.len() == 32 => {
            Ok(Some(Attestation { format, statement, key: x.clone(), data }))
        }
        _ => Err("a key that is none of Ed25519".into()),
    }
}

impl Attestation {
    fn part(&self, name: &str) -> Option<&Cbor> {
        self.statement.get(&Cbor::Text(name.to_owned()))
    }

    /// What the statement proves of the authenticator (sections 8.2 and 8.7); `signed`: what it signs.
    fn verify(&self, aaguid: [u8; 16], signed: &[u8]) -> Result<(AttestationFormat, ParsedAttestation), String> {
        let proved = |data, metadata| ParsedAttestation { data, metadata };
        match self.format.as_str() {
            "none" if self.statement.is_empty() => Ok((AttestationFormat::None, ParsedAttestation::default())),
            "packed" => {
                let Some(Cbor::Bytes(signature)) = self.part("sig") else {
                    return Err("a statement without a signature".into());
                };
                let Some(chain) = self.part("x5c") else {
                    if self.part("alg") != Some(&Cbor::Integer(EDDSA)) {
                        return Err("a key that attests itself by another algorithm".into());
                    }
                    verify(&self.key, signed, signature)?;
                    let proof = proved(ParsedAttestationData::Self_, AttestationMetadata::None);
                    return Ok((AttestationFormat::Packed, proof));
                };
                let chain = certificates(chain)?;
                let metadata = AttestationMetadata::Packed { aaguid: Uuid::from_bytes(aaguid) };
                by_certificate(&chain, aaguid, signed, signature)?;
                Ok((AttestationFormat::Packed, proved(chain, metadata)))
            }
            other => Err(format!("a statement of the format {other}")),
        }
    }
}

/// The certificates of a statement: the authenticator's own, and those above it.
fn certificates(chain: &Cbor) -> Result<ParsedAttestationData, String> {
    let Cbor::Array(chain) = chain else { return Err("a chain that is none".into()) };
    let encoded = chain.iter().map(|one| match one {
        Cbor::Bytes(der) => Ok(Value::from(URL_SAFE_NO_PAD.encode(der))),
        _ => Err("a certificate that is none".to_owned()),
    });
    let encoded = encoded.collect::<Result<Vec<Value>, _>>()?;
    serde_json::from_value(json!({ "Basic": encoded })).map_err(|error| error.to_string())
}

/// Whether the certificate of a model has signed, and is one that may (section 8.2.1).
fn by_certificate(
    chain: &ParsedAttestationData,
    aaguid: [u8; 16],
    signed: &[u8],
    signature: &[u8],
) -> Result<(), String> {
    let ParsedAttestationData::Basic(chain) = chain else { return Err("a chain that is none".into()) };
    let own = chain.first().ok_or("a chain without certificates")?;
    let told = |error| format!("{error:?}");
    if !verify_signature(own, signature, signed).map_err(told)? {
        return Err("a statement that its certificate has not signed".into());
    }
    assert_packed_attest_req(own).map_err(told)?;
    validate_extension::<FidoGenCeAaguid>(own, &aaguid).map_err(told)?;
    Ok(())
}

fn verify(key: &[u8], signed: &[u8], signature: &[u8]) -> Result<(), String> {
    let key = UnparsedPublicKey::new(&ED25519, key);
    key.verify(signed, signature).map_err(|_| "a signature of another key".to_owned())
}

/// Checks a credential that was made (section 7.1); why it is none, in words for logs.
pub(super) fn register(
    place: &Place<'_>,
    response: &RegisterPublicKeyCredential,
    attestation: Attestation,
) -> Result<Credential, String> {
    let hash = place.client_data("webauthn.create", &response.response.client_data_json)?;
    let data = place.data::<Registration>(&attestation.data)?;
    let policy = place.policy();
    if policy == UserVerificationPolicy::Required && !data.user_verified {
        return Err("nobody made sure who was there".into());
    }
    let made = data.acd.as_ref().ok_or("no credential")?;
    let listed = |name: &str, wanted: &Value| {
        place.state.get(name).and_then(Value::as_array).is_some_and(|list| list.contains(wanted))
    };
    if !listed("credential_algorithms", &json!(COSEAlgorithm::EDDSA)) {
        return Err("an algorithm that was not asked for".into());
    }
    if listed("exclude_credentials", &URL_SAFE_NO_PAD.encode(&made.credential_id).into()) {
        return Err("a credential that is known already".into());
    }
    let signed = [attestation.data.as_slice(), &hash].concat();
    let (format, proof) = attestation.verify(made.aaguid, &signed)?;
    let transports = match format {
        AttestationFormat::Packed => response.response.transports.clone(),
        _ => None,
    };
    Ok(Credential {
        cred_id: made.credential_id.clone(),
        cred: COSEKey {
            type_: COSEAlgorithm::EDDSA,
            key: COSEKeyType::EC_OKP(COSEOKPKey { curve: EDDSACurve::ED25519, x: attestation.key }),
        },
        counter: data.counter,
        transports,
        user_verified: data.user_verified,
        backup_eligible: data.backup_eligible,
        backup_state: data.backup_state,
        registration_policy: policy,
        extensions: RegisteredExtensions::none(),
        attestation: proof,
        attestation_format: format,
    })
}

/// The key of a credential, if it is of this algorithm.
pub(super) fn key(credential: &Credential) -> Option<&[u8]> {
    match &credential.cred.key {
        COSEKeyType::EC_OKP(COSEOKPKey { curve: EDDSACurve::ED25519, x }) => Some(x),
        _ => None,
    }
}

/// Checks the use of a credential (section 7.2); why it does not count, in words for logs. What changes of the credential
/// is changed in it.
pub(super) fn authenticate(
    place: &Place<'_>,
    response: &PublicKeyCredential,
    credential: &mut Credential,
) -> Result<(), String> {
    if credential.cred_id != response.raw_id {
        return Err("an answer of another credential".into());
    }
    let answer = &response.response;
    let hash = place.client_data("webauthn.get", &answer.client_data_json)?;
    let data = place.data::<Authentication>(&answer.authenticator_data)?;
    // Whoever was made sure of when it was set up is made sure of since.
    let registered = credential.registration_policy;
    let required = [place.policy(), registered].contains(&UserVerificationPolicy::Required)
        || (registered == UserVerificationPolicy::Preferred && credential.user_verified);
    if required && !data.user_verified {
        return Err("nobody made sure who was there".into());
    }
    if data.backup_eligible != credential.backup_eligible {
        return Err("a credential that may be copied all at once, or no longer".into());
    }
    let key = key(credential).ok_or("a credential of another algorithm")?;
    verify(key, &[answer.authenticator_data.as_slice(), &hash].concat(), &answer.signature)?;
    credential.counter = data.counter;
    credential.backup_state = data.backup_state;
    Ok(())
}
