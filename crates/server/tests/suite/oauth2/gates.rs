//! Who gets what from the token endpoint: the client as its provider is set up, the user as policies say, whichever grant.

use serde_json::{Value, json};

use super::device::{begin, device_flow, poll};
use super::{CALLBACK, SECRET, Site, alice, basic, claims, key_pair, query};
use crate::app::App;

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// A device whose code Alice has typed.
async fn allowed_device(site: &Site<'_>, client: &mut vestibule_testkit::Client) -> Value {
    let begun = begin(site).await;
    let flow = client.get(&format!("/device?code={}", text(&begun, "user_code"))).await.location().to_owned();
    assert!(client.get(&flow).await.text.contains("Your device is connected"));
    begun
}

#[tokio::test]
async fn a_client_uses_the_grants_that_it_has_and_no_others() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    device_flow(&app).await;
    let key = key_pair(&app, "oidc", "ecdsa").await;
    let all = json!(["authorization_code", "refresh_token", "client_credentials", DEVICE, EXCHANGE]);
    let site = Site::new(&app, "wiki", json!({"grant_types": all, "signing_key": key})).await;
    let tokens = site.tokens(&mut client).await;
    let code = site.code(&mut client, &[]).await;
    let device = allowed_device(&site, &mut client).await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let machine = [("grant_type", "client_credentials")];
    let exchange = [
        ("grant_type", EXCHANGE),
        ("subject_token", text(&tokens, "access_token")),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    site.set(json!({"grant_types": ["implicit"]})).await;
    let told = app.anonymous().get("/application/o/wiki/.well-known/openid-configuration").await.expect(200);
    assert_eq!(told["grant_types_supported"], json!(["implicit"]));
    for answer in [
        site.exchange(&code, &[]).await,
        site.token(&refresh).await,
        site.token(&machine).await,
        site.token(&exchange).await,
        poll(&site, &device).await,
    ] {
        assert_eq!(answer.expect(400)["error"], "unauthorized_client");
    }
    // Nothing of it was used up.
    site.set(json!({"grant_types": ["hybrid", "password"]})).await;
    let only_access = site.exchange(&code, &[]).await.expect(200);
    assert!(only_access.get("refresh_token").is_none(), "it may use none");
    site.set(json!({"grant_types": all})).await;
    for pairs in [&refresh[..], &machine[..], &exchange[..]] {
        site.token(pairs).await.expect(200);
    }
    site.set(json!({"grant_types": [DEVICE]})).await;
    assert!(poll(&site, &device).await.expect(200).get("refresh_token").is_none());
}

#[tokio::test]
async fn what_was_not_asked_for_does_not_come_along() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let key = key_pair(&app, "oidc", "ecdsa").await;
    let site = Site::new(&app, "wiki", json!({"signing_key": key})).await;
    for (scope, refreshes, identifies) in
        [("openid", false, true), ("offline_access email", true, false), ("openid offline_access", true, true)]
    {
        let code = site.code(&mut client, &[("scope", scope)]).await;
        let tokens = site.exchange(&code, &[]).await.expect(200);
        assert_eq!(
            (tokens.get("refresh_token").is_some(), tokens.get("id_token").is_some()),
            (refreshes, identifies),
            "{scope}"
        );
        if identifies {
            let told = site.verified(text(&tokens, "id_token")).await;
            let hash = vestibule_jose::Algorithm::Es256.half_hash(text(&tokens, "access_token"));
            assert_eq!(told["at_hash"], hash, "{scope}");
        } else {
            assert_eq!(site.userinfo(text(&tokens, "access_token")).await.status, 403, "{scope}");
        }
    }
    // A refresh token is good as long as it was given to go on without them.
    let code = site.code(&mut client, &[("scope", "openid offline_access")]).await;
    let tokens = site.exchange(&code, &[]).await.expect(200);
    let less =
        [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token")), ("scope", "openid")];
    let renewed = site.token(&less).await.expect(200);
    assert!(renewed["refresh_token"].is_string(), "it reaches as far as the one before: {renewed}");
}

