//! Accounts that no person has: programs act as them. They have no password, and no permissions but what they are given.

use serde_json::Value;
use vestibule_kernel::fold::fold;
use vestibule_kernel::{ApiError, Ctx};
use vestibule_store::{StoreError, Transaction};

/// Says of an account that the server made it.
pub const GENERATED: &str = "goauthentik.io/user/generated";

/// Longest name of a user, characters.
const LONGEST: usize = 150;

/// An account that is to be made.
pub struct MachineAccount<'a> {
    /// The name that it is known by.
    pub username: &'a str,
    /// The name for people.
    pub name: &'a str,
    /// Its e-mail address, may be empty.
    pub email: &'a str,
    /// `service_account` or `internal_service_account`.
    pub user_type: &'a str,
    /// Where it is among the users.
    pub path: &'a str,
    /// What is kept of it.
    pub attributes: Value,
}

impl MachineAccount<'_> {
    /// Makes it; its key. A name that somebody else has is an error of the database.
    ///
    /// # Errors
    /// The database.
    pub async fn make(&self, transaction: &mut Transaction, ctx: &Ctx) -> Result<i64, ApiError> {
        let username: String = self.username.chars().take(LONGEST).collect();
        let sql = "INSERT INTO users (uuid, uid, username, username_folded, name, name_folded, email, email_folded, \
                   password_change_date, is_active, type, path, attributes, date_joined, last_updated) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, TRUE, $10, $11, $12, $9, $9) RETURNING id";
        let params = vec![
            ctx.uuid().into(),
            hex::encode(ctx.bytes::<32>()).into(),
            username.as_str().into(),
            fold(&username).into(),
            self.name.into(),
            fold(self.name).into(),
            self.email.into(),
            fold(self.email).into(),
            ctx.now().into(),
            self.user_type.into(),
            self.path.into(),
            self.attributes.clone().into(),
        ];
        let row = transaction.query_one(sql, params).await?;
        Ok(row.ok_or_else(|| ApiError::internal("a user without a key"))?.int("id")?)
    }
}

/// The keys that end with an account: what programs were given for it.
///
/// # Errors
/// The database.
pub async fn end_grants(transaction: &mut Transaction, user: i64) -> Result<(), StoreError> {
    for table in ["oauth2_codes", "oauth2_access_tokens", "oauth2_refresh_tokens", "oauth2_device_codes"] {
        let sql = format!("DELETE FROM {table} WHERE user_id = $1");
        transaction.execute(sql, vec![user.into()]).await?;
    }
    Ok(())
}
