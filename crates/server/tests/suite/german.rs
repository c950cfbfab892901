//! What the server says of its fields, choices and kinds has German words in the administrators' application, which makes
//! its lists and forms of them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use vestibule_testkit::Client;

use crate::app::App;

const TERMS: &str = include_str!("../../../../web/src/app/messages/terms.de.json");
const ERRORS: &str = include_str!("../../../../web/src/app/messages/errors.de.json");
const ENGLISH: &str = include_str!("../../../../web/src/app/messages/en.json");
/// What the application knows of the document's names: it reads the same file.
const KNOWN: &str = include_str!("../../../../web/src/app/lib/known.json");

type Catalogue = BTreeMap<String, String>;

#[derive(Deserialize)]
struct Known {
    /// Words that are written in capitals.
    capitals: Vec<String>,
    /// Words that are written in their own way.
    names: Catalogue,
    /// Parameters of lists that are no filters.
    reserved: Vec<String>,
}

/// What the application shows of a document, each text with a place where it comes from. It finds them as `lib/schema.ts` does.
struct Texts {
    document: Value,
    english: Catalogue,
    known: Known,
    found: Catalogue,
    /// The schemas of what is listed, in small letters, as kinds are named by their models.
    kinds: Vec<String>,
}

impl Texts {
    fn of(document: Value) -> Self {
        let english = serde_json::from_str(ENGLISH).unwrap();
        let known = serde_json::from_str(KNOWN).unwrap();
        let mut texts = Self { document, english, known, found: Catalogue::new(), kinds: Vec::new() };
        let paths = texts.document["paths"].as_object().unwrap().clone();
        for (path, operations) in &paths {
            for method in ["post", "put", "patch"] {
                let content = &operations[method]["requestBody"]["content"];
                for kind in ["application/json", "multipart/form-data"] {
                    texts.fields(&content[kind]["schema"], path, true);
                }
            }
            let listed = answer(&operations["get"]);
            if path == "/admin/settings/" || path.ends_with("/setup_urls/") {
                texts.fields(listed, path, false);
            }
            texts.list(path, &operations["get"], listed);
        }
        texts
    }

    fn note(&mut self, text: &str, place: &str) {
        if !text.is_empty() {
            self.found.entry(text.to_owned()).or_insert_with(|| place.to_owned());
        }
    }

