//! Jobs: what a miner is told to hash, and what must be remembered to judge its submits.
//!
//! A [`JobTemplate`] holds what all jobs of one refresh have in common, serialised once. A [`Job`] adds a miner's commitment
//! and target: some 200 bytes, because every session remembers up to [`JOBS_MAX`] of them. What its share would say is computed
//! again for the few hashes that are one.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Instant,
};

use sharechain::{
    PayoutScript, ShareData, ShareTerms, Target,
    coinbase::{PrefixState, TAIL_LEN},
    pow::PowHash,
    share::EXTRANONCE_LEN,
};

use crate::{
    difficulty::Difficulty,
    extranonce::{EXTRANONCE1_LEN, EXTRANONCE2_LEN},
    limits::{JOB_AGE_MAX, JOBS_MAX, STALE_GRACE, SUBMITS_MAX},
};

mod template;

pub use template::{BlockBody, HeaderFields, JobTemplate, NotifyLine, Prefix};

/// One miner's job.
#[derive(Debug)]
pub struct Job {
    /// Unique per connection.
    pub id: u32,
    /// What it is made of.
    pub template: Arc<JobTemplate>,
    /// What the miner was told.
    pub difficulty: Difficulty,
    /// Target of `difficulty`, never harder than the share's.
    pub target: Target,
    /// The server's part of the extranonce when the job was sent.
    pub extranonce1: [u8; EXTRANONCE1_LEN],
    terms: ShareTerms,
    commitment: [u8; 32],
    /// State after the coinbase prefix, where it is not that of the class.
    own_prefix: Option<Box<PrefixState>>,
    /// Submits that were accepted.
    submits: BTreeSet<SubmitKey>,
}

/// What distinguishes two submits of one job: extranonce2, time, nonce, rolled version bits.
pub(crate) type SubmitKey = ([u8; EXTRANONCE2_LEN], u32, u32, u32);

/// What a session wants of its next job.
#[derive(Clone, Copy, Debug)]
pub struct JobTerms {
    /// What its shares say. The node's random number is changed by the variant.
    pub share: ShareTerms,
    /// What the miner wants to be told, at most the share's own.
    pub difficulty: Difficulty,
    /// Whether it has to be a whole number.
    pub whole_difficulty: bool,
    /// The server's part of the extranonce.
    pub extranonce1: [u8; EXTRANONCE1_LEN],
    /// Jobs of this session on the same template before: each is other work, so that nothing counts twice.
    pub variant: u8,
}

impl Job {
    /// The job of a miner with these terms, and the coinbase prefix that its miner has to be told.
    ///
    /// `None` when the terms fit no share, an unknown class or a target out of range, and for a variant that the template
    /// does not have.
    pub fn new(template: Arc<JobTemplate>, terms: &JobTerms) -> Option<(Self, Prefix)> {
        let id = template.job_id(terms.variant)?;
        let node_nonce = terms.share.node_nonce.wrapping_add(u64::from(terms.variant));
        let share_terms = ShareTerms { node_nonce, ..terms.share };
        let data = template.data(&share_terms)?;
        let (prefix, is_own) = template.prefix(&data)?;
        let algorithm = template.algorithm();
        let share_target = share_terms.share_bits.to_target()?;
        let covering = Difficulty::covering(share_target, algorithm);
        let wanted = if terms.difficulty < covering { terms.difficulty } else { covering };
        let difficulty = if terms.whole_difficulty { wanted.whole() } else { wanted };
        let target = if difficulty < covering { difficulty.target(algorithm).max(share_target) } else { share_target };
        let job = Self {
            id,
            commitment: data.commitment(template.params().id()),
            own_prefix: is_own.then(|| Box::new(prefix.state)),
            difficulty,
            target,
            extranonce1: terms.extranonce1,
            terms: share_terms,
            template,
            submits: BTreeSet::new(),
        };
        Some((job, prefix))
    }

    /// What the coinbase commits to.
    pub const fn commitment(&self) -> &[u8; 32] {
        &self.commitment
    }

    /// Whom its shares are credited to.
    pub const fn script(&self) -> PayoutScript {
        self.terms.payout_script
    }

    /// Target of the share chain. `None` never: the job was made with it.
    pub fn share_target(&self) -> Option<Target> {
        self.terms.share_bits.to_target()
    }

    /// Whether the hash meets the share chain's target.
    pub fn is_share(&self, pow: &PowHash) -> bool {
        self.share_target().is_some_and(|target| target.is_met_by(pow))
    }

    /// State after the coinbase prefix. `None` never: the job was made with it.
    pub fn prefix_state(&self) -> Option<PrefixState> {
        match &self.own_prefix {
            Some(own) => Some(**own),
            None => self.template.class_prefix(self.terms.payout_class).map(|prefix| prefix.state),
        }
    }

