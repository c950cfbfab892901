//! Whatever the text: no panic, no outliving of the budget, no touching of the host.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use vestibule_expression::{Budget, Program, RunError};

use crate::support::{TestHost, inputs};

/// What may be taken beyond the budget: compiling, and a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pieces of programs, put together blindly.
fn pieces() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "return ",
        "x",
        " = ",
        "1",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        ".",
        " for ",
        " in ",
        " if ",
        " else ",
        "\n",
        "\n    ",
        "while True:",
        "def f():",
        "yield ",
        "lambda: ",
        "'a'",
        "f'{x}'",
        " % ",
        " ** ",
        " * ",
        "10**9",
        "not ",
        "try:",
        "except:",
        "del ",
        "import re",
        "import os",
        "request",
        ".user",
        ".context",
        "['x']",
        "open",
        "print",
        "ak_message",
        "class A:",
        "global ",
        "with ",
        "async ",
        "await ",
        "match x:",
        "\\",
        "\"\"\"",
        "#",
        ";",
        "\t",
        "ü",
        "next(",
        "|",
        "|=",
        ".save()",
        "-",
        "@",
        ":=",
        "...",
        "None",
        "range(10**8)",
        "str(",
        "self",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let started = Instant::now();
    if let Ok(program) = Program::parse(text) {
        let budget =
            Budget { compute: Duration::from_millis(50), memory: 16 << 20, suspensions: 50, ..Budget::default() };
        let result = runtime.block_on(program.run(inputs(), &TestHost, budget));
        prop_assert_ne!(result, Err(RunError::Internal), "{}", text);
    }
    prop_assert!(started.elapsed() < PATIENCE, "{}", text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_ends(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_program_ends(text in pieces()) {
        check(&text)?;
    }
}

#[test]
fn deep_texts_end() {
    for (open, close) in
        [("(", ")"), ("[", "]"), ("{1:", "}"), ("f(", ")"), ("not ", ""), ("-", ""), ("x.", "y"), ("lambda: ", "1")]
    {
        for depth in [50, 300, 10_000] {
            let text = format!("return {}1{}", open.repeat(depth), close.repeat(depth));
            check(&text).unwrap();
        }
    }
    check(&format!("return {}1", "1 + ".repeat(10_000))).unwrap();
    check(&format!("return {}1", "x % ".repeat(10_000))).unwrap();
    check(&format!("if 1:\n  pass\n{}", "elif 2:\n  pass\n".repeat(2000))).unwrap();
}
