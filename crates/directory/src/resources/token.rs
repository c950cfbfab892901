//! Tokens: keys that stand for a user, for programs.

mod key;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{Actor, ApiError, Ctx, FieldErrors, Object, duration};
use vestibule_resource::http::Query;
use vestibule_resource::{Api, Fields, Hooks, Kind, Lookup, Resource, Shape, Spec, Validation, WriteCx, select};
use vestibule_store::{Change, DocumentType as _, StoreError};

use super::brand::Brand;
use super::fields::{never_null, pk};
use super::merged::{groups_sql, merge};
use super::settings::SystemSettings;
use super::user::{Condition, User, any_of};
use crate::superuser::{guard_user, places};

/// What is kept about users whose tokens do not end.
const EXPIRING: &str = "goauthentik.io/user/token-expires";
/// What is kept about how long passwords of applications may live.
const LONGEST_LIFE: &str = "goauthentik.io/user/token-maximum-lifetime";

vestibule_resource::choices! {
    /// What a token is good for.
    pub enum Intent: "IntentEnum" {
        Verification = "verification" "Intent Verification",
        Api = "api" "Intent Api",
        Recovery = "recovery" "Intent Recovery",
        AppPassword = "app_password" "Intent App Password",
    }
}

/// A token.
#[derive(Fields)]
pub struct Token {
    /// Key.
    #[field(read_only, label = "Token uuid")]
    pub pk: Uuid,
    /// What keeps it, when that is no person.
    #[field(min = 1, unique = "This field must be unique.", label = "Managed by authentik")]
    pub managed: Option<String>,
    /// Its name.
    #[field(max = 255, format = Identifier, unique = "Token with this identifier already exists.")]
    pub identifier: String,
    /// What it is good for.
    #[field(default = "api")]
    pub intent: Intent,
    /// Whom it stands for.
    #[field(references = "authentik_core.user", column = "user_id")]
    pub user: i64,
    /// The same, in full.
    #[field(computed = user_object, shape = Shape::Object("User", User::fields))]
    pub user_obj: Value,
    /// What it is for.
    #[field(blank, folded, default = "")]
    pub description: String,
    /// When it ends.
    pub expires: Option<DateTime<Utc>>,
    /// Whether it ends.
    #[field(default = true)]
    pub expiring: bool,
    /// By which it is found.
    #[field(internal)]
    pub key_hash: String,
    /// The key, encrypted.
    #[field(internal)]
    pub key_sealed: String,
}

/// The kind of tokens.
pub(crate) fn kind() -> Kind {
    let mut kind = Kind::record::<Token>();
    kind.fields = never_null(kind.fields, &["user"]);
    kind
}

impl Resource for Token {
    fn spec() -> Spec {
        let spec = Spec::new("core/tokens", "authentik_core.token", "Token")
            .verbose("Token", "Tokens")
            .table("tokens", "pk")
            .lookup("identifier", "identifier")
            .search(&["identifier", "intent", "description"])
            .search_beyond("user_id IN (SELECT id FROM users WHERE username_folded LIKE $? ESCAPE '\\')")
            .order(&["identifier", "expires"])
            .filter(&["description", "expires", "expiring", "identifier", "intent", "managed"])
            .filter_with("user__username", "pk", Lookup::Sql(by_username), Shape::TEXT)
            .owner("user")
            .open_creation()
            .permission("view_token_key", "View token's key")
            .permission("set_token_key", "Set a token's key")
            .hooks(&TokenHooks)
            .describe(|object| object.get("identifier").and_then(Value::as_str).unwrap_or_default().to_owned());
        key::operations().into_iter().fold(spec, Spec::operation)
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        if let Some(intent) = cx.given.get("intent").and_then(Value::as_str)
            && ![Intent::Api.as_str(), Intent::AppPassword.as_str()].contains(&intent)
        {
            errors.add("intent", format!("Invalid intent {intent}"));
        }
    }
}

fn by_username(text: &str) -> Condition {
    let condition = any_of("username", &[text], |one| Some(one.into()));
    Ok(condition.map(|(sql, params)| (format!("user_id IN (SELECT id FROM users WHERE {sql})"), params)))
}