    /// Both parts of the extranonce.
    pub fn extranonce(&self, extranonce2: [u8; EXTRANONCE2_LEN]) -> [u8; EXTRANONCE_LEN] {
        let mut extranonce = [0; EXTRANONCE_LEN];
        extranonce[..EXTRANONCE1_LEN].copy_from_slice(&self.extranonce1);
        extranonce[EXTRANONCE1_LEN..].copy_from_slice(&extranonce2);
        extranonce
    }

    /// The end of the coinbase: commitment, extranonce, lock time.
    pub fn coinbase_tail(&self, extranonce: &[u8; EXTRANONCE_LEN]) -> [u8; TAIL_LEN] {
        sharechain::share::coinbase_tail(&self.commitment, extranonce, self.template.locktime())
    }

    /// What a share of this job says.
    pub fn data(&self) -> Option<ShareData> {
        self.template.data(&self.terms)
    }

    /// Whether the submit was accepted before.
    pub(crate) fn has(&self, key: &SubmitKey) -> bool {
        self.submits.contains(key)
    }

    /// Remembers an accepted submit; false when it is not new or there is no room.
    pub(crate) fn remember(&mut self, key: SubmitKey) -> bool {
        self.submits.len() < SUBMITS_MAX && self.submits.insert(key)
    }

    /// Expected hashes of one submit.
    pub fn hashes(&self) -> f64 {
        self.difficulty.hashes(self.template.algorithm())
    }
}

/// The jobs a session may still be asked about, oldest first.
#[derive(Debug, Default)]
pub struct JobStore {
    jobs: VecDeque<Entry>,
    /// Submits accepted since it was last counted how many are remembered.
    accepted: usize,
}

#[derive(Debug)]
struct Entry {
    job: Job,
    sent: Instant,
    /// When a job on a newer parent block was sent.
    superseded: Option<Instant>,
}

impl JobStore {
    /// Remembers a job that is sent now; `clean` when it is on a new parent block.
    pub fn push(&mut self, job: Job, clean: bool, now: Instant) {
        if clean {
            for entry in &mut self.jobs {
                entry.superseded.get_or_insert(now);
            }
        }
        self.forget_old(now);
        if self.jobs.len() >= JOBS_MAX {
            self.jobs.pop_front();
        }
        self.jobs.push_back(Entry { job, sent: now, superseded: None });
    }

    /// Forgets jobs that are too old for any submit.
    pub fn forget_old(&mut self, now: Instant) {
        while self.jobs.front().is_some_and(|entry| now.saturating_duration_since(entry.sent) > JOB_AGE_MAX) {
            self.jobs.pop_front();
        }
    }

    /// The job with this id, and whether its submits are stale: a block is still a block then.
    pub fn find(&mut self, id: u32, now: Instant) -> Option<(&mut Job, bool)> {
        let entry = self.jobs.iter_mut().rev().find(|entry| entry.job.id == id)?;
        let too_old = now.saturating_duration_since(entry.sent) > JOB_AGE_MAX;
        let beyond_grace = entry.superseded.is_some_and(|since| now.saturating_duration_since(since) > STALE_GRACE);
        Some((&mut entry.job, too_old || beyond_grace))
    }

    /// The number of the newest job on this template, when one is remembered: a miner may come back to it from another lane.
    pub fn last_variant(&self, template: &Arc<JobTemplate>) -> Option<u8> {
        let mut jobs = self.jobs.iter().rev().map(|entry| &entry.job);
        jobs.find(|job| Arc::ptr_eq(&job.template, template)).map(|job| JobTemplate::variant_of(job.id))
    }

    /// The job with this id.
    pub fn get(&self, id: u32) -> Option<&Job> {
        self.jobs.iter().rev().map(|entry| &entry.job).find(|job| job.id == id)
    }

    /// A submit was remembered. Forgets the oldest jobs when there are too many in all.
    pub fn on_remembered(&mut self) {
        self.accepted = self.accepted.saturating_add(1);
        if self.accepted < SUBMITS_MAX {
            return;
        }
        let counts = self.jobs.iter().map(|entry| entry.job.submits.len());
        self.accepted = counts.fold(0, usize::saturating_add);
        while self.accepted >= SUBMITS_MAX && self.jobs.len() > 1 {
            let forgotten = self.jobs.pop_front().map_or(0, |entry| entry.job.submits.len());
            self.accepted = self.accepted.saturating_sub(forgotten);
        }
    }

    /// The newest job.
    pub fn newest(&self) -> Option<&Job> {
        self.jobs.back().map(|entry| &entry.job)
    }
}
