//! Whether the time of an answer tells who exists: unknown, wrong password, inactive and pretended users, where the
//! password is asked for on a page of its own and where it is asked for with the name; and who may recover an account, by
//! the example's flow.

use std::io;
use std::time::Instant;

use clap::Args;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};

use crate::Problem;
use crate::admin::Admin;
use crate::client::{Answer, Client};
use crate::login::Visitor;
use crate::report;
use crate::server::Target;
use crate::stats::{kolmogorov_smirnov, mann_whitney, median, smallest};

/// What to try, and how often.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Tries a path and layout
    #[arg(long, default_value_t = 400)]
    tries: usize,
    /// Only with a hash that costs next to nothing: what is left shows differences best
    #[arg(long, conflicts_with = "default_only")]
    cheap_only: bool,
    /// Only with the server's own parameters
    #[arg(long)]
    default_only: bool,
    /// Seed of the order
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The paths by which a sign-in fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Unknown,
    Wrong,
    Inactive,
    Pretended,
}

const PATHS: [Path; 4] = [Path::Unknown, Path::Wrong, Path::Inactive, Path::Pretended];

/// Where the password is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Own,
    Embedded,
    /// It was forgotten: a mail is sent, or none.
    Recovery,
}

const LAYOUTS: [Layout; 3] = [Layout::Own, Layout::Embedded, Layout::Recovery];

/// A p-value below this is called a difference: one in a hundred runs is wrong by chance.
const SIGNIFICANT: f64 = 0.01;
/// Tries before it counts.
const WARM: usize = 25;
/// Settings of a hash that costs next to nothing.
const CHEAP: [(&str, &str); 2] = [("VESTIBULE_ARGON2_MEMORY", "64"), ("VESTIBULE_ARGON2_ITERATIONS", "1")];

const PASSWORD: &str = "Correct-horse-1!";

impl Path {
    fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown user",
            Self::Wrong => "wrong password",
            Self::Inactive => "inactive user",
            Self::Pretended => "pretended user",
        }
    }

    /// What is typed. Names are equally long, and start alike. The inactive user knows their password.
    fn typed(self) -> (&'static str, &'static str) {
        match self {
            Self::Unknown => ("bench-timing-u", PASSWORD),
            Self::Wrong => ("bench-timing-w", "Mistaken-cow-01!"),
            Self::Inactive => ("bench-timing-i", PASSWORD),
            Self::Pretended => ("bench-timing-p", PASSWORD),
        }
    }
}

impl Layout {
    fn name(self) -> &'static str {
        match self {
            Self::Own => "password on a page of its own",
            Self::Embedded => "password on the page of the name",
            Self::Recovery => "password forgotten",
        }
    }

    /// The requests of a try; times are kept for each.
    fn steps(self) -> &'static [&'static str] {
        match self {
            Self::Own => &["name", "password page", "password"],
            Self::Embedded => &["name and password"],
            Self::Recovery => &["name", "mail page"],
        }
    }

    /// The flow of a path. An unknown user is not pretended to exist where the stage says so; on a page of its own
    /// the password is then never asked for, so there the stage pretends for every path.
    fn flow(self, path: Path) -> &'static str {
        match (self, path) {
            (Self::Own, _) => "bench-own",
            (Self::Embedded, Path::Pretended) => "bench-embedded-pretend",
            (Self::Embedded, _) => "bench-embedded",
            (Self::Recovery, _) => "default-recovery-flow",
        }
    }
}

/// Measures with a cheap hash and with the server's own parameters.
pub(crate) fn run(options: &Options) -> Result<(), Problem> {
    if !options.default_only {
        measure(options, &CHEAP.map(|(name, value)| (name, value.to_owned())), "a hash that costs next to nothing")?;
    }
    if !options.cheap_only {
        measure(options, &[], "the server's own hash parameters")?;
    }
    Ok(())
}

fn measure(options: &Options, settings: &[(&str, String)], what: &str) -> Result<(), Problem> {
    let folder = tempfile::tempdir()?;
    let server = options.target.start(folder.path(), settings)?;
    let tries = options.tries;
    let database = options.target.database_name();
    report::begin(&format!("Times of refusals on {database}, {what}, {tries} tries each in random order"));
    prepare(&mut Admin::new(server.address))?;
    let mut random = StdRng::seed_from_u64(options.seed);
    let mut client = Client::new(server.address);
    for layout in LAYOUTS {
        let flows = PATHS.map(|path| format!("/api/v3/flows/executor/{}/?query=", layout.flow(path)));
        let mut order: Vec<usize> = (0..PATHS.len()).flat_map(|path| std::iter::repeat_n(path, tries)).collect();
        order.shuffle(&mut random);
        let warm: Vec<usize> = (0..WARM * PATHS.len()).map(|number| number % PATHS.len()).collect();
        let mut series: Vec<Vec<Vec<f64>>> = vec![vec![Vec::new(); layout.steps().len()]; PATHS.len()];
        let mut answers: Vec<Option<Value>> = vec![None; PATHS.len()];
        for (position, at) in warm.iter().chain(&order).copied().enumerate() {
            let (Some(path), Some(flow)) = (PATHS.get(at), flows.get(at)) else { continue };
            let (times, answer) = attempt(&mut client, flow, layout, *path)?;
            if position < warm.len() {
                continue;
            }
            if let Some(slot) = answers.get_mut(at) {
                *slot = Some(alike(&answer, path.typed().0));
            }
            for (step, time) in series.get_mut(at).into_iter().flatten().zip(times) {
                step.push(time);
            }
        }
        show(layout, &series, &answers);
    }
    Ok(())
}

