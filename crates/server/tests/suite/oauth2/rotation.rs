//! Keys change, and no application notices: what the old key has signed is verified until it ends.

use http::Method;
use serde_json::{Value, json};
use vestibule_jose::{Algorithm, Jws, PublicKey};
use vestibule_testkit::Client;

use super::{CALLBACK, FORM, SECRET, Site, alice, key_pair, query};
use crate::app::{ADMIN, App};
use crate::two_nodes::two;

async fn keys(app: &App) -> Vec<Value> {
    keys_of(&app.anonymous()).await
}

async fn keys_of(server: &Client) -> Vec<Value> {
    let keys = server.clone().get("/application/o/wiki/jwks/").await.expect(200);
    keys["keys"].as_array().cloned().unwrap_or_default()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

/// Where a sign-out with this hint leads.
async fn leave(app: &App, hint: &str) -> u16 {
    let path = format!("/application/o/wiki/end-session/?{}", query(&[("id_token_hint", hint)]));
    app.anonymous().get(&path).await.status.as_u16()
}

#[tokio::test]
async fn an_old_key_verifies_while_the_new_one_signs() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let (old, new) = (key_pair(&app, "old", "rsa").await, key_pair(&app, "new", "ecdsa").await);
    let site = Site::new(&app, "wiki", json!({"signing_key": old})).await;
    let before = site.tokens(&mut client).await;
    site.set(json!({"signing_key": new})).await;
    let after = site.tokens(&mut client).await;
    let kid = |tokens: &Value| Jws::parse(text(tokens, "id_token")).unwrap().kid().unwrap().to_owned();
    assert_ne!(kid(&before), kid(&after));
    for tokens in [&before, &after] {
        site.verified(text(tokens, "id_token")).await;
        site.verified(text(tokens, "access_token")).await;
        assert_eq!(site.userinfo(text(tokens, "access_token")).await.status, 200);
        assert_eq!(leave(&app, text(tokens, "id_token")).await, 302);
    }
    let shown = keys(&app).await;
    let algorithms: Vec<&str> = shown.iter().map(|key| text(key, "alg")).collect();
    assert_eq!(algorithms, ["ES256", "RS256"], "the one that signs comes first");
    // The last token of the old key has ended; whoever leaves with it still may.
    app.later(3601);
    assert_eq!(keys(&app).await.len(), 1);
    assert_eq!(leave(&app, text(&before, "id_token")).await, 302);
    // Back to the old one: it is shown once.
    site.set(json!({"signing_key": old})).await;
    assert_eq!(keys(&app).await.iter().map(|key| text(key, "alg")).collect::<Vec<_>>(), ["RS256", "ES256"]);
    // A change of something else is none of the key.
    site.set(json!({"include_claims_in_id_token": false})).await;
    assert_eq!(keys(&app).await.len(), 2);
}

#[tokio::test]
async fn a_key_that_is_deleted_verifies_nothing_any_more() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let (old, new) = (key_pair(&app, "old", "rsa").await, key_pair(&app, "new", "ecdsa").await);
    let site = Site::new(&app, "wiki", json!({"signing_key": old})).await;
    let before = site.tokens(&mut client).await;
    site.set(json!({"signing_key": new})).await;
    let path = format!("/api/v3/crypto/certificatekeypairs/{}/", old.as_str().unwrap());
    app.admin().delete(&path).await.expect(204);
    assert_eq!(keys(&app).await.len(), 1);
    assert_eq!(leave(&app, text(&before, "id_token")).await, 400);
}

#[tokio::test]
async fn a_key_that_is_replaced_in_its_place_verifies_what_it_has_signed() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let (own, other) = (key_pair(&app, "own", "rsa").await, key_pair(&app, "other", "ecdsa").await);
    let site = Site::new(&app, "wiki", json!({"signing_key": own})).await;
    let before = site.tokens(&mut client).await;
    let mut admin = app.admin();
    let path = |pk: &Value, what: &str| format!("/api/v3/crypto/certificatekeypairs/{}/{what}", pk.as_str().unwrap());
    let certificate = admin.get(&path(&other, "view_certificate/")).await.expect(200)["data"].clone();
    let key = admin.get(&path(&other, "view_private_key/")).await.expect(200)["data"].clone();
    let body = json!({"certificate_data": certificate, "key_data": key});
    let shown = admin.patch(&path(&own, ""), body).await.expect(200);
    assert!(shown.get("replaced").is_none(), "{shown}");
    let after = site.tokens(&mut client).await;
    for tokens in [&before, &after] {
        site.verified(text(tokens, "id_token")).await;
        assert_eq!(leave(&app, text(tokens, "id_token")).await, 302);
    }
    assert_eq!(keys(&app).await.len(), 2);
    assert!(keys(&app).await.iter().all(|key| key.get("d").is_none() && key.get("until_used").is_none()));
    app.later(3601);
    assert_eq!(keys(&app).await.len(), 1);
}

