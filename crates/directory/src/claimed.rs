//! Addresses that people have typed for themselves, and nobody has shown to be theirs.
//!
//! Anybody may enrol with somebody else's address, or write it into their settings. Where an address decides whose
//! account something is, as it does at a source that links by it, such an account must not be taken for that of whom the
//! address belongs to: whoever made it would be in it with them.

use vestibule_kernel::fold::fold;
use vestibule_store::{Database, StoreError, Transaction};

/// The user says that this address is theirs; what was mailed to the one before leads nowhere from here on.
pub async fn claim(transaction: &mut Transaction, user: i64, address: &str) -> Result<(), StoreError> {
    withdraw(transaction, user).await?;
    if address.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO claimed_addresses (user_id, address_folded) VALUES ($1, $2)";
    transaction.execute(sql, vec![user.into(), fold(address).into()]).await?;
    Ok(())
}

/// The user has another address, of which somebody who knows says that it is theirs.
pub async fn withdraw(transaction: &mut Transaction, user: i64) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM claimed_addresses WHERE user_id = $1", vec![user.into()]).await?;
    let sql = "DELETE FROM tokens WHERE user_id = $1 AND intent = 'verification'";
    transaction.execute(sql, vec![user.into()]).await?;
    Ok(())
}

/// Whoever reads what is sent to this address is the user.
pub async fn prove(transaction: &mut Transaction, user: i64, address: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM claimed_addresses WHERE user_id = $1 AND address_folded = $2";
    transaction.execute(sql, vec![user.into(), fold(address).into()]).await?;
    Ok(())
}

/// Whether nobody but the user says that this address is theirs.
pub async fn is_claimed(database: &Database, user: i64, address: &str) -> Result<bool, StoreError> {
    let sql = "SELECT user_id FROM claimed_addresses WHERE user_id = $1 AND address_folded = $2";
    Ok(database.query_one(sql, vec![user.into(), fold(address).into()]).await?.is_some())
}
