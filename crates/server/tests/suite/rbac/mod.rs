//! Permissions over everything and over single objects, and that nobody gives away more than they have.

mod details;
mod escalation;
mod objects;
mod recovery;
mod roles;

use serde_json::{Value, json};
use vestibule_testkit::Client;

use crate::app::App;

/// Makes an object as the first administrator; its key.
async fn make(app: &App, path: &str, body: Value) -> String {
    let made = app.admin().post(&format!("/api/v3/{path}/"), body).await.expect(201);
    let key = &made["pk"];
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

/// Gives a role permissions, over one object of a model or over all.
async fn assign(client: &mut Client, role: &str, permissions: &[&str], object: Option<(&str, &str)>) -> (u16, Value) {
    let mut body = json!({"permissions": permissions});
    if let Some((model, pk)) = object {
        body["model"] = model.into();
        body["object_pk"] = pk.into();
    }
    let answer = client.post(&format!("/api/v3/rbac/permissions/assigned_by_roles/{role}/assign/"), body).await;
    (answer.status.as_u16(), answer.json())
}

/// A clerk whose own role it is; the role, the clerk's key and client.
async fn clerk_with_role(app: &App, name: &str) -> (String, i64, Client) {
    let (pk, client) = app.clerk(name).await;
    let role = make(app, "rbac/roles", json!({"name": format!("role of {name}")})).await;
    app.admin().post(&format!("/api/v3/rbac/roles/{role}/add_user/"), json!({"pk": pk})).await.expect(204);
    (role, pk, client)
}
