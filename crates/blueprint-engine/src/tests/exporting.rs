//! Exports that come back as they went.

use serde_json::{Value, json};

use super::world;
use crate::export::{Secrets, documents};

const CIRCLE: &str = "
entries:
  - {model: authentik_core.group, identifiers: {name: staff}}
  - {model: test.note, identifiers: {name: a}, attrs: {secret: geheim, text: \"two\\nlines: yes\"}}
  - {model: test.note, identifiers: {name: b}, attrs: {other: !Find [test.note, [name, a]], group: !Find [authentik_core.group, [name, staff]]}}
  - {model: test.note, identifiers: {name: a}, attrs: {other: !Find [test.note, [name, b]]}}
  - {model: test.tie, identifiers: {one: !Find [test.note, [name, a]], two: !Find [test.note, [name, b]], order: 3}}
";

#[tokio::test]
async fn export_import_export_is_the_same_here_and_elsewhere() {
    let here = world().await;
    here.apply(CIRCLE).await.unwrap();
    let hidden = here.export(Secrets::Hidden).await;
    assert!(!hidden.contains("geheim") && hidden.contains("!Secret"), "{hidden}");
    here.import(&hidden).await.unwrap();
    assert_eq!(here.export(Secrets::Hidden).await, hidden);
    assert_eq!(here.note("a").unwrap()["secret"], "geheim", "a placeholder keeps the present value");

    let elsewhere = world().await;
    elsewhere.apply("entries: [{model: authentik_core.group, identifiers: {name: staff}}]").await.unwrap();
    let error = elsewhere.import(&hidden).await.unwrap_err().to_string();
    assert!(error.contains("secret of test.note {\"name\":\"a\"}"), "{error}");
    assert!(elsewhere.note("b").is_none(), "an import that lacks a secret changes nothing");
    let shown = here.export(Secrets::Shown).await;
    elsewhere.import(&shown).await.unwrap();
    assert_eq!(elsewhere.export(Secrets::Shown).await, shown);
    assert_eq!(elsewhere.note("a").unwrap()["secret"], "geheim");
    assert_eq!(elsewhere.note("a").unwrap()["other"], elsewhere.note("b").unwrap()["pk"]);
}

#[tokio::test]
async fn a_large_export_is_several_documents_and_comes_back() {
    let here = world().await;
    let entries: Vec<Value> = (0..600)
        .map(|number| json!({"model": "test.note", "identifiers": {"name": format!("n{number:03}")}}))
        .collect();
    here.apply(&json!({"entries": entries}).to_string()).await.unwrap();
    let text = here.export(Secrets::Hidden).await;
    assert_eq!(documents(&text).len(), 3);
    let applied = here.import(&text).await.unwrap();
    assert_eq!((applied.created, applied.updated), (0, 600));
    assert_eq!(here.export(Secrets::Hidden).await, text);
    let broken = text.replace("name: n599", "name: n599\n    colour: [");
    assert!(
        here.import(&broken).await.unwrap_err().to_string().starts_with("export.yaml:4"),
        "lines count from the start"
    );
}
