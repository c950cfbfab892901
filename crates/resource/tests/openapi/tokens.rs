//! Tokens and their user: tables, integer keys, a kind without a path.

use chrono::{DateTime, Utc};
use http::Method;
use serde_json::Value;
use uuid::Uuid;
use vestibule_resource::call::Body;
use vestibule_resource::{Computed, Fields, Kind, Lookup, Object, Operation, Resource, Shape, Spec, choices};

use crate::nothing;
use crate::stages::null;

choices! {
    /// What a token is for.
    pub enum Intent: "IntentEnum" {
        Verification = "verification" "", Api = "api" "", Recovery = "recovery" "", AppPassword = "app_password" "",
    }
}
choices! {
    /// What sort of user.
    pub enum UserType: "UserTypeEnum" {
        Internal = "internal" "", External = "external" "", ServiceAccount = "service_account" "",
        InternalServiceAccount = "internal_service_account" "",
    }
}

/// A user as authentik declares it.
#[derive(Fields)]
struct User {
    #[field(read_only)]
    pk: i64,
    #[field(max = 150)]
    username: String,
    #[field(blank)]
    name: String,
    #[field(default = true)]
    is_active: bool,
    last_login: Option<DateTime<Utc>>,
    #[field(read_only)]
    date_joined: DateTime<Utc>,
    #[field(computed = null, shape = Shape::Boolean)]
    is_superuser: Computed,
    #[field(default = [])]
    groups: Vec<Uuid>,
    #[field(computed = null, nullable, shape = Shape::Object("PartialGroup", PartialGroup::fields).list())]
    groups_obj: Computed,
    #[field(default = [])]
    roles: Vec<Uuid>,
    #[field(computed = null, nullable, shape = Shape::Object("Role", Role::fields).list())]
    roles_obj: Computed,
    #[field(blank, default = "", format = Email, max = 254)]
    email: String,
    #[field(computed = null)]
    avatar: Computed,
    #[field(default = {})]
    attributes: Object,
    #[field(read_only)]
    uid: String,
    #[field(default = "users")]
    path: String,
    #[field(default = "internal", column = "kind")]
    r#type: UserType,
    #[field(read_only)]
    uuid: Uuid,
    #[field(read_only)]
    password_change_date: DateTime<Utc>,
    #[field(read_only)]
    last_updated: DateTime<Utc>,
}

impl Resource for User {
    fn spec() -> Spec {
        Spec::new("", "authentik_core.user", "User").lookup("pk", "id").serial_table("users", "pk")
    }
}

#[derive(Fields)]
struct PartialGroup {
    #[field(read_only)]
    pk: Uuid,
    #[field(read_only)]
    num_pk: i64,
    name: String,
    #[field(default = false)]
    is_superuser: bool,
    #[field(default = {})]
    attributes: Object,
}

#[derive(Fields)]
struct Role {
    #[field(read_only)]
    pk: Uuid,
    name: String,
}

/// A token as authentik declares it.
#[derive(Fields)]
struct Token {
    #[field(read_only)]
    pk: Uuid,
    managed: Option<String>,
    #[field(format = Identifier, max = 255)]
    identifier: String,
    #[field(default = "api")]
    intent: Intent,
    #[field(references = "authentik_core.user", optional)]
    user: Option<i64>,
    #[field(computed = null, shape = Shape::Schema("User"))]
    user_obj: Computed,
    #[field(blank, default = "")]
    description: String,
    expires: Option<DateTime<Utc>>,
    #[field(default = true)]
    expiring: bool,
    #[field(internal, sealed)]
    key: Value,
}

#[derive(Fields)]
struct Key {
    #[field(read_only)]
    key: String,
}

#[derive(Fields)]
struct NewKey {
    key: String,
}

impl Resource for Token {
    fn spec() -> Spec {
        let view = Some(Shape::Object("TokenView", Key::fields));
        let view = Operation::new(Method::GET, "{}/view_key/", "core_tokens_view_key_retrieve", view, nothing);
        let set = Operation::new(Method::POST, "{}/set_key/", "core_tokens_set_key_create", None, nothing);
        Spec::new("core/tokens", "authentik_core.token", "Token")
            .lookup("identifier", "identifier")
            .table("tokens", "pk")
            .search(&["identifier"])
            .order(&["identifier"])
            .filter(&["description", "expires", "expiring", "identifier", "intent", "managed"])
            .filter_with("user__username", "user", Lookup::Ignored, Shape::TEXT)
            .operation(view)
            .operation(set.body(Body::Json("TokenSetKey", NewKey::fields)))
    }
}

pub(crate) fn kinds() -> Vec<Kind> {
    vec![Kind::record::<User>(), Kind::record::<Token>()]
}
