//! The directory through its API, on SQLite and, where `VESTIBULE_TEST_POSTGRES` names a server, on PostgreSQL.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it is surprised")]

mod app;
mod authenticate;
mod brands;
mod groups;
mod login;
mod security;
mod tokens;
mod users;

/// Declares tests that run on both databases.
macro_rules! both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name($crate::app::App::sqlite().await).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                if let Some(app) = $crate::app::App::postgres().await { super::$name(app).await; }
            })*
        }
    };
}
pub(crate) use both;
