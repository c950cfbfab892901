//! `export`, `import` and `plan`: the configuration as YAML.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use vestibule_blueprint_engine::export::{People, Secrets, export as text_of};
use vestibule_blueprint_engine::{Applied, Origin, apply_all, plan_all};
use vestibule_kernel::Ctx;
use vestibule_kernel::settings::Settings;

use crate::start::{SQLITE, StartError, library, open_existing, open_store};

/// Largest file that is imported, bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// What is written besides the configuration.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct With {
    /// Write secrets as they are, readable for whoever has the file: passwords of users as hashes
    #[arg(long)]
    with_secrets: bool,
    /// Write every user, not those alone that something else refers to
    #[arg(long)]
    with_users: bool,
}

pub(super) async fn export(settings: &Settings, with: &With, path: Option<&Path>) -> Result<(), StartError> {
    let With { with_secrets, with_users } = *with;
    let registry = crate::registry::families()?.registry;
    let store = open_existing(settings, &Ctx::system(), &registry).await?;
    let secrets = if with_secrets { Secrets::Shown } else { Secrets::Hidden };
    let people = if with_users { People::All } else { People::Referred };
    let text = text_of(&store, &registry, secrets, people).await?;
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
    let origin = origin(path);
    let applied = apply_all(&store, &registry, &ctx, &library(settings), &origin, (&name, &text)).await?;
    for (line, note) in &applied.notes {
        eprintln!("{name}:{line}: {note}");
    }
    let Applied { created, updated, deleted, passed, .. } = applied;
    println!("{created} created, {updated} updated, {deleted} deleted, {passed} left alone.");
    Ok(())
}

pub(super) async fn plan(settings: &Settings, path: &Path) -> Result<(), StartError> {
    let (name, text) = read(path)?;
    let registry = crate::registry::families()?.registry;
    let passing = Passing::beside(settings)?;
    let opened = passing.as_ref().map_or(settings, |passing| &passing.settings);
    let ctx = Ctx::system();
    let store = open_store(opened, &ctx, &registry).await?;
    let plan = plan_all(&store, &registry, &ctx, &library(settings), &origin(path), (&name, &text)).await?;
    print!("{plan}");
    Ok(())
}

/// An empty database that is gone afterwards: where there is none yet, looking must not make one.
struct Passing {
    settings: Settings,
}

impl Passing {
    fn beside(settings: &Settings) -> Result<Option<Self>, String> {
        if settings.database.is_some() || settings.data.join(SQLITE).exists() {
            return Ok(None);
        }
        let data = std::env::temp_dir().join(format!("vestibule-plan-{}", std::process::id()));
        crate::secret_key::make_folder(&data)?;
        Ok(Some(Self { settings: Settings { data, ..settings.clone() } }))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.settings.data);
    }
}

/// A file may read what lies beside it, and below.
fn origin(path: &Path) -> Origin {
    let folder = path.parent().filter(|_| path != Path::new("-"));
    Origin::Server(folder.map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.to_owned()))
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
