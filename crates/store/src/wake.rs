//! Waking those who wait for work: a transaction asks for it, its commit does it.

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;

/// The channel of PostgreSQL's notifications.
pub(crate) const CHANNEL: &str = "vestibule_work";

/// Tells of commits that asked for somebody to be woken.
pub struct Wakes {
    listener: Option<PgListener>,
    commits: watch::Receiver<u64>,
}

impl Wakes {
    /// Listens from here on.
    pub(crate) async fn new(pool: Option<PgPool>, commits: watch::Receiver<u64>) -> Self {
        let mut listener = match pool {
            Some(pool) => PgListener::connect_with(&pool).await.ok(),
            None => None,
        };
        if let Some(listening) = &mut listener
            && listening.listen(CHANNEL).await.is_err()
        {
            listener = None;
        }
        Self { listener, commits }
    }

    /// Waits for the next one. What happened since the last call counts; many count as one.
    pub async fn next(&mut self) {
        let Self { listener, commits } = self;
        let own = async {
            if commits.changed().await.is_err() {
                // The database is gone, and with it whoever could commit.
                std::future::pending::<()>().await;
            }
        };
        match listener {
            Some(listening) => {
                let lost = tokio::select! {
                    // It reconnects by itself; an error says that it could not.
                    notification = listening.recv() => notification.is_err(),
                    () = own => false,
                };
                if lost {
                    tracing::warn!("notifications of other nodes do not arrive: their work is found a little later");
                    *listener = None;
                }
            }
            None => own.await,
        }
    }
}
