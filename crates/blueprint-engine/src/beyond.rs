//! What blueprints set although the API has operations of their own for it, before and after: for plans.

use serde_json::{Value, json};
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::{Kind, ObjectKey};
use vestibule_store::{Param, Transaction};

use crate::edit::Besides;

/// What stands where a secret would.
const SECRET: &str = "(secret)";

/// A field with its value; of a secret, what tells one from another.
pub(crate) struct Known {
    pub(crate) field: &'static str,
    value: Value,
    secret: bool,
}

/// What is set of an object.
pub(crate) async fn state(transaction: &mut Transaction, kind: &Kind, object: &Object) -> Result<Vec<Known>, ApiError> {
    let Some(key) = ObjectKey::of(object) else { return Ok(Vec::new()) };
    let held = "SELECT permission AS found FROM role_permissions JOIN roles ON roles.pk = role WHERE";
    let asked: Vec<(&'static str, String, Param, bool)> = match kind.model() {
        "authentik_rbac.role" => {
            vec![("permissions", format!("{held} roles.pk = $1 ORDER BY permission"), key.param(), false)]
        }
        "authentik_core.user" => {
            let own = format!("ak-managed-role--user-{}", key.text());
            vec![
                ("permissions", format!("{held} roles.managed = $1 ORDER BY permission"), own.into(), false),
                ("uid", "SELECT uid AS found FROM users WHERE id = $1".to_owned(), key.param(), false),
                ("password", "SELECT password AS found FROM users WHERE id = $1".to_owned(), key.param(), true),
            ]
        }
        "authentik_core.token" => {
            vec![("key", "SELECT key_hash AS found FROM tokens WHERE pk = $1".to_owned(), key.param(), true)]
        }
        _ => Vec::new(),
    };
    let mut known = Vec::new();
    for (field, sql, param, secret) in asked {
        let mut values = Vec::new();
        for row in transaction.query(sql, vec![param]).await? {
            values.extend(row.optional_text("found")?.map(|found| json!(found)));
        }
        known.push(Known { field, value: values.into(), secret });
    }
    Ok(known)
}

/// What has become otherwise.
pub(crate) fn difference(kind: &Kind, object: &Object, before: &[Known], now: Vec<Known>) -> Vec<Besides> {
    let nothing = json!([]);
    let mut besides = Vec::new();
    for Known { field, value, secret } in now {
        let old = before.iter().find(|known| known.field == field).map_or(&nothing, |known| &known.value);
        if value == *old {
            continue;
        }
        let shown = |value: &Value| match (secret, *value == nothing) {
            (_, true) => Value::Null,
            (true, false) => SECRET.into(),
            (false, false) => value.clone(),
        };
        besides.push(Besides {
            model: kind.model(),
            key: object.get("pk").map(ToString::to_string).unwrap_or_default(),
            field,
            before: shown(old),
            after: shown(&value),
        });
    }
    besides
}
