//! What went wrong at authentik and at its peers with grants, addresses and tokens: each a test of its name.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use vestibule_jose::{Jws, SigningKey, encode, sign};

use super::device::{begin, device_flow, poll};
use super::{CALLBACK, SECRET, Site, alice, key_pair, query, signed_in};
use crate::app::{App, PASSWORD};
use crate::security::{executor, login};

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

async fn renew(site: &Site<'_>, token: &str) -> vestibule_testkit::Answer {
    site.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

#[tokio::test]
async fn cve_2024_38371_a_device_is_for_those_who_may_open_the_application() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let other = app.user("bob", "").await;
    device_flow(&app).await;
    let site = Site::new(&app, "tv", json!({"client_type": "public"})).await;
    let begun = begin(&site).await;
    site.only_for(other).await;
    client.get(&format!("/device?code={}", text(&begun, "user_code"))).await;
    assert_eq!(poll(&site, &begun).await.expect(400)["error"], "authorization_pending");
    assert_eq!(app.number("SELECT count(*) AS n FROM oauth2_access_tokens", vec![]).await, 0);
}

#[tokio::test]
async fn cve_2024_47077_a_token_is_looked_at_by_its_own_client() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let (site, other) = (Site::new(&app, "wiki", json!({})).await, Site::new(&app, "other", json!({})).await);
    let tokens = site.tokens(&mut client).await;
    for name in ["access_token", "refresh_token"] {
        assert_eq!(other.introspect(text(&tokens, name)).await, json!({"active": false}));
        assert_eq!(site.introspect(text(&tokens, name)).await["active"], true);
    }
}

#[tokio::test]
async fn cve_2025_64521_who_was_deactivated_gets_nothing_by_any_grant() {
    let app = App::start().await;
    let (pk, mut client) = alice(&app).await;
    device_flow(&app).await;
    let grants = json!([
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "password",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ]);
    let front = Site::new(&app, "front", json!({})).await;
    let more = json!({"grant_types": grants, "jwt_federation_providers": [front.provider]});
    let site = Site::new(&app, "wiki", more).await;
    let mut admin = app.admin();
    let body = json!({"identifier": "app", "intent": "app_password", "user": pk});
    admin.post("/api/v3/core/tokens/", body).await.expect(201);
    let password = admin.get("/api/v3/core/tokens/app/view_key/").await.expect(200)["key"].clone();
    let tokens = site.tokens(&mut client).await;
    let subject = front.tokens(&mut client).await;
    let code = site.code(&mut client, &[]).await;
    let device = begin(&site).await;
    let flow = client.get(&format!("/device?code={}", text(&device, "user_code"))).await.location().to_owned();
    assert!(client.get(&flow).await.text.contains("Your device is connected"));
    let machine = [("grant_type", "client_credentials"), ("scope", "profile")];
    let by_name = [("grant_type", "password"), ("username", "alice"), ("password", password.as_str().unwrap())];
    let federated = [
        ("grant_type", "client_credentials"),
        ("client_assertion", text(&subject, "access_token")),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ];
    let exchange = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", text(&subject, "access_token")),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    for pairs in [&machine[..], &by_name[..], &federated[..], &exchange[..]] {
        site.token(pairs).await.expect(200);
    }
    let own = admin.get("/api/v3/core/users/?username=ak-wiki-client_credentials").await.expect(200);
    for user in [json!(pk), own["results"][0]["pk"].clone()] {
        admin.patch(&format!("/api/v3/core/users/{user}/"), json!({"is_active": false})).await.expect(200);
    }
    let refused = [
        site.exchange(&code, &[]).await,
        renew(&site, text(&tokens, "refresh_token")).await,
        site.token(&machine).await,
        site.token(&by_name).await,
        site.token(&federated).await,
        site.token(&exchange).await,
        poll(&site, &device).await,
    ];
    for answer in refused {
        assert_eq!(answer.expect(400)["error"], "invalid_grant");
    }
    assert_eq!(site.userinfo(text(&tokens, "access_token")).await.status, 401);
    assert_eq!(site.introspect(text(&tokens, "access_token")).await, json!({"active": false}));
}

