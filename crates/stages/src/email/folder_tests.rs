//! Tests of the administrator's own templates.

use serde_json::json;

use super::tests::{Post, unfold};
use super::use_templates;

const EMAIL: &str = "/api/v3/stages/email/";

/// One folder for the tests of this process, which add files and change none.
fn write(name: &str, source: &str) {
    let folder = std::env::temp_dir().join(format!("vestibule-templates-{}", std::process::id()));
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, source).unwrap();
    use_templates(&folder);
}

#[tokio::test]
async fn templates_of_the_folder_are_listed_and_checked_when_a_stage_is_saved() {
    write("own/welcome.html", "{% load i18n %}<p>{{ user.name }}</p><a href=\"{{ url }}\">{% trans 'Go' %}</a>");
    write("own/welcome.txt", "{{ url }}");
    write("own/broken.html", "\n{% static 'logo.png' %}");
    std::fs::write(std::env::temp_dir().join("vestibule-outside.html"), "outside").unwrap();
    let app = vestibule_testkit::TestApp::start(crate::test_support::families()).await;
    let mut admin = app.admin().await;
    let listed = admin.get(&format!("{EMAIL}templates/")).await.expect(200);
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"own/welcome.html") && names.contains(&"email/password_reset.html"), "{names:?}");
    assert!(!names.contains(&"own/welcome.txt"), "{names:?}");
    for (number, path) in [EMAIL, "/api/v3/stages/authenticator/email/"].into_iter().enumerate() {
        let body = |template: &str| json!({"name": format!("s{number}"), "template": template});
        for outside in ["../vestibule-outside.html", "/etc/passwd", "own/../own/welcome.html", "own/welcome.txt", ""] {
            let errors = admin.post(path, body(outside)).await.expect(400);
            assert!(errors["template"][0].is_string(), "{outside}: {errors}");
        }
        let errors = admin.post(path, body("own/broken.html")).await.expect(400);
        let error = errors["template"][0].as_str().unwrap();
        assert!(error.contains("own/broken.html") && error.contains("`static` is not known (line 2)"), "{error}");
        let made = admin.post(path, body("own/welcome.html")).await.expect(201);
        assert_eq!(made["template"], "own/welcome.html");
    }
}

#[tokio::test]
async fn a_mail_is_made_from_the_template_as_it_is_then() {
    write("late.html", "<p>Dear {{ user.name }}, {{ url }}</p>");
    let mut post = Post::start().await;
    let stage = post.stage(json!({"template": "late.html"})).await;
    post.brand("authentik-default", true).await;
    let user = post.app.user("alice", "", json!({"name": "Al", "email": "alice@example.com"})).await;
    assert_eq!(post.ask(user, &stage).await.status, 204);
    write("late.html", "<p>Hello {{ user.name }} {{ url }}</p>");
    post.work().await;
    let mail = unfold(&post.server.messages()[0]);
    assert!(mail.contains("<p>Hello Al https:") && mail.contains("\nHello Al https://"), "{mail}");
    // Broken by the time that it is sent: no mail, no other template, and the task says why.
    write("late.html", "{% nonsense %}");
    assert_eq!(post.ask(user, &stage).await.status, 204);
    post.work().await;
    assert_eq!(post.server.messages().len(), 1);
    assert!(post.log().await.contains("`nonsense` is not known (line 1)"), "{}", post.log().await);
}
