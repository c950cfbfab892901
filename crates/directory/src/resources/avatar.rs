//! Pictures of users: where they come from is a setting, a list of places that are tried in turn. No place is asked
//! whether it has one: reading a user sends nothing anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde_json::Value;
use vestibule_kernel::Object;
use vestibule_kernel::secret::sha256_hex;
use vestibule_store::Configuration;

use super::settings::SystemSettings;

/// Longest address of a picture, pictures inside of addresses included.
const LONGEST: usize = 100_000;

/// Whom a picture is of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pictured<'a> {
    /// Their name as others see it.
    pub name: &'a str,
    /// The name they sign in with.
    pub username: &'a str,
    /// Their e-mail address.
    pub email: &'a str,
    /// What administrators and flows keep about them.
    pub attributes: Option<&'a Object>,
}

impl<'a> Pictured<'a> {
    /// A stored user.
    pub fn of(object: &'a Object) -> Self {
        let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        let attributes = object.get("attributes").and_then(Value::as_object);
        Self { name: text("name"), username: text("username"), email: text("email"), attributes }
    }

    /// Somebody of whom no more is known than what they typed: the same whether there is such a user or not.
    pub fn typed(text: &'a str) -> Self {
        Self { name: text, username: text, email: if text.contains('@') { text } else { "" }, attributes: None }
    }

    /// Their picture, as the settings want it.
    pub fn picture(&self, configuration: &Configuration) -> String {
        self.first(&SystemSettings::of(configuration).avatars)
    }

    /// The first picture that one of the places has.
    fn first(&self, places: &str) -> String {
        places.split(',').find_map(|place| self.at(place.trim())).unwrap_or_else(silhouette)
    }

    fn at(&self, place: &str) -> Option<String> {
        match place {
            "none" => Some(silhouette()),
            "initials" => Some(self.initials()),
            "gravatar" if self.email.is_empty() => None,
            "gravatar" => {
                let hash = sha256_hex(self.email.trim().to_lowercase().as_bytes());
                Some(format!("https://www.gravatar.com/avatar/{hash}?size=158&rating=g&default=mp"))
            }
            _ => match place.strip_prefix("attributes.") {
                Some(path) => self.attribute(path).filter(|address| is_picture(address)).map(str::to_owned),
                None => Some(self.fill(place)).filter(|address| is_place(place) && is_picture(address)),
            },
        }
    }

    fn initials(&self) -> String {
        let name = [self.name, self.username].into_iter().find(|name| !name.trim().is_empty());
        avatar(name.unwrap_or_default(), self.username)
    }

    fn attribute(&self, path: &str) -> Option<&'a str> {
        let mut parts = path.split('.');
        let mut value = self.attributes?.get(parts.next()?)?;
        for part in parts {
            value = value.get(part)?;
        }
        value.as_str()
    }

    /// An address with its places filled in. What is filled in is encoded: it stays within its part of the address.
    fn fill(&self, place: &str) -> String {
        let mail_hash = || hex::encode(Md5::digest(self.email.to_lowercase()));
        let upn = self.attributes.and_then(|attributes| attributes.get("upn")).and_then(Value::as_str);
        place
            .replace("%(username)s", &encoded(self.username))
            .replace("%(mail_hash)s", &mail_hash())
            .replace("%(upn)s", &encoded(upn.unwrap_or_default()))
    }
}

/// A text as a part of an address (RFC 3986, section 2.1).
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Whether this is something that the setting may name.
pub(super) fn is_known(place: &str) -> bool {
    matches!(place, "none" | "gravatar" | "initials")
        || place.strip_prefix("attributes.").is_some_and(|path| path.split('.').all(|part| !part.is_empty()))
        || is_place(place)
}

/// Whether this is an address with places that are known, none of which can choose the host.
fn is_place(place: &str) -> bool {
    let lower = place.to_ascii_lowercase();
    let Some((_, rest)) = lower.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https")) else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let known = place.replace("%(username)s", "").replace("%(mail_hash)s", "").replace("%(upn)s", "");
    !host.is_empty() && !host.contains(['%', '@', '\\']) && !known.contains("%(") && is_picture(place)
}

