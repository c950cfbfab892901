//! Passwords, paths and service accounts.

use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use serde_json::{Value, json};
use vestibule_events::Event;
use vestibule_kernel::fold::fold;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body, Permission, no_content, ok};
use vestibule_resource::{Call, Field, Fields, Mode, Operation, Shape, Verb, write_object};

use super::super::fields::{never_null, pk, pk_uuid};
use super::super::token::{self, Intent};
use super::hooks::join;
use crate::authenticate::session_cookie;
use crate::client::ClientInfo;
use crate::password::{LONGEST, Passwords, is_known_hash};
use crate::superuser::guard_user;
use crate::user::set_password;

/// Where service accounts are kept.
const SERVICE_PATH: &str = "goauthentik.io/service-accounts";
/// How long the token of a service account is good unless asked otherwise.
const SERVICE_TOKEN: TimeDelta = TimeDelta::days(360);

#[derive(Fields)]
struct PasswordSet {
    /// The new password.
    #[field(raw)]
    password: String,
}

#[derive(Fields)]
struct PasswordHashSet {
    /// The hash of the new password: argon2 as a PHC string, or Django's `pbkdf2_sha256`.
    password: String,
}

#[derive(Fields)]
struct ServiceAccount {
    /// Name of the account.
    name: String,
    /// Whether a group of the same name is made for it.
    #[field(default = false)]
    create_group: bool,
    /// Whether its token expires.
    #[field(default = true)]
    expiring: bool,
    /// When its token expires; in 360 days when left out.
    expires: Option<DateTime<Utc>>,
}

#[derive(Fields)]
struct ServiceAccountAnswer {
    username: String,
    token: String,
    user_uid: String,
    user_pk: i64,
    group_pk: Option<String>,
}

#[derive(Fields)]
struct UserPath {
    /// Every path that a user is kept at.
    #[field(read_only)]
    paths: Vec<String>,
}

fn service_account_fields() -> Vec<Field> {
    never_null(ServiceAccount::fields(), &["expires"])
}

fn service_account_answer_fields() -> Vec<Field> {
    never_null(ServiceAccountAnswer::fields(), &["group_pk"])
}

/// Operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    let reset = Permission::Named("authentik_core.reset_user_password");
    vec![
        Operation::new(Method::POST, "{}/set_password/", "core_users_set_password_create", None, set_password_handler)
            .permission(reset)
            .body(Body::Json("UserPasswordSetRequest", PasswordSet::fields))
            .doc("Sets a user's password and ends their sessions."),
        Operation::new(Method::POST, "{}/set_password_hash/", "core_users_set_password_hash_create", None, set_hash)
            .permission(reset)
            .body(Body::Json("UserPasswordHashSetRequest", PasswordHashSet::fields))
            .doc("Sets a user's password by a hash made elsewhere."),
        Operation::new(
            Method::GET,
            "paths/",
            "core_users_paths_retrieve",
            Some(Shape::Object("UserPath", UserPath::fields)),
            paths,
        )
        .permission(Permission::Verb(Verb::View))
        .parameter("search", Shape::TEXT)
        .doc("Every path that a user is kept at."),
        Operation::new(
            Method::POST,
            "service_account/",
            "core_users_service_account_create",
            Some(Shape::Object("UserServiceAccountResponse", service_account_answer_fields)),
            service_account,
        )
        .permission(Permission::Verb(Verb::Add))
        .also(&["authentik_core.add_token"])
        .body(Body::Json("UserServiceAccountRequest", service_account_fields))
        .doc("Makes an account for a program, with a token."),
    ]
}

async fn set_password_handler(call: Call) -> Answer {
    let password = call.text("password").to_owned();
    if password.len() > LONGEST {
        let message = format!("Ensure this field has no more than {LONGEST} bytes.");
        return Err(FieldErrors::one("password", message).into());
    }
    let hash = call.api.extension::<Passwords>()?.hash(password).await?;
    store_password(&call, &hash).await
}

async fn set_hash(call: Call) -> Answer {
    let hash = call.text("password");
    if !is_known_hash(hash) {
        return Err(FieldErrors::one("password", "This is no hash that passwords can be checked against.").into());
    }
    store_password(&call, hash).await
}

