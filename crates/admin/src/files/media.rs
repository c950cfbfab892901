//! Which files are taken: pictures whose bytes are what their name says.

/// Ending, media type, and whether the bytes fit.
type Known = (&'static str, &'static str, fn(&[u8]) -> bool);

const KNOWN: &[Known] = &[
    ("png", "image/png", |bytes| bytes.starts_with(b"\x89PNG\r\n\x1a\n")),
    ("jpg", "image/jpeg", is_jpeg),
    ("jpeg", "image/jpeg", is_jpeg),
    ("gif", "image/gif", |bytes| bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a")),
    ("webp", "image/webp", |bytes| bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")),
    ("avif", "image/avif", |bytes| bytes.get(4..8) == Some(b"ftyp")),
    ("ico", "image/x-icon", |bytes| bytes.starts_with(b"\0\0\x01\0")),
    ("svg", "image/svg+xml", is_svg),
];

fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xd8\xff")
}

/// XML text with the element of a picture. What it may do is settled where it is served: nothing.
fn is_svg(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.starts_with('<') && text.to_ascii_lowercase().contains("<svg")
}

/// The media type of a file that may be uploaded.
///
/// # Errors
/// Why it may not.
pub(super) fn media_type(name: &str, bytes: &[u8]) -> Result<&'static str, String> {
    let ending = name.rsplit('/').next().and_then(|last| last.rsplit_once('.')).map(|(_, ending)| ending);
    let ending = ending.unwrap_or_default().to_ascii_lowercase();
    let known = KNOWN.iter().find(|(known, ..)| *known == ending);
    match known {
        None => Err("Only pictures can be uploaded: png, jpg, gif, webp, avif, ico, svg.".into()),
        Some((_, _, fits)) if !fits(bytes) => Err(format!("The file is no {ending} picture.")),
        Some((_, media_type, _)) => Ok(media_type),
    }
}

#[cfg(test)]
mod tests {
    use super::media_type;

    #[test]
    fn bytes_must_be_what_the_name_says() {
        assert_eq!(media_type("a/b.PNG", b"\x89PNG\r\n\x1a\n..."), Ok("image/png"));
        assert_eq!(media_type("a.svg", b"<?xml version='1.0'?><svg xmlns='x'/>"), Ok("image/svg+xml"));
        for (name, bytes) in
            [("a.png", &b"<html>"[..]), ("a.html", b"<html>"), ("a.svg", b"MZ"), ("a", b"GIF89a"), ("png", b"GIF89a")]
        {
            assert!(media_type(name, bytes).is_err(), "{name}");
        }
    }
}