    fn resolve(&self, schema: &Value) -> Value {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return self.resolve(&self.document["components"]["schemas"][name]);
        }
        match schema["allOf"].as_array().map(Vec::as_slice) {
            Some([one]) => {
                let mut whole = self.resolve(one);
                for (name, value) in schema.as_object().unwrap().iter().filter(|(name, _)| *name != "allOf") {
                    whole[name] = value.clone();
                }
                whole
            }
            _ => schema.clone(),
        }
    }

    fn parameter(&self, parameter: &Value) -> Value {
        let name = parameter["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        name.map_or_else(|| parameter.clone(), |name| self.document["components"]["parameters"][name].clone())
    }

    /// `denied_action` becomes `Denied action`, as `lib/format.ts` writes it.
    fn humanize(&self, name: &str) -> String {
        let name = name.strip_suffix("_obj").unwrap_or(name);
        let words = name.split(|letter: char| letter == '_' || letter.is_whitespace()).filter(|word| !word.is_empty());
        let words = words.map(|word| match word.to_lowercase() {
            small if small == "urls" => "URLs".to_owned(),
            small if small == "uris" => "URIs".to_owned(),
            small if self.known.capitals.contains(&small) => word.to_uppercase(),
            small => self.known.names.get(&small).cloned().unwrap_or_else(|| word.to_owned()),
        });
        let text = words.collect::<Vec<_>>().join(" ");
        let mut letters = text.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }

    /// A resource: what it is called, its columns and its filters.
    fn list(&mut self, path: &str, get: &Value, listed: &Value) {
        let parameters = get["parameters"].as_array().cloned().unwrap_or_default();
        let parameters: Vec<Value> = parameters.iter().map(|one| self.parameter(one)).collect();
        if listed.is_null() || path.contains('{') || parameters.iter().any(|one| one["required"] == true) {
            return;
        }
        let page = self.resolve(listed);
        let below = |other: &String| {
            other.strip_prefix(path).is_some_and(|rest| rest.starts_with('{') && rest.matches('/').count() == 1)
        };
        if page["properties"]["results"].is_null() && !self.document["paths"].as_object().unwrap().keys().any(below) {
            return;
        }
        let items = if page["type"] == "array" { &page["items"] } else { &page["properties"]["results"]["items"] };
        let Some(name) = items["$ref"].as_str().and_then(|path| path.rsplit('/').next()) else { return };
        let row = self.resolve(items);
        self.kinds.push(name.to_lowercase());
        self.note(row["description"].as_str().unwrap_or(&self.humanize(&apart(name))), path);
        let many = get["description"].as_str().and_then(|text| text.strip_prefix("Lists: ")?.strip_suffix('.'));
        self.note(many.unwrap_or(&self.humanize(path.trim_matches('/').rsplit('/').next().unwrap())), path);
        self.fields(&row, path, false);
        for one in parameters {
            let name = one["name"].as_str().unwrap();
            if !self.known.reserved.iter().any(|one| one == name) {
                self.note(one["description"].as_str().unwrap_or_default(), path);
                self.field(name, &one["schema"], path, false);
            }
        }
    }

    fn fields(&mut self, schema: &Value, place: &str, form: bool) {
        let schema = self.resolve(schema);
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            self.field(name, property, &format!("{place} {name}"), form);
        }
    }

    /// A field; help is shown in forms alone.
    fn field(&mut self, name: &str, raw: &Value, place: &str, form: bool) {
        let schema = self.resolve(raw);
        let items = self.resolve(&schema["items"]);
        if !self.english.contains_key(&format!("field.{name}")) {
            self.note(schema["title"].as_str().unwrap_or(&self.humanize(name)), place);
        }
        if form {
            self.note(schema["description"].as_str().unwrap_or_default(), place);
        }
        if schema["enum"].is_array() {
            let named = if raw["allOf"].is_array() { self.resolve(&raw["allOf"][0]) } else { self.resolve(raw) };
            self.choices(&schema, &named, place);
        } else if items["enum"].is_array() {
            self.choices(&items, &items, place);
        } else if schema["type"] == "array" {
            self.fields(&items, place, form);
        } else if schema["additionalProperties"].is_null() || schema["additionalProperties"] == false {
            self.fields(&schema, place, form);
        }
    }

    fn choices(&mut self, schema: &Value, named: &Value, place: &str) {
        let values: Vec<&str> = schema["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        // What countries are called the browser knows.
        if values.iter().all(|value| value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_uppercase())) {
            return;
        }
        for (index, value) in values.into_iter().enumerate() {
            let label =
                named["x-vestibule"]["labels"][index].as_str().map_or_else(|| self.humanize(value), str::to_owned);
            // The parts of the server, and models that nobody is shown, are called what the wire calls them.
            if !label.to_lowercase().starts_with("authentik ") {
                self.note(&label, place);
            }
        }
    }

    /// What else the server says of its kinds: what each is for, what may be permitted, what is done behind the requests.
    async fn said(&mut self, app: &App) {
        let mut admin = app.admin();
        let paths = self.document["paths"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        for path in paths.iter().filter(|path| path.ends_with("/all/types/")) {
            for one in admin.get(&format!("/api/v3{path}")).await.expect(200).as_array().unwrap() {
                if self.kinds.iter().any(|kind| one["model_name"] == *kind) {
                    self.note(one["name"].as_str().unwrap(), path);
                    self.note(one["description"].as_str().unwrap(), path);
                }
            }
        }
        for one in permissions(&mut admin).await {
            let [model, verbose, codename, name] =
                ["model", "model_verbose", "codename", "name"].map(|field| one[field].as_str().unwrap());
            self.note(verbose, "permissions");
            let usual = ["view", "add", "change", "delete"].iter().any(|verb| codename == format!("{verb}_{model}"));
            if !usual {
                self.note(name, "permissions");
            }
        }
        for (name, description) in app.server.runner.descriptions() {
            self.note(description, name);
        }
    }
}

