//! The pages of those who are signed in: each shown and each action done to who may, refused to who may not, to bad input
//! and to forms of other sites; and nothing changes where it is refused.

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

#[tokio::test]
async fn the_application_is_for_those_who_may_see_what_it_shows() {
    let app = App::start().await;
    app.user("nobody", PASSWORD).await;
    for (name, permission) in [
        ("reader", "authentik_events.view_event"),
        ("helper", "authentik_core.view_user"),
        ("postman", "authentik_rbac.edit_system_settings"),
        ("guest", "authentik_rbac.access_admin_interface"),
    ] {
        let user = app.user(name, PASSWORD).await;
        app.grants.grant(user, &[permission]).await;
    }
    // Every address below is the application's: its scripts know what is there.
    for path in ["/if/admin/", "/if/admin/core/users/", "/if/admin/core/users/1/", "/if/admin/nowhere/at/all/"] {
        let led = app.anonymous().get(&format!("{path}?a=1&b=2")).await;
        let next: String = url::form_urlencoded::byte_serialize(format!("{path}?a=1&b=2").as_bytes()).collect();
        assert_eq!(led.location(), format!("/flows/-/default/authentication/?next={next}"));
        is_page(&browser(&app, "nobody").await.get(path).await, 403);
        for name in ["akadmin", "reader", "helper", "postman", "guest"] {
            is_page(&browser(&app, name).await.get(path).await, 200);
        }
    }
    let mut nobody = browser(&app, "nobody").await;
    is_page(&nobody.get("/if/admin/mail/").await, 403);
    is_page(&browser(&app, "reader").await.get("/if/admin/mail/").await, 403);
    // A token is no session: pages are for browsers.
    assert_eq!(app.admin().get("/if/admin/core/users/").await.status, 302);
    is_page(&nobody.with_token(crate::app::ADMIN).get("/if/admin/core/users/").await, 403);
}

#[tokio::test]
async fn the_applications_policy_lets_nothing_run_inline_and_its_nonce_is_new_each_time() {
    let app = App::start().await;
    let mut admin = browser(&app, "akadmin").await.with_header("accept-language", "de");
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let page = admin.get("/if/admin/").await;
        is_page(&page, 200);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self'"), "{policy}");
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap().to_owned();
        let is_bundled = !vestibule_web::BUNDLE.is_empty();
        assert_eq!(page.text.contains(&format!("nonce=\"{nonce}\"")), is_bundled, "{}", page.text);
        assert_eq!(page.text.contains("make web"), !is_bundled, "{}", page.text);
        assert!(!is_bundled || page.text.contains("<html lang=\"de\""), "{}", page.text);
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn sessions_are_ended_by_their_user() {
    let app = App::start().await;
    app.user("alice", PASSWORD).await;
    app.user("mallory", PASSWORD).await;
    let (mut here, mut there) = (browser(&app, "alice").await, browser(&app, "alice").await);
    let mut mallory = browser(&app, "mallory").await;
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
