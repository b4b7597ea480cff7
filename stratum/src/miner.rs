//! One miner at work: what its next job is, and what its submits are worth. Stratum V1 and V2 speak for it.
//!
//! Difficulty is frozen into each job: a submit is judged by the difficulty its own job was sent with. A part of the jobs, the
//! operator's fee, is credited to the operator. Nothing here knows a wire format, a socket or a clock.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use sharechain::{Params, PayoutScript, PowAlgorithm, ShareTerms, Work, difficulty::share_bits};

use crate::{
    address::AddressFormat,
    bucket::Allowance,
    client::ClientProfile,
    difficulty::Difficulty,
    error::Reject,
    extranonce::EXTRANONCE1_LEN,
    job::{Job, JobStore, JobTemplate, JobTerms, Prefix},
    lane::{LaneId, LaneTerms, Lanes},
    limits::{LINES, SUBSCRIBE_TIMEOUT},
    options::LoginOptions,
    submit::{Found, Hashed, Submit},
    vardiff::{Vardiff, VardiffConfig},
};

/// A share's work follows the hash rate when it differs by more than this part: measured rates are noisy, and each
/// change is a new difficulty for the miner.
const SHARE_WORK_BAND: f64 = 0.25;
/// Targets of shares are rounded; a client's least difficulty has to stay below.
const SHARE_FLOOR_MARGIN: f64 = 1.01;
/// What a fee is a part of.
const BASIS_POINTS: u16 = 10_000;

/// Hash rate per lane and payout script at this node, hashes per second.
pub type Rates = BTreeMap<(LaneId, PayoutScript), f64>;

/// What all sessions of an endpoint have in common.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// The lanes in the order of the configuration, all of one proof of work.
    pub lanes: Lanes,
    /// What the password has to be; anything without it.
    pub password: Option<String>,
    /// Difficulty policy.
    pub vardiff: VardiffConfig,
    /// How often a connection may send a line.
    pub lines: Allowance,
    /// Time for a connection to say what it speaks, and to subscribe.
    pub subscribe_timeout: Duration,
    /// Random per node.
    pub node_nonce: u64,
    /// A payout script's shares should take its miners at this node about this long.
    pub share_period: Duration,
}

/// The part of the jobs that is credited to the operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OperatorFee {
    /// Hundredths of a percent, at most 10,000.
    pub basis_points: u16,
    /// The operator's payout script.
    pub script: PayoutScript,
}

impl OperatorFee {
    /// The part in percent.
    pub fn percent(&self) -> String {
        format!("{}.{:02} %", self.basis_points / 100, self.basis_points % 100)
    }
}

/// The caller's clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For time-outs and rates.
    pub instant: Instant,
    /// For header times: Unix seconds.
    pub unix: u64,
}

/// Whom a miner works for, and with how large a coinbase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Payee {
    /// Credited with the work.
    pub script: PayoutScript,
    /// Index of the class table.
    pub payout_class: u8,
}

/// A job for the miner.
#[derive(Debug)]
pub struct NewJob<'a> {
    /// The job.
    pub job: &'a Job,
    /// Its coinbase before the commitment.
    pub prefix: Prefix,
    /// Whether all work before it is void.
    pub clean: bool,
    /// Whether its difficulty is another one than that of the job before.
    pub is_new_difficulty: bool,
}

/// What a submit is.
#[derive(Debug)]
pub enum Outcome {
    /// Accepted and credited.
    Accepted {
        /// Expected hashes.
        hashes: f64,
        /// Whether the operator is credited with it.
        is_fee: bool,
        /// The lane of its job.
        lane: LaneId,
        /// It is a share or a block: to be stored before it is answered.
        found: Option<Box<Found>>,
    },
    /// Refused.
    Refused {
        /// Why.
        reject: Reject,
        /// It took hashing to see that it is no work at all.
        is_no_work: bool,
        /// It is a block all the same.
        block: Option<Box<Found>>,
    },
}

/// See the module.
#[derive(Debug)]
pub struct Miner {
    config: Arc<SessionConfig>,
    extranonce1: [u8; EXTRANONCE1_LEN],
    whole_difficulty: bool,
    /// Shares carry at least so much: a client that takes no smaller difficulty would find harder ones, and be credited with easier.
    share_floor: f64,
    vardiff: Vardiff,
    jobs: JobStore,
    /// Work that shares of the miner and of the operator carry.
    share_hashes: [f64; 2],
    /// Basis points owed to the operator; a job that brings them to the whole is the operator's.
    owed: u16,
    told: Option<Difficulty>,
    /// What the newest job was asked for.
    asked: Option<Difficulty>,
}

