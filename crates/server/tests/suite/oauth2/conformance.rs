//! What the conformance suite of the OpenID Foundation asks and no other test here does. `docs/conformance.md` names the
//! test for each of its modules.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

use http::Method;
use serde_json::{Value, json};
use vestibule_testkit::Client;

use super::{CALLBACK, FORM, Site, alice, claims, key_pair, parameters, query, signed_in};
use crate::app::{App, PASSWORD};
use crate::security::{executor, login};

/// Signs with a key that is published, and signs people out of everything where they sign out of it.
async fn site(app: &App) -> Site<'_> {
    let flow = app.admin().get("/api/v3/flows/instances/default-invalidation-flow/").await.expect(200);
    let key = key_pair(app, "oidc", "rsa").await;
    Site::new(app, "wiki", json!({"signing_key": key, "invalidation_flow": flow["pk"]})).await
}

/// What somebody is told who may not be asked.
async fn silently(site: &Site<'_>, client: &mut Client, more: &[(&str, &str)]) -> String {
    let more: Vec<_> = more.iter().copied().chain([("prompt", "none")]).collect();
    let answer = site.authorize(client, &more).await;
    let mut found = parameters(answer.location());
    found
        .remove("error")
        .unwrap_or_else(|| if found.contains_key("code") { "code".into() } else { panic!("{found:?}") })
}

#[tokio::test]
async fn what_is_not_needed_or_not_known_does_no_harm() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = site(&app).await;
    for more in [
        [("nonce", "")],
        [("state", "")],
        [("extra", "foobar")],
        [("display", "page")],
        [("display", "popup")],
        [("ui_locales", "se")],
        [("claims_locales", "se")],
        [("acr_values", "1 2")],
        [("login_hint", "bob@example.com")],
        [("scope", "email openid")],
    ] {
        let code = site.code(&mut client, &more).await;
        let tokens = site.exchange(&code, &[]).await.expect(200);
        let told = site.verified(tokens["id_token"].as_str().unwrap()).await;
        assert!(told["acr"].is_string() && told.get("nonce").is_none(), "{more:?}: {told}");
    }
}

#[tokio::test]
async fn a_request_may_come_as_a_form() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = site(&app).await;
    let pairs = [("response_type", "code"), ("client_id", "wiki"), ("redirect_uri", CALLBACK), ("scope", "openid")];
    let answer = client.send(Method::POST, "/application/o/authorize/", FORM, query(&pairs).into_bytes()).await;
    assert_eq!(answer.status, 303);
    let to = answer.location().to_owned();
    let found = parameters(client.get(&to).await.location());
    site.exchange(&found["code"], &[]).await.expect(200);
}

#[tokio::test]
async fn userinfo_takes_a_token_in_three_ways() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = site(&app).await;
    let tokens = site.tokens(&mut client).await;
    let token = tokens["access_token"].as_str().unwrap();
    let path = "/application/o/userinfo/";
    let read = site.userinfo(token).await.expect(200);
    assert_eq!(read["sub"], claims(tokens["id_token"].as_str().unwrap())["sub"]);
    let mut bearer = app.anonymous().with_token(token);
    assert_eq!(bearer.send(Method::POST, path, FORM, Vec::new()).await.expect(200), read);
    assert_eq!(site.post(path, &[("access_token", token)]).await.expect(200), read);
    assert_eq!(site.post(path, &[]).await.status, 401);
}

#[tokio::test]
async fn every_scope_gives_its_claims_and_no_others() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let mut admin = app.admin();
    let scopes = admin.get("/api/v3/propertymappings/provider/scope/?page_size=100").await.expect(200);
    let mut mappings: Vec<Value> = scopes["results"].as_array().unwrap().iter().map(|one| one["pk"].clone()).collect();
    for (name, expression) in [
        ("address", r#"return {"address": {"formatted": "Kanalstrasse 1", "country": "DE"}}"#),
        ("phone", r#"return {"phone_number": "+49 30 1", "phone_number_verified": False}"#),
    ] {
        let body = json!({"name": name, "scope_name": name, "expression": expression});
        let made = admin.post("/api/v3/propertymappings/provider/scope/", body).await.expect(201);
        mappings.push(made["pk"].clone());
    }
    let site = site(&app).await;
    site.set(json!({"property_mappings": mappings})).await;
    let all = [
        ("profile", vec!["name", "preferred_username"]),
        ("email", vec!["email", "email_verified"]),
        ("address", vec!["address"]),
        ("phone", vec!["phone_number", "phone_number_verified"]),
    ];
    for wanted in [
        "openid",
        "openid profile",
        "openid email",
        "openid address",
        "openid phone",
        "openid profile email address phone",
    ] {
        let code = site.code(&mut client, &[("scope", wanted)]).await;
        let tokens = site.exchange(&code, &[]).await.expect(200);
        let told = site.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200);
        for (scope, names) in &all {
            let is_wanted = wanted.split(' ').any(|one| one == *scope);
            for name in names {
                assert_eq!(told.get(name).is_some(), is_wanted, "{wanted}: {name} in {told}");
            }
        }
    }
}

