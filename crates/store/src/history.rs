//! The history of the configuration: what each change did to each document, as long as it is kept.

use std::ops::Range;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::Object;

use crate::value::{Param, Row};
use crate::{Store, StoreError};

/// One entry of the history: what a change did to a document.
pub struct Revision {
    /// Grows.
    pub id: i64,
    /// Edits of one transaction share it.
    pub change: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// Who, as an event shows it.
    pub actor: Value,
    /// What kind of document.
    pub kind: String,
    /// Which one.
    pub pk: Uuid,
    /// The document before; null: it was created. Secrets are sealed.
    pub before: Value,
    /// The document after; null: it was deleted. Secrets are sealed.
    pub after: Value,
}

impl Revision {
    fn of(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.int("id")?,
            change: row.uuid("change")?,
            at: row.time("at")?,
            actor: row.json("actor")?,
            kind: row.text("kind")?,
            pk: row.uuid("pk")?,
            before: row.json("before")?,
            after: row.json("after")?,
        })
    }
}

/// Which changes are asked for: those that meet every condition that is given.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    /// This document was touched.
    pub pk: Option<Uuid>,
    /// One of this kind was touched.
    pub kind: Option<String>,
    /// This user made them, as themselves or as another.
    pub username: Option<String>,
    /// They were made later.
    pub after: Option<DateTime<Utc>>,
    /// They were made earlier.
    pub before: Option<DateTime<Utc>>,
}

impl Touched {
    fn condition(&self) -> (String, Vec<Param>) {
        // A name as it stands in the JSON text, quoted: nothing else that an actor says looks like it.
        let named = self.username.as_ref().map(|name| format!("\"username\":{}", Value::from(name.as_str())));
        let given = [
            ("pk = #", self.pk.map(Param::from)),
            ("kind = #", self.kind.clone().map(Param::from)),
            ("REPLACE(actor, #, '') <> actor", named.map(Param::from)),
            ("at > #", self.after.map(Param::from)),
            ("at < #", self.before.map(Param::from)),
        ];
        let (mut conditions, mut params) = (Vec::new(), Vec::new());
        for (condition, param) in given {
            let Some(param) = param else { continue };
            params.push(param);
            conditions.push(condition.replace('#', &format!("${}", params.len())));
        }
        let condition =
            if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        (condition, params)
    }
}

const COLUMNS: &str = "id, change, at, actor, kind, pk, before, after";

impl Store {
    /// How many changes there are.
    pub async fn count_changes(&self, touched: &Touched) -> Result<usize, StoreError> {
        let (condition, params) = touched.condition();
        let sql = format!("SELECT COUNT(DISTINCT change) AS amount FROM configuration_revision{condition}");
        let row = self.database().query_one(sql, params).await?;
        let count = row.map(|row| row.int("amount")).transpose()?.unwrap_or_default();
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Changes in a range of those, the newest first, each with all that it did, in order.
    pub async fn changes(&self, touched: &Touched, range: Range<usize>) -> Result<Vec<Vec<Revision>>, StoreError> {
        let (condition, params) = touched.condition();
        let sql = format!(
            "SELECT change, MAX(id) AS last FROM configuration_revision{condition} GROUP BY change \
             ORDER BY MAX(id) DESC LIMIT {} OFFSET {}",
            range.len(),
            range.start
        );
        let mut changes = Vec::with_capacity(range.len());
        for row in self.database().query(sql, params).await? {
            changes.push(self.change_of(row.uuid("change")?).await?);
        }
        Ok(changes)
    }

    /// What one change did, in order; nothing if there is no such change.
    pub async fn change_of(&self, change: Uuid) -> Result<Vec<Revision>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM configuration_revision WHERE change = $1 ORDER BY id");
        self.database().query(sql, vec![change.into()]).await?.iter().map(Revision::of).collect()
    }

    /// Everything that was done after a revision, in order.
    pub async fn revisions_since(&self, id: i64) -> Result<Vec<Revision>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM configuration_revision WHERE id > $1 ORDER BY id");
        self.database().query(sql, vec![id.into()]).await?.iter().map(Revision::of).collect()
    }

    /// The history of one document, newest first.
    pub async fn revisions(&self, pk: Uuid) -> Result<Vec<Revision>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM configuration_revision WHERE pk = $1 ORDER BY id DESC");
        self.database().query(sql, vec![pk.into()]).await?.iter().map(Revision::of).collect()
    }

    /// A document of a revision with its secrets; `None` where there was none.
    ///
    /// # Errors
    /// A secret was sealed with a key that this server no longer has.
    pub fn opened(&self, revision: &Revision, document: &Value) -> Result<Option<Object>, StoreError> {
        match document {
            Value::Object(document) => Ok(Some(self.unseal(&revision.kind, revision.pk, document.clone())?)),
            _ => Ok(None),
        }
    }
}
