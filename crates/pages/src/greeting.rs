//! The page after the login: a greeting, what may be opened, and one's own sessions, to see and to end.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::Request;
use serde_json::{Value, json};
use vestibule_flow::Library;
use vestibule_flow::pages::found;

use crate::content::text;
use crate::visitor::{Visitor, either};
use crate::{PagesState, devices, sessions};

const HOME: &str = "/if/user/";
/// From how many applications on there is something to search.
const SEARCHED: usize = 7;

pub(crate) fn routes() -> Router<PagesState> {
    Router::new().route(HOME, get(show)).route("/if/user/sessions/{session}/end/", get(async || found(HOME)).post(end))
}

async fn show(State(state): State<PagesState>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, None).await?;
        let configuration = state.flow.store().configuration();
        let applications = match state.flow.api.extensions.get::<Arc<dyn Library>>() {
            Some(library) => library.applications(&configuration, &visitor.user.actor(), &visitor.visit.request).await,
            None => Ok(Vec::new()),
        };
        let applications = applications.map_err(|error| visitor.error(error.status()))?;
        let search = visitor.parameter("search");
        let content = json!({
            "count": applications.len(),
            "searchable": applications.len() >= SEARCHED || !search.is_empty(),
            "search": search,
            "groups": groups(applications, search),
            "is_admin": visitor.user.is_superuser,
            "admin_url": visitor.administers().then_some("/if/admin/"),
            "settings_url": visitor.settings_url(),
            "devices": devices::of(&visitor).await,
            "sessions": sessions::of(&visitor, visitor.user.pk, &visitor.user.username).await,
        });
        Ok(visitor.page("library", content))
    };
    either(answer.await)
}

/// The applications that fit a search, by group: those of none first, then by the names of groups.
fn groups(applications: Vec<Value>, search: &str) -> Vec<Value> {
    let search = search.to_lowercase();
    let fits = |application: &Value| {
        let has = |name: &str| text(application, name).to_lowercase().contains(&search);
        search.is_empty() || has("name") || has("description") || has("group")
    };
    let mut groups: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for application in applications.into_iter().filter(fits) {
        let name = text(&application, "group").trim().to_owned();
        groups.entry((name.to_lowercase(), name)).or_default().push(application);
    }
    let group = |((_, name), applications)| json!({"name": name, "applications": Value::Array(applications)});
    groups.into_iter().map(group).collect()
}

async fn end(State(state): State<PagesState>, Path(session): Path<String>, request: Request<Body>) -> Response {
    match Visitor::enter(&state, request, Some(HOME)).await {
        Ok(visitor) => sessions::end(&visitor, &session, HOME).await,
        Err(response) => response,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::groups;

    #[test]
    fn applications_are_grouped_and_found_by_what_is_said_of_them() {
        let application = |name: &str, group: &str| json!({"name": name, "group": group, "description": "for all"});
        let all = vec![application("Wiki", "docs"), application("Mail", ""), application("Paint", "Art")];
        let names = |search: &str| {
            let found = groups(all.clone(), search);
            found.iter().map(|group| group["name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["", "Art", "docs"]);
        assert_eq!(names("wIk"), ["docs"]);
        assert_eq!(names("ART"), ["Art"]);
        assert_eq!(names("for all").len(), 3);
        assert!(names("nothing").is_empty());
    }
}
