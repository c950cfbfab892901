//! What is asked of a provider once somebody is back: a token for their code, and who they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize, parse};
use vestibule_http_client::{HttpClient, http_url};
use vestibule_jose::SigningKey;
use vestibule_kernel::{Ctx, Object};

use super::dialect::{Dialect, ProfileBy};
use super::id_token::{Disbelief, Expected, verify};
use super::one::Signer;
use super::provider_type::{Endpoint, Provider};
use super::underway::Underway;
use super::{CodeAuthentication, OAuthSource, ProviderType};

/// How long this server's own assertion towards Apple is good, seconds.
const ASSERTION: i64 = 300;
/// The scope by which Entra ID tells of groups, and where it does.
const ENTRA_GROUPS: (&str, &str) =
    ("https://graph.microsoft.com/GroupMember.Read.All", "https://graph.microsoft.com/v1.0/me/memberOf");

/// Why it is not known who somebody is. For administrators.
pub(super) type Reason = String;

/// What a provider has told.
pub(super) struct Told {
    /// The profile.
    pub info: Value,
    /// The token by which it was asked, with what came with it.
    pub token: Object,
}

/// Asks a provider.
pub(super) struct Exchange<'a> {
    pub http: &'a HttpClient,
    pub ctx: &'a Ctx,
    pub source: &'a OAuthSource,
    pub provider: &'a Provider,
    pub dialect: Dialect,
    /// Where people come back to.
    pub callback: &'a str,
}

