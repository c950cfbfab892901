//! The writing itself: as the API does it, for whoever walks through the flow, and never more than a flow may.

use serde_json::{Value, json};
use vestibule_directory::user::set_password;
use vestibule_directory::{claimed, identifiers};
use vestibule_events::Event;
use vestibule_flow::begin::{VOUCHED_ADDRESS, elsewhere};
use vestibule_flow::{Pending, StageCx};
use vestibule_kernel::fold::fold;
use vestibule_kernel::{Actor, ApiError, Object};
use vestibule_resource::{Mode, Principal, load_one, write_object};

use super::{UserCreationMode, UserWriteStage, blank};
use crate::prompt::PROMPT_DATA;
use crate::{invitation, secret_data};

/// Nothing was asked before.
const NO_DATA: &str = "No Pending data.";
/// It is nobody's account, or that of somebody who has not proved to be who they say.
const NO_USER: &str = "No user found and can't create new user.";
/// The name is somebody else's, or will not do.
const FAILED: &str = "Failed to update user. Please try again later.";
/// What a flow writes of an account besides its attributes. Not who it is, what it may do, where it belongs.
const WRITABLE: [&str; 3] = ["username", "name", "email"];
/// How somebody has proved who they are whose account was made a moment ago.
const ENROLLED: &str = "enrollment";

/// Whose account is written.
#[derive(Clone, Copy, PartialEq)]
enum Account {
    /// A new one.
    New,
    /// That of this user.
    Of(i64),
}

impl Account {
    fn user(self) -> Option<i64> {
        match self {
            Self::New => None,
            Self::Of(user) => Some(user),
        }
    }
}

/// What is to be written.
#[derive(Default)]
struct Wanted {
    fields: Object,
    attributes: Vec<(Vec<String>, Value)>,
    password: Option<String>,
}

/// Reads the answers. What is no field that a flow may write is passed over.
fn wanted(cx: &StageCx<'_>, data: &Object) -> Wanted {
    let mut wanted = Wanted::default();
    for (key, value) in data {
        if key == "password" {
            wanted.password = secret_data::open(cx, value).filter(|password| !password.is_empty());
        } else if WRITABLE.contains(&key.as_str()) {
            if let Value::String(text) = value {
                wanted.fields.insert(key.clone(), text.clone().into());
            }
        } else if key == "attributes" {
            let all = value.as_object().into_iter().flatten();
            wanted.attributes.extend(all.map(|(name, value)| (vec![name.clone()], value.clone())));
        } else if let Some(path) = key.strip_prefix("attributes.").or_else(|| key.strip_prefix("attributes_")) {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            if path.iter().all(|part| !part.is_empty()) {
                wanted.attributes.push((path, value.clone()));
            }
        }
    }
    wanted
}

