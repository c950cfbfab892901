//! The secret key: made at the first start, kept in the data folder, readable by its owner alone.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use vestibule_kernel::Ctx;
use vestibule_kernel::settings::Settings;

/// Its name in the data folder.
pub(crate) const FILE: &str = "secret_key";

/// A secret key, and the file that was made for it just now.
pub(crate) struct SecretKey {
    pub text: String,
    pub made: Option<PathBuf>,
}

/// Makes the data folder, for its owner alone.
pub(crate) fn make_folder(path: &Path) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("setting `data`: {}: {error}", path.display());
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fail)
}

/// Why the data folder cannot be used, if it cannot: it is none, or others own it. Changes nothing.
pub(crate) fn folder_problem(path: &Path) -> Option<String> {
    // What would hold it, where it is not there yet.
    let there = path.ancestors().map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    let there = there.into_iter().find(|path| path.exists())?;
    let problem = if there.is_dir() {
        let trial = there.join(format!(".vestibule-check-{}", std::process::id()));
        let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&trial);
        made.and_then(|_| std::fs::remove_file(&trial)).err().map(|error| error.to_string())
    } else {
        Some("it is not a folder".to_owned())
    };
    problem.map(|problem| format!("setting `data`: {}: {problem}", there.display()))
}

/// Makes an empty file for its owner alone, unless it is there.
pub(crate) fn make_private(path: &Path) -> Result<(), String> {
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    opened.map(drop).map_err(|error| format!("{}: {error}", path.display()))
}

/// The key of the settings, else of the data folder; `first_start` allows to make one.
pub(crate) fn load(settings: &Settings, ctx: &Ctx, first_start: bool) -> Result<SecretKey, String> {
    if let Some(text) = &settings.secret_key {
        return Ok(SecretKey { text: text.clone(), made: None });
    }
    let path = settings.data.join(FILE);
    if let Some(text) = read(&path)? {
        return Ok(SecretKey { text, made: None });
    }
    if !first_start {
        let path = path.display();
        return Err(format!("{path} is missing, though there is a database: put it back, or set VESTIBULE_SECRET_KEY"));
    }
    make(&path, &ctx.token(60)).map_err(|error| format!("{}: {error}", path.display()))?;
    // Another process may have been quicker; what lies there counts.
    let text = read(&path)?.ok_or_else(|| format!("{} vanished", path.display()))?;
    Ok(SecretKey { text, made: Some(path) })
}

fn read(path: &Path) -> Result<Option<String>, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text.trim().to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    if text.is_empty() {
        return Err(format!("{} is empty", path.display()));
    }
    if let Ok(metadata) = path.metadata()
        && metadata.permissions().mode() & 0o077 != 0
    {
        tracing::warn!(path = %path.display(), "others could read the secret key; it is closed to them now");
        let _ = std::fs::set_permissions(path, Permissions::from_mode(0o600));
    }
    Ok(Some(text))
}

/// Writes the file whole or not at all.
fn make(path: &Path, text: &str) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    // A link, unlike a renaming, does not replace what another process made meanwhile.
    let linked = std::fs::hard_link(&temporary, path);
    std::fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(folder: &Path) -> Settings {
        let data = [("data".to_owned(), folder.display().to_string())].into();
        let none = std::collections::BTreeMap::new();
        Settings::load(&data, &none, &none).unwrap()
    }

    #[test]
    fn the_key_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        make_folder(&data).unwrap();
        let settings = settings(&data);
        let first = load(&settings, &Ctx::system(), true).unwrap();
        assert_eq!(first.text.len(), 60);
        let path = first.made.unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(data.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let second = load(&settings, &Ctx::system(), true).unwrap();
        assert!(second.made.is_none());
        assert_eq!(second.text, first.text);
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(folder_problem(folder.path()), None);
        assert_eq!(folder_problem(&folder.path().join("new/and/deep")), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "looking leaves nothing behind");
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(folder_problem(&file).unwrap().contains("not a folder"));
        assert!(folder_problem(&file.join("below")).unwrap().contains("not a folder"));
    }

    #[test]
    fn a_lost_key_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load(&settings(folder.path()), &Ctx::system(), false).is_err_and(|error| error.contains("missing")));
    }
}
