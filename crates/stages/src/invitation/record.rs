//! What an invitation consists of, as administrators see it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::resources::group::PartialUser;
use vestibule_directory::resources::user;
use vestibule_flow::Flow;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::http::Query;
use vestibule_resource::object_permission::places;
use vestibule_resource::{
    Api, Computed, Fields, Hooks, Kind, Lookup, Represent, Resource, Shape, Spec, WriteCx, select,
};
use vestibule_store::{DocumentType as _, Param};

use super::mail;

/// The model.
pub(super) const MODEL: &str = "authentik_stages_invitation.invitation";

/// An invitation. Its key opens the flow: whoever brings it is let in.
#[derive(Fields)]
pub struct Invitation {
    /// Key.
    #[field(read_only, label = "Invite uuid")]
    pub pk: Uuid,
    /// Its name, for administrators.
    #[field(format = Identifier)]
    pub name: String,
    /// When it ends; null: it does not.
    pub expires: Option<DateTime<Utc>>,
    /// What is known of whoever comes by it, laid over what they have answered before.
    #[field(default = {})]
    pub fixed_data: Object,
    /// Who made it.
    #[field(shape = Shape::Object("PartialUser", PartialUser::fields), computed = creator)]
    pub created_by: Computed,
    /// Whether it lets in one person alone.
    #[field(default = false)]
    pub single_use: bool,
    /// The one flow that it opens; null: every flow that asks for one. It goes when its flow does, which would open all.
    #[field(references = "authentik_flows.flow", on_delete = Cascade)]
    pub flow: Option<Uuid>,
    /// The same, in full.
    #[field(shape = Shape::Schema("Flow"), computed = flow)]
    pub flow_obj: Computed,
    /// Who made it; null: the server itself, told by a blueprint.
    #[field(internal, references = "authentik_core.user", on_delete = Cascade, column = "created_by")]
    pub created_by_id: Option<i64>,
}

/// The kind.
pub(super) fn kind() -> Kind {
    Kind::record::<Invitation>()
}

impl Resource for Invitation {
    fn spec() -> Spec {
        Spec::new("stages/invitation/invitations", MODEL, "Invitation")
            .verbose("Invitation", "Invitations")
            .table("invitations", "pk")
            .lookup("pk", "invite_uuid")
            .search(&["name", "flow__slug"])
            .search_beyond("created_by IN (SELECT id FROM users WHERE username_folded LIKE $? ESCAPE '\\')")
            .order(&["-expires"])
            .filter(&["name", "expires"])
            .filter_with("created_by__username", "pk", Lookup::Sql(by_creator), Shape::TEXT)
            .filter_with("flow__slug", "flow", Lookup::OfDocument("slug"), Shape::TEXT)
            .operation(mail::operation())
            .hooks(&InvitationHooks)
    }
}

fn by_creator(username: &str) -> Result<Option<(String, Vec<Param>)>, FieldErrors> {
    let sql = "created_by IN (SELECT id FROM users WHERE username = $?)";
    Ok(Some((sql.to_owned(), vec![username.into()])))
}

/// Who made it. What the server itself made is nobody's, which the wire has a user for.
fn creator(represent: &Represent<'_>, object: &Object) -> Value {
    match object.get("created_by") {
        Some(Value::Object(user)) => represent.fields(&PartialUser::fields(), user).into(),
        _ => json!({
            "pk": 0, "username": "AnonymousUser", "name": "", "is_active": false, "last_login": null, "email": "",
            "attributes": {}, "uid": "",
        }),
    }
}

fn flow(represent: &Represent<'_>, object: &Object) -> Value {
    let key = object.get("flow").and_then(Value::as_str).and_then(|key| key.parse().ok());
    let document = key.and_then(|key| represent.configuration.document(Flow::KIND, key));
    match (document, represent.registry.kind(Flow::KIND)) {
        (Some(document), Some(kind)) => Represent { kind, ..*represent }.object(&document.value),
        _ => Value::Null,
    }
}

/// Keeps who made an invitation, and shows them.
struct InvitationHooks;

#[async_trait]
impl Hooks for InvitationHooks {
    async fn attach(&self, api: &Api, _: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        let Some(kind) = api.registry.kind("authentik_core.user") else { return Ok(()) };
        let mut keys: Vec<i64> = objects.iter().filter_map(|object| object.get("created_by_id")?.as_i64()).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(());
        }
        let tail = format!(" WHERE id IN ({})", places(1, keys.len()));
        let params = keys.into_iter().map(Into::into).collect();
        let mut users = select(api.store.database(), kind, &tail, params).await?;
        user::attach(api.store.database(), &Query::default(), &mut users).await?;
        for object in objects {
            let found = users.iter().find(|user| user.get("pk") == object.get("created_by_id")).cloned();
            object.insert("created_by".into(), found.map_or(Value::Null, Value::Object));
        }
        Ok(())
    }

    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        if cx.existing.is_none() {
            object.insert("created_by_id".into(), cx.principal.user().into());
        }
        Ok(())
    }
}
