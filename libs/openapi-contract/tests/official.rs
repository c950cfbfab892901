//! The official document: found, read, and exactly itself.

use std::path::{Path, PathBuf};
use std::{env, fs};

use vestibule_openapi_contract::{Document, Options, compare, load_yaml, official_schema_path};

/// The official document's operations without the enterprise part.
const OPERATIONS: usize = 937;

/// Cargo's home of whoever runs the test.
fn cargo_home() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| env::home_dir().map(|home| home.join(".cargo")))
}

#[test]
fn the_official_document_is_exactly_itself() {
    let path = cargo_home().and_then(|home| official_schema_path(&home));
    let path = path.expect("cargo has fetched the crate authentik-client");
    let official = Document::new(load_yaml(&fs::read_to_string(path).unwrap()).unwrap());
    let report = compare(&official, &official, &Options::default());
    assert_eq!((report.exact, report.total), (OPERATIONS, OPERATIONS), "{report:#}");
    assert!(report.missing.is_empty() && report.inexact.is_empty());
    assert_eq!(report.rows.iter().map(|row| row.exact).sum::<usize>(), OPERATIONS);
    assert!(report.to_string().ends_with("\n937 of 937 operations exact (100.0 %)"), "{report}");

    let stages = Options { groups: vec!["stages/".to_owned()], include_enterprise: false };
    let report = compare(&official, &official, &stages);
    assert_eq!((report.rows.len(), report.exact, report.total), (1, 175, 175));

    let all = Options { groups: Vec::new(), include_enterprise: true };
    assert_eq!(compare(&official, &official, &all).total, official.operations().count());

    let none = compare(&official, &Document::new(serde_json::json!({})), &Options::default());
    assert_eq!((none.missing.len(), none.exact, none.total), (OPERATIONS, 0, OPERATIONS));
    assert!(none.rows.iter().all(|row| row.served == 0));
}

#[test]
fn the_newest_schema_is_found() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cargo-home");
    let _ = fs::remove_dir_all(&home);
    assert_eq!(official_schema_path(&home), None);
    let source = home.join("registry/src");
    for name in ["a/authentik-client-2026.8.5", "b/authentik-client-2026.10.1", "a/authentik-client-2026.9.0"] {
        fs::create_dir_all(source.join(name)).unwrap();
        fs::write(source.join(name).join("schema.yml"), "").unwrap();
    }
    fs::create_dir_all(source.join("a/authentik-client-2027.1.0")).unwrap();
    fs::create_dir_all(source.join("a/authentik-2028.1.0")).unwrap();
    let newest = source.join("b/authentik-client-2026.10.1/schema.yml");
    assert_eq!(official_schema_path(&home), Some(newest));
    fs::remove_dir_all(&home).unwrap();
}
