//! The server's settings: each has one name, in the environment (`VESTIBULE_LISTEN`), in `vestibule.yaml` (`listen`) and,
//! where the meaning is the same, under authentik's name. What is given more than once: command line, environment, file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

/// A setting: its name in `vestibule.yaml`, authentik's names for it, its default, what it is for.
pub struct Setting {
    /// Lower case, words joined by `_`; the environment has it as `VESTIBULE_` and upper case.
    pub name: &'static str,
    /// Environment names of authentik with the same meaning, without their prefix.
    pub authentik: &'static [&'static str],
    /// What holds when nothing is given. Empty: unset.
    pub default: &'static str,
    /// One sentence for people.
    pub help: &'static str,
}

macro_rules! settings {
    ($($name:literal [$($alias:literal),*] = $default:literal, $help:literal;)*) => {
        /// Every setting there is.
        pub const SETTINGS: &[Setting] = &[$(Setting { name: $name, authentik: &[$($alias),*], default: $default, help: $help },)*];
    };
}

settings! {
    "listen" ["LISTEN__HTTP"] = "127.0.0.1:9000", "Address and port of the main listener.";
    "listen_https" ["LISTEN__HTTPS"] = "", "Address and port of the TLS listener; needs a certificate and a key.";
    "tls_certificate" [] = "", "PEM file with the certificate chain of the TLS listener.";
    "tls_key" [] = "", "PEM file with the private key of the TLS listener.";
    "listen_metrics" ["LISTEN__METRICS"] = "127.0.0.1:9300", "Address and port of the metrics listener; `off` for none.";
    "data" [] = "data", "Folder of the SQLite database, the secret key and backups.";
    "database" [] = "", "`postgres://...`; unset: SQLite in the data folder.";
    "secret_key" ["SECRET_KEY"] = "", "Key that seals secrets; made and kept in the data folder when unset.";
    "log_level" ["LOG_LEVEL"] = "info", "error, warn, info, debug, trace, or a filter such as `info,vestibule_flow=debug`.";
    "log_format" [] = "human", "`human` or `json`.";
    "trusted_proxies" ["LISTEN__TRUSTED_PROXY_CIDRS"] = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fe80::/10,::1/128", "Networks whose `X-Forwarded-*` headers are believed.";
    "egress_allow" [] = "", "Networks that the server itself may fetch from although they are loopback or link-local.";
    "rate_limit" [] = "on", "`off` lifts the limits per address and per account: for load tests.";
    "bootstrap_password" ["BOOTSTRAP_PASSWORD"] = "", "Password of `akadmin` at the first start.";
    "bootstrap_token" ["BOOTSTRAP_TOKEN"] = "", "API token of `akadmin` at the first start.";
    "bootstrap_email" ["BOOTSTRAP_EMAIL"] = "", "E-mail address of `akadmin` at the first start.";
    "password_workers" [] = "0", "Passwords hashed at once; 0: one a processor.";
    "password_queue" [] = "64", "Password checks that may wait for a worker before more are turned away.";
    "argon2_memory" [] = "19456", "Memory of one argon2id hash, KiB.";
    "argon2_iterations" [] = "2", "Passes of one argon2id hash.";
    "argon2_parallelism" [] = "1", "Lanes of one argon2id hash.";
    "base_url" [] = "", "Where people reach this server, for links in mails and command-line output.";
    "body_limit" [] = "1048576", "Largest request body, bytes.";
    "blueprints" ["BLUEPRINTS_DIR"] = "", "Folder of blueprints that are applied when they appear or change; unset: `blueprints` in the data folder.";
    "blueprints_environment" [] = "", "Names of variables that blueprints from the API may read with `!Env`; those of the folder may read all but the server's own.";
    "hibp_url" [] = "https://api.pwnedpasswords.com/range/", "Where password policies ask whether a password was stolen; the first five digits of its hash follow.";
    "reputation_expiry" ["REPUTATION__EXPIRY"] = "86400", "How long a reputation lasts from its first attempt on, seconds.";
    "lockout_score" [] = "", "Reputation of an account, a negative number, at which no password is right any more until it expires, a recovery, or an administrator deletes it; unset: none.";
    "login_age" [] = "3600", "How long ago somebody may have signed in who removes a second factor or changes their password, seconds; after that they sign in again first. 0: however long.";
    "geoip_city" ["EVENTS__CONTEXT_PROCESSORS__GEOIP"] = "", "MaxMind file that tells where addresses are.";
    "geoip_asn" ["EVENTS__CONTEXT_PROCESSORS__ASN"] = "", "MaxMind file that tells whose networks addresses belong to.";
    "email_host" ["EMAIL__HOST"] = "", "SMTP server for mails that have no settings of their own.";
    "email_port" ["EMAIL__PORT"] = "25", "SMTP port.";
    "email_username" ["EMAIL__USERNAME"] = "", "SMTP user.";
    "email_password" ["EMAIL__PASSWORD"] = "", "SMTP password.";
    "email_use_tls" ["EMAIL__USE_TLS"] = "false", "Whether the SMTP connection changes to TLS (STARTTLS): `true` or `false`.";
    "email_use_ssl" ["EMAIL__USE_SSL"] = "false", "Whether the SMTP connection is TLS from its first byte: `true` or `false`.";
    "email_timeout" ["EMAIL__TIMEOUT"] = "30", "How long each step of an SMTP conversation may take, seconds.";
    "email_templates" [] = "", "Folder of templates for mails, in Django's syntax; unset: `templates` in the data folder.";
    "email_from" ["EMAIL__FROM"] = "vestibule@localhost", "Sender of mails.";
}

