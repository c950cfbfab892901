//! The pages of those who are signed in: each action done by who may, refused to who may not, to bad input and to forms
//! of other sites; and nothing changes where it is refused.

use http::Method;
use serde_json::json;
use vestibule_testkit::{Answer, Client};

use crate::app::{App, PASSWORD};
use crate::security::login;

/// Somebody signed in by a cookie, in a browser that tells where forms come from.
async fn browser(app: &App, username: &str) -> Client {
    let mut client = app.anonymous().with_header("sec-fetch-site", "same-origin");
    login(&mut client, username, PASSWORD, "").await;
    client
}

/// The same session in a browser that was led to send a form by another site.
fn forged(app: &App, client: &Client) -> Client {
    let mut forged =
        app.anonymous().with_header("sec-fetch-site", "cross-site").with_header("origin", "https://evil.example");
    forged.cookies.clone_from(&client.cookies);
    forged
}

fn is_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert!(answer.text.starts_with("<!doctype html>"), "{}", answer.text);
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.headers["cache-control"], "no-store");
}

/// The path of a form, its fields, and what is said when it is done.
type Form = (String, Vec<(&'static str, &'static str)>, &'static str);

/// Every form: its path, what is sent, what is said once it is done.
fn forms(user: i64) -> Vec<Form> {
    let home = format!("/if/admin/users/{user}/");
    vec![
        (
            "/if/admin/users/new/".into(),
            vec![("username", "made"), ("name", "Made"), ("email", "m@example.com")],
            "created",
        ),
        (format!("{home}deactivate/"), vec![], "deactivated"),
        (format!("{home}activate/"), vec![], "activated"),
        (format!("{home}password/"), vec![("password", "new one 1"), ("password_repeat", "new one 1")], "password"),
        (format!("{home}sign_out/"), vec![], "signed_out"),
    ]
}

#[tokio::test]
async fn every_action_is_done_by_who_may_alone() {
    let app = App::start().await;
    let alice = app.user("alice", PASSWORD).await;
    app.user("nobody", PASSWORD).await;
    let mut nobody = browser(&app, "nobody").await;
    let mut admin = browser(&app, "akadmin").await;
    let mut stranger = app.anonymous().with_header("sec-fetch-site", "same-origin");
    let (mut elsewhere, before) = (forged(&app, &admin), app.footprint().await);
    for (path, fields, _) in forms(alice) {
        is_page(&elsewhere.form(&path, &fields).await, 403);
        is_page(&nobody.form(&path, &fields).await, 403);
        let led = stranger.form(&path, &fields).await;
        assert_eq!(led.status, 302);
        assert!(led.location().starts_with("/flows/-/default/authentication/?next=%2Fif%2Fadmin%2Fusers%2F"), "{path}");
        let other = admin.send(Method::POST, &path, Some("text/plain"), b"username=made".to_vec()).await;
        assert!([415, 303].contains(&other.status.as_u16()), "{path}: {}", other.status);
        if other.status == 303 {
            // A form without fields has nothing to read; undone for what follows.
            assert!(fields.is_empty(), "{path}");
        }
    }
    app.admin().patch(&format!("/api/v3/core/users/{alice}/"), json!({"is_active": true})).await.expect(200);
    assert_eq!(before["users"], app.footprint().await["users"]);
    for (path, fields, said) in forms(alice) {
        let done = admin.form(&path, &fields).await;
        assert_eq!(done.status, 303, "{path}: {}", done.text);
        assert!(done.location().ends_with(&format!("/?done={said}")), "{path}: {}", done.location());
        is_page(&admin.get(done.location()).await, 200);
    }
    // A permission for one thing is one for that thing.
    let helper = app.user("helper", PASSWORD).await;
    app.grants.grant(helper, &["authentik_core.view_user", "authentik_core.reset_user_password"]).await;
    let mut helper = browser(&app, "helper").await;
    let page = helper.get(&format!("/if/admin/users/{alice}/")).await;
    is_page(&page, 200);
    assert!(
        page.text.contains("password/\"") && !page.text.contains("deactivate/\""),
        "what is offered is what may be done"
    );
    for (path, fields, said) in forms(alice) {
        let answer = helper.form(&path, &fields).await;
        assert_eq!(answer.status.as_u16(), if said == "password" { 303 } else { 403 }, "{path}");
    }
    // Nor is anything done to those who may do more.
    let root = app.admin().get("/api/v3/core/users/?username=akadmin").await.expect(200)["results"][0]["pk"].clone();
    let password = [("password", "mine now 1"), ("password_repeat", "mine now 1")];
    let taken = helper.form(&format!("/if/admin/users/{root}/password/"), &password).await;
    assert!([400, 403].contains(&taken.status.as_u16()), "{}", taken.status);
}

#[tokio::test]
async fn bad_input_is_said_beside_its_field_and_nothing_typed_is_lost() {
    let app = App::start().await;
    let alice = app.user("alice", PASSWORD).await;
    let mut admin = browser(&app, "akadmin").await;
    let typed = "A \"quoted\" <name>";
    let page = admin.form("/if/admin/users/new/", &[("username", "alice"), ("name", typed), ("email", "no")]).await;
    is_page(&page, 400);
    assert!(page.text.contains("id=\"username-error\"") && page.text.contains("id=\"email-error\""), "{}", page.text);
    assert!(page.text.contains("value=\"A &quot;quoted&quot; &lt;name&gt;\""), "{}", page.text);
    let page = admin.form("/if/admin/users/new/", &[("username", "a\0b")]).await;
    is_page(&page, 400);
    let path = format!("/if/admin/users/{alice}/password/");
    let long = "x".repeat(20_000);
    for (password, repeat) in [("", ""), ("one", "two"), ("", "two"), (&long, &long)] {
        let page = admin.form(&path, &[("password", password), ("password_repeat", repeat)]).await;
        is_page(&page, 400);
        assert!(page.text.contains("aria-invalid"), "{password:.10} {repeat:.10}");
        assert!(
            !page.text.contains("value=\"one\"") && !page.text.contains("value=\"two\""),
            "passwords are never sent back"
        );
    }
    let recovery = admin.form(&format!("/if/admin/users/{alice}/recovery/"), &[]).await;
    is_page(&recovery, 400);
    assert!(recovery.text.contains("There is no recovery flow yet"), "{}", recovery.text);
    for path in [
        "/if/admin/users/nobody/",
        "/if/admin/users/999999/",
        "/if/admin/users/99999999999999999999/",
        "/if/admin/users/?page=99",
        "/if/admin/users/?page=x",
        "/if/admin/events/1/",
        "/if/admin/events/6ba7b810-9dad-11d1-80b4-00c04fd430c8/",
    ] {
        is_page(&admin.get(path).await, 404);
    }
    for path in [format!("/if/admin/users/{alice}/explode/"), "/if/user/sessions/x/end/".into()] {
        is_page(&admin.form(&path, &[]).await, 404);
    }
    is_page(&admin.get("/if/admin/events/?action=nonsense").await, 400);
    is_page(&admin.get("/if/admin/users/?search=%00&status=%3Cb%3E").await, 200);
    // The address of an action leads back.
    assert_eq!(admin.get(&path).await.location(), format!("/if/admin/users/{alice}/"));
}

#[tokio::test]
async fn pages_are_for_those_who_may_see_what_they_show() {
    let app = App::start().await;
    app.user("nobody", PASSWORD).await;
    let reader = app.user("reader", PASSWORD).await;
    app.grants.grant(reader, &["authentik_events.view_event"]).await;
    let (mut nobody, mut reader) = (browser(&app, "nobody").await, browser(&app, "reader").await);
    let paths = [
        "/if/admin/",
        "/if/admin/users/",
        "/if/admin/users/new/",
        "/if/admin/users/1/",
        "/if/admin/events/",
        "/if/admin/mail/",
    ];
    for path in paths {
        is_page(&nobody.get(path).await, 403);
        let led = app.anonymous().get(&format!("{path}?a=1&b=2")).await;
        let next: String = url::form_urlencoded::byte_serialize(format!("{path}?a=1&b=2").as_bytes()).collect();
        assert_eq!(led.location(), format!("/flows/-/default/authentication/?next={next}"));
        let status = reader.get(path).await.status.as_u16();
        let expected = match path {
            "/if/admin/" => 302,
            "/if/admin/events/" => 200,
            _ => 403,
        };
        assert_eq!(status, expected, "{path}");
    }
    // A token is no session: pages are for browsers.
    assert_eq!(app.admin().get("/if/admin/users/").await.status, 302);
    let mut both = nobody.clone().with_token(crate::app::ADMIN);
    is_page(&both.get("/if/admin/users/").await, 403);
}

#[tokio::test]
async fn sessions_are_ended_by_their_user_and_by_who_may() {
    let app = App::start().await;
    let alice = app.user("alice", PASSWORD).await;
    app.user("mallory", PASSWORD).await;
    let (mut here, mut there) = (browser(&app, "alice").await, browser(&app, "alice").await);
    let mut mallory = browser(&app, "mallory").await;
    let mut admin = browser(&app, "akadmin").await;
    let page = here.get("/if/user/").await;
    is_page(&page, 200);
    let ends: Vec<String> = page
        .text
        .split("action=\"")
        .filter_map(|rest| rest.split('"').next())
        .map(|path| path.replace("&#x2f;", "/"))
        .filter(|path| path.starts_with("/if/user/sessions/"))
        .collect();
    assert_eq!(ends.len(), 1, "the other one, not this one: {}", page.text);
    let end = &ends[0];
    is_page(&mallory.get("/if/user/").await, 200);
    assert_eq!(app.anonymous().form(end, &[]).await.status, 302);
    is_page(&forged(&app, &here).form(end, &[]).await, 403);
    // Whoever may not see it is told that it is not there, which is what was asked for.
    mallory.form(end, &[]).await;
    is_page(&there.get("/if/user/").await, 200);
    let done = here.form(end, &[]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, "/if/user/?done=session_ended"));
    assert_eq!(there.get("/if/user/").await.status, 302);
    is_page(&here.get("/if/user/").await, 200);
    // The same for an administrator, at the user's page.
    let home = format!("/if/admin/users/{alice}/");
    let page = admin.get(&home).await.text.replace("&#x2f;", "/");
    let marker = format!("{home}sessions/");
    let session = page.split(&marker).nth(1).unwrap().split('/').next().unwrap();
    is_page(&forged(&app, &admin).form(&format!("{marker}{session}/end/"), &[]).await, 403);
    is_page(&here.get("/if/user/").await, 200);
    let done = admin.form(&format!("{marker}{session}/end/"), &[]).await;
    assert_eq!(done.location(), format!("{home}?done=session_ended"));
    assert_eq!(here.get("/if/user/").await.status, 302);
}