#[tokio::test]
async fn an_rsa_key_signs_as_the_provider_wants() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let key = key_pair(&app, "rsa", "rsa").await;
    let site = Site::new(&app, "wiki", json!({"signing_key": key})).await;
    let mut admin = app.admin();
    let chosen = "/api/vestibule/v1/providers/oauth2/signing_algorithms/";
    let made = admin.post(chosen, json!({"provider": site.provider, "algorithm": "PS256"})).await.expect(201);
    let told = app.anonymous().get("/application/o/wiki/.well-known/openid-configuration").await.expect(200);
    assert_eq!(told["id_token_signing_alg_values_supported"], json!(["PS256"]));
    let tokens = site.tokens(&mut client).await;
    for token in ["id_token", "access_token"] {
        let token = text(&tokens, token);
        assert_eq!(Jws::parse(token).unwrap().header["alg"], "PS256");
        site.verified(token).await;
    }
    assert_eq!(text(&keys(&app).await[0], "alg"), "PS256");
    // One a provider, of those that an RSA key knows.
    admin.post(chosen, json!({"provider": site.provider})).await.expect(400);
    admin.patch(&format!("{chosen}{}/", text(&made, "pk")), json!({"algorithm": "ES256"})).await.expect(400);
    // Other keys know one way, whatever was chosen.
    let curve = key_pair(&app, "curve", "ecdsa").await;
    site.set(json!({"signing_key": curve})).await;
    let tokens = site.tokens(&mut client).await;
    assert_eq!(Jws::parse(text(&tokens, "id_token")).unwrap().header["alg"], "ES256");
    assert_eq!(keys(&app).await.iter().map(|key| text(key, "alg")).collect::<Vec<_>>(), ["ES256", "PS256"]);
    // It goes with its provider.
    admin.delete(&format!("/api/v3/providers/oauth2/{}/", site.provider)).await.expect(204);
    assert_eq!(admin.get(chosen).await.expect(200)["results"], json!([]));
    let mut clerk = app.clerk("clerk").await.1;
    assert_eq!(clerk.post(chosen, json!({"provider": 1})).await.status, 403);
}

/// A request to a server, as a client with its secret.
async fn post(server: &Client, path: &str, more: &[(&str, &str)]) -> Value {
    let pairs: Vec<_> =
        [("client_id", "wiki"), ("client_secret", SECRET)].into_iter().chain(more.iter().copied()).collect();
    server.clone().send(Method::POST, path, FORM, query(&pairs).into_bytes()).await.expect(200)
}

/// Every token is good at every server, by the keys that it publishes and by its own word.
async fn is_good_everywhere(servers: &[Client], tokens: &Value) {
    for server in servers {
        let keys = server.clone().get("/application/o/wiki/jwks/").await.expect(200);
        for token in [text(tokens, "id_token"), text(tokens, "access_token")] {
            let jws = Jws::parse(token).unwrap();
            let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"].as_str() == jws.kid());
            let key = key.unwrap_or_else(|| panic!("a key that is not published: {:?} {keys}", jws.kid()));
            jws.verify(&PublicKey::of(key.as_object().unwrap()).unwrap(), &Algorithm::ASYMMETRIC).unwrap();
        }
        let access = text(tokens, "access_token");
        server.clone().with_token(access).get("/application/o/userinfo/").await.expect(200);
        assert_eq!(post(server, "/application/o/introspect/", &[("token", access)]).await["active"], true);
    }
}

