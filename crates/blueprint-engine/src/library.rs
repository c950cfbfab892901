//! Where blueprints lie and what they may read: those that come with the server, and those of a folder, which no path
//! leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use vestibule_blueprints::{Blueprint, Metadata, shipped, yaml};

/// When each file was written, and its length.
pub(crate) type Stamps = BTreeMap<PathBuf, (SystemTime, u64)>;

/// Reads a variable of the environment.
pub type Environment = fn(&str) -> Option<String>;

/// Beginnings of names of variables that are the server's own: no blueprint reads them.
const OWN: [&str; 2] = ["VESTIBULE_", "AUTHENTIK_"];
/// Folders in folders, at most.
const DEPTH: usize = 16;

/// Blueprints on this machine.
#[derive(Clone, Debug)]
pub struct Library {
    folder: Option<PathBuf>,
    environment: Environment,
    /// Variables that blueprints from elsewhere may read.
    readable: Vec<String>,
    /// The age of what comes with the server.
    built: DateTime<Utc>,
}

/// A blueprint on this machine.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Its name below the folder, or among those that come with the server.
    pub path: String,
    /// When it was written.
    pub modified: DateTime<Utc>,
    /// SHA-512 of its text, hexadecimal.
    pub hash: String,
    /// Its name and labels.
    pub metadata: Option<Metadata>,
}

/// Where a blueprint comes from, which decides what its tags may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The machine of the server: its author may read the environment, and files below this folder.
    Server(Option<PathBuf>),
    /// A client of the API.
    Client,
}

impl Library {
    /// Those of a folder, beside those that come with the server. `readable` names variables of the environment that
    /// blueprints from clients may read too.
    pub fn new(folder: Option<PathBuf>, environment: Environment, readable: Vec<String>) -> Self {
        Self { folder, environment, readable, built: DateTime::UNIX_EPOCH }
    }

    /// With the moment at which the program was made that brings blueprints along.
    pub fn built(self, built: DateTime<Utc>) -> Self {
        Self { built, ..self }
    }

    /// Without a folder and an environment.
    pub fn empty() -> Self {
        Self::new(None, |_| None, Vec::new())
    }

    /// Where blueprints of the folder come from.
    pub fn origin(&self) -> Origin {
        Origin::Server(self.folder.clone())
    }

    /// Every blueprint there is, by path. What cannot be read or is no blueprint is left out.
    pub fn files(&self) -> Vec<File> {
        let built_in = shipped().filter_map(|(path, text)| file((*path).to_owned(), self.built, text));
        let mut files: Vec<File> = built_in.chain(self.own_files()).collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        // What comes with the server cannot be replaced by a file of its name.
        files.dedup_by(|one, other| one.path == other.path);
        files
    }

    /// The blueprints of the folder.
    pub fn own_files(&self) -> Vec<File> {
        self.paths().iter().filter_map(|path| self.own_file(path)).collect()
    }

    /// When each file of the folder was written, and how long it is.
    pub(crate) fn stamps(&self) -> Stamps {
        let stamp = |path: PathBuf| {
            let data = fs::metadata(&path).ok()?;
            Some((path, (data.modified().ok()?, data.len())))
        };
        self.paths().into_iter().filter_map(stamp).collect()
    }

    /// The files of the folder that are called as a blueprint is.
    fn paths(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders: Vec<(PathBuf, usize)> = self.folder.iter().map(|folder| (folder.clone(), 0)).collect();
        while let Some((folder, depth)) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_name().to_string_lossy().starts_with('.') {
                    continue;
                }
                if path.is_dir() && depth < DEPTH {
                    folders.push((path, depth + 1));
                } else if path.extension().is_some_and(|extension| extension == "yaml") {
                    found.push(path);
                }
            }
        }
        found
    }

    fn own_file(&self, path: &Path) -> Option<File> {
        let name = path.strip_prefix(self.folder.as_ref()?).ok()?.to_str()?.to_owned();
        let text = self.read_own(&name).ok()?;
        let modified = fs::metadata(path).and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        file(name, modified.into(), &text)
    }

    /// The text of a blueprint.
    ///
    /// # Errors
    /// Why it cannot be read, in a sentence.
    pub fn read(&self, path: &str) -> Result<(String, Origin), String> {
        if let Some((_, text)) = shipped().find(|(known, _)| *known == path) {
            return Ok(((*text).to_owned(), self.origin()));
        }
        Ok((self.read_own(path)?, self.origin()))
    }

    fn read_own(&self, path: &str) -> Result<String, String> {
        let Some(folder) = &self.folder else { return Err("there is no blueprints folder".to_owned()) };
        read_below(folder, path)
    }

    /// What `!Env` reads.
    pub(crate) fn variable(&self, origin: &Origin, name: &str) -> Option<String> {
        let own = OWN.iter().any(|start| name.to_ascii_uppercase().starts_with(start));
        let readable = match origin {
            Origin::Server(_) => !own,
            Origin::Client => !own && self.readable.iter().any(|known| known == name),
        };
        if readable { (self.environment)(name) } else { None }
    }
}

