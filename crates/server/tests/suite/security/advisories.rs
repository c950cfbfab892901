//! authentik's own advisories, each a test of its name.

use http::Method;
use serde_json::json;
use vestibule_testkit::{Answer, Client};

use super::{FLOW, arrive, executor, login, me};
use crate::app::{App, PASSWORD, node, settings};
use crate::conformance::Findings;

/// No default flow makes an account for, or does anything to, somebody who is not signed in.
#[tokio::test]
async fn cve_2022_46145_default_flows_are_closed_to_strangers() {
    let app = App::start().await;
    let flows = app.admin().get("/api/v3/flows/instances/?page_size=100").await.expect(200);
    let flows = flows["results"].as_array().unwrap();
    assert!(flows.len() >= 14, "{}", flows.len());
    let mut findings = Findings::default();
    for flow in flows {
        let (slug, designation) = (flow["slug"].as_str().unwrap(), flow["designation"].as_str().unwrap());
        // Invalidation is for everyone, and ends nothing where there is nothing.
        if ["default-authentication-flow", "initial-setup"].contains(&slug) || designation == "invalidation" {
            continue;
        }
        let path = executor(slug, "");
        let mut client = app.anonymous();
        let before = app.footprint().await;
        let mut answers = vec![client.get(&path).await];
        for body in [json!({}), json!({"username": "mallory", "name": "m", "email": "m@example.com", "password": "x"})]
        {
            let answer = client.post(&path, body).await;
            answers.push(arrive(&mut client, &path, answer).await);
        }
        for answer in answers {
            let component = answer.json()["component"].clone();
            let closed = ["ak-stage-access-denied", "ak-stage-flow-error"].iter().any(|one| component == *one);
            findings.check(closed, || format!("{slug} ({designation}): {}", answer.text));
        }
        findings.check(app.footprint().await["users"] == before["users"], || format!("{slug}: made an account"));
        let page = client.get(&format!("/if/flow/{slug}/")).await;
        findings.check(!page.text.contains("<input"), || format!("{slug}: its page asks something"));
    }
    findings.none();
}

/// Whoever is no trusted proxy does not say where they come from: not in events, not in sessions.
#[tokio::test]
async fn cve_2023_36456_and_cve_2024_47070_forwarded_addresses_are_not_believed() {
    let app = App::start().await;
    for forged in ["1.2.3.4", "a", "", "::1, 10.0.0.1", "1.2.3.4, 5.6.7.8", "'; DROP TABLE events; --"] {
        let mut client = app.anonymous().with_header("x-forwarded-for", forged).with_header("x-real-ip", forged);
        let path = executor(FLOW, "");
        client.get(&path).await;
        client.post(&path, json!({"component": "ak-stage-identification", "uid_field": "akadmin"})).await;
        // The password is asked for, whatever the header says.
        let answer = client.get(&path).await;
        assert_eq!(answer.json()["component"], "ak-stage-password", "{forged}: {}", answer.text);
        client.post(&path, json!({"component": "ak-stage-password", "password": "wrong"})).await;
        assert_eq!(me(&mut client).await, 403, "{forged}");
        assert_eq!(login(&mut client, "akadmin", PASSWORD, "").await["to"], "/", "{forged}");
    }
    let sql = "SELECT COUNT(*) AS n FROM events WHERE client_ip IS NOT NULL AND client_ip <> '127.0.0.1'";
    assert_eq!(app.number(sql, vec![]).await, 0);
    assert_eq!(app.number("SELECT COUNT(*) AS n FROM sessions WHERE client_ip <> '127.0.0.1'", vec![]).await, 0);
    assert!(app.number("SELECT COUNT(*) AS n FROM events WHERE action = 'login'", vec![]).await >= 6);
}

/// Deleting the first administrator opens the setup to nobody, not even after a restart.
#[tokio::test]
async fn cve_2023_46249_the_setup_stays_closed() {
    let app = App::start().await;
    let mut admin = app.admin();
    let user = admin.get("/api/v3/core/users/?username=akadmin").await.expect(200)["results"][0]["pk"].clone();
    admin.delete(&format!("/api/v3/core/users/{user}/")).await.expect(204);
    let again = node(&app.database, &app.clock, &settings(&[])).await;
    assert!(again.setup_link.is_none());
    for router in [app.router.clone(), again.router()] {
        let mut client = Client::new(router);
        for token in ["", "?token=", "?token=x"] {
            let path = format!("/if/flow/initial-setup/{token}");
            assert!(!client.get(&path).await.text.contains("<input"), "{path}");
            client.form(&path, &[("password", "password1"), ("password_repeat", "password1")]).await;
            client.post(&executor("initial-setup", ""), json!({"password": "password1"})).await;
        }
        assert_eq!(me(&mut client).await, 403);
    }
    assert_eq!(app.number("SELECT COUNT(*) AS n FROM users WHERE username = 'akadmin'", vec![]).await, 0);
}

/// To see a policy is not to run it.
#[tokio::test]
async fn cve_2026_25227_trying_a_policy_out_takes_more_than_seeing_it() {
    let app = App::start().await;
    let (clerk, mut client) = app.clerk("clerk").await;
    app.grants.grant(clerk, &["authentik_policies.view_policy"]).await;
    let path = format!("/api/v3/policies/all/{}/test/", app.server.api.ctx.uuid());
    let refused = client.post(&path, json!({"user": clerk})).await.status;
    // Whoever sees every policy may learn that this one is not there.
    assert!(refused == 403 || refused == 404, "{refused}");
}

