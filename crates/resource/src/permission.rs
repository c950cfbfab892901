//! Every permission there is: four for each model, and those that operations ask for by name.

use sha2::{Digest as _, Sha256};

use crate::call::{Operation, Permission as Asked};
use crate::kind::Verb;
use crate::registry::Registry;

/// A permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Its number, the same on every server.
    pub id: i64,
    /// Application part of its model.
    pub app: String,
    /// Name part of its model.
    pub model: String,
    /// What people call its model.
    pub model_verbose: String,
    /// Its name within the application.
    pub codename: String,
    /// What people call it.
    pub name: String,
}

impl Permission {
    fn new(model: &str, model_verbose: &str, codename: &str, name: String) -> Self {
        let (app, model) = model.split_once('.').unwrap_or_default();
        let id = number(app, codename);
        let [app, model, model_verbose, codename] = [app, model, model_verbose, codename].map(str::to_owned);
        Self { id, app, model, model_verbose, codename, name }
    }

    /// `app.codename`, which is what roles keep.
    pub fn full(&self) -> String {
        format!("{}.{}", self.app, self.codename)
    }

    /// `app.model`.
    pub fn model(&self) -> String {
        format!("{}.{}", self.app, self.model)
    }
}

/// A number for a permission's name: 31 bits of its hash, so that it needs no table. The registry's check and a test
/// over everything that is served find two that are alike.
fn number(app: &str, codename: &str) -> i64 {
    let hash = Sha256::digest(format!("{app}.{codename}"));
    let head = hash.iter().take(4).fold(0_i64, |number, byte| number << 8 | i64::from(*byte));
    head & 0x7fff_ffff
}

/// A model that is no kind, or that many kinds share.
struct Besides {
    model: &'static str,
    verbose_name: &'static str,
    /// Whether it has the four of every model.
    verbs: bool,
    more: &'static [(&'static str, &'static str)],
}

const BESIDES: &[Besides] = &[
    Besides { model: "authentik_admin.versionhistory", verbose_name: "Version history", verbs: true, more: &[] },
    Besides {
        model: "authentik_policies.policy",
        verbose_name: "Policy",
        verbs: false,
        more: &[
            ("view_policy_cache", "View Policy's cache metrics"),
            ("clear_policy_cache", "Clear Policy's cache metrics"),
        ],
    },
    Besides {
        model: "authentik_rbac.systempermission",
        verbose_name: "System permission",
        verbs: false,
        more: &[
            ("view_system_info", "Can view system info"),
            ("access_admin_interface", "Can access admin interface"),
            ("view_system_settings", "Can view system settings"),
            ("edit_system_settings", "Can edit system settings"),
            ("view_media_files", "Can view media files"),
            ("manage_media_files", "Can manage media files"),
        ],
    },
];

fn verbs(model: &str, verbose_name: &str) -> Vec<Permission> {
    let name = model.split_once('.').map_or("", |(_, name)| name);
    let all = [Verb::Add, Verb::Change, Verb::Delete, Verb::View].map(Verb::as_str);
    let one = |verb: &str| {
        let (codename, title) = (format!("{verb}_{name}"), format!("Can {verb} {verbose_name}"));
        Permission::new(model, verbose_name, &codename, title)
    };
    all.into_iter().map(one).collect()
}

/// Every permission that a registry knows, by application, model and name.
pub(crate) fn all(registry: &Registry) -> Vec<Permission> {
    let mut found = Vec::new();
    for kind in registry.kinds() {
        found.extend(verbs(kind.model(), kind.spec.verbose_name));
        let more = kind.spec.permissions.iter();
        found.extend(more.map(|(codename, name)| {
            Permission::new(kind.model(), kind.spec.verbose_name, codename, (*name).to_owned())
        }));
    }
    for family in registry.families().iter().filter(|family| registry.kind(family.model).is_none()) {
        found.extend(verbs(family.model, family.verbose_name));
    }
    for model in BESIDES {
        if model.verbs {
            found.extend(verbs(model.model, model.verbose_name));
        }
        let more = model.more.iter();
        found.extend(
            more.map(|(codename, name)| Permission::new(model.model, model.verbose_name, codename, (*name).to_owned())),
        );
    }
    for kind in registry.kinds() {
        for operation in kind.spec.operations() {
            ask(&mut found, operation, Some((kind.model(), kind.spec.verbose_name)));
        }
    }
    for operation in registry.operations() {
        let family = registry.families().iter().find(|family| operation.path.starts_with(family.path));
        ask(&mut found, operation, family.map(|family| (family.model, family.verbose_name)));
    }
    found.sort_by(|one, other| (&one.app, &one.model, &one.codename).cmp(&(&other.app, &other.model, &other.codename)));
    found
}

/// Adds what an operation asks for and nobody declared.
fn ask(found: &mut Vec<Permission>, operation: &Operation, subject: Option<(&str, &str)>) {
    let Asked::Named(full) = operation.permission else { return };
    let Some((app, codename)) = full.split_once('.') else { return };
    if found.iter().any(|one| one.app == app && one.codename == codename) {
        return;
    }
    let own = subject.filter(|(model, _)| model.split_once('.').is_some_and(|(of, _)| of == app));
    let (_, name) = codename.split_once('_').unwrap_or(("", codename));
    let (model, verbose_name) = match own {
        Some((model, verbose_name)) => (model.to_owned(), verbose_name.to_owned()),
        None => (format!("{app}.{name}"), name.replace('_', " ")),
    };
    let mut title = codename.replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    found.push(Permission::new(&model, &verbose_name, codename, title));
}
