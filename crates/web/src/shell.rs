//! What surrounds every challenge on a page: brand, layout, language, addresses.

use serde::Serialize;

use crate::Locale;

/// What surrounds a challenge. Templates see it as `shell`, beside `challenge`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Shell {
    /// The language of the page.
    pub locale: Locale,
    /// The title of the flow; the heading of its pages.
    pub title: String,
    /// Where the card stands: `stacked`, `content_left`, `content_right`, `sidebar_left`, `sidebar_right`,
    /// `sidebar_left_frame_background` or `sidebar_right_frame_background`. Anything else looks like `stacked`.
    pub layout: String,
    /// Address of a background picture; none for the default, which is drawn in CSS. In the two framed layouts an address
    /// that is not a picture's is shown as a document in a sandboxed frame.
    pub background: Option<String>,
    /// The name of the brand.
    pub brand_title: String,
    /// Address of the logo; our own is `asset_url("logo.svg")`.
    pub logo: String,
    /// Address of the favicon; our own is `asset_url("favicon.svg")`.
    pub favicon: String,
    /// Address of the brand's own style sheet, loaded last.
    pub custom_css_url: Option<String>,
    /// Where the form is sent, with its query.
    pub action: String,
    /// Where "Not you?" and "Start again" lead.
    pub cancel_url: Option<String>,
    /// The application that the person wants to reach, for "to continue to Wiki".
    pub application: Option<String>,
    /// Links below the card.
    pub footer_links: Vec<FooterLink>,
    /// The id of this request, shown as a reference where something went wrong.
    pub request_id: String,
    /// `light` or `dark` where one is forced; none follows the system.
    pub theme: Option<String>,
    /// Address of the style sheet that sets the brand's accent, from [`accent_url`](crate::accent_url).
    pub accent: Option<String>,
    /// Origins that a captcha needs, from [`captcha_origins`](crate::captcha_origins); they enter the content security policy.
    pub script_origins: Vec<String>,
    /// Addresses that the page opens in frames; their origins enter the content security policy.
    pub frames: Vec<String>,
    /// Where a form may lead besides this server, from [`form_target`](crate::form_target).
    pub form_targets: Vec<String>,
    /// Addresses of the pictures that the page shows besides, from [`pictures`](crate::pictures); their origins enter the
    /// content security policy.
    pub pictures: Vec<String>,
}

/// A link below the card; without an address it is plain text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FooterLink {
    /// What it says.
    pub name: String,
    /// Where it leads.
    pub href: Option<String>,
}
