//! The store: the database with the snapshot of its configuration, and the one way to change either.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use futures::future::BoxFuture;
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::secret::Keys;
use vestibule_kernel::{Actor, Ctx, Object};

use crate::configuration::{Codec, Configuration, Document, Edited};
use crate::database::{Database, Durability, Transaction};
use crate::sealed::{sealed, unsealed};
use crate::{StoreError, migrate};

/// Database and configuration. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    ctx: Ctx,
    keys: Arc<Keys>,
    codecs: HashMap<&'static str, Arc<dyn Codec>>,
    current: Arc<ArcSwap<Configuration>>,
}

impl Store {
    /// Migrates the database, checks that the keys fit it, and loads the configuration.
    pub async fn open(
        database: Database,
        ctx: Ctx,
        keys: Arc<Keys>,
        codecs: Vec<Arc<dyn Codec>>,
    ) -> Result<Self, StoreError> {
        migrate::migrate(&database, &ctx).await?;
        let codecs = codecs.into_iter().map(|codec| (codec.kind(), codec)).collect();
        let current = Arc::new(ArcSwap::from_pointee(Configuration::default()));
        database.tie(Arc::clone(&current));
        let store = Self { inner: Arc::new(Inner { database, ctx, keys, codecs, current }) };
        store.check_keys().await?;
        store.reload().await?;
        Ok(store)
    }

    /// A probe sealed at the first start tells whether this is still the same secret key.
    async fn check_keys(&self) -> Result<(), StoreError> {
        const NAME: &str = "seal_probe";
        match self.state(NAME).await? {
            Some(probe) => self.keys().open(NAME, &probe).map(drop).map_err(StoreError::from),
            None => {
                let probe = self.keys().seal(&self.inner.ctx, NAME, "vestibule")?;
                let mut transaction = self.database().begin(Durability::Full).await?;
                set_state(&mut transaction, NAME, &probe).await?;
                transaction.commit().await
            }
        }
    }

    /// The database below.
    pub fn database(&self) -> &Database {
        &self.inner.database
    }

    /// Time and randomness.
    pub fn ctx(&self) -> &Ctx {
        &self.inner.ctx
    }

    /// The keys that seal.
    pub fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    /// The configuration at this moment. Take it once a request.
    pub fn configuration(&self) -> Arc<Configuration> {
        self.inner.current.load_full()
    }

    /// A persisted flag or value of the server itself.
    pub async fn state(&self, name: &str) -> Result<Option<String>, StoreError> {
        let row =
            self.database().query_one("SELECT value FROM server_state WHERE name = $1", vec![name.into()]).await?;
        row.map(|row| row.text("value")).transpose()
    }