async fn permissions(admin: &mut Client) -> Vec<Value> {
    let mut found = Vec::new();
    for page in 1.. {
        let answer = admin.get(&format!("/api/v3/rbac/permissions/?page_size=100&page={page}")).await.expect(200);
        found.extend(answer["results"].as_array().unwrap().iter().cloned());
        if answer["pagination"]["total_pages"] == json!(page) {
            break;
        }
    }
    found
}

fn answer(operation: &Value) -> &Value {
    &operation["responses"]["200"]["content"]["application/json"]["schema"]
}

/// `WebAuthnDevice` becomes `Web Authn Device`.
fn apart(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && text.ends_with(|before: char| before.is_ascii_lowercase()) {
            text.push(' ');
        }
        text.push(letter);
    }
    text
}

#[tokio::test]
async fn everything_that_the_administration_shows_has_german() {
    let app = App::start().await;
    let german: Catalogue = serde_json::from_str(TERMS).unwrap();
    let mut texts = Texts::of(app.schema().await);
    texts.said(&app).await;
    assert!(texts.found.len() > 1000, "texts are found: {}", texts.found.len());
    let missing: Vec<_> = texts.found.iter().filter(|(text, _)| !german.contains_key(*text)).collect();
    assert!(
        missing.is_empty(),
        "say it in German in web/src/app/messages/terms.de.json (or the same, if it is so): {missing:#?}"
    );
    let unused: Vec<_> = german.keys().filter(|text| !texts.found.contains_key(*text)).collect();
    assert!(unused.is_empty(), "nobody says these any more: {unused:#?}");
}

#[test]
fn the_catalogue_is_sorted_and_whole() {
    let german: Catalogue = serde_json::from_str(TERMS).unwrap();
    assert_eq!(
        TERMS,
        serde_json::to_string_pretty(&german).unwrap() + "\n",
        "sorted, each once, two spaces before each"
    );
    for (english, german) in &german {
        assert!(!german.trim().is_empty(), "{english}");
        let literal = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let sorted = |mut parts: Vec<String>| {
            parts.sort();
            parts
        };
        assert_eq!(sorted(literal(english)), sorted(literal(german)), "what stands in backticks stays: {english}");
    }
}

/// `{}` stands for what a sentence names, in both languages.
#[tokio::test]
async fn what_is_refused_has_german_words_which_name_no_more() {
    let catalogue: Catalogue = serde_json::from_str(ERRORS).unwrap();
    for (english, german) in &catalogue {
        assert!(german.matches("{}").count() <= english.matches("{}").count(), "{english}");
    }
    // What the API says of hundreds of wrong values stands there.
    let app = App::start().await;
    let mut admin = app.admin();
    let wrong = json!({"name": "", "slug": "no slug", "user_matching_mode": "sometimes", "enabled": "perhaps", "provider_type": null,
        "authentication_flow": "nothing", "user_property_mappings": 7, "oidc_well_known_url": "nowhere"});
    let answer = admin.post("/api/v3/sources/oauth/", wrong).await.json();
    let fields = answer.as_object().unwrap();
    let texts: Vec<&str> =
        fields.values().flat_map(|texts| texts.as_array().unwrap()).filter_map(Value::as_str).collect();
    assert!(texts.len() > 7, "{texts:?}");
    for text in texts {
        let known = catalogue.keys().any(|sentence| {
            let parts: Vec<&str> = sentence.split("{}").collect();
            let mut rest = text;
            text.starts_with(parts[0])
                && text.ends_with(parts[parts.len() - 1])
                && parts.iter().all(|part| rest.split_once(part).map(|(_, after)| rest = after).is_some())
        });
        assert!(known, "{text}");
    }
}
