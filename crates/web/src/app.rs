//! The page of the administrators' application: a document around the bundled scripts, which ask the API for all else.

use crate::asset_url;
use crate::locale::Locale;

/// The page as it was bundled, with [`NONCE`] where its nonce goes; `None` where nothing was bundled.
const PAGE: Option<&str> = include!(concat!(env!("OUT_DIR"), "/app.rs"));

/// Stands for the nonce in the bundled page.
const NONCE: &str = "NONCE-OF-THIS-VISIT";
/// Stands for what people read until there is more.
const LOADING: &str = "LOADING-WORDS";
/// Stands for the address of the script that chooses the theme before anything is drawn.
const THEME: &str = "/theme.js";
/// Stands for the address of the picture of the browser's tab.
const ICON: &str = "/favicon.svg";

/// The page at `/if/admin/` and below: the frame's outline, which is drawn at once, and what fills it. The `nonce` is that of its [policy](app_policy); letters and digits alone.
pub fn app_page(nonce: &str, locale: Locale) -> String {
    let Some(page) = PAGE else { return missing() };
    page.replace(NONCE, nonce)
        .replace("<html lang=\"en\"", &format!("<html lang=\"{}\"", locale.code()))
        .replace(LOADING, &crate::catalogue::translate(locale, "app.loading", &[]))
        .replace(THEME, &asset_url("theme.js"))
        .replace(ICON, &asset_url("favicon.svg"))
}

/// The value of `Content-Security-Policy` for [`app_page`]: scripts, fonts and answers of this server alone. Style elements
/// that its scripts make carry the nonce; what they set on an element goes through its `style` object, which no policy
/// restricts. Pictures may come from wherever an administrator's icons and avatars are, over TLS.
pub fn app_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'; \
         manifest-src 'self'; font-src 'self'; img-src 'self' data: https:; script-src 'self'; \
         style-src 'self' 'nonce-{nonce}'; connect-src 'self'"
    )
}

/// A server that was built without the bundle says what to do about it.
fn missing() -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Administration · Vestibule</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <link rel=\"icon\" href=\"{}\">\n<link rel=\"stylesheet\" href=\"{}\">\n</head>\n<body>\n\
         <div class=\"stand\"><div class=\"card\"><main>\n<h1>No administration in this build</h1>\n\
         <p>This server was built without its application for administrators. Run <code>make web</code> in its source, which \
         needs Node, and build it again.</p>\n\
         <p>All that it does can be done over the <a href=\"/api/v3/schema/?format=json\">API</a> in the meantime.</p>\n\
         </main></div></div>\n</body>\n</html>\n",
        asset_url("favicon.svg"),
        asset_url("page.css"),
    )
}

#[cfg(test)]
mod tests {
    use super::{LOADING, NONCE, PAGE, app_page, app_policy, missing};
    use crate::locale::Locale;

    #[test]
    fn nothing_runs_inline_and_no_script_comes_from_elsewhere() {
        let policy = app_policy("abc");
        assert!(policy.contains("script-src 'self';") && policy.ends_with("connect-src 'self'"), "{policy}");
        assert!(policy.contains("style-src 'self' 'nonce-abc';") && !policy.contains("unsafe"), "{policy}");
        for page in [app_page("abc", Locale::default()), missing()] {
            let styles = page.matches("<style").count();
            assert_eq!(styles, page.matches("<style nonce=\"abc\">").count(), "{page}");
            assert!(!page.contains(" style=") && !page.contains("//"), "{page}");
            assert!(!page.contains(NONCE) && !page.contains(LOADING) && page.contains("<html lang=\"en\""), "{page}");
        }
        let inline = |page: &str| {
            let tags = page.split("<script").skip(1).filter_map(|rest| rest.split_once('>'));
            tags.filter(|(tag, _)| !tag.contains(" src=")).count()
        };
        assert!(PAGE.is_none_or(|page| inline(page) == 0 && page.contains(NONCE) && page.contains(LOADING)));
    }

    #[test]
    fn a_build_without_the_bundle_says_how_to_make_it() {
        let page = missing();
        assert!(page.contains("make web") && page.contains("Node") && !page.contains("<script"), "{page}");
    }
}
