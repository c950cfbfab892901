//! Who asks: a bearer token, or a session's cookie with a proof that the request comes from a page of this server.

use std::collections::BTreeSet;

use async_trait::async_trait;
use http::header;
use http::request::Parts;
use uuid::Uuid;
use vestibule_events::Request;
use vestibule_kernel::secret::constant_time_eq;
use vestibule_kernel::{Actor, ApiError, Ctx};
use vestibule_resource::http::is_safe;
use vestibule_resource::{Authenticate, Principal};
use vestibule_store::{Configuration, Row, Store};

use crate::client::{ClientInfo, cookie, describe_request};
use crate::resources::user::{ORIGINAL, UserType};
use crate::session::{COOKIE, HOST_COOKIE, Session, Sessions};
use crate::superuser::is_superuser_sql;

/// The cookie that scripts read to prove that they run on a page of this server, and the header they prove it with.
pub const CSRF_COOKIE: &str = "authentik_csrf";
/// See [`CSRF_COOKIE`].
pub const CSRF_HEADER: &str = "x-authentik-csrf";

/// The scope of access tokens that are good for this server's own API.
const API_SCOPE: &str = "goauthentik.io/api";

/// A user who was found to ask.
struct Known {
    pk: i64,
    actor: Actor,
    superuser: bool,
    user_type: String,
    session: Option<Uuid>,
    fresh: bool,
}

/// Finds out who asks.
pub struct Authenticator {
    store: Store,
    ctx: Ctx,
    sessions: Sessions,
}

impl Authenticator {
    /// Over a store.
    pub fn new(store: Store, ctx: Ctx) -> Self {
        let sessions = Sessions::new(store.clone(), ctx.clone());
        Self { store, ctx, sessions }
    }

    /// The same with another limit on how long ago somebody may have signed in who changes how they do; `None`: none.
    pub fn login_age(self, login_age: Option<chrono::TimeDelta>) -> Self {
        Self { sessions: self.sessions.login_age(login_age), ..self }
    }

    /// A user with the permissions that they have by their roles: one statement.
    async fn with_permissions(&self, found: Known, client: &ClientInfo) -> Result<Principal, ApiError> {
        let database = self.store.database();
        let rows = database.query(database.speak(&vestibule_rbac::holdings_sql()), vec![found.pk.into()]).await?;
        let (mut roles, mut permissions) = (BTreeSet::new(), BTreeSet::new());
        for row in rows {
            roles.insert(row.uuid("role")?);
            permissions.extend(row.optional_text("permission")?);
        }
        Ok(Principal {
            actor: found.actor,
            superuser: found.superuser,
            permissions,
            roles: roles.into_iter().collect(),
            internal: found.user_type == UserType::InternalServiceAccount.as_str(),
            by_session: found.session.is_some(),
            session: found.session,
            fresh: found.fresh,
            ..Principal::anonymous(client.ip)
        })
    }

    /// Whom a token stands for: one statement. Unknown, expired, meant for something else, of an inactive user: all
    /// the same to the client.
    async fn by_token(&self, key: &str, client: &ClientInfo) -> Result<Principal, ApiError> {
        let sql = format!(
            "SELECT u.id, u.username, u.email, u.type, {} AS superuser FROM tokens t JOIN users u ON u.id = t.user_id \
             WHERE t.key_hash = $1 AND t.intent = 'api' AND u.is_active \
             AND (NOT t.expiring OR t.expires IS NULL OR t.expires > $2)",
            is_superuser_sql("u.id")
        );
        let params = vec![self.store.keys().lookup_hash(key).into(), self.ctx.now().into()];
        let database = self.store.database();
        let row = match database.query_one(database.speak(&sql), params).await? {
            Some(row) => row,
            None => self.by_access_token(key).await?.ok_or(ApiError::InvalidToken)?,
        };
        let pk = row.int("id")?;
        let actor = Actor::User { pk, username: row.text("username")?, email: row.text("email")? };
        let (superuser, user_type) = (row.bool("superuser")?, row.text("type")?);
        self.with_permissions(Known { pk, actor, superuser, user_type, session: None, fresh: true }, client).await
    }
}

