//! What people have allowed applications: codes, and the tokens that they are exchanged for. Whoever holds one is believed;
//! so each is kept as a hash. All that came of one permission is a family: where one of it is used twice, all of it ends.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{Ctx, Object};
use vestibule_store::{Durability, Row, Store, StoreError, Transaction};

/// How long a code that was used is remembered: whoever comes with it again has got hold of what is not theirs.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// What somebody allowed, and how they had signed in: goes from a code to the tokens that it is exchanged for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Granted {
    /// When they signed in, seconds since 1970.
    pub auth_time: i64,
    /// By which methods (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Their session here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Uuid>,
    /// What the client wants to find again in the identity token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Where the code went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// What whoever comes with the code has to prove (RFC 7636): the challenge, and its method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<(String, String)>,
    /// The thumbprint of the key that tokens are bound to (RFC 9449).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<String>,
    /// Claims that the client asked for by name (OpenID Connect Core, section 5.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Value>,
}

/// A code as it was found.
pub(crate) struct Code {
    pub provider: i64,
    pub user: i64,
    pub scope: Vec<String>,
    pub family: Uuid,
    pub granted: Granted,
}

/// A token as it was found.
pub(crate) struct Token {
    pub id: i64,
    pub provider: i64,
    pub user: i64,
    pub scope: Vec<String>,
    pub expires: DateTime<Utc>,
    pub revoked: bool,
    /// Whether whose it is may still sign in, and is still signed in where the token is bound to that.
    pub alive: bool,
    /// The claims of the identity token that came with it.
    pub id_token: Object,
    pub family: Uuid,
    /// A refresh token's; of an access token the session and the key that it is bound to.
    pub granted: Granted,
    /// The key that it is bound to.
    pub confirmation: Option<String>,
}

impl Token {
    /// Whether it is good.
    pub(crate) fn is_good(&self, now: DateTime<Utc>) -> bool {
        !self.revoked && self.alive && self.expires > now
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

fn granted(row: &Row) -> Result<Granted, StoreError> {
    Ok(serde_json::from_value(row.json("granted")?).unwrap_or_default())
}

/// What is put into the database.
pub(crate) struct NewToken<'a> {
    pub key: &'a str,
    pub provider: i64,
    pub user: i64,
    pub scope: &'a [String],
    pub expires: DateTime<Utc>,
    pub id_token: &'a Object,
    pub family: Uuid,
    pub granted: &'a Granted,
}

/// Keeps a code.
pub(crate) async fn add_code(
    store: &Store,
    transaction: &mut Transaction,
    token: &NewToken<'_>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO oauth2_codes (code_hash, provider, user_id, scope, expires, granted, family) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let params = vec![
        store.keys().lookup_hash(token.key).into(),
        token.provider.into(),
        token.user.into(),
        token.scope.join(" ").into(),
        token.expires.into(),
        serde_json::to_value(token.granted).unwrap_or_default().into(),
        token.family.into(),
    ];
    transaction.add(sql, params).await
}

/// Takes a code out: of several who come with it at once, one has it. Whoever comes later ends all that came of it.
///
/// # Errors
/// The database.
pub(crate) async fn take_code(store: &Store, ctx: &Ctx, key: &str) -> Result<Option<Code>, StoreError> {
    let hash = store.keys().lookup_hash(key);
    let mut transaction = store.database().begin(Durability::Process).await?;
    let sql = "DELETE FROM oauth2_codes WHERE code_hash = $1 \
               RETURNING provider, user_id, scope, expires, granted, family";
    let found = transaction.query_one(sql, vec![hash.as_str().into()]).await?;
    let Some(row) = found else {
        let sql = "SELECT family FROM oauth2_spent WHERE hash = $1";
        if let Some(row) = transaction.query_one(sql, vec![hash.into()]).await? {
            end_family(&mut transaction, row.uuid("family")?).await?;
            transaction.commit().await?;
        }
        return Ok(None);
    };
    let family = row.uuid("family")?;
    let sql = "INSERT INTO oauth2_spent (hash, family, expires) VALUES ($1, $2, $3)";
    transaction.execute(sql, vec![hash.into(), family.into(), (ctx.now() + REMEMBERED).into()]).await?;
    transaction.commit().await?;
    if row.time("expires")? <= ctx.now() {
        return Ok(None);
    }
    Ok(Some(Code {
        provider: row.int("provider")?,
        user: row.int("user_id")?,
        scope: words(&row.text("scope")?),
        granted: granted(&row)?,
        family,
    }))
}

/// Revokes every token of a family.
async fn end_family(transaction: &mut Transaction, family: Uuid) -> Result<(), StoreError> {
    for table in ["oauth2_access_tokens", "oauth2_refresh_tokens"] {
        let sql = format!("UPDATE {table} SET revoked = TRUE WHERE family = $1");
        transaction.execute(sql, vec![family.into()]).await?;
    }
    Ok(())
}

/// Revokes every token of a family.
pub(crate) async fn revoke_family(store: &Store, family: Uuid) -> Result<(), StoreError> {
    let mut transaction = store.database().begin(Durability::Full).await?;
    end_family(&mut transaction, family).await?;
    transaction.commit().await
}

