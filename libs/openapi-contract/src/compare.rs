//! Holds one document's operations against another's.

use serde_json::Value;

use crate::document::{Document, list, resolve};
use crate::report::Report;
use crate::shape::{Kind, Shape, quoted};

/// The starts of the paths of authentik's enterprise part: another licence, not counted unless asked for.
pub const ENTERPRISE: [&str; 23] = [
    "agents/",
    "authenticators/admin/endpoint",
    "authenticators/endpoint",
    "core/users/account_lockdown",
    "core/users/export",
    "endpoints/",
    "enterprise/",
    "lifecycle/",
    "policies/unique_password",
    "propertymappings/provider/google_workspace",
    "propertymappings/provider/microsoft_entra",
    "providers/google_workspace",
    "providers/microsoft_entra",
    "providers/ssf",
    "providers/wsfed",
    "reports/",
    "requests/",
    "ssf/",
    "stages/account_lockdown",
    "stages/authenticator/endpoint_gdtc",
    "stages/endpoints",
    "stages/mtls",
    "stages/source",
];

/// How many names a message about required fields lists.
const NAMES: usize = 6;
/// How many characters of a value a message shows.
const CHARACTERS: usize = 60;

/// Which operations to compare.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only paths that begin with one of these (`stages`, or longer: `stages/identification`); none is all.
    pub groups: Vec<String>,
    /// Counts the [`ENTERPRISE`] part too.
    pub include_enterprise: bool,
}

impl Options {
    fn wants(&self, path: &str) -> bool {
        let named = self.groups.is_empty() || self.groups.iter().any(|group| path.starts_with(group.as_str()));
        named && (self.include_enterprise || !ENTERPRISE.iter().any(|start| path.starts_with(start)))
    }
}

/// Holds every operation of `official` that `options` wants against `ours`.
///
/// An operation is served when path and method are there. It is exact when also the operation id, the query
/// parameters, the request body and the success answer have the same fields, types, enums, formats and
/// nullability. Descriptions and titles do not count, nor do fields and status codes that only our answers have.
pub fn compare(official: &Document, ours: &Document, options: &Options) -> Report {
    let mut report = Report::default();
    for (path, method) in official.keys() {
        let bare = path.trim_matches('/');
        if !options.wants(bare) {
            continue;
        }
        let group = bare.split('/').next().unwrap_or_default();
        let mine = Operation::of(ours, path, method);
        let found = Operation::of(official, path, method).zip(mine).map(|(theirs, mine)| theirs.differences(&mine));
        report.count(group, (method.to_uppercase(), path.to_owned()), found);
    }
    report
}

/// The wire of one operation.
struct Operation<'a> {
    id: Option<&'a str>,
    query: Vec<(&'a str, Shape<'a>)>,
    request: Option<Shape<'a>>,
    answer: Option<Shape<'a>>,
    statuses: Vec<&'a str>,
}

impl<'a> Operation<'a> {
    fn of(document: &'a Document, path: &str, method: &str) -> Option<Self> {
        let (operation, shared) = document.parts(method, path)?;
        let root = document.root();
        let mut query: Vec<(&str, Shape<'_>)> = Vec::new();
        for parameter in shared.iter().chain(list(operation, "parameters")).filter_map(|found| resolve(root, found)) {
            if parameter.get("in").is_some_and(|place| place == "query")
                && let Some(name) = parameter.get("name").and_then(Value::as_str)
            {
                let shape = Shape::of(root, parameter.get("schema"));
                match query.iter_mut().find(|(known, _)| *known == name) {
                    Some(known) => known.1 = shape,
                    None => query.push((name, shape)),
                }
            }
        }
        let json = |node: &'a Value| {
            let content = document.content(node)?;
            let media = content.iter().find(|(kind, _)| kind.contains("json"))?.1;
            Some(Shape::of(root, media.get("schema")))
        };
        let request = operation.get("requestBody").and_then(|body| {
            let form = || Some(Shape { kind: Kind::Form, nullable: false });
            json(body).or_else(|| document.content(body).filter(|content| !content.is_empty()).and_then(|_| form()))
        });
        let responses = operation.get("responses").and_then(Value::as_object);
        let mut success: Vec<(&str, &Value)> = responses.map_or_else(Vec::new, |responses| {
            let found = responses.iter().filter(|(status, _)| status.starts_with('2'));
            found.map(|(status, response)| (status.as_str(), response)).collect()
        });
        success.sort_unstable_by_key(|(status, _)| *status);
        let answer = success.iter().rev().find_map(|(_, response)| json(response));
        let statuses = success.into_iter().map(|(status, _)| status).collect();
        Some(Self { id: operation.get("operationId").and_then(Value::as_str), query, request, answer, statuses })
    }

