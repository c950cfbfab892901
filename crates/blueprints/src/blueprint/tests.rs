//! A whole file, and each thing that can be wrong with one.

use super::*;

const WHOLE: &str = r#"# yaml-language-server: $schema=https://goauthentik.io/blueprints/schema.json
version: 1
metadata:
  name: Example
  labels: {blueprints.goauthentik.io/instantiate: "false", number: 5}
context: {slug: a-flow, secret: !Env SECRET}
x-shared: &shared
  designation: authentication
entries:
  - model: authentik_flows.flow
    id: flow
    state: must_created
    identifiers: {slug: !Context slug}
    conditions: [true, !Context slug]
    attrs:
      <<: *shared
      name: A flow
    permissions:
      - {permission: inspect_flow, user: !Find [authentik_core.user, [username, akadmin]]}
      - {permission: view_flow, role: 5c6f}
  - model: authentik_blueprints.metaapplyblueprint
    attrs: {identifiers: {name: Other}, required: false}
  - {model: authentik_core.group, identifiers: !Context group, attrs: null, state: absent, id: 7}
"#;

fn error(text: &str) -> String {
    Blueprint::parse(text).map(|blueprint| panic!("{text}: parsed as {blueprint:?}")).unwrap_err().to_string()
}

/// The error of a file with one entry, which begins on line 2.
fn entry_error(entry: &str) -> String {
    error(&format!("entries:\n  - {entry}\n"))
}

#[test]
fn a_whole_file() {
    let blueprint = Blueprint::parse(WHOLE).unwrap();
    assert_eq!(blueprint.version, 1);
    assert_eq!(blueprint.metadata.as_ref().map(|metadata| metadata.name.as_str()), Some("Example"));
    assert_eq!(blueprint.label(LABEL_INSTANTIATE), Some("false"));
    assert_eq!((blueprint.label("number"), blueprint.label(LABEL_SYSTEM)), (Some("5"), None));
    assert_eq!(blueprint.context.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["slug", "secret"]);
    let [flow, meta, group] = blueprint.entries.as_slice() else { panic!("{blueprint:?}") };
    let word = |node: &Node| node.as_str().map(str::to_owned);
    assert_eq!((flow.model.as_str(), flow.id.as_deref(), flow.line), (Some("authentik_flows.flow"), Some("flow"), 10));
    assert_eq!(flow.state.as_ref().and_then(word).as_deref(), Some("must_created"));
    assert_eq!((flow.conditions.len(), flow.permissions.len()), (2, 2));
    assert_eq!(flow.attrs.get("designation").and_then(Node::as_str), Some("authentication"));
    assert!(flow.permissions[0].user.is_some() && flow.permissions[0].role.is_none());
    assert_eq!((meta.state.as_ref(), meta.line), (None, 21));
    assert_eq!(meta.identifiers.value, NodeValue::Mapping(Vec::new()));
    assert_eq!((group.state.as_ref().and_then(word).as_deref(), group.id.as_deref()), (Some("absent"), Some("7")));
    assert!(matches!(group.identifiers.value, NodeValue::Tagged(..)));
    assert_eq!(group.attrs.value, NodeValue::Mapping(Vec::new()));
}

#[test]
fn little_is_needed() {
    let blueprint = Blueprint::parse("entries: []").unwrap();
    assert_eq!((blueprint.version, blueprint.metadata, blueprint.entries.len()), (1, None, 0));
    let groups = "entries:\n  one: [{model: a.b, identifiers: {x: 1}}]\n  two: [{model: a.c, identifiers: {x: 1}}]\n";
    let models: Vec<_> =
        Blueprint::parse(groups).unwrap().entries.into_iter().map(|entry| entry.model.to_text()).collect();
    assert_eq!(models, [Some("a.b".to_owned()), Some("a.c".to_owned())]);
}

