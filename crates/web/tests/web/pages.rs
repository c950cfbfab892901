//! Every sample page, in every language and layout: sound, accessible as far as markup tells, strict and small.

use serde_json::json;
use vestibule_web::{ASSETS, Locale, Pages, Shell};

use crate::{
    markup::{attribute, name, split_tags},
    samples::{LAYOUTS, identification, password, samples, shell, source, stage_pages, with},
};

fn pages() -> Pages {
    Pages::new(&stage_pages()).unwrap()
}

fn render(component: &str, challenge: &serde_json::Value) -> String {
    pages().render(component, &shell(Locale::EN), challenge).unwrap()
}

fn tags(html: &str) -> Vec<String> {
    split_tags(html).1
}

fn tag_with<'a>(tags: &'a [String], wanted: &str, value: &str) -> &'a str {
    tags.iter()
        .find(|tag| attribute(tag, wanted) == Some(value))
        .unwrap_or_else(|| panic!("no tag with {wanted}={value}"))
}

/// All pages in both languages and every layout.
fn all() -> Vec<(String, String)> {
    let pages = pages();
    let mut rendered = Vec::new();
    for (sample, component, challenge) in samples() {
        for locale in Locale::ALL {
            for layout in LAYOUTS {
                for background in
                    [None, Some("/media/photo.jpg".to_owned()), Some("https://example.com/welcome/".to_owned())]
                {
                    let shell = Shell { layout: layout.into(), background, ..shell(locale) };
                    rendered.push((
                        format!("{sample} {} {layout}", locale.code()),
                        pages.render(component, &shell, &challenge).unwrap(),
                    ));
                }
            }
        }
    }
    rendered
}

#[test]
fn every_page_has_its_frame() {
    for (sample, html) in all() {
        let (_, tags) = split_tags(&html);
        let count = |wanted: &str| tags.iter().filter(|tag| name(tag) == wanted).count();
        assert_eq!((count("h1"), count("main"), count("title"), count("html")), (1, 1, 1, 1), "{sample}");
        assert!(html.starts_with("<!doctype html>"), "{sample}");
        let language = if sample.contains(" de ") { "de" } else { "en" };
        assert_eq!(attribute(tags.iter().find(|tag| name(tag) == "html").unwrap(), "lang"), Some(language));
        let title = html.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
        assert!(title.ends_with(" · Vestibule") && !title.starts_with(" ·"), "{sample}: {title:?}");
        for wanted in
            ["main", "form", "div", "a", "p", "ul", "li", "button", "span", "label", "header", "footer", "aside"]
        {
            assert_eq!(count(wanted), count(&format!("/{wanted}")), "{sample}: <{wanted}>");
        }
    }
}

#[test]
fn nothing_is_inline() {
    for (sample, html) in all() {
        for tag in tags(&html) {
            assert!(name(&tag) != "style" && attribute(&tag, "style").is_none(), "{sample}: <{tag}>");
            assert!(name(&tag) != "script" || attribute(&tag, "src").is_some(), "{sample}: <{tag}>");
            assert!(
                !tag.contains(" on") || !tag.split(' ').any(|word| word.starts_with("on") && word.contains('=')),
                "{sample}: <{tag}>"
            );
        }
    }
}

#[test]
fn labels_ids_and_descriptions_belong_together() {
    for (sample, html) in all() {
        let tags = tags(&html);
        let ids: Vec<_> = tags.iter().filter_map(|tag| attribute(tag, "id")).collect();
        for (index, id) in ids.iter().enumerate() {
            assert!(!ids[index + 1..].contains(id), "{sample}: {id} twice");
        }
        for tag in &tags {
            for reference in ["for", "aria-describedby", "data-reveal", "data-caps"]
                .iter()
                .filter_map(|wanted| attribute(tag, wanted))
            {
                for id in reference.split_whitespace() {
                    assert!(ids.contains(&id), "{sample}: no {id} for <{tag}>");
                }
            }
            if name(tag) == "input"
                && !matches!(attribute(tag, "type"), Some("hidden" | "checkbox"))
                && attribute(tag, "aria-hidden").is_none()
            {
                let id = attribute(tag, "id").unwrap();
                assert!(tags.iter().any(|label| attribute(label, "for") == Some(id)), "{sample}: {id} has no label");
            }
            assert!(name(tag) != "img" || attribute(tag, "alt").is_some(), "{sample}: <{tag}>");
        }
        assert!(tags.iter().filter(|tag| attribute(tag, "autofocus").is_some()).count() <= 1, "{sample}: one focus");
    }
}