async fn store_password(call: &Call, hash: &str) -> Answer {
    let Call { api, principal, .. } = call;
    // Whoever changes their own password stays signed in where they do it.
    let own = principal.by_session && principal.user() == Some(call.object_id());
    let cookie = session_cookie(&call.parts, &ClientInfo::of(&call.parts)).filter(|_| own);
    let keep = cookie.map(|cookie| api.store.keys().lookup_hash(cookie));
    let mut change = api.store.change(principal.actor.clone()).await?;
    guard_user(change.transaction(), principal, call.object_id()).await?;
    set_password(change.transaction(), &api.ctx, call.object_id(), hash, keep).await?;
    let context = json!({"user": {"pk": call.object_id(), "username": call.object.get("username")}});
    let event = Event::new("password_set", "authentik.core.api.users", principal.actor.clone());
    event.context(context).request(&principal.request).write(&api.ctx, change.transaction()).await?;
    change.commit().await?;
    no_content()
}

async fn paths(call: Call) -> Answer {
    let rows = call.api.store.database().query("SELECT DISTINCT path FROM users ORDER BY path", vec![]).await?;
    let paths: Vec<String> = rows.iter().map(|row| row.text("path")).collect::<Result<_, _>>()?;
    let wanted = fold(call.query.get("search").unwrap_or_default());
    let paths: Vec<String> = paths.into_iter().filter(|path| fold(path).contains(&wanted)).collect();
    ok(&json!({"paths": paths}))
}

/// The account, its group and its token, in one transaction.
async fn service_account(call: Call) -> Answer {
    let Call { api, principal, .. } = &call;
    let flag = |name: &str| call.body.get(name).and_then(Value::as_bool).unwrap_or_default();
    let (name, expiring) = (call.text("name").to_owned(), flag("expiring"));
    let Some(kind) = &call.kind else { return Err(ApiError::internal("an operation without its kind")) };
    let mut change = api.store.change(principal.actor.clone()).await?;
    let body = object(json!({
        "username": name, "name": name, "type": "service_account", "path": SERVICE_PATH,
        "attributes": {"goauthentik.io/user/token-expires": expiring},
    }));
    let written = write_object(&mut change, &api.registry, &api.ctx, principal, kind, None, &body, Mode::Create).await;
    let user = written.map_err(|error| match error {
        ApiError::Invalid(errors) => ApiError::Invalid(under_name(&errors)),
        other => other,
    })?;
    let mut answer = object(json!({"username": name, "user_uid": user.get("uid"), "user_pk": pk(&user)}));
    if flag("create_group") {
        principal.require("authentik_core.add_group")?;
        let group = api.registry.kind("authentik_core.group").ok_or_else(|| ApiError::internal("no kind of groups"))?;
        let body = object(json!({"name": name}));
        let group =
            write_object(&mut change, &api.registry, &api.ctx, principal, group, None, &body, Mode::Create).await?;
        join(change.transaction(), pk(&user), pk_uuid(&group)).await?;
        answer.insert("group_pk".into(), pk_uuid(&group).to_string().into());
    }
    let given = call.body.get("expires").and_then(Value::as_str).and_then(|text| text.parse::<DateTime<Utc>>().ok());
    let expires = expiring.then(|| given.unwrap_or_else(|| api.ctx.now() + SERVICE_TOKEN));
    let token = token::New {
        identifier: slug(&format!("service-account-{name}-password")),
        intent: Intent::AppPassword,
        user: pk(&user),
        description: String::new(),
        expires,
        key: None,
    };
    let key = token.insert(&api.ctx, &mut change).await.map_err(|error| match error.is_unique_violation() {
        true => FieldErrors::one("name", "This field must be unique.").into(),
        false => ApiError::from(error),
    })?;
    change.commit().await?;
    answer.insert("token".into(), key.into());
    ok(&Value::Object(answer))
}

/// A text with nothing in it that an identifier has not: lower letters, digits, `_`, and `-` between words.
fn slug(text: &str) -> String {
    let lower = text.to_lowercase();
    let kept = lower.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || c.is_whitespace());
    let words: String = kept.map(|c| if c.is_whitespace() { '-' } else { c }).collect();
    words.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// What is wrong with the user name is wrong with the name here.
fn under_name(errors: &FieldErrors) -> FieldErrors {
    let mut renamed = FieldErrors::new();
    if let Value::Object(all) = errors.to_json() {
        for (field, messages) in all {
            renamed.insert(if field == "username" { "name" } else { &field }, messages);
        }
    }
    renamed
}

/// The object of a literal.
fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
