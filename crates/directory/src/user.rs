//! Users as the login path sees them: found by what they enter, with their password's hash.

use std::iter;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::fold::fold;
use vestibule_kernel::{Ctx, Object};
use vestibule_store::{Durability, Param, Row, Store, StoreError, Transaction};

use crate::identifiers;
use crate::resources::avatar::Pictured;
use crate::session;
use crate::superuser::is_superuser_sql;

/// What may identify a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identifier {
    /// The e-mail address.
    Email,
    /// The name they sign in with.
    Username,
    /// The user principal name, `attributes.upn`.
    Upn,
}

impl Identifier {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Email, Self::Username, Self::Upn];

    fn column(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Username => "username",
            Self::Upn => "upn",
        }
    }
}

/// A user.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// Key.
    pub pk: i64,
    /// The other key.
    pub uuid: Uuid,
    /// What applications know them by.
    pub uid: String,
    /// Name they sign in with.
    pub username: String,
    /// Name for people.
    pub name: String,
    /// E-mail address, may be empty.
    pub email: String,
    /// Hash of their password.
    pub password: Option<String>,
    /// Whether they may sign in.
    pub is_active: bool,
    /// `internal`, `external`, ...
    pub user_type: String,
    /// Where they are kept.
    pub path: String,
    /// What administrators and flows keep.
    pub attributes: Object,
}

impl UserRow {
    /// Columns that [`UserRow::read`] reads.
    const COLUMNS: &'static str =
        "id, uuid, uid, username, name, email, upn, password, is_active, type, path, attributes";

    fn read(row: &Row) -> Result<Self, StoreError> {
        let attributes = match row.json("attributes")? {
            Value::Object(attributes) => attributes,
            _ => Object::new(),
        };
        Ok(Self {
            pk: row.int("id")?,
            uuid: row.uuid("uuid")?,
            uid: row.text("uid")?,
            username: row.text("username")?,
            name: row.text("name")?,
            email: row.text("email")?,
            password: row.optional_text("password")?,
            is_active: row.bool("is_active")?,
            user_type: row.text("type")?,
            path: row.text("path")?,
            attributes,
        })
    }

    /// The user principal name.
    pub fn upn(&self) -> Option<&str> {
        upn(&self.attributes)
    }

    /// Whom a picture of them shows.
    pub fn pictured(&self) -> Pictured<'_> {
        let Self { name, username, email, attributes, .. } = self;
        Pictured { name, username, email, attributes: Some(attributes) }
    }

    fn identifier(&self, by: By<'_>) -> String {
        match by {
            By::Field(Identifier::Email) => self.email.clone(),
            By::Field(Identifier::Username) => self.username.clone(),
            By::Field(Identifier::Upn) => self.upn().unwrap_or_default().to_owned(),
            By::Attribute(name) => identifiers::value_of(&self.attributes, name).unwrap_or_default(),
        }
    }
}

/// What is compared with what was typed.
#[derive(Clone, Copy)]
enum By<'a> {
    Field(Identifier),
    Attribute(&'a str),
}

/// The user principal name among attributes.
pub(crate) fn upn(attributes: &Object) -> Option<&str> {
    attributes.get("upn").and_then(Value::as_str).filter(|upn| !upn.is_empty())
}

/// Whom an identifier finds.
#[derive(Clone, Debug)]
pub enum Found {
    /// Somebody.
    One(Box<UserRow>),
    /// Nobody.
    Nobody,
    /// More than one, none before the others: nobody may sign in by it.
    Ambiguous,
}

/// Finds users. Cheap to clone.
#[derive(Clone)]
pub struct Users {
    store: Store,
    ctx: Ctx,
}

impl Users {
    /// Over a store.
    pub fn new(store: Store, ctx: Ctx) -> Self {
        Self { store, ctx }
    }

    /// A user by key.
    pub async fn by_pk(&self, pk: i64) -> Result<Option<UserRow>, StoreError> {
        let sql = format!("SELECT {} FROM users WHERE id = $1", UserRow::COLUMNS);
        self.store.database().query_one(sql, vec![pk.into()]).await?.as_ref().map(UserRow::read).transpose()
    }

    /// The same, and whether they are a superuser.
    pub async fn by_pk_and_power(&self, pk: i64) -> Result<Option<(UserRow, bool)>, StoreError> {
        let is_superuser = self.store.database().speak(&is_superuser_sql("users.id"));
        self.by_pk_and(pk, &is_superuser).await
    }

    /// The same, and whether a condition holds for their row of `users`: one statement.
    pub async fn by_pk_and(&self, pk: i64, condition: &str) -> Result<Option<(UserRow, bool)>, StoreError> {
        let sql = format!("SELECT {}, ({condition}) AS holds FROM users WHERE id = $1", UserRow::COLUMNS);
        let row = self.store.database().query_one(sql, vec![pk.into()]).await?;
        row.map(|row| Ok((UserRow::read(&row)?, row.bool("holds")?))).transpose()
    }

