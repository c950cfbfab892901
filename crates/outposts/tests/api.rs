//! Outposts and service connections through the API.

use serde_json::{Value, json};
use vestibule_outposts::{EMBEDDED, ensure_embedded};
use vestibule_resource::Principal;
use vestibule_testkit::{Families, TestApp};

const OUTPOSTS: &str = "/api/v3/outposts/instances/";
const ALL: &str = "/api/v3/outposts/service_connections/all/";
const DOCKER: &str = "/api/v3/outposts/service_connections/docker/";
const KUBERNETES: &str = "/api/v3/outposts/service_connections/kubernetes/";

async fn app() -> TestApp {
    let mut families = Families::base();
    families.kinds.extend(vestibule_outposts::kinds());
    families.families.extend(vestibule_outposts::families());
    families.operations.extend(vestibule_outposts::operations());
    TestApp::start(families).await
}

fn kubeconfig() -> Value {
    json!({
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://k8s.example:6443"}}],
        "users": [{"name": "u", "user": {"token": "geheim"}}],
    })
}

#[tokio::test]
async fn an_outpost_is_arranged() {
    let app = app().await;
    let mut admin = app.admin().await;
    let defaults = admin.get(&format!("{OUTPOSTS}default_settings/")).await.expect(200);
    assert_eq!(defaults["config"]["authentik_host"], "http://localhost/");
    assert_eq!(defaults["config"].as_object().unwrap().len(), 23);
    let docker = admin.post(DOCKER, json!({"name": "Here", "url": "unix:///x"})).await.expect(201);
    let body = json!({
        "name": "Door", "type": "ldap", "providers": [], "config": {"refresh_interval": "minutes=2"},
        "service_connection": docker["pk"],
    });
    let outpost = admin.post(OUTPOSTS, body.clone()).await.expect(201);
    let pk = outpost["pk"].as_str().unwrap();
    assert_eq!(outpost["service_connection_obj"]["name"], "Here");
    assert_eq!(outpost["service_connection_obj"]["component"], "ak-service-connection-docker-form");
    assert_eq!(outpost["refresh_interval_s"], 120);
    assert_eq!(outpost["token_identifier"], format!("ak-outpost-{pk}-api"));
    assert_eq!((&outpost["providers_obj"], &outpost["managed"]), (&json!([]), &Value::Null));
    assert_eq!(admin.get(&format!("{OUTPOSTS}{pk}/health/")).await.expect(200), json!([]));

    let mut count = async |query: &str| {
        let list = admin.get(&format!("{OUTPOSTS}?{query}")).await.expect(200);
        list["pagination"]["count"].as_u64().unwrap()
    };
    for (query, found) in [
        ("name__iexact=dOOR", 1),
        ("name__iexact=doo", 0),
        ("name__icontains=OO", 1),
        ("managed__icontains=x", 0),
        ("managed__iexact=x", 0),
        ("providers__isnull=true", 1),
        ("providers__isnull=false", 0),
        ("service_connection__name__iexact=here", 1),
        ("service_connection__name__icontains=ER", 1),
        ("service_connection__name__icontains=there", 0),
        ("search=door", 1),
    ] {
        assert_eq!(count(query).await, found, "{query}");
    }
    let wrong = admin.get(&format!("{OUTPOSTS}?providers_by_pk=x")).await.expect(400);
    assert_eq!(wrong, json!({"providers_by_pk": ["“x” is not a valid value."]}));
    let wrong = admin.get(&format!("{OUTPOSTS}?providers_by_pk=7")).await.expect(400);
    let message = "Select a valid choice. 7 is not one of the available choices.";
    assert_eq!(wrong, json!({"providers_by_pk": [message]}));

    let path = format!("{OUTPOSTS}{pk}/");
    for (field, value, message) in [
        ("providers", json!([5]), "Invalid pk \"5\" - object does not exist."),
        ("config", json!({"refresh_interval": "x"}), "x is not in the correct format of 'hours=3;minutes=1'."),
        ("type", json!("ssh"), "\"ssh\" is not a valid choice."),
    ] {
        let answer = admin.patch(&path, json!({field: value})).await.expect(400);
        assert_eq!(answer, json!({field: [message]}));
    }
    let wrong = admin.patch(&path, json!({"config": {"kubernetes_replicas": "two"}})).await.expect(400);
    assert!(wrong["config"][0].as_str().unwrap().starts_with("Failed to validate config: "), "{wrong}");
    admin.delete(&format!("{ALL}{}/", docker["pk"].as_str().unwrap())).await.expect(204);
    assert_eq!(admin.get(&path).await.expect(200)["service_connection"], Value::Null);
}

