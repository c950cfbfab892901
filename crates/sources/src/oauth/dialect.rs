//! How each type of provider speaks: what it is asked for, how its tokens are used, and what it calls things.

use serde_json::{Value, json};
use vestibule_kernel::Object;

use super::{CodeAuthentication, OAuthSource, Pkce, ProviderType};

/// How somebody's profile is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProfileBy {
    /// With the access token in the header (RFC 6750, section 2.1).
    Header,
    /// With the access token in the address, and nowhere else.
    Query,
    /// As `WeChat` wants it: with the token and the name of the user in the address.
    WeChat,
    /// It is the identity token.
    IdToken,
}

/// How a type of provider speaks.
pub(crate) struct Dialect {
    /// What it is asked for.
    pub scopes: &'static [&'static str],
    /// Further parameters of the authorization request.
    pub more: &'static [(&'static str, &'static str)],
    /// The parameter that names the scopes.
    pub scope_parameter: &'static str,
    /// How a proof key is sent, where a source does not say.
    pub pkce: Pkce,
    /// How this server proves itself; `None`: as the source says.
    pub authentication: Option<CodeAuthentication>,
    /// How the profile is had.
    pub profile: ProfileBy,
    /// What the provider knows somebody by.
    pub identify: fn(&Value) -> Option<String>,
    /// What is known of a user from their profile.
    pub properties: fn(&Value) -> Value,
    /// Whether the provider says that the e-mail address is theirs.
    pub verified: fn(&Value) -> bool,
}

/// The usual.
const PLAIN: Dialect = Dialect {
    scopes: &[],
    more: &[],
    scope_parameter: "scope",
    pkce: Pkce::None,
    authentication: Some(CodeAuthentication::BasicAuth),
    profile: ProfileBy::Header,
    identify: by_id,
    properties: |_| json!({}),
    verified: |info| is_true(&info["email_verified"]),
};

/// The usual, with the secret in the body.
const IN_BODY: Dialect = Dialect { authentication: Some(CodeAuthentication::PostBody), ..PLAIN };

/// OpenID Connect.
const OPENID: Dialect = Dialect {
    scopes: &["openid", "email", "profile"],
    authentication: None,
    identify: by_subject,
    properties: |info| {
        let name = info.get("nickname").or_else(|| info.get("preferred_username"));
        json!({"username": name, "email": info["email"], "name": info["name"], "groups": info["groups"]})
    },
    ..PLAIN
};

