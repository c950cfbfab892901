//! What applications ask that believe to speak to GitHub: who somebody is, and which groups they are in.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use vestibule_directory::{Brand, ClientInfo, current_brand};
use vestibule_flow::FlowState;
use vestibule_kernel::Object;
use vestibule_resource::call::json_answer;

use crate::parameters::Parameters;
use crate::userinfo::{Barred, barred, bearer, owner};

/// Texts that GitHub has and this server does not.
const USER_TEXTS: [&str; 17] = [
    "node_id",
    "avatar_url",
    "gravatar_id",
    "url",
    "html_url",
    "followers_url",
    "following_url",
    "gists_url",
    "starred_url",
    "subscriptions_url",
    "organizations_url",
    "repos_url",
    "events_url",
    "received_events_url",
    "company",
    "blog",
    "location",
];
/// Numbers that GitHub has and this server does not.
const USER_NUMBERS: [&str; 8] = [
    "public_repos",
    "public_gists",
    "followers",
    "following",
    "private_gists",
    "total_private_repos",
    "owned_private_repos",
    "disk_usage",
];
/// Texts of an organization.
const ORGANIZATION_TEXTS: [&str; 15] = [
    "node_id",
    "url",
    "repos_url",
    "events_url",
    "hooks_url",
    "issues_url",
    "members_url",
    "public_members_url",
    "avatar_url",
    "description",
    "company",
    "blog",
    "location",
    "email",
    "html_url",
];

fn empty<const N: usize>(names: [&str; N], value: &Value) -> Object {
    names.into_iter().map(|name| (name.to_owned(), value.clone())).collect()
}

/// `/user`.
pub(crate) async fn user(State(state): State<FlowState>, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    let found = async {
        let token = bearer(&state, &parts, &Parameters::default(), "user:email").await?;
        owner(&state, &token).await
    };
    let user = match found.await {
        Ok(user) => user,
        Err(refused) => return barred(refused, &parts),
    };
    let mut told = empty(USER_TEXTS, &json!(""));
    told.extend(empty(USER_NUMBERS, &json!(0)));
    let known = json!({
        "login": user.username, "id": user.pk, "type": "User", "site_admin": false, "name": user.name,
        "email": user.email, "hireable": false, "bio": "", "two_factor_authentication": true,
        "plan": {"name": "None", "space": 0, "private_repos": 0, "collaborators": 0, },
    });
    told.extend(known.as_object().cloned().unwrap_or_default());
    json_answer(StatusCode::OK, &Value::Object(told))
}

/// `/user/teams`: groups stand for teams, the brand for their organization.
pub(crate) async fn teams(State(state): State<FlowState>, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    let found = async {
        let token = bearer(&state, &parts, &Parameters::default(), "read:org").await?;
        let sql = "SELECT groups.num_pk, groups.name FROM memberships JOIN groups ON groups.pk = memberships.group_pk \
                   WHERE memberships.user_id = $1 ORDER BY groups.name_folded, groups.name";
        let rows = state.store().database().query(sql, vec![token.user.into()]).await?;
        let groups: Result<Vec<_>, vestibule_store::StoreError> =
            rows.iter().map(|row| Ok((row.int("num_pk")?, row.text("name")?))).collect();
        Ok::<_, Barred>(groups?)
    };
    let groups = match found.await {
        Ok(groups) => groups,
        Err(refused) => return barred(refused, &parts),
    };
    let configuration = state.store().configuration();
    let brand = current_brand(&configuration, &ClientInfo::of(&parts).host_name());
    let brand = brand.and_then(|brand| brand.get::<Brand>()).map_or("Vestibule", |brand| &brand.branding_title);
    let mut organization = empty(ORGANIZATION_TEXTS, &json!(""));
    let known = json!({
        "login": slug(brand), "id": 1, "name": brand, "is_verified": true, "has_organization_projects": true,
        "has_repository_projects": true, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
        "created_at": "", "updated_at": "", "type": "Organization",
    });
    organization.extend(known.as_object().cloned().unwrap_or_default());
    let team = |(id, name): &(i64, String)| {
        json!({
            "id": id, "node_id": "", "url": "", "html_url": "", "name": name, "slug": slug(name), "description": "",
            "privacy": "", "permission": "", "members_url": "", "repositories_url": "", "parent": null,
            "members_count": 0, "repos_count": 0, "created_at": "", "updated_at": "", "organization": organization,
        })
    };
    json_answer(StatusCode::OK, &groups.iter().map(team).collect())
}

/// Letters, digits and single hyphens.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.to_lowercase().chars() {
        if letter.is_ascii_alphanumeric() || letter == '_' {
            slug.push(letter);
        } else if (letter == '-' || letter.is_whitespace()) && !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}
