//! The text forms of password hashes: PHC strings of argon2, and Django's `pbkdf2_sha256$...`.

use argon2::{Algorithm, Argon2, Block, Version};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use subtle::ConstantTimeEq as _;
use vestibule_allocator::Large;

/// Bytes of a hash that is made here.
const LENGTH: usize = 32;
/// What a stored hash may cost at most: an imported one is not to exhaust the server. KiB, passes, lanes.
const MOST: (u32, u32, u32) = (262_144, 32, 16);
/// The same for PBKDF2.
const MOST_ROUNDS: u32 = 20_000_000;

/// Parameters of argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Memory, KiB.
    pub memory: u32,
    /// Passes.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Params {
    /// The library's form of them.
    pub(super) fn build(self) -> Result<argon2::Params, argon2::Error> {
        argon2::Params::new(self.memory, self.iterations, self.parallelism, Some(LENGTH))
    }
}

/// A hash, read.
pub(super) enum Known {
    /// argon2, as a PHC string has it.
    Argon2 { algorithm: Algorithm, version: Version, params: Params, salt: Vec<u8>, hash: Vec<u8> },
    /// Django's PBKDF2 with SHA-256. Its salt is used as the text it is.
    Pbkdf2 { rounds: u32, salt: String, hash: Vec<u8> },
}

/// Reads a hash; `None` for what this server cannot check, or will not because of its cost.
pub(super) fn read(text: &str) -> Option<Known> {
    let parts: Vec<&str> = text.split('$').collect();
    match parts.as_slice() {
        ["", name, version, params, salt, hash] => {
            let algorithm = match *name {
                "argon2id" => Algorithm::Argon2id,
                "argon2i" => Algorithm::Argon2i,
                "argon2d" => Algorithm::Argon2d,
                _ => return None,
            };
            let version = match *version {
                "v=19" => Version::V0x13,
                "v=16" => Version::V0x10,
                _ => return None,
            };
            let params = read_params(params)?;
            let salt = STANDARD_NO_PAD.decode(salt).ok().filter(|salt| (8..=64).contains(&salt.len()))?;
            let hash = STANDARD_NO_PAD.decode(hash).ok().filter(|hash| (16..=128).contains(&hash.len()))?;
            Some(Known::Argon2 { algorithm, version, params, salt, hash })
        }
        // Django writes argon2 with its own name in front.
        ["argon2", rest @ ..] if rest.len() == 5 => read(&format!("${}", rest.join("$"))),
        ["pbkdf2_sha256", rounds, salt, hash] => {
            let rounds = rounds.parse().ok().filter(|rounds| (1..=MOST_ROUNDS).contains(rounds))?;
            let hash = STANDARD.decode(hash).ok().filter(|hash| hash.len() == 32)?;
            (!salt.is_empty()).then(|| Known::Pbkdf2 { rounds, salt: (*salt).to_owned(), hash })
        }
        _ => None,
    }
}

fn read_params(text: &str) -> Option<Params> {
    let mut params = Params { memory: 0, iterations: 0, parallelism: 0 };
    for pair in text.split(',') {
        let (name, value) = pair.split_once('=')?;
        let value: u32 = value.parse().ok()?;
        match name {
            "m" => params.memory = value,
            "t" => params.iterations = value,
            "p" => params.parallelism = value,
            _ => return None,
        }
    }
    let fits = params.memory <= MOST.0 && params.iterations <= MOST.1 && params.parallelism <= MOST.2;
    (fits && params.build().is_ok()).then_some(params)
}

/// Whether this server can check passwords against a hash.
pub fn is_known_hash(text: &str) -> bool {
    read(text).is_some()
}

/// Whether a hash was made another way than new ones are.
pub fn needs_rehash(text: &str, wanted: Params) -> bool {
    !matches!(
        read(text),
        Some(Known::Argon2 { algorithm: Algorithm::Argon2id, version: Version::V0x13, params, hash, .. })
            if params == wanted && hash.len() == LENGTH
    )
}

