//! Attributes by which users are found beside their names: a badge's number, a number of the personnel office.
//!
//! An administrator names the attributes, once for the whole server, and any stage that finds users by their principal
//! name finds them by these too. A table holds what they are for whom, so that a login looks into an index.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use serde_json::{Value, json};
use uuid::{Uuid, uuid};
use vestibule_kernel::fold::fold;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body, Permission, ok};
use vestibule_resource::{
    Call, Fields, Hooks, Kind, Mode, Operation, Resource, Shape, Spec, Validation, WriteCx, write_object,
};
use vestibule_store::{Configuration, DocumentType, Index, Param, StoreError, Transaction};

/// The one document's key.
const PK: Uuid = uuid!("6b1e0a6c-6c2f-4d3e-8a55-7f1f0c8a0002");
/// Most attributes.
const MOST: usize = 8;
/// Most letters of an attribute's name, and of what finds a user.
const LONGEST: usize = 255;
/// Rows that are read at once, and written in one statement, when the attributes change.
const ROWS: usize = 500;

/// Which attributes find a user.
#[derive(Clone, Debug, Fields)]
pub struct UserIdentifiers {
    /// Key.
    #[field(internal)]
    pub pk: Uuid,
    /// Names of attributes, compared in this order, after the principal name: keys of a user's `attributes`.
    #[field(default = [])]
    pub attributes: Vec<String>,
}

impl DocumentType for UserIdentifiers {
    const KIND: &'static str = "vestibule_directory.useridentifiers";
}

impl Resource for UserIdentifiers {
    fn spec() -> Spec {
        Spec::new("", Self::KIND, "UserIdentifiers")
            .verbose("User identifiers", "User identifiers")
            .search(&[])
            .order(&[])
            .hooks(&FindAnew)
            .describe(|_| "User identifiers".to_owned())
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let names = texts(cx.object);
        if names.len() > MOST {
            errors.add("attributes", format!("Ensure this field has no more than {MOST} elements."));
        }
        for (place, name) in names.iter().enumerate() {
            if name.is_empty() || name.len() > LONGEST {
                errors.add("attributes", format!("A name has 1 to {LONGEST} letters."));
            } else if names.iter().take(place).any(|other| other == name) {
                errors.add("attributes", format!("`{name}` is there twice."));
            }
        }
    }
}

fn texts(object: &Object) -> Vec<&str> {
    let names = object.get("attributes").and_then(Value::as_array);
    names.map(|names| names.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<UserIdentifiers>()
}

/// The attributes in force, read once a configuration.
struct InForce(Arc<[String]>);

impl Index for InForce {
    fn build(configuration: &Configuration) -> Self {
        Self(configuration.get::<UserIdentifiers>(PK).map(|one| one.attributes.clone().into()).unwrap_or_default())
    }
}

/// The attributes that find a user, in the order in which they are compared.
pub fn attributes(configuration: &Configuration) -> Arc<[String]> {
    Arc::clone(&configuration.index::<InForce>().0)
}

/// What an attribute says of a user: a text or a whole number, if it is one that could be typed.
pub(crate) fn value_of(attributes: &Object, name: &str) -> Option<String> {
    let value = match attributes.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if !number.is_f64() => number.to_string(),
        _ => return None,
    };
    let fits = (1..=LONGEST).contains(&value.len()) && !value.contains('\0');
    fits.then_some(value)
}

/// Writes by what a user is found from here on. A user who was there `before` has rows to replace.
pub(crate) async fn write(
    transaction: &mut Transaction,
    user: i64,
    before: Option<&Object>,
    now: &Object,
) -> Result<(), StoreError> {
    let names = attributes(&transaction.configuration());
    let is_same = |before: &Object| names.iter().all(|name| before.get(name) == now.get(name));
    if names.is_empty() || before.is_some_and(is_same) {
        return Ok(());
    }
    if before.is_some() {
        transaction.execute("DELETE FROM user_identifiers WHERE user_id = $1", vec![user.into()]).await?;
    }
    insert(transaction, &rows_of(&names, user, now)).await
}