fn user_object(represent: &vestibule_resource::Represent<'_>, object: &Object) -> Value {
    let kind = represent.registry.kind("authentik_core.user");
    match (kind, object.get("user_obj")) {
        (Some(kind), Some(Value::Object(user))) => Value::Object(represent.fields(&kind.fields, user)),
        _ => Value::Null,
    }
}

struct TokenHooks;

#[async_trait]
impl Hooks for TokenHooks {
    async fn attach(&self, api: &Api, _: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        let Some(kind) = api.registry.kind("authentik_core.user") else { return Ok(()) };
        let owner = |object: &Object| object.get("user").and_then(Value::as_i64).unwrap_or_default();
        let mut keys: Vec<i64> = objects.iter().map(owner).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(());
        }
        let tail = format!(" WHERE id IN ({})", places(1, keys.len()));
        let params = keys.into_iter().map(Into::into).collect();
        let mut users = select(api.store.database(), kind, &tail, params).await?;
        super::user::attach(api.store.database(), &Query::default(), &mut users).await?;
        for object in objects {
            let user = users.iter().find(|user| pk(user) == owner(object)).cloned();
            object.insert("user_obj".into(), user.map_or(Value::Null, Value::Object));
        }
        Ok(())
    }

    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        assign_owner(cx, object).await?;
        let given = |name: &str| cx.given.contains_key(name);
        // A whole new description without an intent means the usual one.
        if given("identifier") && !given("intent") {
            object.insert("intent".into(), Intent::Api.as_str().into());
        }
        refuse_intent(cx, object)?;
        end_or_not(cx, object).await?;
        limit_life(cx, object).await?;
        if cx.existing.is_none() {
            let key = cx.ctx.token(SystemSettings::of(&cx.change.configuration()).token_length());
            let (hash, sealed) = protect(cx.change, cx.ctx, super::fields::pk_uuid(object), &key)?;
            object.insert("key_hash".into(), hash.into());
            object.insert("key_sealed".into(), sealed.into());
        }
        Ok(())
    }

    fn beyond(&self) -> &'static [&'static str] {
        &["key"]
    }

    async fn set_beyond(&self, cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
        key::set_given(cx, object).await
    }
}

/// A token stands for whoever makes it, for ever; only superusers make them for others (CVE-2024-37905).
async fn assign_owner(cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
    let wanted = cx.given.get("user").and_then(Value::as_i64);
    let present = cx.existing.and_then(|object| object.get("user")).and_then(Value::as_i64);
    if present.is_some() && wanted.is_some() && wanted != present {
        return Err(FieldErrors::one("user", "User cannot be changed").into());
    }
    let owner = present.or_else(|| cx.principal.user());
    if wanted.is_some() && wanted != owner && !cx.principal.superuser {
        return Err(FieldErrors::one("user", "You may not make tokens for somebody else.").into());
    }
    let Some(owner) = wanted.or(owner) else {
        return Err(FieldErrors::one("user", "This field is required.").into());
    };
    // With somebody else's token one could act as they.
    if cx.existing.is_some() {
        guard_user(cx.change.transaction(), cx.principal, owner).await?;
    }
    object.insert("user".into(), owner.into());
    Ok(())
}

/// What a token is good for is settled when it is made, but for superusers.
fn refuse_intent(cx: &WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
    match cx.existing {
        Some(existing) if existing.get("intent") != object.get("intent") && !cx.principal.superuser => {
            Err(FieldErrors::one("intent", "You may not change what a token is good for.").into())
        }
        _ => Ok(()),
    }
}

/// Whether a token ends is decided by superusers, and by what is kept about whoever makes one.
async fn end_or_not(cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
    if cx.principal.superuser {
        return Ok(());
    }
    let expiring = match cx.existing {
        Some(existing) => existing.get("expiring").cloned().unwrap_or(Value::Bool(true)),
        None => {
            let sql = "SELECT attributes FROM users WHERE id = $1";
            let row = cx.change.transaction().query_one(sql, vec![cx.principal.user().into()]).await?;
            let attributes = row.map(|row| row.json("attributes")).transpose()?.unwrap_or_default();
            (attributes.get(EXPIRING) != Some(&Value::Bool(false))).into()
        }
    };
    object.insert("expiring".into(), expiring);
    Ok(())
}

