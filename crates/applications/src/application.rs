//! Applications: what people sign in to.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::Users;
use vestibule_flow::{BOUND_TO, Occasion, Policies, PolicyEngineMode};
use vestibule_kernel::{Actor, ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, ok};
use vestibule_resource::http::Query;
use vestibule_resource::{
    Api, Call, Computed, Fields, Hooks, Lookup, Operation, Principal, Represent, Resource, Shape, Spec, Validation,
    memory_list,
};
use vestibule_store::DocumentType;

use crate::access;
use crate::launch::{is_web_address, launch_url};
use crate::provider::PROVIDERS;

/// The model of applications.
pub const APPLICATION: &str = "authentik_core.application";

/// Slugs that addresses of OAuth 2 have for something else.
const RESERVED: [&str; 6] = ["authorize", "token", "device", "userinfo", "introspect", "revoke"];

/// An application.
#[derive(Clone, Debug, Fields)]
pub struct Application {
    /// Key.
    #[field(read_only)]
    pub pk: Uuid,
    /// Key by which policies are bound to it.
    #[field(read_only)]
    pub pbm_uuid: Uuid,
    /// What people call it.
    pub name: String,
    /// Names it in addresses.
    #[field(format = Slug, unique = "Application with this slug already exists.")]
    pub slug: String,
    /// What speaks to it.
    #[field(references = "authentik_core.provider", unique = "Application with this provider already exists.")]
    pub provider: Option<i64>,
    /// The same, in full.
    #[field(nullable, shape = Shape::Schema("Provider"), computed = provider)]
    pub provider_obj: Computed,
    /// What tells it about users, behind its back.
    #[field(references = "authentik_core.provider", default = [])]
    pub backchannel_providers: Vec<i64>,
    /// The same, in full.
    #[field(shape = Shape::Schema("Provider").list(), computed = backchannel_providers)]
    pub backchannel_providers_obj: Computed,
    /// Where whoever asks would open it.
    #[field(nullable, computed = launch_url_of)]
    pub launch_url: Computed,
    /// Whether it opens in a tab of its own.
    #[field(default = false)]
    pub open_in_new_tab: bool,
    /// Where it is opened, where its provider does not know. `%(username)s` and `%(email)s` stand for those of whoever
    /// opens it.
    #[field(blank, format = LaunchUrl, default = "")]
    pub meta_launch_url: String,
    /// Its picture: an address, or the name of an icon.
    #[field(blank, default = "")]
    pub meta_icon: String,
    /// Address of its picture as a page shows it.
    #[field(nullable, computed = icon_url)]
    pub meta_icon_url: Computed,
    /// Addresses of its picture by theme.
    #[field(nullable, shape = Shape::Schema("ThemedUrls"), computed = |_, _| Value::Null)]
    pub meta_icon_themed_urls: Computed,
    /// What it is for.
    #[field(blank, default = "")]
    pub meta_description: String,
    /// Whose it is.
    #[field(blank, default = "")]
    pub meta_publisher: String,
    /// Whether all of several policies must pass, or any.
    #[field(default = "any")]
    pub policy_engine_mode: PolicyEngineMode,
    /// Applications of one group stand together.
    #[field(blank, default = "")]
    pub group: String,
    /// Whether it is left out where people choose among their applications.
    #[field(default = false)]
    pub meta_hide: bool,
}

impl DocumentType for Application {
    const KIND: &'static str = APPLICATION;
}

impl Resource for Application {
    fn spec() -> Spec {
        Spec::new("core/applications", Self::KIND, "Application")
            .verbose("Application", "Applications")
            .lookup("slug", "slug")
            .also(BOUND_TO, "pbm_uuid")
            .search(&["name", "slug", "meta_launch_url", "meta_description", "meta_publisher", "group"])
            .filter(&["group", "meta_description", "meta_launch_url", "meta_publisher", "name", "slug"])
            .filter_with("superuser_full_list", "pk", Lookup::Ignored, Shape::Boolean)
            .filter_with("for_user", "pk", Lookup::Ignored, Shape::INTEGER)
            .filter_with("only_with_launch_url", "pk", Lookup::Ignored, Shape::Boolean)
            .hooks(&Listed)
            .operation(
                Operation::new(
                    Method::GET,
                    "{}/check_access/",
                    "core_applications_check_access_retrieve",
                    Some(Shape::Schema("PolicyTestResult")),
                    check_access,
                )
                .parameter("for_user", Shape::INTEGER)
                .doc("Whether one may open it."),
            )
            .operation(requestable())
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        if cx.given.contains_key("meta_icon") && !is_icon(cx.text("meta_icon")) {
            errors.add("meta_icon", "Enter a valid URL.");
        }
        let slug = cx.text("slug");
        if cx.given.contains_key("slug") && RESERVED.contains(&slug) {
            errors.add("slug", format!("The slug '{slug}' is reserved and cannot be used for applications."));
        }
    }
}

fn requestable() -> Operation {
    Operation::new(
        Method::GET,
        "requestable/",
        "core_applications_requestable_list",
        Some(Shape::Schema("PaginatedApplicationList")),
        // Nobody can ask for access here, so nothing can be asked for.
        |call: Call| async move { memory_list(&call, Vec::new(), &[], &[]) },
    )
    .parameter("group", Shape::TEXT)
    .parameter("meta_description", Shape::TEXT)
    .parameter("meta_launch_url", Shape::TEXT)
    .parameter("meta_publisher", Shape::TEXT)
    .parameter("name", Shape::TEXT)
    .parameter("slug", Shape::TEXT)
    .parameter("ordering", Shape::TEXT)
    .parameter("page", Shape::INTEGER)
    .parameter("page_size", Shape::INTEGER)
    .parameter("search", Shape::TEXT)
    .doc("Applications that one may ask for access to.")
}

