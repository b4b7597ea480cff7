//! One channel: a [`Miner`] and how Stratum V2 speaks of its jobs and submits.
//!
//! The target that a channel is told is that of its job, unless its machines take none so easy. A job is told before its parent
//! block when that is new (a future job, then `SetNewPrevHash`), else it begins at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mining_sv2::{
    ERROR_CODE_SUBMIT_SHARES_DIFFICULTY_TOO_LOW, ERROR_CODE_SUBMIT_SHARES_DUPLICATE_SHARE,
    ERROR_CODE_SUBMIT_SHARES_INVALID_NON_ROLLABLE_VERSION_BIT, ERROR_CODE_SUBMIT_SHARES_INVALID_SHARE,
    ERROR_CODE_SUBMIT_SHARES_STALE_SHARE, ERROR_CODE_VERSION_ROLLING_NOT_ALLOWED,
};
use sharechain::{PowAlgorithm, Target, coinbase::TAIL_LEN, merkle};

use super::{
    message::Share,
    reply::{self, Frame, JobHead},
};
use crate::{
    client::ClientProfile,
    difficulty::Difficulty,
    error::Reject,
    extranonce::{EXTRANONCE1_LEN, EXTRANONCE2_LEN},
    job::{Job, JobTemplate, Prefix},
    lane::LaneId,
    miner::{Miner, NewJob, Now, Outcome, Payee, Rates, SessionConfig},
    options::LoginOptions,
    submit::Submit,
    username::Username,
};

/// The miner's part of the extranonce where the node fixes it: extranonce1 is unique among channels already.
const STANDARD_EXTRANONCE2: [u8; EXTRANONCE2_LEN] = [0; EXTRANONCE2_LEN];
/// What is after the extranonce in a coinbase: the lock time.
const SUFFIX_LEN: usize = 4;

/// What a channel's miners may vary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The header.
    Standard,
    /// The header and the extranonce.
    Extended,
}

/// What a channel is opened with.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) id: u32,
    pub(super) kind: Kind,
    pub(super) worker: usize,
    /// By lane; `None` where it cannot mine.
    pub(super) payees: Vec<Option<Payee>>,
    pub(super) username: Username,
    pub(super) profile: ClientProfile,
    pub(super) options: LoginOptions,
    /// What the client says of its hashes per second.
    pub(super) hashrate: f32,
    pub(super) target_max: Target,
    /// Version bits it may vary.
    pub(super) version_mask: u32,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Channel {
    id: u32,
    kind: Kind,
    worker: usize,
    payees: Vec<Option<Payee>>,
    username: Username,
    version_mask: u32,
    miner: Miner,
    /// Hashes of a submit that the client's kind asks for at least...
    profile_hashes_min: f64,
    /// ...and with what the miner wishes.
    hashes_min: f64,
    hashrate: f32,
    target_max: Target,
    told: Target,
    accepted: Accepted,
}

/// Submits that were accepted and not acknowledged yet.
#[derive(Clone, Copy, Debug, Default)]
struct Accepted {
    count: u32,
    /// Number of the last one.
    sequence: u32,
    difficulties: f64,
}

/// An accepted submit that is to be acknowledged.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Receipt {
    pub(super) sequence: u32,
    pub(super) difficulty: f64,
}

impl Channel {
    pub(super) fn new(
        config: &Arc<SessionConfig>,
        extranonce1: [u8; EXTRANONCE1_LEN],
        terms: &Terms,
        now: Instant,
    ) -> Self {
        let algorithm = config.algorithm();
        let mut miner = Miner::new(config.clone(), extranonce1, now);
        // Targets say any difficulty exactly.
        miner.set_profile(&ClientProfile { whole_difficulty: false, ..terms.profile }, now);
        miner.set_options(&terms.options, now);
        let hashes_of = |difficulty| Difficulty::new(difficulty).hashes(algorithm);
        let profile_hashes_min = hashes_of(terms.profile.difficulty_min);
        let hashes_min = terms.options.difficulty_min.map_or(profile_hashes_min, hashes_of);
        let mut channel = Self {
            id: terms.id,
            kind: terms.kind,
            worker: terms.worker,
            payees: terms.payees.clone(),
            username: terms.username.clone(),
            version_mask: terms.version_mask,
            miner,
            profile_hashes_min,
            hashes_min: hashes_min.max(config.vardiff.min_hashes),
            hashrate: terms.hashrate,
            target_max: terms.target_max,
            told: Target::EASIEST,
            accepted: Accepted::default(),
        };
        channel.limit(terms.target_max, algorithm, now);
        channel.told = Difficulty::from_hashes(channel.miner.vardiff().hashes(), algorithm)
            .target(algorithm)
            .min(channel.target_max);
        channel
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) const fn worker(&self) -> usize {
        self.worker
    }

