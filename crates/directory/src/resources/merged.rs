//! What is kept about a user, over what their groups and the brand of the host keep.

use serde_json::{Map, Value};
use vestibule_kernel::Object;
use vestibule_store::{Row, StoreError};

/// SQL: the groups of the user `$1` and all groups above them, for `WITH RECURSIVE`.
pub(crate) const ABOVE: &str = "above (pk) AS (SELECT group_pk FROM memberships WHERE user_id = $1 \
    UNION SELECT group_parents.parent FROM group_parents JOIN above ON group_parents.child = above.pk)";

/// The attributes of those groups, by name: for [`merge`].
pub(crate) fn groups_sql() -> String {
    format!(
        "WITH RECURSIVE {ABOVE} SELECT pk, name, attributes FROM groups WHERE pk IN (SELECT pk FROM above) \
         ORDER BY name_folded, name"
    )
}

/// The attributes of a brand, of groups (rows of [`groups_sql`]) and of a user, the later over the earlier.
pub(crate) fn merge(brand: Option<&Object>, groups: &[Row], own: &Object) -> Result<Object, StoreError> {
    let mut merged = brand.cloned().unwrap_or_default();
    for group in groups {
        if let Value::Object(attributes) = group.json("attributes")? {
            lay(&mut merged, &attributes);
        }
    }
    lay(&mut merged, own);
    Ok(merged)
}

/// Lays objects over one another as deep as both are objects; lists are joined, anything else is replaced.
fn lay(under: &mut Map<String, Value>, over: &Object) {
    for (name, value) in over {
        match (under.get_mut(name), value) {
            (Some(Value::Object(under)), Value::Object(over)) => lay(under, over),
            (Some(Value::Array(under)), Value::Array(over)) => under.extend(over.iter().cloned()),
            _ => {
                under.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lay;

    #[test]
    fn the_later_lies_over_the_earlier() {
        let mut under = json!({"a": {"b": 1, "c": [1]}, "d": 1, "e": {"x": 1}}).as_object().unwrap().clone();
        let over = json!({"a": {"b": 2, "c": [2], "f": 3}, "d": {"y": 1}, "e": null}).as_object().unwrap().clone();
        lay(&mut under, &over);
        assert_eq!(json!(under), json!({"a": {"b": 2, "c": [1, 2], "f": 3}, "d": {"y": 1}, "e": null}));
    }
}