impl Authenticator {
    /// Whom an application's access token stands for that reaches this server's own API, while it is good. One that is bound
    /// to a key is none without its proof.
    async fn by_access_token(&self, key: &str) -> Result<Option<Row>, ApiError> {
        if !key.contains('.') {
            return Ok(None);
        }
        let sql = format!(
            "SELECT u.id, u.username, u.email, u.type, {} AS superuser FROM oauth2_access_tokens t \
             JOIN users u ON u.id = t.user_id WHERE t.token_hash = $1 AND t.expires > $2 AND NOT t.revoked \
             AND t.confirmation IS NULL AND u.is_active AND ' ' || t.scope || ' ' LIKE $3 \
             AND (t.session IS NULL OR EXISTS (SELECT 1 FROM sessions s WHERE s.uuid = t.session AND s.expires > $2))",
            is_superuser_sql("u.id")
        );
        let reaches = format!("% {API_SCOPE} %");
        let params = vec![self.store.keys().token_hash(key).into(), self.ctx.now().into(), reaches.into()];
        let database = self.store.database();
        Ok(database.query_one(database.speak(&sql), params).await?)
    }
}

#[async_trait]
impl Authenticate for Authenticator {
    async fn principal(&self, parts: &Parts) -> Result<Principal, ApiError> {
        let client = ClientInfo::of(parts);
        if let Some(token) = bearer(parts) {
            return self.by_token(token, &client).await;
        }
        let session = match session_cookie(parts, &client) {
            Some(cookie) => self.sessions.load_from(cookie, client.ip).await?,
            None => None,
        };
        let fresh = session.as_ref().is_some_and(|session| self.sessions.is_fresh(session));
        let found = session.and_then(|session| Some((session.uuid, session.data, session.user?)));
        let Some((uuid, data, user)) = found else { return Ok(Principal::anonymous(client.ip)) };
        require_same_origin(parts)?;
        let (pk, actor, superuser) = (user.pk, user.actor(), user.is_superuser);
        let known = Known { pk, actor, superuser, user_type: user.user_type, session: Some(uuid), fresh };
        let mut principal = self.with_permissions(known, &client).await?;
        principal.request.impersonator = data.get(ORIGINAL).cloned();
        Ok(principal)
    }

    fn describe(&self, parts: &Parts, configuration: &Configuration, principal: &Principal) -> Request {
        let impersonator = principal.request.impersonator.clone();
        Request { impersonator, ..describe_request(parts, configuration) }
    }

    fn origin(&self, parts: &Parts) -> String {
        ClientInfo::of(parts).origin()
    }
}

/// The token of an `Authorization: Bearer` header. Another scheme, or none, is no token.
fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The session's cookie, under the name that the connection calls for.
pub fn session_cookie<'a>(parts: &'a Parts, client: &ClientInfo) -> Option<&'a str> {
    let strict = if client.secure { cookie(parts, HOST_COOKIE) } else { None };
    strict.or_else(|| cookie(parts, COOKIE)).filter(|value| !value.is_empty())
}

/// The stored session of a request, if it has one.
pub async fn load_session(sessions: &Sessions, parts: &Parts) -> Result<Option<Session>, vestibule_store::StoreError> {
    let client = ClientInfo::of(parts);
    match session_cookie(parts, &client) {
        Some(cookie) => sessions.load_from(cookie, client.ip).await,
        None => Ok(None),
    }
}

/// Refuses a request that changes something, is backed by a cookie, and does not prove that a page of this server sent
/// it: by `Sec-Fetch-Site`, by `Origin`, or by the header that repeats a cookie.
pub fn require_same_origin(parts: &Parts) -> Result<(), ApiError> {
    if is_safe(&parts.method) || is_same_origin(parts) {
        return Ok(());
    }
    Err(ApiError::Refused("CSRF Failed: CSRF token missing.".into()))
}

/// Whether a request proves that a page of this server sent it.
pub fn is_same_origin(parts: &Parts) -> bool {
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let repeated = match (text(CSRF_HEADER), cookie(parts, CSRF_COOKIE)) {
        (Some(header), Some(cookie)) => !cookie.is_empty() && constant_time_eq(header, cookie),
        _ => false,
    };
    let client = ClientInfo::of(parts);
    let origin =
        text("origin").is_some_and(|origin| !client.host.is_empty() && origin.eq_ignore_ascii_case(&client.origin()));
    repeated || origin || matches!(text("sec-fetch-site"), Some("same-origin" | "none"))
}
