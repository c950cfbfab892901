//! Who does something: what an event and a revision say about it.

use serde_json::{Value, json};

/// Who acts. Carries what audit entries need, never what authorization needs: that is the directory's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The server itself: start-up, migrations, jobs.
    System,
    /// Nobody is signed in.
    Anonymous,
    /// A user, by primary key.
    User {
        /// The user's integer key.
        pk: i64,
        /// The name they sign in with.
        username: String,
        /// Their e-mail address, may be empty.
        email: String,
    },
}

impl Actor {
    /// The actor as an event's `user` shows it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::System | Self::Anonymous => json!({}),
            Self::User { pk, username, email } => json!({"pk": pk, "username": username, "email": email}),
        }
    }

    /// One word for logs and revisions.
    pub fn name(&self) -> &str {
        match self {
            Self::System => "system",
            Self::Anonymous => "anonymous",
            Self::User { username, .. } => username,
        }
    }
}
