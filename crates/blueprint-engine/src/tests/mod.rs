//! Blueprints against a store: each state, tags that ask the configuration and tables, failures that leave nothing
//! behind, and exports that come back as they went.

mod access;
mod exporting;
mod identifying;
mod meta;
mod permissions;
mod planning;
mod records;

use std::sync::Arc;

use uuid::Uuid;
use vestibule_kernel::secret::Keys;
use vestibule_kernel::{Ctx, Object};
use vestibule_resource::{Fields, Kind, Principal, Registry, Resource, Spec};
use vestibule_store::{DocumentType, Store};
use vestibule_testkit::TestDatabase;

use crate::export::{People, Secrets, export};
use crate::{Applied, Applier, ApplyError, Library, Origin, apply_all, plan_all, system};

/// Something with a name, a secret, and others of its kind that it likes.
#[derive(Fields)]
struct Note {
    #[field(read_only)]
    pk: Uuid,
    #[field(unique = "note with this name already exists.")]
    name: String,
    #[field(blank, default = "")]
    text: String,
    #[field(blank, sealed, guarded, default = "")]
    secret: String,
    #[field(references = "test.note")]
    other: Option<Uuid>,
    #[field(references = "authentik_core.group")]
    group: Option<Uuid>,
}

impl DocumentType for Note {
    const KIND: &'static str = "test.note";
}

impl Resource for Note {
    fn spec() -> Spec {
        Spec::new("test/notes", "test.note", "Note")
    }
}

/// A tie between two notes, without a name of its own.
#[derive(Fields)]
struct Tie {
    #[field(read_only)]
    pk: Uuid,
    #[field(references = "test.note")]
    one: Uuid,
    #[field(references = "test.note")]
    two: Uuid,
    order: i64,
    #[field(default = false)]
    strong: bool,
}

impl DocumentType for Tie {
    const KIND: &'static str = "test.tie";
}

impl Resource for Tie {
    fn spec() -> Spec {
        Spec::new("test/ties", "test.tie", "Tie")
            .search(&[])
            .order(&["order"])
            .unique_together(&["one", "two", "order"])
    }
}

/// A tie that is known by a number, and not alone in what it ties.
#[derive(Fields)]
struct Knot {
    #[field(read_only)]
    pk: i64,
    #[field(internal)]
    uuid: Uuid,
    #[field(references = "test.note")]
    one: Uuid,
    #[field(default = "")]
    text: String,
    #[field(references = "test.knot", default = [])]
    others: Vec<i64>,
}

impl DocumentType for Knot {
    const KIND: &'static str = "test.knot";
}

impl Resource for Knot {
    fn spec() -> Spec {
        Spec::new("test/knots", "test.knot", "Knot").numbered("test.knot").lookup("pk", "id").search(&[]).order(&["pk"])
    }
}

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) registry: Arc<Registry>,
    pub(crate) ctx: Ctx,
    _database: TestDatabase,
}

pub(crate) async fn world() -> World {
    let database = TestDatabase::new().await;
    let mut kinds = vestibule_directory::kinds();
    kinds.extend(vestibule_flow::kinds());
    kinds.extend(vestibule_rbac::kinds());
    kinds.extend(crate::kinds());
    kinds.extend(vestibule_crypto::kinds());
    kinds.extend([Kind::document::<Note>(), Kind::document::<Tie>(), Kind::document::<Knot>()]);
    let registry = Registry::part(kinds, vestibule_flow::families(), vec![]).unwrap();
    let (ctx, keys) = (Ctx::system(), Arc::new(Keys::derive("secret").unwrap()));
    let store = Store::open(database.open().await, ctx.clone(), keys, registry.codecs()).await.unwrap();
    World { store, registry: Arc::new(registry), ctx, _database: database }
}

impl World {
    pub(crate) async fn apply(&self, text: &str) -> Result<Applied, ApplyError> {
        self.apply_as(text, &Origin::Server(None), &system()).await
    }

    pub(crate) async fn apply_as(
        &self,
        text: &str,
        origin: &Origin,
        principal: &Principal,
    ) -> Result<Applied, ApplyError> {
        let library = Library::new(None, |name| Some(format!("{name} is set")), Vec::new());
        let mut change = self.store.change(principal.actor.clone()).await?;
        let applied = Applier::new(&mut change, &self.registry, &self.ctx, principal, &library)
            .apply("test.yaml", text, &Object::new(), origin)
            .await?;
        change.commit().await?;
        Ok(applied)
    }

    pub(crate) async fn plan(&self, text: &str) -> String {
        let (library, origin) = (Library::empty(), Origin::Server(None));
        let plan = plan_all(&self.store, &self.registry, &self.ctx, &library, &origin, ("test.yaml", text)).await;
        plan.unwrap().to_string()
    }

    pub(crate) async fn error(&self, text: &str) -> String {
        self.apply(text).await.unwrap_err().to_string()
    }

    pub(crate) fn note(&self, name: &str) -> Option<Object> {
        let configuration = self.store.configuration();
        configuration.documents("test.note").find(|note| note.text("name") == name).map(|note| note.value.clone())
    }