/// An attribute of a user.
type Found<'a> = (i64, &'a str, String);

fn rows_of<'a>(names: &'a [String], user: i64, attributes: &Object) -> Vec<Found<'a>> {
    names.iter().filter_map(|name| Some((user, name.as_str(), value_of(attributes, name)?))).collect()
}

async fn insert(transaction: &mut Transaction, rows: &[Found<'_>]) -> Result<(), StoreError> {
    for rows in rows.chunks(ROWS) {
        let places: Vec<String> = (0..rows.len())
            .map(|row| row * 4)
            .map(|at| format!("(${}, ${}, ${}, ${})", at + 1, at + 2, at + 3, at + 4))
            .collect();
        let params: Vec<Param> = rows
            .iter()
            .flat_map(|(user, name, value)| {
                [(*user).into(), (*name).into(), value.as_str().into(), fold(value).as_str().into()]
            })
            .collect();
        let sql = format!(
            "INSERT INTO user_identifiers (user_id, attribute, value, value_folded) VALUES {}",
            places.join(", ")
        );
        transaction.execute(sql, params).await?;
    }
    Ok(())
}

/// Fills the table anew when other attributes count: in the transaction that says so, so that at no time somebody is
/// found by what counts no more.
struct FindAnew;

#[async_trait]
impl Hooks for FindAnew {
    async fn after_save(&self, cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
        let names: Vec<String> = texts(object).into_iter().map(str::to_owned).collect();
        let transaction = cx.change.transaction();
        transaction.execute("DELETE FROM user_identifiers", Vec::new()).await?;
        let mut last = 0;
        while !names.is_empty() {
            let sql = format!("SELECT id, attributes FROM users WHERE id > $1 ORDER BY id LIMIT {ROWS}");
            let rows = transaction.query(sql, vec![last.into()]).await?;
            let mut found = Vec::new();
            for row in &rows {
                last = row.int("id")?;
                if let Value::Object(attributes) = row.json("attributes")? {
                    found.extend(rows_of(&names, last, &attributes));
                }
            }
            insert(transaction, &found).await?;
            if rows.len() < ROWS {
                break;
            }
        }
        Ok(())
    }
}

/// Operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    let answer = || Some(Shape::Object("UserIdentifiers", UserIdentifiers::fields));
    let path = "/api/vestibule/v1/user_identifiers/";
    vec![
        Operation::new(Method::GET, path, "vestibule_user_identifiers_retrieve", answer(), retrieve)
            .permission(Permission::Named("authentik_rbac.view_system_settings"))
            .doc("Attributes by which users are found, beside their names."),
        Operation::new(Method::PUT, path, "vestibule_user_identifiers_update", answer(), update)
            .permission(Permission::Named("authentik_rbac.edit_system_settings"))
            .body(Body::Raw("UserIdentifiersRequest", UserIdentifiers::fields))
            .doc(
                "Decides by which attributes users are found, beside their names: wherever an identification stage \
                 asks for the principal name.",
            ),
    ]
}

fn show(configuration: &Configuration) -> Answer {
    ok(&json!({"attributes": *attributes(configuration)}))
}

async fn retrieve(call: Call) -> Answer {
    show(&call.configuration)
}

async fn update(call: Call) -> Answer {
    let Call { api, principal, .. } = &call;
    let kind = api.registry.kind(UserIdentifiers::KIND).ok_or_else(ApiError::not_found)?;
    let body = call.json_object()?;
    let mut change = api.store.change(principal.actor.clone()).await?;
    // The first of two that write at once is seen by the second.
    change.lock().await?;
    let blank = Object::from_iter([("pk".to_owned(), PK.to_string().into()), ("attributes".to_owned(), json!([]))]);
    let existing = match change.configuration().document(UserIdentifiers::KIND, PK) {
        Some(document) => document.value.clone(),
        None => {
            change.put(UserIdentifiers::KIND, PK, blank.clone()).await?;
            blank
        }
    };
    write_object(&mut change, &api.registry, &api.ctx, principal, kind, Some(&existing), &body, Mode::Update).await?;
    change.commit().await?;
    show(&api.store.configuration())
}
