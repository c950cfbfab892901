//! Who wants to pass; found out when something asks for it.

use std::collections::BTreeSet;

use tokio::sync::OnceCell;
use uuid::Uuid;
use vestibule_directory::membership::groups_of;
use vestibule_directory::{UserRow, Users};
use vestibule_store::StoreError;

use crate::request::Means;

/// Who wants to pass: a user, or nobody, or somebody by a name that nobody has.
pub struct Subject {
    pk: Option<i64>,
    groups: OnceCell<BTreeSet<Uuid>>,
    row: OnceCell<Option<UserRow>>,
}

impl Subject {
    /// The user of a key.
    pub(crate) fn new(pk: Option<i64>) -> Self {
        Self { pk, groups: OnceCell::new(), row: OnceCell::new() }
    }

    /// A user who is at hand.
    pub(crate) fn known(row: UserRow) -> Self {
        Self { pk: Some(row.pk), groups: OnceCell::new(), row: OnceCell::new_with(Some(Some(row))) }
    }

    /// The key.
    pub(crate) fn pk(&self) -> Option<i64> {
        self.pk
    }

    /// Every group that they are in, those above included.
    pub(crate) async fn groups(&self, means: &Means) -> Result<&BTreeSet<Uuid>, StoreError> {
        self.groups.get_or_try_init(|| groups_of(means.store.database(), self.pk)).await
    }

    /// What the database has of them.
    pub(crate) async fn row(&self, means: &Means) -> Result<Option<&UserRow>, StoreError> {
        let load = async || match self.pk {
            Some(pk) => Users::new(means.store.clone(), means.ctx.clone()).by_pk(pk).await,
            None => Ok(None),
        };
        Ok(self.row.get_or_try_init(load).await?.as_ref())
    }
}
