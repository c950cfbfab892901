//! The few icons, drawn as inline SVG in the colour of the text around them.

use minijinja::Value;

/// `icon("name")` in a template: an SVG that screen readers skip; nothing for an unknown name.
pub(crate) fn icon(name: &str) -> Value {
    let Some((_, shape)) = ICONS.iter().find(|(own, _)| *own == name) else { return Value::from("") };
    Value::from_safe_string(format!(r#"<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{shape}</svg>"#))
}

/// Drawn on a grid of 24, two units wide, without fill; the style sheet sets both.
const ICONS: &[(&str, &str)] = &[
    ("alert", r#"<circle cx="12" cy="12" r="9"/><path d="M12 7.5v5.5M12 16.4v.1"/>"#),
    ("arrow", r#"<path d="M5 12h14m-6-6 6 6-6 6"/>"#),
    ("caps", r#"<path d="M12 4 4.5 12H9v4h6v-4h4.5zM9 20h6"/>"#),
    ("check", r#"<circle cx="12" cy="12" r="9"/><path d="m8 12.3 2.8 2.8L16 9.5"/>"#),
    ("door", r#"<path d="M6 21V10a6 6 0 0 1 12 0v11M3 21h18M14.5 14v.1"/>"#),
    (
        "eye",
        r#"<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="3"/>"#,
    ),
    (
        "eye-off",
        r#"<path d="M10 5.7A9 9 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a17 17 0 0 1-2.7 3.4M6.5 7A16 16 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 4.8-1.4M10 9.8a3 3 0 0 0 4.2 4.2M4 4l16 16"/>"#,
    ),
    ("key", r#"<circle cx="8" cy="15" r="4.5"/><path d="m11.2 11.8 8.3-8.3m-3 3 3 3m-6-0 2 2"/>"#),
    ("leave", r#"<path d="M10 4H5v16h5m4-12 4 4-4 4m4-4H9"/>"#),
    ("person", r#"<circle cx="12" cy="8.5" r="4"/><path d="M4.5 20.5a7.5 7.5 0 0 1 15 0"/>"#),
    (
        "tools",
        r#"<path d="M4 7h9m5 0h2M4 17h2m5 0h9"/><circle cx="15.5" cy="7" r="2.5"/><circle cx="8.5" cy="17" r="2.5"/>"#,
    ),
];

#[cfg(test)]
mod tests {
    use super::{ICONS, icon};

    #[test]
    fn icons_are_markup_and_unknown_names_are_nothing() {
        assert!(icon("eye").is_safe());
        assert_eq!(icon("nothing").to_string(), "");
        assert!(ICONS.is_sorted_by_key(|(name, _)| *name));
    }
}
