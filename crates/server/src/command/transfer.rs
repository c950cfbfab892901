//! `export` and `import`: the configuration as YAML.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use vestibule_kernel::Ctx;
use vestibule_kernel::settings::Settings;
use vestibule_resource::Registry;
use vestibule_store::Store;

use crate::blueprint::export::{Secrets, documents, export as text_of};
use crate::blueprint::{Applied, Applier, ApplyError, Origin, system};
use crate::start::{StartError, open_store};

/// Largest file that is imported, bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

pub(super) async fn export(settings: &Settings, with_secrets: bool, path: Option<&Path>) -> Result<(), StartError> {
    let registry = crate::registry::families()?.registry;
    let store = open_store(settings, &Ctx::system(), &registry).await?;
    let secrets = if with_secrets { Secrets::Shown } else { Secrets::Hidden };
    let text = text_of(&store, &registry, secrets).await?;
    let written = match path {
        None => std::io::stdout().write_all(text.as_bytes()),
        Some(path) => {
            let mode = if with_secrets { 0o600 } else { 0o644 };
            let file = OpenOptions::new().create(true).write(true).truncate(true).mode(mode).open(path);
            file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        }
    };
    let name = path.map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    Ok(written.map_err(|error| format!("{name}: {error}"))?)
}

pub(super) async fn import(settings: &Settings, path: &Path) -> Result<(), StartError> {
    let (name, text) = read(path)?;
    let registry = crate::registry::families()?.registry;
    let ctx = Ctx::system();
    let store = open_store(settings, &ctx, &registry).await?;
    let applied = apply(&store, &registry, &ctx, &name, &text).await?;
    for (line, note) in &applied.notes {
        eprintln!("{name}:{line}: {note}");
    }
    let Applied { created, updated, deleted, passed, .. } = applied;
    println!("{created} created, {updated} updated, {deleted} deleted, {passed} left alone.");
    Ok(())
}

fn read(path: &Path) -> Result<(String, String), String> {
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let mut text = String::new();
    let result = if path == Path::new("-") {
        std::io::stdin().take(LARGEST).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text))
    };
    result.map_err(|error| format!("{name}: {error}"))?;
    Ok((name, text))
}

/// Applies every YAML document of a text in one change.
pub(crate) async fn apply(
    store: &Store,
    registry: &Registry,
    ctx: &Ctx,
    name: &str,
    text: &str,
) -> Result<Applied, ApplyError> {
    let principal = system();
    let mut change = store.change(principal.actor.clone()).await?;
    let mut total = Applied::default();
    let mut secrets = Vec::new();
    for (before, document) in documents(text) {
        let mut applier = Applier::new(&mut change, registry, ctx, &principal, Origin::Server);
        let outcome = applier.apply(name, &document, &serde_json::Map::new()).await;
        match outcome {
            Ok(part) => total.add(part, before),
            // Every document is looked at, so that all that is missing is said at once.
            Err(ApplyError::Secrets(missing)) => secrets.extend(missing),
            Err(ApplyError::Entry { file, line, message }) => {
                return Err(ApplyError::Entry { file, line: line + before, message });
            }
            Err(other) => return Err(other),
        }
    }
    if !secrets.is_empty() {
        return Err(ApplyError::Secrets(secrets));
    }
    change.commit().await?;
    Ok(total)
}