/// Whether a text may be a picture: a path here, a web address, or the name of an icon. Anything that a browser would
/// run is none.
fn is_icon(icon: &str) -> bool {
    let lower = icon.to_ascii_lowercase();
    let path = lower.split(['?', '#']).next().unwrap_or_default();
    let hidden = icon.chars().any(|letter| letter.is_control() || letter == '\\');
    if hidden || lower.starts_with("//") || path.split('/').any(|part| part == "..") {
        return false;
    }
    is_web_address(icon) || lower.starts_with("fa://") || !path.contains(':')
}

fn launch_url_of(represent: &Represent<'_>, object: &Object) -> Value {
    let actor = represent.principal.map_or(&Actor::Anonymous, |principal| &principal.actor);
    match Application::read(object) {
        Ok(application) => launch_url(represent.configuration, &application, actor).into(),
        Err(_) => Value::Null,
    }
}

fn icon_url(_: &Represent<'_>, object: &Object) -> Value {
    icon_address(object.get("meta_icon").and_then(Value::as_str).unwrap_or_default()).into()
}

/// The address of a picture.
fn icon_address(icon: &str) -> Option<String> {
    match icon {
        "" => None,
        icon if icon.starts_with('/') || icon.contains("://") => Some(icon.to_owned()),
        icon => Some(format!("/media/public/{icon}")),
    }
}

fn shown_provider(represent: &Represent<'_>, key: &Value) -> Option<Value> {
    let (kind, document) = represent.registry.document(represent.configuration, PROVIDERS.model, key)?;
    let inner = Represent { kind, written: &[], ..*represent };
    Some(Value::Object(inner.fields(&(PROVIDERS.fields)(), &document.value)))
}

fn provider(represent: &Represent<'_>, object: &Object) -> Value {
    let key = object.get("provider").filter(|key| !key.is_null());
    key.and_then(|key| shown_provider(represent, key)).unwrap_or_default()
}

fn backchannel_providers(represent: &Represent<'_>, object: &Object) -> Value {
    let keys = object.get("backchannel_providers").and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(|key| shown_provider(represent, key)).collect()
}

/// An application as the page of applications shows it.
pub fn tile(configuration: &vestibule_store::Configuration, application: &Application, actor: &Actor) -> Value {
    let icon = icon_address(&application.meta_icon).filter(|icon| !icon.starts_with("fa://"));
    json!({
        "name": application.name,
        "description": application.meta_description,
        "group": application.group,
        "icon": icon,
        "launch_url": launch_url(configuration, application, actor),
        "open_in_new_tab": application.open_in_new_tab,
    })
}

fn is_set(query: &Query, name: &str) -> bool {
    query.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// The user that `for_user` names, for those who may ask about others; else whoever asks.
async fn asked_for(api: &Api, principal: &Principal, query: &Query) -> Result<Option<i64>, ApiError> {
    let own = principal.user();
    let Some(text) = query.get("for_user").filter(|text| !text.is_empty()) else { return Ok(own) };
    let unknown = || FieldErrors::one("for_user", "User not found");
    let pk: i64 = text.trim().parse().map_err(|_| FieldErrors::one("for_user", "for_user must be numerical"))?;
    if Some(pk) == own {
        return Ok(own);
    }
    if !principal.may("authentik_core.view_user_applications") {
        return Err(ApiError::Forbidden);
    }
    match api.extension::<Users>()?.by_pk(pk).await? {
        Some(user) => Ok(Some(user.pk)),
        None => Err(unknown().into()),
    }
}

async fn check_access(call: Call) -> Answer {
    let pk = call.object.get("pk").and_then(Value::as_str).and_then(|pk| pk.parse().ok());
    let application = pk.and_then(|pk| call.configuration.get::<Application>(pk)).ok_or_else(ApiError::not_found)?;
    let user = asked_for(&call.api, &call.principal, &call.query).await?;
    let policies = call.api.extension::<Arc<dyn Policies>>()?;
    let verdict =
        access::check(&policies, &call.configuration, application, user, Occasion::of(&call.principal.request)).await?;
    ok(&json!({"passing": verdict.passing, "messages": verdict.messages, "log_messages": []}))
}

/// The list shows what one may open; to those who may look at every application, all of them if they ask for it.
struct Listed;

#[async_trait]
impl Hooks for Listed {
    async fn listed(&self, api: &Api, principal: &Principal, query: &Query) -> Result<Option<Vec<Uuid>>, ApiError> {
        if is_set(query, "superuser_full_list") && principal.superuser {
            return Ok(None);
        }
        let configuration = api.store.configuration();
        let user = asked_for(api, principal, query).await?;
        let policies = api.extension::<Arc<dyn Policies>>()?;
        let permitted = access::permitted(&policies, &configuration, user, &principal.request).await?;
        let opens = |application: &Application| launch_url(&configuration, application, &principal.actor).is_some();
        let all = !is_set(query, "only_with_launch_url");
        Ok(Some(permitted.into_iter().filter(|(_, one)| all || opens(one)).map(|(pk, _)| pk).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::is_icon;

    #[test]
    fn what_a_browser_would_run_is_no_picture() {
        for good in ["", "fa://fa-x", "https://x.example/a.png", "/static/a.svg", "application-icons/a.png", "A:"] {
            assert_eq!(is_icon(good), good != "A:", "{good}");
        }
        for bad in
            ["javascript:alert(1)", "JaVaScRiPt://x", "data:image/svg+xml,<svg/>", "//x.example/a", "../a", "a/../b"]
        {
            assert!(!is_icon(bad), "{bad}");
        }
        assert!(!is_icon("java\tscript:alert(1)"));
    }
}
