//! A captcha without a provider: the browser works for some tenths of a second, which nobody notices once and anybody
//! notices a million times.
//!
//! The server hands out a challenge that it need not remember (its own authentication code is part of it). For each of
//! [`PUZZLES`] numbers the browser looks for a second number, so that the SHA-256 of the challenge's random part and both
//! begins with enough zero bits. An answer is good once: the table `captcha_answers` remembers it until the challenge has expired.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use vestibule_flow::StageCx;
use vestibule_kernel::secret::{Keys, constant_time_eq};
use vestibule_kernel::{ApiError, Ctx};
use vestibule_resource::{Fields, Kind, Resource, Spec};
use vestibule_store::{Configuration, DocumentType, Durability, Index};

use super::CaptchaStage;
use super::verify::Refusal;

/// Into how many puzzles the work is cut: the time that many take together varies less than that of one.
const PUZZLES: u32 = 16;
/// The zero bits that the number of puzzles is worth.
const PUZZLE_BITS: u32 = PUZZLES.ilog2();
/// How long a challenge is good.
const LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// The longest answer, bytes.
const LONGEST: usize = 1024;

/// Lets a captcha stage ask for work instead of asking a provider.
#[derive(Clone, Debug, Fields)]
pub struct ProofOfWork {
    /// Key.
    #[field(read_only)]
    pub pk: Uuid,
    /// The captcha stage; its provider is asked no more.
    #[field(
        references = "authentik_stages_captcha.captchastage",
        on_delete = Cascade,
        unique = "This stage asks for work already."
    )]
    pub stage: Uuid,
    /// How much: a browser tries two to the power of this many numbers. Each more doubles it. 17 takes a fifth of a second
    /// on a desk, a second on an old phone.
    #[field(default = 17, min = 8, max = 24)]
    pub difficulty: i64,
}

impl DocumentType for ProofOfWork {
    const KIND: &'static str = "vestibule_captcha.proofofwork";
}

impl Resource for ProofOfWork {
    fn spec() -> Spec {
        Spec::new("/api/vestibule/v1/captcha/proof_of_work", Self::KIND, "ProofOfWork")
            .verbose("Proof of work", "Proofs of work")
            .lookup("pk", "proof_uuid")
            .filter(&["stage"])
            .search(&[])
            .order(&["pk"])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<ProofOfWork>()
}

/// Which stages ask for how much work.
struct Asked(HashMap<Uuid, u32>);

impl Index for Asked {
    fn build(configuration: &Configuration) -> Self {
        let all = configuration.all::<ProofOfWork>();
        Self(all.map(|(_, work)| (work.stage, u32::try_from(work.difficulty).unwrap_or(17))).collect())
    }
}

/// How much work a stage asks for; `None`: it asks a provider.
pub(super) fn difficulty(configuration: &Configuration, stage: &CaptchaStage) -> Option<u32> {
    configuration.index::<Asked>().0.get(&stage.stage.pk).copied()
}

/// A challenge for a stage: `difficulty.puzzles.expires.random.code`.
pub(super) fn challenge(keys: &Keys, ctx: &Ctx, stage: Uuid, difficulty: u32) -> String {
    let expires = (ctx.now() + LIFETIME).timestamp();
    let bits = difficulty.saturating_sub(PUZZLE_BITS);
    let open = format!("{bits}.{PUZZLES}.{expires}.{}", hex::encode(ctx.bytes::<16>()));
    let code = code(keys, stage, &open);
    format!("{open}.{code}")
}

fn code(keys: &Keys, stage: Uuid, open: &str) -> String {
    keys.lookup_hash(&format!("captcha work {stage} {open}"))
}

/// An answer whose work is done: what is to be remembered of it, and until when.
#[derive(Debug)]
struct Done {
    random: String,
    expires: DateTime<Utc>,
}

/// Looks at an answer, `challenge:number,number,...`.
fn read(keys: &Keys, now: DateTime<Utc>, stage: Uuid, answer: &str) -> Option<Done> {
    let (challenge, numbers) = answer.split_once(':').filter(|_| answer.len() <= LONGEST)?;
    let (open, theirs) = challenge.rsplit_once('.')?;
    if !constant_time_eq(&code(keys, stage, open), theirs) {
        return None;
    }
    let [bits, puzzles, expires, random] = open.split('.').collect::<Vec<_>>().try_into().ok()?;
    let expires = DateTime::from_timestamp(expires.parse().ok()?, 0)?;
    let (bits, puzzles): (u32, usize) = (bits.parse().ok()?, puzzles.parse().ok()?);
    let numbers: Vec<&str> = numbers.split(',').collect();
    let is_solved = |(place, number): (usize, &&str)| zeros(random, place, number) >= bits;
    let solved = numbers.len() == puzzles && numbers.iter().enumerate().all(is_solved);
    (expires > now && solved).then(|| Done { random: random.to_owned(), expires })
}

/// The zero bits at the beginning of a puzzle's hash.
fn zeros(random: &str, place: usize, number: &str) -> u32 {
    let hash = Sha256::digest(format!("{random}:{place}:{number}"));
    let begin = hash.first_chunk::<8>().copied().map_or(u64::MAX, u64::from_be_bytes);
    begin.leading_zeros()
}

/// Whether an answer is good, and used up by that.
pub(super) async fn check(
    cx: &StageCx<'_>,
    stage: &CaptchaStage,
    answer: &str,
) -> Result<Result<(), Refusal>, ApiError> {
    let store = cx.state.store();
    let now = cx.state.api.ctx.now();
    let Some(done) = read(store.keys(), now, stage.stage.pk, answer) else {
        return Ok(Err(Refusal::Stale));
    };
    let sql = "INSERT INTO captcha_answers (random, expires) VALUES ($1, $2) ON CONFLICT (random) DO NOTHING";
    let params = vec![done.random.as_str().into(), done.expires.into()];
    let written = store.database().execute(Durability::Process, sql, params).await?;
    Ok(if written == 1 { Ok(()) } else { Err(Refusal::Stale) })
}

#[cfg(test)]
mod tests;