/// Whether a page can show what is at this address: `http`, `https`, or a picture inside of the address.
fn is_picture(address: &str) -> bool {
    let start = address.get(..11.min(address.len())).unwrap_or_default().to_ascii_lowercase();
    let is_shown = ["http://", "https://", "data:image/"].iter().any(|scheme| start.starts_with(scheme));
    is_shown && address.len() <= LONGEST && !address.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// The picture of nobody in particular.
fn silhouette() -> String {
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 48 48\" width=\"48\" height=\"48\">\
               <circle cx=\"24\" cy=\"24\" r=\"24\" fill=\"#6b7280\"/><circle cx=\"24\" cy=\"19\" r=\"8\" fill=\"#fff\"/>\
               <path d=\"M9 41a15 12 0 0 1 30 0\" fill=\"#fff\"/></svg>";
    format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg))
}

/// Hues that white letters are legible on at the lightness used.
const HUES: [u16; 12] = [4, 24, 150, 168, 188, 204, 218, 238, 262, 288, 318, 344];

/// The picture of somebody called `name`, told apart by `seed`.
pub fn avatar(name: &str, seed: &str) -> String {
    let hash = u8::from_str_radix(sha256_hex(seed.as_bytes()).get(..2).unwrap_or("0"), 16).unwrap_or_default();
    let hue = HUES.get(usize::from(hash) % HUES.len()).copied().unwrap_or_default();
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 48 48\" width=\"48\" height=\"48\">\
         <circle cx=\"24\" cy=\"24\" r=\"24\" fill=\"hsl({hue} 52% 36%)\"/>\
         <text x=\"24\" y=\"24\" dy=\".35em\" text-anchor=\"middle\" fill=\"#fff\" font-family=\"system-ui,sans-serif\" \
         font-size=\"20\" font-weight=\"600\">{}</text></svg>",
        initials(name)
    );
    format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg))
}

/// The first letters of the first and the last word: nothing that means something in XML gets through.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    let last = words.next_back();
    let text: String = first.into_iter().chain(last).flat_map(char::to_uppercase).collect();
    if text.is_empty() { "?".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_letters() {
        assert_eq!(initials("Ada King Lovelace"), "AL");
        assert_eq!(initials("ünal"), "Ü");
        assert_eq!(initials("<script> &x"), "SX");
        assert_eq!(initials(" -- "), "?");
    }

    #[test]
    fn the_first_place_that_has_one_counts() {
        let attributes =
            serde_json::json!({"pictures": {"small": "https://p.example/a.png", "bad": "javascript:x"}, "upn": "a/b"});
        let ada =
            Pictured { name: "Ada L", username: "ada b", email: "Ada@Example.com", attributes: attributes.as_object() };
        let mail = "https://www.gravatar.com/avatar/";
        let nobody = Pictured { email: "", ..ada };
        for (places, start) in [
            ("gravatar,initials", mail),
            ("attributes.pictures.small,gravatar", "https://p.example/a.png"),
            ("attributes.pictures.bad, attributes.none, attributes.pictures, gravatar", mail),
            ("https://x.example/%(username)s/%(upn)s", "https://x.example/ada%20b/a%2Fb"),
            ("https://x.example/%(mail_hash)s.png", ""),
            ("https://%(username)s/,gravatar", mail),
            ("https://x.example/%(password)s,gravatar", mail),
            ("ftp://x.example/,gravatar", mail),
        ] {
            if places.contains("mail_hash") {
                let hash = hex::encode(Md5::digest("ada@example.com"));
                assert_eq!(ada.first(places), format!("https://x.example/{hash}.png"));
                continue;
            }
            assert!(ada.first(places).starts_with(start), "{places}: {}", ada.first(places));
        }
        assert_eq!(nobody.first("gravatar,initials"), avatar("Ada L", "ada b"));
        assert_eq!(nobody.first("gravatar"), silhouette());
        assert_eq!(ada.first("none,gravatar"), silhouette());
        for known in ["none", "attributes.a.b", "https://x.example/%(upn)s?d=404"] {
            assert!(is_known(known), "{known}");
        }
        for unknown in [
            "",
            "attributes.",
            "attributes..a",
            "javascript:x",
            "https://",
            "https://x@y/",
            "letters",
            "data:image/png",
        ] {
            assert!(!is_known(unknown), "{unknown}");
        }
    }

    #[test]
    fn the_same_seed_has_the_same_picture() {
        assert_eq!(avatar("A B", "1"), avatar("A B", "1"));
        assert!(avatar("A", "1").starts_with("data:image/svg+xml;base64,"));
    }
}