/// The account that an outpost acts as, with the token whose name the outpost tells; both go with it.
#[tokio::test]
async fn an_outpost_has_an_account_and_a_token() {
    let app = app().await;
    let mut admin = app.admin().await;
    let body = json!({"name": "Door", "type": "ldap", "providers": [], "config": {}});
    let outpost = admin.post(OUTPOSTS, body).await.expect(201);
    let (path, token) = (outpost["pk"].as_str().unwrap(), outpost["token_identifier"].as_str().unwrap());
    let (path, token) = (format!("{OUTPOSTS}{path}/"), format!("/api/v3/core/tokens/{token}/"));
    let users = "/api/v3/core/users/?type=internal_service_account";
    let found = admin.get(users).await.expect(200)["results"][0].clone();
    assert_eq!(
        (&found["name"], &found["path"]),
        (&json!("Outpost Door Service-Account"), &json!("goauthentik.io/outposts"))
    );
    assert_eq!(found["username"], format!("ak-outpost-{}", outpost["pk"].as_str().unwrap().replace('-', "")));
    let shown = admin.get(&token).await.expect(200);
    assert_eq!((&shown["user"], &shown["expiring"], &shown["intent"]), (&found["pk"], &json!(false), &json!("api")));
    let key = admin.get(&format!("{token}view_key/")).await.expect(200)["key"].as_str().unwrap().to_owned();
    let mut outside = app.anonymous().with_token(&key);
    assert_eq!(outside.get("/api/v3/core/users/me/").await.expect(200)["user"]["pk"], found["pk"]);
    assert_eq!(outside.get(OUTPOSTS).await.expect(200)["results"], json!([]), "it was permitted nothing");
    admin.patch(&path, json!({"name": "Gate"})).await.expect(200);
    let renamed = admin.get(users).await.expect(200);
    assert_eq!(renamed["results"][0]["name"], "Outpost Gate Service-Account");
    assert_eq!(renamed["pagination"]["count"], 1);
    admin.delete(&path).await.expect(204);
    assert_eq!(admin.get(users).await.expect(200)["pagination"]["count"], 0);
    admin.get(&token).await.expect(404);
}

#[tokio::test]
async fn the_embedded_outpost_is_made_once_and_keeps_its_name() {
    let app = app().await;
    let system = Principal { superuser: true, ..Principal::anonymous([127, 0, 0, 1].into()) };
    let api = &app.state.api;
    let make = async || ensure_embedded(&api.store, &api.registry, &api.ctx, &system).await.unwrap();
    make().await;
    make().await;
    let mut admin = app.admin().await;
    let list = admin.get(OUTPOSTS).await.expect(200);
    assert_eq!(list["pagination"]["count"], 1);
    let outpost = &list["results"][0];
    assert_eq!((&outpost["name"], &outpost["type"]), (&json!(EMBEDDED), &json!("proxy")));
    assert_eq!(outpost["managed"], "goauthentik.io/outposts/embedded");
    let path = format!("{OUTPOSTS}{}/", outpost["pk"].as_str().unwrap());
    let answer = admin.patch(&path, json!({"name": "Other"})).await.expect(400);
    assert_eq!(answer, json!({"name": ["Embedded outpost's name cannot be changed"]}));
    admin.delete(&path).await.expect(204);
    make().await;
    assert_eq!(admin.get(OUTPOSTS).await.expect(200)["pagination"]["count"], 0, "what is deleted stays deleted");
}

