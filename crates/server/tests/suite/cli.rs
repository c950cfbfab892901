//! The program: what its commands print, and that looking changes nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use vestibule_store::{Database, Durability};

fn run(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.current_dir(folder).args(["--data", "data"]).args(arguments).env_remove("VESTIBULE_CONFIG");
    command.env("GREETING", "from the environment").env("VESTIBULE_SECRET_KEY", "a secret key for tests");
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.success(), text)
}

#[test]
fn plan_import_plan() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::create_dir(here.join("texts")).unwrap();
    fs::write(here.join("texts/title"), "Good day").unwrap();
    fs::write(here.join("secret"), "geheim").unwrap();
    let blueprint = |title: &str, name: &str| {
        format!(
            "entries:\n  - model: authentik_flows.flow\n    identifiers: {{slug: hello}}\n    attrs: {{name: {name}, \
             title: {title}, designation: authentication}}\n"
        )
    };
    fs::write(here.join("a.yaml"), blueprint("!File texts/title", "!Env GREETING")).unwrap();
    let expected = "+ authentik_flows.flow \"hello\"  (line 2)\n    name: \"from the environment\"\n    slug: \"hello\"\n    \
                    title: \"Good day\"\n    designation: \"authentication\"\n1 to create, 0 to change, 0 to delete, 0 as they are.\n";
    for _ in 0..2 {
        assert_eq!(run(here, &["plan", "a.yaml"]), (true, expected.to_owned()));
        assert!(!here.join("data").exists(), "looking makes nothing");
    }
    // Nor do a mistyped folder, or a question.
    for arguments in [&["export"][..], &["user", "create", "x"], &["user", "login-link", "x"], &["check"]] {
        let (success, text) = run(here, arguments);
        assert_eq!(success, arguments == ["check"], "{arguments:?}: {text}");
        assert!(text.contains("data/vestibule.sqlite3"), "{arguments:?}: {text}");
        assert!(!here.join("data").exists(), "{arguments:?}");
    }
    assert!(run(here, &["import", "a.yaml"]).0);
    let nothing = "0 to create, 0 to change, 0 to delete, 1 as they are.\n";
    assert_eq!(run(here, &["plan", "a.yaml"]), (true, nothing.to_owned()));
    let (_, exported) = run(here, &["export"]);
    assert!(exported.contains("Good day"), "{exported}");
    fs::write(here.join("export.yaml"), &exported).unwrap();
    assert_eq!(run(here, &["plan", "export.yaml"]), (true, nothing.to_owned()));

    for (title, message) in [
        ("!File ../../etc/passwd", "outside"),
        ("!File /etc/passwd", "outside"),
        ("!File nothing", "not found"),
        ("!Find [authentik_flows.flow, [slug, nobody]]", "there is no authentik_flows.flow"),
    ] {
        fs::write(here.join("b.yaml"), blueprint(title, "n")).unwrap();
        for command in ["plan", "import"] {
            let (success, text) = run(here, &[command, "b.yaml"]);
            assert!(!success && text.contains("b.yaml:4: ") && text.contains(message), "{command} {title}: {text}");
        }
    }
    fs::write(here.join("c.yaml"), blueprint("!Env [VESTIBULE_SECRET_KEY, hidden]", "n")).unwrap();
    let (_, text) = run(here, &["plan", "c.yaml"]);
    assert!(text.contains("\"Good day\" -> \"hidden\""), "{text}");
    assert_eq!(run(here, &["export"]).1, exported, "nothing of this changed anything");
}