    fn parameter(&self, name: &str) -> Option<&Shape<'a>> {
        field(&self.query, name)
    }

    /// What `ours` has otherwise than this, the official one.
    fn differences(&self, ours: &Operation<'_>) -> Vec<String> {
        let mut found = Vec::new();
        if self.id != ours.id {
            found.push(format!("operationId is {} there", self.id.unwrap_or("None")));
        }
        let missing = self.query.iter().filter(|(name, _)| ours.parameter(name).is_none());
        found.extend(missing.map(|(name, _)| format!("query {name}: missing")));
        let more = ours.query.iter().filter(|(name, _)| self.parameter(name).is_none());
        found.extend(more.map(|(name, _)| format!("query {name}: only here")));
        for (name, theirs) in &self.query {
            if let Some(ours) = ours.parameter(name) {
                Side { answer: true, found: &mut found }.differences(theirs, Some(ours), &format!("query {name}"));
            }
        }
        for (theirs, ours, place) in [(&self.request, &ours.request, "request"), (&self.answer, &ours.answer, "answer")]
        {
            if let Some(theirs) = theirs {
                let answer = place == "answer";
                Side { answer, found: &mut found }.differences(theirs, ours.as_ref(), place);
            }
        }
        if !self.statuses.iter().all(|status| ours.statuses.contains(status)) {
            found.push(format!("status {} there, {} here", quoted(&self.statuses), quoted(&ours.statuses)));
        }
        found
    }
}

fn field<'s, 'a>(fields: &'s [(&str, Shape<'a>)], name: &str) -> Option<&'s Shape<'a>> {
    fields.iter().find(|(known, _)| *known == name).map(|(_, shape)| shape)
}

/// One side of an operation: an answer may say more than the official one, a request may not.
struct Side<'f> {
    answer: bool,
    found: &'f mut Vec<String>,
}

impl Side<'_> {
    fn differences(&mut self, theirs: &Shape<'_>, ours: Option<&Shape<'_>>, place: &str) {
        if matches!(theirs.kind, Kind::Any) {
            return;
        }
        let Some(ours) = ours else { return self.found.push(format!("{place}: missing")) };
        match (&theirs.kind, &ours.kind) {
            (_, Kind::Any) => return self.found.push(format!("{place}: untyped here")),
            (Kind::Object { .. }, Kind::Object { .. }) => self.object(theirs, ours, place),
            (Kind::Object { .. }, _) => return self.found.push(format!("{place}: an object there")),
            (Kind::Array(theirs), Kind::Array(ours)) => self.differences(theirs, Some(ours), &format!("{place}[]")),
            (Kind::Array(_), _) => self.found.push(format!("{place}: an array there")),
            _ => {
                let differs = theirs.facets().into_iter().zip(ours.facets()).find(|(theirs, ours)| theirs != ours);
                if let Some(((name, theirs), (_, ours))) = differs {
                    let (theirs, ours) = (start(&theirs.to_string()), start(&ours.to_string()));
                    return self.found.push(format!("{place}: {name} {theirs} there, {ours} here"));
                }
            }
        }
        if theirs.nullable != ours.nullable {
            let there = if theirs.nullable { "True" } else { "False" };
            self.found.push(format!("{place}: nullable there is {there}"));
        }
    }

    fn object(&mut self, theirs: &Shape<'_>, ours: &Shape<'_>, place: &str) {
        let (
            Kind::Object { fields: theirs, required: wanted, open },
            Kind::Object { fields: ours, required: have, .. },
        ) = (&theirs.kind, &ours.kind)
        else {
            return;
        };
        for (name, inner) in theirs {
            match field(ours, name) {
                Some(mine) => self.differences(inner, Some(mine), &format!("{place}.{name}")),
                None => self.found.push(format!("{place}.{name}: missing")),
            }
        }
        if !self.answer && !open {
            let more = ours.iter().filter(|(name, _)| field(theirs, name).is_none());
            self.found.extend(more.map(|(name, _)| format!("{place}.{name}: only here")));
        }
        let differs = if self.answer { !wanted.is_subset(have) } else { wanted != have };
        if differs {
            let names: Vec<&str> = wanted.symmetric_difference(have).copied().take(NAMES).collect();
            self.found.push(format!("{place}: required differs: {}", quoted(&names)));
        }
    }
}

/// The start of a text, as much as a message shows.
fn start(text: &str) -> String {
    text.chars().take(CHARACTERS).collect()
}
