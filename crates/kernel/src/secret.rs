//! Sealing of secrets at rest, keyed hashes, constant-time comparison.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;

use crate::Ctx;

/// What could not be opened, and why in one word. Never carries the secret.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Sealed with a key that this server does not have.
    #[error("sealed with key {found}, this server has {have}: is the secret key the right one?")]
    WrongKey {
        /// Id of the key that sealed it.
        found: String,
        /// Id of the present key.
        have: String,
    },
    /// Not what `seal` makes, or moved to another place, or altered.
    #[error("a sealed value is damaged or was moved")]
    Damaged,
}

/// Derives the keys of a server from its secret key, and uses them.
pub struct Keys {
    id: String,
    sealing: LessSafeKey,
    lookup: hmac::Key,
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Keys {
    /// Keys from the secret key's text (any length; the server makes 50 random characters).
    ///
    /// # Errors
    /// Only if the cryptography library fails.
    pub fn derive(secret_key: &str) -> Result<Self, SealError> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"vestibule/1");
        let root = salt.extract(secret_key.as_bytes());
        let make = |purpose: &[u8]| -> Result<[u8; 32], SealError> {
            let mut key = [0; 32];
            let info = [purpose];
            let output = root.expand(&info, Length(32)).map_err(|_| SealError::Damaged)?;
            output.fill(&mut key).map_err(|_| SealError::Damaged)?;
            Ok(key)
        };
        let unbound = UnboundKey::new(&AES_256_GCM, &make(b"seal")?).map_err(|_| SealError::Damaged)?;
        let id = hex::encode(make(b"id")?.get(..4).unwrap_or_default());
        let lookup = hmac::Key::new(hmac::HMAC_SHA256, &make(b"lookup")?);
        Ok(Self { id, sealing: LessSafeKey::new(unbound), lookup })
    }

    /// Names the key without telling it: kept beside what it sealed.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Encrypts `plain` so that it opens only at `place` (a document and its field, say).
    pub fn seal(&self, ctx: &Ctx, place: &str, plain: &str) -> Result<String, SealError> {
        let nonce: [u8; NONCE_LEN] = ctx.bytes();
        let mut data = plain.as_bytes().to_vec();
        self.sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()), &mut data)
            .map_err(|_| SealError::Damaged)?;
        let mut whole = nonce.to_vec();
        whole.append(&mut data);
        Ok(format!("{}:{}", self.id, BASE64.encode(whole)))
    }

    /// Opens what `seal` made for the same place.
    pub fn open(&self, place: &str, sealed: &str) -> Result<String, SealError> {
        let (id, data) = sealed.split_once(':').ok_or(SealError::Damaged)?;
        if id != self.id {
            return Err(SealError::WrongKey { found: id.into(), have: self.id.clone() });
        }
        let mut data = BASE64.decode(data).map_err(|_| SealError::Damaged)?;
        if data.len() < NONCE_LEN {
            return Err(SealError::Damaged);
        }
        let mut rest = data.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&data).map_err(|_| SealError::Damaged)?;
        let plain = self
            .sealing
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut rest)
            .map_err(|_| SealError::Damaged)?;
        String::from_utf8(plain.to_vec()).map_err(|_| SealError::Damaged)
    }

    /// A keyed hash by which a bearer secret is found again: the database never holds the secret itself.
    pub fn lookup_hash(&self, secret: &str) -> String {
        hex::encode(hmac::sign(&self.lookup, secret.as_bytes()).as_ref())
    }

    /// The keyed hash of a token. It begins with the second at which a JWT says that it was issued (`iat`, RFC 7519, section
    /// 4.1.6): those of one time lie side by side in an index, and whoever adds many writes few of its pages.
    pub fn token_hash(&self, token: &str) -> String {
        let hash = self.lookup_hash(token);
        match issued_at(token) {
            Some(at) => format!("{at:08x}{hash}"),
            None => hash,
        }
    }
}

/// When a JWT says that it was issued, seconds since 1970. Of one that is encrypted, or of something else, nobody knows.
fn issued_at(token: &str) -> Option<u32> {
    #[derive(serde::Deserialize)]
    struct Issued {
        iat: u32,
    }
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    serde_json::from_slice::<Issued>(&claims).ok().map(|issued| issued.iat)
}

/// SHA-256, hexadecimal.
pub fn sha256_hex(data: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, data).as_ref())
}

/// Equality that takes the same time wherever the difference lies.
pub fn constant_time_eq(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_at_its_place_and_with_its_key() {
        let ctx = Ctx::system();
        let keys = Keys::derive("one").unwrap();
        let sealed = keys.seal(&ctx, "stage/1/private_key", "s3cret").unwrap();
        assert!(!sealed.contains("s3cret"));
        assert_eq!(keys.open("stage/1/private_key", &sealed).unwrap(), "s3cret");
        assert!(matches!(keys.open("stage/2/private_key", &sealed), Err(SealError::Damaged)));
        let other = Keys::derive("two").unwrap();
        assert!(matches!(other.open("stage/1/private_key", &sealed), Err(SealError::WrongKey { .. })));
        assert!(matches!(keys.open("x", "nonsense"), Err(SealError::Damaged)));
    }

    #[test]
    fn tokens_of_one_time_lie_side_by_side() {
        let keys = Keys::derive("one").unwrap();
        let token = |claims: &str| format!("e30.{}.c2lnbmVk", URL_SAFE_NO_PAD.encode(claims));
        let issued = token(r#"{"sub":"x","iat":1764326400}"#);
        assert_eq!(keys.token_hash(&issued), format!("69297c00{}", keys.lookup_hash(&issued)));
        let later = token(r#"{"iat":1764326401}"#);
        assert!(keys.token_hash(&issued) < keys.token_hash(&later));
        let encrypted = format!("{issued}.e30.e30");
        for other in
            ["", "opaque", "a.b.c", &token("[]"), &token(r#"{"iat":-1}"#), &token(r#"{"iat":"1"}"#), &encrypted]
        {
            assert_eq!(keys.token_hash(other), keys.lookup_hash(other), "{other}");
        }
    }

    #[test]
    fn lookup_hashes_depend_on_the_key() {
        let (one, two) = (Keys::derive("one").unwrap(), Keys::derive("two").unwrap());
        assert_eq!(one.lookup_hash("t"), one.lookup_hash("t"));
        assert_ne!(one.lookup_hash("t"), two.lookup_hash("t"));
    }
}
