//! What the flows share.

use std::ops::Deref;
use std::sync::Arc;

use vestibule_directory::password::Passwords;
use vestibule_directory::session::Sessions;
use vestibule_directory::user::Users;
use vestibule_kernel::Ctx;
use vestibule_resource::Api;
use vestibule_store::Store;
use vestibule_web::Pages;

use crate::limits::Limits;
use crate::policies::Policies;
use crate::stage::StageRegistry;

/// What the flows share. Cheap to clone: every request does it, more than once.
#[derive(Clone)]
pub struct FlowState(Arc<FlowParts>);

/// What it consists of.
pub struct FlowParts {
    /// The API: store, time, registry.
    pub api: Api,
    /// Sessions.
    pub sessions: Arc<Sessions>,
    /// Users.
    pub users: Arc<Users>,
    /// The pool that hashes passwords.
    pub passwords: Arc<Passwords>,
    /// Pages.
    pub pages: Arc<Pages>,
    /// Kinds of stages.
    pub stages: Arc<StageRegistry>,
    /// Who decides whether somebody may pass.
    pub policies: Arc<dyn Policies>,
    /// Limits on attempts.
    pub limits: Arc<Limits>,
}

impl From<FlowParts> for FlowState {
    fn from(parts: FlowParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for FlowState {
    type Target = FlowParts;

    fn deref(&self) -> &FlowParts {
        &self.0
    }
}

impl FlowState {
    /// The store.
    pub fn store(&self) -> &Store {
        &self.api.store
    }
    /// Time and randomness.
    pub fn ctx(&self) -> &Ctx {
        &self.api.ctx
    }
}
