//! How fast an application gets and uses tokens, beside the signatures that the machine makes in the same minutes.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};
use vestibule_jose::SigningKey;

use crate::Problem;
use crate::admin::Admin;
use crate::client::{Answer, Client};
use crate::load::{self, Count, Span};
use crate::login::{Answers, log_in, session_headers};
use crate::process::{Who, number, processors};
use crate::report;
use crate::server::{Server, Target};

/// What to measure, and how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Connections at once
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Pairs of windows: the work, then the signatures
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds a window
    #[arg(long, default_value_t = 3)]
    window: u64,
}

const WARM: Duration = Duration::from_millis(500);
const SECRET: &str = "bench-secret";
const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// A provider with its application; how its tokens are signed.
struct Site {
    id: &'static str,
    key: SigningKey,
}

/// Measures everything, and prints it.
pub(crate) fn run(options: &Options) -> Result<(), Problem> {
    let target = &options.target;
    report::begin(&format!("Tokens of Vestibule on {}, {} processors", target.database_name(), processors()));
    let folder = tempfile::tempdir()?;
    let server = target.start(folder.path(), &[])?;
    let mut admin = Admin::new(server.address);
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let curve = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let account = admin.account("bench", "Correct-horse-1!")?;
    let cookie = log_in(&mut Client::new(server.address), &Answers::of(&account))?;
    let session = session_headers(&cookie);
    // Both are made first: the administrator's connection does not outlive a measurement.
    let both = [
        ("RS256, 2048 bits", Site::new(&mut admin, "rs256", &rsa)?),
        ("ES256", Site::new(&mut admin, "es256", &curve)?),
    ];
    for (name, site) in &both {
        report::line("signed with", name);
        site.measure(options, &server, &session)?;
    }
    Ok(())
}

fn form(pairs: &[(&str, &str)]) -> String {
    let escaped = |text: &str| {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect::<String>()
    };
    pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&")
}

fn expect(answer: &Answer, text: &str) -> io::Result<()> {
    if answer.status == 200 && answer.contains(text) { Ok(()) } else { Err(io::Error::other(answer.text())) }
}

fn text(answer: &Answer, name: &str) -> io::Result<String> {
    let found = answer.json().get(name).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| io::Error::other(answer.text()))
}

/// Workers that repeat some work, each on its own connection.
fn workers<W, F>(address: SocketAddr, count: usize, mut make: F) -> Result<Vec<W>, Problem>
where
    F: FnMut(Client) -> Result<W, Problem>,
{
    let open = |_| {
        let mut client = Client::new(address);
        client.open()?;
        make(client)
    };
    (0..count).map(open).collect()
}

impl Site {
    fn new(admin: &mut Admin, id: &'static str, key: &KeyPair) -> Result<Self, Problem> {
        let certificate = CertificateParams::new(vec!["bench.example".to_owned()])?.self_signed(key)?.pem();
        let body = json!({"name": id, "certificate_data": certificate, "key_data": key.serialize_pem()});
        let pair = admin.create("crypto/certificatekeypairs/", &body)?;
        let mut flow = |slug: &str| {
            let found = admin.ask("GET", &format!("flows/instances/{slug}/"), None)?;
            found.get("pk").cloned().ok_or_else(|| Problem::from("a flow without a key"))
        };
        let authorization = flow("default-provider-authorization-implicit-consent")?;
        let invalidation = flow("default-provider-invalidation-flow")?;
        let scopes = admin.ask("GET", "propertymappings/provider/scope/?page_size=100", None)?;
        let scopes = scopes.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
        let body = json!({
            "name": id, "client_id": id, "client_secret": SECRET, "signing_key": pair,
            "authorization_flow": authorization, "invalidation_flow": invalidation,
            "redirect_uris": [{"matching_mode": "strict", "url": CALLBACK}],
            "property_mappings": scopes.iter().filter_map(|one| one.get("pk")).collect::<Vec<_>>(),
        });
        let provider = admin.ask("POST", "providers/oauth2/", Some(&body))?;
        let body = json!({"name": id, "slug": id, "provider": provider.get("pk")});
        admin.ask("POST", "core/applications/", Some(&body))?;
        let key = SigningKey::of_pem(&key.serialize_pem())?;
        Ok(Self { id, key })
    }

    /// A request with the client's secret.
    fn asking(&self, more: &[(&str, &str)]) -> String {
        form(&[&[("client_id", self.id), ("client_secret", SECRET)], more].concat())
    }