    pub(crate) async fn export(&self, secrets: Secrets) -> String {
        export(&self.store, &self.registry, secrets, People::All).await.unwrap()
    }

    pub(crate) async fn import(&self, text: &str) -> Result<Applied, ApplyError> {
        let (library, origin) = (Library::empty(), Origin::Server(None));
        apply_all(&self.store, &self.registry, &self.ctx, &library, &origin, ("export.yaml", text)).await
    }
}

pub(crate) fn note(state: &str, name: &str, attrs: &str) -> String {
    format!("entries:\n  - {{model: test.note, state: {state}, identifiers: {{name: {name}}}, attrs: {attrs}}}\n")
}

#[tokio::test]
async fn each_state_does_what_it_says() {
    let world = world().await;
    assert_eq!(world.apply(&note("present", "a", "{text: one}")).await.unwrap().created, 1);
    assert_eq!(world.apply(&note("present", "a", "{text: two}")).await.unwrap().updated, 1);
    assert_eq!(world.note("a").unwrap()["text"], "two");
    assert_eq!(world.apply(&note("created", "a", "{text: three}")).await.unwrap().passed, 1);
    assert_eq!(world.note("a").unwrap()["text"], "two", "created leaves alone what is there");
    assert_eq!(world.error(&note("must_created", "a", "{}")).await, "test.yaml:2: the object is already there");
    assert_eq!(world.apply(&note("absent", "a", "{}")).await.unwrap().deleted, 1);
    assert!(world.note("a").is_none());
    assert_eq!(world.apply(&note("absent", "a", "{}")).await.unwrap().passed, 1);
}

#[tokio::test]
async fn a_failed_entry_names_its_line_and_leaves_nothing() {
    let world = world().await;
    let text = "entries:\n  - {model: test.note, identifiers: {name: a}}\n  - {model: test.note, identifiers: {name: b},\n     \
                attrs: {other: !Find [test.note, [name, nobody]]}}\n";
    assert_eq!(world.error(text).await, "test.yaml:4: !Find: there is no test.note with name \"nobody\"");
    assert!(world.note("a").is_none());
    let error = world.error("entries:\n  - {model: test.note, identifiers: {text: a}}\n").await;
    assert_eq!(error, r#"test.yaml:2: {"name":["This field is required."]}"#);
    let error = world.error("entries:\n  - {model: test.nothing, identifiers: {name: a}}\n").await;
    assert_eq!(error, "test.yaml:2: there is no model test.nothing");
}

#[tokio::test]
async fn tags_find_documents_and_rows_made_in_the_same_change() {
    let world = world().await;
    let text = "
entries:
  - {model: authentik_core.group, identifiers: {name: staff}, id: staff}
  - model: test.note
    id: first
    identifiers: {name: first}
    attrs:
      group: !Find [authentik_core.group, [name, staff]]
  - model: test.note
    identifiers: {name: second}
    attrs:
      other: !KeyOf first
      group: !KeyOf staff
      text: !Format ['%s', !AtIndex [!FindObject [test.note, [group__name, staff]], name, none]]
  - model: test.tie
    identifiers: {one: !KeyOf first, two: !Find [test.note, [other__name, first]], order: 1}
";
    // A group is a row: what lies behind a reference to one is not looked into.
    assert!(world.error(text).await.contains("there is no test.note with group__name"));
    let text = text.replace("group__name, staff", "name__iexact, FIRST");
    assert_eq!(world.apply(&text).await.unwrap().created, 4);
    let (first, second) = (world.note("first").unwrap(), world.note("second").unwrap());
    assert_eq!(second["other"], first["pk"]);
    assert_eq!(second["group"], first["group"]);
    assert_eq!(second["text"], "first");
    assert_eq!(world.apply(&text).await.unwrap().updated, 4, "the second time finds what the first made");
}

#[tokio::test]
async fn a_given_key_is_kept_and_conditions_decide() {
    let world = world().await;
    let text = "
context: {wanted: false}
entries:
  - {model: test.note, identifiers: {pk: 11111111-1111-4111-8111-111111111111}, attrs: {name: a}}
  - {model: test.note, identifiers: {name: b}, attrs: {other: 11111111-1111-4111-8111-111111111111}}
  - {model: test.note, identifiers: {name: c}, conditions: [!Context wanted]}
";
    let applied = world.apply(text).await.unwrap();
    assert_eq!((applied.created, applied.passed), (2, 1));
    assert_eq!(world.note("a").unwrap()["pk"], "11111111-1111-4111-8111-111111111111");
    assert_eq!(world.note("b").unwrap()["other"], "11111111-1111-4111-8111-111111111111");
}

/// CVE-2026-40172 by way of a blueprint: it may what its principal may, and no more.
#[tokio::test]
async fn unknown_fields_are_noted() {
    let world = world().await;
    let applied = world.apply(&note("present", "a", "{colour: blue}")).await.unwrap();
    assert_eq!(applied.notes, [(2, "test.note has no field `colour`, it is passed over".to_owned())]);
}
