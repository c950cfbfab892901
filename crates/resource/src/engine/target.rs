//! Every path, and what it leads to.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;

use crate::call::{Operation, Permission};
use crate::kind::{Family, Kind, Verb};
use crate::registry::Registry;

/// What a route leads to.
#[derive(Clone)]
pub(crate) enum Target {
    /// A kind's list.
    Kind(Arc<Kind>),
    /// One of its objects.
    Object(Arc<Kind>),
    /// Who refers to one of its objects.
    UsedBy(Arc<Kind>),
    /// A family's list.
    Family(&'static Family),
    /// One of its members.
    Member(&'static Family),
    /// Who refers to one of its members.
    MemberUsedBy(&'static Family),
    /// Operations that share a path, and what they are about.
    Operations(Vec<Operation>, Subject),
}

/// What operations are about.
#[derive(Clone)]
pub(crate) enum Subject {
    /// No kind in particular.
    Api,
    /// A kind.
    Kind(Arc<Kind>),
    /// One object of a kind.
    Object(Arc<Kind>),
    /// One member of a family.
    Member(&'static Family),
}

/// Every path with what it leads to.
pub(crate) fn targets(registry: &Registry) -> Vec<(String, Target)> {
    let mut targets = Vec::new();
    for family in registry.families() {
        let base = format!("/api/v3/{}/", family.path);
        targets.push((base.clone(), Target::Family(family)));
        targets.push((format!("{base}{{key}}/"), Target::Member(family)));
        targets.push((format!("{base}{{key}}/used_by/"), Target::MemberUsedBy(family)));
    }
    let seconds = registry.kinds().iter().filter_map(|kind| kind.second().map(Arc::new));
    let kinds: Vec<Arc<Kind>> = registry.kinds().iter().cloned().chain(seconds).collect();
    for kind in kinds.iter().filter(|kind| !kind.spec.path.is_empty()) {
        let base = kind.wire_path();
        targets.push((base.clone(), Target::Kind(Arc::clone(kind))));
        targets.push((format!("{base}{{key}}/"), Target::Object(Arc::clone(kind))));
        if kind.spec.used_by {
            targets.push((format!("{base}{{key}}/used_by/"), Target::UsedBy(Arc::clone(kind))));
        }
        for (path, operations) in grouped(&kind.spec.operations) {
            let subject = if path.starts_with("{}/") { Subject::Object } else { Subject::Kind };
            let path = format!("{base}{}", path.replacen("{}", "{key}", 1));
            targets.push((path, Target::Operations(operations, subject(Arc::clone(kind)))));
        }
    }
    for (path, operations) in grouped(registry.operations()) {
        let family =
            path.split_once("/{}/").and_then(|(base, _)| registry.families().iter().find(|one| one.path == base));
        let about = operations.iter().find_map(|operation| registry.kind(operation.about?));
        let subject = match (about, family) {
            (Some(kind), _) if path.contains("{}") => Subject::Object(Arc::clone(kind)),
            (Some(kind), _) => Subject::Kind(Arc::clone(kind)),
            (None, Some(family)) => Subject::Member(family),
            (None, None) => Subject::Api,
        };
        // What lies beside authentik's paths says where.
        let base = if path.starts_with('/') { "" } else { "/api/v3/" };
        let path = format!("{base}{}", path.replacen("{}", "{key}", 1));
        targets.push((path, Target::Operations(operations, subject)));
    }
    targets
}

fn grouped(operations: &[Operation]) -> BTreeMap<&'static str, Vec<Operation>> {
    let mut groups: BTreeMap<&'static str, Vec<Operation>> = BTreeMap::new();
    for operation in operations {
        groups.entry(operation.path).or_default().push(operation.clone());
    }
    groups
}

impl Target {
    pub(crate) fn methods(&self) -> Vec<&'static str> {
        let mut methods = match self {
            Self::Kind(kind) if kind.spec.verbs.contains(&Verb::Add) => vec!["GET", "POST"],
            Self::Object(kind) => {
                let writes: &[&str] = if kind.spec.verbs.contains(&Verb::Change) { &["PUT", "PATCH"] } else { &[] };
                let deletes: &[&str] = if kind.spec.verbs.contains(&Verb::Delete) { &["DELETE"] } else { &[] };
                [&["GET"], writes, deletes].concat()
            }
            Self::Member(_) => vec!["GET", "DELETE"],
            Self::Kind(_) | Self::UsedBy(_) | Self::MemberUsedBy(_) | Self::Family(_) => vec!["GET"],
            Self::Operations(operations, ..) => {
                let known = ["GET", "POST", "PUT", "PATCH", "DELETE"];
                known.into_iter().filter(|name| operations.iter().any(|one| one.method == *name)).collect()
            }
        };
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods
    }

    /// The media types of its answers besides JSON.
    pub(super) fn produces(&self, method: &Method) -> Vec<&'static str> {
        let Self::Operations(operations, ..) = self else { return Vec::new() };
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        operations.iter().filter(|one| one.method == *method).flat_map(|one| one.produces.iter().copied()).collect()
    }

    pub(super) fn is_detail(&self) -> bool {
        match self {
            Self::Object(_) | Self::UsedBy(_) | Self::Member(_) | Self::MemberUsedBy(_) => true,
            // Their own permission check comes first there, so that nobody is told the detail's words.
            Self::Kind(_) | Self::Family(_) | Self::Operations(..) => false,
        }
    }

    pub(super) fn is_public(&self, method: &Method) -> bool {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let open = |permission| matches!(permission, Permission::Public | Permission::Hidden);
        matches!(self, Self::Operations(operations, ..)
            if operations.iter().any(|one| open(one.permission) && one.method == *method))
    }
}
