//! Who may open which applications.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;
use vestibule_directory::SystemSettings;
use vestibule_events::Request;
use vestibule_flow::{Library, Occasion, Policies, Question, Verdict};
use vestibule_kernel::{Actor, ApiError};
use vestibule_store::Configuration;

use crate::application::{Application, tile};

/// The question whether a user may open an application.
fn question(configuration: &Configuration, application: &Application, user: Option<i64>) -> Question {
    let open = SystemSettings::of(configuration).flag("core_default_app_access");
    Question { target: application.pbm_uuid, mode: application.policy_engine_mode, open, user }
}

/// Whether a user may open an application, on this occasion.
pub async fn check(
    policies: &Arc<dyn Policies>,
    configuration: &Configuration,
    application: &Application,
    user: Option<i64>,
    occasion: Occasion<'_>,
) -> Result<Verdict, ApiError> {
    policies.may_pass(configuration, question(configuration, application, user), occasion).await
}

/// The applications that a user may open, by name.
pub async fn permitted<'a>(
    policies: &Arc<dyn Policies>,
    configuration: &'a Configuration,
    user: Option<i64>,
    request: &Request,
) -> Result<Vec<(Uuid, &'a Application)>, ApiError> {
    let mut all: Vec<_> = configuration.all::<Application>().collect();
    all.sort_by_key(|(pk, application)| (application.name.to_lowercase(), *pk));
    let questions: Vec<_> = all.iter().map(|(_, application)| question(configuration, application, user)).collect();
    let verdicts = policies.ask(configuration, &questions, Occasion::of(request)).await?;
    Ok(all.into_iter().zip(verdicts).filter(|(_, verdict)| verdict.passing).map(|(one, _)| one).collect())
}

/// What somebody may open, for the page after the login. Hidden applications are left out.
pub struct Permitted(pub Arc<dyn Policies>);

#[async_trait]
impl Library for Permitted {
    async fn applications(
        &self,
        configuration: &Configuration,
        user: &Actor,
        request: &Request,
    ) -> Result<Vec<Value>, ApiError> {
        let pk = match user {
            Actor::User { pk, .. } => Some(*pk),
            Actor::System | Actor::Anonymous => None,
        };
        let permitted = permitted(&self.0, configuration, pk, request).await?;
        let shown = permitted.into_iter().filter(|(_, application)| !application.meta_hide);
        let tiles = shown.map(|(_, application)| tile(configuration, application, user));
        Ok(tiles.filter(|tile| !tile.get("launch_url").is_none_or(Value::is_null)).collect())
    }
}