/// Settings, read and checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Main listener.
    pub listen: SocketAddr,
    /// TLS listener with the files of its certificate chain and private key.
    pub https: Option<(SocketAddr, PathBuf, PathBuf)>,
    /// Metrics listener.
    pub listen_metrics: Option<SocketAddr>,
    /// Data folder.
    pub data: PathBuf,
    /// `postgres://` address; `None`: SQLite in the data folder.
    pub database: Option<String>,
    /// Overrides the key in the data folder.
    pub secret_key: Option<String>,
    /// Filter of log entries.
    pub log_level: String,
    /// Log entries as JSON instead of for people.
    pub log_json: bool,
    /// Networks of trusted proxies.
    pub trusted_proxies: Vec<IpNet>,
    /// What the server itself may fetch beyond public addresses.
    pub egress_allow: Vec<IpNet>,
    /// Whether logins are limited per address and account.
    pub rate_limit: bool,
    /// First start: password of `akadmin`.
    pub bootstrap_password: Option<String>,
    /// First start: API token of `akadmin`.
    pub bootstrap_token: Option<String>,
    /// First start: e-mail address of `akadmin`.
    pub bootstrap_email: Option<String>,
    /// Passwords hashed at once; 0: one a processor.
    pub password_workers: usize,
    /// Password checks that may wait.
    pub password_queue: usize,
    /// argon2id: KiB, passes, lanes.
    pub argon2: (u32, u32, u32),
    /// Where people reach this server.
    pub base_url: Option<String>,
    /// Largest request body, bytes.
    pub body_limit: usize,
    /// Folder of blueprints.
    pub blueprints: PathBuf,
    /// Variables that blueprints from the API may read.
    pub blueprints_environment: Vec<String>,
    /// Where password policies ask whether a password was stolen.
    pub hibp_url: String,
    /// How long a reputation lasts.
    pub reputation_expiry: chrono::TimeDelta,
    /// The reputation at which an account is locked.
    pub lockout_score: Option<i64>,
    /// How long ago somebody may have signed in who changes how they do; `None`: however long.
    pub login_age: Option<chrono::TimeDelta>,
    /// `MaxMind` file that tells where addresses are.
    pub geoip_city: Option<PathBuf>,
    /// `MaxMind` file that tells whose networks addresses belong to.
    pub geoip_asn: Option<PathBuf>,
    /// Where mails go that have no settings of their own.
    pub email: EmailSettings,
    /// Folder of templates for mails.
    pub email_templates: PathBuf,
}

/// An SMTP server, and the sender of mails.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EmailSettings {
    /// The server; `None`: there is none.
    pub host: Option<String>,
    /// Its port.
    pub port: u16,
    /// Whom to sign in as; empty: nobody.
    pub username: String,
    /// Their password.
    pub password: String,
    /// Whether the connection changes to TLS (STARTTLS).
    pub use_tls: bool,
    /// Whether the connection is TLS from its first byte.
    pub use_ssl: bool,
    /// How long each step may take, seconds.
    pub timeout: u64,
    /// The sender.
    pub from: String,
}

impl std::fmt::Debug for EmailSettings {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EmailSettings({}@{:?}:{})", self.username, self.host, self.port)
    }
}

