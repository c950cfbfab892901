//! An authenticator in software: ES256 or Ed25519, with or without attestation, a counter (WebAuthn Level 3, section 6).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{CertificateParams, CustomExtension, DnType, IsCa, SigningKey as _};
use serde_cbor_2::Value as Cbor;
use serde_json::{Value, json};

/// The extension that names a model: `id-fido-gen-ce-aaguid`.
const AAGUID: &[u64] = &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];

/// The key of a credential.
enum Key {
    Es256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// What an authenticator says of itself when it makes a credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Statement {
    /// Nothing.
    None,
    /// `packed`, signed by the credential's own key.
    Packed,
    /// `packed`, signed by a certificate for this model.
    Certified([u8; 16]),
    /// `fido-u2f`, as security keys did before WebAuthn.
    U2f,
}

/// An authenticator with one credential.
pub(crate) struct Authenticator {
    key: Key,
    credential: [u8; 16],
    handle: String,
    /// How often it has signed.
    pub count: u32,
    /// The page that it is used on.
    pub origin: String,
    /// The relying party that it takes it for.
    pub party: String,
    /// Its model.
    pub aaguid: [u8; 16],
    /// What it says of itself.
    pub statement: Statement,
    /// What it says of the moment: the flags beside those of a new credential.
    pub flags: u8,
    /// Whether its signatures are spoilt.
    pub forged: bool,
}

