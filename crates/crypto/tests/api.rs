//! Certificates through the API: made, imported, looked at, refused.

#![expect(clippy::unwrap_used, reason = "a test stops where it is surprised")]

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule_crypto::{Algorithm, Generated, Request, SELF_SIGNED, ensure_self_signed, generate};
use vestibule_resource::Principal;
use vestibule_testkit::{Client, Families, TestApp, noon};

const LIST: &str = "/api/v3/crypto/certificatekeypairs/";

async fn app() -> TestApp {
    TestApp::start(Families::base()).await
}

fn made(app: &TestApp, algorithm: Algorithm) -> Generated {
    let request = Request {
        common_name: "Made, for \"tests\"".into(),
        alternative_names: vec!["a.example".into(), "192.0.2.1".into()],
        algorithm,
        rsa_bits: 2048,
        until: noon() + TimeDelta::days(10),
    };
    generate(app.state.ctx(), &request).unwrap()
}

async fn import(client: &mut Client, name: &str, pair: &Generated) -> Value {
    let body = json!({"name": name, "certificate_data": pair.certificate, "key_data": pair.key});
    client.post(LIST, body).await.expect(201)
}

#[tokio::test]
async fn a_pair_is_made_and_says_what_it_is() {
    let app = app().await;
    let mut admin = app.admin().await;
    let body = json!({"common_name": "ec", "validity_days": 30, "alg": "ecdsa", "subject_alt_name": "a.example, ::1,"});
    let made = admin.post(&format!("{LIST}generate/"), body.clone()).await.expect(200);
    assert_eq!(made["cert_subject"], "OU=Self-signed,O=authentik,CN=ec");
    assert_eq!(made["cert_expiry"], "2026-12-23T12:00:00Z");
    assert_eq!((&made["key_type"], &made["private_key_available"]), (&json!("ec"), &json!(true)));
    assert_eq!(made["fingerprint_sha256"].as_str().unwrap().len(), 95);
    assert_eq!(made["fingerprint_sha1"].as_str().unwrap().len(), 59);
    let url = format!("{LIST}{}/view_certificate/?download", made["pk"].as_str().unwrap());
    assert_eq!(made["certificate_download_url"], url);
    assert!(made.get("key_data").is_none() && made.get("kid").is_none());

    let again = admin.post(&format!("{LIST}generate/"), body).await.expect(400);
    assert_eq!(again, json!({"common_name": ["This field must be unique."]}));
    let edwards = json!({"common_name": "ed", "validity_days": 1, "alg": "ed25519"});
    assert_eq!(admin.post(&format!("{LIST}generate/"), edwards).await.expect(200)["key_type"], "ed25519");
}

#[tokio::test]
async fn an_rsa_pair_of_4096_bits_is_what_is_made_unless_asked() {
    let app = app().await;
    let mut admin = app.admin().await;
    let long = "x".repeat(100);
    let body = json!({"common_name": long, "validity_days": 30});
    let made = admin.post(&format!("{LIST}generate/"), body).await.expect(200);
    assert_eq!((&made["key_type"], &made["name"]), (&json!("rsa"), &json!(long)));
    assert_eq!(made["cert_subject"], format!("OU=Self-signed,O=authentik,CN={}", "x".repeat(64)));
    let path = made["private_key_download_url"].as_str().unwrap();
    let key = admin.get(path).await;
    assert!(key.text.len() > 3000, "4096 bits: {}", key.text.len());
}

#[tokio::test]
async fn what_cannot_be_made_is_said() {
    let app = app().await;
    let mut admin = app.admin().await;
    let mut ask = async |body: Value| admin.post(&format!("{LIST}generate/"), body).await.expect(400);
    let required = json!(["This field is required."]);
    assert_eq!(ask(json!({})).await, json!({"common_name": required, "validity_days": required}));
    let wrong = ask(json!({"common_name": "a", "validity_days": "x", "alg": "zz"})).await;
    let expected = json!({"validity_days": ["A valid integer is required."], "alg": ["\"zz\" is not a valid choice."]});
    assert_eq!(wrong, expected);
    for (field, value) in [
        ("validity_days", json!(0)),
        ("validity_days", json!(i32::MAX)),
        ("alg", json!("ed448")),
        ("subject_alt_name", json!("a b")),
        ("subject_alt_name", json!("ü.example")),
        ("common_name", json!("")),
    ] {
        let mut body = json!({"common_name": "a", "validity_days": 1, "alg": "ecdsa"});
        body[field] = value;
        let answer = ask(body.clone()).await;
        assert!(answer[field].is_array(), "{body}: {answer}");
    }
}

