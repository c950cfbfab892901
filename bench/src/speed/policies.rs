//! What policies cost people: logins with expressions bound to their flow, beside logins without.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Options, WARM, sign_in_workers, windows};
use crate::Problem;
use crate::admin::{Account, Admin};
use crate::load::{self, Count, Span};
use crate::report;
use crate::server::Server;

/// The default login.
const FLOW: &str = "default-authentication-flow";
/// Expressions as administrators write them, each with the stage whose place it is bound to; without one to the flow.
const BOUND: [(&str, &str); 5] = [
    ("", "return ak_client_ip not in ip_network('203.0.113.0/24')"),
    ("default-authentication-identification", "return request.http_request.headers.get('x-kiosk') is None"),
    ("default-authentication-password", "return not request.user.attributes.get('passwordless', False)"),
    ("default-authentication-login", "return request.user.email.endswith('@example.org')"),
    ("default-authentication-login", "return not ak_is_group_member(request.user, name='suspended')"),
];

/// Binds them; the paths of the bindings.
fn bind(admin: &mut Admin) -> Result<Vec<String>, Problem> {
    let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let flow = admin.ask("GET", &format!("flows/instances/{FLOW}/"), None)?;
    let key = text(&flow, "/pk").ok_or("a flow without a key")?;
    let places = admin.ask("GET", &format!("flows/bindings/?target={key}"), None)?;
    let places = places.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut bindings = Vec::new();
    for (number, (stage, expression)) in BOUND.iter().enumerate() {
        let is_of = |place: &&Value| text(place, "/stage_obj/name").as_deref() == Some(*stage);
        let to = if stage.is_empty() { Some(&flow) } else { places.iter().find(is_of) };
        let target = to.and_then(|to| text(to, "/policybindingmodel_ptr_id")).ok_or("nothing to bind a policy to")?;
        let policy = json!({"name": format!("bench-{number}"), "expression": expression});
        let policy = admin.create("policies/expression/", &policy)?;
        // Each for itself must let pass, whatever else is bound there.
        let binding = json!({"target": target, "policy": policy, "order": 100 + number, "enabled": false});
        bindings.push(format!("policies/bindings/{}/", admin.create("policies/bindings/", &binding)?));
    }
    Ok(bindings)
}

/// Logins with and without them in turn.
pub(super) fn logins(options: &Options, server: &Server, accounts: &[Account]) -> Result<(), Problem> {
    let mut admin = Admin::new(server.address);
    let bindings = bind(&mut admin)?;
    let span = Span { warm: WARM, lasts: Duration::from_secs(options.window), server: server.process() };
    let (mut with, mut without) = (Count::default(), Count::default());
    for _ in 0..options.rounds {
        for (enabled, count) in [(true, &mut with), (false, &mut without)] {
            for binding in &bindings {
                admin.ask("PATCH", binding, Some(&json!({"enabled": enabled})))?;
            }
            count.add(load::run(sign_in_workers(server.address, accounts, options.connections)?, span)?);
        }
    }
    let figure = |count: &Count| {
        format!("{:.1}/s, {}; {:.2} ms of the server each", count.rate(), windows(count), count.each(count.servers))
    };
    report::line("logins with five policies more", figure(&with));
    report::line("logins without them", figure(&without));
    report::at_least("with to without", 100.0 * with.rate() / without.rate(), 85.0, "%");
    Ok(())
}
