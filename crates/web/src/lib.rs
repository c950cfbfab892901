//! The embedded front end: pages, message catalogue and static files, without any input or output of its own.
//!
//! A page is a template that extends `shell.html` and shows one challenge of the wire. [`Pages`] renders it, [`Shell`]
//! is what surrounds every challenge (brand, layout, language), [`asset`] finds the few static files, [`translate`] the
//! words. Nothing here knows of HTTP: the server mounts [`asset`] and [`accent_css`] below `/static/vestibule/` and sends
//! [`content_security_policy`] with each page.

mod accent;
mod app;
mod assets;
mod bundle;
mod catalogue;
mod icons;
mod letters;
mod locale;
mod pages;
mod policy;
mod qr;
mod reference;
mod shell;

pub use accent::{accent_css, accent_url};
pub use app::{app_page, app_policy};
pub use assets::{ASSETS, Asset, asset, asset_url};
pub use bundle::{BUNDLE, Bundled, bundled};
pub use catalogue::{translate, translate_error};
pub use letters::{Letters, django};
pub use locale::{Catalogue, Locale};
pub use pages::Pages;
pub use policy::{captcha_origins, content_security_policy, form_target, pictures};
pub use reference::{reference_page, reference_policy};
pub use shell::{FooterLink, Shell};
