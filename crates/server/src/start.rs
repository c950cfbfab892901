//! From settings to a server that can answer: opens the data, and makes what a first start needs.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use vestibule_admin::{Descriptions, Services};
use vestibule_applications::access::Permitted;
use vestibule_blueprint_engine::{ApplyError, Library, apply_defaults, first_start};
use vestibule_directory::Authenticator;
use vestibule_directory::bootstrap::{Admin, ensure_admin};
use vestibule_directory::client::Locate;
use vestibule_directory::password::{Params, Passwords};
use vestibule_directory::resources::system::note_version;
use vestibule_directory::resources::user::{RecoveryLinks, RecoveryMails};
use vestibule_directory::session::Sessions;
use vestibule_directory::user::Users;
use vestibule_expression_host::Outside;
use vestibule_flow::begin::{Destination, Elsewhere, Farewell};
use vestibule_flow::{FlowParts, FlowState, RecoveryLinkMaker};
use vestibule_http_client::HttpClient;
use vestibule_kernel::address::EgressGuard;
use vestibule_kernel::secret::Keys;
use vestibule_kernel::settings::{EmailSettings, Settings};
use vestibule_kernel::{Actor, Ctx};
use vestibule_mail::{MailSettings, Mailer, Security};
use vestibule_policy::{Means, PolicyEngine, PolicySettings};
use vestibule_provider_oauth2::{Goodbye, OnTheWay, ProgramTokens};
use vestibule_resource::call::Extensions;
use vestibule_resource::{Api, Registry, routes};
use vestibule_sources::Sources;
use vestibule_stages::email::{Postbox, StageMails};
use vestibule_store::{Database, Store, StoreError};
use vestibule_tasks::Runner;
use vestibule_web::{Letters, Pages};

use crate::geoip::GeoIp;
use crate::http::Front;
use crate::http::metrics::{Metrics, Scrape};
use crate::registry::Families;
use crate::{jobs, secret_key};

