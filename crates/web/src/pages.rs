//! The pages: templates, what they may call, and rendering a challenge.

use minijinja::{
    AutoEscape, Environment, Error, UndefinedBehavior, Value, context,
    syntax::SyntaxConfig,
    value::{Kwargs, Serde},
};

use crate::{Locale, Shell, asset_url, catalogue, icons};

/// Templates that belong to no stage: those that others extend or import, and the pages by component.
const OWN: &[(&str, &str)] = &[
    ("shell.html", include_str!("../templates/shell.html")),
    ("own.html", include_str!("../templates/own.html")),
    ("rooms.html", include_str!("../templates/rooms.html")),
    ("admin.html", include_str!("../templates/admin.html")),
    ("admin-mail", include_str!("../templates/admin-mail.html")),
    ("fields.html", include_str!("../templates/fields.html")),
    ("captcha.html", include_str!("../templates/captcha.html")),
    ("prompt.html", include_str!("../templates/prompt.html")),
    ("access", include_str!("../templates/access.html")),
    ("ak-stage-access-denied", include_str!("../templates/ak-stage-access-denied.html")),
    ("ak-stage-autosubmit", include_str!("../templates/ak-stage-autosubmit.html")),
    ("ak-stage-flow-error", include_str!("../templates/ak-stage-flow-error.html")),
    ("xak-flow-redirect", include_str!("../templates/xak-flow-redirect.html")),
    ("error", include_str!("../templates/error.html")),
    ("initial-setup", include_str!("../templates/initial-setup.html")),
    ("library", include_str!("../templates/library.html")),
    ("not-applicable", include_str!("../templates/not-applicable.html")),
];

/// Every page, compiled once. Cheap to share, not to build.
#[derive(Debug)]
pub struct Pages {
    /// One environment a language, so that `t` knows its language inside of macros too.
    environments: Vec<(Locale, Environment<'static>)>,
}

impl Pages {
    /// Compiles our own templates and the stages': `(component, source)`, each of which extends `shell.html`.
    pub fn new(stage_templates: &[(&'static str, &'static str)]) -> Result<Self, Error> {
        let environments = Locale::ALL
            .into_iter()
            .map(|locale| environment(locale, stage_templates).map(|environment| (locale, environment)))
            .collect::<Result<_, _>>()?;
        Ok(Self { environments })
    }

    /// Renders the page of a component: `challenge` is the JSON of the wire, as it is.
    pub fn render(&self, component: &str, shell: &Shell, challenge: &serde_json::Value) -> Result<String, Error> {
        let environment = self.environment(shell.locale)?;
        environment
            .get_template(component)?
            .render(context! { shell => Value::from(Serde(shell)), challenge => Value::from(Serde(challenge)) })
    }

    /// Whether a component has a page.
    pub fn has(&self, component: &str) -> bool {
        let is_page = std::path::Path::new(component).extension().is_none_or(|extension| extension != "html");
        is_page && self.environment(Locale::EN).is_ok_and(|environment| environment.get_template(component).is_ok())
    }

    fn environment(&self, locale: Locale) -> Result<&Environment<'static>, Error> {
        let found = self.environments.iter().find(|(own, _)| *own == locale);
        found
            .map(|(_, environment)| environment)
            .ok_or_else(|| Error::new(minijinja::ErrorKind::TemplateNotFound, "no such language"))
    }
}

fn environment(
    locale: Locale,
    stage_templates: &[(&'static str, &'static str)],
) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_syntax(syntax()?);
    environment.add_function("t", move |key: &str, arguments: Kwargs| text(locale, key, &arguments));
    environment.add_function("error_text", move |wire_text: &str| catalogue::translate_error(locale, wire_text));
    environment.add_function("asset_url", asset_url);
    environment.add_function("icon", icons::icon);
    environment.add_function("is_picture", is_picture);
    environment.add_function("qr", crate::qr::qr);
    environment.add_function("parameter", crate::qr::parameter);
    for (name, source) in OWN.iter().chain(stage_templates) {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

/// How templates are written: a line that only says what to do leaves none behind.
pub(crate) fn syntax() -> Result<SyntaxConfig, Error> {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()
}

/// `t("key", name=value)`.
pub(crate) fn text(locale: Locale, key: &str, arguments: &Kwargs) -> Result<String, Error> {
    let mut values = Vec::new();
    for name in arguments.args() {
        values.push((name, arguments.get::<Value>(name)?.to_string()));
    }
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Ok(catalogue::translate(locale, key, &values))
}

/// Whether an address is a picture's rather than a document's, by its name.
fn is_picture(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    path.starts_with("data:image/")
        || path.starts_with("/media/")
        || [".avif", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp"].iter().any(|ending| path.ends_with(ending))
}
