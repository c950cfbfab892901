//! Sessions: who a browser's cookie stands for, and what flows keep between requests.

mod cookie;

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Event;
use vestibule_kernel::{Actor, Ctx, Object};
use vestibule_store::{Durability, Param, Row, Store, StoreError, Transaction};

use crate::resources::avatar::Pictured;
use crate::superuser::is_superuser_sql;

pub use cookie::{COOKIE, HOST_COOKIE, remove_cookie, set_cookie};

/// How long the session of someone who is not signed in lives.
const ANONYMOUS: TimeDelta = TimeDelta::hours(1);
/// How exact the time of the last use is.
const LAST_USED: TimeDelta = TimeDelta::minutes(5);
/// Where a session's data says how its user signed in.
const LOGIN: &str = "login";
/// How long ago somebody may have signed in who changes how they do.
const LOGIN_AGE: TimeDelta = TimeDelta::hours(1);
/// Where a session's data says what it is bound to.
const BOUND: &str = "bound";
/// Most that is kept of a browser's name, characters.
const USER_AGENT: usize = 512;

/// A session. It is in the database once it has a key.
#[derive(Clone, Debug)]
pub struct Session {
    /// What the cookie holds; `None` until the session is stored.
    pub key: Option<String>,
    /// Names the session without giving access to it.
    pub uuid: Uuid,
    /// Who is signed in.
    pub user: Option<SessionUser>,
    /// What flows keep.
    pub data: Object,
    /// Grows with every change, so that of two concurrent ones only one counts.
    pub version: i64,
    /// When it began.
    pub created: DateTime<Utc>,
    /// When it was last used, give or take five minutes.
    pub last_used: DateTime<Utc>,
    /// When it ends.
    pub expires: DateTime<Utc>,
    /// The address of its client.
    pub client_ip: String,
    /// The name of its browser.
    pub user_agent: String,
}

/// How somebody signed in, as applications are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginFacts {
    /// When, whole seconds.
    pub at: DateTime<Utc>,
    /// By what: `password`, `auth_webauthn_pwl`, ...
    pub method: String,
    /// Whether a second factor was used besides.
    pub with_factor: bool,
    /// Differs with every login.
    pub id: String,
}

impl Session {
    /// How its user signed in; `None`: nobody has, or nothing is known of it.
    pub fn login(&self) -> Option<LoginFacts> {
        let facts = self.user.as_ref().and(self.data.get(LOGIN))?;
        let text = |name: &str| facts.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(LoginFacts {
            at: DateTime::from_timestamp_secs(facts.get("at")?.as_i64()?)?,
            method: text("method")?,
            with_factor: facts.get("factor").and_then(Value::as_bool).unwrap_or_default(),
            id: text("id")?,
        })
    }

    /// Binds the session to where it is now, by network or by place; a null binds it to nothing.
    pub fn bind(&mut self, to: Value, client_ip: IpAddr) {
        self.client_ip = client_ip.to_string();
        match to {
            Value::Null => self.data.remove(BOUND),
            to => self.data.insert(BOUND.into(), to),
        };
    }
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionUser {
    /// Key.
    pub pk: i64,
    /// The other key.
    pub uuid: Uuid,
    /// Name they sign in with.
    pub username: String,
    /// Name for people.
    pub name: String,
    /// E-mail address, may be empty.
    pub email: String,
    /// Whether they may sign in.
    pub is_active: bool,
    /// Whether they may do everything.
    pub is_superuser: bool,
    /// `internal`, `external`, ...
    pub user_type: String,
    /// The language they chose.
    pub locale: Option<String>,
    /// What administrators and flows keep about them.
    pub attributes: Object,
}

impl SessionUser {
    /// Whom a picture of them shows.
    pub fn pictured(&self) -> Pictured<'_> {
        let Self { name, username, email, attributes, .. } = self;
        Pictured { name, username, email, attributes: Some(attributes) }
    }

    /// As events and revisions name them.
    pub fn actor(&self) -> Actor {
        Actor::User { pk: self.pk, username: self.username.clone(), email: self.email.clone() }
    }