impl Authenticator {
    pub(crate) fn new() -> Self {
        Self::with(Key::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()))
    }

    /// One that signs with Ed25519.
    pub(crate) fn ed25519() -> Self {
        Self::with(Key::Ed25519(Ed25519KeyPair::generate().unwrap()))
    }

    fn with(key: Key) -> Self {
        let mut credential = [0; 16];
        let point = match &key {
            Key::Es256(key) => key.public_key().as_ref().to_vec(),
            Key::Ed25519(key) => key.public_key().as_ref().to_vec(),
        };
        credential.copy_from_slice(&point[1..17]);
        let (origin, party) = ("http://localhost".to_owned(), "localhost".to_owned());
        let (aaguid, statement, flags) = ([0; 16], Statement::None, 0b0000_0101);
        Self {
            key,
            credential,
            handle: String::new(),
            count: 0,
            origin,
            party,
            aaguid,
            statement,
            flags,
            forged: false,
        }
    }

    /// The identifier of its credential.
    pub(crate) fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.credential)
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        json!({"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false})
            .to_string()
            .into_bytes()
    }

    fn data(&mut self, flags: u8) -> Vec<u8> {
        self.count += 1;
        let mut data = digest(&SHA256, self.party.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.count.to_be_bytes());
        data
    }

    fn sign(&self, data: &[u8]) -> Vec<u8> {
        let mut signature = match &self.key {
            Key::Es256(key) => key.sign(&SystemRandom::new(), data).unwrap().as_ref().to_vec(),
            Key::Ed25519(key) => key.sign(data).as_ref().to_vec(),
        };
        if self.forged {
            let last = signature.len() - 1;
            signature[last] ^= 1;
        }
        signature
    }

    /// The public key as a `COSE_Key` (RFC 9053, sections 7.1 and 7.2).
    fn cose(&self) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                let head = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
                [head.as_slice(), &point[1..33], &[0x22, 0x58, 0x20], &point[33..65]].concat()
            }
            Key::Ed25519(key) => {
                let head = [0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20];
                [head.as_slice(), key.public_key().as_ref()].concat()
            }
        }
    }

    fn attest(&self, data: &[u8], client: &[u8]) -> (&'static str, Vec<(&'static str, Cbor)>) {
        let hash = digest(&SHA256, client);
        let signed = [data, hash.as_ref()].concat();
        let algorithm = if matches!(self.key, Key::Es256(_)) { -7 } else { -8 };
        match self.statement {
            Statement::None => ("none", Vec::new()),
            Statement::Packed => {
                ("packed", vec![("alg", Cbor::Integer(algorithm)), ("sig", Cbor::Bytes(self.sign(&signed)))])
            }
            Statement::Certified(model) => {
                let (certificate, key) = certificate(model);
                let signature = self.spoilt(key.sign(&signed).unwrap());
                let chain = Cbor::Array(vec![Cbor::Bytes(certificate)]);
                ("packed", vec![("alg", Cbor::Integer(-7)), ("sig", Cbor::Bytes(signature)), ("x5c", chain)])
            }
            Statement::U2f => {
                let Key::Es256(own) = &self.key else { panic!("U2F knows ES256 alone") };
                let (certificate, key) = certificate(self.aaguid);
                let party = digest(&SHA256, self.party.as_bytes());
                let point = own.public_key().as_ref();
                let signed = [&[0], party.as_ref(), hash.as_ref(), &self.credential, point].concat();
                let signature = self.spoilt(key.sign(&signed).unwrap());
                let chain = Cbor::Array(vec![Cbor::Bytes(certificate)]);
                ("fido-u2f", vec![("sig", Cbor::Bytes(signature)), ("x5c", chain)])
            }
        }
    }

    fn spoilt(&self, mut signature: Vec<u8>) -> Vec<u8> {
        if self.forged {
            let last = signature.len() - 1;
            signature[last] ^= 1;
        }
        signature
    }

    /// What it answers to options for a new credential.
    pub(crate) fn create(&mut self, options: &Value) -> Value {
        self.handle = options["user"]["id"].as_str().unwrap().to_owned();
        let client = self.client_data("webauthn.create", options);
        let mut data = self.data(0b0100_0000 | self.flags);
        data.extend(self.aaguid);
        data.extend([0, 16]);
        data.extend(self.credential);
        data.extend(self.cose());
        let (format, statement) = self.attest(&data, &client);
        let map = |parts: Vec<(&str, Cbor)>| {
            Cbor::Map(parts.into_iter().map(|(name, value)| (Cbor::Text(name.to_owned()), value)).collect())
        };
        let format = Cbor::Text(format.to_owned());
        let object = map(vec![("fmt", format), ("attStmt", map(statement)), ("authData", Cbor::Bytes(data))]);
        let object = serde_cbor_2::to_vec(&object).unwrap();
        json!({
            "id": self.id(), "rawId": self.id(), "type": "public-key", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client), "attestationObject": URL_SAFE_NO_PAD.encode(object),
                "transports": ["internal"],
            },
        })
    }

    /// What it answers to options for the use of one.
    pub(crate) fn get(&mut self, options: &Value) -> Value {
        let client = self.client_data("webauthn.get", options);
        let data = self.data(self.flags);
        let signature = self.sign(&[data.as_slice(), digest(&SHA256, &client).as_ref()].concat());
        json!({
            "id": self.id(), "rawId": self.id(), "type": "public-key", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client), "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "signature": URL_SAFE_NO_PAD.encode(signature), "userHandle": self.handle,
            },
        })
    }
}

/// A certificate of a model, and its key (WebAuthn Level 3, section 8.2.1).
fn certificate(model: [u8; 16]) -> (Vec<u8>, rcgen::KeyPair) {
    let mut params = CertificateParams::default();
    for (kind, text) in [
        (DnType::CountryName, "DE"),
        (DnType::OrganizationName, "Vestibule"),
        (DnType::OrganizationalUnitName, "Authenticator Attestation"),
        (DnType::CommonName, "Tests"),
    ] {
        params.distinguished_name.push(kind, text);
    }
    params.is_ca = IsCa::ExplicitNoCa;
    let content = [[0x04, 0x10].as_slice(), &model].concat();
    params.custom_extensions = vec![CustomExtension::from_oid_content(AAGUID, content)];
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (certificate.der().to_vec(), key)
}