/// Two servers over one database: where the key changes at one of them, the other follows, and meanwhile no token is refused.
#[tokio::test]
async fn keys_change_at_one_server_and_no_token_is_refused_at_the_other() {
    let Some((app, other)) = two().await else { return };
    let following = tokio::spawn(other.api.store.clone().follow());
    let servers = [app.anonymous(), Client::new(other.router())];
    let (_, mut browser) = alice(&app).await;
    let (old, new) = (key_pair(&app, "old", "rsa").await, key_pair(&app, "new", "ecdsa").await);
    let site = Site::new(&app, "wiki", json!({"signing_key": old})).await;
    other.api.store.refresh().await.unwrap();
    let kid = |tokens: &Value| Jws::parse(text(tokens, "id_token")).unwrap().kid().unwrap().to_owned();
    let mut there = Client::new(other.router());
    there.cookies = browser.cookies.clone();
    let tokens_there = async |there: &mut Client| {
        let code = site.code(there, &[]).await;
        let pairs = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
        post(&servers[1], "/application/o/token/", &pairs).await
    };
    let mut all = vec![site.tokens(&mut browser).await, tokens_there(&mut there).await];
    let before = kid(&all[0]);
    assert_eq!(kid(&all[1]), before);
    for round in 0..2 {
        // The first time at this server, then at the other.
        let signing = json!({"signing_key": if round == 0 { &new } else { &old }});
        let path = format!("/api/v3/providers/oauth2/{}/", site.provider);
        let mut admin = Client::new(if round == 0 { app.router.clone() } else { other.router() }).with_token(ADMIN);
        admin.patch(&path, signing).await.expect(200);
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
        let follower = usize::from(round == 0);
        loop {
            let made = [site.tokens(&mut browser).await, tokens_there(&mut there).await];
            for tokens in &made {
                is_good_everywhere(&servers, tokens).await;
            }
            let has_followed = (kid(&made[follower]) == before) == (round == 1);
            assert_eq!(kid(&made[1 - follower]) == before, round == 1, "where it was changed it counts at once");
            all.extend(made);
            if has_followed {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "the other server does not follow");
        }
        // What the former key has signed is as good as before, and so are refresh tokens.
        for tokens in &all {
            is_good_everywhere(&servers, tokens).await;
        }
        let refresh = all.pop().unwrap();
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", text(&refresh, "refresh_token"))];
        is_good_everywhere(&servers, &post(&servers[follower], "/application/o/token/", &pairs).await).await;
    }
    following.abort();
}

/// Whoever asks both servers all the while notices nothing: neither what they publish nor what they take has a gap.
#[tokio::test]
async fn keys_change_at_one_server_while_both_are_asked_all_the_time() {
    let Some((app, other)) = two().await else { return };
    let (_, mut browser) = alice(&app).await;
    let (old, new) = (key_pair(&app, "old", "rsa").await, key_pair(&app, "new", "ecdsa").await);
    let site = Site::new(&app, "wiki", json!({"signing_key": old})).await;
    let path = format!("/api/v3/providers/oauth2/{}/", site.provider);
    let servers = [app.anonymous(), Client::new(other.router())];
    // The other one is told of nothing: it has to find out when it is asked.
    other.api.store.refresh().await.unwrap();
    let mut all = vec![site.tokens(&mut browser).await];
    let kid = |tokens: &Value| Jws::parse(text(tokens, "id_token")).unwrap().kid().unwrap().to_owned();
    for round in 0..4 {
        let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let mut askers = tokio::task::JoinSet::new();
        for _ in 0..2 {
            let (servers, tokens, done) = (servers.clone(), all.clone(), done.clone());
            askers.spawn(async move {
                let mut asked = 0;
                while !done.load(std::sync::atomic::Ordering::SeqCst) || asked < 2 {
                    for one in &tokens {
                        is_good_everywhere(&servers, one).await;
                    }
                    asked += 1;
                }
            });
        }
        let key = if round % 2 == 0 { &new } else { &old };
        app.admin().patch(&path, json!({"signing_key": key})).await.expect(200);
        let made = site.tokens(&mut browser).await;
        assert_ne!(kid(&made), kid(all.last().unwrap()), "round {round}");
        // At once, at the server that has not heard of it: its keys, its word, and its reading of a hint.
        is_good_everywhere(&servers, &made).await;
        for server in &servers {
            let path =
                format!("/application/o/wiki/end-session/?{}", query(&[("id_token_hint", text(&made, "id_token"))]));
            assert_eq!(server.clone().get(&path).await.status, 302, "round {round}");
        }
        all.push(made);
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        askers.join_all().await;
    }
    assert_eq!(keys(&app).await, keys_of(&servers[1]).await);
}
