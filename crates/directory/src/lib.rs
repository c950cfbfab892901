//! Who there is: users, groups, tokens, sessions and passwords, and the brands that greet them.

pub mod app_password;
pub mod authenticate;
pub mod bootstrap;
pub mod claimed;
pub mod client;
pub mod consent;
pub mod identifiers;
pub mod machine_account;
pub mod membership;
pub mod outpost_account;
pub mod password;
pub mod resources;
pub mod session;
mod superuser;
pub mod user;

pub use authenticate::{Authenticator, load_session, require_same_origin};
pub use client::ClientInfo;
pub use password::{PasswordError, Passwords, Verified};
pub use resources::brand::{Brand, current_brand};
pub use resources::settings::SystemSettings;
pub use resources::{kinds, operations};
pub use session::{Login, LoginFacts, Session, SessionUser, Sessions};
pub use user::{Found, Identifier, UserRow, Users};
