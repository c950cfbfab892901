//! A host for tests: a user with groups, and a clock that stands.

use async_trait::async_trait;
use chrono::{DateTime, TimeZone, Utc};
use vestibule_expression::{Arguments, Failure, Host, HttpRequest, HttpResponse, Object, Value};

/// 2026-05-06, a Wednesday, 10:30 UTC.
pub(crate) struct TestHost;

struct User;
struct Group(&'static str);
struct Groups(Vec<&'static str>);
struct Request;

const GROUPS: [&str; 2] = ["admins", "staff"];

#[async_trait]
impl Object for Group {
    fn class(&self) -> &'static str {
        "Group"
    }
    fn identity(&self) -> Option<String> {
        Some(format!("group:{}", self.0))
    }
    fn attributes(&self) -> Vec<(String, Value)> {
        vec![("name".into(), self.0.into()), ("is_superuser".into(), (self.0 == "admins").into())]
    }
}

#[async_trait]
impl Object for Groups {
    fn class(&self) -> &'static str {
        "QuerySet"
    }
    async fn call(&self, method: &str, arguments: Arguments) -> Result<Value, Failure> {
        Ok(match method {
            "all" => Value::List(self.0.iter().map(|name| Value::object(Group(name))).collect()),
            "filter" => {
                let wanted = arguments.named("name").and_then(Value::as_str).unwrap_or_default();
                Value::object(Groups(self.0.iter().copied().filter(|name| *name == wanted).collect()))
            }
            "exists" => (!self.0.is_empty()).into(),
            "first" => self.0.first().map(|name| Value::object(Group(name))).unwrap_or_default(),
            "count" => Value::Int(i64::try_from(self.0.len()).unwrap()),
            "values_list" => self.0.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().into(),
            other => return Err(Failure::attribute("QuerySet", other)),
        })
    }
}

#[async_trait]
impl Object for User {
    fn class(&self) -> &'static str {
        "User"
    }
    fn identity(&self) -> Option<String> {
        Some("user:7".into())
    }
    fn attributes(&self) -> Vec<(String, Value)> {
        let attributes = serde_json::json!({"department": "eng", "phones": ["+1", "+2"], "settings": {"locale": "de"}});
        vec![
            ("pk".into(), Value::Int(7)),
            ("username".into(), "jdoe".into()),
            ("name".into(), "John Q Doe".into()),
            ("email".into(), "jdoe@corp.example.com".into()),
            ("uid".into(), "abc123".into()),
            ("type".into(), "internal".into()),
            ("is_active".into(), true.into()),
            ("attributes".into(), attributes.into()),
        ]
    }
    async fn attribute(&self, name: &str) -> Result<Option<Value>, Failure> {
        Ok(match name {
            "ak_groups" | "groups" => Some(Value::object(Groups(GROUPS.to_vec()))),
            "date_joined" => Some(Value::DateTime(Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap())),
            _ => None,
        })
    }
    async fn call(&self, method: &str, _: Arguments) -> Result<Value, Failure> {
        match method {
            "group_attributes" => Ok(serde_json::json!({"quota": 20}).into()),
            "has_usable_password" => Ok(true.into()),
            "all_groups" => Ok(Value::object(Groups(GROUPS.to_vec()))),
            other => Err(Failure::attribute("User", other)),
        }
    }
    async fn save(&self, attributes: Vec<(String, Value)>) -> Result<Value, Failure> {
        let saved = Value::Dict(attributes);
        match saved.get("email").and_then(Value::as_str) {
            Some("") => Err(Failure::value("an address is needed")),
            _ => Ok(Value::None),
        }
    }
}

#[async_trait]
impl Object for Request {
    fn class(&self) -> &'static str {
        "PolicyRequest"
    }
    fn attributes(&self) -> Vec<(String, Value)> {
        let http = serde_json::json!({"META": {"HTTP_USER_AGENT": "Mozilla/5.0"}, "GET": {"next": "/"}});
        vec![
            ("user".into(), Value::object(User)),
            ("obj".into(), Value::None),
            ("http_request".into(), Value::object(Http(http))),
        ]
    }
}

struct Http(serde_json::Value);

#[async_trait]
impl Object for Http {
    fn class(&self) -> &'static str {
        "HttpRequest"
    }
    fn attributes(&self) -> Vec<(String, Value)> {
        match Value::from(self.0.clone()) {
            Value::Dict(pairs) => pairs,
            _ => Vec::new(),
        }
    }
}

#[async_trait]
impl Host for TestHost {
    fn now(&self) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 5, 6, 10, 30, 0).unwrap()
    }
    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
    async fn call(&self, function: &str, arguments: Arguments) -> Result<Value, Failure> {
        Ok(match function {
            "ak_is_group_member" => {
                GROUPS.contains(&arguments.named("name").and_then(Value::as_str).unwrap_or_default()).into()
            }
            "ak_user_by" => match arguments.named("username").and_then(Value::as_str) {
                Some("jdoe") => Value::object(User),
                _ => Value::None,
            },
            "ak_user_has_authenticator" => {
                (arguments.get(1, "device_type").and_then(Value::as_str) == Some("totp")).into()
            }
            "ak_create_event" => Value::None,
            "resolve_dns" => vec!["192.0.2.7".to_owned()].into(),
            "reverse_dns" => "host.example.com".into(),
            other => return Err(Failure::runtime(format!("{other} is not available here"))),
        })
    }
    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        if request.url.contains("//10.") {
            return Err(Failure::runtime("the address is internal"));
        }
        let body = serde_json::json!({"method": request.method, "url": request.url}).to_string();
        Ok(HttpResponse { status: 200, headers: Vec::new(), body: body.into() })
    }
}

/// What every test program knows.
pub(crate) fn inputs() -> Vec<(String, Value)> {
    let context = serde_json::json!({
        "prompt_data": {"email": "new@x.org", "username": "newuser", "password": "a", "password_repeat": "b"},
        "geoip": {"country": "DE", "city": "Berlin"},
        "asn": {"asn": 64512},
        "oauth_userinfo": {"hd": "corp.example.com", "groups": ["a", "b"], "email": "O@Corp.Example.com"},
        "auth_method": "password",
        "is_sso": false
    });
    vec![
        ("request".into(), Value::object(Request)),
        ("user".into(), Value::object(User)),
        ("context".into(), context.into()),
        ("ak_client_ip".into(), "10.1.2.3".into()),
        ("ak_is_sso_flow".into(), false.into()),
    ]
}