/// The users and flows that the paths need.
fn prepare(admin: &mut Admin) -> Result<(), Problem> {
    admin.account(Path::Wrong.typed().0, PASSWORD)?;
    let inactive = admin.account(Path::Inactive.typed().0, PASSWORD)?;
    admin.ask("PATCH", &format!("core/users/{}/", inactive.pk), Some(&json!({"is_active": false})))?;
    let password = admin.password_stage("default-authentication-password")?;
    let own = json!({"name": "bench-own", "user_fields": ["username"], "pretend_user_exists": true});
    let own = admin.create("stages/identification/", &own)?;
    admin.flow("bench-own", &[&own, &password])?;
    for (name, pretend) in [("bench-embedded", false), ("bench-embedded-pretend", true)] {
        let stage = json!({
            "name": name, "user_fields": ["username"], "pretend_user_exists": pretend, "password_stage": password,
        });
        let stage = admin.create("stages/identification/", &stage)?;
        admin.flow(name, &[&stage])?;
    }
    // As many mails as there are tries: what would be sent to nobody any more costs less.
    let name = "flows-recovery-email-verification";
    let example =
        admin.create("managed/blueprints/", &json!({"name": name, "path": format!("example/{name}.yaml")}))?;
    admin.ask("POST", &format!("managed/blueprints/{example}/apply/"), None)?;
    let stages = admin.ask("GET", "stages/email/?name=default-recovery-email", None)?;
    let stage = stages.pointer("/results/0/pk").and_then(Value::as_str).ok_or("the example has no mail")?;
    let most = json!({"recovery_max_attempts": 1_000_000});
    admin.ask("PATCH", &format!("stages/email/{stage}/"), Some(&most))?;
    Ok(())
}

/// One try by somebody new: microseconds of each of its requests, and the last answer.
fn attempt(client: &mut Client, flow: &str, layout: Layout, path: Path) -> io::Result<(Vec<f64>, Answer)> {
    let (name, password) = path.typed();
    let mut visitor = Visitor::new(client, flow);
    let mut times = Vec::new();
    let mut step = |body: Option<Value>, status: u16| {
        let body = body.map(|body| body.to_string());
        let begun = Instant::now();
        let answer = visitor.send(body.as_deref())?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
        let expected = answer.status == status && !answer.contains("access-denied");
        if expected { Ok(answer) } else { Err(io::Error::other(format!("{}: {}", path.name(), answer.text()))) }
    };
    let answer = match layout {
        Layout::Own => {
            step(Some(json!({"uid_field": name})), 302)?;
            step(None, 200)?;
            step(Some(json!({"password": password})), 200)?
        }
        Layout::Embedded => step(Some(json!({"uid_field": name, "password": password})), 200)?,
        Layout::Recovery => {
            step(Some(json!({"uid_field": name})), 302)?;
            step(None, 200)?
        }
    };
    if answer.contains("response_errors") || (layout == Layout::Recovery && answer.contains("ak-stage-email")) {
        return Ok((times, answer));
    }
    Err(io::Error::other(format!("{} was not refused: {}", path.name(), answer.text())))
}

/// An answer without the name that was typed, and without the picture that is made of it.
fn alike(answer: &Answer, typed: &str) -> Value {
    let text = String::from_utf8_lossy(&answer.body).replace(typed, "NAME");
    let mut answer = serde_json::from_str(&text).unwrap_or(Value::Null);
    if let Some(fields) = answer.as_object_mut() {
        fields.shift_remove("pending_user_avatar");
    }
    answer
}

fn show(layout: Layout, series: &[Vec<Vec<f64>>], answers: &[Option<Value>]) {
    println!("  {}", layout.name());
    let same = answers.windows(2).all(|two| two.first() == two.last());
    report::line("  answers", if same { "the same for every path" } else { "DIFFERENT" });
    if !same {
        for (path, answer) in PATHS.iter().zip(answers) {
            println!("      {}: {}", path.name(), answer.as_ref().unwrap_or(&Value::Null));
        }
    }
    for (number, step) in layout.steps().iter().enumerate() {
        let of_step: Vec<&[f64]> = series.iter().filter_map(|steps| steps.get(number).map(Vec::as_slice)).collect();
        let medians = PATHS.iter().zip(&of_step).map(|(path, times)| format!("{} {:.0}", path.name(), median(times)));
        report::line(&format!("  {step}, medians in µs"), medians.collect::<Vec<_>>().join(", "));
        let pairs = (0..of_step.len()).flat_map(|first| (0..first).map(move |second| (first, second)));
        let pairs: Vec<_> = pairs.filter_map(|(a, b)| Some((*of_step.get(a)?, *of_step.get(b)?))).collect();
        let test = |test: fn(&[f64], &[f64]) -> f64| pairs.iter().map(|(a, b)| test(a, b)).collect::<Vec<f64>>();
        let tests = [("Mann-Whitney", test(mann_whitney)), ("Kolmogorov-Smirnov", test(kolmogorov_smirnov))];
        for (name, p_values) in tests {
            let shown: Vec<String> = p_values.iter().map(|p| format!("{p:.3}")).collect();
            let smallest = smallest(&p_values);
            let verdict = if smallest < SIGNIFICANT { "DISTINGUISHABLE" } else { "indistinguishable" };
            let figure = format!("p of the pairs {}; corrected {smallest:.3}: {verdict}", shown.join(" "));
            report::line(&format!("  {step}, {name}"), figure);
        }
    }
}
