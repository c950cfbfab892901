//! Declarations say what they are, to people too.

use super::Findings;
use crate::app::App;

#[tokio::test]
async fn everything_that_is_served_is_described() {
    let app = App::start().await;
    let mut findings = Findings::default();
    for kind in app.registry().kinds() {
        let model = kind.model();
        let (one, many) = (kind.spec.verbose_name(), kind.spec.verbose_name_plural());
        findings.check(one != many || one.ends_with('s'), || format!("{model}: no plural"));
        // What no path leads to (the built-in source) has no form.
        let is_member = kind.spec.family_of().is_some() && !kind.spec.path_served().is_empty();
        findings.check(!is_member || !kind.spec.component_name().is_empty(), || format!("{model}: no component"));
        for field in &kind.fields {
            findings.check(!field.doc.is_empty(), || format!("{model}.{}: no doc comment", field.name));
        }
        for operation in kind.spec.operations() {
            findings.check(!operation.doc.is_empty(), || format!("{}: no description", operation.id));
        }
    }
    for operation in app.registry().operations() {
        findings.check(!operation.doc.is_empty(), || format!("{}: no description", operation.id));
    }
    for entry in app.server.flow.stages.entries() {
        let model = entry.model;
        findings.check(!entry.description.is_empty(), || format!("{model}: no description"));
        findings.check(app.registry().kind(model).is_some(), || format!("{model}: no kind"));
        let sample = (entry.sample)();
        let fits = if entry.page.is_some() { sample["component"] == entry.component } else { sample.is_null() };
        findings.check(fits, || format!("{model}: its sample is {sample}"));
    }
    let document = app.schema().await;
    for (path, item) in document["paths"].as_object().unwrap() {
        let operations = item.as_object().unwrap().iter().filter(|(name, _)| *name != "servers");
        for (method, operation) in operations {
            let described = operation["description"].as_str().is_some_and(|text| !text.is_empty());
            findings.check(described, || format!("{method} {path}: no description"));
        }
    }
    findings.none();
}
