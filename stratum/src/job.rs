//! Jobs: what a miner is told to hash, and what must be remembered to judge its submits.
//!
//! A [`JobTemplate`] holds what all jobs of one refresh have in common: header fields, merkle branch, and one coinbase
//! prefix per payout class with its SHA-256 state. A [`Job`] adds a miner's commitment and targets, a few hundred bytes.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Instant,
};

use sharechain::{
    CompactTarget, JobContext, Params, ParentWork, PowAlgorithm, ShareData, ShareTerms, Target, coinbase::PrefixState,
};

use crate::{
    difficulty::Difficulty,
    limits::{JOB_AGE_MAX, JOBS_MAX, STALE_GRACE},
    message,
};

/// Header fields that the parent chain's template fixes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeaderFields {
    /// Block version without any bit that miners may roll.
    pub version: u32,
    /// The parent chain's target.
    pub bits: CompactTarget,
    /// Time to start from.
    pub time: u32,
    /// Earliest time that both chains accept.
    pub time_min: u32,
    /// Right siblings on the path from the coinbase to the merkle root.
    pub merkle_branch: Arc<[[u8; 32]]>,
}

/// What all jobs of one refresh have in common.
#[derive(Debug)]
pub struct JobTemplate {
    /// Raw transactions of the block after the coinbase: with them a found block can be put together.
    pub transactions: Arc<Vec<Vec<u8>>>,
    params: Arc<Params>,
    context: JobContext,
    work: ParentWork,
    header: HeaderFields,
    prefixes: BTreeMap<u8, Prefix>,
    prevhash_hex: String,
    branch_json: String,
}

/// A coinbase prefix, ready to be sent and to be continued.
#[derive(Clone, Debug)]
struct Prefix {
    hex: Arc<str>,
    state: PrefixState,
}

/// One miner's job.
#[derive(Debug)]
pub struct Job {
    /// Unique per connection.
    pub id: String,
    /// What it is made of.
    pub template: Arc<JobTemplate>,
    /// What a share of this job says.
    pub data: ShareData,
    /// State after the coinbase prefix.
    pub prefix: PrefixState,
    /// Target of the share chain.
    pub share_target: Target,
    /// What the miner was told.
    pub difficulty: Difficulty,
    /// Target of `difficulty`, never harder than the share's.
    pub target: Target,
    commitment: [u8; 32],
    prefix_hex: Arc<str>,
    /// Submits that were accepted: extranonce2, time, nonce, version.
    pub(crate) submits: BTreeSet<SubmitKey>,
}

/// What distinguishes two submits of one job.
pub(crate) type SubmitKey = ([u8; crate::extranonce::EXTRANONCE2_LEN], u32, u32, u32);

impl JobTemplate {
    /// Joins the share chain's context with the parent chain's template; `classes` get their prefix now.
    pub fn new(
        params: Arc<Params>,
        context: JobContext,
        (work, header, transactions): (ParentWork, HeaderFields, Arc<Vec<Vec<u8>>>),
        classes: &[ShareTerms],
    ) -> Self {
        let mut prevhash = *work.prev_block.as_bytes();
        for word in prevhash.as_chunks_mut::<4>().0 {
            word.reverse();
        }
        let branch: Vec<String> = header.merkle_branch.iter().map(hex::encode).collect();
        let mut template = Self {
            transactions,
            params,
            context,
            work,
            header,
            prefixes: BTreeMap::new(),
            prevhash_hex: hex::encode(prevhash),
            branch_json: serde_json::json!(branch).to_string(),
        };
        // While nobody has weight every finder has a prefix of its own.
        if !template.context.weights.is_empty() {
            for terms in classes {
                let prefix = template.data(terms).and_then(|data| template.build_prefix(&data));
                template.prefixes.extend(prefix.map(|prefix| (terms.payout_class, prefix)));
            }
        }
        template
    }

    /// The share chain's side.
    pub const fn context(&self) -> &JobContext {
        &self.context
    }