    /// Whom its shares on a lane are credited to; `None` when it cannot mine there.
    pub(super) fn payee(&self, lane: LaneId) -> Option<Payee> {
        self.payees.get(lane.place()).copied().flatten()
    }

    /// Who it was opened for.
    pub(super) const fn username(&self) -> &Username {
        &self.username
    }

    #[cfg(test)]
    pub(super) const fn target_max(&self) -> Target {
        self.target_max
    }

    pub(super) const fn miner(&mut self) -> &mut Miner {
        &mut self.miner
    }

    /// When the channel has something to do, see [`Miner::wake`].
    pub(super) fn wake(&self) -> Option<Instant> {
        self.miner.wake()
    }

    /// Its machines take no easier target. An easier one is still judged by where no share may be so hard.
    pub(super) fn limit(&mut self, target_max: Target, algorithm: PowAlgorithm, now: Instant) {
        self.target_max = target_max;
        let hashes = Difficulty::covering(target_max, algorithm).hashes(algorithm);
        self.miner.vardiff().set_floor(hashes.max(self.hashes_min), now);
        self.miner.set_share_floor(hashes.max(self.profile_hashes_min));
    }

    /// The client says that its hash rate is another one. Who repeats himself is not believed more than what was measured since.
    pub(super) fn suggest(&mut self, hashrate: f32, submit_interval: Duration, now: Instant) {
        if self.hashrate != hashrate {
            self.hashrate = hashrate;
            self.miner.vardiff().suggest(f64::from(hashrate) * submit_interval.as_secs_f64(), now);
        }
    }

    /// Tells of the target from the next job on, when an easier one was told than the machines take.
    pub(super) fn tighten(&mut self) -> Option<Frame> {
        let is_too_easy = self.told > self.target_max;
        self.told = self.told.min(self.target_max);
        is_too_easy.then(|| reply::set_target(self.id, self.told))
    }

    /// The answer to the request for the channel.
    pub(super) fn opened(&self, request_id: u32) -> Frame {
        let prefix = self.miner.extranonce1();
        match self.kind {
            Kind::Standard => {
                let extranonce = [&prefix[..], &STANDARD_EXTRANONCE2].concat();
                reply::standard_opened(request_id, self.id, self.told, &extranonce)
            }
            Kind::Extended => {
                #[expect(clippy::cast_possible_truncation, reason = "eight")]
                let size = EXTRANONCE2_LEN as u16;
                reply::extended_opened(request_id, self.id, self.told, (&prefix, size))
            }
        }
    }

    /// The first job, and its parent block. Its target is told with the answer to the request for the channel: the specification has
    /// nothing between that and the job.
    pub(super) fn begin(&mut self, template: &Arc<JobTemplate>, rates: &Rates, now: Instant) -> Vec<Frame> {
        let Some((target, frames)) = self.next_job(template, rates, now) else { return Vec::new() };
        self.told = target;
        frames
    }

    /// Makes a job of a template and tells of it, of its target and of its parent block what is new. The target comes first: not
    /// every client looks for one again that came after the job.
    pub(super) fn offer(&mut self, template: &Arc<JobTemplate>, rates: &Rates, now: Instant) -> Vec<Frame> {
        let Some((target, mut frames)) = self.next_job(template, rates, now) else { return Vec::new() };
        if self.told != target {
            self.told = target;
            frames.insert(0, reply::set_target(self.id, target));
        }
        frames
    }