#[test]
fn a_form_carries_the_names_of_the_wire() {
    let combined = with(
        identification(),
        json!({"password_fields": true, "captcha_stage": {"js_url": "https://x.example/a.js", "site_key": "k", "interactive": false, "pending_user": ""}}),
    );
    let tags = tags(&render("ak-stage-identification", &combined));
    let names: Vec<_> = tags
        .iter()
        .filter_map(|tag| attribute(tag, "name"))
        .filter(|name| !["viewport", "color-scheme", "robots"].contains(name))
        .collect();
    assert_eq!(names, ["component", "uid_field", "password", "captcha_token"]);
    let form = tags.iter().find(|tag| name(tag) == "form").unwrap();
    assert_eq!(attribute(form, "method"), Some("post"));
    assert_eq!(attribute(tag_with(&tags, "name", "component"), "value"), Some("ak-stage-identification"));
}

#[test]
fn password_managers_find_both_halves() {
    let html = tags(&render("ak-stage-identification", &with(identification(), json!({"password_fields": true}))));
    assert_eq!(attribute(tag_with(&html, "name", "uid_field"), "autocomplete"), Some("username webauthn"));
    assert_eq!(attribute(tag_with(&html, "name", "password"), "autocomplete"), Some("current-password"));
    let html = tags(&render("ak-stage-password", &password()));
    let username = tag_with(&html, "autocomplete", "username");
    assert_eq!(attribute(username, "value"), Some("anna.lindqvist"));
    assert_eq!(attribute(username, "type"), Some("text"));
    assert!(attribute(username, "name").is_none(), "it is not part of the answer");
}

#[test]
fn keyboards_neither_capitalise_nor_correct() {
    for (fields, mode) in
        [(json!(["email"]), Some("email")), (json!(["email", "username"]), None), (json!(["email", "upn"]), None)]
    {
        let html = tags(&render("ak-stage-identification", &with(identification(), json!({"user_fields": fields}))));
        let input = tag_with(&html, "name", "uid_field");
        assert_eq!(attribute(input, "inputmode"), mode);
        assert_eq!(
            (attribute(input, "autocapitalize"), attribute(input, "autocorrect"), attribute(input, "spellcheck")),
            (Some("none"), Some("off"), Some("false"))
        );
    }
}

#[test]
fn the_label_says_what_may_be_entered() {
    for (fields, label) in [
        (json!(["username"]), "Username"),
        (json!(["email"]), "Email"),
        (json!(["upn"]), "User principal name (UPN)"),
        (json!(["username", "email"]), "Email or username"),
        (json!(["upn", "username"]), "Username or UPN"),
        (json!(["upn", "email"]), "Email or UPN"),
        (json!(["upn", "email", "username"]), "Email, username or UPN"),
    ] {
        let html = render("ak-stage-identification", &with(identification(), json!({"user_fields": fields})));
        assert!(html.contains(&format!("<label for=\"uid_field\">{label}</label>")), "{label}");
    }
    assert!(!render("ak-stage-identification", &with(identification(), json!({"user_fields": []}))).contains("<form"));
}

#[test]
fn the_focus_is_on_the_first_empty_field() {
    let focused = |further| {
        let html = tags(&render("ak-stage-identification", &with(identification(), further)));
        html.iter()
            .find(|tag| attribute(tag, "autofocus").is_some())
            .and_then(|tag| attribute(tag, "name"))
            .map(str::to_owned)
    };
    assert_eq!(focused(json!({})).as_deref(), Some("uid_field"));
    assert_eq!(focused(json!({"password_fields": true})).as_deref(), Some("uid_field"));
    assert_eq!(
        focused(json!({"password_fields": true, "pending_user_identifier": "anna"})).as_deref(),
        Some("password")
    );
}

#[test]
fn errors_stand_where_they_belong() {
    let error = |field: &str, text: &str| json!({"response_errors": {field: [{"string": text, "code": "invalid"}]}});
    let html = render("ak-stage-password", &with(password(), error("password", "Invalid password")));
    let all = tags(&html);
    let input = tag_with(&all, "name", "password");
    assert_eq!(
        (attribute(input, "aria-invalid"), attribute(input, "aria-describedby").map(str::trim)),
        (Some("true"), Some("password-error"))
    );
    assert!(html.contains("That password is not right.") && html.contains("<title>Problem:"), "{html}");
    let html = render(
        "ak-stage-identification",
        &with(identification(), error("non_field_errors", "Failed to authenticate.")),
    );
    assert!(html.contains("id=\"form-error\" role=\"alert\"") && html.contains("We could not sign you in."), "{html}");
    let html = render("ak-stage-password", &with(password(), error("stranger", "A stranger <b>said</b> this")));
    assert!(
        html.contains("A stranger &lt;b&gt;said&lt;&#x2f;b&gt; this"),
        "an error of an unknown field is shown, and escaped"
    );
    let wire = "This is not the answer to ak-stage-password.";
    let html = render("ak-stage-password", &with(password(), error("component", wire)));
    assert!(html.contains("This sign-in has moved on in the meantime") && !html.contains(wire), "{html}");
}

