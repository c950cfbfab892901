//! The programs of `corpus.txt`: each begins with `### its title`, ends with `=> value` in JSON, and between the two may
//! stand `>> message` for what it says.

use serde_json::{Value as Json, from_str};
use vestibule_expression::{Budget, Program};

use crate::support::{TestHost, inputs};

const CORPUS: &str = include_str!("corpus.txt");

#[tokio::test]
async fn every_program_of_the_corpus_has_its_value() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in CORPUS.split("### ").skip(1) {
        count += 1;
        let (title, body) = entry.split_once('\n').unwrap();
        let (body, expected) = body.rsplit_once("\n=> ").unwrap();
        let expected: Json = from_str(expected.trim()).unwrap_or_else(|error| panic!("{title}: {error}"));
        let said: Vec<&str> = body.lines().filter_map(|line| line.strip_prefix(">> ")).collect();
        let text: Vec<&str> = body.lines().filter(|line| !line.starts_with(">> ")).collect();
        let program = match Program::parse(&text.join("\n")) {
            Ok(program) => program,
            Err(error) => {
                wrong.push(format!("{title}: {error}"));
                continue;
            }
        };
        match program.run(inputs(), &TestHost, Budget::default()).await {
            Ok(outcome) if outcome.value.to_json() == expected && outcome.messages == said => {}
            other => wrong.push(format!("{title}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} of {count} fail:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 80, "{count} programs");
}
