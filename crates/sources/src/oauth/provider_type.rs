//! The types of providers: who they are and where they are found.

use http::Method;
use serde_json::{Value, json};
use vestibule_resource::call::{Permission, ok};
use vestibule_resource::{Field, Operation, Shape, Verb, choices};

use super::OAuthSource;

choices! {
    /// Who is on the other side.
    pub enum ProviderType: "ProviderTypeEnum" {
        OpenIdConnect = "openidconnect" "OpenID Connect",
        Apple = "apple" "Apple",
        Discord = "discord" "Discord",
        EntraId = "entraid" "Entra ID",
        Facebook = "facebook" "Facebook",
        GitHub = "github" "GitHub",
        GitLab = "gitlab" "GitLab",
        Google = "google" "Google",
        Mailcow = "mailcow" "Mailcow",
        Okta = "okta" "Okta",
        Patreon = "patreon" "Patreon",
        Reddit = "reddit" "Reddit",
        Slack = "slack" "Slack",
        Twitch = "twitch" "Twitch",
        Twitter = "twitter" "Twitter",
        WeChat = "wechat" "WeChat",
    }
}

/// What of a provider is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// Where people are sent.
    Authorization,
    /// Where a code is redeemed.
    Token,
    /// Where a user's attributes come from.
    Profile,
}

/// What is known of a type of provider.
pub(super) struct Provider {
    /// Its name on the wire.
    pub name: &'static str,
    /// What people call it.
    pub verbose_name: &'static str,
    /// Whether its addresses differ from one installation to another.
    customizable: bool,
    /// Where people are sent, where codes are redeemed, where attributes come from; `None`: a source must say.
    authorization: Option<&'static str>,
    token: Option<&'static str>,
    profile: Option<&'static str>,
    /// Where its metadata and its keys are.
    well_known: Option<&'static str>,
    jwks: Option<&'static str>,
}

impl Provider {
    /// The type of that name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        PROVIDERS.iter().find(|provider| provider.name == name)
    }

    /// Where this type's users are sent, codes are redeemed or attributes come from: what a source says itself, where its
    /// installation may be another one.
    pub(super) fn address<'a>(&self, endpoint: Endpoint, source: &'a OAuthSource) -> &'a str {
        let (known, own) = match endpoint {
            Endpoint::Authorization => (self.authorization, &source.authorization_url),
            Endpoint::Token => (self.token, &source.access_token_url),
            Endpoint::Profile => (self.profile, &source.profile_url),
        };
        let own = own.as_deref().filter(|own| self.customizable && !own.is_empty());
        own.or(known).unwrap_or_default()
    }

    /// Whether its addresses differ from one installation to another.
    pub(super) fn is_customizable(&self) -> bool {
        self.customizable
    }

    /// Where a picture of it is.
    pub(super) fn icon(&self) -> String {
        format!("/static/authentik/sources/{}.svg", self.name)
    }

    /// The fields that a source of this type cannot do without.
    pub(super) fn required(&self) -> Vec<&'static str> {
        let known = [
            ("authorization_url", self.authorization),
            ("access_token_url", self.token),
            ("profile_url", self.profile),
        ];
        known.into_iter().filter(|(_, address)| address.is_none()).map(|(field, _)| field).collect()
    }

    /// The type of that name as a test has it: at this address.
    #[cfg(test)]
    pub(super) fn moved(name: &str, address: &str) -> Self {
        let known = Self::named(name).expect("a type");
        let at = |path: &str| Some(&*format!("{address}{path}").leak());
        // Apple's profile is nowhere.
        let profile = if known.profile == Some("") { known.profile } else { at("/profile") };
        Self { authorization: at("/authorize"), token: at("/token"), profile, customizable: false, ..*known }
    }

    /// Its wire form.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "verbose_name": self.verbose_name,
            "urls_customizable": self.customizable,
            "request_token_url": null,
            "authorization_url": self.authorization,
            "access_token_url": self.token,
            "profile_url": self.profile,
            "oidc_well_known_url": self.well_known,
            "oidc_jwks_url": self.jwks,
        })
    }
}

/// A type without addresses of its own.
const fn anywhere(name: &'static str, verbose_name: &'static str) -> Provider {
    Provider {
        name,
        verbose_name,
        customizable: true,
        authorization: None,
        token: None,
        profile: None,
        well_known: None,
        jwks: None,
    }
}