#[tokio::test]
async fn cve_2025_53942_who_is_inactive_authorizes_no_application() {
    let app = App::start().await;
    let (pk, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    app.admin().patch(&format!("/api/v3/core/users/{pk}/"), json!({"is_active": false})).await.expect(200);
    let answer = site.authorize(&mut client, &[]).await;
    assert!(!answer.location().contains("code="), "{}", answer.location());
    assert_eq!(app.number("SELECT count(*) AS n FROM oauth2_codes", vec![]).await, 0);
}

#[tokio::test]
async fn cve_2025_64708_codes_and_tokens_end_when_they_say() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({"refresh_token_validity": "hours=2"})).await;
    let tokens = site.tokens(&mut client).await;
    let code = site.code(&mut client, &[]).await;
    // No job has run meanwhile.
    app.later(61);
    assert_eq!(site.exchange(&code, &[]).await.expect(400)["error"], "invalid_grant");
    app.later(3600);
    assert_eq!(site.userinfo(text(&tokens, "access_token")).await.status, 401);
    app.later(3600);
    assert_eq!(renew(&site, text(&tokens, "refresh_token")).await.expect(400)["error"], "invalid_grant");
}

#[tokio::test]
async fn cve_2026_40166_a_token_shows_no_secret_of_its_provider() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    site.tokens(&mut client).await;
    for path in ["access_tokens", "refresh_tokens"] {
        let shown = client.get(&format!("/api/v3/oauth2/{path}/")).await;
        assert!(shown.text.contains("\"wiki\"") && !shown.text.contains(SECRET), "{}", shown.text);
    }
}

/// What becomes a script where it is not escaped.
const SCRIPTS: [&str; 4] = [
    "\"><script>alert(1)</script>",
    "'><img src=x onerror=alert(1)>",
    "</textarea><svg onload=alert(1)>",
    "\" autofocus onfocus=\"x",
];

#[tokio::test]
async fn cve_2026_42849_what_a_form_carries_is_text() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let uris = json!([{"matching_mode": "regex", "url": ".*"}]);
    let site = Site::new(&app, "wiki", json!({"redirect_uris": uris})).await;
    for script in SCRIPTS {
        let address = format!("https://wiki.example/?{script}");
        for more in [[("state", script), ("prompt", "")], [("redirect_uri", &*address), ("prompt", "none")]] {
            let usual = ("response_mode", "form_post");
            let mut answer = site.authorize(&mut client, &[more[0], more[1], usual]).await;
            if answer.status == 302 {
                answer = client.get(answer.location()).await;
            }
            assert_eq!(answer.status, 200, "{}", answer.location());
            assert!(
                answer.text.contains("data-submit-itself") && answer.text.contains("wiki.example"),
                "{}",
                answer.text
            );
            assert!(!answer.text.contains(script), "{script}: {}", answer.text);
            let policy = answer.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe-inline"), "{policy}");
        }
    }
}

#[tokio::test]
async fn go_2026_4861_what_a_page_says_of_an_error_is_text() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    for script in SCRIPTS {
        for name in ["client_id", "redirect_uri"] {
            let answer = site.authorize(&mut client, &[(name, script)]).await;
            assert_eq!(answer.status, 400);
            assert!(!answer.text.contains(script), "{script}: {}", answer.text);
        }
    }
}

