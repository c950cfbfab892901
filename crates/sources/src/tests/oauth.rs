//! `sources/oauth` and `sources/all`, as recorded.

use http::StatusCode;
use serde_json::{Value, json};

use super::server;

const INVALID: StatusCode = StatusCode::BAD_REQUEST;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_small_source_has_its_defaults() {
    let server = server("").await;
    let (status, source) = server.create("rec-s", "discord", json!({})).await;
    assert_eq!(status, StatusCode::CREATED, "{source}");
    let expected = json!({
        "name": "rec-s", "slug": "rec-s", "enabled": true, "promoted": false, "authentication_flow": null,
        "enrollment_flow": null, "user_property_mappings": [], "group_property_mappings": [],
        "component": "ak-source-oauth-form", "verbose_name": "OAuth Source", "verbose_name_plural": "OAuth Sources",
        "meta_model_name": "authentik_sources_oauth.oauthsource", "policy_engine_mode": "any",
        "user_matching_mode": "identifier", "managed": null,
        "user_path_template": "goauthentik.io/sources/%(slug)s", "icon": "", "icon_url": "/static/authentik/sources/discord.svg",
        "icon_themed_urls": null, "group_matching_mode": "identifier", "provider_type": "discord",
        "request_token_url": null, "authorization_url": null, "access_token_url": null, "profile_url": null,
        "pkce": "none", "consumer_key": "k",
        "callback_url": "http://id.example:9000/source/oauth/callback/rec-s/", "additional_scopes": "",
        "type": {
            "name": "discord", "verbose_name": "Discord", "urls_customizable": false, "request_token_url": null,
            "authorization_url": "https://discord.com/api/oauth2/authorize",
            "access_token_url": "https://discord.com/api/oauth2/token",
            "profile_url": "https://discord.com/api/users/@me", "oidc_well_known_url": null, "oidc_jwks_url": null,
        },
        "oidc_well_known_url": "", "oidc_jwks_url": "", "oidc_jwks": {}, "authorization_code_auth_method": "basic_auth",
    });
    let mut shown = source.clone();
    shown.as_object_mut().unwrap().shift_remove("pk");
    assert_eq!(shown, expected);
    assert_eq!(keys(&shown), keys(&expected));
    assert!(!source.to_string().contains("s3cret"));
    // Nor does the database show it.
    let rows = server.api.store.database().query("SELECT * FROM configuration", vec![]).await.unwrap();
    let stored: Vec<String> = rows.iter().map(|row| row.json("document").unwrap().to_string()).collect();
    assert!(stored.iter().any(|text| text.contains("rec-s")) && !stored.concat().contains("s3cret"));
    let (status, again) = server.ask("GET", "sources/oauth/rec-s/", None).await;
    assert_eq!((status, again), (StatusCode::OK, source));
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let server = server("").await;
    let (status, errors) = server.ask("POST", "sources/oauth/", Some(json!({}))).await;
    let required = json!(["This field is required."]);
    assert_eq!(status, INVALID);
    assert_eq!(keys(&errors), ["name", "slug", "provider_type", "consumer_key", "consumer_secret"]);
    assert!(errors.as_object().unwrap().values().all(|messages| *messages == required));

    server.create("rec-s", "discord", json!({})).await;
    let nowhere = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
    for (slug, provider, further, expected) in [
        ("rec-s", "discord", json!({}), json!({"slug": ["source with this slug already exists."]})),
        ("b", "bogus", json!({}), json!({"provider_type": ["\"bogus\" is not a valid choice."]})),
        // The 2026.8 schema has no such type any more.
        ("b", "azuread", json!({}), json!({"provider_type": ["\"azuread\" is not a valid choice."]})),
        (
            "b",
            "openidconnect",
            json!({}),
            json!({"non_field_errors": ["authorization_url is required for provider OpenID Connect"]}),
        ),
        (
            "b",
            "okta",
            json!({"authorization_url": "https://x.example/a", "access_token_url": "https://x.example/t"}),
            json!({"non_field_errors": ["profile_url is required for provider Okta"]}),
        ),
        (
            "b",
            "discord",
            json!({"authorization_url": "javascript:alert(1)"}),
            json!({"authorization_url": ["Enter a valid URL."]}),
        ),
        (
            "b",
            "discord",
            json!({"user_property_mappings": [nowhere]}),
            json!({"user_property_mappings": [format!("Invalid pk \"{nowhere}\" - object does not exist.")]}),
        ),
        (
            "b",
            "discord",
            json!({"enrollment_flow": nowhere}),
            json!({"enrollment_flow": [format!("Invalid pk \"{nowhere}\" - object does not exist.")]}),
        ),
    ] {
        assert_eq!(server.create(slug, provider, further).await, (INVALID, expected), "{provider}");
    }
    let body = json!({"name": "n", "slug": "rec-s", "provider_type": "discord", "consumer_key": "k2"});
    let (status, errors) = server.ask("PUT", "sources/oauth/rec-s/", Some(body)).await;
    assert_eq!((status, errors), (INVALID, json!({"consumer_secret": ["This field is required."]})));
}