#[tokio::test]
async fn a_pair_is_imported_and_must_belong_together() {
    let app = app().await;
    let mut admin = app.admin().await;
    for (algorithm, kind) in [(Algorithm::Rsa, "rsa"), (Algorithm::Ecdsa, "ec"), (Algorithm::Ed25519, "ed25519")] {
        let pair = made(&app, algorithm);
        let shown = import(&mut admin, kind, &pair).await;
        assert_eq!(shown["key_type"], kind);
        assert_eq!(shown["cert_subject"], "OU=Self-signed,O=authentik,CN=Made\\, for \\\"tests\\\"");
    }
    let (one, other) = (made(&app, Algorithm::Ecdsa), made(&app, Algorithm::Ecdsa));
    let body = json!({"name": "mixed", "certificate_data": one.certificate, "key_data": other.key});
    let answer = admin.post(LIST, body).await.expect(400);
    assert_eq!(answer, json!({"key_data": ["The private key does not belong to the certificate."]}));
    let answer = admin.post(LIST, json!({"name": "bad", "certificate_data": "x", "key_data": "y"})).await.expect(400);
    let expected = json!({
        "certificate_data": ["Unable to load certificate."],
        "key_data": ["Unable to load private key (possibly encrypted?)."],
    });
    assert_eq!(answer, expected);

    // Without a key it can only verify; half of a pair cannot be changed without the other.
    let bare = json!({"name": "bare", "certificate_data": one.certificate});
    let shown = admin.post(LIST, bare).await.expect(201);
    assert_eq!(shown["private_key_available"], false);
    let path = format!("{LIST}{}/", shown["pk"].as_str().unwrap());
    admin.patch(&path, json!({"key_data": other.key})).await.expect(400);
    admin.patch(&path, json!({"certificate_data": other.certificate})).await.expect(200);
    let changed = admin.patch(&path, json!({"key_data": format!("  {}", other.key.replace('\n', " \n  "))})).await;
    assert_eq!(changed.expect(200)["private_key_available"], true);
    let taken = admin.patch(&path, json!({"name": "ec"})).await.expect(400);
    assert_eq!(taken, json!({"name": ["Certificate-Key Pair with this name already exists."]}));
    admin.delete(&path).await.expect(204);
}

#[tokio::test]
async fn lists_are_narrowed() {
    let app = app().await;
    let mut admin = app.admin().await;
    import(&mut admin, "ec", &made(&app, Algorithm::Ecdsa)).await;
    import(&mut admin, "ed", &made(&app, Algorithm::Ed25519)).await;
    let bare = json!({"name": "bare", "certificate_data": made(&app, Algorithm::Ecdsa).certificate});
    admin.post(LIST, bare).await.expect(201);
    let mut names = async |query: &str| -> Vec<String> {
        let answer = admin.get(&format!("{LIST}?{query}")).await.expect(200);
        let results = answer["results"].as_array().unwrap();
        results.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("").await, ["bare", "ec", "ed"]);
    assert_eq!(names("has_key=true").await, ["ec", "ed"]);
    assert_eq!(names("has_key=false").await, ["bare", "ec", "ed"]);
    assert_eq!(names("key_type=ec").await, ["bare", "ec"]);
    assert_eq!(names("key_type=ec&key_type=ed25519&has_key=true").await, ["ec", "ed"]);
    assert_eq!(names("name=ec").await, ["ec"]);
    assert_eq!(names("search=BAR").await, ["bare"]);
    assert_eq!(names("managed=x").await, [""; 0]);
    admin.get(&format!("{LIST}?key_type=zz")).await.expect(400);
}

#[tokio::test]
async fn a_brand_uses_it() {
    let app = app().await;
    let mut admin = app.admin().await;
    let pair = import(&mut admin, "web", &made(&app, Algorithm::Ecdsa)).await;
    let brand = json!({"domain": "a.example", "web_certificate": pair["pk"], "client_certificates": [pair["pk"]]});
    let brand = admin.post("/api/v3/core/brands/", brand).await.expect(201);
    let path = format!("{LIST}{}/", pair["pk"].as_str().unwrap());
    let used_by = admin.get(&format!("{path}used_by/")).await.expect(200);
    assert_eq!((&used_by[0]["model_name"], &used_by[0]["pk"]), (&json!("brand"), &brand["brand_uuid"]));
    admin.delete(&path).await.expect(204);
    let path = format!("/api/v3/core/brands/{}/", brand["brand_uuid"].as_str().unwrap());
    let brand = admin.get(&path).await.expect(200);
    assert_eq!((&brand["web_certificate"], &brand["client_certificates"]), (&Value::Null, &json!([])));
}

