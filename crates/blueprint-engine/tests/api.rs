//! Blueprints through the API: kept, offered, applied, uploaded, planned, and watched in a folder.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it is surprised")]

use std::fs;
use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use vestibule_blueprint_engine::{Library, apply_defaults, discover};
use vestibule_resource::call::Extensions;
use vestibule_testkit::{Answer, Client, Families, TestApp};

const LIST: &str = "/api/v3/managed/blueprints/";
const PLAN: &str = "/api/vestibule/v1/blueprints/plan/";

struct Here {
    app: TestApp,
    library: Arc<Library>,
    folder: TempDir,
}

async fn here() -> Here {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::new(Some(folder.path().to_owned()), |_| None, Vec::new());
    let library = Arc::new(library);
    let mut families = Families::base();
    families.kinds.extend(vestibule_blueprint_engine::kinds());
    families.operations.extend(vestibule_blueprint_engine::operations());
    families.extensions = Extensions::default().with(Arc::clone(&library));
    Here { app: TestApp::start(families).await, library, folder }
}

impl Here {
    fn title(&self, slug: &str) -> Option<String> {
        let configuration = self.app.store().configuration();
        let flow = configuration.documents("authentik_flows.flow").find(|flow| flow.text("slug") == slug)?;
        Some(flow.text("title").to_owned())
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    async fn discover(&self) {
        discover(&self.app.state.api, &self.library).await.unwrap();
    }

    async fn instance(&self, admin: &mut Client, path: &str) -> Value {
        admin.get(&format!("{LIST}?path={path}")).await.expect(200)["results"][0].clone()
    }
}

fn flow(slug: &str, title: &str) -> String {
    format!(
        "metadata: {{name: of {slug}, labels: {{a: b}}}}\nentries:\n  - {{model: authentik_flows.flow, \
         identifiers: {{slug: {slug}}},\n     attrs: {{name: n, title: {title}, designation: authentication}}}}\n"
    )
}

async fn upload(client: &mut Client, parts: &[(&str, &str)]) -> Answer {
    let mut body = String::new();
    for (name, value) in parts {
        let file = if *name == "file" { "; filename=\"x.yaml\"" } else { "" };
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend([head.as_str(), value, "\r\n"]);
    }
    let body = (body + "--b--\r\n").into_bytes();
    client.send(Method::POST, &format!("{LIST}import/"), Some("multipart/form-data; boundary=b"), body).await
}

#[tokio::test]
async fn an_instance_is_kept_and_applied() {
    let here = here().await;
    let mut admin = here.app.admin().await;
    let body = json!({"name": "Mine", "content": flow("mine", "!Context title"), "context": {"title": "Good day"}});
    let made = admin.post(LIST, body).await.expect(201);
    assert_eq!((&made["status"], &made["path"], &made["enabled"]), (&json!("unknown"), &json!(""), &json!(true)));
    assert_eq!((&made["managed_models"], &made["metadata"]), (&json!([]), &json!({})));
    assert!(made.get("trusted").is_none());
    assert_eq!(here.title("mine"), None, "it is applied when somebody says so");
    let path = format!("{LIST}{}/", made["pk"].as_str().unwrap());
    let applied = admin.post(&format!("{path}apply/"), json!({})).await.expect(200);
    assert_eq!(applied["status"], "successful");
    assert_eq!(applied["last_applied_hash"].as_str().unwrap().len(), 128);
    assert_eq!(applied["metadata"], json!({"name": "of mine", "labels": {"a": "b"}}));
    assert_eq!(here.title("mine").as_deref(), Some("Good day"));

    let other = json!({"slug": "other", "name": "o", "title": "o", "designation": "authentication"});
    admin.post("/api/v3/flows/instances/", other).await.expect(201);
    let text = flow("mine", "!Find [authentik_flows.flow, [slug, other]]");
    admin.patch(&path, json!({"content": text})).await.expect(200);
    admin.delete("/api/v3/flows/instances/other/").await.expect(204);
    let refused = admin.patch(&path, json!({"content": text})).await.expect(400);
    assert_eq!(refused["content"][0], "Failed to validate blueprint", "{refused}");
    let failed = admin.post(&format!("{path}apply/"), json!({})).await.expect(200);
    assert_eq!((&failed["status"], &failed["last_applied_hash"]), (&json!("error"), &applied["last_applied_hash"]));
    let sql = "SELECT context FROM events WHERE action = 'configuration_error'";
    let events = here.app.store().database().query(sql, vec![]).await.unwrap();
    assert!(events[0].text("context").unwrap().contains("Mine:4: !Find: there is no"), "the event says why");

    admin.patch(&path, json!({"enabled": false, "content": flow("mine", "other")})).await.expect(200);
    admin.post(&format!("{path}apply/"), json!({})).await.expect(200);
    assert_eq!(here.title("mine").as_deref(), Some("Good day"), "what is disabled is not applied");
    assert_eq!(admin.get(&format!("{path}used_by/")).await.expect(200), json!([]));
    admin.delete(&path).await.expect(204);
}

#[tokio::test]
async fn what_cannot_be_kept_is_said() {
    let here = here().await;
    let mut admin = here.app.admin().await;
    let mut post = async |body: Value| admin.post(LIST, body).await.expect(400);
    assert_eq!(post(json!({"name": "a"})).await, json!({"non_field_errors": ["Either path or content must be set."]}));
    assert_eq!(here.title("x"), None);
    for path in ["nothing.yaml", "../x.yaml", "/etc/passwd", "default/../../x"] {
        let answer = post(json!({"name": "a", "path": path})).await;
        assert_eq!(answer, json!({"path": ["Blueprint file does not exist"]}), "{path}");
    }
    for (content, message) in [
        ("[", "- line"),
        ("entries: [{model: a.b, identifiers: {x: 1}}]", "- line 1: there is no model a.b"),
        (r#"{"version": 3}"#, "- Invalid blueprint version"),
        ("entries:\n- {model: authentik_flows.flow, identifiers: {slug: x}}", "- line 2: {\"name\":[\"This field"),
        (
            "entries:\n- {model: authentik_flows.flow, identifiers: {slag: x}}",
            "- line 2: authentik_flows.flow has no field",
        ),
        (
            "entries:\n- {model: authentik_flows.flow, identifiers: {slug: !Find [authentik_core.group, [name, no]]}}",
            "- line 2: !Find: there is no",
        ),
    ] {
        let answer = post(json!({"name": "a", "content": content})).await;
        assert_eq!(answer["content"][0], "Failed to validate blueprint");
        assert!(answer["content"][1].as_str().unwrap().starts_with(message), "{answer}");
    }
    assert!(post(json!({"name": "a", "content": "entries: []", "context": []})).await["context"].is_array());
    let body = json!({"name": "a", "path": "default/flow-oobe.yaml"});
    admin.post(LIST, body.clone()).await.expect(201);
    let taken = admin.post(LIST, body).await.expect(400);
    assert_eq!(taken, json!({"name": ["Blueprint Instance with this name already exists."]}));
}

/// ATH-01-007: a path to a registry of containers made the server ask anything of anyone.
#[tokio::test]
async fn ath_01_007_no_path_leads_elsewhere() {
    let here = here().await;
    let mut admin = here.app.admin().await;
    let body = json!({"name": "a", "path": "oci://169.254.169.254/x"});
    let answer = admin.post(LIST, body).await.expect(400);
    assert_eq!(answer, json!({"path": ["Blueprints are not fetched from elsewhere: upload this one."]}));
    for path in ["oci://169.254.169.254/x", "http://169.254.169.254/x", "file:///etc/passwd"] {
        admin.post(PLAN, json!({"path": path})).await.expect(400);
        upload(&mut admin, &[("path", path)]).await.expect(400);
        // Whatever way an instance came to such a path: it is not followed.
        let text = json!({"entries": [{"model": "authentik_blueprints.blueprintinstance",
            "identifiers": {"name": path}, "attrs": {"path": path}}]});
        let answer = upload(&mut admin, &[("file", &text.to_string())]).await.expect(200);
        assert_eq!(answer["success"], !path.starts_with("oci"));
        if let Some(pk) = here.instance(&mut admin, path).await["pk"].as_str() {
            let applied = admin.post(&format!("{LIST}{pk}/apply/"), json!({})).await.expect(200);
            assert_eq!(applied["status"], "error");
        }
    }
}

#[tokio::test]
async fn two_that_see_a_file_at_once_apply_it_once() {
    let here = here().await;
    here.write("a.yaml", &flow("a", "one"));
    tokio::join!(here.discover(), here.discover(), here.discover());
    let configuration = here.app.store().configuration();
    assert_eq!(configuration.documents("authentik_blueprints.blueprintinstance").count(), 1);
    let flow = configuration.documents("authentik_flows.flow").next().unwrap();
    assert_eq!(here.app.store().revisions(flow.pk).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_instance_may_what_whoever_applies_it_may() {
    let here = here().await;
    let clerk = here.app.user("clerk", "", json!({})).await;
    let mut client = here.app.token_of(clerk).await;
    here.app.grants.grant(clerk, &["authentik_blueprints.add_blueprintinstance"]).await;
    let group = "entries: [{model: authentik_core.group, identifiers: {name: g}, attrs: {is_superuser: true}}]";
    let made = client.post(LIST, json!({"name": "Rise", "content": group})).await.expect(201);
    let path = format!("{LIST}{}/", made["pk"].as_str().unwrap());
    here.app.grants.grant(clerk, &["authentik_blueprints.view_blueprintinstance"]).await;
    client.post(&format!("{path}apply/"), json!({})).await.expect(403);
    here.app.grants.grant(clerk, &["authentik_blueprints.change_blueprintinstance"]).await;
    let applied = client.post(&format!("{path}apply/"), json!({})).await.expect(200);
    assert_eq!(applied["status"], "error");
    here.app.grants.grant(clerk, &["authentik_core.add_group", "authentik_core.change_group"]).await;
    let applied = client.post(&format!("{path}apply/"), json!({})).await.expect(200);
    assert_eq!(applied["status"], "error", "superusers are made by those who may make them");
    let answer = upload(&mut client, &[("file", group)]).await.expect(200);
    assert_eq!(answer["success"], false);
    let answer = upload(&mut client, &[("file", &flow("theirs", "x"))]).await.expect(403);
    let refused = "blueprint:3: you may not add authentik_flows.flow (authentik_flows.add_flow)";
    assert_eq!(answer, json!({"detail": refused}));
    assert!(client.post(PLAN, json!({"content": group})).await.expect(400)["content"].is_array());
    assert!(here.app.admin().await.get("/api/v3/core/groups/?name=g").await.json()["results"][0].is_null());

    // Their context does not become the server's when the file changes.
    here.write("title.yaml", &flow("theirs", "!Context title"));
    let body = json!({"name": "Theirs", "path": "title.yaml", "context": {"title": "theirs"}});
    client.post(LIST, body).await.expect(201);
    here.discover().await;
    assert_eq!(here.title("theirs"), None);
}

#[tokio::test]
async fn an_upload_is_applied_once_and_wholly() {
    let here = here().await;
    let mut admin = here.app.admin().await;
    let context = ("context", r#"{"title": "Good day"}"#);
    let text = flow("hello", "!Context title");
    let answer = upload(&mut admin, &[("file", &text), context]).await.expect(200);
    assert_eq!((&answer["success"], &answer["logs"][0]["attributes"]["created"]), (&json!(true), &json!(1)));
    assert_eq!(here.title("hello").as_deref(), Some("Good day"));
    let broken = format!(
        "{}  - {{model: authentik_flows.flow, identifiers: {{slug: other}}}}\n",
        text.replace("hello", "third")
    );
    let answer = upload(&mut admin, &[("file", &broken), context]).await.expect(200);
    assert_eq!(answer["success"], false);
    assert!(answer["logs"][0]["event"].as_str().unwrap().starts_with("blueprint:5: "), "{answer}");
    assert_eq!(here.title("third"), None, "nothing of it was applied");
    here.write("own.yaml", &flow("own", "x"));
    assert_eq!(upload(&mut admin, &[("path", "own.yaml")]).await.expect(200)["success"], true);
    assert_eq!(here.title("own").as_deref(), Some("x"));

    // What an export wrote may be several documents: all of it or nothing.
    let several = format!("{}---\n{}", flow("many1", "x"), flow("many2", "x"));
    let broken = format!("{several}---\nentries:\n  - {{model: authentik_flows.flow, identifiers: {{slug: many3}}}}\n");
    let answer = upload(&mut admin, &[("file", &broken)]).await.expect(200);
    assert!(answer["logs"][0]["event"].as_str().unwrap().starts_with("blueprint:12: "), "{answer}");
    assert_eq!(here.title("many1"), None);
    let answer = upload(&mut admin, &[("file", &several)]).await.expect(200);
    assert_eq!((&answer["success"], &answer["logs"][0]["attributes"]["created"]), (&json!(true), &json!(2)));
    let plan = admin.post(PLAN, json!({"content": several.replace("title: x", "title: y")})).await.expect(200);
    assert_eq!((&plan["changes"][1]["name"], &plan["changes"][1]["line"]), (&json!("\"many2\""), &json!(8)));

    let answer = upload(&mut admin, &[("path", "../../etc/passwd")]).await.expect(400);
    assert_eq!(answer, json!({"path": ["Blueprint file does not exist"]}));
    assert_eq!(upload(&mut admin, &[]).await.expect(400), json!(["Either path or file must be set"]));
    let answer = upload(&mut admin, &[("file", &text), ("context", "[1]")]).await.expect(400);
    assert_eq!(answer, json!({"context": ["Context must be a JSON object."]}));
    upload(&mut here.app.anonymous(), &[("file", &text)]).await.expect(403);
    upload(&mut here.app.anonymous().with_token("wrong"), &[("file", &text)]).await.expect(403);
}

#[tokio::test]
async fn a_plan_is_shown_and_nothing_is_done() {
    let here = here().await;
    let mut admin = here.app.admin().await;
    let plan = admin.post(PLAN, json!({"content": flow("mine", "a")})).await.expect(200);
    let change = &plan["changes"][0];
    assert_eq!(
        (&change["action"], &change["name"], &change["line"]),
        (&json!("create"), &json!("\"mine\""), &json!(3))
    );
    let title = json!({"field": "title", "before": null, "after": "a"});
    assert!(change["fields"].as_array().unwrap().contains(&title), "{change}");
    assert!(plan["text"].as_str().unwrap().ends_with("1 to create, 0 to change, 0 to delete, 0 as they are.\n"));
    assert_eq!(here.title("mine"), None);
    upload(&mut admin, &[("file", &flow("mine", "a"))]).await.expect(200);
    let plan = admin.post(PLAN, json!({"content": flow("mine", "a")})).await.expect(200);
    assert_eq!((&plan["changes"], &plan["unchanged"]), (&json!([]), &json!(1)));
    let body = json!({"name": "x", "content": flow("mine", "!Context t"), "context": {"t": "b"}});
    let instance = admin.post(LIST, body).await.expect(201);
    let plan = admin.post(PLAN, json!({"instance": instance["pk"]})).await.expect(200);
    assert_eq!(plan["changes"][0]["fields"], json!([{"field": "title", "before": "a", "after": "b"}]));
    let plan = admin.post(PLAN, json!({"path": "default/flow-oobe.yaml"})).await;
    assert!(plan.expect(400)["path"][0].as_str().unwrap().starts_with("default/flow-oobe.yaml:"));

    for (body, field) in [
        (json!({}), "non_field_errors"),
        (json!({"content": "x", "path": "y"}), "non_field_errors"),
        (json!({"content": "entries: [", "context": {}}), "content"),
        (json!({"path": "../x"}), "path"),
        (json!({"instance": here.app.state.ctx().uuid()}), "instance"),
        (json!({"instance": "x"}), "instance"),
        (json!({"content": "entries: []", "context": 5}), "context"),
    ] {
        let answer = admin.post(PLAN, body.clone()).await.expect(400);
        assert!(answer[field].is_array(), "{body}: {answer}");
    }
    here.app.anonymous().post(PLAN, json!({"content": "entries: []"})).await.expect(403);
    let clerk = here.app.user("clerk", "", json!({})).await;
    here.app.token_of(clerk).await.post(PLAN, json!({"content": "entries: []"})).await.expect(403);
}

#[tokio::test]
async fn the_folder_is_followed() {
    let here = here().await;
    let mut admin = here.app.admin().await;
    here.write("a.yaml", &flow("a", "one"));
    here.write(
        "offered.yaml",
        "metadata: {name: o, labels: {blueprints.goauthentik.io/instantiate: \"false\"}}\nentries: []\n",
    );
    here.write("broken.yaml", "entries: [{model: authentik_flows.flow, identifiers: {slug: broken}}]\n");
    here.discover().await;
    assert_eq!(here.title("a").as_deref(), Some("one"));
    let instance = here.instance(&mut admin, "a.yaml").await;
    assert_eq!((&instance["name"], &instance["status"]), (&json!("of a"), &json!("successful")));
    assert!(here.instance(&mut admin, "offered.yaml").await.is_null());
    assert_eq!(here.instance(&mut admin, "broken.yaml").await["status"], "error");

    // What did not change is left alone, whatever an administrator has done since.
    let path = "/api/v3/flows/instances/a/";
    admin.patch(path, json!({"title": "by hand"})).await.expect(200);
    here.discover().await;
    assert_eq!(here.title("a").as_deref(), Some("by hand"));
    here.write("a.yaml", &flow("a", "two"));
    here.discover().await;
    assert_eq!(here.title("a").as_deref(), Some("two"));
    fs::remove_file(here.folder.path().join("a.yaml")).unwrap();
    here.discover().await;
    assert_eq!(here.instance(&mut admin, "a.yaml").await["status"], "orphaned");
    here.write("a.yaml", &flow("a", "two"));
    let pk = instance["pk"].as_str().unwrap();
    admin.post(&format!("{LIST}{pk}/apply/"), json!({})).await.expect(200);
    assert_eq!(here.instance(&mut admin, "a.yaml").await["status"], "successful");
    admin.patch(&format!("{LIST}{pk}/"), json!({"enabled": false})).await.expect(200);
    here.write("a.yaml", &flow("a", "three"));
    here.discover().await;
    assert_eq!(here.title("a").as_deref(), Some("two"), "what is disabled is not applied");
}

#[tokio::test]
async fn files_are_offered() {
    let here = here().await;
    let mut admin = here.app.admin().await;
    here.write("mine.yaml", &flow("mine", "x"));
    here.write("broken.yaml", "[");
    let files = admin.get(&format!("{LIST}available/")).await.expect(200);
    let files = files.as_array().unwrap();
    let paths: Vec<&str> = files.iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"mine.yaml") && paths.contains(&"default/flow-oobe.yaml"), "{paths:?}");
    assert!(!paths.contains(&"broken.yaml"));
    let mine = files.iter().find(|file| file["path"] == "mine.yaml").unwrap();
    assert_eq!(mine["meta"], json!({"name": "of mine", "labels": {"a": "b"}}));
    assert_eq!(mine["hash"].as_str().unwrap().len(), 128);
    here.app.anonymous().get(&format!("{LIST}available/")).await.expect(403);
    let clerk = here.app.user("clerk", "", json!({})).await;
    here.app.token_of(clerk).await.get(&format!("{LIST}available/")).await.expect(403);
}

#[tokio::test]
async fn the_defaults_need_every_family() {
    let here = here().await;
    let api = &here.app.state.api;
    let error = apply_defaults(&api.store, &api.registry, &api.ctx, &here.library).await.unwrap_err().to_string();
    assert!(error.contains("there is no model"), "{error}");
    assert_eq!(api.store.configuration().documents("authentik_flows.flow").count(), 0, "nothing was applied");
}
