//! `user`: accounts from the command line, for whoever runs the server.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;

use chrono::TimeDelta;
use clap::Subcommand;
use serde_json::json;
use vestibule_blueprint_engine::system;
use vestibule_directory::password::{Params, Passwords};
use vestibule_directory::user::{Found, Identifier, UserRow, Users, set_password};
use vestibule_events::Event;
use vestibule_kernel::settings::Settings;
use vestibule_kernel::{Actor, ApiError, Ctx, Object, duration};
use vestibule_resource::{Mode, Registry, load_one, write_object};
use vestibule_store::Store;

use crate::login_link;
use crate::start::{StartError, base_url, open_existing};

/// The group whose members may do everything.
const ADMINISTRATORS: &str = "authentik Admins";

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Create a user, without a password; set one with `set-password` or let them in with `login-link`
    Create {
        /// Name to sign in with
        username: String,
        /// Name for people [default: the username]
        #[arg(long)]
        name: Option<String>,
        /// E-mail address
        #[arg(long, default_value = "")]
        email: String,
        /// Make the user an administrator, who may do everything
        #[arg(long)]
        admin: bool,
    },
    /// Set a user's password, read from standard input, and end their sessions
    SetPassword {
        /// Username or e-mail address
        user: String,
    },
    /// Print a link that signs a user in, once
    LoginLink {
        /// Username or e-mail address
        user: String,
        /// How long the link is good
        #[arg(long, default_value = "minutes=30")]
        valid: String,
    },
}

pub(super) async fn run(settings: &Settings, command: UserCommand) -> Result<(), StartError> {
    let registry = crate::registry::families()?.registry;
    let ctx = Ctx::system();
    let store = open_existing(settings, &ctx, &registry).await?;
    match command {
        UserCommand::Create { username, name, email, admin } => {
            let mut body = Object::new();
            body.insert("name".into(), name.unwrap_or_else(|| username.clone()).into());
            body.insert("username".into(), username.clone().into());
            body.insert("email".into(), email.into());
            create(&store, &registry, &ctx, body, admin).await?;
            println!("Created {username}.");
        }
        UserCommand::SetPassword { user } => {
            let user = find(&store, &ctx, &user).await?;
            let password = read_password(&user.username)?;
            let (memory, iterations, parallelism) = settings.argon2;
            let passwords = Passwords::new(ctx.clone(), Params { memory, iterations, parallelism }, 1, 1);
            let passwords = Arc::new(passwords.map_err(|error| error.to_string())?);
            let hash = passwords.hash(password).await.map_err(|error| error.to_string())?;
            let mut change = store.change(Actor::System).await?;
            set_password(change.transaction(), &ctx, user.pk, &hash, None).await?;
            let told = json!({"pk": user.pk, "username": user.username});
            let event = Event::new("password_set", "vestibule.command", Actor::System);
            let event = event.context(json!({"message": "A password was set on the command line.", "user": told}));
            event.write(&ctx, change.transaction()).await?;
            change.commit().await?;
            println!("{} has a new password. Their sessions have ended.", user.username);
        }
        UserCommand::LoginLink { user, valid } => {
            let user = find(&store, &ctx, &user).await?;
            if !user.is_active {
                return Err(format!("{} is not active", user.username).into());
            }
            let valid = duration::parse(&valid).map_err(|_| format!("`{valid}` is no duration, try minutes=30"))?;
            if valid <= TimeDelta::zero() {
                return Err("a link that is good for no time is no link".to_owned().into());
            }
            let path = login_link::make(&store, &ctx, user.pk, valid).await?;
            println!("{}{path}", base_url(settings));
        }
    }
    Ok(())
}

async fn create(
    store: &Store,
    registry: &Registry,
    ctx: &Ctx,
    mut body: Object,
    admin: bool,
) -> Result<(), StartError> {
    let kind = |model| registry.kind(model).ok_or_else(|| StartError::from(format!("there is no model {model}")));
    let principal = system();
    let mut change = store.change(principal.actor.clone()).await?;
    if admin {
        let group =
            load_one(change.transaction(), kind("authentik_core.group")?, "name", &json!(ADMINISTRATORS)).await?;
        let group = group.ok_or_else(|| "start the server once first: there are no administrators yet".to_owned())?;
        body.insert("groups".into(), json!([group.get("pk")]));
    }
    let kind = kind("authentik_core.user")?;
    let written = write_object(&mut change, registry, ctx, &principal, kind, None, &body, Mode::Create).await;
    written.map_err(|error| StartError::from(sentence(&error)))?;
    Ok(change.commit().await?)
}

/// Messages by field as lines.
fn sentence(error: &ApiError) -> String {
    let ApiError::Invalid(errors) = error else { return error.to_string() };
    let body = errors.to_json();
    let lines = body.as_object().into_iter().flatten().map(|(field, messages)| {
        let messages = messages.as_array().into_iter().flatten().filter_map(|message| message.as_str());
        format!("{field}: {}", messages.collect::<Vec<_>>().join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

async fn find(store: &Store, ctx: &Ctx, text: &str) -> Result<UserRow, StartError> {
    let users = Users::new(store.clone(), ctx.clone());
    match users.find(&[Identifier::Username, Identifier::Email], text, true).await? {
        Found::One(user) => Ok(*user),
        Found::Nobody => Err(format!("there is no user {text}").into()),
        Found::Ambiguous => Err(format!("{text} is more than one user").into()),
    }
}

/// One line of standard input. Pipe it in: what is typed would be seen.
fn read_password(username: &str) -> Result<String, String> {
    let input = std::io::stdin();
    if input.is_terminal() {
        eprint!("New password of {username} (it is shown as you type): ");
        let _ = std::io::stderr().flush();
    }
    let mut line = String::new();
    input.lock().read_line(&mut line).map_err(|error| format!("standard input: {error}"))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err("a password cannot be empty".to_owned());
    }
    Ok(password.to_owned())
}