    /// Brings the snapshot up to what the database holds; another node may have written. Costs one statement when
    /// nothing changed.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let row = self.database().query_one("SELECT version FROM configuration_state WHERE id = 1", vec![]).await?;
        let version = row.map(|row| row.int("version")).transpose()?.unwrap_or_default();
        if version == self.inner.current.load().version { Ok(()) } else { self.reload().await }
    }

    /// Before the API reads: on PostgreSQL another node may have answered "created" just now.
    pub async fn refresh_for_api(&self) -> Result<(), StoreError> {
        if self.database().is_sqlite() { Ok(()) } else { self.refresh().await }
    }

    /// Follows the changes of other nodes until the task is aborted: PostgreSQL's notifications, and a look at the
    /// version once a second as a fallback.
    pub async fn follow(self) {
        let mut listener = match self.database().pool() {
            Some(pool) => sqlx::postgres::PgListener::connect_with(pool).await.ok(),
            None => None,
        };
        if let Some(listening) = &mut listener
            && listening.listen("vestibule_configuration").await.is_err()
        {
            listener = None;
        }
        loop {
            let second = tokio::time::sleep(Duration::from_secs(1));
            match &mut listener {
                Some(listening) => {
                    tokio::select! {
                        notification = listening.recv() => if notification.is_err() { tokio::time::sleep(Duration::from_secs(1)).await },
                        () = second => {}
                    }
                }
                None => second.await,
            }
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "configuration could not be refreshed");
            }
        }
    }

    async fn reload(&self) -> Result<(), StoreError> {
        let mut transaction = self.database().begin(Durability::Process).await?;
        let row = transaction.query_one("SELECT version FROM configuration_state WHERE id = 1", vec![]).await?;
        let version = row.map(|row| row.int("version")).transpose()?.unwrap_or_default();
        let configuration = self.load(&mut transaction, version).await?;
        transaction.commit().await?;
        self.publish(configuration);
        Ok(())
    }

    async fn load(&self, transaction: &mut Transaction, version: i64) -> Result<Configuration, StoreError> {
        let mut configuration = Configuration::default();
        configuration.version = version;
        for row in transaction.query("SELECT kind, pk, document FROM configuration", vec![]).await? {
            let (kind, pk) = (row.text("kind")?, row.uuid("pk")?);
            let Value::Object(value) = row.json("document")? else {
                return Err(StoreError::Document { kind, pk, reason: "no JSON object".into() });
            };
            let Some(codec) = self.inner.codecs.get(kind.as_str()) else {
                tracing::warn!(kind, %pk, "a document of a kind that this program does not know is left alone");
                continue;
            };
            configuration.put(Self::decode(codec.as_ref(), pk, self.unseal(&kind, pk, value)?)?);
        }
        Ok(configuration)
    }

    fn decode(codec: &dyn Codec, pk: Uuid, value: Object) -> Result<Arc<Document>, StoreError> {
        let typed = codec.decode(pk, &value).map_err(|reason| StoreError::Document {
            kind: codec.kind().into(),
            pk,
            reason,
        })?;
        Ok(Arc::new(Document::new(codec.kind(), pk, value, typed)))
    }

    /// Publishes unless something newer is there.
    fn publish(&self, configuration: Configuration) {
        let configuration = Arc::new(configuration);
        self.inner.current.rcu(|current| {
            if current.version > configuration.version { Arc::clone(current) } else { Arc::clone(&configuration) }
        });
    }

    fn seal(&self, codec: &dyn Codec, pk: Uuid, mut value: Object) -> Result<Object, StoreError> {
        for field in codec.sealed() {
            let place = place(codec.kind(), pk, field);
            if let Some(sealed) = sealed(self.keys(), &self.inner.ctx, &place, value.get(*field))? {
                value.insert((*field).into(), sealed);
            }
        }
        Ok(value)
    }

    pub(crate) fn unseal(&self, kind: &str, pk: Uuid, mut value: Object) -> Result<Object, StoreError> {
        for (field, value) in &mut value {
            if let Some(plain) = unsealed(self.keys(), &place(kind, pk, field), value)? {
                *value = plain;
            }
        }
        Ok(value)
    }

    /// Begins a change of configuration, of records, or of both at once.
    pub async fn change(&self, actor: Actor) -> Result<Change, StoreError> {
        let transaction = self.database().begin(Durability::Full).await?;
        let id = self.inner.ctx.uuid();
        Ok(Change { store: self.clone(), transaction, id, actor, working: None, edits: BTreeMap::new() })
    }
}

fn place(kind: &str, pk: Uuid, field: &str) -> String {
    format!("{kind}/{pk}/{field}")
}

async fn set_state(transaction: &mut Transaction, name: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO server_state (name, value) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    transaction.execute(sql, vec![name.into(), value.into()]).await?;
    Ok(())
}

/// A change under way: all of it or nothing. Dropped without a commit, it never happened.
pub struct Change {
    store: Store,
    transaction: Transaction,
    id: Uuid,
    actor: Actor,
    /// Present once the configuration is locked for this change.
    working: Option<Configuration>,
    /// What each touched document was before this change.
    edits: BTreeMap<(&'static str, Uuid), Option<Arc<Document>>>,
}

impl Change {
    /// The transaction below, for records.
    pub fn transaction(&mut self) -> &mut Transaction {
        &mut self.transaction
    }

    /// Who makes this change.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The store it belongs to.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Locks the configuration against other changes, here and on other nodes, until the end of this one.
    pub fn lock(&mut self) -> BoxFuture<'_, Result<&mut Configuration, StoreError>> {
        Box::pin(self.take_lock())
    }

    async fn take_lock(&mut self) -> Result<&mut Configuration, StoreError> {
        if self.working.is_none() {
            let sql = "UPDATE configuration_state SET version = version + 1 WHERE id = 1 RETURNING version";
            let row = self.transaction.query_one(sql, vec![]).await?;
            let version = row.map(|row| row.int("version")).transpose()?.unwrap_or(1);
            let current = self.store.configuration();
            let mut working = if current.version == version - 1 {
                Configuration::clone(&current)
            } else {
                self.store.load(&mut self.transaction, version).await?
            };
            working.version = version;
            self.working = Some(working);
        }
        // Set just above; the fallback is never taken.
        Ok(self.working.get_or_insert_with(Configuration::default))
    }

    /// The configuration as this change has made it so far.
    pub fn configuration(&self) -> Arc<Configuration> {
        self.working.as_ref().map_or_else(|| self.store.configuration(), |working| Arc::new(working.clone()))
    }

