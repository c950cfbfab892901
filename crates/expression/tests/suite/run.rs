//! Programs run, stop where their budget ends, and are refused where they are wrong.

use std::time::{Duration, Instant};

use crate::support::{TestHost, inputs};
use vestibule_expression::{Budget, Outcome, Program, RunError, Value};

async fn run(text: &str) -> Result<Outcome, RunError> {
    Program::parse(text).unwrap().run(inputs(), &TestHost, Budget::default()).await
}

fn json(text: &str) -> Value {
    serde_json::from_str::<serde_json::Value>(text).unwrap().into()
}

#[tokio::test]
async fn values_come_back() {
    assert_eq!(
        run("return {'a': [1, 2.5, None, True, 'x']}").await.unwrap().value,
        json(r#"{"a":[1,2.5,null,true,"x"]}"#)
    );
    assert_eq!(run("ak_message('no')\nreturn False").await.unwrap().messages, ["no"]);
    assert_eq!(run("").await.unwrap().value, Value::None);
}

#[tokio::test]
async fn a_context_keeps_what_a_program_changes() {
    let outcome = run("request.context['prompt_data']['username'] = 'x'\ncontext['y'] = 1\nreturn True").await.unwrap();
    assert_eq!(outcome.context.get("prompt_data").unwrap().get("username").unwrap(), &"x".into());
    assert_eq!(outcome.context.get("y").unwrap(), &Value::Int(1));
}

#[tokio::test]
async fn errors_name_the_line() {
    let error = run("x = 1\nraise ValueError('oh')").await.unwrap_err();
    assert_eq!(error, RunError::Raised { kind: "ValueError".into(), message: "oh".into(), line: Some(2) });
    let error = run("x = '''\na\n'''\nfor g in [1]:\n  yield g\nreturn nobody").await.unwrap_err();
    let RunError::Raised { kind, line, .. } = error else { panic!("{error}") };
    assert_eq!((kind.as_str(), line), ("NameError", Some(6)));
}

#[test]
fn what_will_not_run_is_refused() {
    for (text, line, column) in [
        ("return (", 1, 9),
        ("x = 1\nreturn )", 2, 8),
        ("x = 1\nmatch x:\n    case 1:\n        return 1", 2, 1),
        ("return 1\nimport subprocess", 2, 1),
        ("import os", 1, 1),
        ("if True:\n    x = yield 1", 2, 9),
        ("async def f():\n    await g()", 2, 5),
    ] {
        let error = Program::parse(text).err().unwrap_or_else(|| panic!("{text} is taken"));
        assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
    }
}

#[tokio::test]
async fn budgets_hold() {
    let budget = Budget { compute: Duration::from_millis(100), ..Budget::default() };
    let started = Instant::now();
    let of = async |text: &str, budget: Budget| {
        Program::parse(text).unwrap().run(inputs(), &TestHost, budget).await.unwrap_err()
    };
    assert_eq!(of("while True:\n    pass", budget).await, RunError::Budget("time"));
    assert!(started.elapsed() < Duration::from_secs(5));
    let small = Budget { memory: 8 << 20, compute: Duration::from_secs(20), ..Budget::default() };
    assert_eq!(of("x = []\nwhile True:\n    x.append('y' * 1000)", small).await, RunError::Budget("memory"));
    assert_eq!(of("return 'x' * 10**11", small).await, RunError::Budget("memory"));
    assert_eq!(
        of("for _ in range(5000):\n    ak_is_group_member(user, name='x')", Budget::default()).await,
        RunError::Budget("suspensions")
    );
    let patient = Budget { compute: Duration::from_secs(20), ..Budget::default() };
    let many = "x = []\nfor _ in range(60):\n    x = [x, x]\n";
    assert_eq!(of(&format!("{many}return x"), patient).await, RunError::Budget("output"));
    assert_eq!(of(&format!("{many}context['x'] = x"), patient).await, RunError::Budget("output"));
    let output = Budget { output: 1000, ..Budget::default() };
    assert_eq!(of("return 'x' * 2000", output).await, RunError::Budget("output"));
    assert_eq!(of("for _ in range(500):\n    ak_message('xxxxx')", output).await, RunError::Budget("output"));
    assert_eq!(of("for _ in range(500):\n    print('xxxxx')", output).await, RunError::Budget("output"));
    assert_eq!(of("def f():\n    return f()\nreturn f()", Budget::default()).await, RunError::Budget("depth"));
}

#[tokio::test]
async fn nothing_of_the_system_is_reachable() {
    for text in ["import os", "import sys", "import socket", "import pathlib", "import asyncio", "import ctypes"] {
        assert!(Program::parse(text).is_err(), "{text}");
    }
    for text in [
        "return open('/etc/passwd').read()",
        "eval('1')",
        "exec('1')",
        "__import__('os')",
        "return ().__class__.__base__",
        "return globals()",
    ] {
        let outcome = Program::parse(text).unwrap().run(inputs(), &TestHost, Budget::default()).await;
        assert!(outcome.is_err(), "{text}: {outcome:?}");
    }
}