/// How long passwords of applications may live that this user has: as what is kept about them, their groups and the brand
/// says, else as long as tokens do.
async fn longest_life(cx: &mut WriteCx<'_>, object: &Object) -> Result<TimeDelta, ApiError> {
    let user = object.get("user").and_then(Value::as_i64);
    let groups = cx.change.transaction().query(groups_sql(), vec![user.into()]).await?;
    let row =
        cx.change.transaction().query_one("SELECT attributes FROM users WHERE id = $1", vec![user.into()]).await?;
    let own = match row.map(|row| row.json("attributes")).transpose()? {
        Some(Value::Object(own)) => own,
        _ => Object::new(),
    };
    let configuration = cx.change.configuration();
    let brand = cx.principal.request.brand.get("pk").and_then(Value::as_str).and_then(|pk| Uuid::parse_str(pk).ok());
    let brand = brand.and_then(|pk| configuration.document(Brand::KIND, pk));
    let merged = merge(brand.and_then(|brand| brand.value.get("attributes")?.as_object()), &groups, &own)?;
    let longest = merged.get(LONGEST_LIFE).and_then(Value::as_str).and_then(|text| duration::parse(text).ok());
    Ok(longest.unwrap_or_else(|| SystemSettings::of(&configuration).token_duration()))
}

/// Tokens of the API live for the usual time, counted from each write; passwords of applications at most so long.
async fn limit_life(cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
    // What the server itself is given to import comes as it was.
    if matches!(cx.principal.actor, Actor::System) && cx.given.contains_key("expires") {
        return Ok(());
    }
    let is_api = object.get("intent").and_then(Value::as_str) == Some(Intent::Api.as_str());
    let longest = match is_api {
        true => SystemSettings::of(&cx.change.configuration()).token_duration(),
        false => longest_life(cx, object).await?,
    };
    let latest = cx.ctx.now() + longest;
    let asked = cx.given.get("expires").and_then(Value::as_str).and_then(|text| text.parse::<DateTime<Utc>>().ok());
    match asked {
        Some(asked) if !is_api && asked > latest => {
            let latest = latest.format("%Y-%m-%d %H:%M:%S%.6f+00:00");
            let message = format!("Token expires exceeds maximum lifetime ({latest} UTC).");
            Err(FieldErrors::one("expires", message).into())
        }
        None if !is_api && cx.existing.is_some() => Ok(()),
        Some(_) if !is_api => Ok(()),
        _ => {
            object.insert("expires".into(), latest.to_rfc3339_opts(SecondsFormat::Micros, true).into());
            Ok(())
        }
    }
}

/// The hash by which a key is found, and the key sealed.
fn protect(change: &Change, ctx: &Ctx, pk: Uuid, key: &str) -> Result<(String, String), StoreError> {
    let keys = change.store().keys();
    Ok((keys.lookup_hash(key), keys.seal(ctx, &key::place(pk), key)?))
}

/// A token that the server makes.
pub(crate) struct New {
    pub identifier: String,
    pub intent: Intent,
    pub user: i64,
    pub description: String,
    /// `None`: it does not end.
    pub expires: Option<DateTime<Utc>>,
    /// `None`: a random one.
    pub key: Option<String>,
}

impl New {
    /// Inserts it; the key it has.
    pub(crate) async fn insert(self, ctx: &Ctx, change: &mut Change) -> Result<String, StoreError> {
        let pk = ctx.uuid();
        let key = self.key.unwrap_or_else(|| ctx.token(SystemSettings::of(&change.configuration()).token_length()));
        let (hash, sealed) = protect(change, ctx, pk, &key)?;
        let sql = "INSERT INTO tokens (pk, identifier, intent, user_id, description, description_folded, key_hash, \
                   key_sealed, expires, expiring) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let folded = vestibule_kernel::fold::fold(&self.description);
        let params = vec![
            pk.into(),
            self.identifier.into(),
            self.intent.as_str().into(),
            self.user.into(),
            self.description.into(),
            folded.into(),
            hash.into(),
            sealed.into(),
            self.expires.into(),
            self.expires.is_some().into(),
        ];
        change.transaction().execute(sql, params).await?;
        Ok(key)
    }
}