    /// Whom `text` finds: exact before case-insensitive, each in the order of `fields`. The first of these tiers that
    /// finds anybody decides; if it finds two, nobody is found. The attributes of [`crate::identifiers`] follow the
    /// principal name. Inactive users are found too. One statement.
    pub async fn find(&self, fields: &[Identifier], text: &str, case_insensitive: bool) -> Result<Found, StoreError> {
        if fields.is_empty() || text.is_empty() || text.contains('\0') {
            return Ok(Found::Nobody);
        }
        let folded = fold(text);
        let mut params: Vec<Param> = vec![text.into()];
        if case_insensitive {
            params.push(folded.as_str().into());
        }
        let condition = |field: &Identifier| match (case_insensitive, field.column()) {
            (false, column) => format!("{column} = $1"),
            (true, column) => format!("{column} = $1 OR {column}_folded = $2"),
        };
        let mut conditions: Vec<String> = fields.iter().map(condition).collect();
        let attributes = identifiers::attributes(&self.store.configuration());
        let attributes = if fields.contains(&Identifier::Upn) { &*attributes } else { &[] };
        if !attributes.is_empty() {
            let which = if case_insensitive { "value = $1 OR value_folded = $2" } else { "value = $1" };
            conditions.push(format!("id IN (SELECT user_id FROM user_identifiers WHERE {which})"));
        }
        let sql = format!("SELECT {} FROM users WHERE {}", UserRow::COLUMNS, conditions.join(" OR "));
        let rows = self.store.database().query_few(sql, params).await?;
        let users: Vec<UserRow> = rows.iter().map(UserRow::read).collect::<Result<_, _>>()?;
        let by = fields.iter().flat_map(|field| {
            let beside = if *field == Identifier::Upn { attributes } else { &[] };
            iter::once(By::Field(*field)).chain(beside.iter().map(|name| By::Attribute(name)))
        });
        Ok(decide(&by.collect::<Vec<_>>(), text, &folded, case_insensitive, users))
    }

    /// Whether somebody else than `own` is found by `text`, by whatever identifier and in whatever case. No
    /// self-service write may take such an identifier.
    pub async fn identifier_taken(&self, text: &str, own: Option<i64>) -> Result<bool, StoreError> {
        if text.is_empty() {
            return Ok(false);
        }
        let sql = "SELECT id FROM users WHERE (username_folded = $1 OR email_folded = $1 OR upn_folded = $1 \
                   OR id IN (SELECT user_id FROM user_identifiers WHERE value_folded = $1)) AND id <> $2";
        let params = vec![fold(text).into(), own.unwrap_or(-1).into()];
        Ok(self.store.database().query_one(sql, params).await?.is_some())
    }

    /// Replaces a user's password and ends their sessions, but for the one of the cookie `keep`. `hash` comes from
    /// [`crate::password::Passwords::hash`].
    pub async fn set_password(&self, pk: i64, hash: &str, keep: Option<&str>) -> Result<(), StoreError> {
        let mut transaction = self.store.database().begin(Durability::Full).await?;
        let keep = keep.map(|key| self.store.keys().lookup_hash(key));
        set_password(&mut transaction, &self.ctx, pk, hash, keep).await?;
        transaction.commit().await
    }

    /// Replaces the hash of an unchanged password by a newer one, unless the password was changed meanwhile.
    pub async fn rehash(&self, pk: i64, old: &str, new: &str) -> Result<(), StoreError> {
        let sql = "UPDATE users SET password = $1 WHERE id = $2 AND password = $3";
        self.store.database().execute(Durability::Full, sql, vec![new.into(), pk.into(), old.into()]).await?;
        Ok(())
    }

    /// When a user's password was changed; `None`: there is no such user.
    pub async fn password_changed(&self, pk: i64) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = "SELECT password_change_date FROM users WHERE id = $1";
        let row = self.store.database().query_one(sql, vec![pk.into()]).await?;
        row.map(|row| row.time("password_change_date")).transpose()
    }

    /// Leaves a user without a password: none is right until they have a new one.
    pub async fn forget_password(&self, pk: i64) -> Result<(), StoreError> {
        let sql = "UPDATE users SET password = NULL, last_updated = $1 WHERE id = $2 AND password IS NOT NULL";
        self.store.database().execute(Durability::Full, sql, vec![self.ctx.now().into(), pk.into()]).await?;
        Ok(())
    }
}

/// The first tier that finds anybody decides.
fn decide(by: &[By<'_>], text: &str, folded: &str, case_insensitive: bool, users: Vec<UserRow>) -> Found {
    let tier = |user: &UserRow| {
        let exact = by.iter().position(|by| user.identifier(*by) == text).map(|place| (0, place));
        let loose = || by.iter().position(|by| fold(&user.identifier(*by)) == folded).map(|place| (1, place));
        exact.or_else(|| loose().filter(|_| case_insensitive))
    };
    let mut ranked: Vec<_> = users.into_iter().filter_map(|user| Some((tier(&user)?, user))).collect();
    ranked.sort_by_key(|(tier, _)| *tier);
    let mut ranked = ranked.into_iter();
    match (ranked.next(), ranked.next()) {
        (None, _) => Found::Nobody,
        (Some((first, _)), Some((second, _))) if first == second => Found::Ambiguous,
        (Some((_, user)), _) => Found::One(Box::new(user)),
    }
}

/// Replaces a password as part of a transaction.
pub async fn set_password(
    transaction: &mut Transaction,
    ctx: &Ctx,
    pk: i64,
    hash: &str,
    keep: Option<String>,
) -> Result<(), StoreError> {
    let now = ctx.now();
    let sql = "UPDATE users SET password = $1, password_change_date = $2, last_updated = $2 WHERE id = $3";
    transaction.execute(sql, vec![hash.into(), now.into(), pk.into()]).await?;
    session::delete_for_user(transaction, pk, keep).await?;
    // What was sent to make this possible is worthless from here on.
    let sql = "DELETE FROM tokens WHERE user_id = $1 AND intent = 'verification'";
    transaction.execute(sql, vec![pk.into()]).await?;
    Ok(())
}
