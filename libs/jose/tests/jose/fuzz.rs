//! Whatever bytes come as tokens and keys: reading them never panics, and nothing is believed that was not signed.
//!
//! `cargo test` runs each target for a moment; `scripts/fuzz.sh` for as long as one likes, led by coverage.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use aws_lc_rs::signature::RsaKeyPair;
use serde_json::{Value, json};
use vestibule_jose::{Algorithm, Jws, PublicKey, SigningKey, decrypt, encode, encrypt, sign};

static SHARED: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::shared(b"a secret for tests"));
static RSA: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    der.as_ref().to_vec()
});

/// A good token of which the input takes the place of a part or changes a byte: its own first byte says which.
fn changed(good: &str, input: &[u8]) -> String {
    let Some((place, rest)) = input.split_first() else { return good.to_owned() };
    let text = String::from_utf8_lossy(rest).into_owned();
    let place = usize::from(*place);
    let mut parts: Vec<String> = good.split('.').map(str::to_owned).collect();
    if place == 16 {
        return text;
    }
    if let Some(part) = parts.get_mut(place) {
        *part = text;
    } else if let Some(part) = place.checked_sub(8).and_then(|at| parts.get_mut(at)) {
        *part = encode(rest);
    } else {
        let mut bytes = good.as_bytes().to_vec();
        let at = place % bytes.len();
        if let (Some(byte), Some(new)) = (bytes.get_mut(at), rest.first()) {
            *byte = *new;
        }
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    parts.join(".")
}

#[test]
fn jws() {
    let good = sign(&SHARED, &[("kid", "k"), ("typ", "JWT")], &json!({"sub": "alice"})).unwrap();
    let public = PublicKey::of(json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&[7; 32])}).as_object().unwrap());
    let public = public.unwrap();
    bolero::check!().for_each(|input: &[u8]| {
        let text = changed(&good, input);
        let Ok(token) = Jws::parse(&text) else { return };
        assert!(token.verify(&public, &Algorithm::ALL).is_err(), "{text}");
        if token.verify_own(&SHARED).is_ok() {
            assert_eq!(text, good, "what was not signed is believed");
        }
    });
}

#[test]
fn jwe() {
    let key = PrivateDecryptingKey::from_pkcs8(&RSA).unwrap().public_key();
    let spki: PublicKeyX509Der<'_> = key.as_der().unwrap();
    let good = encrypt(spki.as_ref(), &[("kid", "k")], b"a.b.c").unwrap();
    bolero::check!().for_each(|input: &[u8]| {
        let text = changed(&good, input);
        if decrypt(&RSA, &text).is_ok() {
            assert_eq!(text, good, "what was changed is believed");
        }
    });
}

#[test]
fn jwk() {
    bolero::check!().for_each(|input: &[u8]| {
        let Ok(Value::Object(jwk)) = serde_json::from_slice(input) else { return };
        let Ok(key) = PublicKey::of(&jwk) else { return };
        assert!(!jwk.contains_key("d") && !jwk.contains_key("k"), "a private key is taken");
        let again = PublicKey::of(&key.to_jwk()).unwrap();
        assert_eq!((&again, again.thumbprint()), (&key, key.thumbprint()));
        for algorithm in Algorithm::ALL {
            assert!(key.verify(algorithm, b"message", &[0; 64]).is_err());
        }
    });
}

#[test]
fn pem() {
    bolero::check!().for_each(|input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        if let Ok(key) = SigningKey::of_pem(&text) {
            let signature = key.sign(b"message").unwrap();
            assert!(key.verify(b"message", &signature).is_ok() && key.verify(b"other", &signature).is_err());
        }
    });
}
