//! Fields of rows that tables of their own hold.

use serde_json::{Value, json};
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::{Kind, ObjectKey};
use vestibule_store::Transaction;

/// A field: its model, its name, and what selects as `other` the keys that it holds of the object `$1`.
pub(crate) struct Link {
    pub model: &'static str,
    pub field: &'static str,
    pub sql: &'static str,
}

/// Members of a group, who are written with those who are members.
const MEMBERS: &str = "users";

/// Every one of them.
pub(crate) const LINKS: [Link; 5] = [
    Link {
        model: "authentik_core.user",
        field: "groups",
        sql: "SELECT group_pk AS other FROM memberships JOIN groups ON groups.pk = group_pk \
              WHERE user_id = $1 ORDER BY groups.name",
    },
    Link {
        model: "authentik_core.user",
        field: "roles",
        sql: "SELECT role AS other FROM user_roles JOIN roles ON roles.pk = role \
              WHERE user_id = $1 AND managed IS NULL ORDER BY roles.name",
    },
    Link {
        model: "authentik_core.group",
        field: "parents",
        sql: "SELECT parent AS other FROM group_parents WHERE child = $1 ORDER BY place",
    },
    Link {
        model: "authentik_core.group",
        field: "roles",
        sql: "SELECT role AS other FROM group_roles JOIN roles ON roles.pk = role \
              WHERE group_pk = $1 AND managed IS NULL ORDER BY roles.name",
    },
    Link {
        model: "authentik_core.group",
        field: MEMBERS,
        sql: "SELECT user_id AS other FROM memberships WHERE group_pk = $1 ORDER BY user_id",
    },
];

impl Link {
    /// Whether a field is one of a row's that another field holds as well.
    pub(crate) fn is_back(&self) -> bool {
        self.field == MEMBERS
    }
}

/// Whether the order of what a field holds is nobody's.
pub(crate) fn is_set(kind: &Kind, field: &str) -> bool {
    LINKS.iter().any(|link| link.model == kind.model() && link.field == field)
}

/// Adds to a row what other tables hold of it; members where they are asked for.
pub(crate) async fn attach(
    transaction: &mut Transaction,
    kind: &Kind,
    object: &mut Object,
    members: bool,
) -> Result<(), ApiError> {
    let Some(key) = ObjectKey::of(object) else { return Ok(()) };
    for link in LINKS.iter().filter(|link| link.model == kind.model() && (members || !link.is_back())) {
        let mut others: Vec<Value> = Vec::new();
        for row in transaction.query(link.sql, vec![key.param()]).await? {
            others.push(if link.is_back() { json!(row.int("other")?) } else { json!(row.uuid("other")?) });
        }
        object.insert(link.field.to_owned(), others.into());
    }
    Ok(())
}