/// The environment name of a setting.
pub fn environment_name(name: &str) -> String {
    format!("VESTIBULE_{}", name.to_uppercase())
}

impl Settings {
    /// Reads every setting from `command_line` (by setting name), then `environment`, then `file` (by setting name).
    ///
    /// # Errors
    /// All that is wrong, one sentence each.
    pub fn load(
        command_line: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
        file: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<String>> {
        let mut reader = Reader { command_line, environment, file, errors: Vec::new() };
        let https = reader.https();
        let data: PathBuf = reader.text("data").unwrap_or_else(|| "data".into()).into();
        let names = reader.text("blueprints_environment").unwrap_or_default();
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        let settings = Self {
            blueprints: reader.text("blueprints").map_or_else(|| data.join("blueprints"), PathBuf::from),
            email_templates: reader.text("email_templates").map_or_else(|| data.join("templates"), PathBuf::from),
            blueprints_environment: names.map(str::to_owned).collect(),
            listen: reader.parse("listen").unwrap_or(SocketAddr::from(([127, 0, 0, 1], 9000))),
            https,
            listen_metrics: match reader.text("listen_metrics").as_deref() {
                Some("off") | None => None,
                Some(_) => reader.parse("listen_metrics"),
            },
            data,
            database: reader.database(),
            secret_key: reader.text("secret_key"),
            log_level: reader.text("log_level").unwrap_or_else(|| "info".into()),
            log_json: reader.choice("log_format", "json", "human"),
            trusted_proxies: reader.networks("trusted_proxies"),
            egress_allow: reader.networks("egress_allow"),
            rate_limit: reader.choice("rate_limit", "on", "off"),
            bootstrap_password: reader.text("bootstrap_password"),
            bootstrap_token: reader.text("bootstrap_token"),
            bootstrap_email: reader.text("bootstrap_email"),
            password_workers: reader.parse("password_workers").unwrap_or_default(),
            password_queue: reader.parse("password_queue").unwrap_or(64),
            argon2: (
                reader.parse("argon2_memory").unwrap_or(19456),
                reader.parse("argon2_iterations").unwrap_or(2),
                reader.parse("argon2_parallelism").unwrap_or(1),
            ),
            base_url: reader.text("base_url").map(|url| url.trim_end_matches('/').to_owned()),
            body_limit: reader.parse("body_limit").unwrap_or(1 << 20),
            hibp_url: reader.text("hibp_url").unwrap_or_default(),
            reputation_expiry: chrono::TimeDelta::seconds(
                reader.parse::<u32>("reputation_expiry").unwrap_or(86400).into(),
            ),
            lockout_score: reader.lockout_score(),
            login_age: reader
                .parse::<u32>("login_age")
                .filter(|seconds| *seconds > 0)
                .map(|seconds| chrono::TimeDelta::seconds(seconds.into())),
            geoip_city: reader.text("geoip_city").map(PathBuf::from),
            geoip_asn: reader.text("geoip_asn").map(PathBuf::from),
            email: EmailSettings {
                host: reader.text("email_host"),
                port: reader.parse("email_port").unwrap_or(25),
                username: reader.text("email_username").unwrap_or_default(),
                password: reader.text("email_password").unwrap_or_default(),
                use_tls: reader.choice("email_use_tls", "true", "false"),
                use_ssl: reader.choice("email_use_ssl", "true", "false"),
                timeout: reader.parse("email_timeout").unwrap_or(30),
                from: reader.text("email_from").unwrap_or_default(),
            },
        };
        for name in file.keys().filter(|name| !SETTINGS.iter().any(|setting| setting.name == name.as_str())) {
            reader.errors.push(format!("settings file: there is no setting `{name}`"));
        }
        if reader.errors.is_empty() { Ok(settings) } else { Err(reader.errors) }
    }
}

struct Reader<'a> {
    command_line: &'a BTreeMap<String, String>,
    environment: &'a BTreeMap<String, String>,
    file: &'a BTreeMap<String, String>,
    errors: Vec<String>,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> Option<String> {
        let setting = SETTINGS.iter().find(|setting| setting.name == name)?;
        let authentik =
            || setting.authentik.iter().find_map(|alias| self.environment.get(&format!("AUTHENTIK_{alias}")));
        let given = self
            .command_line
            .get(name)
            .or_else(|| self.environment.get(&environment_name(name)))
            .or_else(authentik)
            .or_else(|| self.file.get(name));
        let text = given.map_or(setting.default, String::as_str).trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn parse<T: std::str::FromStr>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.errors.push(format!("setting `{name}`: cannot read `{text}`"));
        }
        parsed
    }

    /// A score that is not below zero would lock everybody.
    fn lockout_score(&mut self) -> Option<i64> {
        self.text("lockout_score")?;
        let score = self.parse::<i64>("lockout_score")?;
        if score >= 0 {
            self.errors.push(format!("setting `lockout_score`: {score} is no negative number"));
            return None;
        }
        Some(score)
    }

    fn choice(&mut self, name: &str, yes: &str, no: &str) -> bool {
        match self.text(name) {
            Some(text) if text == yes => true,
            Some(text) if text == no => false,
            other => {
                let other = other.unwrap_or_default();
                self.errors.push(format!("setting `{name}`: `{yes}` or `{no}`, not `{other}`"));
                false
            }
        }
    }

    fn networks(&mut self, name: &str) -> Vec<IpNet> {
        let text = self.text(name).unwrap_or_default();
        let mut networks = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.parse().or_else(|_| part.parse::<std::net::IpAddr>().map(IpNet::from)) {
                Ok(network) => networks.push(network),
                Err(_) => self.errors.push(format!("setting `{name}`: `{part}` is no network")),
            }
        }
        networks
    }

    fn https(&mut self) -> Option<(SocketAddr, PathBuf, PathBuf)> {
        let address = self.parse("listen_https")?;
        match (self.text("tls_certificate"), self.text("tls_key")) {
            (Some(certificate), Some(key)) => Some((address, certificate.into(), key.into())),
            _ => {
                self.errors.push("setting `listen_https` needs `tls_certificate` and `tls_key`".into());
                None
            }
        }
    }

    /// The database's address; authentik gives its parts one by one.
    fn database(&mut self) -> Option<String> {
        if let Some(url) = self.text("database") {
            if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
                self.errors.push("setting `database`: `postgres://...`, or unset for SQLite".into());
            }
            return Some(url);
        }
        let part = |name: &str| self.environment.get(&format!("AUTHENTIK_POSTGRESQL__{name}")).cloned();
        let host = part("HOST")?;
        let mut url = url::Url::parse("postgres://localhost").ok()?;
        url.set_host(Some(&host)).ok()?;
        url.set_port(part("PORT").and_then(|port| port.parse().ok())).ok()?;
        url.set_username(&part("USER").unwrap_or_else(|| "authentik".into())).ok()?;
        url.set_password(part("PASSWORD").as_deref()).ok()?;
        url.set_path(&part("NAME").unwrap_or_else(|| "authentik".into()));
        if let Some(mode) = part("SSLMODE") {
            url.query_pairs_mut().append_pair("sslmode", &mode);
        }
        Some(url.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_command_line_wins_over_the_environment_over_the_file() {
        let file = map(&[("listen", "127.0.0.1:1"), ("data", "/a")]);
        let environment = map(&[("VESTIBULE_LISTEN", "127.0.0.1:2"), ("AUTHENTIK_LISTEN__HTTP", "127.0.0.1:3")]);
        let settings = Settings::load(&map(&[("listen", "127.0.0.1:4")]), &environment, &file).unwrap();
        assert_eq!(settings.listen.port(), 4);
        assert_eq!(settings.data, PathBuf::from("/a"));
        let settings = Settings::load(&map(&[]), &environment, &file).unwrap();
        assert_eq!(settings.listen.port(), 2);
    }

    #[test]
    fn authentik_names_are_understood() {
        let environment = map(&[
            ("AUTHENTIK_POSTGRESQL__HOST", "db"),
            ("AUTHENTIK_POSTGRESQL__PASSWORD", "p@ss"),
            ("AUTHENTIK_BOOTSTRAP_EMAIL", "a@b.c"),
        ]);
        let settings = Settings::load(&map(&[]), &environment, &map(&[])).unwrap();
        assert_eq!(settings.database.as_deref(), Some("postgres://authentik:p%40ss@db/authentik"));
        assert_eq!(settings.bootstrap_email.as_deref(), Some("a@b.c"));
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let file = map(&[("listen", "here"), ("rate_limit", "perhaps"), ("colour", "blue"), ("egress_allow", "x")]);
        let errors = Settings::load(&map(&[]), &map(&[]), &file).unwrap_err();
        assert_eq!(errors.len(), 4, "{errors:?}");
    }
}