#[test]
fn a_file_that_is_none() {
    for (text, expected) in [
        ("", "line 1: a blueprint must be a mapping, this is nothing"),
        ("- 1", "line 1: a blueprint must be a mapping, this is a list"),
        ("version: 1", "line 1: a blueprint needs `entries`, a list"),
        ("version: 3", "line 1: Invalid blueprint version"),
        ("entries: 5", "line 1: `entries` is a number, expected a list"),
        ("version: 2\nentries: []", "line 1: Invalid blueprint version"),
        ("entries: []\nversion: '1'", "line 2: Invalid blueprint version"),
        ("version: []\nentries: []", "line 1: Invalid blueprint version"),
        ("metadata: {labels: {}}\nentries: []", "line 1: `metadata` needs a `name`"),
        ("metadata: x\nentries: []", "line 1: `metadata` must be a mapping, this is text"),
        ("metadata: {name: [x]}\nentries: []", "line 1: name must be text, this is a list"),
        ("metadata:\n  name: x\n  labels: [a]\nentries: []", "line 3: `labels` must be a mapping, this is a list"),
        ("metadata:\n  name: x\n  labels:\n    a: {}\nentries: []", "line 4: a label must be text, this is a mapping"),
        ("context: []\nentries: []", "line 1: `context` must be a mapping, this is a list"),
        ("entries:\n  a: 5", "line 2: a group of entries must be a list, this is a number"),
        ("entries: [", "line 1: YAML: while parsing a node, did not find expected node content"),
    ] {
        let found = error(text);
        if text == "entries: [" { assert!(found.contains("YAML: "), "{found}") } else { assert_eq!(found, expected) }
    }
}

#[test]
fn an_entry_that_is_none() {
    for (entry, expected) in [
        ("text", "line 2: an entry must be a mapping, this is text"),
        ("identifiers: {a: 1}", "line 2: the entry needs a `model`, like authentik_flows.flow"),
        ("model: flow", "line 2: `flow` is no model, expected app.model like authentik_flows.flow"),
        ("model: a.b.c", "line 2: `a.b.c` is no model, expected app.model like authentik_flows.flow"),
        ("model: [m]", "line 2: model must be text, this is a list"),
        ("model: a.b", "line 2: the entry of a.b needs `identifiers`, a mapping that finds the object"),
        (
            "{model: a.b, identifiers: {}}",
            "line 2: the entry of a.b needs `identifiers`, a mapping that finds the object",
        ),
        ("model: a.b\n    identifiers: [x]", "line 3: `identifiers` is a list, expected a mapping"),
        ("model: a.b\n    identifiers: {x: 1}\n    attrs: x", "line 4: `attrs` is text, expected a mapping"),
        (
            "model: a.b\n    identifiers: {x: 1}\n    state: gone",
            "line 4: unknown state `gone`, expected present, created, must_created or absent",
        ),
        (
            "model: a.b\n    attr: {x: 1}",
            "line 3: an entry has no `attr`, expected one of model, state, identifiers, attrs, conditions, \
             permissions, id",
        ),
        (
            "model: a.b\n    identifiers: {x: 1}\n    conditions: true",
            "line 4: `conditions` must be a list, this is a boolean",
        ),
        ("model: a.b\n    identifiers: {x: 1}\n    id: [x]", "line 4: id must be text, this is a list"),
        (
            "model: a.b\n    identifiers: {x: 1}\n    permissions:\n      - permission: view",
            "line 5: a permission needs a `user` or a `role`",
        ),
        (
            "model: a.b\n    identifiers: {x: 1}\n    permissions:\n      - user: 1",
            "line 5: a permission needs `permission`, the name of what is allowed",
        ),
        (
            "model: a.b\n    identifiers: {x: 1}\n    permissions:\n      - {permission: view, group: 1}",
            "line 5: a permission has no `group`, expected one of permission, user, role",
        ),
    ] {
        assert_eq!(entry_error(entry), expected, "{entry}");
    }
    assert_eq!(
        error("entries:\n- {model: a.b, identifiers: {x: 1}, id: x}\n\n- {model: a.b, identifiers: {x: 2}, id: x}\n"),
        "line 4: the id `x` is already used by the entry on line 2"
    );
}

#[test]
fn errors_know_their_column() {
    let error = Blueprint::parse("entries:\n  - model: a.b\n    state:   gone\n    identifiers: {x: 1}\n").unwrap_err();
    assert_eq!((error.line, error.column), (3, 14));
}