#[tokio::test]
async fn connections_of_every_kind_are_one_family() {
    let app = app().await;
    let mut admin = app.admin().await;
    let docker = admin.post(DOCKER, json!({"name": "d", "url": "https://d.example:2376"})).await.expect(201);
    let cluster = json!({"name": "k", "kubeconfig": kubeconfig()});
    let cluster = admin.post(KUBERNETES, cluster).await.expect(201);
    assert_eq!((&docker["local"], &cluster["verify_ssl"]), (&json!(false), &json!(true)));
    let list = admin.get(ALL).await.expect(200);
    let models: Vec<_> = list["results"].as_array().unwrap().iter().map(|one| &one["meta_model_name"]).collect();
    assert_eq!(
        models,
        ["authentik_outposts.dockerserviceconnection", "authentik_outposts.kubernetesserviceconnection"]
    );
    let taken = admin.post(KUBERNETES, json!({"name": "d", "local": true})).await.expect(400);
    assert_eq!(taken, json!({"name": ["Outpost Service-Connection with this name already exists."]}));
    let types = admin.get(&format!("{ALL}types/")).await.expect(200);
    assert_eq!(types.as_array().unwrap().len(), 2);
    let state = admin.get(&format!("{ALL}{}/state/", docker["pk"].as_str().unwrap())).await.expect(200);
    assert_eq!(state, json!({"healthy": false, "version": ""}));
    admin.get(&format!("{ALL}{}/state/", app.state.ctx().uuid())).await.expect(404);
    app.anonymous().get(&format!("{ALL}types/")).await.expect(403);
    let path = format!("{DOCKER}{}/", docker["pk"].as_str().unwrap());
    admin.patch(&path, json!({"tls_verification": app.state.ctx().uuid()})).await.expect(400);
}

#[tokio::test]
async fn a_kubeconfig_is_checked() {
    let app = app().await;
    let mut admin = app.admin().await;
    let mut post = async |body: Value| admin.post(KUBERNETES, body).await.expect(400);
    let empty = "You can only use an empty kubeconfig when connecting to a local cluster.";
    assert_eq!(post(json!({"name": "k", "kubeconfig": {}})).await, json!({"kubeconfig": [empty]}));
    assert_eq!(post(json!({"name": "k"})).await, json!({"kubeconfig": [empty]}));
    let mut broken = kubeconfig();
    broken["current-context"] = json!("there");
    assert_eq!(post(json!({"name": "k", "kubeconfig": broken})).await, json!({"kubeconfig": ["Invalid kubeconfig"]}));
    assert!(post(json!({"name": "k", "kubeconfig": "x"})).await["kubeconfig"].is_array());
    admin.post(KUBERNETES, json!({"name": "k", "kubeconfig": {}, "local": true})).await.expect(201);
}

/// GHSA-m9h4-7j9c-55x9: credentials were shown to whoever may look.
#[tokio::test]
async fn ghsa_m9h4_7j9c_55x9_a_kubeconfig_is_whole_for_those_who_may_change_it() {
    let app = app().await;
    let mut admin = app.admin().await;
    let made = admin.post(KUBERNETES, json!({"name": "k", "kubeconfig": kubeconfig()})).await.expect(201);
    assert_eq!(made["kubeconfig"], kubeconfig());
    let clerk = app.user("clerk", "", json!({})).await;
    let mut client = app.token_of(clerk).await;
    app.grants.grant(clerk, &["authentik_outposts.view_kubernetesserviceconnection"]).await;
    let path = format!("{KUBERNETES}{}/", made["pk"].as_str().unwrap());
    for path in [path.as_str(), KUBERNETES] {
        let shown = client.get(path).await;
        assert!(shown.text.contains("k8s.example") && !shown.text.contains("geheim"), "{}", shown.text);
    }
    for sql in ["SELECT document AS text FROM configuration", "SELECT after AS text FROM configuration_revision"] {
        let rows = app.store().database().query(sql, vec![]).await.unwrap();
        assert!(rows.iter().all(|row| !row.text("text").unwrap().contains("geheim")), "it lies sealed");
    }
    app.store().refresh().await.unwrap();
    assert_eq!(admin.get(&path).await.expect(200)["kubeconfig"], kubeconfig());
}
