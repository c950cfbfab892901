//! What expressions and policies cost, in this process: a program beside the emptiest one, an engine beside its programs.

use std::future::Future;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Request;
use vestibule_expression::{Budget, Host, Program};
use vestibule_flow::{Occasion, Pending, Plan, PolicyEngineMode, Question};
use vestibule_testkit::{Families, TestApp};

/// What goes wrong in a measurement: shown and the end of it.
type Problem = Box<dyn std::error::Error + Send + Sync>;

/// The server's allocator, which counts what programs take.
#[global_allocator]
static ALLOCATOR: vestibule_allocator::Allocator = vestibule_allocator::Allocator;

/// Runs a measured piece before it counts.
const WARM: Duration = Duration::from_millis(200);
/// How long one measured piece runs.
const LASTS: Duration = Duration::from_millis(300);
/// Turns: the pieces take them one after the other.
const TURNS: usize = 5;
/// Policies of the engine that is measured.
const BINDINGS: usize = 10;

/// Programs as administrators write them.
const PROGRAMS: [(&str, &str); 5] = [
    ("a constant (the floor)", "return True"),
    (
        "is the password still to be asked for",
        "plan = request.context.get('flow_plan')\nreturn not plan or not hasattr(plan.context.get('pending_user'), 'backend')",
    ),
    ("the domain of an address", "return request.user.email.endswith('@example.com')"),
    ("a network", "return ak_client_ip in ip_network('10.0.0.0/8') or ak_client_ip in ip_network('127.0.0.0/8')"),
    ("a group", "return ak_is_group_member(request.user, name='nobody') or True"),
];

/// A server of which a program asks nothing.
struct Nothing;

#[async_trait]
impl Host for Nothing {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn random(&self, _: &mut [u8]) {}
}

/// The median of what one run takes, microseconds.
#[derive(Default)]
struct Samples(Vec<f64>);

impl Samples {
    async fn add<F: Future<Output = Result<(), Problem>>>(
        &mut self,
        mut piece: impl FnMut() -> F,
    ) -> Result<(), Problem> {
        let begun = Instant::now();
        while begun.elapsed() < WARM {
            piece().await?;
        }
        let begun = Instant::now();
        let mut runs = 0_u32;
        while begun.elapsed() < LASTS {
            piece().await?;
            runs += 1;
        }
        self.0.push(begun.elapsed().as_secs_f64() * 1e6 / f64::from(runs));
        Ok(())
    }

    fn median(&mut self) -> f64 {
        self.0.sort_by(f64::total_cmp);
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Problem> {
    let mut families = Families::base();
    families.kinds.extend(vestibule_stages::kinds());
    families.kinds.extend(vestibule_policy::kinds());
    families.families.extend(vestibule_policy::families());
    families.stages = vestibule_stages::entries();
    let app = TestApp::start(families).await;
    let user = app.user("alice", "", json!({"email": "alice@example.com"})).await;

    let mut bare = Samples::default();
    let program = Program::parse("return True")?;
    let (mut single, mut ten) = (Vec::new(), Vec::new());
    for (number, (_, text)) in PROGRAMS.iter().enumerate() {
        single.push((flow(&app, &format!("one-{number}"), &[text]).await?, Samples::default()));
        ten.push((flow(&app, &format!("ten-{number}"), &[*text; BINDINGS]).await?, Samples::default()));
    }
    for _ in 0..TURNS {
        bare.add(async || {
            let outcome = program.run(Vec::new(), &Nothing, Budget::default()).await?;
            if outcome.value.truthy() { Ok(()) } else { Err("the program says no".into()) }
        })
        .await?;
        for (target, samples) in single.iter_mut().chain(&mut ten) {
            samples.add(async || ask(&app, *target, user).await).await?;
        }
    }

    println!("\nPolicies and expressions, microseconds (median of {TURNS} turns)");
    let floor = bare.median();
    println!("  {:<44} {floor:.1}", "a program without an engine");
    for (((name, _), (_, one)), (_, all)) in PROGRAMS.iter().zip(&mut single).zip(&mut ten) {
        let (one, all) = (one.median(), all.median());
        println!("  {name:<44} {one:.1}, {:.1} times the bare program: at most 50: {}", one / floor, met(one, 50.0));
        #[expect(clippy::cast_precision_loss, reason = "ten")]
        let beyond = all - one * BINDINGS as f64;
        println!(
            "  {:<44} {all:.1}, beyond its programs {beyond:.1}: at most 100: {}",
            "  bound ten times",
            met(beyond, 100.0)
        );
    }
    Ok(())
}

fn met(value: f64, target: f64) -> &'static str {
    if value <= target { "met" } else { "MISSED" }
}

/// A flow that these programs are bound to; by what they are bound to it.
async fn flow(app: &TestApp, slug: &str, texts: &[&str]) -> Result<Uuid, Problem> {
    let body = json!({"name": slug, "slug": slug, "title": slug, "designation": "authentication"});
    let flow = app.create("authentik_flows.flow", body).await;
    let target = flow.get("policybindingmodel_ptr_id").and_then(Value::as_str).ok_or("a flow without a key")?;
    for (order, text) in texts.iter().enumerate() {
        let policy = json!({"name": format!("{slug}-{order}"), "expression": text});
        let policy = app.create("authentik_policies_expression.expressionpolicy", policy).await;
        let binding = json!({"target": target, "policy": policy.get("pk"), "order": order});
        app.create("authentik_policies.policybinding", binding).await;
    }
    Ok(target.parse()?)
}

/// Asks what is bound, as the executor does on the way through a plan.
async fn ask(app: &TestApp, target: Uuid, user: i64) -> Result<(), Problem> {
    let configuration = app.store().configuration();
    let pending = Pending::typed(Some(user), "alice");
    let plan = Plan { pending: Some(pending), ..Plan::new(Uuid::nil(), Vec::new()) };
    let request = Request::new("127.0.0.1".into(), "GET", "/if/flow/x/", "", "bench", "");
    let question = Question { target, mode: PolicyEngineMode::All, open: true, user: Some(user) };
    let asked = app.state.policies.may_pass(&configuration, question, Occasion::on_the_way(&request, &plan)).await;
    let verdict = asked.map_err(|error| error.to_string())?;
    if verdict.passing { Ok(()) } else { Err(format!("a policy says no: {verdict:?}").into()) }
}