/// Who something refers to is written; everybody, when it is asked for; and comes back on an empty server.
#[test]
fn an_export_brings_people_when_it_is_told() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [here, elsewhere] = [folders[0].path(), folders[1].path()];
    let people = "entries:\n  - {model: authentik_rbac.role, id: r, identifiers: {name: bakers}, attrs: {permissions: [authentik_core.view_user]}}\n  \
                  - {model: authentik_core.group, id: g, identifiers: {name: cooks}, attrs: {roles: [!KeyOf r]}}\n  \
                  - {model: authentik_core.user, id: u, identifiers: {username: anna}, attrs: {name: Anna, groups: [!KeyOf g]}}\n  \
                  - {model: authentik_core.user, identifiers: {username: berta}, attrs: {name: Berta, password: Tisch und Stuhl 7}}\n  \
                  - {model: authentik_core.group, identifiers: {name: cooks}, permissions: [{permission: view_group, user: !KeyOf u}]}\n";
    fs::write(here.join("people.yaml"), people).unwrap();
    assert!(run(here, &["import", "people.yaml"]).0);
    let (_, some) = run(here, &["export"]);
    assert!(some.contains("cooks") && some.contains("bakers") && some.contains("anna"), "{some}");
    assert!(!some.contains("berta"), "{some}");
    let (_, all) = run(here, &["export", "--with-users"]);
    assert!(all.contains("berta") && !all.contains("$argon2"), "{all}");
    let (_, whole) = run(here, &["export", "--with-users", "--with-secrets"]);
    assert!(whole.contains("password_hash: \"$argon2"), "{whole}");
    fs::write(elsewhere.join("whole.yaml"), &whole).unwrap();
    for _ in 0..2 {
        let (imported, text) = run(elsewhere, &["import", "whole.yaml"]);
        assert!(imported, "{text}");
        assert_eq!(run(elsewhere, &["export", "--with-users", "--with-secrets"]).1, whole);
    }
}

/// Nothing is wrong with what a first start makes; a reference to what is gone is.
#[tokio::test]
async fn a_first_start_leaves_nothing_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let settings = crate::app::settings(&[("data", &data), ("secret_key", "a secret key for tests")]);
    let families = vestibule_server::registry::families().unwrap();
    drop(vestibule_server::start::start(&settings, vestibule_kernel::Ctx::system(), families).await.unwrap());
    let (success, text) = run(folder.path(), &["check"]);
    assert!(success, "{text}");

    let database = Database::sqlite(&folder.path().join("data/vestibule.sqlite3")).await.unwrap();
    let sql = "DELETE FROM configuration WHERE kind = 'authentik_flows.flowstagebinding'";
    database.execute(Durability::Full, sql, vec![]).await.unwrap();
    drop(database);
    let (success, text) = run(folder.path(), &["check"]);
    assert!(!success && text.contains("target refers to") && text.contains("which is not there"), "{text}");
}

/// A database may hold programs that this version does not run: each is told of with its place, and the check fails.
#[tokio::test]
async fn programs_that_will_not_run_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let programs = "entries:\n  - {model: authentik_policies_expression.expressionpolicy, identifiers: {name: asks}, attrs: {expression: return True}}\n  \
                    - {model: authentik_providers_oauth2.scopemapping, identifiers: {name: claims}, attrs: {scope_name: c, expression: 'return {}'}}\n";
    fs::write(here.join("a.yaml"), programs).unwrap();
    assert!(run(here, &["import", "a.yaml"]).0);
    assert!(run(here, &["check"]).0);
    let refused = programs.replace("return True", "'import os'");
    fs::write(here.join("b.yaml"), refused).unwrap();
    let (success, text) = run(here, &["import", "b.yaml"]);
    assert!(!success && text.contains("No module named 'os'") && text.contains("line 1, column 1"), "{text}");

    let database = Database::sqlite(&here.join("data/vestibule.sqlite3")).await.unwrap();
    for (before, after) in [("return True", "x = 1\\nmatch x:\\n  case _: pass"), ("return {}", "return {'a': (1}")] {
        let sql = "UPDATE configuration SET document = REPLACE(document, $1, $2)";
        database.execute(Durability::Full, sql, vec![before.into(), after.into()]).await.unwrap();
    }
    drop(database);
    let (success, text) = run(here, &["check"]);
    assert!(!success, "{text}");
    let policy =
        "wrong: Expression Policy \"asks\": expression will not run, line 2, column 1: `match` is not understood";
    let mapping = "wrong: Scope Mapping \"claims\": expression will not run, line 1, column ";
    assert!(text.contains(policy) && text.contains(mapping), "{text}");
}
