//! Tenants: this server has none. It answers as authentik does without them: nothing is there, for anybody.

use axum::response::IntoResponse as _;
use http::{Method, StatusCode, header};
use serde_json::Value;
use vestibule_resource::call::{Answer, Body, Permission};
use vestibule_resource::{Call, Field, Fields, Operation, Shape};

#[derive(Fields)]
struct Tenant {
    #[field(read_only)]
    tenant_uuid: uuid::Uuid,
    #[field(max = 63)]
    schema_name: String,
    name: String,
    #[field(default = true)]
    ready: bool,
}

#[derive(Fields)]
struct Domain {
    #[field(read_only)]
    id: i64,
    #[field(max = 253)]
    domain: String,
    #[field(default = true)]
    is_primary: bool,
    tenant: uuid::Uuid,
}

#[derive(Fields)]
struct AdminGroup {
    user: String,
}

#[derive(Fields)]
struct RecoveryKey {
    user: String,
    duration_days: i64,
}

#[derive(Fields)]
struct RecoveryKeyAnswer {
    expiry: chrono::DateTime<chrono::Utc>,
    url: String,
}

fn page(item: Shape) -> Vec<Field> {
    vec![
        Field::of::<Value>("pagination", "").shape(Shape::Schema("Pagination")).required(),
        Field::of::<Value>("results", "").shape(item.list()).required(),
        Field::of::<Value>("autocomplete", "").shape(Shape::Schema("Autocomplete")).required(),
    ]
}

/// What the two resources differ in.
struct Names {
    path: &'static str,
    object: &'static str,
    /// list, create, retrieve, update, partial update, destroy.
    ids: [&'static str; 6],
    page: Shape,
    item: Shape,
    request: (&'static str, fn() -> Vec<Field>),
    patch: &'static str,
    key: (&'static str, Shape),
}

/// Operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    let domains = Names {
        path: "tenants/domains/",
        object: "tenants/domains/{id}/",
        ids: [
            "tenants_domains_list",
            "tenants_domains_create",
            "tenants_domains_retrieve",
            "tenants_domains_update",
            "tenants_domains_partial_update",
            "tenants_domains_destroy",
        ],
        page: Shape::Object("PaginatedDomainList", || page(Shape::Object("Domain", Domain::fields))),
        item: Shape::Object("Domain", Domain::fields),
        request: ("DomainRequest", Domain::fields),
        patch: "PatchedDomainRequest",
        key: ("id", Shape::INTEGER),
    };
    let tenants = Names {
        path: "tenants/tenants/",
        object: "tenants/tenants/{tenant_uuid}/",
        ids: [
            "tenants_tenants_list",
            "tenants_tenants_create",
            "tenants_tenants_retrieve",
            "tenants_tenants_update",
            "tenants_tenants_partial_update",
            "tenants_tenants_destroy",
        ],
        page: Shape::Object("PaginatedTenantList", || page(Shape::Object("Tenant", Tenant::fields))),
        item: Shape::Object("Tenant", Tenant::fields),
        request: ("TenantRequest", Tenant::fields),
        patch: "PatchedTenantRequest",
        key: ("tenant_uuid", Shape::Uuid),
    };
    let recovery = Shape::Object("TenantRecoveryKeyResponse", RecoveryKeyAnswer::fields);
    let mut operations = uniform(domains);
    operations.extend(uniform(tenants));
    operations.push(
        Operation::new(
            Method::POST,
            "tenants/tenants/{tenant_uuid}/create_admin_group/",
            "tenants_tenants_create_admin_group_create",
            None,
            nothing,
        )
        .body(Body::Raw("TenantAdminGroupRequestRequest", AdminGroup::fields))
        .parameter("tenant_uuid", Shape::Uuid),
    );
    operations.push(
        Operation::new(
            Method::POST,
            "tenants/tenants/{tenant_uuid}/create_recovery_key/",
            "tenants_tenants_create_recovery_key_create",
            Some(recovery),
            nothing,
        )
        .body(Body::Raw("TenantRecoveryKeyRequestRequest", RecoveryKey::fields))
        .parameter("tenant_uuid", Shape::Uuid),
    );
    let doc = "Not found: this server has one tenant, itself.";
    let without = |operation: Operation| operation.permission(Permission::Public).doc(doc);
    operations.into_iter().map(|operation| without(operation).refuses(StatusCode::NOT_FOUND, None)).collect()
}

fn uniform(names: Names) -> Vec<Operation> {
    let Names {
        path,
        object,
        ids: [list, create, retrieve, update, patch_id, destroy],
        page,
        item,
        request,
        patch,
        key,
    } = names;
    let keyed = |operation: Operation| operation.parameter(key.0, key.1.clone());
    let shared =
        [("ordering", Shape::TEXT), ("page", Shape::INTEGER), ("page_size", Shape::INTEGER), ("search", Shape::TEXT)];
    let listed = Operation::new(Method::GET, path, list, Some(page), nothing);
    vec![
        shared.into_iter().fold(listed, |operation, (name, shape)| operation.parameter(name, shape)),
        Operation::new(Method::POST, path, create, Some(item.clone()), nothing)
            .status(StatusCode::CREATED)
            .body(Body::Raw(request.0, request.1)),
        keyed(Operation::new(Method::GET, object, retrieve, Some(item.clone()), nothing)),
        keyed(
            Operation::new(Method::PUT, object, update, Some(item.clone()), nothing)
                .body(Body::Raw(request.0, request.1)),
        ),
        keyed(Operation::new(Method::PATCH, object, patch_id, Some(item), nothing).body(Body::Raw(patch, request.1))),
        keyed(Operation::new(Method::DELETE, object, destroy, None, nothing)),
    ]
}

async fn nothing(_: Call) -> Answer {
    Ok((StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/html; charset=utf-8")]).into_response())
}
