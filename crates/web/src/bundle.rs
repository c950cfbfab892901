//! What `web/` was bundled into: the API reference and the application, compressed as they are kept and, mostly, as they
//! are sent.
//!
//! Without a bundle everything else works; [`reference_page`](crate::reference_page) and [`app_page`](crate::app_page) say
//! how to make it.

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

impl Bundled {
    /// Whether its name holds a hash of its content: browsers keep it for ever under its plain address.
    pub fn is_named_by_content(&self) -> bool {
        self.path.starts_with("app/")
    }
}

/// Every bundled file: scripts, style sheets, and the licences of what is in them. Empty where nothing was bundled.
pub static BUNDLE: &[Bundled] = include!(concat!(env!("OUT_DIR"), "/bundle.rs"));

/// The bundled file of that name below `/static/vestibule/`.
pub fn bundled(path: &str) -> Option<&'static Bundled> {
    BUNDLE.iter().find(|file| file.path == path)
}