#[tokio::test]
async fn whoever_may_not_open_the_application_any_more_gets_nothing_by_any_grant() {
    let app = App::start().await;
    let (pk, mut client) = alice(&app).await;
    device_flow(&app).await;
    let more = json!({"grant_types": ["authorization_code", "refresh_token", "client_credentials", "password", DEVICE, EXCHANGE]});
    let front = Site::new(&app, "front", json!({})).await;
    let site = Site::new(&app, "wiki", more).await;
    site.set(json!({"jwt_federation_providers": [front.provider]})).await;
    let token = text(&front.tokens(&mut client).await, "access_token").to_owned();
    let mut admin = app.admin();
    admin
        .post("/api/v3/core/tokens/", json!({"identifier": "app", "intent": "app_password", "user": pk}))
        .await
        .expect(201);
    let password = admin.get("/api/v3/core/tokens/app/view_key/").await.expect(200)["key"].clone();
    let password = password.as_str().unwrap();
    let tokens = site.tokens(&mut client).await;
    let code = site.code(&mut client, &[]).await;
    let device = allowed_device(&site, &mut client).await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let by_name = [("grant_type", "client_credentials"), ("username", "alice"), ("password", password)];
    let by_password = [("grant_type", "password"), ("username", "alice"), ("password", password)];
    let itself = [("grant_type", "client_credentials")];
    let federated =
        [("grant_type", "client_credentials"), ("client_assertion", &*token), ("client_assertion_type", JWT_BEARER)];
    let exchange = [("grant_type", EXCHANGE), ("subject_token", &*token), ("subject_token_type", ACCESS_TOKEN)];
    let grants = [&refresh[..], &by_name[..], &by_password[..], &itself[..], &federated[..], &exchange[..]];
    for pairs in &grants[1..] {
        site.token(pairs).await.expect(200);
    }
    let other = app.user("bob", "").await;
    site.only_for(other).await;
    for pairs in grants {
        assert_eq!(site.token(pairs).await.expect(400)["error"], "invalid_grant", "{pairs:?}");
    }
    assert_eq!(site.exchange(&code, &[]).await.expect(400)["error"], "invalid_grant");
    assert_eq!(poll(&site, &device).await.expect(400)["error"], "invalid_grant");
}

#[tokio::test]
async fn policies_see_what_is_asked_for() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let front = Site::new(&app, "front", json!({})).await;
    let site = Site::new(&app, "wiki", json!({"jwt_federation_providers": [front.provider]})).await;
    let token = text(&front.tokens(&mut client).await, "access_token").to_owned();
    let mut admin = app.admin();
    let body = json!({
        "name": "asked",
        "expression": "if \"oauth_jwt\" in context:\n    return context[\"oauth_jwt\"][\"aud\"] == \"front\"\n\
                       if \"email\" in context[\"oauth_scopes\"]:\n    return False\n\
                       if context[\"oauth_grant_type\"] == \"client_credentials\":\n    return True\n\
                       return context[\"oauth_grant_type\"] == \"authorization_code\" and (\n\
                       \x20   \"oauth_redirect_uri\" not in context or context[\"oauth_response_type\"] == \"code\")",
    });
    let policy = admin.post("/api/v3/policies/expression/", body).await.expect(201);
    let body = json!({"target": site.target, "policy": policy["pk"], "order": 0});
    admin.post("/api/v3/policies/bindings/", body).await.expect(201);
    let code = site.code(&mut client, &[("scope", "openid profile")]).await;
    site.exchange(&code, &[]).await.expect(200);
    let refused = site.authorize(&mut client, &[("scope", "openid email")]).await;
    assert_eq!((refused.status.as_u16(), refused.location()), (403, ""));
    site.token(&[("grant_type", "client_credentials"), ("scope", "profile")]).await.expect(200);
    site.token(&[("grant_type", "client_credentials"), ("scope", "profile email")]).await.expect(400);
    // What a token of somebody else says, too.
    let federated = [
        ("grant_type", "client_credentials"),
        ("client_assertion", &*token),
        ("client_assertion_type", JWT_BEARER),
        ("scope", "email"),
    ];
    site.token(&federated).await.expect(200);
}

