//! What each type of provider calls things. The profiles are shaped as the providers' documentation shows them.

use serde_json::{Value, json};
use vestibule_resource::FieldValue as _;

use crate::ProviderType;
use crate::oauth::Dialect;

/// Type, profile, what it knows them by, what is known of them, whether the address is theirs.
#[expect(clippy::too_many_lines, reason = "a table")]
fn known() -> Vec<(&'static str, Value, Option<&'static str>, Value, bool)> {
    vec![
        (
            "openidconnect",
            json!({"sub": "s", "preferred_username": "ada", "email": "a@b", "email_verified": true, "groups": ["x"]}),
            Some("s"),
            json!({"username": "ada", "email": "a@b", "name": null, "groups": ["x"]}),
            true,
        ),
        ("okta", json!({"sub": "", "nickname": "ada"}), None, json!({"username": "ada"}), false),
        (
            "apple",
            json!({"sub": "001.ab", "email": "a@privaterelay.example", "email_verified": "true", "name": "Ada"}),
            Some("001.ab"),
            json!({"email": "a@privaterelay.example", "name": "Ada"}),
            true,
        ),
        (
            "discord",
            json!({"id": "80351", "username": "nelly", "email": "n@d", "verified": true}),
            Some("80351"),
            json!({"username": "nelly", "email": "n@d", "name": "nelly"}),
            true,
        ),
        (
            "entraid",
            json!({"id": "e-1", "userPrincipalName": "ada@corp", "displayName": "Ada", "mail": null,
                   "otherMails": ["ada@other"],
                   "raw_groups": {"value": [{"@odata.type": "#microsoft.graph.group", "id": "g-1", "displayName": "Staff"},
                                            {"@odata.type": "#microsoft.graph.directoryRole", "id": "r-1"}]}}),
            Some("e-1"),
            json!({"username": "ada@corp", "email": "ada@other", "name": "Ada", "groups": ["g-1"]}),
            false,
        ),
        (
            "facebook",
            json!({"id": "7", "name": "Ada", "email": "a@f"}),
            Some("7"),
            json!({"username": "Ada", "email": "a@f", "name": "Ada"}),
            false,
        ),
        (
            "github",
            json!({"id": 583_231, "login": "octocat", "name": "Octo", "email": "o@c", "email_verified": true}),
            Some("583231"),
            json!({"username": "octocat", "email": "o@c", "name": "Octo"}),
            true,
        ),
        (
            "gitlab",
            json!({"sub": "9", "preferred_username": "ada", "email": "a@g", "name": "Ada", "email_verified": false}),
            Some("9"),
            json!({"username": "ada", "email": "a@g", "name": "Ada"}),
            false,
        ),
        (
            "google",
            json!({"id": "1", "email": "a@g", "verified_email": true, "name": "Ada"}),
            Some("1"),
            json!({"email": "a@g", "name": "Ada"}),
            true,
        ),
        (
            "mailcow",
            json!({"id": "a@m", "full_name": "Ada", "email": "a@m"}),
            Some("a@m"),
            json!({"username": "Ada", "email": "a@m", "name": "Ada"}),
            true,
        ),
        (
            "patreon",
            json!({"data": {"id": "p", "attributes": {"vanity": "ada", "full_name": "Ada", "email": "a@p",
                                                      "is_email_verified": true}}}),
            Some("p"),
            json!({"username": "ada", "email": "a@p", "name": "Ada"}),
            true,
        ),
        ("reddit", json!({"id": "r", "name": "ada"}), Some("r"), json!({"username": "ada", "name": "ada"}), false),
        (
            "slack",
            json!({"sub": "U1", "name": "ada", "email": "a@s", "email_verified": true}),
            Some("U1"),
            json!({"username": "ada", "email": "a@s", "name": "ada"}),
            true,
        ),
        (
            "twitch",
            json!({"sub": "t", "preferred_username": "ada", "email": "a@t"}),
            Some("t"),
            json!({"username": "ada", "email": "a@t", "name": "ada"}),
            false,
        ),
        (
            "twitter",
            json!({"data": {"id": "12", "username": "ada", "name": "Ada"}}),
            Some("12"),
            json!({"username": "ada", "name": "Ada"}),
            false,
        ),
        (
            "wechat",
            json!({"openid": "o", "unionid": "u", "nickname": "Ada", "city": "London", "sex": 2}),
            Some("u"),
            json!({"username": "u", "name": "Ada",
                   "attributes": {"city": "London", "openid": "o", "sex": 2, "unionid": "u"}}),
            false,
        ),
    ]
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        other => other,
    }
}

#[test]
fn every_type_of_provider_is_understood() {
    let known = known();
    assert_eq!(known.len(), ProviderType::CHOICES.values.len());
    for (name, profile, identifier, properties, verified) in known {
        let dialect = Dialect::of(ProviderType::read(&name.into()).unwrap());
        assert_eq!((dialect.identify)(&profile).as_deref(), identifier, "{name}");
        assert_eq!(without_nulls((dialect.properties)(&profile)), without_nulls(properties), "{name}");
        assert_eq!((dialect.verified)(&profile), verified, "{name}");
    }
}

#[test]
fn nothing_is_known_of_a_profile_that_says_nothing() {
    for (name, _) in ProviderType::CHOICES.values {
        let dialect = Dialect::of(ProviderType::read(&(*name).into()).unwrap());
        for profile in [json!({}), json!({"id": null, "sub": []}), json!([]), json!("text"), Value::Null] {
            assert_eq!((dialect.identify)(&profile), None, "{name}");
            (dialect.properties)(&profile);
        }
    }
}
