//! Mails from an administrator's own templates, in Django's syntax: rewritten to that of the engine, then rendered.

use std::borrow::Cow;
use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, value::Serde};

use crate::Locale;

/// What templates may extend besides one another.
const BASE: (&str, &str) = ("email/base.html", include_str!("../../templates/mail/custom_base.html"));

/// A mail from `name`, one of `sources` (by name), as plain text and as HTML. The plain text comes from the source with
/// the same stem and `.txt`; without one it is what the HTML says, without its tags.
///
/// # Errors
/// The template, or one that it extends or includes, is not there or cannot be rendered: with its name and line.
pub fn render(
    sources: &BTreeMap<String, String>,
    name: &str,
    locale: Locale,
    content: &serde_json::Value,
) -> Result<(String, String), Error> {
    let mut rewritten: BTreeMap<&str, String> = BTreeMap::from([(BASE.0, rewrite(BASE.1)?)]);
    let mut broken = BTreeMap::new();
    for (own, source) in sources {
        match rewrite(source) {
            Ok(text) => drop(rewritten.insert(own, text)),
            Err(error) => drop(broken.insert(own.as_str(), error)),
        }
    }
    let mut environment = environment(locale);
    for (own, text) in &rewritten {
        if let Err(error) = environment.add_template(own, text) {
            broken.insert(own, error);
        }
    }
    let stem = name.strip_suffix(".html").unwrap_or(name);
    let plain = format!("{stem}.txt");
    for wanted in [name, &plain] {
        if let Some(error) = broken.remove(wanted) {
            return Err(error);
        }
    }
    let render = |name: &str| environment.get_template(name)?.render(Value::from(Serde(content)));
    let html = render(name)?;
    let text = if sources.contains_key(&plain) { render(&plain)? } else { without_tags(&html) };
    Ok((text, html))
}

fn environment(locale: Locale) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|name| {
        let is_text = std::path::Path::new(name).extension().is_some_and(|extension| extension == "txt");
        if is_text { AutoEscape::None } else { AutoEscape::Html }
    });
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.add_global("language", locale.code());
    // Times come as texts already.
    environment.add_filter("naturaltime", |value: Value| value);
    environment.add_filter("default", |value: Value, other: Value| if value.is_true() { value } else { other });
    environment.add_filter("date", |value: Value, _: Option<String>| value);
    environment
}

fn wrong(line: usize, detail: impl Into<Cow<'static, str>>) -> Error {
    let detail: Cow<'static, str> = detail.into();
    Error::new(ErrorKind::SyntaxError, format!("{detail} (line {line})"))
}

/// Django's syntax as the engine's.
fn rewrite(source: &str) -> Result<String, Error> {
    let mut out = String::with_capacity(source.len());
    let (mut rest, mut line, mut is_comment) = (source, 1, false);
    while let Some(at) = rest.find('{') {
        let (before, tag) = rest.split_at(at);
        line += before.matches('\n').count();
        if !is_comment {
            out.push_str(before);
        }
        let Some((close, is_statement)) = [("{%", "%}", true), ("{{", "}}", false), ("{#", "#}", false)]
            .into_iter()
            .find_map(|(open, close, is_statement)| tag.starts_with(open).then_some((close, is_statement)))
        else {
            if !is_comment {
                out.push('{');
            }
            rest = tag.get(1..).unwrap_or_default();
            continue;
        };
        let end = tag.find(close).ok_or_else(|| wrong(line, format!("`{close}` is missing")))?;
        let (whole, after) = tag.split_at(end + 2);
        let inner = whole.get(2..end).unwrap_or_default().trim();
        if is_comment {
            is_comment = inner != "endcomment";
        } else if is_statement {
            is_comment = inner == "comment" || inner.starts_with("comment ");
            out.push_str(&statement(inner, line)?);
        } else if close == "}}" {
            out.push_str(&format!("{{{{ {} }}}}", expression(inner)));
        }
        // Errors name lines: they must stay where they were.
        line += whole.matches('\n').count();
        rest = after;
    }
    if is_comment {
        return Err(wrong(line, "`endcomment` is missing"));
    }
    out.push_str(rest);
    Ok(out)
}

/// One `{% %}`.
fn statement(inner: &str, line: usize) -> Result<String, Error> {
    let (word, rest) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
    let rest = rest.trim();
    Ok(match word {
        "load" | "comment" | "endcomment" => String::new(),
        "trans" | "translate" => format!("{{{{ {} }}}}", expression(rest)),
        "blocktrans" | "blocktranslate" => with(rest, line)?,
        "with" => with(&format!("with {rest}"), line)?,
        "endblocktrans" | "endblocktranslate" => "{% endwith %}".into(),
        "empty" => "{% else %}".into(),
        "autoescape" => format!("{{% autoescape {} %}}", rest == "on"),
        "if" | "elif" | "for" | "extends" | "include" => format!("{{% {word} {} %}}", expression(rest)),
        "block" | "else" | "endif" | "endfor" | "endblock" | "endwith" | "endautoescape" => format!("{{% {inner} %}}"),
        _ => return Err(wrong(line, format!("the tag `{word}` is not known"))),
    })
}

/// `with a=b c=d`, and what else a `blocktrans` may say.
fn with(options: &str, line: usize) -> Result<String, Error> {
    let mut names = Vec::new();
    for word in options.split_whitespace() {
        match word.split_once('=') {
            Some((name, value)) => names.push(format!("{name} = {}", expression(value))),
            None if matches!(word, "with" | "trimmed" | "and") => {}
            None => return Err(wrong(line, format!("`{word}` is not known here"))),
        }
    }
    Ok(format!("{{% with {} %}}", names.join(", ")))
}

