//! What a page of a list costs with many people, beside what it costs with few: two servers, measured in turn.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_store::Database;

use crate::Problem;
use crate::admin::Admin;
use crate::client::Client;
use crate::people::{self, Reader, Size};
use crate::process::processors;
use crate::report;
use crate::server::{SUPERUSER, Server, Target};
use crate::stats::{median, percentile};

/// What to measure, and how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Connections that ask at once
    #[arg(long, default_value_t = 2)]
    connections: usize,
    /// Users of the large server, in a tenth as many groups; the small one has 1,000
    #[arg(long, default_value_t = 100_000)]
    users: usize,
    /// Windows on each server, in turn
    #[arg(long, default_value_t = 4)]
    rounds: u32,
    /// Seconds a window
    #[arg(long, default_value_t = 6)]
    window: u64,
}

/// Users of the small server.
const FEW: usize = 1_000;
/// Objects of each kind that the reader without permissions over everything may see.
const SEEN: usize = 100;
/// The reader's key.
const READER: &str = "bench-token-of-somebody-who-reads-some-things";
/// What the reader sends.
const READS: &str = "Authorization: Bearer bench-token-of-somebody-who-reads-some-things\r\n";
/// Lists whose tables grow with the people.
const GROWS: [&str; 7] = [
    "/api/v3/core/users/",
    "/api/v3/core/groups/",
    "/api/v3/core/tokens/",
    "/api/v3/core/authenticated_sessions/",
    "/api/v3/core/user_consent/",
    "/api/v3/events/events/",
    "/api/v3/rbac/roles/",
];
/// How long a page may take, milliseconds.
const GOAL: f64 = 20.0;
/// How much more a page may cost among many.
const RATIO: f64 = 1.5;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Superuser,
    Reader,
}

/// How a request is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// The same work however many there are.
    Page,
    /// What it finds grows with how many there are; the time has the same limit.
    Found,
    /// It looks at everything: only shown.
    Whole,
}

/// A request that is made again and again: of the server with few people, and of the one with many.
#[derive(Clone, Debug)]
struct Request {
    name: String,
    paths: [String; 2],
    who: Who,
    goal: Goal,
}

impl Who {
    fn headers(self) -> &'static str {
        match self {
            Self::Superuser => SUPERUSER,
            Self::Reader => READS,
        }
    }
}

/// Fills two servers and measures them.
pub(crate) fn run(options: &Options) -> Result<(), Problem> {
    let (few, many) = (FEW, options.users.max(FEW));
    report::begin(&format!("Lists of Vestibule on {}, {} processors", options.target.database_name(), processors()));
    let folder = tempfile::tempdir()?;
    let start = |users: usize| -> Result<Server, Problem> {
        let begun = Instant::now();
        let server = crowd(&options.target, folder.path(), Size { users, groups: users / 10 })?;
        let figure = format!("{:.1} s", begun.elapsed().as_secs_f64());
        report::line(&format!("filled with {users} users, {} groups", users / 10), figure);
        Ok(server)
    };
    let servers = [start(few)?, start(many)?];
    let addresses = [servers[0].address, servers[1].address];
    let requests = requests([(addresses[0], few), (addresses[1], many)])?;
    let (connections, window) = (options.connections.max(1), Duration::from_secs(options.window));
    // What finds thousands, or looks at everything, would make the others wait.
    for (goal, window, name) in [
        (Goal::Page, window, "milliseconds: a page, a search, a filter"),
        (Goal::Found, window / 2, "milliseconds: thousands are found"),
        (Goal::Whole, window / 2, "milliseconds: it looks at everything"),
    ] {
        let requests: Vec<Request> = requests.iter().filter(|one| one.goal == goal).cloned().collect();
        let mut took = [Vec::new(), Vec::new()];
        for round in 0..=options.rounds {
            for (which, (took, address)) in took.iter_mut().zip(addresses).enumerate() {
                // Once around first, so that what is prepared and kept is so for all.
                let lasts = if round == 0 { Duration::ZERO } else { window };
                let times = ask(address, which, &requests, connections, lasts)?;
                took.extend(if round == 0 { Vec::new() } else { times });
            }
        }
        report::line(name, format!("{few:>7} {many:>8}   ratio  p99 of {many}"));
        tell(&requests, &took);
    }
    let (now, most) = servers[1].process().resident();
    report::line("resident memory, many", format!("{now:.1} MB, {most:.1} MB at most"));
    Ok(())
}

