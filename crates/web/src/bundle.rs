//! The bundled API reference: files that `web/build.mjs` made, compressed as they are kept and, mostly, as they are sent.
//!
//! Without a bundle everything else works, and [`reference_page`](crate::reference_page) says how to make it.

/// One bundled file below `/static/vestibule/`.
#[derive(Debug)]
pub struct Bundled {
    /// Its name below `/static/vestibule/`, such as `reference.js`.
    pub path: &'static str,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// A hash of the content, for its address and as `ETag`.
    pub hash: &'static str,
    /// The content as gzip.
    pub gzip: &'static [u8],
}

/// Every bundled file: script, style sheet, and the licences of what is in them. Empty where nothing was bundled.
#[cfg(bundled)]
pub static BUNDLE: &[Bundled] = &[
    Bundled {
        path: "reference.js",
        content_type: "text/javascript; charset=utf-8",
        hash: env!("VESTIBULE_REFERENCE_JS_HASH"),
        gzip: include_bytes!("../bundle/reference.js.gz"),
    },
    Bundled {
        path: "reference.css",
        content_type: "text/css; charset=utf-8",
        hash: env!("VESTIBULE_REFERENCE_CSS_HASH"),
        gzip: include_bytes!("../bundle/reference.css.gz"),
    },
    Bundled {
        path: "reference.txt",
        content_type: "text/plain; charset=utf-8",
        hash: env!("VESTIBULE_REFERENCE_TXT_HASH"),
        gzip: include_bytes!("../bundle/reference.txt.gz"),
    },
];

/// Every bundled file: script, style sheet, and the licences of what is in them. Empty where nothing was bundled.
#[cfg(not(bundled))]
pub static BUNDLE: &[Bundled] = &[];

/// The bundled file of that name below `/static/vestibule/`.
pub fn bundled(path: &str) -> Option<&'static Bundled> {
    BUNDLE.iter().find(|file| file.path == path)
}