    fn read(row: &Row, pk: i64) -> Result<Self, StoreError> {
        let attributes = row.json("attributes")?;
        let locale = attributes.pointer("/settings/locale").and_then(Value::as_str).filter(|text| !text.is_empty());
        let locale = locale.map(str::to_owned);
        Ok(Self {
            pk,
            uuid: row.uuid("user_uuid")?,
            username: row.text("username")?,
            name: row.text("name")?,
            email: row.text("email")?,
            is_active: row.bool("is_active")?,
            is_superuser: row.bool("superuser")?,
            user_type: row.text("type")?,
            locale,
            attributes: match attributes {
                Value::Object(attributes) => attributes,
                _ => Object::new(),
            },
        })
    }
}

/// What became of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// The user is signed in.
    Done,
    /// The user may not sign in.
    Inactive,
    /// Another answer of the same session came first.
    Lost,
}

/// Loads and keeps sessions. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
    ctx: Ctx,
    login_age: Option<TimeDelta>,
}

impl Sessions {
    /// Over a store.
    pub fn new(store: Store, ctx: Ctx) -> Self {
        Self { store, ctx, login_age: Some(LOGIN_AGE) }
    }

    /// The same with another limit on how long ago somebody may have signed in who changes how they do; `None`: none.
    pub fn login_age(self, login_age: Option<TimeDelta>) -> Self {
        Self { login_age, ..self }
    }

    /// Whether its user signed in a short while ago, so that it is still them who sit there: as far as that matters here.
    pub fn is_fresh(&self, session: &Session) -> bool {
        let Some(age) = self.login_age else { return true };
        session.login().is_some_and(|login| login.at + age > self.ctx.now())
    }

    /// A session that is nowhere yet.
    #[expect(clippy::needless_pass_by_value, reason = "an address is a few bytes; callers need no reference")]
    pub fn anonymous(&self, client_ip: impl ToString, user_agent: &str) -> Session {
        let now = self.ctx.now();
        Session {
            key: None,
            uuid: self.ctx.uuid(),
            user: None,
            data: Object::new(),
            version: 0,
            created: now,
            last_used: now,
            expires: now + ANONYMOUS,
            client_ip: client_ip.to_string(),
            user_agent: user_agent.chars().filter(|c| *c != '\0').take(USER_AGENT).collect(),
        }
    }

    /// The session of a cookie: one statement, and a second one every five minutes. What has expired, and what belongs
    /// to somebody who was deactivated, is none.
    pub async fn load(&self, cookie: &str) -> Result<Option<Session>, StoreError> {
        if cookie.is_empty() || cookie.len() > 128 {
            return Ok(None);
        }
        let now = self.ctx.now();
        let sql = format!(
            "SELECT s.uuid, s.user_id, s.data, s.version, s.client_ip, s.user_agent, s.created, s.last_used, s.expires, \
             u.uuid AS user_uuid, u.username, u.name, u.email, u.is_active, u.type, u.attributes, {} AS superuser \
             FROM sessions s LEFT JOIN users u ON u.id = s.user_id WHERE s.id_hash = $1 AND s.expires > $2",
            is_superuser_sql("u.id")
        );
        let id_hash = self.hash(cookie);
        let params = vec![id_hash.as_str().into(), now.into()];
        let database = self.store.database();
        let Some(row) = database.query_one(database.speak(&sql), params).await? else { return Ok(None) };
        let user = row.optional_int("user_id")?.map(|pk| SessionUser::read(&row, pk)).transpose()?;
        if user.as_ref().is_some_and(|user| !user.is_active) {
            return Ok(None);
        }
        let mut session = Session {
            key: Some(cookie.to_owned()),
            uuid: row.uuid("uuid")?,
            user,
            data: object(row.json("data")?),
            version: row.int("version")?,
            created: row.time("created")?,
            last_used: row.time("last_used")?,
            expires: row.time("expires")?,
            client_ip: row.text("client_ip")?,
            user_agent: row.text("user_agent")?,
        };
        if now - session.last_used > LAST_USED {
            session.last_used = now;
            let sql = "UPDATE sessions SET last_used = $1 WHERE id_hash = $2";
            self.store.database().execute(Durability::Process, sql, vec![now.into(), id_hash.into()]).await?;
        }
        Ok(Some(session))
    }

