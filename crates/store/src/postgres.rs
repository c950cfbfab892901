//! PostgreSQL, through its driver. Every future here comes in a box. What an `async fn` does is compiled once more in each
//! crate that awaits it, and with it everything that it awaits: without the boxes the binary holds the driver ten times.

use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres};

use crate::StoreError;
use crate::sqlite::Known;
use crate::value::{Param, Row};

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// A transaction under way, which the driver rolls back when it is dropped: in a box, since whatever drops one would hold
/// all that the driver does then, too.
pub(crate) trait Open: Send + Sync {
    /// The connection that it is on.
    fn connection(&mut self) -> &mut PgConnection;
    /// Commits it.
    fn commit(self: Box<Self>) -> Answer<'static, ()>;
}

impl Open for sqlx::Transaction<'static, Postgres> {
    fn connection(&mut self) -> &mut PgConnection {
        self
    }

    fn commit(self: Box<Self>) -> Answer<'static, ()> {
        Box::pin(async move { Ok((*self).commit().await?) })
    }
}

/// The rows of a query, on a connection of the pool's.
pub(crate) fn query(pool: &PgPool, sql: String, params: Vec<Param>) -> Answer<'_, Vec<Row>> {
    Box::pin(async move { Ok(bound(sql, params).fetch(pool).map_ok(Row::Postgres).try_collect().await?) })
}

/// The rows of a query, on this connection.
pub(crate) fn query_on(connection: &mut PgConnection, sql: String, params: Vec<Param>) -> Answer<'_, Vec<Row>> {
    Box::pin(async move { Ok(bound(sql, params).fetch(connection).map_ok(Row::Postgres).try_collect().await?) })
}

/// How many rows a statement touches, on a connection of the pool's.
pub(crate) fn execute(pool: &PgPool, sql: String, params: Vec<Param>) -> Answer<'_, u64> {
    Box::pin(async move { Ok(bound(sql, params).execute(pool).await?.rows_affected()) })
}

/// How many rows a statement touches, on this connection.
pub(crate) fn execute_on(connection: &mut PgConnection, sql: String, params: Vec<Param>) -> Answer<'_, u64> {
    Box::pin(async move { Ok(bound(sql, params).execute(connection).await?.rows_affected()) })
}

/// Begins a transaction.
pub(crate) fn begin(pool: &PgPool) -> Answer<'_, Box<dyn Open>> {
    Box::pin(async move { Ok(Box::new(pool.begin().await?) as Box<dyn Open>) })
}

/// Statements as one transaction; a single one is one by itself.
pub(crate) fn run(pool: &PgPool, known: Vec<Known>) -> Answer<'_, ()> {
    Box::pin(async move {
        let mut known = known.into_iter();
        let Some((sql, params)) = known.next() else { return Ok(()) };
        if known.len() == 0 {
            return execute(pool, sql.into_owned(), params).await.map(drop);
        }
        let mut transaction = begin(pool).await?;
        for (sql, params) in std::iter::once((sql, params)).chain(known) {
            execute_on(transaction.connection(), sql.into_owned(), params).await?;
        }
        transaction.commit().await
    })
}

/// Statements that carry no parameters, one after the other.
pub(crate) fn script(pool: &PgPool, sql: String) -> Answer<'_, ()> {
    Box::pin(async move { Ok(sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.map(drop)?) })
}

fn bound(sql: String, params: Vec<Param>) -> Query<'static, Postgres, PgArguments> {
    params.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, param| match param {
        Param::Bool(value) => query.bind(value),
        Param::Int(value) => query.bind(value),
        Param::Float(value) => query.bind(value),
        Param::Text(value) => query.bind(value),
        Param::Bytes(value) => query.bind(value),
        Param::Uuid(value) => query.bind(value),
        Param::Time(value) => query.bind(value),
    })
}