impl SessionConfig {
    /// An endpoint for everybody, without a fee; a payout script's shares take its miners a minute.
    pub fn new(params: Arc<Params>, addresses: AddressFormat, vardiff: VardiffConfig) -> Self {
        Self {
            lanes: Lanes::one(LaneTerms::new("main".to_owned(), params, addresses)),
            password: None,
            vardiff,
            lines: LINES,
            subscribe_timeout: SUBSCRIBE_TIMEOUT,
            node_nonce: 0,
            share_period: Duration::from_secs(60),
        }
    }

    /// Proof of work of the parent chains.
    pub fn algorithm(&self) -> PowAlgorithm {
        self.lanes.first().params.parent().pow
    }
}

impl Miner {
    /// A miner without a job.
    pub fn new(config: Arc<SessionConfig>, extranonce1: [u8; EXTRANONCE1_LEN], now: Instant) -> Self {
        // Who stays for a few jobs only pays the fee in the mean, so the debt begins anywhere.
        let [.., high, low] = extranonce1;
        let owed = u16::from_be_bytes([high, low]).wrapping_mul(40_503) % BASIS_POINTS;
        Self {
            vardiff: Vardiff::new(config.vardiff, now),
            config,
            extranonce1,
            whole_difficulty: false,
            share_floor: 0.0,
            jobs: JobStore::default(),
            share_hashes: [0.0; 2],
            owed,
            told: None,
            asked: None,
        }
    }

    /// The server's part of the extranonce.
    pub const fn extranonce1(&self) -> [u8; EXTRANONCE1_LEN] {
        self.extranonce1
    }

    /// Difficulty policy.
    pub const fn vardiff(&mut self) -> &mut Vardiff {
        &mut self.vardiff
    }

    /// The newest job.
    pub fn newest_job(&self) -> Option<&Job> {
        self.jobs.newest()
    }

    /// The job with this id, while submits for it are judged.
    pub fn job(&self, id: u32) -> Option<&Job> {
        self.jobs.get(id)
    }

    /// What the client was told of difficulty is void, as after a new subscription.
    pub const fn forget_told(&mut self) {
        self.told = None;
    }

    /// Whether a job made now would be asked for another difficulty than the newest.
    pub fn wants_other_difficulty(&self) -> bool {
        self.asked.is_some_and(|asked| asked != self.difficulty())
    }

    /// When [`Miner::on_tick`] has something to do.
    pub fn wake(&self) -> Option<Instant> {
        self.vardiff.wake().filter(|_| self.newest_job().is_some())
    }

    /// Makes the next job easier when nothing was found for long.
    pub fn on_tick(&mut self, now: Instant) {
        if self.newest_job().is_some() {
            self.vardiff.on_tick(now);
        }
    }

    /// Forgets jobs that no submit can be for any more.
    pub fn forget_old_jobs(&mut self, now: Instant) {
        self.jobs.forget_old(now);
    }

    /// The client is of this kind.
    pub fn set_profile(&mut self, profile: &ClientProfile, now: Instant) {
        self.whole_difficulty = profile.whole_difficulty;
        let floor = self.hashes_of(profile.difficulty_min);
        self.set_share_floor(if profile.difficulty_min > 0.0 { floor } else { 0.0 });
        if floor > self.config.vardiff.min_hashes {
            self.vardiff.set_floor(floor, now);
        }
    }

    /// The client takes no submit that carries fewer hashes, so its shares carry as many.
    pub const fn set_share_floor(&mut self, hashes: f64) {
        self.share_floor = hashes * SHARE_FLOOR_MARGIN;
    }

    /// The miner logged in with these wishes, which overrule what is known of its kind.
    pub fn set_options(&mut self, options: &LoginOptions, now: Instant) {
        if let Some(rate) = options.hashrate {
            self.vardiff.suggest(rate * self.config.vardiff.submit_interval.as_secs_f64(), now);
        }
        if let Some(difficulty) = options.difficulty_min {
            self.set_difficulty_min(difficulty, now);
        }
        if let Some(difficulty) = options.difficulty_fixed {
            self.vardiff.fix(self.hashes_of(difficulty), now);
        }
    }

    /// The miner wants no easier difficulty.
    pub fn set_difficulty_min(&mut self, difficulty: f64, now: Instant) {
        self.vardiff.set_floor(self.hashes_of(difficulty), now);
    }

    /// The miner would like this difficulty.
    pub fn suggest_difficulty(&mut self, difficulty: f64, now: Instant) {
        self.vardiff.suggest(self.hashes_of(difficulty), now);
    }

    fn hashes_of(&self, difficulty: f64) -> f64 {
        Difficulty::new(difficulty).hashes(self.config.algorithm())
    }

