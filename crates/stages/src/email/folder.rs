//! The administrator's own templates: `.html` files of a folder, each with a `.txt` beside it if there is one. They are
//! read when they are used, so that a change counts at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Value, json};
use vestibule_web::{Letters, Locale, django};

/// Where they lie; unset: there are none.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();
/// Most templates, and folders within one another.
const MOST: usize = 500;
const DEEPEST: usize = 5;
/// Most bytes of one.
const LARGEST: u64 = 512 << 10;

/// Names the folder, once a process. It need not be there.
pub fn use_templates(folder: &Path) {
    // A second start in the same process keeps the first folder.
    let _ = FOLDER.set(folder.to_owned());
}

/// Every template and text, by its path within the folder, `/` between its parts. What cannot be read is passed over,
/// with a word in the log.
fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    if let Some(folder) = FOLDER.get().and_then(|folder| folder.canonicalize().ok()) {
        collect(&folder, &folder, 0, &mut found);
    }
    found
}

fn collect(root: &Path, folder: &Path, depth: usize, found: &mut BTreeMap<String, String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        // A link may lead elsewhere within the folder (as those of mounted volumes do), and nowhere else.
        let inside = path.canonicalize().is_ok_and(|target| target.starts_with(root));
        if hidden || !inside || found.len() >= MOST {
            continue;
        }
        if path.is_dir() {
            if depth < DEEPEST {
                collect(root, &path, depth + 1, found);
            }
            continue;
        }
        let known = path.extension().is_some_and(|extension| extension == "html" || extension == "txt");
        let small = path.metadata().is_ok_and(|file| file.is_file() && file.len() <= LARGEST);
        let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str).filter(|_| known) else { continue };
        match std::fs::read_to_string(&path) {
            Ok(source) if small => drop(found.insert(name.replace(std::path::MAIN_SEPARATOR, "/"), source)),
            Ok(_) => tracing::warn!(name, "a mail template is too large"),
            Err(error) => tracing::warn!(name, %error, "a mail template cannot be read"),
        }
    }
}

/// Their names.
pub(super) fn names() -> Vec<String> {
    sources().into_keys().filter(|name| is_template(name) && !is_built_in(name)).collect()
}

fn is_template(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "html")
}

fn is_built_in(template: &str) -> bool {
    Letters::NAMES.iter().any(|(name, _)| *name == template)
}

/// What a stage's template is refused for, when the stage is written.
pub(crate) fn refusal(template: &str) -> Option<String> {
    if is_built_in(template) {
        return None;
    }
    let sources = sources();
    if !is_template(template) || !sources.contains_key(template) {
        return Some(format!("Invalid template '{template}' specified."));
    }
    let person = json!({"name": "Alice", "username": "alice", "email": "alice@example.com"});
    let content = json!({
        "brand": "Acme", "subject": "Subject", "name": "Alice", "username": "alice", "user": person,
        "url": "https://id.example/", "expires": "2026-11-23 12:30 UTC", "token": "123456",
    });
    let error = django::render(&sources, template, Locale::default(), &content).err()?;
    Some(format!("The template '{template}' has an error: {error}"))
}

/// A mail from a template, the server's or the administrator's own, as plain text and as HTML.
///
/// # Errors
/// Why there is none.
pub(crate) fn render(
    letters: &Letters,
    template: &str,
    locale: Locale,
    content: &Value,
) -> Result<(String, String), String> {
    if is_built_in(template) {
        return letters.render(template, locale, content).map_err(|error| error.to_string());
    }
    django::render(&sources(), template, locale, content)
        .map_err(|error| format!("The template '{template}' has an error: {error}"))
}