    /// The session of a cookie that comes from an address. One that is bound to a network or a place ends when it comes from
    /// another: nothing here knows that the two lie together.
    pub fn load_from<'a>(
        &'a self,
        cookie: &'a str,
        client_ip: IpAddr,
    ) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        Box::pin(self.load_bound(cookie, client_ip))
    }

    async fn load_bound(&self, cookie: &str, client_ip: IpAddr) -> Result<Option<Session>, StoreError> {
        let Some(mut session) = self.load(cookie).await? else { return Ok(None) };
        let now = client_ip.to_string();
        let Some(bound) = session.data.get(BOUND).filter(|_| session.client_ip != now) else {
            return Ok(Some(session));
        };
        let reason = if bound.get("network").is_some() { "network.missing" } else { "geoip.missing" };
        let context = json!({
            "logout_reason": "Session binding broken",
            "binding": {"reason": reason, "previous_value": {}, "new_value": {}},
            "ip": {"previous": session.client_ip, "new": now},
        });
        let event = session.user.as_ref().map(|user| {
            let event = Event::new("logout", "authentik.events.signals", user.actor());
            event.context(context).client_ip(client_ip)
        });
        self.logout(&mut session, event).await?;
        Ok(None)
    }

    /// Stores what a session holds, one statement; when it ends is decided where it begins. False when it was ended or changed meanwhile: then nothing is stored, and
    /// `session` loses its key and its user.
    pub async fn save(&self, session: &mut Session) -> Result<bool, StoreError> {
        if let Some(key) = &session.key {
            let sql = "UPDATE sessions SET data = $1, last_used = $2, version = version + 1 \
                       WHERE id_hash = $3 AND version = $4";
            let params = vec![
                Value::Object(session.data.clone()).into(),
                session.last_used.into(),
                self.hash(key).into(),
                session.version.into(),
            ];
            if self.store.database().execute(Durability::Process, sql, params).await? == 0 {
                session.key = None;
                session.user = None;
                return Ok(false);
            }
            session.version += 1;
            return Ok(true);
        }
        let (sql, params, key) = self.put_statement(session, None);
        self.store.database().execute(Durability::Process, sql, params).await?;
        session.key = Some(key);
        Ok(true)
    }

    /// Signs a user in: the session has a new key afterwards, the old one is worthless. Three statements with the
    /// event, whose actor is the user. Nothing happened unless it is done.
    pub async fn login(
        &self,
        session: &mut Session,
        user_pk: i64,
        expires: DateTime<Utc>,
        event: Event,
    ) -> Result<Login, StoreError> {
        let mut transaction = self.store.database().begin(Durability::Process).await?;
        let sql = format!(
            "UPDATE users SET last_login = $1 WHERE id = $2 AND is_active RETURNING uuid AS user_uuid, username, name, \
             email, is_active, type, attributes, {} AS superuser",
            is_superuser_sql("$2")
        );
        let now = self.ctx.now();
        let row = transaction.query_one(transaction.speak(&sql), vec![now.into(), user_pk.into()]).await?;
        let Some(row) = row else { return Ok(Login::Inactive) };
        let user = SessionUser::read(&row, user_pk)?;
        let event = Event { actor: user.actor(), ..event };
        let mut next = Session { user: Some(user), expires, last_used: now, ..session.clone() };
        let known = |name: &str| event.context.get(name);
        let facts = json!({
            "at": now.timestamp(),
            "method": known("auth_method").cloned().unwrap_or_default(),
            "factor": known("auth_method_args").is_some_and(|known| known.get("mfa_devices").is_some()),
            "id": URL_SAFE_NO_PAD.encode(self.ctx.bytes::<6>()),
        });
        next.data.insert(LOGIN.into(), facts);
        if !self.put(&mut transaction, &mut next, Some(user_pk)).await? {
            return Ok(Login::Lost);
        }
        event.write(&self.ctx, &mut transaction).await?;
        transaction.commit().await?;
        *session = next;
        Ok(Login::Done)
    }

    /// Makes the session another user's without it counting as a login (impersonation). It gets a new key. False when
    /// the user is not active.
    pub async fn become_user(&self, session: &mut Session, user_pk: i64, event: Event) -> Result<bool, StoreError> {
        let mut transaction = self.store.database().begin(Durability::Process).await?;
        let sql = format!(
            "SELECT uuid AS user_uuid, username, name, email, is_active, type, attributes, {} AS superuser \
             FROM users WHERE id = $1 AND is_active",
            is_superuser_sql("users.id")
        );
        let sql = transaction.speak(&sql);
        let Some(row) = transaction.query_one(sql, vec![user_pk.into()]).await? else { return Ok(false) };
        let mut next = Session { user: Some(SessionUser::read(&row, user_pk)?), ..session.clone() };
        if !self.put(&mut transaction, &mut next, Some(user_pk)).await? {
            return Ok(false);
        }
        event.write(&self.ctx, &mut transaction).await?;
        transaction.commit().await?;
        *session = next;
        Ok(true)
    }

    /// Inserts the session, or gives the one of its UUID a new key: one statement. False when it was changed meanwhile.
    async fn put(
        &self,
        transaction: &mut Transaction,
        session: &mut Session,
        user: Option<i64>,
    ) -> Result<bool, StoreError> {
        let (sql, params, key) = self.put_statement(session, user);
        // What a stored session's key was before tells whether its version grows or begins.
        let stored = session.key.is_some();
        if transaction.execute(sql, params).await? == 0 {
            return Ok(false);
        }
        session.version += i64::from(stored);
        session.key = Some(key);
        Ok(true)
    }

    /// The statement of [`Self::put`], and the key that the session has after it.
    fn put_statement(&self, session: &Session, user: Option<i64>) -> (&'static str, Vec<Param>, String) {
        let key = URL_SAFE_NO_PAD.encode(self.ctx.bytes::<32>());
        let sql = "INSERT INTO sessions \
                   (id_hash, uuid, user_id, username, data, client_ip, user_agent, created, last_used, expires, version) \
                   VALUES ($1, $2, $3, (SELECT username FROM users WHERE id = $3), $4, $5, $6, $7, $8, $9, $10) \
                   ON CONFLICT (uuid) DO UPDATE SET \
                   id_hash = excluded.id_hash, user_id = excluded.user_id, username = excluded.username, \
                   data = excluded.data, \
                   client_ip = excluded.client_ip, user_agent = excluded.user_agent, \
                   last_used = excluded.last_used, expires = excluded.expires, version = sessions.version + 1 \
                   WHERE sessions.version = excluded.version";
        let params = vec![
            self.hash(&key).into(),
            session.uuid.into(),
            user.into(),
            Value::Object(session.data.clone()).into(),
            session.client_ip.as_str().into(),
            session.user_agent.as_str().into(),
            session.created.into(),
            session.last_used.into(),
            session.expires.into(),
            session.version.into(),
        ];
        (sql, params, key)
    }

    /// Ends a session, with its event where there is one. `session` is an anonymous one afterwards, with a UUID of its
    /// own.
    pub async fn logout(&self, session: &mut Session, event: Option<Event>) -> Result<(), StoreError> {
        if let Some(key) = &session.key {
            let mut transaction = self.store.database().gather(Durability::Process);
            let sql = "DELETE FROM sessions WHERE id_hash = $1";
            transaction.add(sql, vec![self.hash(key).into()]).await?;
            if let Some(event) = event {
                event.write(&self.ctx, &mut transaction).await?;
            }
            transaction.commit().await?;
        }
        *session = self.anonymous(&session.client_ip, &session.user_agent);
        Ok(())
    }

    /// Removes what has expired; how many. Expired sessions are not used before that either.
    pub async fn delete_expired(&self) -> Result<u64, StoreError> {
        let sql = "DELETE FROM sessions WHERE expires <= $1";
        self.store.database().execute(Durability::Process, sql, vec![self.ctx.now().into()]).await
    }

    /// Ends every session of a user, but for the one of the cookie `keep`.
    pub async fn delete_for_user(&self, user: i64, keep: Option<&str>) -> Result<u64, StoreError> {
        let mut transaction = self.store.database().begin(Durability::Process).await?;
        let ended = delete_for_user(&mut transaction, user, keep.map(|key| self.hash(key))).await?;
        transaction.commit().await?;
        Ok(ended)
    }

    /// What stands for a cookie in the database.
    pub fn hash(&self, cookie: &str) -> String {
        self.store.keys().lookup_hash(cookie)
    }
}

/// Ends every session of a user as part of a transaction, but for the one whose hash is `keep`.
pub(crate) async fn delete_for_user(
    transaction: &mut Transaction,
    user: i64,
    keep: Option<String>,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM sessions WHERE user_id = $1 AND id_hash <> $2";
    let params: Vec<Param> = vec![user.into(), keep.unwrap_or_default().into()];
    transaction.execute(sql, params).await
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
