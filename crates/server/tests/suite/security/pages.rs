//! Pages and redirects: what an attacker may try to make of them.

use serde_json::json;

use super::{FLOW, executor, login};
use crate::app::{App, PASSWORD};
use crate::conformance::Findings;

/// However `next` is dressed, the way leads to this host.
#[tokio::test]
async fn open_redirects() {
    const AWAY: [&str; 30] = [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "http:///evil.example",
        "https:evil.example",
        "https:/evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        "/%09/evil.example",
        "/%2f%2fevil.example",
        "http://localhost@evil.example",
        "http://localhost.evil.example",
        "http://localhost:80@evil.example",
        "http://localhost\\@evil.example",
        "http://evil.example#localhost",
        "http://evil.example?localhost",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "ftp://evil.example",
        "http://localhost//evil.example",
        "http://xn--vil-xmc.example",
    ];
    let app = App::start().await;
    let here = |to: &str| {
        let base = url::Url::parse("http://localhost/").unwrap();
        base.join(to).is_ok_and(|url| url.origin() == base.origin()) && !to.starts_with("//")
    };
    let mut findings = Findings::default();
    let end = login(&mut app.anonymous(), "akadmin", PASSWORD, "next=%2Fif%2Fuser%2F%3Fa%3D1%23b").await;
    assert_eq!(end["to"], "/if/user/?a=1#b", "a path of this host is kept");
    for next in AWAY {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let mut client = app.anonymous();
        let end = login(&mut client, "akadmin", PASSWORD, &query).await;
        let to = end["to"].as_str().unwrap_or("/");
        let failed = end["component"] == "ak-stage-flow-error";
        findings.check(failed || (end["component"] == "xak-flow-redirect" && here(to)), || format!("{next:?}: {end}"));
        for path in ["/flows/-/cancel/", "/flows/-/default/authentication/", "/flows/-/default/invalidation/", "/"] {
            let answer = client.get(&format!("{path}?{query}")).await;
            let to = answer.location();
            findings.check(answer.status == 302 && here(to), || format!("{path} {next:?}: {} {to:?}", answer.status));
        }
        let page = client.get(&format!("/if/flow/{FLOW}/?{query}")).await;
        findings.check(here(page.location()), || format!("page {next:?}: {:?}", page.location()));
        let hrefs = page.text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let bad: Vec<_> = hrefs.filter(|href| !here(&href.replace("&amp;", "&"))).collect();
        findings.check(bad.is_empty(), || format!("page {next:?}: {bad:?}"));
    }
    findings.none();
}

/// The host that a client names appears in no link that somebody else follows.
#[tokio::test]
async fn host_header_poisoning() {
    let app = App::start().await;
    let mut client =
        app.anonymous().with_header("x-forwarded-host", "evil.example").with_header("forwarded", "host=evil.example");
    for path in [format!("/if/flow/{FLOW}/"), "/flows/-/default/authentication/".into(), executor(FLOW, ""), "/".into()]
    {
        let answer = client.get(&path).await;
        assert!(!answer.text.contains("evil.example") && !answer.location().contains("evil.example"), "{path}");
    }
    let mut admin = app.admin().with_header("x-forwarded-host", "evil.example");
    for path in [
        format!("/api/v3/flows/instances/{FLOW}/execute/"),
        "/api/v3/sources/oauth/".into(),
        format!("/api/v3/flows/instances/{FLOW}/"),
    ] {
        assert!(!admin.get(&path).await.text.contains("evil.example"), "{path}");
    }
}

/// Pages are framed by nobody else, run nobody else's scripts, and show texts as texts.
#[tokio::test]
async fn clickjacking_and_script_injection() {
    let app = App::start().await;
    let needle = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{7*7}}";
    let mut admin = app.admin();
    let flow = format!("/api/v3/flows/instances/{FLOW}/");
    admin.patch(&flow, json!({"title": needle, "name": needle, "background": "/x\"');}</style>"})).await.expect(200);
    let brands = admin.get("/api/v3/core/brands/").await.expect(200);
    let brand = format!("/api/v3/core/brands/{}/", brands["results"][0]["brand_uuid"].as_str().unwrap());
    let css = "</style><script>alert(1)</script>";
    let body = json!({"branding_title": needle, "branding_custom_css": css, "branding_logo": "/x\"onerror=\"alert(1)"});
    admin.patch(&brand, body).await.expect(200);
    app.user(needle, PASSWORD).await;
    let mut client = app.anonymous().with_header("sec-fetch-site", "same-origin");
    let page = format!("/if/flow/{FLOW}/");
    let mut answers = vec![client.get(&page).await];
    answers.push(client.form(&page, &[("uid_field", needle)]).await);
    answers.push(client.get(&page).await);
    login(&mut client, needle, PASSWORD, "").await;
    answers.push(client.get("/if/user/").await);
    answers.push(client.get(&format!("/nothing/{}", "%3Cscript%3Ealert(1)%3C/script%3E")).await);
    answers.push(client.get("/if/flow/%3Cscript%3E/").await);
    for answer in answers {
        assert!(!answer.text.contains("<script>alert") && !answer.text.contains("<img src=x"), "{}", answer.text);
        assert!(!answer.text.contains("\"onerror=") && !answer.text.contains("}}49"), "{}", answer.text);
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-"), "{policy}");
        assert_eq!(answer.headers["x-frame-options"], "DENY");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
}