/// Shows each request of a table that grows, and the slowest of the others.
fn tell(requests: &[Request], took: &[Vec<(usize, f64)>; 2]) {
    let figures: Vec<(&Request, Figures)> =
        requests.iter().enumerate().map(|(at, request)| (request, Figures::of(took, at))).collect();
    let grows = |request: &Request| GROWS.iter().any(|path| request.paths[0].starts_with(path));
    let (shown, others): (Vec<_>, Vec<_>) =
        figures.iter().partition(|(request, figures)| grows(request) || !figures.met(request.goal));
    for (request, figures) in &shown {
        figures.line(request);
    }
    let slowest = others.iter().map(|(_, figures)| figures.slow[1]).fold(0.0, f64::max);
    let ratio = others.iter().map(|(_, figures)| figures.ratio()).fold(0.0, f64::max);
    if !others.is_empty() {
        let figure = format!("p99 at most {slowest:.2} ms, ratio at most {ratio:.2}: met");
        report::line(&format!("{} more lists", others.len()), figure);
    }
    let judged = figures.iter().filter(|(request, _)| request.goal != Goal::Whole);
    let missed = judged.clone().filter(|(request, figures)| !figures.met(request.goal)).count();
    if judged.clone().count() > 0 {
        let figure =
            format!("{missed} of {} (p99 over {GOAL} ms, or more than {RATIO} times the cost)", judged.count());
        report::line("missed", figure);
    }
}

/// Starts a server and fills it.
fn crowd(target: &Target, folder: &Path, size: Size) -> Result<Server, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut target = target.clone();
    if let Some(url) = &mut target.database {
        let name = format!("lists_{}", size.users);
        runtime.block_on(async { Database::postgres(url).await?.create_database(&name, None).await })?;
        let (server, _) = url.rsplit_once('/').ok_or("an address without a database")?;
        *url = format!("{server}/{name}");
    }
    let data = folder.join(size.users.to_string());
    std::fs::create_dir(&data)?;
    let server = target.start(&data, &[])?;
    let mut admin = Admin::new(server.address);
    let reader = reader(&mut admin)?;
    let application = admin.create("core/applications/", &json!({"name": "Consented", "slug": "consented"}))?;
    runtime.block_on(async {
        let database = match &target.database {
            Some(url) => Database::postgres(url).await?,
            None => Database::sqlite(&data.join("vestibule.sqlite3")).await?,
        };
        let now = vestibule_kernel::Ctx::system().now();
        people::fill(&database, size, &reader, Uuid::parse_str(&application)?, now).await?;
        database.take_stock().await?;
        Ok::<(), Problem>(())
    })?;
    Ok(server)
}

/// Somebody with a role and a token, who gets permissions over single objects.
fn reader(admin: &mut Admin) -> Result<Reader, Problem> {
    let role = admin.create("rbac/roles/", &json!({"name": "Reads some things"}))?;
    let body = json!({"username": "bench-reader", "name": "Reader", "roles": [role]});
    let user = admin.ask("POST", "core/users/", Some(&body))?;
    let token = json!({"identifier": "bench-reader", "intent": "api", "user": user.get("pk")});
    admin.ask("POST", "core/tokens/", Some(&token))?;
    admin.ask("POST", "core/tokens/bench-reader/set_key/", Some(&json!({"key": READER})))?;
    Ok(Reader { role: Uuid::parse_str(&role)?, objects: SEEN })
}

