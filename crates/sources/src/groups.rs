//! The groups of somebody from a source: each is a group here, and they are in those that the source names, and in no other
//! of its groups.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::membership::is_privileged;
use vestibule_events::Event;
use vestibule_flow::StageCx;
use vestibule_kernel::{Actor, ApiError, Object};
use vestibule_resource::{Kind, Mode, Principal, load_one, write_object};
use vestibule_store::{Change, Param, Transaction};

use crate::connections::GROUPS;
use crate::source::GroupMatchingMode;

/// What a source may say of a group.
const WRITABLE: [&str; 2] = ["name", "attributes"];

/// What a source has told of somebody's groups.
pub(crate) struct Told<'a> {
    /// The source.
    pub source: Uuid,
    /// Its name in addresses.
    pub slug: &'a str,
    /// Which group a group of the source is.
    pub mode: GroupMatchingMode,
    /// Fields of each group, by what the source calls it.
    pub groups: &'a Object,
}

/// Puts somebody into the groups that the source names, and out of those that it does not name any more. Groups that give
/// more than membership (superusers, roles) are given by no source: then an event says so. False: a group cannot be had.
///
/// # Errors
/// The database.
pub(crate) async fn keep(cx: &StageCx<'_>, told: &Told<'_>, user: i64) -> Result<bool, ApiError> {
    if told.groups.is_empty() && !knows_any(cx, told.source).await? {
        return Ok(true);
    }
    let actor = Actor::User { pk: user, username: cx.shown().unwrap_or_default(), email: String::new() };
    let principal = Principal {
        actor: actor.clone(),
        request: cx.visit.request.clone(),
        ..Principal::anonymous(cx.visit.client.ip)
    };
    let change = cx.state.store().change(actor).await?;
    let mut keeping = Keeping { cx, told, principal, change };
    // Two who bring the same new group with them: the second finds it made.
    keeping.change.lock().await?;
    let mut wanted = BTreeSet::new();
    for (name, properties) in told.groups {
        match keeping.group(name, properties.as_object().cloned().unwrap_or_default()).await {
            Ok(Some(group)) => drop(wanted.insert(group)),
            Ok(None) => {}
            Err(ApiError::Invalid(reason)) => {
                tracing::warn!(source = told.slug, group = name, ?reason, "a group of a source cannot be had");
                return Ok(false);
            }
            Err(other) => return Err(other),
        }
    }
    keeping.join(user, &wanted).await?;
    keeping.change.commit().await?;
    Ok(true)
}

/// Whether any group has come from this source.
async fn knows_any(cx: &StageCx<'_>, source: Uuid) -> Result<bool, ApiError> {
    let sql = format!("SELECT id FROM {GROUPS} WHERE source = $1 LIMIT 1");
    Ok(cx.state.store().database().query_one(sql, vec![source.into()]).await?.is_some())
}

struct Keeping<'a> {
    cx: &'a StageCx<'a>,
    told: &'a Told<'a>,
    principal: Principal,
    change: Change,
}