/// Puts a value where a path leads, within objects that are made on the way.
fn put(object: &mut Object, path: &[String], value: Value) {
    match path {
        [] => {}
        [last] => drop(object.insert(last.clone(), value)),
        [first, rest @ ..] => {
            let inner = object.entry(first.clone()).or_insert_with(|| json!({}));
            if !inner.is_object() {
                *inner = json!({});
            }
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}

/// Whether somebody who knows says that an address belongs to whoever walks through the flow.
fn is_vouched_for(cx: &StageCx<'_>, address: &str) -> bool {
    let known = cx.plan.context.get(VOUCHED_ADDRESS).and_then(Value::as_str);
    known.is_some_and(|known| fold(known) == fold(address))
}

impl UserWriteStage {
    /// Whose account it is; `None`: nobody's, and none is made.
    fn account(&self, cx: &StageCx<'_>) -> Option<Account> {
        let signed_in = cx.session.user.as_ref().map(|user| user.pk);
        let creates = self.user_creation_mode != UserCreationMode::NeverCreate;
        match (&cx.plan.pending, signed_in) {
            _ if self.user_creation_mode == UserCreationMode::AlwaysCreate => Some(Account::New),
            (None, None) => creates.then_some(Account::New),
            (None, Some(own)) => Some(Account::Of(own)),
            // A name that was typed is no proof, and a pretended user has no account.
            (Some(pending), _) => {
                let user = pending.pk?;
                let is_own = signed_in == Some(user) || cx.plan.authenticated.is_some() || cx.plan.pinned;
                is_own.then_some(Account::Of(user))
            }
        }
    }

    /// Writes; or why not, as people are told it.
    pub(super) async fn write(&self, cx: &mut StageCx<'_>) -> Result<Result<(), &'static str>, ApiError> {
        let Some(data) = cx.plan.context.get(PROMPT_DATA).and_then(Value::as_object).cloned() else {
            return Ok(Err(NO_DATA));
        };
        let Some(account) = self.account(cx) else { return Ok(Err(NO_USER)) };
        let wanted = wanted(cx, &data);
        if account == Account::New && wanted.fields.get("username").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Ok(Err(FAILED));
        }
        let hash = match &wanted.password {
            Some(password) => Some(cx.state.passwords.hash(password.clone()).await?),
            None => None,
        };
        let written = match self.keep(cx, account.user(), wanted, hash.as_deref()).await {
            Ok(written) => written,
            // What the API says of a field is not for whoever may be guessing names.
            Err(ApiError::Invalid(reason)) => {
                tracing::info!(?reason, flow = cx.flow.slug, "a flow could not write a user");
                Err(FAILED)
            }
            Err(other) => return Err(other),
        };
        let user = match written {
            Ok(user) => user,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.go_on(cx, user, account == Account::New).await?;
        Ok(Ok(()))
    }

    /// One transaction; or why there is nothing to write: somebody else is found by it, or has used the invitation.
    async fn keep(
        &self,
        cx: &StageCx<'_>,
        account: Option<i64>,
        wanted: Wanted,
        hash: Option<&str>,
    ) -> Result<Result<i64, &'static str>, ApiError> {
        let (store, registry, ctx) = (cx.state.store(), &cx.state.api.registry, cx.state.ctx());
        let kind = registry.kind("authentik_core.user").ok_or_else(|| ApiError::internal("no kind of users"))?;
        let actor = match account {
            Some(pk) => Actor::User { pk, username: cx.shown().unwrap_or_default(), email: String::new() },
            None => cx.session.user.as_ref().map_or(Actor::Anonymous, vestibule_directory::SessionUser::actor),
        };
        let principal = Principal {
            actor: actor.clone(),
            request: cx.visit.request.clone(),
            ..Principal::anonymous(cx.visit.client.ip)
        };
        let mut change = store.change(actor.clone()).await?;
        let existing = match account {
            Some(pk) => {
                Some(load_one(change.transaction(), kind, "pk", &json!(pk)).await?.ok_or_else(|| kind.no_match())?)
            }
            None => None,
        };
        let mut body = if existing.is_some() { Object::new() } else { blank(self, cx) };
        let known = existing.as_ref().and_then(|user| user.get("attributes")).and_then(Value::as_object);
        let mut attributes = known.cloned().unwrap_or_default();
        for (path, value) in wanted.attributes {
            put(&mut attributes, &path, value);
        }
        if known != Some(&attributes) {
            body.insert("attributes".into(), attributes.clone().into());
        }
        body.extend(wanted.fields);
        // No self-service write may take what finds somebody else.
        let named = identifiers::attributes(cx.configuration);
        let names = ["username", "email"].iter().filter_map(|name| body.get(*name)?.as_str().map(str::to_owned));
        let by_attribute = named.iter().map(String::as_str).chain(["upn"]);
        let found = by_attribute.filter_map(|name| attributes.get(name)?.as_str().map(str::to_owned));
        for text in names.chain(found).collect::<Vec<_>>() {
            if cx.state.users.identifier_taken(&text, account).await? {
                return Ok(Err(FAILED));
            }
        }
        let address = body.get("email").and_then(Value::as_str).map(str::to_owned);
        let former = existing.as_ref().and_then(|user| user.get("email")).and_then(Value::as_str).map(fold);
        let address = address.filter(|address| former.unwrap_or_default() != fold(address));
        let mode = if existing.is_some() { Mode::PartialUpdate } else { Mode::Create };
        let written = match existing {
            Some(user) if body.is_empty() => user,
            existing => {
                write_object(&mut change, registry, ctx, &principal, kind, existing.as_ref(), &body, mode).await?
            }
        };
        let user =
            written.get("pk").and_then(Value::as_i64).ok_or_else(|| ApiError::internal("a user without a key"))?;
        match address {
            Some(address) if is_vouched_for(cx, &address) => claimed::withdraw(change.transaction(), user).await?,
            Some(address) => claimed::claim(change.transaction(), user, &address).await?,
            None => {}
        }
        // Of two who come by the same invitation one has the account.
        if !invitation::use_up(cx, change.transaction()).await? {
            return Ok(Err(invitation::UNINVITED));
        }
        if account.is_none()
            && let Some(elsewhere) = elsewhere(cx.state)
        {
            elsewhere.account_made(cx, change.transaction(), user).await?;
        }
        if let Some(hash) = hash {
            let is_own = cx.session.user.as_ref().is_some_and(|signed_in| signed_in.pk == user);
            let kept = cx.session.key.as_deref().filter(|_| is_own).map(|key| store.keys().lookup_hash(key));
            set_password(change.transaction(), ctx, user, hash, kept).await?;
            let event = Event::new("password_set", "authentik.stages.user_write", actor)
                .context(json!({"user": {"pk": user, "username": written.get("username")}, "flow": cx.flow.slug}))
                .request(&cx.visit.request);
            event.write(ctx, change.transaction()).await?;
        }
        change.commit().await?;
        Ok(Ok(user))
    }

    /// The flow is about this user from here on, and knows no secret any more.
    async fn go_on(&self, cx: &mut StageCx<'_>, user: i64, is_new: bool) -> Result<(), ApiError> {
        if let Some(data) = cx.plan.context.get_mut(PROMPT_DATA).and_then(Value::as_object_mut) {
            data.retain(|key, _| !key.starts_with("password"));
        }
        invitation::forget(cx);
        let Some(row) = cx.state.users.by_pk(user).await? else { return Ok(()) };
        let proved = cx.plan.authenticated.clone();
        let pending = Pending::known(&row, &row.username, cx.configuration);
        if is_new || cx.plan.user() != Some(user) {
            cx.plan.pending = Some(pending);
            cx.plan.authenticated = if is_new { Some(ENROLLED.into()) } else { proved };
        } else if let Some(present) = &mut cx.plan.pending {
            *present = Pending { identifier: present.identifier.clone(), ..pending };
        }
        Ok(())
    }
}
