//! Plain programs mean what the interpreter says that they mean.

#[path = "../../tests/suite/support.rs"]
mod support;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use proptest::prelude::*;

use self::support::{TestHost, inputs};
use crate::budget::Budget;
use crate::evaluate::{self, Outcome};
use crate::object::{Arguments, Failure, Host, HttpRequest, HttpResponse, Object};
use crate::plain;
use crate::program::Program;
use crate::value::Value;

const CORPUS: &str = include_str!("../../tests/suite/corpus.txt");

/// A host that has itself, for whoever asks by name, what programs are given otherwise.
struct Asked;

#[async_trait]
impl Host for Asked {
    fn now(&self) -> DateTime<Utc> {
        TestHost.now()
    }

    fn random(&self, bytes: &mut [u8]) {
        TestHost.random(bytes);
    }

    async fn name(&self, name: &str) -> Result<Option<Value>, Failure> {
        Ok(inputs().into_iter().find_map(|(known, value)| (known == name).then_some(value)))
    }

    async fn call(&self, function: &str, arguments: Arguments) -> Result<Value, Failure> {
        TestHost.call(function, arguments).await
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        TestHost.fetch(request).await
    }
}

/// Runs a program in both ways, with what it knows given and asked for; what comes of it if it is plain.
async fn both(text: &str) -> Option<Outcome> {
    let given = by_both(text, &TestHost, inputs).await;
    let context = || inputs().into_iter().filter(|(name, _)| name == "context").collect();
    let asked = by_both(text, &Asked, context).await;
    let value = |outcome: &Option<Outcome>| outcome.as_ref().map(|outcome| outcome.value.to_json());
    assert_eq!(value(&given), value(&asked), "{text}");
    given
}

async fn by_both(text: &str, host: &dyn Host, known: impl Fn() -> Vec<(String, Value)>) -> Option<Outcome> {
    let program = Program::parse(text).unwrap();
    let compiled = program.compiled();
    let by_itself = plain::run(compiled.plain.as_ref()?, &known(), host, &Budget::default()).await?;
    let interpreted = evaluate::evaluate(compiled, known(), host, Budget::default()).await;
    let interpreted = interpreted.unwrap_or_else(|error| panic!("{text}\n{error}"));
    assert_eq!(by_itself.value.to_json(), interpreted.value.to_json(), "{text}");
    assert_eq!(by_itself.context.to_json(), interpreted.context.to_json(), "{text}");
    assert_eq!(by_itself.messages, interpreted.messages, "{text}");
    assert_eq!(by_itself.printed, interpreted.printed, "{text}");
    Some(by_itself)
}

#[tokio::test]
async fn what_is_plain_in_the_corpus_comes_to_the_same() {
    let mut plain = 0;
    for entry in CORPUS.split("### ").skip(1) {
        let body = entry.split_once('\n').unwrap().1.rsplit_once("\n=> ").unwrap().0;
        let text: Vec<&str> = body.lines().filter(|line| !line.starts_with(">> ")).collect();
        if Program::parse(&text.join("\n")).is_ok() && both(&text.join("\n")).await.is_some() {
            plain += 1;
        }
    }
    assert!(plain >= 10, "{plain} programs are plain");
}

