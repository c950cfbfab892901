//! Order, search and case are the same on both databases, for documents and for tables.

use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;
use vestibule_testkit::Client;

use crate::app::App;

/// Names that databases, locales and languages order and fold in their own ways.
const NAMES: [&str; 22] = [
    "Zebra",
    "zebra",
    "apfel",
    "Apfel",
    "ÄPFEL",
    "äpfel",
    "Ü",
    "ü",
    "u",
    "U",
    "ß",
    "ss",
    "SS",
    "İ",
    "i",
    "I",
    "ı",
    "a_b",
    "axb",
    "a%b",
    "Σίσυφος",
    "σίσυφοσ",
];

/// Lists of documents and of tables whose objects have these names.
const LISTS: [&str; 2] = ["/api/v3/stages/dummy/", "/api/v3/core/groups/"];

async fn made() -> (App, Client) {
    let app = App::start().await;
    let mut admin = app.admin();
    for list in LISTS {
        for name in NAMES {
            admin.post(list, json!({"name": format!("~{name}")})).await.expect(201);
        }
    }
    (app, admin)
}

async fn names(client: &mut Client, list: &str, query: &str) -> Vec<String> {
    let answer = client.get(&format!("{list}?page_size=100&{query}")).await.expect(200);
    let names = answer["results"].as_array().unwrap().iter().filter_map(|one: &Value| one["name"].as_str());
    names.filter_map(|name| name.strip_prefix('~')).map(str::to_owned).collect()
}

#[tokio::test]
async fn names_are_ordered_by_their_folded_form_then_by_themselves() {
    let (_app, mut admin) = made().await;
    let up = [
        "a%b",
        "a_b",
        "Apfel",
        "apfel",
        "axb",
        "I",
        "i",
        "İ",
        "SS",
        "ss",
        "ß",
        "U",
        "u",
        "Zebra",
        "zebra",
        "ÄPFEL",
        "äpfel",
        "Ü",
        "ü",
        "ı",
        "Σίσυφος",
        "σίσυφοσ",
    ];
    for list in LISTS {
        let ordered = names(&mut admin, list, "ordering=name").await;
        assert_eq!(ordered, up, "{list}");
        let mut down = names(&mut admin, list, "ordering=-name").await;
        down.reverse();
        assert_eq!(down, up, "{list} downwards");
        assert_eq!(names(&mut admin, list, "").await, up, "{list} as usual");
    }
}

#[tokio::test]
async fn search_finds_whatever_the_case() {
    let (_app, mut admin) = made().await;
    for (term, expected) in [
        ("zEBRA", &["Zebra", "zebra"][..]),
        ("äpf", &["ÄPFEL", "äpfel"]),
        ("apf", &["Apfel", "apfel"]),
        ("Ü", &["Ü", "ü"]),
        ("~u", &["U", "u"]),
        ("a_b", &["a_b"]),
        ("a%b", &["a%b"]),
        ("_", &["a_b"]),
        ("%", &["a%b"]),
        ("\\", &[]),
        ("~a b", &["a%b", "a_b", "axb"]),
        ("~a,x", &["axb"]),
        ("no such name", &[]),
    ] {
        let query: String = byte_serialize(term.as_bytes()).collect();
        for list in LISTS {
            assert_eq!(names(&mut admin, list, &format!("search={query}")).await, expected, "{list} {term}");
        }
    }
    // What folds to more, or to other letters, folds alike on both sides.
    for term in ["ß", "SS", "İ", "i", "I", "ı", "σίσυφος", "ΣΊΣΥΦΟΣ"] {
        let query: String = byte_serialize(term.as_bytes()).collect();
        let one = names(&mut admin, LISTS[0], &format!("search={query}")).await;
        assert_eq!(one, names(&mut admin, LISTS[1], &format!("search={query}")).await, "{term}");
        assert!(!one.is_empty(), "{term} finds at least itself");
    }
}

#[tokio::test]
async fn filters_are_exact() {
    let (_app, mut admin) = made().await;
    for name in NAMES {
        let query: String = byte_serialize(format!("~{name}").as_bytes()).collect();
        for list in LISTS {
            assert_eq!(names(&mut admin, list, &format!("name={query}")).await, [name], "{list}");
        }
    }
}

/// People are found by what they type, whatever its case, and never by somebody else's letters.
#[tokio::test]
async fn people_are_found_whatever_the_case() {
    let app = App::start().await;
    for name in ["Ünal", "strasse", "İpek", "a_b", "axb"] {
        app.user(name, "password").await;
    }
    for (typed, known) in [("ÜNAL", true), ("ünal", true), ("unal", false), ("A_B", true), ("a%", false), ("AXB", true)]
    {
        let mut client = app.anonymous();
        let path = "/api/v3/flows/executor/default-authentication-flow/?query=";
        client.post(path, json!({"component": "ak-stage-identification", "uid_field": typed})).await;
        client.post(path, json!({"component": "ak-stage-password", "password": "password"})).await;
        for _ in 0..4 {
            client.get(path).await;
        }
        let me = client.get("/api/v3/core/users/me/").await;
        assert_eq!(me.status == 200, known, "{typed}: {}", me.text);
    }
}
