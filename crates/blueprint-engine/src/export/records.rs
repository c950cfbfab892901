//! Rows that belong to a configuration: roles, groups, what roles may do, schedules; and people with their tokens.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vestibule_blueprints::Output;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::{Kind, ObjectKey, Registry, select};
use vestibule_store::{Configuration, Param, Store};

use super::{Holding, Item, People, Place, Secrets};
use crate::links::LINKS;

/// The model of users.
pub(super) const USER: &str = "authentik_core.user";
const ROLE: &str = "authentik_rbac.role";
/// Kinds of rows that are part of a configuration, whoever refers to them.
const ALWAYS: [&str; 4] = [ROLE, "authentik_core.group", INITIAL, "authentik_tasks_schedules.schedule"];
/// Kinds of rows that come with all the people.
const WITH_PEOPLE: [&str; 2] = [USER, TOKEN];
const TOKEN: &str = "authentik_core.token";
const INITIAL: &str = "authentik_rbac.initialpermissions";
/// Users of this type are the server's own.
const OWN: &str = "internal_service_account";
/// How the roles are called that are one user's alone; the user's number follows.
const MANAGED: &str = "ak-managed-role--user-";

/// Reads rows.
pub(super) struct Records<'a> {
    pub store: &'a Store,
    pub registry: &'a Registry,
    pub configuration: &'a Configuration,
    pub secrets: Secrets,
    pub people: People,
}

/// Permissions over single objects, by their objects: the permission, and the role.
type Held = BTreeMap<(String, ObjectKey), Vec<(String, Value)>>;

impl<'a> Records<'a> {
    /// Adds rows to the documents of a configuration: those that always belong to it, and what anything refers to.
    pub(super) async fn add(&self, items: &mut BTreeMap<Place, Item<'a>>) -> Result<(), ApiError> {
        let all = |kind: &Kind| {
            ALWAYS.contains(&kind.model()) || (WITH_PEOPLE.contains(&kind.model()) && self.people == People::All)
        };
        let own = self.own_roles().await?;
        for kind in self.registry.kinds().iter().filter(|kind| !kind.is_document() && all(kind)) {
            for row in select(self.store.database(), kind, "", vec![]).await? {
                let is_own = row.get("managed").and_then(Value::as_str).is_some_and(|name| name.starts_with(MANAGED));
                if !is_own {
                    self.insert(items, kind, row).await?;
                }
            }
        }
        let held = self.held().await?;
        let mut queue: Vec<Place> = items.keys().cloned().collect();
        // What is added refers to more.
        while let Some(place) = queue.pop() {
            let Some(item) = items.get_mut(&place) else { continue };
            let mut wanted: Vec<Place> = item.needs.iter().chain(&item.likes).cloned().collect();
            let key = ObjectKey::of(&item.value).map(|key| (item.kind.model().to_owned(), key));
            for (permission, role) in key.and_then(|key| held.get(&key)).into_iter().flatten() {
                let holder = match own.get(role.as_str().unwrap_or_default()) {
                    Some(user) => (USER, user.to_string()),
                    None => (ROLE, role.to_string()),
                };
                item.permissions.push(Holding { permission: permission.clone(), holder: holder.clone() });
                wanted.push(holder);
            }
            for place in wanted {
                if !items.contains_key(&place) {
                    self.fetch(items, &place).await?;
                    queue.push(place);
                }
            }
        }
        Ok(())
    }

    /// The roles that are one user's alone, each with its user.
    async fn own_roles(&self) -> Result<BTreeMap<String, i64>, ApiError> {
        let sql = "SELECT pk, managed FROM roles WHERE managed IS NOT NULL";
        let mut own = BTreeMap::new();
        for row in self.store.database().query(sql, vec![]).await? {
            let name = row.text("managed")?;
            if let Some(user) = name.strip_prefix(MANAGED).and_then(|user| user.parse().ok()) {
                own.insert(row.uuid("pk")?.to_string(), user);
            }
        }
        Ok(own)
    }

    async fn held(&self) -> Result<Held, ApiError> {
        let sql = "SELECT role, permission, model, object_uuid, object_id FROM role_object_permissions";
        let mut held = Held::new();
        for row in self.store.database().query(sql, vec![]).await? {
            let Some(key) = ObjectKey::of_row(&row)? else { continue };
            let holding = (row.text("permission")?, json!(row.uuid("role")?));
            held.entry((row.text("model")?, key)).or_default().push(holding);
        }
        Ok(held)
    }