/// A blueprint makes nobody a superuser whom its author could not.
#[tokio::test]
async fn cve_2026_40172_blueprints_give_no_more_than_their_author_has() {
    let app = App::start().await;
    let (clerk, mut client) = app.clerk("clerk").await;
    let permissions = [
        "authentik_blueprints.add_blueprintinstance",
        "authentik_core.add_user",
        "authentik_core.change_user",
        "authentik_core.add_group",
        "authentik_core.change_group",
        "authentik_core.add_user_to_group",
    ];
    app.grants.grant(clerk, &permissions).await;
    let user = "  - model: authentik_core.user\n    identifiers: {username: clerk}\n    attrs:\n      groups:\n";
    for entries in [
        format!("{user}        - !Find [authentik_core.group, [name, authentik Admins]]\n"),
        "  - model: authentik_core.group\n    identifiers: {name: mine}\n    attrs: {is_superuser: true}\n".into(),
        format!(
            "  - model: authentik_core.group\n    identifiers: {{name: authentik Admins}}\n    attrs: {{users: [{clerk}]}}\n"
        ),
        "  - model: authentik_core.group\n    identifiers: {name: below}\n    attrs:\n      parents:\n        \
         - !Find [authentik_core.group, [name, authentik Admins]]\n"
            .into(),
    ] {
        let answer = import(&mut client, &entries).await;
        assert!(answer.status == 403 || answer.json()["success"] == false, "{entries}: {}", answer.text);
        let shown = app.admin().get(&format!("/api/v3/core/users/{clerk}/")).await.expect(200);
        assert_eq!(shown["is_superuser"], false, "{entries}");
    }
    let groups = app.admin().get("/api/v3/core/groups/?is_superuser=true").await.expect(200);
    assert_eq!(groups["pagination"]["count"], 1);
    // Who may, does it by the same file.
    let blueprint = format!("{user}        - !Find [authentik_core.group, [name, authentik Admins]]\n");
    assert_eq!(import(&mut app.admin(), &blueprint).await.json()["success"], true);
    let shown = app.admin().get(&format!("/api/v3/core/users/{clerk}/")).await.expect(200);
    assert_eq!(shown["is_superuser"], true);
}

async fn import(client: &mut Client, entries: &str) -> Answer {
    let text = format!("version: 1\nmetadata: {{name: a test}}\nentries:\n{entries}");
    let part = "Content-Disposition: form-data; name=\"file\"; filename=\"b.yaml\"";
    let form = format!("--edge\r\n{part}\r\n\r\n{text}\r\n--edge--\r\n");
    let media = Some("multipart/form-data; boundary=edge");
    client.send(Method::POST, "/api/v3/managed/blueprints/import/", media, form.into_bytes()).await
}

/// Zitadel CVE-2026-105209, CVE-2026-29067: which brand's host is asked says how things look, and gives nobody anything.
#[tokio::test]
async fn cve_2026_105209_the_host_that_is_asked_gives_no_authority() {
    let app = App::start().await;
    let mut admin = app.admin();
    let mut flows = Vec::new();
    for slug in ["here", "there"] {
        let flow = json!({"name": slug, "slug": slug, "title": slug, "designation": "enrollment"});
        let flow = admin.post("/api/v3/flows/instances/", flow).await.expect(201);
        let stages = [("invitation/stages", json!({"name": slug})), ("dummy", json!({"name": format!("end {slug}")}))];
        for (order, (kind, body)) in stages.into_iter().enumerate() {
            let stage = admin.post(&format!("/api/v3/stages/{kind}/"), body).await.expect(201);
            let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
            admin.post("/api/v3/flows/bindings/", binding).await.expect(201);
        }
        let brand = json!({"domain": format!("{slug}.example"), "flow_recovery": flow["pk"]});
        admin.post("/api/v3/core/brands/", brand).await.expect(201);
        flows.push(flow["pk"].clone());
    }
    let body = json!({"name": "here", "flow": flows[0]});
    let invitation = admin.post("/api/v3/stages/invitation/invitations/", body).await.expect(201);
    let query = format!("itoken={}", invitation["pk"].as_str().unwrap());
    let (_, clerk) = app.clerk("clerk").await;
    let akadmin = admin.get("/api/v3/core/users/?username=akadmin").await.expect(200)["results"][0]["pk"].clone();
    for host in ["localhost", "here.example", "there.example", "evil.example"] {
        // An invitation opens its flow wherever it is brought, and no other anywhere.
        for (slug, component) in [("here", "ak-stage-dummy"), ("there", "ak-stage-access-denied")] {
            let mut client = app.anonymous().with_host(host);
            let path = executor(slug, &query);
            let answer = client.get(&path).await;
            let told = arrive(&mut client, &path, answer).await.json();
            assert_eq!(told["component"], component, "{host} {slug}: {told}");
        }
        let mut clerk = clerk.clone().with_host(host).with_header("x-forwarded-host", "here.example");
        for path in ["core/brands", "stages/invitation/invitations", "stages/email"] {
            clerk.get(&format!("/api/v3/{path}/")).await.expect(403);
        }
        let refused = clerk.post(&format!("/api/v3/core/users/{akadmin}/recovery/"), json!({})).await;
        assert!([403, 404].contains(&refused.status.as_u16()), "{host}: {}", refused.text);
        clerk.post("/api/v3/stages/invitation/invitations/", json!({"name": "mine"})).await.expect(403);
    }
}