impl Keeping<'_> {
    /// The group that a group of the source is, made or brought up to date; `None`: one that no source gives.
    async fn group(&mut self, identifier: &str, mut properties: Object) -> Result<Option<Uuid>, ApiError> {
        properties.retain(|name, _| WRITABLE.contains(&name.as_str()));
        let known = self.connected(identifier).await?;
        let found = match (known, self.told.mode) {
            (Some(group), _) => Some(group),
            (None, GroupMatchingMode::Identifier) => None,
            (None, mode) => match (self.named(&properties).await?, mode) {
                (Some(_), GroupMatchingMode::NameDeny) => {
                    let error = "A group of this name is there already.";
                    return Err(vestibule_kernel::FieldErrors::one("name", error).into());
                }
                (found, _) => found,
            },
        };
        let group = match found {
            Some(group) if is_privileged(self.change.transaction(), group).await? => {
                self.tell(identifier, group).await?;
                return Ok(None);
            }
            Some(group) => self.update(group, properties).await?,
            None => self.write(None, &properties).await?,
        };
        if known.is_none() {
            self.connect(identifier, group).await?;
        }
        Ok(Some(group))
    }

    async fn connected(&mut self, identifier: &str) -> Result<Option<Uuid>, ApiError> {
        let sql = format!("SELECT group_pk FROM {GROUPS} WHERE source = $1 AND identifier = $2");
        let params = vec![self.told.source.into(), identifier.into()];
        let row = self.change.transaction().query_one(sql, params).await?;
        Ok(row.map(|row| row.uuid("group_pk")).transpose()?)
    }

    async fn named(&mut self, properties: &Object) -> Result<Option<Uuid>, ApiError> {
        let name = properties.get("name").and_then(Value::as_str).unwrap_or_default();
        let row =
            self.change.transaction().query_one("SELECT pk FROM groups WHERE name = $1", vec![name.into()]).await?;
        Ok(row.map(|row| row.uuid("pk")).transpose()?)
    }

    /// What the source says of it now; attributes that it says nothing of stay.
    async fn update(&mut self, group: Uuid, mut properties: Object) -> Result<Uuid, ApiError> {
        let kind = kind(self.cx, "authentik_core.group")?;
        let Some(present) = load_one(self.change.transaction(), kind, "pk", &json!(group)).await? else {
            return Ok(group);
        };
        if let Some(Value::Object(said)) = properties.remove("attributes") {
            let mut attributes = present.get("attributes").and_then(Value::as_object).cloned().unwrap_or_default();
            attributes.extend(said);
            properties.insert("attributes".into(), attributes.into());
        }
        properties.retain(|name, value| present.get(name) != Some(value));
        if properties.is_empty() {
            return Ok(group);
        }
        self.write(Some(&present), &properties).await
    }

    async fn write(&mut self, existing: Option<&Object>, body: &Object) -> Result<Uuid, ApiError> {
        let mode = if existing.is_some() { Mode::PartialUpdate } else { Mode::Create };
        let kind = kind(self.cx, "authentik_core.group")?;
        let (registry, ctx) = (&self.cx.state.api.registry, self.cx.state.ctx());
        let written =
            write_object(&mut self.change, registry, ctx, &self.principal, kind, existing, body, mode).await?;
        let pk = written.get("pk").and_then(Value::as_str).and_then(|pk| pk.parse().ok());
        pk.ok_or_else(|| ApiError::internal("a group without a key"))
    }

    async fn connect(&mut self, identifier: &str, group: Uuid) -> Result<(), ApiError> {
        // Two of the source's groups may be one here: the first is remembered.
        let sql = format!(
            "INSERT INTO {GROUPS} \
             (group_pk, source, source_slug, identifier, identifier_folded, created, last_updated) \
             VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING"
        );
        let folded = vestibule_kernel::fold::fold(identifier);
        let params: Vec<Param> = vec![
            group.into(),
            self.told.source.into(),
            self.told.slug.into(),
            identifier.into(),
            folded.as_str().into(),
            self.cx.state.ctx().now().into(),
        ];
        self.change.transaction().execute(sql, params).await?;
        Ok(())
    }

    /// In these groups of the source, and in no other of its groups.
    async fn join(&mut self, user: i64, wanted: &BTreeSet<Uuid>) -> Result<(), ApiError> {
        let transaction = self.change.transaction();
        let present = keys(transaction, "SELECT group_pk FROM memberships WHERE user_id = $1", user.into()).await?;
        let sql = format!("SELECT group_pk FROM {GROUPS} WHERE source = $1");
        let of_source = keys(transaction, &sql, self.told.source.into()).await?;
        let mut groups: BTreeSet<Uuid> = present.union(wanted).copied().collect();
        for group in present.intersection(&of_source).filter(|group| !wanted.contains(group)) {
            // What no source gives, none takes.
            if !is_privileged(self.change.transaction(), *group).await? {
                groups.remove(group);
            }
        }
        if groups == present {
            return Ok(());
        }
        let kind = kind(self.cx, "authentik_core.user")?;
        let existing = load_one(self.change.transaction(), kind, "pk", &json!(user)).await?;
        let existing = existing.ok_or_else(|| kind.no_match())?;
        let body = Object::from_iter([("groups".to_owned(), json!(groups))]);
        let (registry, ctx) = (&self.cx.state.api.registry, self.cx.state.ctx());
        let (change, principal) = (&mut self.change, &self.principal);
        write_object(change, registry, ctx, principal, kind, Some(&existing), &body, Mode::PartialUpdate).await?;
        Ok(())
    }

    async fn tell(&mut self, identifier: &str, group: Uuid) -> Result<(), ApiError> {
        let context = json!({
            "message": "A source names a group that makes superusers or gives roles: no source gives it.",
            "source": self.told.slug,
            "identifier": identifier,
            "group": group,
        });
        let event =
            Event::new("configuration_error", "authentik.core.sources.flow_manager", self.principal.actor.clone());
        let event = event.context(context).request(&self.principal.request);
        event.write(self.cx.state.ctx(), self.change.transaction()).await?;
        Ok(())
    }
}

fn kind<'c>(cx: &'c StageCx<'_>, model: &str) -> Result<&'c Arc<Kind>, ApiError> {
    cx.state.api.registry.kind(model).ok_or_else(|| ApiError::internal("no such kind"))
}

async fn keys(transaction: &mut Transaction, sql: &str, param: Param) -> Result<BTreeSet<Uuid>, ApiError> {
    let rows = transaction.query(sql.to_owned(), vec![param]).await?;
    Ok(rows.iter().map(|row| row.uuid("group_pk")).collect::<Result<_, _>>()?)
}
