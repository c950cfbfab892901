//! The floor under a login: the password hash alone, as fast as the processors make it.

use std::io;

use argon2::{Algorithm, Argon2, Block, Params, Version};

/// argon2id's parameters, which are the server's defaults: KiB, passes, lanes.
pub(crate) const PARAMETERS: (u32, u32, u32) = (19_456, 2, 1);

/// Workers that hash, each with memory of its own that it keeps, as the server's do.
///
/// # Errors
/// None, unless the parameters above are wrong.
pub(crate) fn workers(count: usize) -> io::Result<Vec<impl FnMut() -> io::Result<()> + Send>> {
    let (memory, passes, lanes) = PARAMETERS;
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(io::Error::other)?;
    let worker = || {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let mut blocks = vec![Block::default(); argon2.params().block_count()];
        move || {
            let mut hash = [0; 32];
            let done = argon2.hash_password_into_with_memory(b"Correct-horse-1!", &[7; 16], &mut hash, &mut blocks);
            std::hint::black_box(hash);
            done.map_err(io::Error::other)
        }
    };
    Ok((0..count).map(|_| worker()).collect())
}
