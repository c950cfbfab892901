//! Pictures of users: their initials on a colour of their own, as an SVG in a data URI.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vestibule_kernel::secret::sha256_hex;

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
    fn the_same_seed_has_the_same_picture() {
        assert_eq!(avatar("A B", "1"), avatar("A B", "1"));
        assert!(avatar("A", "1").starts_with("data:image/svg+xml;base64,"));
    }
}
