//! The static files, compiled into the binary, each with a hash of its content.

use crate::bundle::bundled;

/// One static file below `/static/vestibule/`.
#[derive(Debug)]
pub struct Asset {
    /// Its name below `/static/vestibule/`, such as `page.css`.
    pub path: &'static str,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The content.
    pub bytes: &'static [u8],
    /// A hash of the content (FNV-1a, 64 bit): in the address it lets browsers keep the file for ever, and it serves as `ETag`.
    pub hash: u64,
}

const fn file(path: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    Asset { path, content_type, bytes, hash: fnv1a(bytes) }
}

/// Every static file.
pub static ASSETS: &[Asset] = &[
    file(
        "page.css",
        "text/css; charset=utf-8",
        concat!(include_str!("../static/tokens.css"), include_str!("../static/page.css")).as_bytes(),
    ),
    file("rooms.css", "text/css; charset=utf-8", include_bytes!("../static/rooms.css")),
    file("page.js", "text/javascript; charset=utf-8", include_bytes!("../static/page.js")),
    file("captcha.js", "text/javascript; charset=utf-8", include_bytes!("../static/captcha.js")),
    file("work.js", "text/javascript; charset=utf-8", include_bytes!("../static/work.js")),
    file("webauthn.js", "text/javascript; charset=utf-8", include_bytes!("../static/webauthn.js")),
    file("theme.js", "text/javascript; charset=utf-8", include_bytes!("../static/theme.js")),
    file("logo.svg", "image/svg+xml", include_bytes!("../static/logo.svg")),
    file("favicon.svg", "image/svg+xml", include_bytes!("../static/favicon.svg")),
];

/// The file of that name below `/static/vestibule/`.
pub fn asset(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// The address of a file, with its hash: `/static/vestibule/page.css?v=<hash>`. An unknown name gets no hash.
pub fn asset_url(path: &str) -> String {
    let hash = asset(path).map(|asset| format!("{:016x}", asset.hash));
    match hash.or_else(|| Some(bundled(path)?.hash.to_owned())) {
        Some(hash) => format!("/static/vestibule/{path}?v={hash}"),
        None => format!("/static/vestibule/{path}"),
    }
}

const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        hash = (hash ^ *first as u64).wrapping_mul(0x0100_0000_01b3);
        rest = tail;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::{ASSETS, asset, asset_url, fnv1a};

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn an_address_carries_the_hash_of_the_content() {
        let css = asset("page.css").unwrap();
        assert_eq!(asset_url("page.css"), format!("/static/vestibule/page.css?v={:016x}", css.hash));
        assert_eq!(asset_url("none.css"), "/static/vestibule/none.css");
        assert!(asset("../Cargo.toml").is_none());
    }

    #[test]
    fn every_file_has_a_name_of_its_own_and_content() {
        for (index, file) in ASSETS.iter().enumerate() {
            assert!(!file.bytes.is_empty(), "{} is empty", file.path);
            assert!(ASSETS.iter().skip(index + 1).all(|other| other.path != file.path));
        }
    }
}
