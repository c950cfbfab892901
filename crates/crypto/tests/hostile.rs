//! Texts that pretend to be certificates and keys: refused or read, and never more than that.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it is surprised")]

use std::sync::LazyLock;

use proptest::prelude::*;
use vestibule_crypto::{Algorithm, Certificate, Generated, Request, generate, is_private_key};
use vestibule_kernel::Ctx;
use vestibule_testkit::noon;

static PAIRS: LazyLock<Vec<Generated>> = LazyLock::new(|| {
    let make = |algorithm| {
        let request = Request {
            common_name: "tests".into(),
            alternative_names: vec!["a.example".into()],
            algorithm,
            rsa_bits: 2048,
            until: noon(),
        };
        generate(&Ctx::system(), &request).unwrap()
    };
    [Algorithm::Rsa, Algorithm::Ecdsa, Algorithm::Ed25519].map(make).into()
});

/// A text with some of its letters replaced, and cut somewhere.
fn damaged(text: &str, changes: &[(usize, u8)], cut: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let length = bytes.len();
    for (place, byte) in changes {
        bytes[place % length] = *byte;
    }
    bytes.truncate(length - cut % length);
    String::from_utf8_lossy(&bytes).into_owned()
}

proptest! {
    #[test]
    fn any_text_is_refused_or_read(text in any::<String>()) {
        prop_assert!(Certificate::parse(&text).is_none());
        prop_assert!(!is_private_key(&text));
    }

    #[test]
    fn damaged_texts_are_refused_or_read(
        pair in 0..3_usize,
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..8),
        cut in prop_oneof![Just(0), any::<usize>()],
    ) {
        let pair = &PAIRS[pair];
        let certificate = damaged(&pair.certificate, &changes, cut);
        if let Some(read) = Certificate::parse(&certificate) {
            prop_assert_eq!(read.sha256.len(), 95);
        }
        let _ = is_private_key(&damaged(&pair.key, &changes, cut));
    }
}

#[test]
fn what_is_whole_is_read() {
    for pair in PAIRS.iter() {
        let certificate = Certificate::parse(&pair.certificate).unwrap();
        assert_eq!(certificate.subject, "OU=Self-signed,O=authentik,CN=tests");
        assert_eq!(certificate.expiry.as_deref(), Some("2026-11-23T12:00:00Z"));
        assert!(is_private_key(&pair.key) && !is_private_key(&pair.certificate));
    }
    assert!(!is_private_key("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"));
}
