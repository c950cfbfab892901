//! Writes what people have answered into their account, or makes one.

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::resources::user::UserType;
use vestibule_flow::{Answer, Enter, Outcome, STAGES, Stage, StageBase, StageCx, StageEntry, Supposed, Supposing};
use vestibule_kernel::ApiError;
use vestibule_resource::{Fields, Kind, Resource, Spec, choices};
use vestibule_store::DocumentType;

#[cfg(test)]
mod tests;
mod write;

choices! {
    /// When an account is made.
    pub enum UserCreationMode: "UserCreationModeEnum" {
        NeverCreate = "never_create" "Never Create",
        CreateWhenRequired = "create_when_required" "Create When Required",
        AlwaysCreate = "always_create" "Always Create",
    }
}

/// Writes what people have answered into their account, or makes one.
#[derive(Clone, Debug, Fields)]
pub struct UserWriteStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// When an account is made.
    #[field(default = "create_when_required")]
    pub user_creation_mode: UserCreationMode,
    /// Whether an account that is made here cannot be used yet.
    #[field(default = false)]
    pub create_users_as_inactive: bool,
    /// A group that accounts made here join. One that makes superusers is joined by nobody in a flow.
    #[field(references = "authentik_core.group", on_delete = SetNull)]
    pub create_users_group: Option<Uuid>,
    /// What kind of accounts are made here.
    #[field(default = "external")]
    pub user_type: UserType,
    /// Where accounts made here are kept.
    #[field(blank, default = "")]
    pub user_path_template: String,
}

impl DocumentType for UserWriteStage {
    const KIND: &'static str = "authentik_stages_user_write.userwritestage";
}

impl Resource for UserWriteStage {
    fn spec() -> Spec {
        Spec::new("stages/user_write", Self::KIND, "UserWriteStage")
            .verbose("User Write Stage", "User Write Stages")
            .component("ak-stage-user-write-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&[
                "create_users_as_inactive",
                "create_users_group",
                "name",
                "stage_uuid=pk",
                "user_creation_mode",
                "user_path_template",
                "user_type",
            ])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<UserWriteStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: UserWriteStage::KIND,
    component: "ak-stage-user-write",
    page: None,
    stage: |document| document.get::<UserWriteStage>().map(|stage| stage as &dyn Stage),
    description: "Writes answers into the account of who walks through the flow, or makes one.",
    sample: || Value::Null,
};

#[async_trait]
impl Stage for UserWriteStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        Ok(match self.write(cx).await? {
            Ok(()) => Enter::Pass,
            Err(refusal) => Enter::Deny(refusal.into()),
        })
    }

    async fn respond(&self, cx: &mut StageCx<'_>, _: &Answer) -> Result<Outcome, ApiError> {
        Ok(match self.write(cx).await? {
            Ok(()) => Outcome::Next,
            Err(refusal) => Outcome::Denied(refusal.into()),
        })
    }

    async fn suppose(&self, cx: &mut Supposing<'_>) -> Result<Option<Supposed>, ApiError> {
        if cx.user().is_none() && self.user_creation_mode == UserCreationMode::NeverCreate {
            return Ok(Some(Supposed::Depends));
        }
        *cx.made |= cx.user().is_none();
        Ok(Some(Supposed::Acts))
    }
}

/// What the fields of a new account begin with.
fn blank(stage: &UserWriteStage, cx: &StageCx<'_>) -> vestibule_kernel::Object {
    let noted = cx.plan.context.get("user_path").and_then(Value::as_str).filter(|path| !path.is_empty());
    let own = Some(stage.user_path_template.as_str()).filter(|path| !path.is_empty());
    let user_type = match stage.user_type {
        // Those are made for outposts alone.
        UserType::InternalServiceAccount => UserType::ServiceAccount,
        other => other,
    };
    let body = json!({
        "is_active": !stage.create_users_as_inactive, "path": noted.or(own).unwrap_or("users"),
        "type": user_type.as_str(), "name": "", "attributes": {},
    });
    let mut body = body.as_object().cloned().unwrap_or_default();
    if let Some(group) = stage.create_users_group {
        body.insert("groups".into(), json!([group]));
    }
    body
}