#[tokio::test]
async fn these_are_plain() {
    for (text, expected) in [
        ("", "null"),
        ("'''What it does.'''\npass\nreturn", "null"),
        ("x = 1\nx = 'two'\nreturn [x, None, True, -0 if x else 3]", ""),
        (
            "return {'name': user.name, 'groups': [group.name for group in user.groups.all()]}",
            r#"{"name":"John Q Doe","groups":["admins","staff"]}"#,
        ),
        ("return [g.name for g in request.user.ak_groups.all() if g.is_superuser if not not g.name]", r#"["admins"]"#),
        (
            "plan = request.context.get('flow_plan')\nif not plan:\n    return True\nreturn not hasattr(plan.context.get('pending_user'), 'backend')",
            "true",
        ),
        (
            "return [context.get('auth_method'), context.get('none'), context.get('none', 7), context['asn']['asn']]",
            r#"["password",null,7,64512]"#,
        ),
        (
            "if context.get('is_sso'):\n    return 1\nelif user.is_active and context.get('geoip'):\n    x = 2\nelse:\n    return 3\nreturn x",
            "2",
        ),
        ("return user.groups.filter(name='staff').exists() or 'no'", "true"),
        (
            "return [user.groups.count(), user.group_attributes(), user.groups.first().name]",
            r#"[2,{"quota":20},"admins"]"#,
        ),
        (
            "return [hasattr(user, 'groups'), hasattr(user, 'nothing'), hasattr(None, 'x'), hasattr(user, 'pk')]",
            "[true,false,false,true]",
        ),
        ("return f'{user.username}@{user.pk}' ' and more'", r#""jdoe@7 and more""#),
        (
            "return ['a' in 'cat', 'x' in context, 'a' not in ['b', 1, None], user.pk == 7, user.name != None, user.obj is None if False else request.obj is None]",
            "[true,false,true,true,true,true]",
        ),
        ("return user.name and user.email or 'nobody'", r#""jdoe@corp.example.com""#),
        ("return user.date_joined", r#""2026-01-01T00:00:00.000000Z""#),
        ("user = request.user\nreturn {'name': user.name}", r#"{"name":"John Q Doe"}"#),
        ("name = 'a'\nreturn [[name for name in [name, 'b']], name]", r#"[["a","b"],"a"]"#),
    ] {
        let program = Program::parse(text).unwrap();
        if expected.is_empty() {
            assert!(program.compiled().plain.is_none(), "{text}");
            continue;
        }
        let outcome = both(text).await.unwrap_or_else(|| panic!("{text}"));
        assert_eq!(outcome.value.to_json().to_string(), expected, "{text}");
    }
}

/// What only the interpreter knows: what is done, what fails, what is not what it looks like.
#[tokio::test]
async fn these_are_not() {
    for text in [
        "user.save()",
        "return ak_client_ip",
        "return ak_is_group_member(user, name='x')",
        "return len",
        "x = user\nx.name = 'y'\nreturn x",
        "context['x'] = 1\nreturn context",
        "context = 1\nreturn context",
        "request = 1\nreturn request",
        "x = user\nuser = 1\nreturn x",
        "return [x for x in [1] for y in [2]]",
        "return {**context}",
        "return {'a': 1, 'a': 2}",
        "return user._row",
        "return 1 < 2 < 3",
        "return 1 + 1",
        "return f'{user.pk:03}'",
        "return nobody",
        "return hasattr",
        "def hasattr(a, b):\n    return 7\nreturn hasattr(user, 'pk')",
        "for x in [1]:\n    return x",
        "x, y = [1, 2]\nreturn x",
        "x: int = 1\nreturn x",
        "import re\nreturn re",
        "return user.name.upper()",
        // What is found out when it runs.
        "return user.nothing",
        "return context['nothing']",
        "return context.nothing",
        "return late\nlate = 1",
        "return 1 == True",
        "return [1] == [1]",
        "return context == context",
        "return [x for x in 'text']",
        "return [x for x in context]",
        "return user.groups.filter(name='x').all().nothing",
        "return user.all()",
        "return hasattr(context, 'get')",
        "return f'{user.name}{None}'",
    ] {
        let Ok(program) = Program::parse(text) else { continue };
        let found = match &program.compiled().plain {
            Some(plain) => plain::run(plain, &inputs(), &TestHost, &Budget::default()).await,
            None => None,
        };
        assert!(found.is_none(), "{text}: {found:?}");
    }
}

/// More than may come out, and more steps than are worth taking.
#[tokio::test]
async fn budgets_are_the_interpreters() {
    let program = Program::parse("return [user.name, user.email]").unwrap();
    let plain = program.compiled().plain.as_ref().unwrap();
    let budget = Budget { output: 20, ..Budget::default() };
    assert!(plain::run(plain, &inputs(), &TestHost, &budget).await.is_none());
    let error = program.run(inputs(), &TestHost, budget).await.unwrap_err();
    assert_eq!(error, evaluate::RunError::Budget("output"));
    let long = format!("return [x for x in [{}]]", "'x', ".repeat(3000));
    let program = Program::parse(&long).unwrap();
    assert!(
        plain::run(program.compiled().plain.as_ref().unwrap(), &inputs(), &TestHost, &Budget::default())
            .await
            .is_none()
    );
    assert!(program.run(inputs(), &TestHost, Budget::default()).await.is_ok());
}

/// What never answers.
struct Silent;

#[async_trait::async_trait]
impl Object for Silent {
    fn class(&self) -> &'static str {
        "Silent"
    }
    async fn attribute(&self, _: &str) -> Result<Option<Value>, Failure> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn what_never_answers_is_not_waited_for() {
    let program = Program::parse("return user.name").unwrap();
    assert!(program.compiled().plain.is_some());
    let inputs = vec![("user".to_owned(), Value::object(Silent))];
    let budget = Budget { total: std::time::Duration::from_millis(20), ..Budget::default() };
    let error = program.run(inputs, &TestHost, budget).await.unwrap_err();
    assert_eq!(error, evaluate::RunError::Budget("time"));
}

/// Expressions of the plain kind, whether they make sense or not.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "None",
        "True",
        "False",
        "0",
        "7",
        "''",
        "'a'",
        "'jdoe'",
        "user",
        "request",
        "context",
        "request.user",
        "request.context",
        "user.name",
        "user.pk",
        "user.attributes",
        "user.groups",
        "user.groups.all()",
        "request.obj",
        "user.nothing",
        "context.get('geoip')",
        "context['oauth_userinfo']",
        "x",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 4, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|(a, b)| format!("({a} and {b})")),
            two.clone().prop_map(|(a, b)| format!("({a} or {b})")),
            two.clone().prop_map(|(a, b)| format!("({a} == {b})")),
            two.clone().prop_map(|(a, b)| format!("({a} != {b})")),
            two.clone().prop_map(|(a, b)| format!("({a} in {b})")),
            two.clone().prop_map(|(a, b)| format!("[{a}, {b}]")),
            two.clone().prop_map(|(a, b)| format!("{{'k': {a}, 'l': {b}}}")),
            two.clone().prop_map(|(a, b)| format!("[{a} for x in {b}]")),
            two.clone().prop_map(|(a, b)| format!("[x for x in {a} if {b}]")),
            (inner.clone(), two.clone()).prop_map(|(a, (b, c))| format!("({a} if {b} else {c})")),
            inner.clone().prop_map(|a| format!("(not {a})")),
            inner.clone().prop_map(|a| format!("({a} is None)")),
            inner.clone().prop_map(|a| format!("{a}.name")),
            inner.clone().prop_map(|a| format!("{a}.get('k')")),
            inner.clone().prop_map(|a| format!("{a}['k']")),
            inner.clone().prop_map(|a| format!("hasattr({a}, 'name')")),
            inner.prop_map(|a| format!("f'<{{{a}}}>'")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_plain_comes_to_the_same(first in expressions(), test in expressions(), last in expressions()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let text = format!("x = {first}\nif {test}:\n    y = x\nelse:\n    y = {last}\nreturn [y, x]");
        if Program::parse(&text).is_ok() {
            runtime.block_on(both(&text));
        }
    }
}
