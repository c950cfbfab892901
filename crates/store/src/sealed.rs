//! How secrets lie in the database.

use serde_json::{Value, json};
use vestibule_kernel::Ctx;
use vestibule_kernel::secret::{Keys, SealError};

use crate::StoreError;

/// How a sealed field looks: a text, or any other JSON.
const SEALED: &str = "$sealed";
const SEALED_JSON: &str = "$sealed_json";

/// The form in which a field's value is stored; `None`: there is nothing to hide. `place` is `kind/pk/field`.
pub(crate) fn sealed(keys: &Keys, ctx: &Ctx, place: &str, value: Option<&Value>) -> Result<Option<Value>, StoreError> {
    let (mark, plain) = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(plain)) if plain.is_empty() => return Ok(None),
        Some(Value::String(plain)) => (SEALED, plain.clone()),
        Some(other) => (SEALED_JSON, other.to_string()),
    };
    Ok(Some(json!({ mark: keys.seal(ctx, place, &plain)? })))
}

/// What a stored field's value is when it is opened; `None`: it is not sealed. `place` is `kind/pk/field`.
pub fn unsealed(keys: &Keys, place: &str, value: &Value) -> Result<Option<Value>, StoreError> {
    let Some((mark, sealed)) =
        value.as_object().filter(|object| object.len() == 1).and_then(|object| object.iter().next())
    else {
        return Ok(None);
    };
    match (mark.as_str(), sealed.as_str()) {
        (SEALED, Some(sealed)) => Ok(Some(keys.open(place, sealed)?.into())),
        (SEALED_JSON, Some(sealed)) => {
            let damaged = |_| SealError::Damaged;
            Ok(Some(serde_json::from_str(&keys.open(place, sealed)?).map_err(damaged)?))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_objects_come_back_from_their_place_alone() {
        let (keys, ctx) = (Keys::derive("one").unwrap(), Ctx::system());
        for value in [json!("geheim"), json!({"a": ["geheim"]}), json!(5)] {
            let stored = sealed(&keys, &ctx, "k/1/f", Some(&value)).unwrap().unwrap();
            assert!(!stored.to_string().contains("geheim"));
            assert_eq!(unsealed(&keys, "k/1/f", &stored).unwrap(), Some(value));
            assert!(unsealed(&keys, "k/2/f", &stored).is_err());
        }
        for nothing in [json!(null), json!("")] {
            assert_eq!(sealed(&keys, &ctx, "k/1/f", Some(&nothing)).unwrap(), None);
        }
        assert_eq!(unsealed(&keys, "k/1/f", &json!({"a": 1})).unwrap(), None);
    }
}