/// Every list of the schema that both servers answer, and what else people ask of those that grow.
fn requests(crowds: [(SocketAddr, usize); 2]) -> Result<Vec<Request>, Problem> {
    let mut requests = Vec::new();
    let [(few, _), (lots, _)] = crowds;
    for path in schema_lists(&mut Admin::new(few))? {
        for (who, by) in [(Who::Superuser, ""), (Who::Reader, " (some)")] {
            // Some want a parameter or have no pages; those that do not grow are the same to whoever reads them.
            let answers = |address| -> Result<bool, Problem> {
                let answer = Client::new(address).send("GET", &path, who.headers(), None)?;
                Ok(answer.status == 200 && answer.contains("\"pagination\""))
            };
            if (who == Who::Superuser || GROWS.contains(&path.as_str())) && answers(few)? && answers(lots)? {
                let name = path.trim_start_matches("/api/v3/").trim_end_matches('/');
                requests.push(Request {
                    name: format!("{name}{by}"),
                    paths: [path.clone(), path.clone()],
                    who,
                    goal: Goal::Page,
                });
            }
        }
    }
    let [few, lots] = crowds.map(|(address, users)| more(address, users));
    for ((name, goal, path), (_, _, other)) in few?.into_iter().zip(lots?) {
        let paths = [path, other].map(|path| format!("/api/v3/{path}"));
        requests.push(Request { name: name.to_owned(), paths, who: Who::Superuser, goal });
    }
    Ok(requests)
}

/// The lists of the schema.
fn schema_lists(admin: &mut Admin) -> Result<Vec<String>, Problem> {
    let schema = admin.ask("GET", "schema/?format=json", None)?;
    let paths = schema.get("paths").and_then(Value::as_object).ok_or("a schema without paths")?;
    let is_list = |path: &str, item: &Value| {
        let name = item.pointer("/get/operationId").and_then(Value::as_str).unwrap_or_default();
        name.ends_with("_list") && !path.contains('{')
    };
    Ok(paths.iter().filter(|(path, item)| is_list(path, item)).map(|(path, _)| format!("/api/v3{path}")).collect())
}

/// What people ask of the lists that grow: name, goal, path below `/api/v3/`.
fn more(address: SocketAddr, users: usize) -> Result<Vec<(&'static str, Goal, String)>, Problem> {
    use Goal::{Found, Page, Whole};
    let (rare, common) = (people::RARE, people::COMMON);
    let named = |name: &str| name.replace(' ', "%20");
    let (team, large, middle) = (named(people::TEAM), named(people::LARGE), users / 2 / 20);
    let found = Admin::new(address).ask("GET", &format!("core/groups/?name={team}"), None)?;
    let key = found.pointer("/results/0/pk").and_then(Value::as_str).ok_or("no team")?.to_owned();
    Ok(vec![
        ("users: search, one is found", Page, format!("core/users/?search={rare}")),
        ("users: search, nobody is found", Page, "core/users/?search=nobodyhasthis".into()),
        ("users: search, 2.5 % are found", Found, format!("core/users/?search={common}")),
        ("users: search, two words", Found, format!("core/users/?search={common}%20anna")),
        ("users: of a group by key", Page, format!("core/users/?groups_by_pk={key}")),
        ("users: of a group by name", Page, format!("core/users/?groups_by_name={team}")),
        ("users: of a group of 5 %", Found, format!("core/users/?groups_by_name={large}")),
        ("users: ordering=-last_login", Page, "core/users/?ordering=-last_login".into()),
        ("users: ordering=last_login", Page, "core/users/?ordering=last_login".into()),
        ("users: ordering=name", Page, "core/users/?ordering=name".into()),
        ("users: ordering=-email", Page, "core/users/?ordering=-email".into()),
        ("users: ordering=-date_joined", Page, "core/users/?ordering=-date_joined".into()),
        ("users: last page", Page, "core/users/?page=last".into()),
        ("users: page in the middle", Found, format!("core/users/?page={middle}")),
        ("users: without groups and roles", Page, "core/users/?include_groups=false&include_roles=false".into()),
        ("groups: without members", Page, "core/groups/?include_users=false".into()),
        ("groups: search", Found, "core/groups/?search=0042&include_users=false".into()),
        ("groups: of a user", Page, "core/groups/?members_by_username=akadmin".into()),
        ("events: of a user", Page, "events/events/?username=akadmin".into()),
        ("tokens: of a user", Page, "core/tokens/?user__username=bench-reader".into()),
        ("sessions: of a user", Page, "core/authenticated_sessions/?user__username=akadmin".into()),
        ("users: search, two letters", Whole, "core/users/?search=xu".into()),
        ("users: search, everybody is found", Whole, "core/users/?search=example".into()),
        ("users: is_active=true", Whole, "core/users/?is_active=true".into()),
        ("users: type=internal", Whole, "core/users/?type=internal".into()),
        ("users: ordering=path", Whole, "core/users/?ordering=path".into()),
        ("tokens: search", Whole, "core/tokens/?search=script-of-4242".into()),
        ("sessions: search", Whole, "core/authenticated_sessions/?search=keller.123".into()),
        ("events: action=login", Whole, "events/events/?action=login".into()),
        ("events: search", Whole, "events/events/?search=person-4242".into()),
    ])
}