impl Origin {
    /// What `!File` reads.
    pub(crate) fn file(&self, path: &str) -> Result<String, String> {
        match self {
            Self::Server(Some(folder)) => read_below(folder, path),
            Self::Server(None) => Err("there is no folder that files could be read from".to_owned()),
            Self::Client => Err("only blueprints on the server itself may read files".to_owned()),
        }
    }
}

/// Reads a file below a folder, which neither `..` nor links leave.
fn read_below(folder: &Path, path: &str) -> Result<String, String> {
    const OUTSIDE: &str = "it lies outside of the blueprints folder";
    let relative = Path::new(path);
    let climbs = relative.components().any(|part| matches!(part, Component::ParentDir));
    if climbs || path.contains('\0') {
        return Err(OUTSIDE.to_owned());
    }
    let say = |error: std::io::Error| error.kind().to_string();
    let root = folder.canonicalize().map_err(say)?;
    // An absolute path is fine when it leads into the folder.
    let whole = root.join(relative).canonicalize().map_err(say)?;
    if !whole.starts_with(&root) {
        return Err(OUTSIDE.to_owned());
    }
    let length = fs::metadata(&whole).map_err(say)?.len();
    if length > u64::try_from(yaml::MAX_BYTES).unwrap_or(u64::MAX) {
        return Err(format!("it is larger than {} bytes", yaml::MAX_BYTES));
    }
    fs::read_to_string(&whole).map_err(say)
}

/// `None`: it is no blueprint.
fn file(path: String, modified: DateTime<Utc>, text: &str) -> Option<File> {
    let blueprint = Blueprint::parse(text).ok()?;
    Some(File { path, modified, hash: hash(text), metadata: blueprint.metadata })
}

/// SHA-512 of a text, hexadecimal.
pub(crate) fn hash(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA512, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const TEXT: &str = "metadata: {name: x, labels: {a: b}}\nentries: []\n";

    fn library(folder: &Path) -> Library {
        Library::new(Some(folder.to_owned()), |name| Some(format!("{name} is set")), vec!["ALLOWED".into()])
    }

    /// ATH-01-001: a blueprint's path led to any file of the machine.
    #[test]
    fn ath_01_001_no_path_leaves_the_folder() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("blueprints");
        fs::create_dir_all(folder.join("inner")).unwrap();
        fs::write(outer.path().join("secret"), "geheim").unwrap();
        fs::write(outer.path().join("blueprints-other"), "geheim").unwrap();
        fs::write(folder.join("inner/a.yaml"), TEXT).unwrap();
        symlink(outer.path().join("secret"), folder.join("link")).unwrap();
        symlink(folder.join("inner"), folder.join("near")).unwrap();
        let library = library(&folder);
        let absolute = outer.path().join("secret").display().to_string();
        let wrong =
            ["../secret", "inner/../../secret", "link", &absolute, "/etc/passwd", "a\0b", "../blueprints-other"];
        for path in wrong {
            let error = library.read(path).unwrap_err();
            assert!(error.contains("outside"), "{path}: {error}");
            assert!(library.origin().file(path).is_err(), "{path}");
        }
        let inside = folder.join("inner/a.yaml").display().to_string();
        for path in ["inner/a.yaml", "./inner/a.yaml", "near/a.yaml", &inside] {
            assert_eq!(library.origin().file(path).unwrap(), TEXT, "{path}");
        }
        assert!(library.read("nothing.yaml").is_err());
        assert!(Origin::Client.file("inner/a.yaml").is_err());
    }

    #[test]
    fn what_lies_in_the_folder_is_found() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::create_dir(folder.path().join(".hidden")).unwrap();
        for (name, text) in [
            ("sub/b.yaml", TEXT),
            ("a.yaml", TEXT),
            (".hidden/c.yaml", TEXT),
            (".d.yaml", TEXT),
            ("e.txt", TEXT),
            ("broken.yaml", "["),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let library = library(folder.path());
        let mut names: Vec<String> = library.own_files().into_iter().map(|file| file.path).collect();
        names.sort();
        assert_eq!(names, ["a.yaml", "sub/b.yaml"]);
        let files = library.files();
        assert_eq!(files.len(), shipped().count() + 2);
        let own = files.iter().find(|file| file.path == "a.yaml").unwrap();
        assert_eq!((own.hash.len(), own.metadata.as_ref().unwrap().name.as_str()), (128, "x"));
    }

    #[test]
    fn the_servers_own_variables_are_nobodys() {
        let library = library(Path::new("/nowhere"));
        let (server, client) = (library.origin(), Origin::Client);
        for name in ["VESTIBULE_SECRET_KEY", "AUTHENTIK_POSTGRESQL__PASSWORD", "vestibule_secret_key"] {
            assert_eq!((library.variable(&server, name), library.variable(&client, name)), (None, None));
        }
        assert!(library.variable(&server, "OTHER").is_some());
        assert!(library.variable(&client, "OTHER").is_none());
        assert!(library.variable(&client, "ALLOWED").is_some());
    }
}