#[tokio::test]
async fn a_client_proves_itself_by_its_secret() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let key = key_pair(&app, "oidc", "ecdsa").await;
    let all = json!(["authorization_code", "refresh_token", "client_credentials", EXCHANGE]);
    let site = Site::new(&app, "wiki", json!({"grant_types": all, "signing_key": key})).await;
    let tokens = site.tokens(&mut client).await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let exchange = [
        ("grant_type", EXCHANGE),
        ("subject_token", text(&tokens, "access_token")),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    for secret in ["wrong", ""] {
        for pairs in [&refresh[..], &exchange[..]] {
            let pairs = [pairs, &[("client_secret", secret)]].concat();
            assert_eq!(site.token(&pairs).await.expect(400)["error"], "invalid_client", "{pairs:?}");
        }
        let pairs = [("token", text(&tokens, "access_token")), ("client_id", "wiki"), ("client_secret", secret)];
        assert_eq!(site.post("/application/o/introspect/", &pairs).await.expect(200), json!({"active": false}));
    }
    // Another client does not use, nor use up, what is not its own.
    let other = Site::new(&app, "other", json!({"grant_types": all})).await;
    assert_eq!(other.token(&refresh).await.expect(400)["error"], "invalid_grant");
    let renewed = site.token(&refresh).await.expect(200);
    // A secret with blanks and signs, as clients write it (RFC 6749, section 2.3.1).
    site.set(json!({"client_secret": "a b+c:d%"})).await;
    for written in ["a+b%2Bc%3Ad%25", "a%20b%2Bc%3Ad%25"] {
        let mut other = app.anonymous().with_header("authorization", &basic("wiki", written));
        let form = query(&[("grant_type", "client_credentials")]).into_bytes();
        other.send(http::Method::POST, "/application/o/token/", super::FORM, form).await.expect(200);
    }
    // One that has none is proved by none.
    site.set(json!({"client_secret": ""})).await;
    let empty =
        [("grant_type", "refresh_token"), ("refresh_token", text(&renewed, "refresh_token")), ("client_secret", "")];
    assert_eq!(site.token(&empty).await.expect(400)["error"], "invalid_client");
    let twice = "client_id=wiki&client_secret=x&grant_type=client_credentials&scope=openid&scope=email";
    let twice = app.anonymous().send(http::Method::POST, "/application/o/token/", super::FORM, twice.into()).await;
    assert_eq!(twice.expect(400)["error"], "invalid_request");
}

