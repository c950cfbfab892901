//! Finds authentik's official document.

use std::fs;
use std::path::{Path, PathBuf};

/// What the directory of the crate with the official document begins with, before its version.
const CRATE: &str = "authentik-client-";

/// The newest `registry/src/*/authentik-client-*/schema.yml` under cargo's home; `None` where there is none.
///
/// Cargo's home is `$CARGO_HOME`, or else `.cargo` in the user's home. The file is there once cargo has fetched
/// the crate `authentik-client`.
pub fn official_schema_path(cargo_home: &Path) -> Option<PathBuf> {
    let crates = entries(&cargo_home.join("registry/src")).into_iter().flat_map(|registry| entries(&registry));
    let found = crates.filter_map(|path| {
        let version = version(path.file_name()?.to_str()?.strip_prefix(CRATE)?);
        let schema = path.join("schema.yml");
        schema.is_file().then_some((version, schema))
    });
    found.max().map(|(_, schema)| schema)
}

/// What a directory holds; nothing where it cannot be read.
fn entries(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).map_or_else(|_| Vec::new(), |found| found.flatten().map(|entry| entry.path()).collect())
}

/// A version by its numbers, so that `2026.10` is newer than `2026.8`.
fn version(text: &str) -> Vec<u64> {
    text.split('.').map(|number| number.parse().unwrap_or(0)).collect()
}