impl Dialect {
    /// How providers of this type speak.
    pub(crate) fn of(provider_type: ProviderType) -> Self {
        match provider_type {
            ProviderType::OpenIdConnect | ProviderType::Okta => OPENID,
            ProviderType::Apple => Self {
                scopes: &["name", "email"],
                more: &[("response_mode", "form_post")],
                profile: ProfileBy::IdToken,
                identify: by_subject,
                properties: |info| json!({"email": info["email"], "name": info["name"]}),
                ..IN_BODY
            },
            ProviderType::Discord => Self {
                scopes: &["email", "identify"],
                more: &[("prompt", "none")],
                properties: |info| json!({"username": info["username"], "email": info["email"], "name": info["username"]}),
                verified: |info| is_true(&info["verified"]),
                ..PLAIN
            },
            ProviderType::EntraId => Self {
                scopes: &["openid", "https://graph.microsoft.com/User.Read"],
                identify: |info| by_id(info).or_else(|| by_subject(info)),
                properties: entra_id,
                ..IN_BODY
            },
            ProviderType::Facebook => Self {
                scopes: &["email"],
                properties: |info| json!({"username": info["name"], "email": info["email"], "name": info["name"]}),
                ..IN_BODY
            },
            ProviderType::GitHub => Self {
                scopes: &["read:user", "user:email"],
                properties: |info| json!({"username": info["login"], "email": info["email"], "name": info["name"]}),
                ..IN_BODY
            },
            ProviderType::GitLab => Self {
                scopes: &["read_user", "openid", "profile", "email"],
                identify: |info| by_id(info).or_else(|| by_subject(info)),
                properties: |info| json!({"username": info["preferred_username"], "email": info["email"], "name": info["name"]}),
                ..IN_BODY
            },
            ProviderType::Google => Self {
                scopes: &["email", "profile"],
                properties: |info| json!({"email": info["email"], "name": info["name"]}),
                verified: |info| is_true(&info["verified_email"]) || is_true(&info["email_verified"]),
                ..IN_BODY
            },
            ProviderType::Mailcow => Self {
                scopes: &["profile"],
                profile: ProfileBy::Query,
                properties: |info| json!({"username": info["full_name"], "email": info["email"], "name": info["full_name"]}),
                // It is the server of the mailbox.
                verified: |_| true,
                ..IN_BODY
            },
            ProviderType::Patreon => Self {
                scopes: &["identity", "identity[email]"],
                identify: |info| by_id(at(info, "/data")),
                properties: |info| {
                    let known = at(info, "/data/attributes");
                    json!({"username": known["vanity"], "email": known["email"], "name": known["full_name"]})
                },
                verified: |info| is_true(at(info, "/data/attributes/is_email_verified")),
                ..IN_BODY
            },
            ProviderType::Reddit => Self {
                scopes: &["identity"],
                more: &[("duration", "permanent")],
                properties: |info| json!({"username": info["name"], "name": info["name"]}),
                ..PLAIN
            },
            ProviderType::Slack => Self {
                scopes: &["openid", "email", "profile"],
                scope_parameter: "user_scope",
                identify: by_subject,
                properties: |info| json!({"username": info["name"], "email": info["email"], "name": info["name"]}),
                ..PLAIN
            },
            ProviderType::Twitch => Self {
                scopes: &["openid"],
                more: &[("claims", r#"{"userinfo":{"email":null,"preferred_username":null}}"#)],
                identify: by_subject,
                properties: |info| {
                    let name = &info["preferred_username"];
                    json!({"username": name, "email": info["email"], "name": name})
                },
                ..IN_BODY
            },
            ProviderType::Twitter => Self {
                scopes: &["users.read", "tweet.read"],
                pkce: Pkce::S256,
                identify: |info| by_id(at(info, "/data")),
                properties: |info| json!({"username": at(info, "/data/username"), "name": at(info, "/data/name")}),
                ..PLAIN
            },
            ProviderType::WeChat => Self {
                scopes: &["snsapi_login"],
                profile: ProfileBy::WeChat,
                identify: |info| text(&info["unionid"]).or_else(|| text(&info["openid"])),
                properties: wechat,
                ..PLAIN
            },
        }
    }

    /// Whether the provider is asked for an identity token, which then names this login (`nonce`).
    pub(super) fn is_openid(&self, scope: &str) -> bool {
        self.profile == ProfileBy::IdToken || scope.split(' ').any(|one| one == "openid")
    }

    /// What somebody is asked for: the provider's scopes and those of the source, or the source's alone.
    pub(super) fn scope(&self, source: &OAuthSource) -> String {
        let own = source.additional_scopes.as_str();
        match own.strip_prefix('*') {
            Some(only) => only.trim().to_owned(),
            None => self.scopes.iter().copied().chain(own.split_whitespace()).collect::<Vec<_>>().join(" "),
        }
    }
}

/// What is at a place; null where there is nothing.
fn at<'v>(info: &'v Value, place: &str) -> &'v Value {
    info.pointer(place).unwrap_or(&Value::Null)
}

/// A text, or a number as one.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Some write it as a text.
fn is_true(value: &Value) -> bool {
    *value == json!(true) || *value == json!("true")
}

fn by_id(info: &Value) -> Option<String> {
    text(&info["id"])
}

fn by_subject(info: &Value) -> Option<String> {
    text(&info["sub"])
}

fn entra_id(info: &Value) -> Value {
    let mail = Some(&info["mail"]).filter(|mail| text(mail).is_some()).unwrap_or(at(info, "/otherMails/0"));
    let groups = entra_groups(info).filter_map(|group| text(&group["id"]));
    json!({
        "username": info["userPrincipalName"],
        "email": mail,
        "name": info["displayName"],
        "groups": groups.collect::<Vec<_>>(),
    })
}

/// The groups that Entra ID tells of, where it was asked for them.
fn entra_groups(info: &Value) -> impl Iterator<Item = &Value> {
    let all = at(info, "/raw_groups/value").as_array().into_iter().flatten();
    all.filter(|group| group["@odata.type"] == "#microsoft.graph.group")
}

fn wechat(info: &Value) -> Value {
    let known = ["headimgurl", "sex", "city", "province", "country", "unionid", "openid"];
    let attributes: Object = known.into_iter().map(|name| (name.to_owned(), info[name].clone())).collect();
    let name = text(&info["unionid"]).or_else(|| text(&info["openid"]));
    json!({"username": name, "name": info["nickname"], "attributes": attributes})
}

/// What a group is called that a provider names by a key.
pub(super) fn group_name(info: &Value, group: &str) -> String {
    let named = entra_groups(info).find(|one| one["id"] == group);
    named.and_then(|one| text(&one["displayName"])).unwrap_or_else(|| group.to_owned())
}