    /// Tokens by a code, as a browser and its application get them; two signatures.
    fn by_code(&self, client: &mut Client, session: &str) -> io::Result<Answer> {
        let asked = form(&[
            ("client_id", self.id),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid profile offline_access"),
        ]);
        let back = client.send("GET", &format!("/application/o/authorize/?{asked}"), session, None)?;
        let code = back.location().and_then(|to| to.split("code=").nth(1)?.split('&').next().map(str::to_owned));
        let code = code.ok_or_else(|| io::Error::other(back.text()))?;
        let asked = self.asking(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)]);
        let answer = client.form("/application/o/token/", "", &asked)?;
        expect(&answer, "\"id_token\"")?;
        Ok(answer)
    }

    fn measure(&self, options: &Options, server: &Server, session: &str) -> Result<(), Problem> {
        let (address, count) = (server.address, options.connections);
        let span = Span { warm: WARM, lasts: Duration::from_secs(options.window), server: server.process() };
        let mut one = Client::new(address);
        let tokens = self.by_code(&mut one, session)?;
        let access = text(&tokens, "access_token")?;
        let machine = self.asking(&[("grant_type", "client_credentials"), ("scope", "profile")]);
        let looking = self.asking(&[("token", &access)]);
        let bearer = format!("Authorization: Bearer {access}\r\n");
        let mut floor = Count::default();
        let mut counts: [Count; 5] = Default::default();
        for _ in 0..options.rounds {
            floor.add(load::run(self.signatures(), Span { server: Who::Me, ..span })?);
            let [credentials, refreshes, looks, infos, codes] = &mut counts;
            credentials.add(load::run(
                workers(address, count, |mut client| {
                    let machine = machine.clone();
                    Ok(move || expect(&client.form("/application/o/token/", "", &machine)?, "\"access_token\""))
                })?,
                span,
            )?);
            refreshes.add(load::run(
                workers(address, count, |mut client| {
                    let mut token = text(&self.by_code(&mut client, session)?, "refresh_token")?;
                    Ok(move || {
                        let asked = self.asking(&[("grant_type", "refresh_token"), ("refresh_token", &token)]);
                        token = text(&client.form("/application/o/token/", "", &asked)?, "refresh_token")?;
                        Ok(())
                    })
                })?,
                span,
            )?);
            looks.add(load::run(
                workers(address, count, |mut client| {
                    let looking = looking.clone();
                    Ok(move || expect(&client.form("/application/o/introspect/", "", &looking)?, "\"active\":true"))
                })?,
                span,
            )?);
            infos.add(load::run(
                workers(address, count, |mut client| {
                    let bearer = bearer.clone();
                    Ok(move || expect(&client.send("GET", "/application/o/userinfo/", &bearer, None)?, "\"sub\""))
                })?,
                span,
            )?);
            codes.add(load::run(
                workers(address, count, |mut client| Ok(move || self.by_code(&mut client, session).map(drop)))?,
                span,
            )?);
        }
        let [credentials, refreshes, looks, infos, codes] = counts;
        report::line("  signatures alone (the floor)", figure(&floor));
        report::line("  client credentials, one signature", figure(&credentials));
        let share = 100.0 * credentials.rate() / floor.rate();
        report::at_least("  client credentials to signatures", share, 60.0, "%");
        report::line("  refreshes, two signatures", figure(&refreshes));
        report::line(
            "  refreshes' signatures to signatures",
            format!("{:.1} %", 200.0 * refreshes.rate() / floor.rate()),
        );
        report::line("  code flows, two signatures", figure(&codes));
        report::line("  userinfo", figure(&infos));
        report::line("  introspection", figure(&looks));
        report::at_least("  introspection a second", looks.rate(), 10_000.0, "/s");
        let half = credentials.rate() / 2.0;
        let took = paced(address, count, half, &machine, span)?;
        let title = format!("  client credentials at {half:.0}/s, p99");
        report::at_most(&title, crate::stats::percentile(&took, 0.99), 5.0, "ms");
        Ok(())
    }

    /// Workers that sign as much as a token has.
    fn signatures(&self) -> Vec<impl FnMut() -> io::Result<()> + Send> {
        let message = [b'x'; 900];
        let worker = |_| move || self.key.sign(&message).map(drop).map_err(io::Error::other);
        (0..processors()).map(worker).collect()
    }
}

/// How long client credentials take, milliseconds, where so many are asked for a second.
fn paced(address: SocketAddr, count: usize, rate: f64, asked: &str, span: Span) -> Result<Vec<f64>, Problem> {
    let pause = Duration::from_secs_f64(number(count) / rate.max(1.0));
    let took = Mutex::new(Vec::new());
    // One after the other, as people come: all at once they would wait for one another.
    let mut turn = 0.0;
    let work = workers(address, count, |mut client| {
        let (took, first, mut next) = (&took, pause.mul_f64(turn / number(count)), None::<Instant>);
        turn += 1.0;
        Ok(move || {
            let now = Instant::now();
            // Each keeps to its times, however late an answer was: those who wait together would come together for ever.
            let due = next.map_or(now + first, |next| next + pause);
            next = Some(due);
            thread::sleep(due.saturating_duration_since(now));
            // Whoever could not ask in time, since the last answer was not there yet, has waited since then.
            let begun = if due < now { due } else { Instant::now() };
            expect(&client.form("/application/o/token/", "", asked)?, "\"access_token\"")?;
            took.lock().unwrap_or_else(PoisonError::into_inner).push(begun.elapsed().as_secs_f64() * 1000.0);
            Ok(())
        })
    })?;
    load::run(work, span)?;
    Ok(took.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn figure(count: &Count) -> String {
    format!(
        "{:.0}/s, p50 {:.2} ms, p99 {:.2} ms; processor time of the server {:.3} ms, of this client {:.3} ms, {:.0} % busy",
        count.rate(),
        count.percentile(0.5),
        count.percentile(0.99),
        count.each(count.servers),
        count.each(count.mine),
        100.0 * (count.servers + count.mine) / (count.seconds * number(processors())),
    )
}