#[tokio::test]
async fn a_recovery_link_is_shown_once_and_to_who_may() {
    let app = App::start().await;
    let alice = app.user("alice", "").await;
    app.user("nobody", PASSWORD).await;
    let mut api = app.admin();
    let flow = json!({"name": "back", "slug": "back", "title": "Back", "designation": "recovery"});
    let flow = api.post("/api/v3/flows/instances/", flow).await.expect(201)["pk"].clone();
    let brand = api.get("/api/v3/core/brands/").await.expect(200)["results"][0]["brand_uuid"].clone();
    let brand = format!("/api/v3/core/brands/{}/", brand.as_str().unwrap());
    api.patch(&brand, json!({"flow_recovery": flow})).await.expect(200);
    let path = format!("/if/admin/users/{alice}/recovery/");
    let (mut admin, mut nobody) = (browser(&app, "akadmin").await, browser(&app, "nobody").await);
    is_page(&nobody.form(&path, &[]).await, 403);
    is_page(&forged(&app, &admin).form(&path, &[]).await, 403);
    let page = admin.form(&path, &[]).await;
    is_page(&page, 200);
    assert!(page.text.contains("flow_token="), "{}", page.text);
    let again = admin.get(&format!("/if/admin/users/{alice}/")).await;
    assert!(!again.text.contains("flow_token="));
}