/// The SQLite file's name in the data folder.
pub(crate) const SQLITE: &str = "vestibule.sqlite3";

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something about files or declarations, in a sentence.
    #[error("{0}")]
    Said(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A blueprint that comes with the server.
    #[error(transparent)]
    Defaults(#[from] ApplyError),
    /// Anything else.
    #[error("{0}")]
    Api(#[from] vestibule_kernel::ApiError),
}

impl From<String> for StartError {
    fn from(sentence: String) -> Self {
        Self::Said(sentence)
    }
}

/// A server that can answer.
pub struct Server {
    /// What every handler shares.
    pub api: Api,
    /// What the flows share.
    pub flow: FlowState,
    /// What surrounds every request.
    pub front: Front,
    /// Does the tasks.
    pub runner: Arc<Runner>,
    /// The link that sets the first administrator's password, while nobody has.
    pub setup_link: Option<String>,
}

/// Opens the database that the settings name, and brings it up to date.
///
/// # Errors
/// Files, keys, the database.
pub async fn open_store(settings: &Settings, ctx: &Ctx, registry: &Registry) -> Result<Store, StartError> {
    secret_key::make_folder(&settings.data)?;
    let file = settings.data.join(SQLITE);
    let first_start = settings.database.is_some() || !file.exists();
    let key = secret_key::load(settings, ctx, first_start)?;
    let keys = Arc::new(Keys::derive(&key.text).map_err(StoreError::from)?);
    let database = if let Some(url) = &settings.database {
        Database::postgres(url).await?
    } else {
        secret_key::make_private(&file)?;
        Database::sqlite(&file).await?
    };
    let opened = Store::open(database, ctx.clone(), keys, registry.codecs()).await;
    if let (Err(StoreError::Seal(_)), Some(made)) = (&opened, key.made) {
        // The database has a key of its own; the one just made would only confuse.
        let _ = std::fs::remove_file(made);
    }
    Ok(opened?)
}

/// The same for a database that is there: a mistyped folder must not become a new one.
///
/// # Errors
/// As [`open_store`]; there is none.
pub(crate) async fn open_existing(settings: &Settings, ctx: &Ctx, registry: &Registry) -> Result<Store, StartError> {
    let file = settings.data.join(SQLITE);
    if settings.database.is_none() && !file.exists() {
        return Err(format!("there is no {}: start the server once first, or name its folder", file.display()).into());
    }
    open_store(settings, ctx, registry).await
}

/// Starts everything but the listeners.
///
/// # Errors
/// What is wrong with the data, or with a default blueprint.
pub async fn start(settings: &Settings, ctx: Ctx, families: Families) -> Result<Server, StartError> {
    let Families { registry, stages } = families;
    let store = open_store(settings, &ctx, &registry).await?;
    let server = assemble(settings, ctx.clone(), Families { registry, stages }, store.clone()).await?;
    vestibule_sources::ensure_built_in(&store, &server.api.registry, &ctx, &first_start()).await?;
    vestibule_crypto::ensure_self_signed(&store, &server.api.registry, &ctx, &first_start()).await?;
    store.database().take_stock_once().await?;
    Ok(server)
}

/// The same over a store that is open already: for tests.
///
/// # Errors
/// As [`start`].
pub async fn assemble(settings: &Settings, ctx: Ctx, families: Families, store: Store) -> Result<Server, StartError> {
    let (registry, stages) = (Arc::new(families.registry), Arc::new(families.stages));
    let (memory, iterations, parallelism) = settings.argon2;
    let params = Params { memory, iterations, parallelism };
    let passwords = Passwords::new(ctx.clone(), params, settings.password_workers, settings.password_queue);
    let passwords = passwords.map_err(|error| error.to_string())?;
    let passwords = Arc::new(passwords.at_rest(vestibule_allocator::give_back));
    let library = Arc::new(library(settings));
    apply_defaults(&store, &registry, &ctx, &library).await?;
    make_admin(settings, &store, &ctx, &passwords).await?;
    vestibule_outposts::ensure_embedded(&store, &registry, &ctx, &first_start()).await?;
    vestibule_devices::ensure_types(&store).await?;

    let pages = Arc::new(Pages::new(&stages.pages()).map_err(|error| format!("a page is broken: {error}"))?);
    let sessions = Arc::new(Sessions::new(store.clone(), ctx.clone()).login_age(settings.login_age));
    let users = Arc::new(Users::new(store.clone(), ctx.clone()));
    let http = Arc::new(HttpClient::new(EgressGuard::new(settings.egress_allow.clone())));
    let authenticate = Arc::new(Authenticator::new(store.clone(), ctx.clone()).login_age(settings.login_age));
    let tokens =
        ProgramTokens::new(store.clone(), Arc::clone(&registry), Arc::clone(&authenticate) as _, Arc::clone(&http));
    let outside = Arc::new(Outside { http: Arc::clone(&http), tokens: Some(Arc::new(tokens)) });
    let mailer = mailer(&settings.email).map(Arc::new);
    let letters = Letters::new().map_err(|error| format!("a mail is broken: {error}"))?;
    let postbox = Postbox { mailer: mailer.clone(), letters: Arc::new(letters) };
    let engine = Arc::new(PolicyEngine::new(Means {
        store: store.clone(),
        ctx: ctx.clone(),
        registry: Arc::clone(&registry),
        outside: Arc::clone(&outside),
        settings: Arc::new(policy_settings(settings)),
    }));
    let policies: Arc<dyn vestibule_flow::Policies> = Arc::clone(&engine) as Arc<dyn vestibule_flow::Policies>;
    let services = Services {
        outside: Arc::clone(&outside),
        mailer: mailer.clone().map(|mailer| mailer as Arc<dyn vestibule_admin::Mailer>),
        policies: Arc::clone(&policies),
        base_url: settings.base_url.clone().unwrap_or_default(),
    };
    let runner = jobs::runner(&store, &ctx, &services, &postbox, &http).await?;
    let geoip = GeoIp::open(settings.geoip_city.as_deref(), settings.geoip_asn.as_deref())?;
    let located = geoip.clone();
    let extensions = Extensions::default()
        .with(Arc::new(services))
        .with(Arc::new(Descriptions(runner.descriptions())))
        .with(library)
        .with(Arc::clone(&passwords))
        .with(Arc::clone(&sessions))
        .with(Arc::clone(&users))
        .with(Arc::clone(&pages))
        .with(Arc::clone(&stages))
        .with(engine)
        .with(Arc::new(Arc::clone(&policies)))
        .with(Arc::new(Arc::new(Permitted(Arc::clone(&policies))) as Arc<dyn vestibule_flow::Library>))
        .with(Arc::new(RecoveryLinks(Arc::new(RecoveryLinkMaker { base_url: settings.base_url.clone() }))))
        .with(Arc::new(RecoveryMails(Arc::new(StageMails { base_url: base_url(settings) }))))
        .with(Arc::new(StageMails { base_url: base_url(settings) }))
        .with(Arc::new(Arc::new(OnTheWay) as Arc<dyn Destination>))
        .with(Arc::new(Arc::new(Sources) as Arc<dyn Elsewhere>))
        .with(Arc::new(Arc::new(Goodbye(store.clone())) as Arc<dyn Farewell>))
        .with(Arc::new(Locate::by(move |address| located.locate(address))))
        .with(outside)
        .with(http);
    let extensions = match mailer {
        Some(mailer) => extensions.with(mailer),
        None => extensions,
    };
    let api = Api {
        store: store.clone(),
        ctx: ctx.clone(),
        registry,
        authenticate,
        body_limit: settings.body_limit,
        extensions: Arc::new(extensions),
    };
    let limits = Arc::new(vestibule_flow::Limits::new(settings.rate_limit));
    let flow =
        FlowState::from(FlowParts { api: api.clone(), sessions, users, passwords, pages, stages, policies, limits });
    let token = vestibule_flow::setup::new_token(&flow).await?;
    let setup_link = token.map(|token| format!("{}/if/flow/initial-setup/?token={token}", base_url(settings)));
    let front = Front {
        store,
        metrics: Arc::new(Metrics::new(&ctx).map_err(|error| error.to_string())?),
        ctx,
        trusted_proxies: settings.trusted_proxies.clone().into(),
        geoip,
        body_limit: settings.body_limit,
        draining: Arc::new(AtomicBool::new(false)),
    };
    Ok(Server { api, flow, front, runner, setup_link })
}

/// The blueprints on this machine.
pub(crate) fn library(settings: &Settings) -> Library {
    let readable = settings.blueprints_environment.clone();
    let library = Library::new(Some(settings.blueprints.clone()), crate::settings::variable, readable);
    let written = std::env::current_exe().and_then(std::fs::metadata).and_then(|program| program.modified());
    match written {
        Ok(written) => library.built(written.into()),
        Err(_) => library,
    }
}

/// What the settings say about policies.
fn policy_settings(settings: &Settings) -> PolicySettings {
    PolicySettings {
        hibp_url: settings.hibp_url.clone(),
        reputation_lasts: settings.reputation_expiry,
        lockout_score: settings.lockout_score,
    }
}

/// What sends mails that have no settings of their own; `None` where the settings name no server.
fn mailer(settings: &EmailSettings) -> Option<Mailer> {
    let security = match (settings.use_ssl, settings.use_tls) {
        (true, _) => Security::Tls,
        (false, true) => Security::StartTls,
        (false, false) => Security::None,
    };
    Some(Mailer::new(MailSettings {
        host: settings.host.clone()?,
        port: settings.port,
        username: settings.username.clone(),
        password: settings.password.clone(),
        security,
        timeout: std::time::Duration::from_secs(settings.timeout),
        from: settings.from.clone(),
    }))
}

/// The first administrator, with what the settings give them. Once in the life of a database: whoever deletes the
/// account does not get it back.
async fn make_admin(settings: &Settings, store: &Store, ctx: &Ctx, passwords: &Passwords) -> Result<(), StartError> {
    const DONE: &str = "admin_done";
    let mut change = store.change(Actor::System).await?;
    note_version(ctx, &mut change).await?;
    // Two nodes that start at once: the second waits here.
    change.lock().await?;
    if change.state(DONE).await?.is_some() {
        return Ok(());
    }
    let password_hash = match &settings.bootstrap_password {
        Some(password) => Some(passwords.hash(password.clone()).await.map_err(|error| error.to_string())?),
        None => None,
    };
    let given = password_hash.is_some();
    let (token, email) = (settings.bootstrap_token.clone(), settings.bootstrap_email.clone());
    ensure_admin(&mut change, ctx, Admin { password_hash, token, email }).await?;
    change.set_state(DONE, "1").await?;
    change.commit().await?;
    if given {
        vestibule_flow::setup::finish(store).await?;
    }
    Ok(())
}

/// Where people reach this server, as far as the settings tell.
pub(crate) fn base_url(settings: &Settings) -> String {
    if let Some(url) = &settings.base_url {
        return url.clone();
    }
    match (settings.listen.ip(), settings.listen.port()) {
        (ip, port) if ip.is_unspecified() || ip.is_loopback() => format!("http://localhost:{port}"),
        (ip, port) => format!("http://{}", std::net::SocketAddr::new(ip, port)),
    }
}

impl Server {
    /// Everything that is served on the main listener.
    pub fn router(&self) -> Router {
        let inner =
            routes(&self.api).merge(vestibule_flow::routes(&self.flow)).merge(crate::login_link::routes(&self.flow));
        let inner = inner.merge(vestibule_admin::routes(&self.api)).merge(vestibule_pages::routes(&self.flow));
        let inner = inner.merge(vestibule_provider_oauth2::routes(&self.flow));
        let inner = inner.merge(vestibule_sources::routes(&self.flow));
        crate::http::router(&self.front, &self.flow, inner)
    }

    /// Everything that is served on the metrics listener.
    pub fn metrics(&self) -> Router {
        let Front { metrics, store, ctx, .. } = self.front.clone();
        let passwords = Arc::clone(&self.flow.passwords);
        crate::http::metrics::routes(Scrape { metrics, store, passwords, ctx })
    }
}