/// Makes the requests in turn, on so many connections, for at least this long; each at least once.
fn ask(
    server: SocketAddr,
    which: usize,
    requests: &[Request],
    connections: usize,
    lasts: Duration,
) -> Result<Vec<(usize, f64)>, Problem> {
    thread::scope(|scope| {
        let worker = |worker: usize| -> io::Result<Vec<(usize, f64)>> {
            let mut client = Client::new(server);
            let (begun, mut took) = (Instant::now(), Vec::new());
            // Each begins somewhere else.
            let turns = (0..requests.len()).cycle().skip(worker * requests.len() / connections);
            for (done, at) in turns.enumerate() {
                if done >= requests.len() && begun.elapsed() >= lasts {
                    break;
                }
                let Some((request, path)) = requests.get(at).and_then(|one| Some((one, one.paths.get(which)?))) else {
                    break;
                };
                let begun = Instant::now();
                let answer = client.send("GET", path, request.who.headers(), None)?;
                if answer.status != 200 {
                    return Err(io::Error::other(format!("{path}: {}", answer.text())));
                }
                took.push((at, begun.elapsed().as_secs_f64() * 1000.0));
            }
            Ok(took)
        };
        let threads: Vec<_> = (0..connections).map(|number| scope.spawn(move || worker(number))).collect();
        let mut took = Vec::new();
        for thread in threads {
            took.extend(thread.join().map_err(|_| "a worker panicked")??);
        }
        Ok(took)
    })
}

/// What was measured of one request, by the number of users: few, many.
struct Figures {
    median: [f64; 2],
    slow: [f64; 2],
}

impl Figures {
    fn of(took: &[Vec<(usize, f64)>; 2], at: usize) -> Self {
        let times = |one: &Vec<(usize, f64)>| -> Vec<f64> {
            one.iter().filter(|(request, _)| *request == at).map(|(_, time)| *time).collect()
        };
        let times = [0, 1].map(|which| took.get(which).map(times).unwrap_or_default());
        Self {
            median: [median(&times[0]), median(&times[1])],
            slow: [percentile(&times[0], 0.99), percentile(&times[1], 0.99)],
        }
    }

    fn ratio(&self) -> f64 {
        self.median[1] / self.median[0].max(f64::MIN_POSITIVE)
    }

    fn met(&self, goal: Goal) -> bool {
        match goal {
            Goal::Page => self.slow[1] <= GOAL && self.ratio() <= RATIO,
            Goal::Found => self.slow[1] <= GOAL,
            Goal::Whole => true,
        }
    }

    fn line(&self, request: &Request) {
        let ([few, many], slow) = (self.median, self.slow[1]);
        let verdict = match (request.goal, self.met(request.goal)) {
            (Goal::Whole, _) => "",
            (_, true) => ": met",
            (_, false) => ": MISSED",
        };
        let ratio = self.ratio();
        report::line(&request.name, format!("{few:7.2} {many:8.2} {ratio:7.2} {slow:9.2}{verdict}"));
    }
}