/// Hashes a password. `memory` is reused from call to call.
pub(super) fn make(params: Params, salt: [u8; 16], password: &str, memory: &mut Large<Block>) -> Option<String> {
    let mut output = [0; LENGTH];
    run(Algorithm::Argon2id, Version::V0x13, params, &salt, password, &mut output, memory)?;
    let Params { memory: m, iterations: t, parallelism: p } = params;
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
    Some(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}"))
}

/// Whether a password is the one that was hashed.
pub(super) fn check(known: &Known, password: &str, memory: &mut Large<Block>) -> bool {
    match known {
        Known::Argon2 { algorithm, version, params, salt, hash } => {
            let mut output = vec![0; hash.len()];
            run(*algorithm, *version, *params, salt, password, &mut output, memory)
                .is_some_and(|()| output.ct_eq(hash).into())
        }
        Known::Pbkdf2 { rounds, salt, hash } => {
            let mut output = vec![0; hash.len()];
            pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password.as_bytes(), salt.as_bytes(), *rounds, &mut output);
            output.ct_eq(hash).into()
        }
    }
}

fn run(
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: &[u8],
    password: &str,
    output: &mut [u8],
    memory: &mut Large<Block>,
) -> Option<()> {
    let params = argon2::Params::new(params.memory, params.iterations, params.parallelism, Some(output.len())).ok()?;
    let memory = memory.of(params.block_count());
    let argon2 = Argon2::new(algorithm, version, params);
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, memory).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Params = Params { memory: 64, iterations: 1, parallelism: 1 };

    #[test]
    fn a_hash_fits_its_password_alone() {
        let mut memory = Large::new();
        let hash = make(SMALL, [7; 16], "secret", &mut memory).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        let known = read(&hash).unwrap();
        assert!(check(&known, "secret", &mut memory));
        assert!(!check(&known, "Secret", &mut memory));
        assert!(!needs_rehash(&hash, SMALL));
        assert!(needs_rehash(&hash, Params { iterations: 2, ..SMALL }));
    }

    #[test]
    fn argon2_agrees_with_the_reference_implementation() {
        // From the test vectors of the PHC winner's own `argon2` tool: version 0x13, t=2, m=65536, p=1.
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(check(&read(hash).unwrap(), "password", &mut Large::new()));
    }

    #[test]
    fn django_hashes_are_understood() {
        // PBKDF2-HMAC-SHA256 of "password" with salt "salt", 4096 rounds: RFC 7914 style vector, base64.
        let hash = "pbkdf2_sha256$4096$salt$xeR41ZKIyEGqUw22hFxMjZYok6ABzk4RpJY4c6qYE0o=";
        let known = read(hash).unwrap();
        assert!(check(&known, "password", &mut Large::new()));
        assert!(!check(&known, "Password", &mut Large::new()));
        assert!(needs_rehash(hash, SMALL));
    }

    #[test]
    fn nonsense_and_what_costs_too_much_is_unknown() {
        let salt = "c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        for hash in [
            String::new(),
            "!".into(),
            "plain".into(),
            "$argon2id$v=19$m=65536$c29t".into(),
            format!("$argon2id$v=19$m=4194304,t=2,p=1${salt}"),
            format!("$argon2id$v=19$m=65536,t=2000,p=1${salt}"),
            "pbkdf2_sha256$4000000000$salt$xeR41ZKIyEGqUw22hFxMjZYok6ABzk4RpJY4c6qYE0o=".into(),
            "pbkdf2_sha256$0$salt$xeR41ZKIyEGqUw22hFxMjZYok6ABzk4RpJY4c6qYE0o=".into(),
        ] {
            assert!(!is_known_hash(&hash), "{hash}");
            assert!(needs_rehash(&hash, SMALL));
        }
    }
}
