//! Private keys: whether a PEM text holds one that can be used, and which public key it belongs to.

use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

/// The public key of a private one (PKCS #1, PKCS #8 or SEC 1), in the form that a certificate carries it in. `None`:
/// the text holds no key, or none that can be used: an encrypted one, or one of too few bits.
pub(crate) fn public_key(pem: &str) -> Option<Vec<u8>> {
    // Copied from a form or a chart, lines come with blanks around them.
    let pem = pem.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    match PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()? {
        PrivateKeyDer::Pkcs1(der) => Some(rsa_public(&rsa::KeyPair::from_der(der.secret_pkcs1_der()).ok()?)),
        PrivateKeyDer::Sec1(der) => curve(der.secret_sec1_der()),
        PrivateKeyDer::Pkcs8(der) => {
            let der = der.secret_pkcs8_der();
            let rsa = rsa::KeyPair::from_pkcs8(der).ok().map(|pair| rsa_public(&pair));
            let edwards = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok();
            rsa.or_else(|| edwards().map(|pair| pair.public_key().as_ref().to_vec())).or_else(|| curve(der))
        }
        _ => None,
    }
}

fn rsa_public(pair: &rsa::KeyPair) -> Vec<u8> {
    pair.public_key().as_ref().to_vec()
}

fn curve(der: &[u8]) -> Option<Vec<u8>> {
    let curves = [
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &ECDSA_P384_SHA384_ASN1_SIGNING,
        &ECDSA_P521_SHA512_ASN1_SIGNING,
        &ECDSA_P256K1_SHA256_ASN1_SIGNING,
    ];
    let pair = curves.into_iter().find_map(|curve| EcdsaKeyPair::from_private_key_der(curve, der).ok())?;
    Some(pair.public_key().as_ref().to_vec())
}