/// A type whose three addresses are the same for everyone.
const fn fixed(name: &'static str, verbose_name: &'static str, addresses: [&'static str; 3]) -> Provider {
    let [authorization, token, profile] = addresses;
    Provider {
        customizable: false,
        authorization: Some(authorization),
        token: Some(token),
        profile: Some(profile),
        ..anywhere(name, verbose_name)
    }
}

/// Every type, in wire order.
pub(super) static PROVIDERS: [Provider; 16] = [
    fixed("apple", "Apple", ["https://appleid.apple.com/auth/authorize", "https://appleid.apple.com/auth/token", ""]),
    anywhere("openidconnect", "OpenID Connect"),
    Provider {
        customizable: true,
        jwks: Some("https://login.microsoftonline.com/common/discovery/keys"),
        ..fixed(
            "entraid",
            "Entra ID",
            [
                "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
                "https://login.microsoftonline.com/common/oauth2/v2.0/token",
                "https://graph.microsoft.com/v1.0/me",
            ],
        )
    },
    fixed(
        "discord",
        "Discord",
        [
            "https://discord.com/api/oauth2/authorize",
            "https://discord.com/api/oauth2/token",
            "https://discord.com/api/users/@me",
        ],
    ),
    fixed(
        "facebook",
        "Facebook",
        [
            "https://www.facebook.com/v7.0/dialog/oauth",
            "https://graph.facebook.com/v7.0/oauth/access_token",
            "https://graph.facebook.com/v7.0/me?fields=id,name,email",
        ],
    ),
    Provider {
        customizable: true,
        well_known: Some("https://token.actions.githubusercontent.com/.well-known/openid-configuration"),
        jwks: Some("https://token.actions.githubusercontent.com/.well-known/jwks"),
        ..fixed(
            "github",
            "GitHub",
            [
                "https://github.com/login/oauth/authorize",
                "https://github.com/login/oauth/access_token",
                "https://api.github.com/user",
            ],
        )
    },
    Provider {
        customizable: true,
        well_known: Some("https://gitlab.com/.well-known/openid-configuration"),
        jwks: Some("https://gitlab.com/oauth/discovery/keys"),
        ..fixed(
            "gitlab",
            "GitLab",
            [
                "https://gitlab.com/oauth/authorize",
                "https://gitlab.com/oauth/token",
                "https://gitlab.com/oauth/userinfo",
            ],
        )
    },
    Provider {
        well_known: Some("https://accounts.google.com/.well-known/openid-configuration"),
        jwks: Some("https://www.googleapis.com/oauth2/v3/certs"),
        ..fixed(
            "google",
            "Google",
            [
                "https://accounts.google.com/o/oauth2/auth",
                "https://oauth2.googleapis.com/token",
                "https://www.googleapis.com/oauth2/v1/userinfo",
            ],
        )
    },
    anywhere("mailcow", "Mailcow"),
    anywhere("okta", "Okta"),
    fixed(
        "patreon",
        "Patreon",
        [
            "https://www.patreon.com/oauth2/authorize",
            "https://www.patreon.com/api/oauth2/token",
            "https://www.patreon.com/api/oauth2/api/current_user",
        ],
    ),
    fixed(
        "reddit",
        "Reddit",
        [
            "https://www.reddit.com/api/v1/authorize",
            "https://www.reddit.com/api/v1/access_token",
            "https://oauth.reddit.com/api/v1/me",
        ],
    ),
    fixed(
        "slack",
        "Slack",
        [
            "https://slack.com/oauth/v2/authorize",
            "https://slack.com/api/oauth.v2.access",
            "https://slack.com/api/openid.connect.userInfo",
        ],
    ),
    fixed(
        "twitch",
        "Twitch",
        [
            "https://id.twitch.tv/oauth2/authorize",
            "https://id.twitch.tv/oauth2/token",
            "https://id.twitch.tv/oauth2/userinfo",
        ],
    ),
    fixed(
        "twitter",
        "Twitter",
        [
            "https://twitter.com/i/oauth2/authorize",
            "https://api.twitter.com/2/oauth2/token",
            "https://api.twitter.com/2/users/me",
        ],
    ),
    fixed(
        "wechat",
        "WeChat",
        [
            "https://open.weixin.qq.com/connect/qrconnect",
            "https://api.weixin.qq.com/sns/oauth2/access_token",
            "https://api.weixin.qq.com/sns/userinfo",
        ],
    ),
];

/// The wire form as a table of fields.
pub(super) fn provider_fields() -> Vec<Field> {
    let address = |name| Field::of::<Option<String>>(name, "").required().read_only();
    vec![
        Field::of::<String>("name", ""),
        Field::of::<String>("verbose_name", ""),
        Field::of::<bool>("urls_customizable", ""),
        address("request_token_url"),
        address("authorization_url"),
        address("access_token_url"),
        address("profile_url"),
        address("oidc_well_known_url"),
        address("oidc_jwks_url"),
    ]
}

/// The types as kinds of sources that can be created, by name.
pub(crate) fn types() -> Value {
    let mut providers: Vec<&Provider> = PROVIDERS.iter().collect();
    providers.sort_by_key(|provider| provider.verbose_name.to_lowercase());
    let entries = providers.into_iter().map(|provider| {
        // The generic one is called by its first word there.
        let name = if provider.name == "openidconnect" { "OpenID" } else { provider.verbose_name };
        json!({
            "name": format!("{name} OAuth Source"),
            "description": format!("Lets people sign in with {}.", provider.verbose_name),
            "component": "ak-source-oauth-form",
            "model_name": format!("{}oauthsource", provider.name),
            "icon_url": provider.icon(),
            "requires_enterprise": false,
            "deprecated": false,
        })
    });
    entries.collect()
}

/// `sources/oauth/source_types/`; `name` picks one.
pub(super) fn operation() -> Operation {
    Operation::new(
        Method::GET,
        "source_types/",
        "sources_oauth_source_types_list",
        Some(Shape::Object("SourceType", provider_fields).list()),
        |call| async move {
            let wanted = call.query.get("name");
            let providers = PROVIDERS.iter().filter(|provider| wanted.is_none_or(|name| provider.name == name));
            ok(&providers.map(Provider::to_json).collect())
        },
    )
    .permission(Permission::Verb(Verb::View))
    .parameter("name", Shape::TEXT)
    .doc("Types of providers, with what is known of them.")
}