/// Keycloak CVE-2022-3782, CVE-2023-6291, CVE-2024-1132, CVE-2024-8883, CVE-2026-3872, CVE-2026-7504; Fosite CVE-2020-15233 and
/// CVE-2020-15234; `mod_auth_openidc` CVE-2019-14857, CVE-2022-23527.
#[tokio::test]
async fn cve_2024_8883_and_its_kin_an_address_is_compared_as_it_is() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let uris = json!([
        {"matching_mode": "strict", "url": CALLBACK},
        {"matching_mode": "regex", "url": "https://app\\.example/cb"},
        {"matching_mode": "strict", "url": "http://127.0.0.1/native"},
    ]);
    let site = Site::new(&app, "wiki", json!({"redirect_uris": uris})).await;
    for address in [
        "https://wiki.example@evil.example/callback",
        "https://wiki.example:443@evil.example/callback",
        "http://127.0.0.1:80@evil.example/native",
        "http://127.0.0.1:8080/native",
        "https://wiki.example/callback/..;/evil",
        "https://wiki.example/callback/../evil",
        "https://wiki.example/callback%2f..%2fevil",
        "https://wiki.example/%63allback",
        "https://wiki.example/%2563allback",
        "https://wiki.example/CALLBACK",
        "HTTPS://wiki.example/callback",
        "https://WIKI.example/callback",
        "https://wiki.example/callback/",
        "https://wiki.example/callback?",
        "https://wiki.example/callback#",
        "https://wiki.example\\@evil.example/callback",
        "https:\\\\wiki.example\\callback",
        "https://wiki.example/\tcallback",
        " https://wiki.example/callback",
        "https://wiki.example./callback",
        "https://wiki。example/callback",
        "https://xn--wiki-.example/callback",
        "//wiki.example/callback",
        "/callback",
        "https://app.example/cb\n",
        "https://evil.example/?https://app.example/cb",
        "https://app.example/cb/../x",
        "https://appxexample/cb",
    ] {
        let answer = site.authorize(&mut client, &[("redirect_uri", address)]).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (400, ""), "{address:?}");
        // Nor where people go when they have left.
        let pairs = query(&[("post_logout_redirect_uri", address)]);
        let answer = app.anonymous().get(&format!("/application/o/wiki/end-session/?{pairs}")).await;
        assert_eq!(answer.location(), "/", "{address:?}");
    }
    for address in [CALLBACK, "https://app.example/cb", "http://127.0.0.1/native"] {
        assert!(site.authorize(&mut client, &[("redirect_uri", address)]).await.location().starts_with(address));
    }
}

#[tokio::test]
async fn cve_2026_4282_a_code_that_comes_again_ends_what_came_of_it() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let code = site.code(&mut client, &[]).await;
    let tokens = site.exchange(&code, &[]).await.expect(200);
    let renewed = renew(&site, text(&tokens, "refresh_token")).await.expect(200);
    assert_eq!(site.exchange(&code, &[]).await.expect(400)["error"], "invalid_grant");
    assert_eq!(site.userinfo(text(&renewed, "access_token")).await.status, 401);
    assert_eq!(renew(&site, text(&renewed, "refresh_token")).await.expect(400)["error"], "invalid_grant");
}

#[tokio::test]
async fn cve_2026_1035_of_many_who_renew_at_once_one_does() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let tokens = site.tokens(&mut client).await;
    let token = text(&tokens, "refresh_token");
    let answers = futures::future::join_all((0..8).map(|_| renew(&site, token))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

/// Keycloak CVE-2022-3916: a refresh token that outlasts its session does not get into the next one of that browser.
#[tokio::test]
async fn cve_2022_3916_a_refresh_token_takes_no_other_session_over() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    app.user("bob", PASSWORD).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let hers = site.tokens(&mut client).await;
    client.get(&executor("default-invalidation-flow", "")).await;
    login(&mut client, "bob", PASSWORD, "").await;
    let his = site.tokens(&mut client).await;
    let renewed = renew(&site, text(&hers, "refresh_token")).await.expect(200);
    let (before, after) = (super::claims(text(&hers, "id_token")), super::claims(text(&renewed, "id_token")));
    assert_eq!((&before["sub"], after.get("sid")), (&after["sub"], None));
    assert_ne!(before["sub"], super::claims(text(&his, "id_token"))["sub"]);
    // Bob's going does not end what is hers, nor hers his.
    client.get(&executor("default-invalidation-flow", "")).await;
    assert_eq!(site.userinfo(text(&his, "access_token")).await.status, 401);
    assert_eq!(site.userinfo(text(&renewed, "access_token")).await.expect(200)["preferred_username"], "alice");
}