#[tokio::test]
async fn a_claim_that_is_named_is_told_where_its_scope_was_given() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = site(&app).await;
    site.set(json!({"include_claims_in_id_token": false})).await;
    let wanted = r#"{"id_token":{"name":{"essential":true}},"userinfo":{"name":{"essential":true}}}"#;
    for (scope, name) in [("openid", None), ("openid profile", Some(&json!("alice")))] {
        let code = site.code(&mut client, &[("scope", scope), ("claims", wanted)]).await;
        let tokens = site.exchange(&code, &[]).await.expect(200);
        let told = site.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200);
        let named = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!((told.get("name"), named.get("name")), (name, name), "{scope}");
        assert_eq!(named.get("preferred_username"), None);
    }
}

#[tokio::test]
async fn who_is_signed_in_long_enough_ago_stays_so() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = site(&app).await;
    let first = claims(site.tokens(&mut client).await["id_token"].as_str().unwrap());
    app.later(100);
    let code = site.code(&mut client, &[("max_age", "10000")]).await;
    let second = claims(site.exchange(&code, &[]).await.expect(200)["id_token"].as_str().unwrap());
    assert_eq!((&first["auth_time"], &first["sub"]), (&second["auth_time"], &second["sub"]));
    assert_ne!(first["iat"], second["iat"]);
    assert_eq!(silently(&site, &mut client, &[]).await, "code");
}

#[tokio::test]
async fn whom_the_application_means_has_to_be_there() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let (_, bob) = signed_in(&app, "bob").await;
    let mut bob = bob.with_header("sec-fetch-site", "same-origin");
    let site = site(&app).await;
    let tokens = site.tokens(&mut client).await;
    let hint = ("id_token_hint", tokens["id_token"].as_str().unwrap());
    assert_eq!(silently(&site, &mut client, &[hint]).await, "code");
    assert_eq!(silently(&site, &mut bob, &[hint]).await, "login_required");
    // Asked to be somebody else, they may sign in anew. Who comes back the same is not let through.
    let answer = site.authorize(&mut bob, &[hint]).await;
    assert!(answer.location().starts_with("/if/flow/default-authentication-flow/?"), "{}", answer.location());
    app.later(5);
    login(&mut bob, "bob", PASSWORD, "").await;
    let answer = site.authorize(&mut bob, &[hint]).await;
    assert_eq!(parameters(answer.location())["error"], "login_required");
    site.authorize(&mut bob, &[hint]).await;
    app.later(5);
    login(&mut bob, "alice", PASSWORD, "").await;
    site.code(&mut bob, &[hint]).await;
    // What is no token of this application's is no hint.
    let other = Site::new(&app, "other", json!({})).await;
    let others = other.tokens(&mut client).await;
    for wrong in ["x", "a.b.c", others["id_token"].as_str().unwrap()] {
        assert_eq!(silently(&site, &mut client, &[("id_token_hint", wrong)]).await, "invalid_request");
    }
}

#[tokio::test]
async fn pages_speak_as_the_application_does() {
    let app = App::start().await;
    let site = site(&app).await;
    let mut client = app.anonymous();
    for (tags, language) in [("se de-AT en", "de"), ("en", "en"), ("se", "en")] {
        let answer = site.authorize(&mut client, &[("ui_locales", tags)]).await;
        let page = client.get(answer.location()).await;
        assert!(page.text.contains(&format!("<html lang=\"{language}\"")), "{tags}");
    }
}

#[tokio::test]
async fn a_code_that_comes_again_later_ends_what_came_of_it() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = site(&app).await;
    let code = site.code(&mut client, &[]).await;
    let tokens = site.exchange(&code, &[]).await.expect(200);
    app.later(30);
    assert_eq!(site.exchange(&code, &[]).await.expect(400)["error"], "invalid_grant");
    assert_eq!(site.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 401);
}

#[tokio::test]
async fn who_signs_out_of_an_application_is_signed_out() {
    let app = App::start().await;
    app.user("alice", PASSWORD).await;
    let site = site(&app).await;
    let bye = ("post_logout_redirect_uri", "https://wiki.example/bye");
    for (with_hint, more, back) in [
        (true, vec![bye, ("state", "st")], "https://wiki.example/bye?state=st"),
        (true, vec![bye], "https://wiki.example/bye"),
        (true, vec![], "/"),
        (true, vec![("state", "st")], "/"),
        (false, vec![], "/"),
        (true, vec![("post_logout_redirect_uri", "https://wiki.example/else")], "/"),
        (true, vec![("post_logout_redirect_uri", "https://wiki.example/bye?extra=1")], "/"),
    ] {
        let mut client = app.anonymous();
        login(&mut client, "alice", PASSWORD, "").await;
        let tokens = site.tokens(&mut client).await;
        let mut pairs = more.clone();
        pairs.extend(with_hint.then_some(("id_token_hint", tokens["id_token"].as_str().unwrap())));
        let answer = client.get(&format!("/application/o/wiki/end-session/?{}", query(&pairs))).await;
        let mut to = answer.location().to_owned();
        if to.starts_with("/if/flow/") {
            let mut end = client.get(&executor("default-invalidation-flow", "")).await;
            while end.status == 302 {
                end = client.get(&executor("default-invalidation-flow", "")).await;
            }
            to = end.expect(200)["to"].as_str().unwrap_or_default().to_owned();
        }
        assert_eq!(to, back, "{more:?}");
        assert_eq!(silently(&site, &mut client, &[]).await, "login_required", "{more:?}");
    }
}

