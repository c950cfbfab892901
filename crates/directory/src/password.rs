//! Passwords: argon2id on a bounded pool, and Django's PBKDF2 for those that come from elsewhere.

mod hash;
mod pool;

pub use hash::{Params, is_known_hash, needs_rehash};
pub use pool::{PasswordError, Passwords, Verified};

/// Longest password that is looked at, bytes. What is longer is wrong.
pub const LONGEST: usize = 1024;