#[tokio::test]
async fn a_public_client_has_a_name_and_a_proof_key() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let key = key_pair(&app, "oidc", "ecdsa").await;
    let more = json!({"client_type": "public", "signing_key": key, "grant_types": ["authorization_code", "client_credentials", "refresh_token", EXCHANGE]});
    let site = Site::new(&app, "spa", more).await;
    let bare = [("client_secret", "")];
    // RFC 7636, section 4.2: the method is `plain` unless it is said.
    let verifier = "a-verifier-of-letters-digits-and-signs-0123456789";
    for method in [&[][..], &[("code_challenge_method", "plain")][..]] {
        let challenge = [&[("code_challenge", verifier)], method].concat();
        let code = site.code(&mut client, &challenge).await;
        let wrong = site.exchange(&code, &[bare[0], ("code_verifier", "another-verifier")]).await;
        assert_eq!(wrong.expect(400)["error"], "invalid_grant");
        let code = site.code(&mut client, &challenge).await;
        site.exchange(&code, &[bare[0], ("code_verifier", verifier)]).await.expect(200);
    }
    let code = site.code(&mut client, &[]).await;
    let tokens = site.exchange(&code, &bare).await.expect(200);
    let access = text(&tokens, "access_token");
    let refresh = [bare[0], ("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    site.token(&refresh).await.expect(200);
    // It asks for nobody but those who have signed in, and looks at no tokens, though it has a secret.
    assert_eq!(site.token(&[("grant_type", "client_credentials")]).await.expect(400)["error"], "invalid_grant");
    assert_eq!(site.introspect(access).await, json!({"active": false}));
    let exchange = [("grant_type", EXCHANGE), ("subject_token", access), ("subject_token_type", ACCESS_TOKEN)];
    assert_eq!(site.token(&exchange).await.expect(400)["error"], "unauthorized_client");
    // It may take its own tokens back.
    site.post("/application/o/revoke/", &[("client_id", "spa"), ("token", access)]).await.expect(200);
    assert_eq!(site.userinfo(access).await.status, 401);
}

#[tokio::test]
async fn a_token_is_exchanged_for_no_more_than_it_reaches() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let front = Site::new(&app, "front", json!({})).await;
    let back = Site::new(&app, "back", json!({"grant_types": [EXCHANGE]})).await;
    back.set(json!({"jwt_federation_providers": [front.provider]})).await;
    let code = front.code(&mut client, &[("scope", "openid profile offline_access")]).await;
    let tokens = front.exchange(&code, &[]).await.expect(200);
    let exchange = |more: &[(&'static str, &'static str)]| {
        let usual = [
            ("grant_type", EXCHANGE),
            ("subject_token", text(&tokens, "access_token")),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        let kept = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let pairs: Vec<(&str, &str)> = kept.chain(more.iter().copied()).collect();
        let back = &back;
        async move { back.token(&pairs).await }
    };
    for (asked, given) in [("openid email profile", "openid profile"), ("email", ""), ("profile", "profile")] {
        assert_eq!(exchange(&[("scope", asked)]).await.expect(200)["scope"], given, "{asked}");
    }
    let made = exchange(&[]).await.expect(200);
    assert_eq!((&made["scope"], made.get("refresh_token")), (&json!("openid offline_access profile"), None));
    for (more, error) in [
        (("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request"),
        (("requested_token_type", "urn:ietf:params:oauth:token-type:saml2"), "invalid_request"),
        (("subject_token", ""), "invalid_request"),
        (("subject_token", "nonsense"), "invalid_grant"),
        (("audience", "elsewhere"), "invalid_target"),
        (("resource", "https://elsewhere.example/"), "invalid_target"),
    ] {
        assert_eq!(exchange(&[more]).await.expect(400)["error"], error, "{more:?}");
    }
    // The newest event is this one's.
    app.later(1);
    exchange(&[("audience", "back")]).await.expect(200);
    let event = app.admin().get("/api/v3/events/events/?action=login&ordering=-created").await.expect(200);
    let context = &event["results"][0]["context"];
    assert_eq!(
        (&context["auth_method"], &context["auth_method_args"]["provider"]),
        (&json!("token_exchange"), &json!(front.provider))
    );
    // It ends with what it came of.
    let revoke = [("client_id", "front"), ("client_secret", SECRET), ("token", text(&tokens, "refresh_token"))];
    front.post("/application/o/revoke/", &revoke).await.expect(200);
    assert_eq!(back.introspect(text(&made, "access_token")).await, json!({"active": false}));
    assert_eq!(exchange(&[]).await.expect(400)["error"], "invalid_grant");
}

#[tokio::test]
async fn who_asks_for_itself_is_written_down_and_slowed_down() {
    let app = App::over(vestibule_testkit::TestDatabase::new().await, &[("rate_limit", "on")]).await;
    let site = Site::new(&app, "robot", json!({})).await;
    site.token(&[("grant_type", "client_credentials")]).await.expect(200);
    let event = app.admin().get("/api/v3/events/events/?action=login&ordering=-created").await.expect(200);
    let one = &event["results"][0];
    assert_eq!(
        (&one["user"]["username"], &one["context"]["auth_method"]),
        (&json!("ak-robot-client_credentials"), &json!("oauth_client_secret"))
    );
    let wrong = [
        ("grant_type", "client_credentials"),
        ("client_assertion", "a.b.c"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
    ];
    assert_eq!(site.token(&wrong).await.expect(400)["error"], "invalid_grant");
    // Whoever guesses application passwords is stopped, whoever it is that they guess.
    let guess = [("grant_type", "password"), ("username", "nobody"), ("password", "guess")];
    let mut statuses = Vec::new();
    for _ in 0..25 {
        statuses.push(site.token(&guess).await.status.as_u16());
    }
    assert_eq!((statuses.first(), statuses.last()), (Some(&400), Some(&429)));
}

#[tokio::test]
async fn subjects_of_two_sources_are_two_accounts() {
    let app = App::start().await;
    let pair = vestibule_crypto::generate(
        &vestibule_kernel::Ctx::system(),
        &vestibule_crypto::Request {
            common_name: "workloads".into(),
            alternative_names: Vec::new(),
            algorithm: vestibule_crypto::Algorithm::Ecdsa,
            rsa_bits: 0,
            until: vestibule_testkit::noon(),
        },
    );
    let key = vestibule_jose::SigningKey::of_pem(&pair.unwrap().key).unwrap();
    let mut sources = Vec::new();
    for name in ["one", "two"] {
        let mut jwk = key.public().unwrap().to_jwk();
        jwk.insert("kid".into(), name.into());
        let body = json!({
            "name": name, "slug": name, "provider_type": "github", "consumer_key": "x", "consumer_secret": "x",
            "oidc_jwks": {"keys": [jwk]},
        });
        sources.push(app.admin().post("/api/v3/sources/oauth/", body).await.expect(201)["pk"].clone());
    }
    let site = Site::new(&app, "robot", json!({"jwt_federation_sources": sources})).await;
    let until = vestibule_testkit::noon().timestamp() + 60;
    let ask = async |kid: &str| {
        let token = vestibule_jose::sign(&key, &[("kid", kid)], &json!({"sub": "pod", "exp": until})).unwrap();
        let pairs = [
            ("grant_type", "client_credentials"),
            ("client_assertion", &*token),
            ("client_assertion_type", JWT_BEARER),
        ];
        site.token(&pairs).await
    };
    let first = ask("one").await.expect(200);
    assert_eq!(claims(text(&first, "access_token"))["aud"], "robot");
    assert_eq!(ask("two").await.expect(400)["error"], "invalid_grant", "it would be the other's");
    ask("one").await.expect(200);
}

#[tokio::test]
async fn addresses_are_for_one_purpose_and_checked_when_they_are_saved() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let answer = site.authorize(&mut client, &[("redirect_uri", "https://wiki.example/bye")]).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (400, ""));
    let leave = |to: &str| format!("/application/o/wiki/end-session/?{}", query(&[("post_logout_redirect_uri", to)]));
    assert_eq!(app.anonymous().get(&leave(CALLBACK)).await.location(), "/");
    let path = format!("/api/v3/providers/oauth2/{}/", site.provider);
    let mut admin = app.admin();
    for (mode, url) in [("regex", "https://("), ("strict", "javascript:alert(1)"), ("regex", "data:.*")] {
        let body = json!({"redirect_uris": [{"matching_mode": mode, "url": url}]});
        let refused = admin.patch(&path, body).await.expect(400);
        assert!(refused["redirect_uris"].is_array(), "{url}: {refused}");
    }
    // An expression matches the whole, for either purpose.
    let uris = json!([
        {"matching_mode": "regex", "url": "https://[a-z]+\\.wiki\\.example/cb"},
        {"matching_mode": "regex", "url": "https://[a-z]+\\.wiki\\.example/bye", "redirect_uri_type": "logout"},
        {"matching_mode": "strict", "url": "https://wiki.example/cb?of=1"},
    ]);
    site.set(json!({"redirect_uris": uris})).await;
    let to = site.authorize(&mut client, &[("redirect_uri", "https://de.wiki.example/cb")]).await.location().to_owned();
    assert!(to.starts_with("https://de.wiki.example/cb?code="), "{to}");
    for other in ["https://de.wiki.example/cb/x", "https://evil.example/?https://de.wiki.example/cb"] {
        assert_eq!(site.authorize(&mut client, &[("redirect_uri", other)]).await.status, 400, "{other}");
        assert_eq!(app.anonymous().get(&leave(other)).await.location(), "/");
    }
    assert_eq!(
        app.anonymous().get(&leave("https://de.wiki.example/bye")).await.location(),
        "https://de.wiki.example/bye"
    );
    // Parameters go behind those that the address has.
    let to =
        site.authorize(&mut client, &[("redirect_uri", "https://wiki.example/cb?of=1")]).await.location().to_owned();
    assert!(to.starts_with("https://wiki.example/cb?of=1&code="), "{to}");
}

#[tokio::test]
async fn what_a_creation_leaves_out_is_made_up() {
    let app = App::start().await;
    let mut admin = app.admin();
    let site = Site::new(&app, "wiki", json!({})).await;
    let one = admin.get(&format!("/api/v3/providers/oauth2/{}/", site.provider)).await.expect(200);
    let body = json!({
        "name": "bare", "authorization_flow": one["authorization_flow"], "invalidation_flow": one["invalidation_flow"],
        "redirect_uris": [],
    });
    let made = admin.post("/api/v3/providers/oauth2/", body).await.expect(201);
    assert_eq!((text(&made, "client_id").len(), text(&made, "client_secret").len()), (40, 128));
    let mine = admin.get(&format!("/api/v3/core/applications/?slug={}", site.id)).await.expect(200);
    let application = mine["results"][0]["pk"].as_str().unwrap().to_owned();
    let found = admin.get(&format!("/api/v3/providers/oauth2/?application={application}")).await.expect(200);
    let found: Vec<&Value> = found["results"].as_array().unwrap().iter().map(|one| &one["pk"]).collect();
    assert_eq!(found, [&json!(site.provider)]);
}

#[tokio::test]
async fn what_a_client_was_given_goes_with_it() {
    let app = App::start().await;
    let (pk, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let pairs = [("client_id", "wiki"), ("redirect_uri", CALLBACK), ("response_type", "code")];
    let wanted = query(&[&pairs[..], &[("scope", "openid user:email read:org")]].concat());
    let to = client.get(&format!("/login/oauth/authorize?{wanted}")).await.location().to_owned();
    let tokens = site.exchange(&super::parameters(&to)["code"], &[]).await.expect(200);
    let refresh = text(&site.tokens(&mut client).await, "refresh_token").to_owned();
    site.code(&mut client, &[]).await;
    let mut bearer = app.anonymous().with_token(text(&tokens, "access_token"));
    let paths = ["/application/o/userinfo/", "/user", "/user/teams"];
    for path in paths {
        bearer.get(path).await.expect(200);
    }
    let mut admin = app.admin();
    admin.delete("/api/v3/core/applications/wiki/").await.expect(204);
    for path in paths {
        assert_eq!(bearer.get(path).await.status, 401, "{path}");
    }
    let renewed = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    assert_eq!(site.token(&renewed).await.expect(400)["error"], "invalid_client");
    assert_eq!(site.introspect(text(&tokens, "access_token")).await, json!({"active": false}));
    admin.delete(&format!("/api/v3/providers/oauth2/{}/", site.provider)).await.expect(204);
    for path in ["access_tokens", "refresh_tokens", "authorization_codes"] {
        let list = admin.get(&format!("/api/v3/oauth2/{path}/?user={pk}")).await.expect(200);
        assert_eq!(list["results"], json!([]), "{path}");
    }
}