#[tokio::test]
async fn a_hint_that_was_tampered_with_ends_nothing() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = site(&app).await;
    let tokens = site.tokens(&mut client).await;
    let whole = tokens["id_token"].as_str().unwrap();
    let (signed, signature) = whole.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let tampered = format!("{signed}.{first}{}", &signature[1..]);
    for hint in [tampered.as_str(), "bad", "ey.ey.ey"] {
        let pairs = [("post_logout_redirect_uri", "https://wiki.example/bye"), ("id_token_hint", hint)];
        let answer = client.get(&format!("/application/o/wiki/end-session/?{}", query(&pairs))).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (400, ""));
    }
    assert_eq!(silently(&site, &mut client, &[]).await, "code");
}

#[tokio::test]
async fn the_metadata_say_what_there_is() {
    let app = App::start().await;
    let site = site(&app).await;
    let mut client = app.anonymous();
    let told = client.get("/application/o/wiki/.well-known/openid-configuration").await.expect(200);
    let issuer = told["issuer"].as_str().unwrap();
    assert_eq!(issuer, "http://localhost/application/o/wiki/");
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "end_session_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
        "device_authorization_endpoint",
        "pushed_authorization_request_endpoint",
    ] {
        let path = told[name].as_str().unwrap().strip_prefix("http://localhost").unwrap();
        let answer = client.get(path).await;
        assert_ne!(answer.status, 404, "{name}");
    }
    for (name, wanted) in [
        ("response_types_supported", vec!["code", "id_token", "code id_token token"]),
        ("response_modes_supported", vec!["query", "fragment", "form_post"]),
        ("grant_types_supported", vec!["authorization_code", "implicit", "refresh_token"]),
        ("subject_types_supported", vec!["public"]),
        ("id_token_signing_alg_values_supported", vec!["RS256"]),
        ("token_endpoint_auth_methods_supported", vec!["client_secret_basic", "client_secret_post"]),
        ("scopes_supported", vec!["openid", "profile", "email"]),
        ("ui_locales_supported", vec!["en", "de"]),
        ("claims_supported", vec!["sub", "name", "email"]),
    ] {
        let list = told[name].as_array().unwrap();
        for one in wanted {
            assert!(list.contains(&json!(one)), "{one} in {name}: {list:?}");
        }
    }
    for name in [
        "backchannel_logout_supported",
        "backchannel_logout_session_supported",
        "frontchannel_logout_supported",
        "frontchannel_logout_session_supported",
        "claims_parameter_supported",
    ] {
        assert_eq!(told[name], true, "{name}");
    }
    let keys = client.get("/application/o/wiki/jwks/").await.expect(200);
    let key = &keys["keys"][0];
    assert_eq!((&key["kty"], &key["use"], &key["alg"]), (&json!("RSA"), &json!("sig"), &json!("RS256")));
    assert!(key.get("d").is_none() && key["kid"].is_string());
    assert_eq!(site.id, "wiki");
}

/// What this binary says its tests are, with these arguments besides.
fn listed(more: &[&str]) -> HashSet<String> {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).args(["--list", "--format", "terse"]).args(more).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    names.lines().filter_map(|line| Some(line.strip_suffix(": test")?.to_owned())).collect()
}

/// Every module has a test that is there and is run: the binary itself says which these are, so a file that is part of
/// nothing, a test that is switched off and one that was renamed are missing alike.
#[test]
fn every_module_has_its_test() {
    let (there, ignored) = (listed(&[]), listed(&["--ignored"]));
    assert!(there.len() > 100, "{} tests", there.len());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("docs/conformance.md")).unwrap();
    let mut modules = 0;
    let mut missing = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("| `oidcc-")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let tests: Vec<&str> = cells[1].split('`').filter(|part| part.contains("::")).collect();
        assert!(!tests.is_empty(), "no test: {line}");
        for test in tests {
            let name = format!("oauth2::{test}");
            if !there.contains(&name) || ignored.contains(&name) {
                missing.push(test);
            }
        }
        modules += 1;
    }
    assert_eq!(missing, [""; 0], "tests that are not there, or do not run");
    assert!(modules > 50, "{modules} modules");
}