/// Keeps an access token.
pub(crate) async fn add_access(
    store: &Store,
    transaction: &mut Transaction,
    token: &NewToken<'_>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO oauth2_access_tokens \
               (token_hash, provider, user_id, scope, expires, id_token, session, family, confirmation) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let params = vec![
        store.keys().token_hash(token.key).into(),
        token.provider.into(),
        token.user.into(),
        token.scope.join(" ").into(),
        token.expires.into(),
        Value::Object(token.id_token.clone()).into(),
        token.granted.session.into(),
        token.family.into(),
        token.granted.confirmation.clone().into(),
    ];
    transaction.add(sql, params).await
}

/// Keeps a refresh token.
pub(crate) async fn add_refresh(
    store: &Store,
    transaction: &mut Transaction,
    token: &NewToken<'_>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO oauth2_refresh_tokens \
               (token_hash, provider, user_id, scope, expires, id_token, granted, family) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let params = vec![
        store.keys().lookup_hash(token.key).into(),
        token.provider.into(),
        token.user.into(),
        token.scope.join(" ").into(),
        token.expires.into(),
        Value::Object(token.id_token.clone()).into(),
        serde_json::to_value(token.granted).unwrap_or_default().into(),
        token.family.into(),
    ];
    transaction.add(sql, params).await
}

/// An access token, good or not: one statement.
pub(crate) async fn access(store: &Store, now: DateTime<Utc>, key: &str) -> Result<Option<Token>, StoreError> {
    let sql = "SELECT t.id, t.provider, t.user_id, t.scope, t.expires, t.revoked, t.id_token, t.family, t.session, t.confirmation, \
               u.is_active AND (t.session IS NULL OR EXISTS \
               (SELECT 1 FROM sessions s WHERE s.uuid = t.session AND s.expires > $2)) AS alive \
               FROM oauth2_access_tokens t JOIN users u ON u.id = t.user_id WHERE t.token_hash = $1";
    let params = vec![store.keys().token_hash(key).into(), now.into()];
    let Some(row) = store.database().query_one(sql, params).await? else { return Ok(None) };
    let (session, confirmation) = (row.optional_uuid("session")?, row.optional_text("confirmation")?);
    read(&row, Granted { session, confirmation, ..Granted::default() }).map(Some)
}

/// Whether a session has not ended.
pub(crate) async fn has_session(store: &Store, now: DateTime<Utc>, session: Uuid) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM sessions WHERE uuid = $1 AND expires > $2";
    Ok(store.database().query_one(sql, vec![session.into(), now.into()]).await?.is_some())
}

/// A refresh token, good or not: one statement.
pub(crate) async fn refresh(store: &Store, key: &str) -> Result<Option<Token>, StoreError> {
    let sql = "SELECT t.id, t.provider, t.user_id, t.scope, t.expires, t.revoked, t.id_token, t.family, t.granted, \
               u.is_active AS alive FROM oauth2_refresh_tokens t JOIN users u ON u.id = t.user_id \
               WHERE t.token_hash = $1";
    let params = vec![store.keys().lookup_hash(key).into()];
    let Some(row) = store.database().query_one(sql, params).await? else { return Ok(None) };
    read(&row, granted(&row)?).map(Some)
}

fn read(row: &Row, granted: Granted) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.int("id")?,
        provider: row.int("provider")?,
        user: row.int("user_id")?,
        scope: words(&row.text("scope")?),
        expires: row.time("expires")?,
        revoked: row.bool("revoked")?,
        alive: row.bool("alive")?,
        id_token: object(row.json("id_token")?),
        family: row.uuid("family")?,
        confirmation: granted.confirmation.clone(),
        granted,
    })
}

/// Marks a refresh token as used; false where somebody else was first.
pub(crate) async fn spend_refresh(transaction: &mut Transaction, id: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE oauth2_refresh_tokens SET revoked = TRUE WHERE id = $1 AND NOT revoked";
    Ok(transaction.execute(sql, vec![id.into()]).await? == 1)
}

/// Removes an access token.
pub(crate) async fn remove_access(store: &Store, id: i64) -> Result<(), StoreError> {
    let sql = "DELETE FROM oauth2_access_tokens WHERE id = $1";
    store.database().execute(Durability::Full, sql, vec![id.into()]).await?;
    Ok(())
}

/// Removes a refresh token, and ends what came of it: whoever gives it up wants no more of it (RFC 7009, section 2.1).
pub(crate) async fn remove_refresh(store: &Store, token: &Token) -> Result<(), StoreError> {
    let mut transaction = store.database().begin(Durability::Full).await?;
    end_family(&mut transaction, token.family).await?;
    let sql = "DELETE FROM oauth2_refresh_tokens WHERE id = $1";
    transaction.execute(sql, vec![token.id.into()]).await?;
    transaction.commit().await
}

/// Removes the access tokens that a user has for a client by this session.
pub(crate) async fn end_session(store: &Store, user: i64, provider: i64, session: Uuid) -> Result<u64, StoreError> {
    let sql = "DELETE FROM oauth2_access_tokens WHERE user_id = $1 AND provider = $2 AND session = $3";
    let params = vec![user.into(), provider.into(), session.into()];
    store.database().execute(Durability::Full, sql, params).await
}

/// Remembers that something was used once, until `expires`; false where it was before.
pub(crate) async fn first_use(store: &Store, what: &str, expires: DateTime<Utc>) -> Result<bool, StoreError> {
    let sql = "INSERT INTO oauth2_seen (hash, expires) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
    let params = vec![store.keys().lookup_hash(what).into(), expires.into()];
    Ok(store.database().execute(Durability::Process, sql, params).await? == 1)
}
