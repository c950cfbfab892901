//! Signatures and seals, against the examples of the standards and against themselves.

#![expect(clippy::unwrap_used, reason = "a test ends when something is wrong")]

mod fuzz;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, RsaKeyPair,
};
use base64::Engine as _;
use proptest::prelude::*;
use serde_json::json;
use vestibule_jose::{Algorithm, JoseError, Jws, PublicKey, SigningKey, decrypt, encode, encrypt, sign};

fn pem(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

fn rsa() -> Vec<u8> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    der.as_ref().to_vec()
}

fn keys() -> Vec<SigningKey> {
    let random = SystemRandom::new();
    let curves = [&ECDSA_P256_SHA256_FIXED_SIGNING, &ECDSA_P384_SHA384_FIXED_SIGNING, &ECDSA_P521_SHA512_FIXED_SIGNING];
    let mut ders: Vec<Vec<u8>> = curves
        .into_iter()
        .map(|curve| EcdsaKeyPair::generate_pkcs8(curve, &random).unwrap().as_ref().to_vec())
        .collect();
    ders.push(Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref().to_vec());
    ders.push(rsa());
    let mut keys: Vec<SigningKey> = ders.iter().map(|der| SigningKey::of_pem(&pem(der)).unwrap()).collect();
    let pss = SigningKey::of_pem(&pem(ders.last().unwrap())).unwrap().signing_with(Algorithm::Ps256).unwrap();
    keys.push(pss);
    keys
}

#[test]
fn every_algorithm_verifies_what_it_signs_and_nothing_else() {
    let keys = keys();
    let algorithms: Vec<Algorithm> = keys.iter().map(SigningKey::algorithm).collect();
    assert_eq!(
        algorithms,
        [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Ps256]
    );
    for key in &keys {
        let claims = json!({"sub": "alice", "groups": ["a"]});
        let token = sign(key, &[("kid", "k1"), ("typ", "JWT")], &claims).unwrap();
        let jws = Jws::parse(&token).unwrap();
        assert_eq!((jws.kid(), jws.algorithm()), (Some("k1"), key.algorithm()));
        let jwk = key.public().unwrap().to_jwk();
        let public = PublicKey::of(&jwk).unwrap();
        let read = jws.verify(&public, &Algorithm::ASYMMETRIC).unwrap();
        assert_eq!(serde_json::Value::Object(read), claims);
        assert_eq!(jws.verify_own(key).unwrap().len(), 2);
        assert_eq!(jws.verify(&public, &[Algorithm::Hs256]).unwrap_err(), JoseError::Algorithm);
        for other in keys.iter().filter(|other| other.algorithm() != key.algorithm()) {
            let other = other.public().unwrap();
            if other != public {
                assert!(jws.verify(&other, &Algorithm::ALL).is_err());
            }
        }
        let (head, tail) = token.split_at(token.len() - 6);
        let forged = format!("{head}{}", if tail == "AAAAAA" { "BBBBBB" } else { "AAAAAA" });
        assert_eq!(Jws::parse(&forged).unwrap().verify(&public, &Algorithm::ALL).unwrap_err(), JoseError::Mismatch);
    }
}

#[test]
fn the_example_of_rfc_7515_a_2_verifies() {
    let jwk = json!({
        "kty": "RSA",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        "e": "AQAB",
    });
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let key = PublicKey::of(jwk.as_object().unwrap()).unwrap();
    let claims = Jws::parse(token).unwrap().verify(&key, &[Algorithm::Rs256]).unwrap();
    assert_eq!(claims["iss"], "joe");
}

#[test]
fn the_thumbprint_is_that_of_rfc_7638() {
    let jwk = json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
    });
    let key = PublicKey::of(jwk.as_object().unwrap()).unwrap();
    assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn what_a_header_demands_or_names_is_refused() {
    let token = |header: serde_json::Value| {
        format!("{}.{}.{}", encode(header.to_string().as_bytes()), encode(b"{}"), encode(b"x"))
    };
    for (header, error) in [
        (json!({"alg": "none"}), JoseError::Algorithm),
        (json!({"alg": "None"}), JoseError::Algorithm),
        (json!({"alg": "RS256", "crit": ["exp"]}), JoseError::Critical),
        (json!({"alg": "RS256", "b64": false}), JoseError::Critical),
        (json!({}), JoseError::Algorithm),
        (json!(["RS256"]), JoseError::Malformed),
    ] {
        assert_eq!(Jws::parse(&token(header)).unwrap_err(), error);
    }
    for text in ["", ".", "..", "a.b", "a.b.c.d", "e30.e30."] {
        assert!(Jws::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_public_key_is_no_shared_secret() {
    // CVE-2015-9235: a token signed with the public key's text as an HMAC secret.
    let key = keys().remove(4);
    let public = key.public().unwrap();
    let text = serde_json::Value::Object(public.to_jwk()).to_string();
    let forged = sign(&SigningKey::shared(text.as_bytes()), &[], &json!({"sub": "admin"})).unwrap();
    let jws = Jws::parse(&forged).unwrap();
    assert_eq!(jws.verify(&public, &Algorithm::ALL).unwrap_err(), JoseError::Algorithm);
    assert_eq!(jws.verify_own(&key).unwrap_err(), JoseError::Algorithm);
}

#[test]
fn private_and_symmetric_keys_are_no_public_ones() {
    let mut jwk = keys()[0].public().unwrap().to_jwk();
    jwk.insert("d".into(), "AA".into());
    assert_eq!(PublicKey::of(&jwk).unwrap_err(), JoseError::Key);
    assert_eq!(PublicKey::of(json!({"kty": "oct", "k": "AA"}).as_object().unwrap()).unwrap_err(), JoseError::Key);
}

#[test]
fn only_the_private_key_opens_what_was_encrypted() {
    let der = rsa();
    let public = PrivateDecryptingKey::from_pkcs8(&der).unwrap().public_key();
    let spki: PublicKeyX509Der<'_> = public.as_der().unwrap();
    let token = encrypt(spki.as_ref(), &[("typ", "JWE"), ("kid", "k")], b"a.b.c").unwrap();
    assert_eq!(decrypt(&der, &token).unwrap(), b"a.b.c");
    assert!(decrypt(&rsa(), &token).is_err());
    let mut parts: Vec<&str> = token.split('.').collect();
    parts[4] = "AAAA";
    assert_eq!(decrypt(&der, &parts.join(".")).unwrap_err(), JoseError::Mismatch);
}

proptest! {
    #[test]
    fn whatever_the_text_reading_it_never_panics(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Jws::parse(&text);
        let _ = decrypt(&bytes, &text);
        let token = format!("{}.{}.{}", encode(&bytes), encode(&bytes), encode(&bytes));
        let _ = Jws::parse(&token);
        let _ = encrypt(&bytes, &[], &bytes);
    }
}
