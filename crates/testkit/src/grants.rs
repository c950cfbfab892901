//! Permissions for the users of a test: real ones, by the role that is each user's own.

use vestibule_kernel::{Actor, Ctx};
use vestibule_rbac::{assign_to_user, unassign_from_user};
use vestibule_store::Store;

/// Gives and takes permissions.
#[derive(Clone)]
pub struct Grants {
    store: Store,
    ctx: Ctx,
}

impl Grants {
    /// Over a store.
    pub fn new(store: Store, ctx: Ctx) -> Self {
        Self { store, ctx }
    }

    /// Gives a user permissions over every object of a model, `app.codename`.
    pub async fn grant(&self, user: i64, permissions: &[&str]) {
        let mut change = self.store.change(Actor::System).await.expect("a change");
        assign_to_user(change.transaction(), &self.ctx, user, permissions).await.expect("a role");
        change.commit().await.expect("a commit");
    }

    /// Takes back everything that was given to a user.
    pub async fn revoke_all(&self, user: i64) {
        let mut change = self.store.change(Actor::System).await.expect("a change");
        unassign_from_user(change.transaction(), user).await.expect("no role");
        change.commit().await.expect("a commit");
    }
}
