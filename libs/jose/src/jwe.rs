//! Encrypted tokens in their compact form (RFC 7516, section 7.1): `RSA-OAEP-256` with `A256CBC-HS512` (RFC 7518, sections
//! 4.3 and 5.2.5).

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey};
use aws_lc_rs::rsa::{PrivateDecryptingKey, PublicEncryptingKey};
use serde_json::{Map, Value};

use crate::{JoseError, decode, encode};

/// How the key is encrypted, and how the content.
const HEADER: [(&str, &str); 2] = [("alg", "RSA-OAEP-256"), ("enc", "A256CBC-HS512")];
/// Half of the content's key, bytes: one half authenticates, the other encrypts.
const HALF: usize = 32;

/// A token that only the holder of a private key can read. `spki` is the public one in DER (`SubjectPublicKeyInfo`);
/// `header` comes behind what names the algorithms.
///
/// # Errors
/// The key is not RSA.
pub fn encrypt(spki: &[u8], header: &[(&str, &str)], plain: &[u8]) -> Result<String, JoseError> {
    let named: Map<String, Value> =
        HEADER.iter().chain(header).map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let header = encode(Value::Object(named).to_string().as_bytes());
    let mut key = [0; 2 * HALF];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| JoseError::Key)?;
    let public = PublicEncryptingKey::from_der(spki).map_err(|_| JoseError::Key)?;
    let public = OaepPublicEncryptingKey::new(public).map_err(|_| JoseError::Key)?;
    let mut wrapped = vec![0; public.ciphertext_size()];
    let wrapped = public.encrypt(&OAEP_SHA256_MGF1SHA256, &key, &mut wrapped, None).map_err(|_| JoseError::Key)?;
    let (mac, cipher) = key.split_at(HALF);
    let cipher = UnboundCipherKey::new(&AES_256, cipher).map_err(|_| JoseError::Key)?;
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).map_err(|_| JoseError::Key)?;
    let mut text = plain.to_vec();
    let context = cipher.encrypt(&mut text).map_err(|_| JoseError::Key)?;
    let iv: &[u8] = (&context).try_into().map_err(|_| JoseError::Key)?;
    let tag = tag(mac, &header, iv, &text);
    let seal = tag.as_ref().get(..HALF).unwrap_or_default();
    Ok([header, encode(wrapped), encode(iv), encode(&text), encode(seal)].join("."))
}

/// What such a token holds, by the private key in DER (PKCS #8).
///
/// # Errors
/// It is no such token, or another key's.
pub fn decrypt(pkcs8: &[u8], token: &str) -> Result<Vec<u8>, JoseError> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, wrapped, iv, text, seal] = parts.as_slice() else { return Err(JoseError::Malformed) };
    let named: Value = serde_json::from_slice(&decode(header)?).map_err(|_| JoseError::Malformed)?;
    if HEADER.iter().any(|(name, value)| named.get(name).and_then(Value::as_str) != Some(value)) {
        return Err(JoseError::Algorithm);
    }
    let private = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| JoseError::Key)?;
    let private = OaepPrivateDecryptingKey::new(private).map_err(|_| JoseError::Key)?;
    let mut key = vec![0; private.min_output_size()];
    let wrapped = decode(wrapped)?;
    let key = private.decrypt(&OAEP_SHA256_MGF1SHA256, &wrapped, &mut key, None).map_err(|_| JoseError::Mismatch)?;
    let (mac, cipher) = key.split_at_checked(HALF).ok_or(JoseError::Mismatch)?;
    let (iv, mut text, seal) = (decode(iv)?, decode(text)?, decode(seal)?);
    let expected = tag(mac, header, &iv, &text);
    let expected = expected.as_ref().get(..HALF).unwrap_or_default();
    aws_lc_rs::constant_time::verify_slices_are_equal(expected, &seal).map_err(|_| JoseError::Mismatch)?;
    let cipher = UnboundCipherKey::new(&AES_256, cipher).map_err(|_| JoseError::Mismatch)?;
    let cipher = PaddedBlockDecryptingKey::cbc_pkcs7(cipher).map_err(|_| JoseError::Key)?;
    let iv: [u8; 16] = iv.try_into().map_err(|_| JoseError::Malformed)?;
    let plain = cipher.decrypt(&mut text, DecryptionContext::Iv128(iv.into())).map_err(|_| JoseError::Mismatch)?;
    Ok(plain.to_vec())
}

/// RFC 7518, section 5.2.2.1: over the header, the vector, the text, and the header's length in bits.
fn tag(key: &[u8], header: &str, iv: &[u8], text: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA512, key));
    context.update(header.as_bytes());
    context.update(iv);
    context.update(text);
    let bits = u64::try_from(header.len()).unwrap_or(u64::MAX).saturating_mul(8);
    context.update(&bits.to_be_bytes());
    context.sign()
}
