//! What all sources have in common: their family.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_flow::{Occasion, Policies, PolicyEngineMode, Question};
use vestibule_kernel::Object;
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::{Call, Computed, Family, Fields, Operation, Represent, Shape, choices, shapes};
use vestibule_store::Configuration;

use crate::oauth::{self, OAuthSource};

choices! {
    /// How somebody who comes from a source becomes a user.
    pub enum UserMatchingMode: "UserMatchingModeEnum" {
        Identifier = "identifier" "The source's own identifier of them",
        EmailLink = "email_link" "The user with the same e-mail address",
        EmailDeny = "email_deny" "A new user, refused where the e-mail address is taken",
        UsernameLink = "username_link" "The user with the same name",
        UsernameDeny = "username_deny" "A new user, refused where the name is taken",
    }
}

choices! {
    /// How a group of a source becomes a group here.
    pub enum GroupMatchingMode: "GroupMatchingModeEnum" {
        Identifier = "identifier" "The source's own identifier of it",
        NameLink = "name_link" "The group with the same name",
        NameDeny = "name_deny" "A new group, refused where the name is taken",
    }
}

/// The fields that every source begins with.
#[derive(Clone, Debug, Fields)]
pub struct SourceBase {
    /// The key.
    #[field(read_only, label = "Pbm uuid")]
    pub pk: Uuid,
    /// What people read on the button.
    pub name: String,
    /// Names the source in addresses.
    #[field(format = Slug, unique = "source with this slug already exists.")]
    pub slug: String,
    /// Whether the source may be used.
    #[field(default = true)]
    pub enabled: bool,
    /// Whether the login page shows the source as a wide button instead of a small one.
    #[field(default = false)]
    pub promoted: bool,
    /// Flow for those who have a user already.
    #[field(references = "authentik_flows.flow")]
    pub authentication_flow: Option<Uuid>,
    /// Flow for those who have none yet.
    #[field(references = "authentik_flows.flow")]
    pub enrollment_flow: Option<Uuid>,
    /// Mappings that make attributes of a user.
    #[field(references = "authentik_core.propertymapping", default = [])]
    pub user_property_mappings: Vec<Uuid>,
    /// Mappings that make attributes of a group.
    #[field(references = "authentik_core.propertymapping", default = [])]
    pub group_property_mappings: Vec<Uuid>,
    /// The form that edits it.
    #[field(computed = |represent, _| represent.kind.spec.component_name().into())]
    pub component: Computed,
    /// What people call its kind.
    #[field(computed = |represent, _| represent.kind.spec.verbose_name().into())]
    pub verbose_name: Computed,
    /// What people call many of its kind.
    #[field(computed = |represent, _| represent.kind.spec.verbose_name_plural().into())]
    pub verbose_name_plural: Computed,
    /// Its kind, as an application and a model.
    #[field(computed = |represent, _| represent.kind.model().into())]
    pub meta_model_name: Computed,
    /// How several policies on the source count together.
    #[field(default = "any")]
    pub policy_engine_mode: PolicyEngineMode,
    /// Which user somebody from the source is.
    #[field(default = "identifier")]
    pub user_matching_mode: UserMatchingMode,
    /// Who keeps the object up to date, where that is not the administrator.
    #[field(read_only)]
    pub managed: Option<String>,
    /// Path of users who come from the source; `%(slug)s` stands for its slug.
    #[field(default = "goauthentik.io/sources/%(slug)s")]
    pub user_path_template: String,
    /// Address of a picture.
    #[field(blank, default = "")]
    pub icon: String,
    /// Address of the picture as a page shows it.
    #[field(nullable, computed = icon_url)]
    pub icon_url: Computed,
    /// Addresses of the picture by theme.
    #[field(nullable, shape = Shape::Schema("ThemedUrls"), computed = |_, _| Value::Null)]
    pub icon_themed_urls: Computed,
}

/// All sources.
pub static SOURCES: Family = Family {
    model: "authentik_core.source",
    path: "sources/all",
    schema: "Source",
    verbose_name: "source",
    verbose_name_plural: "sources",
    lookup: "slug",
    parameter: "slug",
    fields: SourceBase::fields,
    whole: false,
    filters: &["managed", "name", "pbm_uuid=pk", "slug"],
    search: &["slug", "name"],
    ordering: &["name"],
    describe: |object| object.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
};

/// What every source has, of one that people come from.
pub(crate) fn base_of(configuration: &Configuration, pk: Uuid) -> Option<&SourceBase> {
    configuration.get::<OAuthSource>(pk).map(|one| &one.source)
}

fn icon_url(_: &Represent<'_>, object: &Object) -> Value {
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    icon_address(text("icon"), text("provider_type")).into()
}

/// Where a source's picture is: its own, or that of its type of provider.
pub(crate) fn icon_address(icon: &str, provider_type: &str) -> Option<String> {
    match icon {
        "" => oauth::icon_of(provider_type),
        icon if icon.starts_with('/') || icon.contains("://") => Some(icon.to_owned()),
        icon => Some(format!("/media/public/{icon}")),
    }
}

/// Operations of the family.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "sources/all/types/",
            "sources_all_types_list",
            Some(shapes::type_create()),
            |_| async { ok(&oauth::types()) },
        )
        .permission(Permission::Named("authentik_core.view_source"))
        .doc("Kinds of sources that can be created."),
        Operation::new(
            Method::GET,
            "sources/all/user_settings/",
            "sources_all_user_settings_list",
            Some(shapes::user_setting()),
            user_settings,
        )
        .doc("Sources that the asking user may connect to their account."),
    ]
}

/// The sources that whoever asks could connect to their account: enabled ones whose policies let them pass.
async fn user_settings(call: Call) -> Answer {
    let policies = call.api.extension::<Arc<dyn Policies>>()?;
    let user = call.principal.user();
    let mut sources: Vec<(Uuid, &OAuthSource)> = call.configuration.all::<OAuthSource>().collect();
    sources.retain(|(_, one)| one.source.enabled);
    sources.sort_by(|(_, one), (_, other)| one.source.name.cmp(&other.source.name));
    let question = |(target, one): &(Uuid, &OAuthSource)| Question {
        target: *target,
        mode: one.source.policy_engine_mode,
        open: true,
        user,
    };
    let questions: Vec<Question> = sources.iter().map(question).collect();
    let verdicts = policies.ask(&call.configuration, &questions, Occasion::of(&call.principal.request)).await?;
    let permitted = sources.iter().zip(verdicts).filter(|(_, verdict)| verdict.passing);
    let shown = permitted.map(|((_, one), _)| {
        let SourceBase { slug, name, icon, .. } = &one.source;
        json!({
            "object_uid": slug,
            "component": "ak-user-settings-source-oauth",
            "title": name,
            "configure_url": format!("/source/oauth/login/{slug}/"),
            "icon_url": icon_address(icon, one.provider_type.as_str()).unwrap_or_default(),
        })
    });
    ok(&shown.collect())
}
