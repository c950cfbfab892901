//! QR codes as pictures within a page: no script draws them, nothing else is asked for them.

use fast_qr::QRBuilder;
use minijinja::Value;

/// Modules of white around a code (ISO/IEC 18004, section 6.3.8).
const MARGIN: usize = 4;

/// An `svg` of a QR code; empty where the text is too long for one.
pub(crate) fn qr(text: &str, label: &str) -> Value {
    let Ok(code) = QRBuilder::new(text).build() else { return Value::from_safe_string(String::new()) };
    let size = code.size;
    let mut path = String::new();
    // Modules lie row by row, as many to a row as there are rows.
    let dark = code.data.iter().take(size * size).enumerate().filter(|(_, module)| module.value());
    for (place, _) in dark {
        path.push_str(&format!("M{} {}h1v1h-1z", place % size + MARGIN, place / size + MARGIN));
    }
    let side = size + 2 * MARGIN;
    let label = minijinja::HtmlEscape(label).to_string();
    Value::from_safe_string(format!(
        "<svg class=\"qr\" viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"{label}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

/// A parameter of an address, as it stands there; empty where there is none.
pub(crate) fn parameter(address: &str, name: &str) -> String {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let found = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(own, _)| *own == name);
    found.map(|(_, value)| value.to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_picture_with_a_name() {
        let picture = qr("otpauth://totp/a?secret=ABC", "<code>").to_string();
        assert!(picture.starts_with("<svg") && picture.contains("&lt;code&gt;") && picture.contains("h1v1h-1z"));
        assert_eq!(qr(&"x".repeat(10_000), "").to_string(), "");
        assert_eq!(parameter("otpauth://totp/a?secret=ABC&digits=6", "digits"), "6");
        assert_eq!(parameter("otpauth://totp/a", "digits"), "");
    }
}