#[tokio::test]
async fn every_field_can_be_set() {
    let server = server("").await;
    let flow = json!({"name": "f", "slug": "f", "title": "f", "designation": "authentication"});
    let (_, flow) = server.ask("POST", "flows/instances/", Some(flow)).await;
    let further = json!({
        "enabled": false, "promoted": true, "authentication_flow": flow["pk"], "enrollment_flow": flow["pk"],
        "policy_engine_mode": "all", "user_matching_mode": "email_link", "group_matching_mode": "name_deny",
        "user_path_template": "a/%(slug)s", "icon": "b.png", "request_token_url": "http://127.0.0.1:9/r",
        "authorization_url": "http://127.0.0.1:9/a", "access_token_url": "http://127.0.0.1:9/t",
        "profile_url": "http://127.0.0.1:9/p", "pkce": "S256", "additional_scopes": "groups",
        "oidc_jwks": {"keys": []}, "authorization_code_auth_method": "post_body",
    });
    let (status, source) = server.create("rec-full", "openidconnect", further.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{source}");
    for (field, value) in further.as_object().unwrap() {
        assert_eq!(&source[field], value, "{field}");
    }
    assert_eq!(source["icon_url"], "/media/public/b.png");
    let (status, patched) =
        server.ask("PATCH", "sources/oauth/rec-full/", Some(json!({"enrollment_flow": null}))).await;
    assert_eq!((status, &patched["enrollment_flow"]), (StatusCode::OK, &Value::Null));
    let (_, used_by) = server.ask("GET", "flows/instances/f/used_by/", None).await;
    assert_eq!((&used_by[0]["name"], &used_by[0]["action"]), (&json!("rec-full"), &json!("set_null")));
    assert_eq!(server.ask("DELETE", "sources/oauth/rec-full/", None).await.0, StatusCode::NO_CONTENT);
    let gone = server.ask("GET", "sources/oauth/rec-full/", None).await;
    assert_eq!(gone, (StatusCode::NOT_FOUND, json!({"detail": "No OAuthSource matches the given query."})));
}

#[tokio::test]
async fn lists_are_filtered() {
    let server = server("").await;
    let (_, github) = server.create("b", "github", json!({"enabled": false})).await;
    server.create("a", "discord", json!({"oidc_jwks": {"keys": []}})).await;
    let slugs = |list: &Value| -> Vec<String> {
        list["results"].as_array().unwrap().iter().map(|one| one["slug"].as_str().unwrap().to_owned()).collect()
    };
    for (query, expected) in [
        ("", vec!["a", "b"]),
        ("has_jwks=true", vec!["a"]),
        ("has_jwks=false", vec!["b"]),
        ("has_jwks=perhaps", vec!["a", "b"]),
        ("enabled=false", vec!["b"]),
        ("provider_type=github", vec!["b"]),
        ("provider_type=nobody", vec![]),
        ("user_matching_mode=identifier&slug=a", vec!["a"]),
        (&format!("pbm_uuid={}", github["pk"].as_str().unwrap()), vec!["b"]),
        ("search=B", vec!["b"]),
    ] {
        let (status, list) = server.ask("GET", &format!("sources/oauth/?{query}"), None).await;
        assert_eq!(
            (status, slugs(&list)),
            (StatusCode::OK, expected.iter().map(|slug| (*slug).to_owned()).collect()),
            "{query}"
        );
    }
    let (_, all) = server.ask("GET", "sources/all/?slug=b", None).await;
    assert_eq!(all["results"][0]["component"], "ak-source-oauth-form");
    assert!(all["results"][0].get("consumer_key").is_none());
    let (_, one) = server.ask("GET", "sources/all/b/", None).await;
    assert_eq!(one, all["results"][0]);
    let (_, used_by) = server.ask("GET", "sources/all/b/used_by/", None).await;
    assert_eq!(used_by, json!([]));
    assert_eq!(server.ask("DELETE", "sources/all/b/", None).await.0, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn types_are_listed() {
    let server = server("").await;
    let (status, types) = server.ask("GET", "sources/oauth/source_types/", None).await;
    assert_eq!((status, types.as_array().unwrap().len()), (StatusCode::OK, 16));
    let (_, one) = server.ask("GET", "sources/oauth/source_types/?name=github", None).await;
    assert_eq!((one.as_array().unwrap().len(), &one[0]["urls_customizable"]), (1, &json!(true)));
    let (_, none) = server.ask("GET", "sources/oauth/source_types/?name=nobody", None).await;
    assert_eq!(none, json!([]));
    let (_, kinds) = server.ask("GET", "sources/all/types/", None).await;
    assert_eq!((&kinds[0]["model_name"], kinds.as_array().unwrap().len()), (&json!("appleoauthsource"), 16));
}

#[tokio::test]
async fn the_built_in_source_stays() {
    let server = server("").await;
    let nobody = vestibule_resource::Principal::anonymous(std::net::Ipv4Addr::LOCALHOST.into());
    let api = &server.api;
    crate::ensure_built_in(&api.store, &api.registry, &api.ctx, &nobody).await.unwrap();
    let path = "sources/all/authentik-built-in/";
    let refused = server.ask("DELETE", path, None).await;
    assert_eq!(refused, (StatusCode::BAD_REQUEST, json!({"detail": "Built-in sources cannot be deleted"})));
    assert_eq!(server.ask("GET", path, None).await.0, StatusCode::OK);
}