    /// The documents that this change has touched so far.
    pub fn edited(&self) -> Vec<Edited> {
        let now = |kind: &str, pk| self.working.as_ref().and_then(|working| working.document(kind, pk).cloned());
        let edited = self.edits.iter();
        edited
            .map(|((kind, pk), before)| Edited { kind, pk: *pk, before: before.clone(), after: now(kind, *pk) })
            .collect()
    }

    /// Writes a document.
    pub fn put(
        &mut self,
        kind: &'static str,
        pk: Uuid,
        value: Object,
    ) -> BoxFuture<'_, Result<Arc<Document>, StoreError>> {
        Box::pin(self.write_document(kind, pk, value))
    }

    async fn write_document(
        &mut self,
        kind: &'static str,
        pk: Uuid,
        value: Object,
    ) -> Result<Arc<Document>, StoreError> {
        let Some(codec) = self.store.inner.codecs.get(kind).cloned() else {
            return Err(StoreError::Document { kind: kind.into(), pk, reason: "no such kind".into() });
        };
        let document = Store::decode(codec.as_ref(), pk, value)?;
        let sealed = Value::Object(self.store.seal(codec.as_ref(), pk, document.value.clone())?);
        let working = self.lock().await?;
        let before = working.document(kind, pk).cloned();
        working.put(Arc::clone(&document));
        let sql = "INSERT INTO configuration (kind, pk, document) VALUES ($1, $2, $3) \
                   ON CONFLICT (pk) DO UPDATE SET document = excluded.document";
        self.transaction.execute(sql, vec![kind.into(), pk.into(), sealed.into()]).await?;
        self.edits.entry((kind, pk)).or_insert(before);
        Ok(document)
    }

    /// Deletes a document. Its referrers are the caller's concern.
    pub async fn delete(&mut self, kind: &'static str, pk: Uuid) -> Result<(), StoreError> {
        let before = self.lock().await?.remove(kind, pk);
        self.transaction.execute("DELETE FROM configuration WHERE pk = $1", vec![pk.into()]).await?;
        self.edits.entry((kind, pk)).or_insert(before);
        Ok(())
    }

    /// A persisted flag or value of the server itself, as this change sees it.
    pub async fn state(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM server_state WHERE name = $1";
        self.transaction.query_one(sql, vec![name.into()]).await?.map(|row| row.text("value")).transpose()
    }

    /// The next number of a sequence. None is given twice, not even when what had it is gone.
    pub async fn next_number(&mut self, sequence: &str) -> Result<i64, StoreError> {
        let sql = "INSERT INTO document_numbers (sequence, last) VALUES ($1, 1) \
                   ON CONFLICT (sequence) DO UPDATE SET last = document_numbers.last + 1 RETURNING last";
        let row = self.transaction.query_one(sql, vec![sequence.into()]).await?;
        row.map_or(Ok(1), |row| row.int("last"))
    }

    /// Persists a flag or value of the server itself.
    pub async fn set_state(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        set_state(&mut self.transaction, name, value).await
    }

    /// Writes the revisions, commits, and publishes the new snapshot.
    pub fn commit(self) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(self.write_and_commit())
    }

    async fn write_and_commit(mut self) -> Result<(), StoreError> {
        let edits = std::mem::take(&mut self.edits);
        for ((kind, pk), before) in edits {
            let after = self.working.as_ref().and_then(|working| working.document(kind, pk).cloned());
            self.write_revision(kind, pk, before, after).await?;
        }
        if self.working.is_some() && !self.transaction.is_sqlite() {
            self.transaction.query("SELECT pg_notify('vestibule_configuration', '')", vec![]).await?;
        }
        self.transaction.commit().await?;
        if let Some(working) = self.working {
            self.store.publish(working);
        }
        Ok(())
    }

    async fn write_revision(
        &mut self,
        kind: &'static str,
        pk: Uuid,
        before: Option<Arc<Document>>,
        after: Option<Arc<Document>>,
    ) -> Result<(), StoreError> {
        let Some(codec) = self.store.inner.codecs.get(kind).cloned() else { return Ok(()) };
        let shown = |document: Option<Arc<Document>>| -> Result<Option<Value>, StoreError> {
            let sealed = document.map(|document| self.store.seal(codec.as_ref(), pk, document.value.clone()));
            Ok(sealed.transpose()?.map(Value::Object))
        };
        let (before, after) = (shown(before)?, shown(after)?);
        if before.is_none() && after.is_none() {
            return Ok(());
        }
        let sql = "INSERT INTO configuration_revision (change, at, actor, kind, pk, before, after) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let now = self.store.inner.ctx.now();
        let params = vec![
            self.id.into(),
            now.into(),
            self.actor.to_json().into(),
            kind.into(),
            pk.into(),
            before.into(),
            after.into(),
        ];
        self.transaction.execute(sql, params).await?;
        Ok(())
    }
}
