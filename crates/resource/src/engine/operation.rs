//! Operations that are not one of the six: who may call one, on which object, with which body.

use std::sync::Arc;

use http::Method;
use vestibule_kernel::{ApiError, FieldErrors, Object};

use super::family::{self, family_permission, find_member};
use super::{Received, Subject, find, load};
use crate::call::{Answer, Body as BodyShape, Call, Operation, Permission};
use crate::decode;
use crate::http::json_object;
use crate::kind::{Kind, Verb};
use crate::object_permission::Scope;

/// Carries out the operation that a request asks for, for whoever may.
pub(super) async fn operation(received: Received, operations: &[Operation], subject: &Subject) -> Answer {
    let method = if received.parts.method == Method::HEAD { Method::GET } else { received.parts.method.clone() };
    let operation = operations.iter().find(|operation| operation.method == method);
    let operation = operation.ok_or_else(|| ApiError::MethodNotAllowed(method.to_string()))?;
    for permission in operation.also {
        received.principal.require(permission)?;
    }
    let (kind, object) = about(&received, operation, subject).await?;
    let body = read(&received, &operation.body)?;
    let Received { api, principal, configuration, parts, path, query, raw, .. } = received;
    (operation.handler)(Call { api, principal, configuration, parts, path, query, body, raw, object, kind }).await
}

/// What the operation is about, for one who may carry it out there: a kind, one of its objects, or nothing of the sort.
async fn about(
    received: &Received,
    operation: &Operation,
    subject: &Subject,
) -> Result<(Option<Arc<Kind>>, Object), ApiError> {
    let principal = &received.principal;
    let asked = |permission: Permission, verb: &dyn Fn(Verb) -> String| match permission {
        Permission::Public | Permission::SignedIn | Permission::Hidden => None,
        Permission::Named(permission) => Some(permission.to_owned()),
        Permission::Verb(one) => Some(verb(one)),
    };
    Ok(match subject {
        Subject::Api => {
            match operation.permission {
                Permission::Public | Permission::SignedIn | Permission::Hidden => {}
                Permission::Named(permission) => principal.require(permission)?,
                Permission::Verb(_) if principal.superuser => {}
                Permission::Verb(_) => return Err(ApiError::Forbidden),
            }
            (None, Object::new())
        }
        Subject::Kind(kind) => {
            match asked(operation.permission, &|verb| kind.permission(verb)) {
                Some(permission) if operation.filters_itself => {
                    let scope = Scope::of(received.api.store.database(), principal, &permission, kind.owner()).await?;
                    if scope.is_closed() {
                        return Err(ApiError::Forbidden);
                    }
                }
                Some(permission) => principal.require(&permission)?,
                None => {}
            }
            (Some(Arc::clone(kind)), Object::new())
        }
        Subject::Object(kind) => {
            let permission = asked(operation.permission, &|verb| kind.permission(verb));
            let object = match &permission {
                Some(permission) => find(received, kind, permission).await?,
                None => load(received, kind).await?.ok_or_else(|| kind.no_match())?,
            };
            (Some(Arc::clone(kind)), object)
        }
        Subject::Member(family) => {
            let permission = asked(operation.permission, &|verb| family_permission(family, verb));
            let (kind, object) = match &permission {
                Some(permission) => find_member(received, family, permission).await?,
                None => family::load_member(received, family).ok_or_else(|| family::no_member(family))?,
            };
            (Some(kind), object)
        }
    })
}

/// The fields of its body; none where the handler reads it itself.
fn read(received: &Received, shape: &BodyShape) -> Result<Object, ApiError> {
    let BodyShape::Json(_, fields) = shape else { return Ok(Object::new()) };
    let given = json_object(&received.parts, &received.raw)?;
    let fields = fields();
    let mut errors = FieldErrors::new();
    let mut whole = crate::value::defaults(&fields);
    whole.extend(decode::decode(&fields, &given, false, &mut errors));
    errors.into_result()?;
    Ok(whole)
}