    /// The target of the next job, the job, and its parent block when that is new.
    fn next_job(&mut self, template: &Arc<JobTemplate>, rates: &Rates, now: Instant) -> Option<(Target, Vec<Frame>)> {
        let payee = self.payee(template.lane())?;
        let NewJob { job, prefix, clean, .. } = self.miner.offer(&payee, template, rates, now)?;
        let fields = template.header();
        let head = JobHead { channel_id: self.id, job_id: job.id, time_min: (!clean).then_some(fields.time) };
        let mut frames = Vec::with_capacity(3);
        frames.push(match self.kind {
            Kind::Standard => {
                let tail = job.coinbase_tail(&job.extranonce(STANDARD_EXTRANONCE2));
                let root = merkle::root_of_left_path(prefix.state.txid(&tail), &fields.merkle_branch);
                reply::standard_job(head, fields.version, root)
            }
            Kind::Extended => {
                let (begin, end) = coinbase_parts(job, &prefix);
                reply::extended_job(head, fields, self.version_mask != 0, (&begin, &end))
            }
        });
        if clean {
            frames.push(reply::new_prev_hash(self.id, job.id, &template.work().prev_block, fields));
        }
        Some((job.target.min(self.target_max), frames))
    }

    /// Judges a submit whose extranonce is as long as the channel's; `None` when the job is none of the channel's.
    pub(super) fn submit(&mut self, share: &Share, extranonce2: [u8; EXTRANONCE2_LEN], now: Now) -> Option<Outcome> {
        let version = self.miner.job(share.job_id)?.template.header().version;
        let submit = Submit {
            job_id: Some(share.job_id),
            extranonce2,
            time: share.time,
            nonce: share.nonce,
            version_bits: Some(share.version ^ version),
        };
        // A bit of the job's version that was cleared is one outside the mask.
        Some(self.miner.submit(&submit, self.version_mask & !version, Ok(()), now))
    }

    /// The extranonce2 of a submit; `None` when it is none of the channel's length.
    pub(super) fn extranonce2(share: &Share) -> Option<[u8; EXTRANONCE2_LEN]> {
        match &share.extranonce2 {
            Some(bytes) => bytes.as_slice().try_into().ok(),
            None => Some(STANDARD_EXTRANONCE2),
        }
    }

    /// What the specification calls the reason.
    pub(super) const fn refusal_code(&self, reject: &Reject) -> &'static str {
        match reject {
            Reject::Stale | Reject::UnknownJob => ERROR_CODE_SUBMIT_SHARES_STALE_SHARE,
            Reject::Duplicate => ERROR_CODE_SUBMIT_SHARES_DUPLICATE_SHARE,
            Reject::LowDifficulty => ERROR_CODE_SUBMIT_SHARES_DIFFICULTY_TOO_LOW,
            Reject::VersionBits if self.version_mask == 0 => ERROR_CODE_VERSION_ROLLING_NOT_ALLOWED,
            Reject::VersionBits => ERROR_CODE_SUBMIT_SHARES_INVALID_NON_ROLLABLE_VERSION_BIT,
            Reject::TimeTooOld => "ntime-too-old",
            Reject::TimeTooNew => "ntime-too-new",
            Reject::TooManySubmits => "too-many-shares",
            Reject::NotStored(_) => "share-not-stored",
            Reject::Malformed { .. }
            | Reject::UnknownMethod
            | Reject::Unauthorized
            | Reject::Address(_)
            | Reject::Option(_)
            | Reject::WrongPassword
            | Reject::CoinbaseTooLong { .. }
            | Reject::SecondAddress
            | Reject::TooManyWorkers
            | Reject::NotSubscribed => ERROR_CODE_SUBMIT_SHARES_INVALID_SHARE,
        }
    }

    /// A submit counts.
    pub(super) fn accept(&mut self, receipt: Receipt) {
        self.accepted.count = self.accepted.count.saturating_add(1);
        self.accepted.sequence = receipt.sequence;
        self.accepted.difficulties += receipt.difficulty;
    }

    /// Acknowledges what was accepted since the last time.
    pub(super) fn acknowledge(&mut self) -> Option<Frame> {
        let Accepted { count, sequence, difficulties } = std::mem::take(&mut self.accepted);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; for display")]
        let sum = difficulties.round() as u64;
        (count > 0).then(|| reply::shares_accepted(self.id, sequence, count, sum))
    }
}

/// The coinbase before and after the extranonce.
fn coinbase_parts(job: &Job, prefix: &Prefix) -> (Vec<u8>, [u8; SUFFIX_LEN]) {
    let mut begin = hex::decode(&prefix.hex).expect("made by encoding");
    begin.extend_from_slice(job.commitment());
    let tail: [u8; TAIL_LEN] = job.coinbase_tail(&job.extranonce(STANDARD_EXTRANONCE2));
    let end = tail.last_chunk().expect("the tail ends with the lock time");
    (begin, *end)
}
