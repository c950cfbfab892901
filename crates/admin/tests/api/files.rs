//! Files: uploaded, listed, served without a chance to run, deleted.

use http::Method;
use serde_json::{Value, json};
use vestibule_testkit::{Answer, Client};

use crate::app::App;

const PATH: &str = "/api/v3/admin/file/";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n not much of a picture";
const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";

async fn upload(client: &mut Client, original: &str, content: &[u8], fields: &[(&str, &str)]) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    let head = format!("--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{original}\"\r\n\r\n");
    body.extend(head.bytes());
    body.extend(content);
    body.extend(b"\r\n--edge--\r\n");
    client.send(Method::POST, PATH, Some("multipart/form-data; boundary=edge"), body).await
}

#[tokio::test]
async fn a_file_is_uploaded_listed_served_and_deleted() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    assert_eq!(admin.get(PATH).await.expect(200), json!([]));
    let made = upload(&mut admin, "logo.png", PNG, &[]).await;
    assert_eq!((made.status.as_u16(), made.text.as_str()), (200, ""));
    upload(&mut admin, "x.png", PNG, &[("name", "icons/small.png"), ("usage", "media")]).await.expect(200);
    let taken = upload(&mut admin, "logo.png", PNG, &[]).await.expect(400);
    assert_eq!(taken, json!({"name": ["A file with this name already exists."]}));
    let listed = admin.get(&format!("{PATH}?search=SMALL")).await.expect(200);
    let entry = json!({
        "name": "icons/small.png", "mime_type": "image/png", "themed_urls": null,
        "url": "http://localhost/files/media/public/icons/small.png",
    });
    assert_eq!(listed, json!([entry]));
    upload(&mut admin, "x.png", PNG, &[("name", "both-%(theme)s.png")]).await.expect(200);
    let themed = admin.get(&format!("{PATH}?search=both")).await.expect(200)[0]["themed_urls"].clone();
    let of = |theme: &str| format!("http://localhost/files/media/public/both-{theme}.png");
    assert_eq!(themed, json!({"light": of("light"), "dark": of("dark")}));
    admin.delete(&format!("{PATH}?name=both-%25(theme)s.png")).await.expect(200);
    let served = app.app.anonymous().get("/files/media/public/icons/small.png").await;
    assert_eq!((served.status.as_u16(), &served.headers["content-type"]), (200, &"image/png".parse().unwrap()));

    let brand = app.app.create("authentik_brands.brand", json!({"domain": "x", "branding_logo": "logo.png"})).await;
    let used = admin.get(&format!("{PATH}used_by/?name=logo.png")).await.expect(200);
    assert_eq!((&used[0]["pk"], &used[0]["action"]), (&brand["pk"], &json!("left_dangling")));
    app.app.clock.advance(chrono::TimeDelta::seconds(1));
    admin.delete(&format!("{PATH}?name=logo.png")).await.expect(200);
    assert_eq!(app.app.anonymous().get("/files/media/public/logo.png").await.status, 404);
    assert_eq!(admin.delete(PATH).await.expect(400), json!({"name": ["This field is required."]}));
    let events = admin.get("/api/v3/events/events/?context_model_app=authentik_admin_files").await.expect(200);
    let actions: Vec<&Value> = events["results"].as_array().unwrap().iter().map(|event| &event["action"]).collect();
    assert_eq!((actions.len(), actions[0]), (5, &json!("model_deleted")));
}

/// Cure53 ATH-01-001: no name leads out of the folder.
#[tokio::test]
async fn ath_01_001_names_do_not_lead_elsewhere() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    for name in ["../x.png", "a/../../x.png", "/etc/x.png", "a//b.png", ".x.png", "a\\..\\x.png", "a%2fb.png", "ü.png"]
    {
        let answer = upload(&mut admin, "x.png", PNG, &[("name", name)]).await.expect(400);
        assert!(answer.get("name").is_some(), "{name}: {answer}");
    }
    for path in ["../x", "..%2f..%2fetc%2fpasswd", "a/..%2f..%2fx", "%00"] {
        assert_eq!(app.app.anonymous().get(&format!("/files/media/public/{path}")).await.status, 404, "{path}");
        let answer = admin.delete(&format!("{PATH}?name={path}")).await;
        assert_eq!(answer.status, 400, "{path}");
    }
}

/// Cobalt 2024: an uploaded SVG ran script in this server's origin.
#[tokio::test]
async fn a_picture_runs_no_script() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    upload(&mut admin, "logo.svg", SVG, &[]).await.expect(200);
    let served = app.app.anonymous().get("/files/media/public/logo.svg").await;
    let policy = served.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox") && !policy.contains("script"));
    assert_eq!(served.headers["x-content-type-options"], "nosniff");
    for (name, content) in
        [("x.html", &b"<script>"[..]), ("x.png", b"<script>alert(1)</script>"), ("x.js", PNG), ("x", PNG)]
    {
        let answer = upload(&mut admin, name, content, &[]).await.expect(400);
        assert!(answer.get("file").is_some(), "{name}: {answer}");
    }
}

#[tokio::test]
async fn what_is_no_upload_is_said_so() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    admin.post(PATH, json!({"file": "x"})).await.expect(415);
    let type_of = Some("multipart/form-data; boundary=edge");
    let empty = admin.send(Method::POST, PATH, type_of, b"--edge--\r\n".to_vec()).await.expect(400);
    assert_eq!(empty, json!({"file": ["No file was submitted."]}));
    admin.send(Method::POST, PATH, type_of, b"nonsense".to_vec()).await.expect(400);
    upload(&mut admin, "x.png", b"", &[]).await.expect(400);
    upload(&mut admin, "x.png", PNG, &[("usage", "reports")]).await.expect(400);
    let (_, mut reader) = app.clerk("reader", &["authentik_rbac.view_media_files"]).await;
    reader.get(PATH).await.expect(200);
    upload(&mut reader, "x.png", PNG, &[]).await.expect(403);
    reader.delete(&format!("{PATH}?name=x.png")).await.expect(403);
    let (_, mut nobody) = app.clerk("nobody", &[]).await;
    nobody.get(PATH).await.expect(403);
    nobody.get(&format!("{PATH}used_by/?name=x")).await.expect(403);
}
