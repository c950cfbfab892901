//! OAuth 1.0a (RFC 5849): what remains of it, signed requests with HMAC-SHA1.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

/// What signs a request.
pub(super) struct Signer<'a> {
    /// What the other side knows this server as.
    pub consumer_key: &'a str,
    /// The secret that goes with it.
    pub consumer_secret: &'a str,
    /// A token and its secret; empty while there is none.
    pub token: (&'a str, &'a str),
    /// Differs with every request.
    pub nonce: String,
    /// Now, seconds since 1970.
    pub now: i64,
}

impl Signer<'_> {
    /// The header field `Authorization` of a request without a body (section 3.5.1); `more` are further parameters of the
    /// protocol.
    pub(super) fn authorization(&self, method: &str, address: &Url, more: &[(&str, &str)]) -> String {
        let now = self.now.to_string();
        let mut own: Vec<(&str, &str)> = vec![
            ("oauth_consumer_key", self.consumer_key),
            ("oauth_nonce", &self.nonce),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", &now),
            ("oauth_version", "1.0"),
        ];
        if !self.token.0.is_empty() {
            own.push(("oauth_token", self.token.0));
        }
        own.extend(more);
        let signature = self.sign(&base_string(method, address, &own));
        own.push(("oauth_signature", &signature));
        let fields: Vec<String> = own.iter().map(|(name, value)| format!("{name}=\"{}\"", encode(value))).collect();
        format!("OAuth {}", fields.join(", "))
    }

    /// Section 3.4.2.
    fn sign(&self, base: &str) -> String {
        let key = format!("{}&{}", encode(self.consumer_secret), encode(self.token.1));
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
        STANDARD.encode(hmac::sign(&key, base.as_bytes()))
    }
}

/// Section 3.4.1.
fn base_string(method: &str, address: &Url, own: &[(&str, &str)]) -> String {
    let of_address = address.query_pairs().map(|(name, value)| (encode(&name), encode(&value)));
    let mut pairs: Vec<(String, String)> =
        of_address.chain(own.iter().map(|(name, value)| (encode(name), encode(value)))).collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut bare = address.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    format!("{method}&{}&{}", encode(bare.as_str()), encode(&pairs.join("&")))
}

/// Section 3.6.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of section 1.2, whose signatures RFC 5849 gives.
    #[test]
    fn a_request_is_signed_as_rfc_5849_says() {
        let signer = Signer {
            consumer_key: "dpf43f3p2l4k3l03",
            consumer_secret: "kd94hf93k423kf44",
            token: ("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00"),
            nonce: "chapoH".into(),
            now: 137_131_202,
        };
        let address = "http://photos.example.net/photos?file=vacation.jpg&size=original".parse().unwrap();
        let base = base_string(
            "GET",
            &address,
            &[
                ("oauth_consumer_key", signer.consumer_key),
                ("oauth_token", signer.token.0),
                ("oauth_signature_method", "HMAC-SHA1"),
                ("oauth_timestamp", "137131202"),
                ("oauth_nonce", "chapoH"),
            ],
        );
        assert_eq!(signer.sign(&base), "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
        let header = signer.authorization("GET", &address, &[]);
        assert!(header.starts_with("OAuth oauth_consumer_key=\"dpf43f3p2l4k3l03\""), "{header}");
        assert!(header.contains("oauth_token=\"nnch734d00sl2jdk\""), "{header}");
    }

    #[test]
    fn everything_but_the_unreserved_is_encoded() {
        assert_eq!(encode("a b+c/ü~"), "a%20b%2Bc%2F%C3%BC~");
    }
}