#[tokio::test]
async fn cve_2023_6787_leaving_a_login_that_was_demanded_gives_nothing() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let demanded = [("prompt", "login")];
    let to = site.authorize(&mut client, &demanded).await.location().to_owned();
    client.get(&to).await;
    client.get("/flows/-/cancel/").await;
    let again = site.authorize(&mut client, &demanded).await;
    assert!(again.location().starts_with("/if/flow/"), "{}", again.location());
    assert_eq!(app.number("SELECT count(*) AS n FROM oauth2_codes", vec![]).await, 0);
}

/// Auth0 CVE-2022-23539, CVE-2022-23541 besides.
#[tokio::test]
async fn cve_2022_23540_a_hint_is_signed_by_the_key_and_no_other_way() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let key = key_pair(&app, "rsa", "rsa").await;
    let site = Site::new(&app, "wiki", json!({"signing_key": key})).await;
    let tokens = site.tokens(&mut client).await;
    let good = text(&tokens, "id_token");
    let (kid, claims) = (Jws::parse(good).unwrap().kid().unwrap().to_owned(), super::claims(good));
    let certificate = format!("/api/v3/crypto/certificatekeypairs/{}/view_certificate/", key.as_str().unwrap());
    let certificate = app.admin().get(&certificate).await.expect(200)["data"].as_str().unwrap().to_owned();
    let jwks = app.anonymous().get("/application/o/wiki/jwks/").await.expect(200);
    let bare =
        |header: Value| format!("{}.{}.", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let by = |secret: &str| sign(&SigningKey::shared(secret.as_bytes()), &[("kid", &*kid)], &claims).unwrap();
    let forged = [
        bare(json!({"alg": "none", "kid": kid})),
        bare(json!({"alg": "NONE"})),
        bare(json!({"alg": "RS256", "kid": kid, "jku": "https://evil.example/keys"})),
        by(SECRET),
        by(&certificate),
        by(&jwks["keys"][0].to_string()),
        by(jwks["keys"][0]["n"].as_str().unwrap()),
    ];
    let leave = |hint: &str| format!("/application/o/wiki/end-session/?{}", query(&[("id_token_hint", hint)]));
    for token in forged {
        assert_eq!(app.anonymous().get(&leave(&token)).await.status, 400, "{token}");
        assert_eq!(site.userinfo(&token).await.status, 401, "{token}");
    }
    assert_eq!(app.anonymous().get(&leave(good)).await.status, 302);
}

/// Who listens, and how often somebody came.
async fn listener() -> (String, Arc<AtomicUsize>) {
    let heard = Arc::new(AtomicUsize::new(0));
    let count = heard.clone();
    let router = axum::Router::new().fallback(move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { "{}" }
    });
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/x", socket.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(socket, router).await });
    (address, heard)
}

#[tokio::test]
async fn cve_2020_10770_and_cve_2026_1180_no_address_of_a_client_is_fetched() {
    let app = App::start().await;
    let (_, mut client) = signed_in(&app, "alice").await;
    let (address, heard) = listener().await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let answer = site.authorize(&mut client, &[("request_uri", &address)]).await;
    assert!(answer.location().contains("error=request_uri_not_supported"), "{}", answer.location());
    app.admin().post("/api/v3/providers/oauth2-dcr/", json!({"provider": site.provider})).await.expect(201);
    let asked = json!({
        "client_name": "Notes", "redirect_uris": ["https://notes.example/cb"], "jwks_uri": address, "logo_uri": address,
        "sector_identifier_uri": address, "request_uris": [address], "client_uri": address,
    });
    app.anonymous().post("/application/o/wiki/register/", asked).await;
    assert_eq!(heard.load(Ordering::SeqCst), 0);
}