    /// The parent chain's side.
    pub const fn work(&self) -> &ParentWork {
        &self.work
    }

    /// Header fields.
    pub const fn header(&self) -> &HeaderFields {
        &self.header
    }

    /// The share chain's parameters.
    pub const fn params(&self) -> &Arc<Params> {
        &self.params
    }

    /// Proof of work of the parent chain.
    pub fn algorithm(&self) -> PowAlgorithm {
        self.params.parent().pow
    }

    fn data(&self, terms: &ShareTerms) -> Option<ShareData> {
        self.context.share_data(&self.work, terms)
    }

    fn build_prefix(&self, data: &ShareData) -> Option<Prefix> {
        let bytes = self.context.coinbase_prefix(&self.params, data, self.work.prev_block);
        Some(Prefix { hex: hex::encode(&bytes).into(), state: PrefixState::after(&bytes)? })
    }
}

impl Job {
    /// The job of a miner with these terms who is told `difficulty`, at most that of the share itself.
    ///
    /// `None` when the terms fit no share: an unknown class or a target out of range.
    pub fn new(template: Arc<JobTemplate>, terms: &ShareTerms, id: String, difficulty: Difficulty) -> Option<Self> {
        let data = template.data(terms)?;
        let prefix = match template.prefixes.get(&terms.payout_class) {
            Some(prefix) => prefix.clone(),
            None => template.build_prefix(&data)?,
        };
        let algorithm = template.algorithm();
        let share_target = terms.share_bits.to_target()?;
        let covering = Difficulty::covering(share_target, algorithm);
        let (difficulty, target) = if difficulty < covering {
            (difficulty, difficulty.target(algorithm).max(share_target))
        } else {
            (covering, share_target)
        };
        Some(Self {
            id,
            commitment: data.commitment(template.params.id()),
            data,
            prefix: prefix.state,
            prefix_hex: prefix.hex,
            share_target,
            difficulty,
            target,
            template,
            submits: BTreeSet::new(),
        })
    }

    /// The `mining.notify` line.
    pub fn notify(&self, clean: bool) -> String {
        let header = &self.template.header;
        let params = format!(
            r#"["{}","{}","{}{}","{}",{},"{:08x}","{}","{:08x}",{clean}]"#,
            self.id,
            self.template.prevhash_hex,
            self.prefix_hex,
            hex::encode(self.commitment),
            hex::encode(self.data.locktime().to_le_bytes()),
            self.template.branch_json,
            header.version,
            header.bits,
            header.time,
        );
        message::notification("mining.notify", &params)
    }

    /// Expected hashes of one submit.
    pub fn hashes(&self) -> f64 {
        self.difficulty.hashes(self.template.algorithm())
    }
}

/// The jobs a session may still be asked about.
#[derive(Debug, Default)]
pub struct JobStore {
    jobs: VecDeque<Entry>,
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
        while self.jobs.len() >= JOBS_MAX
            || self.jobs.front().is_some_and(|entry| now.saturating_duration_since(entry.sent) > JOB_AGE_MAX)
        {
            self.jobs.pop_front();
        }
        self.jobs.push_back(Entry { job, sent: now, superseded: None });
    }

    /// The job with this id, and whether its submits are stale: a block is still a block then.
    pub fn find(&mut self, id: &str, now: Instant) -> Option<(&mut Job, bool)> {
        let entry = self.jobs.iter_mut().rev().find(|entry| entry.job.id == id)?;
        let too_old = now.saturating_duration_since(entry.sent) > JOB_AGE_MAX;
        let beyond_grace = entry.superseded.is_some_and(|since| now.saturating_duration_since(since) > STALE_GRACE);
        Some((&mut entry.job, too_old || beyond_grace))
    }

    /// The newest job.
    pub fn newest(&self) -> Option<&Job> {
        self.jobs.back().map(|entry| &entry.job)
    }
}