    /// Adds the row of a place, if it is one of a kind that blueprints write.
    async fn fetch(&self, items: &mut BTreeMap<Place, Item<'a>>, (model, key): &Place) -> Result<(), ApiError> {
        let Some(kind) = self.registry.kind(model).filter(|kind| !kind.is_document()) else { return Ok(()) };
        let Some(column) = kind.field("pk").map(|field| field.column) else { return Ok(()) };
        let Some(key) = serde_json::from_str(key).ok().and_then(|key| ObjectKey::read(&key)) else { return Ok(()) };
        let found = select(self.store.database(), kind, &format!(" WHERE {column} = $1"), vec![key.param()]).await?;
        match found.into_iter().next() {
            Some(row) => self.insert(items, kind, row).await,
            None => Ok(()),
        }
    }

    async fn insert(
        &self,
        items: &mut BTreeMap<Place, Item<'a>>,
        kind: &'a Kind,
        mut row: Object,
    ) -> Result<(), ApiError> {
        let own = row.get("type") == Some(&json!(OWN)) || (kind.model() == TOKEN && !self.is_kept(&row).await?);
        let Some(key) = ObjectKey::of(&row).filter(|_| !own) else { return Ok(()) };
        for link in LINKS.iter().filter(|link| link.model == kind.model() && !link.is_back()) {
            let mut others = Vec::new();
            for found in self.store.database().query(link.sql, vec![key.param()]).await? {
                others.push(json!(found.uuid("other")?));
            }
            row.insert(link.field.to_owned(), others.into());
        }
        let place = (kind.model(), row.get("pk").cloned().unwrap_or_default().to_string());
        let beyond = self.beyond(kind, key, &row).await?;
        let mut item = Item::new(self.registry, self.configuration, kind, row);
        item.beyond = beyond;
        items.insert(place, item);
        Ok(())
    }

    /// Whether a token is one that people have for programs: neither a link that was sent, nor the server's own.
    async fn is_kept(&self, token: &Object) -> Result<bool, ApiError> {
        if !["api", "app_password"].iter().any(|intent| token.get("intent") == Some(&json!(intent))) {
            return Ok(false);
        }
        let sql = "SELECT id FROM users WHERE id = $1 AND type <> $2";
        let params = vec![token.get("user").and_then(Value::as_i64).into(), OWN.into()];
        Ok(self.store.database().query_one(sql, params).await?.is_some())
    }

    async fn beyond(&self, kind: &Kind, key: ObjectKey, row: &Object) -> Result<Vec<(String, Output)>, ApiError> {
        let (sql, params): (&str, Vec<Param>) = match (kind.model(), key) {
            (ROLE, key) => ("SELECT permission FROM role_permissions WHERE role = $1", vec![key.param()]),
            (USER, ObjectKey::Id(user)) => (
                "SELECT permission FROM role_permissions JOIN roles ON roles.pk = role WHERE managed = $1",
                vec![format!("{MANAGED}{user}").into()],
            ),
            (INITIAL, key) => {
                ("SELECT permission FROM initial_permission_grants WHERE initial_permissions = $1", vec![key.param()])
            }
            (TOKEN, _) if self.secrets == Secrets::Shown => {
                let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
                let place = format!("{TOKEN}/{}/key", text("pk"));
                let secret = self.store.keys().open(&place, text("key_sealed")).map_err(ApiError::internal)?;
                return Ok(vec![("key".to_owned(), json!(secret).into())]);
            }
            _ => return Ok(Vec::new()),
        };
        let rows = self.store.database().query(sql, params).await?;
        let mut names: Vec<String> = rows.iter().map(|row| row.text("permission")).collect::<Result<_, _>>()?;
        // What no kind has any more cannot be given.
        names.retain(|name| self.registry.permission(name).is_some());
        names.sort();
        let mut beyond = Vec::new();
        if kind.model() == INITIAL {
            let number = |name: &String| self.registry.permission(name).map(|one| one.id);
            beyond.push(("permissions".to_owned(), names.iter().filter_map(number).collect::<Value>().into()));
        } else if !names.is_empty() {
            beyond.push(("permissions".to_owned(), json!(names).into()));
        }
        if kind.model() == USER {
            let uid = row.get("uid").cloned().unwrap_or_default();
            beyond.push(("uid".to_owned(), uid.into()));
        }
        if kind.model() == USER && self.secrets == Secrets::Shown {
            let sql = "SELECT password FROM users WHERE id = $1";
            let row = self.store.database().query_one(sql, vec![key.param()]).await?;
            let hash = row.map(|row| row.optional_text("password")).transpose()?.flatten();
            beyond.extend(
                hash.filter(|hash| !hash.is_empty()).map(|hash| ("password_hash".to_owned(), json!(hash).into())),
            );
        }
        Ok(beyond)
    }
}