/// A text of an object; empty where there is none.
fn text<'o>(object: &'o Object, name: &str) -> &'o str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Exchange<'_> {
    fn address(&self, endpoint: Endpoint) -> &str {
        self.provider.address(endpoint, self.source)
    }

    /// What the provider knows this server as. Apple's has three parts: the service, the team, the key.
    pub(super) fn client_id(&self) -> &str {
        let key = self.source.consumer_key.as_str();
        match self.source.provider_type {
            ProviderType::Apple => key.split(';').next().unwrap_or(key).trim(),
            _ => key,
        }
    }

    /// The secret that goes with it; Apple's is an assertion that is signed with it.
    fn client_secret(&self) -> Result<String, Reason> {
        let secret = &self.source.consumer_secret;
        if self.source.provider_type != ProviderType::Apple {
            return Ok(secret.clone());
        }
        apple_assertion(&self.source.consumer_key, secret, self.ctx.now().timestamp())
    }

    /// Who somebody is who is back with a code.
    ///
    /// # Errors
    /// Why that is not known.
    pub(super) async fn redeem(&self, code: &str, underway: &Underway) -> Result<Told, Reason> {
        let mut token = self.token(code, &underway.verifier).await?;
        if self.source.provider_type == ProviderType::Slack {
            as_the_user(&mut token);
        }
        let claims = match text(&token, "id_token") {
            "" => None,
            id_token => Some(self.believe(id_token, text(&token, "access_token"), &underway.nonce).await?),
        };
        let info = match (self.dialect.profile, claims) {
            (ProfileBy::IdToken, Some(claims)) => Value::Object(claims),
            (ProfileBy::IdToken, None) => return Err("There is no identity token in the answer.".into()),
            (_, Some(claims)) if self.address(Endpoint::Profile).is_empty() => Value::Object(claims),
            (_, claims) => self.profile(&token, claims).await?,
        };
        Ok(Told { info, token })
    }

    /// RFC 6749, section 4.1.3.
    async fn token(&self, code: &str, verifier: &str) -> Result<Object, Reason> {
        let (id, secret, address) = (self.client_id(), self.client_secret()?, self.address(Endpoint::Token));
        if self.dialect.profile == ProfileBy::WeChat {
            let pairs =
                [("appid", id), ("secret", secret.as_str()), ("code", code), ("grant_type", "authorization_code")];
            return self.read_token("GET", &with(address, &pairs)?, &[], None).await;
        }
        let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", self.callback)];
        if !verifier.is_empty() {
            form.push(("code_verifier", verifier));
        }
        let mut headers = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        match self.dialect.authentication.unwrap_or(self.source.authorization_code_auth_method) {
            CodeAuthentication::BasicAuth => {
                // Section 2.3.1: both are written as in a form first.
                let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let both = STANDARD.encode(format!("{}:{}", part(id), part(&secret)));
                headers.push(("authorization".into(), format!("Basic {both}")));
            }
            CodeAuthentication::PostBody => form.extend([("client_id", id), ("client_secret", secret.as_str())]),
        }
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        self.read_token("POST", address, &headers, Some(body.into_bytes())).await
    }

    async fn read_token(
        &self,
        method: &str,
        address: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<Object, Reason> {
        let mut headers = headers.to_vec();
        headers.push(("accept".into(), "application/json".into()));
        let answer = self.http.exchange(method, address, &headers, body).await;
        let (status, _, body) = answer.map_err(|error| format!("The token could not be had. {error}"))?;
        let token = read_object(&body);
        for name in ["error", "errcode"] {
            if let Some(error) = token.get(name).filter(|error| !error.is_null() && **error != json!(0)) {
                let said = token.get("error_description").or_else(|| token.get("errmsg")).unwrap_or(error);
                return Err(format!("The provider gives no token: {}", said.as_str().unwrap_or(&said.to_string())));
            }
        }
        if !(200..300).contains(&status) {
            return Err(format!("The provider gives no token: its answer has status {status}."));
        }
        match text(&token, "access_token") {
            "" if text(&token, "id_token").is_empty() && token.get("authed_user").is_none() => {
                Err("There is no token in the provider's answer.".into())
            }
            _ => Ok(token),
        }
    }

    /// The claims of an identity token that is to be believed. A key that nobody knows is looked for once: it may be new.
    async fn believe(&self, token: &str, access_token: &str, nonce: &str) -> Result<Object, Reason> {
        let secret = &self.source.consumer_secret;
        let expected = Expected {
            client_id: self.client_id(),
            client_secret: secret,
            keys: &self.source.oidc_jwks,
            came_safely: self.address(Endpoint::Token).starts_with("https://"),
            nonce,
            issuer: self.source.issuer.as_deref().unwrap_or_default(),
            access_token,
            now: self.ctx.now().timestamp(),
        };
        let told = |error: Disbelief| error.to_string();
        match verify(token, &expected) {
            Err(Disbelief::UnknownKey) if !self.source.oidc_jwks_url.is_empty() => {
                let keys = self.http.get(&self.source.oidc_jwks_url).await;
                let keys = keys.map_err(|error| format!("The provider's keys could not be had. {error}"))?;
                let keys = keys.as_object().ok_or("The provider's keys are no JSON object.")?;
                verify(token, &Expected { keys, ..expected }).map_err(told)
            }
            other => other.map_err(told),
        }
    }

    /// The profile. Where it and an identity token are both there, they are about the same person (OpenID Connect Core,
    /// section 5.3.2).
    async fn profile(&self, token: &Object, claims: Option<Object>) -> Result<Value, Reason> {
        let (address, bearer) = (self.address(Endpoint::Profile), text(token, "access_token"));
        let asked = match self.dialect.profile {
            ProfileBy::Query => self.ask(&with(address, &[("access_token", bearer)])?, None).await,
            ProfileBy::WeChat => {
                let pairs = [("access_token", bearer), ("openid", text(token, "openid")), ("lang", "en")];
                self.ask(&with(address, &pairs)?, None).await
            }
            ProfileBy::Header | ProfileBy::IdToken => self.ask(address, Some(bearer)).await,
        };
        let mut info = match (asked, claims) {
            (Ok(info), Some(claims)) => {
                let same = info.get("sub").is_none_or(|subject| Some(subject) == claims.get("sub"));
                if !same {
                    return Err("The profile is somebody else's than the identity token.".into());
                }
                info
            }
            (Ok(info), None) => info,
            // What the provider has signed is as good.
            (Err(_), Some(claims)) => Value::Object(claims),
            (Err(reason), None) => return Err(reason),
        };
        self.more(&mut info, address, bearer).await?;
        Ok(info)
    }

    /// What some providers tell elsewhere.
    async fn more(&self, info: &mut Value, address: &str, bearer: &str) -> Result<(), Reason> {
        match self.source.provider_type {
            ProviderType::GitHub => {
                // What a profile shows is the person's to say. What they receive, GitHub has looked at.
                let all = self.ask(&format!("{address}/emails"), Some(bearer)).await.unwrap_or_default();
                let all: Vec<&Value> = all.as_array().into_iter().flatten().collect();
                let verified = |one: &&&Value| one["verified"] == json!(true);
                let shown = all.iter().filter(verified).find(|one| one["email"] == info["email"]);
                let primary = all.iter().filter(verified).find(|one| one["primary"] == json!(true));
                let chosen = shown.or(primary).map(|one| one["email"].clone());
                info["email_verified"] = chosen.is_some().into();
                if let Some(chosen) = chosen {
                    info["email"] = chosen;
                }
            }
            ProviderType::EntraId if self.source.additional_scopes.contains(ENTRA_GROUPS.0) => {
                info["raw_groups"] = self.ask(ENTRA_GROUPS.1, Some(bearer)).await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn ask(&self, address: &str, bearer: Option<&str>) -> Result<Value, Reason> {
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
        headers.extend(bearer.map(|bearer| ("authorization".to_owned(), format!("Bearer {bearer}"))));
        self.read_profile("GET", address, &headers).await
    }

    async fn read_profile(&self, method: &str, address: &str, headers: &[(String, String)]) -> Result<Value, Reason> {
        let answer = self.http.exchange(method, address, headers, None).await;
        let (status, _, body) = answer.map_err(|error| format!("The profile could not be had. {error}"))?;
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        if !status.is_success() {
            return Err(format!("The profile could not be had: the answer has status {}.", status.as_u16()));
        }
        let info: Value = serde_json::from_slice(&body).map_err(|_| "The profile is not JSON.".to_owned())?;
        match info.get("errcode") {
            Some(code) if *code != json!(0) => Err(format!("The profile could not be had: {code}.")),
            _ => Ok(info),
        }
    }

    /// Who somebody is who is back from a provider that speaks OAuth 1.0a (RFC 5849, sections 2.3 and 3).
    ///
    /// # Errors
    /// Why that is not known.
    pub(super) async fn redeem_one(&self, verifier: &str, underway: &Underway) -> Result<Told, Reason> {
        let request_token = (underway.state.as_str(), underway.token_secret.as_str());
        let token = self.signed(self.address(Endpoint::Token), request_token, &[("oauth_verifier", verifier)]).await?;
        let signer = self.signer((text(&token, "oauth_token"), text(&token, "oauth_token_secret")));
        let address = url_of(self.address(Endpoint::Profile))?;
        let header = signer.authorization("GET", &address, &[]);
        let headers = [("authorization".to_owned(), header), ("accept".to_owned(), "application/json".to_owned())];
        let info = self.read_profile("GET", address.as_str(), &headers).await?;
        Ok(Told { info, token })
    }

    /// A token to begin with, and its secret (RFC 5849, section 2.1).
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn request_token(&self, address: &str) -> Result<(String, String), Reason> {
        let token = self.signed(address, ("", ""), &[("oauth_callback", self.callback)]).await?;
        if text(&token, "oauth_callback_confirmed") != "true" {
            return Err("The provider does not confirm where people come back to (OAuth 1.0a).".into());
        }
        Ok((text(&token, "oauth_token").to_owned(), text(&token, "oauth_token_secret").to_owned()))
    }

    fn signer<'s>(&'s self, token: (&'s str, &'s str)) -> Signer<'s> {
        Signer {
            consumer_key: &self.source.consumer_key,
            consumer_secret: &self.source.consumer_secret,
            token,
            nonce: self.ctx.token(24),
            now: self.ctx.now().timestamp(),
        }
    }

    async fn signed(&self, address: &str, token: (&str, &str), more: &[(&str, &str)]) -> Result<Object, Reason> {
        let address = url_of(address)?;
        let header = self.signer(token).authorization("POST", &address, more);
        let headers = [("authorization".to_owned(), header)];
        let answer = self.http.exchange("POST", address.as_str(), &headers, Some(Vec::new())).await;
        let (status, _, body) = answer.map_err(|error| format!("The token could not be had. {error}"))?;
        let token = read_object(&body);
        if !(200..300).contains(&status) || text(&token, "oauth_token").is_empty() {
            return Err(format!("The provider gives no token: its answer has status {status}."));
        }
        Ok(token)
    }
}

/// What Apple takes for a secret: an assertion of who asks, signed with the team's key. The consumer key has three parts.
fn apple_assertion(consumer_key: &str, pem: &str, now: i64) -> Result<String, Reason> {
    let mut parts = consumer_key.split(';').map(str::trim);
    let (Some(service), Some(team), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("The consumer key has to be of the form `service;team;key`.".into());
    };
    let key = SigningKey::of_pem(pem).map_err(|error| format!("The consumer secret is no key: {error}."))?;
    let claims =
        json!({"iss": team, "sub": service, "aud": "https://appleid.apple.com", "iat": now, "exp": now + ASSERTION});
    vestibule_jose::sign(&key, &[("kid", name)], &claims).map_err(|error| error.to_string())
}

/// A JSON object, or a form: GitHub and others have answered so.
fn read_object(body: &[u8]) -> Object {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => object,
        _ => parse(body).map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect(),
    }
}

/// Slack gives a token to the application and one to the user: the user's counts.
fn as_the_user(token: &mut Object) {
    if let Some(Value::Object(user)) = token.remove("authed_user") {
        token.extend(user.into_iter().filter(|(name, _)| ["access_token", "expires_in"].contains(&name.as_str())));
    }
}

fn url_of(address: &str) -> Result<Url, Reason> {
    http_url(address).ok_or_else(|| format!("{address} is no address."))
}

/// An address with further parameters.
pub(super) fn with(address: &str, pairs: &[(&str, &str)]) -> Result<String, Reason> {
    let mut address = url_of(address)?;
    address.query_pairs_mut().extend_pairs(pairs);
    Ok(address.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_as_objects_or_as_forms() {
        let expected = json!({"access_token": "a", "scope": "x y"});
        for body in [r#"{"access_token": "a", "scope": "x y"}"#, "access_token=a&scope=x%20y"] {
            assert_eq!(Value::Object(read_object(body.as_bytes())), expected, "{body}");
        }
        assert!(read_object(b"").is_empty());
    }

    /// A key as Apple hands them out.
    const P256: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg32CD7a9NDSYBJLtx\nFZp8WMlv7uetqkR3ckfbW1x1cmihRANCAASO7cXLVHVlEfOZbGsOXQfoSr9eGrMi\niYvOAnHTSsHXGDy+dOSXAmby+JsBhQbR3ex8Z7Kod6sszXih/X76HYpm\n-----END PRIVATE KEY-----\n";

    #[test]
    fn apple_is_told_who_asks_by_a_signature() {
        let token = apple_assertion("svc.example; TEAM ;KEY1", P256, 1_000).unwrap();
        let jws = vestibule_jose::Jws::parse(&token).unwrap();
        assert_eq!((jws.kid(), jws.algorithm()), (Some("KEY1"), vestibule_jose::Algorithm::Es256));
        let key = SigningKey::of_pem(P256).unwrap();
        let claims = jws.verify(&key.public().unwrap(), &[vestibule_jose::Algorithm::Es256]).unwrap();
        let expected = json!({
            "iss": "TEAM", "sub": "svc.example", "aud": "https://appleid.apple.com", "iat": 1_000, "exp": 1_300,
        });
        assert_eq!(Value::Object(claims), expected);
        assert!(apple_assertion("svc.example", P256, 0).unwrap_err().contains("service;team;key"));
        assert!(apple_assertion("a;b;c", "no key", 0).unwrap_err().contains("no key"));
    }

    #[test]
    fn slack_gives_two_tokens_and_the_users_counts() {
        let token = json!({
            "ok": true, "access_token": "of the application",
            "authed_user": {"id": "U1", "access_token": "of the user", "expires_in": 43_200},
        });
        let mut token = token.as_object().cloned().unwrap();
        as_the_user(&mut token);
        assert_eq!(Value::Object(token), json!({"ok": true, "access_token": "of the user", "expires_in": 43_200}));
    }

    #[test]
    fn parameters_are_added_to_those_of_an_address() {
        assert_eq!(with("https://a.example/x?y=1", &[("z", "2 3")]).unwrap(), "https://a.example/x?y=1&z=2+3");
        assert!(with("no address", &[]).is_err());
    }
}