/// CVE-2024-42490: certificate, key and referrers were shown to anybody.
#[tokio::test]
async fn cve_2024_42490() {
    let app = app().await;
    let mut admin = app.admin().await;
    let pair = import(&mut admin, "line\r\nX: y\"", &made(&app, Algorithm::Ecdsa)).await;
    let path = format!("{LIST}{}/", pair["pk"].as_str().unwrap());
    let clerk = app.user("clerk", "", json!({})).await;
    let mut client = app.token_of(clerk).await;
    let parts = [
        ("view_certificate", "authentik_crypto.view_certificatekeypair_certificate", "CERTIFICATE"),
        ("view_private_key", "authentik_crypto.view_certificatekeypair_key", "PRIVATE KEY"),
    ];
    for (operation, permission, content) in parts {
        let path = format!("{path}{operation}/");
        app.anonymous().get(&path).await.expect(403);
        app.anonymous().get(&format!("{path}?download")).await.expect(403);
        let others: Vec<&str> = parts.iter().map(|part| part.1).filter(|other| *other != permission).collect();
        app.grants.grant(clerk, &others).await;
        app.grants.grant(clerk, &["authentik_crypto.view_certificatekeypair"]).await;
        client.get(&path).await.expect(403);
        app.grants.revoke_all(clerk).await;
        assert_eq!(views(&app).await, 0, "what is refused leaves no event");
        app.grants.grant(clerk, &[permission]).await;
        let shown = client.get(&path).await.expect(200);
        assert!(shown["data"].as_str().unwrap().contains(content), "{shown}");
        let file = client.get(&format!("{path}?download=1")).await;
        assert_eq!(file.headers["content-type"], "application/x-pem-file");
        let name = format!("attachment; filename=\"line__X_ y__{}.pem\"", operation.trim_start_matches("view_"));
        assert_eq!(file.headers["content-disposition"], name);
        assert!(file.text.starts_with("-----BEGIN "), "{}", file.text);
        assert_eq!(views(&app).await, 2);
        app.grants.revoke_all(clerk).await;
        forget(&app).await;
    }
    app.anonymous().get(&format!("{path}used_by/")).await.expect(403);
    client.get(&format!("{path}used_by/")).await.expect(403);
}

async fn views(app: &TestApp) -> usize {
    let rows = app.store().database().query("SELECT context FROM events WHERE action = 'secret_view'", vec![]).await;
    let rows = rows.unwrap();
    assert!(rows.iter().all(|row| !row.text("context").unwrap().contains("BEGIN")), "an event tells a secret");
    rows.len()
}

async fn forget(app: &TestApp) {
    let durability = vestibule_store::Durability::Process;
    app.store()
        .database()
        .execute(durability, "DELETE FROM events WHERE action = 'secret_view'", vec![])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_key_lies_sealed() {
    let app = app().await;
    let mut admin = app.admin().await;
    let pair = made(&app, Algorithm::Ecdsa);
    import(&mut admin, "ec", &pair).await;
    let line = pair.key.lines().nth(1).unwrap();
    for sql in ["SELECT document AS text FROM configuration", "SELECT after AS text FROM configuration_revision"] {
        let rows = app.store().database().query(sql, vec![]).await.unwrap();
        let texts: Vec<String> = rows.iter().map(|row| row.text("text").unwrap()).collect();
        assert!(texts.iter().any(|text| text.contains("authentik_crypto") || text.contains("cert_subject")));
        assert!(texts.iter().all(|text| !text.contains(line)));
    }
}

#[tokio::test]
async fn the_first_certificate_is_made_once() {
    let app = app().await;
    let system = Principal { superuser: true, ..Principal::anonymous([127, 0, 0, 1].into()) };
    let api = &app.state.api;
    let make = async || ensure_self_signed(&api.store, &api.registry, &api.ctx, &system).await.unwrap();
    make().await;
    let mut admin = app.admin().await;
    let list = admin.get(LIST).await.expect(200);
    let pair = &list["results"][0];
    assert_eq!((&pair["name"], &pair["managed"]), (&json!(SELF_SIGNED), &Value::Null));
    assert_eq!(pair["cert_subject"], "OU=Self-signed,O=authentik,CN=authentik Self-signed Certificate");
    assert_eq!((&pair["key_type"], &pair["private_key_available"]), (&json!("rsa"), &json!(true)));
    admin.delete(&format!("{LIST}{}/", pair["pk"].as_str().unwrap())).await.expect(204);
    make().await;
    assert_eq!(admin.get(LIST).await.expect(200)["pagination"]["count"], 0, "whoever deletes it does not want it");
}
