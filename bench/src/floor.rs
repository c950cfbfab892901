//! The floor under a login: the password hash alone, as fast as the processors make it.

use std::io;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use vestibule_allocator::Large;

/// argon2id's parameters, which are the server's defaults: KiB, passes, lanes.
pub(crate) const PARAMETERS: (u32, u32, u32) = (19_456, 2, 1);

/// Memory to hash in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// As the library takes it.
    Plain,
    /// In huge pages where the system has them, as the server's.
    Huge,
}

/// Workers that hash, each with memory of its own that it keeps, as the server's do.
///
/// # Errors
/// None, unless the parameters above are wrong.
pub(crate) fn workers(count: usize, memory: Memory) -> io::Result<Vec<impl FnMut() -> io::Result<()> + Send>> {
    let (kibibytes, passes, lanes) = PARAMETERS;
    let params = Params::new(kibibytes, passes, lanes, Some(32)).map_err(io::Error::other)?;
    let worker = || {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let count = argon2.params().block_count();
        let (mut plain, mut huge) = (Vec::<Block>::new(), Large::<Block>::new());
        if memory == Memory::Plain {
            plain.resize(count, Block::default());
        }
        move || {
            let blocks = if memory == Memory::Plain { plain.as_mut_slice() } else { huge.of(count) };
            let mut hash = [0; 32];
            let done = argon2.hash_password_into_with_memory(b"Correct-horse-1!", &[7; 16], &mut hash, blocks);
            std::hint::black_box(hash);
            done.map_err(io::Error::other)
        }
    };
    Ok((0..count).map(|_| worker()).collect())
}