/// An expression: `|filter:argument` becomes a call, `forloop` becomes `loop`. What is quoted stays.
fn expression(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    let (mut quote, mut is_argument) = (None, false);
    for c in text.chars() {
        match quote {
            Some(open) => {
                quote = (c != open).then_some(open);
                out.push(c);
            }
            None if c == ':' => {
                out.push('(');
                is_argument = true;
            }
            None => {
                if is_argument && (c == '|' || c.is_whitespace()) {
                    out.push(')');
                    is_argument = false;
                }
                quote = matches!(c, '"' | '\'').then_some(c);
                out.push(c);
            }
        }
    }
    if is_argument {
        out.push(')');
    }
    let renamed = [("forloop.counter0", "loop.index0"), ("forloop.counter", "loop.index"), ("forloop.", "loop.")];
    renamed.into_iter().fold(out, |out, (from, to)| out.replace(from, to))
}

/// Elements that begin a line.
const BREAKS: [&str; 7] = ["p", "br", "div", "tr", "h1", "h2", "li"];

/// What HTML says, a line each; addresses of links stand after their words.
fn without_tags(html: &str) -> String {
    let body = html.split_once("</head>").map_or(html, |(_, body)| body);
    let (mut out, mut rest, mut link) = (String::new(), body, None);
    while let Some((text, after)) = rest.split_once('<') {
        out.push_str(text);
        let (tag, after) = after.split_once('>').unwrap_or((after, ""));
        if tag.starts_with("a ") {
            link =
                tag.split_once("href=\"").and_then(|(_, address)| address.split_once('"')).map(|(address, _)| address);
        } else if tag == "/a" {
            out.extend(link.take().map(|address| format!(" {address} ")));
        } else if BREAKS.contains(&tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default()) {
            out.push('\n');
        }
        rest = after;
    }
    out.push_str(rest);
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&nbsp;", " ")];
    let out = entities.into_iter().fold(out, |out, (entity, sign)| out.replace(entity, sign)).replace("&amp;", "&");
    let lines = out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::render;
    use crate::Locale;

    fn sources(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        list.iter().map(|(name, source)| ((*name).to_owned(), (*source).to_owned())).collect()
    }

    fn html(source: &str) -> String {
        let content = json!({"user": {"name": "Al <b>"}, "url": "https://x/?a=1&b=2", "list": ["a", "b"]});
        render(&sources(&[("a.html", source)]), "a.html", Locale::EN, &content).unwrap().1
    }

    #[test]
    fn django_templates_say_what_they_say_there() {
        assert_eq!(html("{% load i18n %}{{ user.name }}{# no #}{% comment %}{{ x }}{% endcomment %}"), "Al &lt;b&gt;");
        assert_eq!(html("{% trans 'Hi: all' %} {% if url %}y{% else %}n{% endif %} { }"), "Hi: all y { }");
        assert_eq!(
            html("{% blocktrans with who=user.name n=list|length %}{{ who }} {{ n }}{% endblocktrans %}"),
            "Al &lt;b&gt; 2"
        );
        assert_eq!(html("{% for x in list %}{{ forloop.counter }}{{ x }}{% empty %}-{% endfor %}"), "1a2b");
        assert_eq!(html("{{ missing|default:\"a|b\" }} {{ user.name|safe }}"), "a|b Al <b>");
        assert_eq!(html("{% autoescape off %}{{ user.name }}{% endautoescape %}"), "Al <b>");
        let page = html("{% extends 'email/base.html' %}{% block content %}<tr><td>It</td></tr>{% endblock %}");
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<td>It</td>"), "{page}");
    }

    #[test]
    fn plain_text_has_its_own_template_or_the_words_of_the_other() {
        let content = json!({"url": "https://x/?a=1&b=2", "name": "<A>"});
        let page = "<html><head><title>T</title></head><p>Hi {{ name }}</p><a href=\"{{ url }}\">Here</a>";
        let mut own = sources(&[("a.html", page)]);
        let (text, _) = render(&own, "a.html", Locale::EN, &content).unwrap();
        assert_eq!(text, "Hi <A>\nHere https://x/?a=1&b=2");
        own.insert("a.txt".into(), "{{ name }}: {{ url }}".into());
        assert_eq!(render(&own, "a.html", Locale::EN, &content).unwrap().0, "<A>: https://x/?a=1&b=2");
    }

    #[test]
    fn what_is_wrong_is_said_and_breaks_no_other() {
        let content = json!({});
        let own = sources(&[
            ("a.html", "fine"),
            ("tag.html", "\n{% static 'x' %}"),
            ("open.html", "{{ a"),
            ("if.html", "{% if a %}"),
        ]);
        assert_eq!(render(&own, "a.html", Locale::EN, &content).unwrap().1, "fine");
        let error = |name: &str| render(&own, name, Locale::EN, &content).unwrap_err().to_string();
        assert!(error("tag.html").contains("`static` is not known (line 2)"), "{}", error("tag.html"));
        assert!(error("open.html").contains("`}}` is missing (line 1)"));
        assert!(error("if.html").contains("syntax error"));
        assert!(error("none.html").contains("none.html"));
        let own = sources(&[("a.html", "{{ a|nofilter }}")]);
        assert!(render(&own, "a.html", Locale::EN, &content).is_err());
        let own = sources(&[("a.html", "{% include '../../etc/passwd' %}")]);
        assert!(render(&own, "a.html", Locale::EN, &content).is_err());
    }
}