#[test]
fn sources_are_shown_as_they_are_set() {
    let with_sources = |labels: bool| {
        let sources = json!([source("GitHub", false), source("University", true), {"name": "Plex", "icon_url": null, "challenge": {"component": "ak-source-plex"}}]);
        render(
            "ak-stage-identification",
            &with(identification(), json!({"sources": sources, "show_source_labels": labels})),
        )
    };
    let labelled = with_sources(true);
    assert!(labelled.contains("<span>Continue with GitHub</span>"));
    assert!(labelled.find("with University") < labelled.find("with GitHub"), "promoted ones come first");
    assert!(!labelled.contains("Plex"), "nothing on the page pretends");
    let bare = with_sources(false);
    assert!(!bare.contains("<span>Continue with GitHub</span>") && bare.contains("alt=\"Continue with GitHub\""));
    assert!(bare.contains("<span>Continue with University</span>"));
}

#[test]
fn remembering_is_offered_only_where_it_is_set() {
    let remember = |further| {
        let html = tags(&render("ak-stage-identification", &with(identification(), further)));
        let toggle = html.iter().any(|tag| attribute(tag, "data-remember-toggle").is_some());
        (toggle, attribute(tag_with(&html, "name", "uid_field"), "data-remember").map(str::to_owned))
    };
    assert_eq!(remember(json!({"enable_remember_me": true})), (true, Some("on".into())));
    assert_eq!(remember(json!({})), (false, Some("off".into())));
    assert_eq!(remember(json!({"flow_designation": "recovery"})), (false, None));
    assert!(render("ak-stage-password", &password()).contains("data-forget"));
}

#[test]
fn staying_signed_in_is_a_plain_answer() {
    let html = tags(&render("ak-stage-user-login", &json!({"pending_user": "anna"})));
    let answers: Vec<_> = html
        .iter()
        .filter(|tag| attribute(tag, "name") == Some("remember_me"))
        .map(|tag| attribute(tag, "value").unwrap())
        .collect();
    assert_eq!(answers, ["true", "false"]);
}

#[test]
fn what_goes_wrong_has_a_reference_and_a_way_on() {
    for (sample, component, challenge) in samples() {
        if matches!(component, "error" | "not-applicable" | "ak-stage-access-denied" | "ak-stage-flow-error") {
            let html = render(component, &challenge);
            let reference = challenge["request_id"].as_str().unwrap_or("0b2f6c1e8d5a4f7793a1c2d4e6f80912");
            assert!(html.contains(reference) && html.contains("class=\"button primary\" href="), "{sample}");
        }
    }
}

#[test]
fn markup_of_others_stays_text() {
    let evil = "\"><script>alert(1)</script>";
    let own =
        Shell { title: evil.into(), brand_title: evil.into(), application: Some(evil.into()), ..shell(Locale::EN) };
    let challenge = with(
        identification(),
        json!({"pending_user_identifier": evil, "pending_user": evil, "user_fields": ["email"], "primary_action": evil}),
    );
    let html = pages().render("ak-stage-identification", &own, &challenge).unwrap();
    assert!(!html.contains("<script>"), "{html}");
}

#[test]
fn only_components_have_pages() {
    let pages = pages();
    for component in [
        "ak-stage-identification",
        "ak-stage-access-denied",
        "xak-flow-redirect",
        "library",
        "error",
        "initial-setup",
        "not-applicable",
    ] {
        assert!(pages.has(component), "{component}");
    }
    assert!(!pages.has("shell.html") && !pages.has("ak-stage-none"));
    assert!(pages.render("ak-stage-none", &shell(Locale::EN), &json!({})).is_err());
}

#[test]
fn the_first_visit_is_small() {
    // What a page loads only where it asks for a captcha or a passkey, or shows a source.
    let later = ["captcha.js", "webauthn.js", "work.js"];
    let is_first = |path: &str| !later.contains(&path) && !path.starts_with("sources/");
    let first: usize = ASSETS.iter().filter(|asset| is_first(asset.path)).map(|asset| asset.bytes.len()).sum();
    let largest = all().iter().map(|(_, html)| html.len()).max().unwrap();
    assert!(first + largest < 40_000, "{first} of files and {largest} of HTML");
}
