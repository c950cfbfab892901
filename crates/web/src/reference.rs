//! The page of the API reference, which shows the server's OpenAPI document with a viewer from the bundle.

use crate::asset_url;
use crate::bundle::bundled;

/// What anonymous visitors and administrators alike may read: the document is public.
const DOCUMENT: &str = "/api/v3/schema/?format=json";

/// The page at `/api/v3/`. The `nonce` is that of its [policy](reference_policy); letters and digits alone.
pub fn reference_page(nonce: &str) -> String {
    if bundled("reference.js").is_some() { viewer(nonce) } else { missing() }
}

/// The value of `Content-Security-Policy` for [`reference_page`]: this server alone, nothing inline but the style elements
/// that the viewer's script makes, which carry the nonce.
pub fn reference_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'none'; \
         manifest-src 'self'; font-src 'self'; img-src 'self' data: blob:; script-src 'self'; \
         style-src 'self' 'nonce-{nonce}'; connect-src 'self'"
    )
}

fn viewer(nonce: &str) -> String {
    let (script, style) = (asset_url("reference.js"), asset_url("reference.css"));
    let head = format!(
        "<link rel=\"stylesheet\" href=\"{style}\">\n\
         <script type=\"module\" nonce=\"{nonce}\" src=\"{script}\"></script>\n"
    );
    let body = format!(
        "<div id=\"reference\" data-document=\"{DOCUMENT}\"></div>\n\
         <noscript><p>This page needs JavaScript. The <a href=\"{DOCUMENT}\">OpenAPI document</a> that it shows does not.\
         </p></noscript>\n"
    );
    document(&head, &body)
}

/// A server that was built without the bundle says what to do about it.
fn missing() -> String {
    let head = format!("<link rel=\"stylesheet\" href=\"{}\">\n", asset_url("page.css"));
    let body = format!(
        "<div class=\"stand\"><div class=\"card\"><main>\n<h1>No API reference in this build</h1>\n\
         <p>This server was built without the pages of the API reference. Run <code>make web</code> in its source, which \
         needs Node, and build it again.</p>\n\
         <p>The <a href=\"{DOCUMENT}\">OpenAPI document</a> is here all the same.</p>\n</main></div></div>\n"
    );
    document(&head, &body)
}

fn document(head: &str, body: &str) -> String {
    let icon = asset_url("favicon.svg");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>API reference · Vestibule</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <link rel=\"icon\" href=\"{icon}\">\n{head}</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{missing, reference_policy, viewer};

    #[test]
    fn nothing_runs_inline_and_nothing_comes_from_elsewhere() {
        let policy = reference_policy("abc");
        assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self'"), "{policy}");
        assert!(policy.contains("style-src 'self' 'nonce-abc';"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        for page in [viewer("abc"), missing()] {
            assert!(!page.contains("http") && !page.contains("<style") && !page.contains("style="), "{page}");
            assert!(page.contains("<title>API reference · Vestibule</title>"), "{page}");
        }
    }

    #[test]
    fn a_build_without_the_bundle_says_how_to_make_it() {
        let page = missing();
        assert!(page.contains("make web") && page.contains("Node") && !page.contains("<script"), "{page}");
    }
}