    /// Makes a job of the template. `None` when its terms fit no share, and when it had all the jobs on this template that it may
    /// have.
    pub fn offer(
        &mut self,
        payee: &Payee,
        template: &Arc<JobTemplate>,
        rates: &Rates,
        now: Instant,
    ) -> Option<NewJob<'_>> {
        let newest = self.jobs.newest().map(|job| &job.template);
        let clean = newest.is_none_or(|newest| {
            newest.work().prev_block != template.work().prev_block || newest.lane() != template.lane()
        });
        let variant = match self.jobs.last_variant(template) {
            Some(last) => last.checked_add(1)?,
            None => 0,
        };
        let (script, owed) = self.whose_turn(payee.script, template.lane());
        let share = self.share_terms(Payee { script, ..*payee }, template, rates)?;
        let terms = JobTerms {
            share,
            difficulty: self.difficulty(),
            whole_difficulty: self.whole_difficulty,
            extranonce1: self.extranonce1,
            variant,
        };
        let (job, prefix) = Job::new(template.clone(), &terms)?;
        (self.owed, self.asked) = (owed, Some(terms.difficulty));
        let is_new_difficulty = self.told.replace(job.difficulty) != Some(job.difficulty);
        self.jobs.push(job, clean, now);
        Some(NewJob { job: self.jobs.newest()?, prefix, clean, is_new_difficulty })
    }

    /// What the next job should be told, before the share chain's own target is looked at.
    fn difficulty(&self) -> Difficulty {
        Difficulty::from_hashes(self.vardiff.hashes(), self.config.algorithm())
    }

    /// Who is credited with the next job, and what is owed after it.
    fn whose_turn(&self, script: PayoutScript, lane: LaneId) -> (PayoutScript, u16) {
        let Some(fee) = self.fee(lane) else { return (script, self.owed) };
        let owed = self.owed.saturating_add(fee.basis_points);
        match owed.checked_sub(BASIS_POINTS) {
            Some(rest) => (fee.script, rest),
            None => (script, owed),
        }
    }

    fn fee(&self, lane: LaneId) -> Option<OperatorFee> {
        self.config.lanes.get(lane)?.fee
    }

    fn is_fee(&self, script: PayoutScript, lane: LaneId) -> bool {
        self.fee(lane).is_some_and(|fee| fee.script == script)
    }

    fn share_terms(&mut self, payee: Payee, template: &JobTemplate, rates: &Rates) -> Option<ShareTerms> {
        let rate = rates.get(&(template.lane(), payee.script)).copied().unwrap_or_default();
        let hashes = (rate * self.config.share_period.as_secs_f64()).max(self.share_floor);
        let is_fee = self.is_fee(payee.script, template.lane());
        let [own, operators] = &mut self.share_hashes;
        let share_hashes = if is_fee { operators } else { own };
        if (hashes / *share_hashes - 1.0).abs() > SHARE_WORK_BAND || *share_hashes == 0.0 {
            *share_hashes = hashes;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; a policy, not a rule")]
        let wanted = Work::from_hashes(*share_hashes as u128);
        // A hash that is a block must be a share too, or its finder would lose the credit.
        Some(ShareTerms {
            payout_script: payee.script,
            payout_class: payee.payout_class,
            share_bits: share_bits(wanted.min(template.block_work()), template.context().base_bits)?,
            node_nonce: self.config.node_nonce,
            signal: 0,
        })
    }

    /// Judges a submit. `version_mask` holds the version bits it may roll; `authorized` is what the protocol thinks of its sender.
    pub fn submit(&mut self, submit: &Submit, version_mask: u32, authorized: Result<(), Reject>, now: Now) -> Outcome {
        let found = submit.job_id.and_then(|id| self.jobs.find(id, now.instant));
        let Some((job, is_stale)) = found else { return Reject::UnknownJob.into() };
        let hashed = match Hashed::new(submit, job, version_mask) {
            Ok(hashed) => hashed,
            Err(reject) => return reject.into(),
        };
        // The block first: whatever is wrong with a submit, a block is a block.
        let is_block = hashed.is_block();
        if let Err(reject) = authorized.and_then(|()| hashed.judge(job, is_stale, now.unix)) {
            let is_no_work = !hashed.is_work(job);
            let is_new_block = is_block && hashed.is_first(job);
            let block = if is_new_block { hashed.into_found(job).map(Box::new) } else { None };
            return Outcome::Refused { reject, is_no_work, block };
        }
        let (hashes, script, lane) = (job.hashes(), job.script(), job.template.lane());
        let counts = is_block || hashed.is_share(job);
        let found = if counts { hashed.into_found(job).map(Box::new) } else { None };
        self.jobs.on_remembered();
        self.vardiff.on_submit(hashes, now.instant);
        Outcome::Accepted { hashes, is_fee: self.is_fee(script, lane), lane, found }
    }
}

impl From<Reject> for Outcome {
    fn from(reject: Reject) -> Self {
        Self::Refused { reject, is_no_work: false, block: None }
    }
}