#[tokio::test]
async fn the_log_is_filtered_and_each_event_opened() {
    let app = App::start().await;
    app.user("alice", PASSWORD).await;
    let mut admin = browser(&app, "akadmin").await;
    browser(&app, "alice").await;
    let page = admin.get("/if/admin/events/?action=login&username=alice").await;
    is_page(&page, 200);
    assert_eq!(page.text.matches("<tr>").count(), 2, "a head and one row: {}", page.text);
    let text = page.text.replace("&#x2f;", "/");
    let path = text.split("<th scope=\"row\"><a href=\"").nth(1).unwrap().split('"').next().unwrap();
    let event = admin.get(path).await;
    is_page(&event, 200);
    assert!(event.text.contains("alice") && event.text.contains("auth_method"), "{}", event.text);
    let german = admin.clone().with_header("accept-language", "de").get("/if/admin/events/").await;
    assert!(german.text.contains("Ereignisse") && german.text.contains("Angemeldet"), "{}", german.text);
}

#[tokio::test]
async fn a_test_of_mail_is_for_who_may_change_settings() {
    let app = App::start().await;
    app.user("nobody", PASSWORD).await;
    let (mut admin, mut nobody) = (browser(&app, "akadmin").await, browser(&app, "nobody").await);
    let path = "/if/admin/mail/";
    let page = admin.get(path).await;
    is_page(&page, 200);
    assert!(page.text.contains("VESTIBULE_EMAIL_HOST"), "there is no mail server: {}", page.text);
    let to = [("to", "root@example.com")];
    is_page(&nobody.form(path, &to).await, 403);
    is_page(&forged(&app, &admin).form(path, &to).await, 403);
    is_page(&admin.form(path, &[("to", "nowhere")]).await, 400);
    // A server that is not there is told as what it is.
    let more = [("email_host", "127.0.0.1"), ("email_port", "1"), ("email_timeout", "2")];
    let app = App::over(vestibule_testkit::TestDatabase::new().await, &more).await;
    let mut admin = browser(&app, "akadmin").await;
    let page = admin.form(path, &to).await;
    is_page(&page, 400);
    assert!(
        page.text.contains("could not be sent") && page.text.contains("value=\"root@example.com\""),
        "{}",
        page.text
    );
}
