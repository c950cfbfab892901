//! Blueprints that apply blueprints.

use serde_json::json;

use super::world;

#[tokio::test]
async fn other_blueprints_are_applied_once_and_by_name() {
    let world = world().await;
    let instance = |name: &str, content: &str| {
        json!({"entries": [{"model": "authentik_blueprints.blueprintinstance", "identifiers": {"name": name},
            "attrs": {"content": content, "context": {"word": "from its context"}}}]})
        .to_string()
    };
    let apply = |name: &str| {
        format!("{{model: authentik_blueprints.metaapplyblueprint, attrs: {{identifiers: {{name: {name}}}}}}}")
    };
    // Each applies the other.
    let first = format!(
        "entries:\n  - {}\n  - {{model: test.note, identifiers: {{name: one}}, attrs: {{text: !Context word}}}}",
        apply("Second")
    );
    let second = format!("entries:\n  - {}\n  - {{model: test.note, identifiers: {{name: two}}}}", apply("First"));
    world.apply(&instance("First", &first)).await.unwrap();
    world.apply(&instance("Second", &second)).await.unwrap();
    let applied = world.apply(&format!("entries: [{}]", apply("First"))).await.unwrap();
    assert_eq!((applied.created, applied.passed), (2, 1));
    assert_eq!(world.note("one").unwrap()["text"], "from its context");

    let broken = "entries: [{model: test.note, identifiers: {name: !Find [test.note, [name, nobody]]}}]";
    world.apply(&instance("Broken", broken)).await.unwrap();
    let error = world.error(&format!("entries: [{}]", apply("Broken"))).await;
    assert_eq!(error, "Broken:1: !Find: there is no test.note with name \"nobody\"");
    let error = world.error(&format!("entries:\n  - {}", apply("Nobody"))).await;
    assert_eq!(error, "test.yaml:2: there is no blueprint {\"name\":\"Nobody\"}");
    let optional = "entries: [{model: authentik_blueprints.metaapplyblueprint,
      attrs: {identifiers: {name: Nobody}, required: false}}]";
    assert_eq!(world.apply(optional).await.unwrap().passed, 1);
    let error = world.error("entries: [{model: authentik_blueprints.metadance, attrs: {}}]").await;
    assert!(error.contains("there is no instruction"), "{error}");
    let by_name = world.apply(&format!("entries: [{}]", apply("authentik Bootstrap"))).await.unwrap();
    assert_eq!(by_name.created, 1, "what comes with the server is applied by its name");
}
