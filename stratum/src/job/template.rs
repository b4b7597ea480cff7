//! What all jobs of one refresh have in common: header fields, merkle branch, and one coinbase prefix per payout class
//! with its SHA-256 state. Made once, shared by every session.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use sharechain::{
    CompactTarget, JobContext, Params, ParentWork, PowAlgorithm, ShareData, ShareTerms, Work, coinbase::PrefixState,
};

use super::Job;
use crate::lane::LaneId;

/// Bits of a job's id that tell jobs of one session on the same template apart.
const VARIANT_BITS: u32 = 4;
/// Bits of a job's id before those of its lane: those of the variant, and a million templates, which last for days.
const LANE_SHIFT: u32 = 24;
/// Jobs of one session on the same template. Each may be some kilobytes of coinbase: stops a client from having itself sent job
/// after job by asking for other difficulties.
pub(super) const VARIANTS_MAX: u8 = 1 << VARIANT_BITS;

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

/// What a block has after its coinbase. Nothing here looks into it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BlockBody {
    /// Raw transactions.
    pub transactions: Vec<Arc<[u8]>>,
    /// What some chains have after the transactions.
    pub tail: Vec<u8>,
}

/// See the module.
#[derive(Debug)]
pub struct JobTemplate {
    /// What the block has after its coinbase: with it a found block can be put together.
    pub body: Arc<BlockBody>,
    lane: LaneId,
    serial: u32,
    params: Arc<Params>,
    context: JobContext,
    work: ParentWork,
    header: HeaderFields,
    /// Expected hashes of a block.
    block_work: Work,
    /// By payout class; made when the first session of that class has a job.
    prefixes: Vec<OnceLock<Option<Prefix>>>,
    /// The parameters of `mining.notify` between the id and the coinbase, and between the commitment and the last one.
    notify_head: String,
    notify_tail: Bytes,
}

/// A coinbase before its commitment, ready to be sent and to be continued.
#[derive(Clone, Debug)]
pub struct Prefix {
    /// As Stratum V1 sends it.
    pub hex: Bytes,
    /// SHA-256 after it.
    pub state: PrefixState,
}

/// A `mining.notify` line. All but its beginning and the commitment is shared by every session of the payout class.
#[derive(Clone, Debug)]
pub struct NotifyLine {
    parts: [Bytes; 5],
}

impl JobTemplate {
    /// Joins the share chain's context with the parent chain's template. The `serial` has to differ from those of the last few
    /// minutes: ids of jobs are made of it.
    pub fn new(
        params: Arc<Params>,
        context: JobContext,
        (work, header, body): (ParentWork, HeaderFields, Arc<BlockBody>),
        serial: u32,
    ) -> Self {
        let prefixes = params.raw().payout_classes.iter().map(|_| OnceLock::new()).collect();
        let block_work = header.bits.to_target().and_then(|target| target.work()).unwrap_or(Work::MAX);
        let (notify_head, notify_tail) = (notify_head(&work), notify_tail(&work, &header));
        let lane = LaneId::FIRST;
        Self { body, lane, serial, params, context, work, header, block_work, prefixes, notify_head, notify_tail }
    }

    /// The same for another lane than the first.
    #[must_use]
    pub const fn on_lane(mut self, lane: LaneId) -> Self {
        self.lane = lane;
        self
    }

    /// The lane that its shares are for.
    pub const fn lane(&self) -> LaneId {
        self.lane
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

    /// Expected hashes of a block.
    pub const fn block_work(&self) -> Work {
        self.block_work
    }

    /// The share chain's parameters.
    pub const fn params(&self) -> &Arc<Params> {
        &self.params
    }

    /// Proof of work of the parent chain.
    pub fn algorithm(&self) -> PowAlgorithm {
        self.params.parent().pow
    }

    /// Lock time of the coinbase.
    pub const fn locktime(&self) -> u32 {
        self.work.block_height.saturating_sub(1)
    }

    /// The id of a session's job number `variant` on this template, other than those of other lanes; `None` beyond
    /// [`VARIANTS_MAX`].
    pub(super) fn job_id(&self, variant: u8) -> Option<u32> {
        const NUMBERS: u32 = (1 << LANE_SHIFT) - 1;
        let lane = u32::from(self.lane.number()) << LANE_SHIFT;
        (variant < VARIANTS_MAX).then(|| lane | (self.serial << VARIANT_BITS & NUMBERS) | u32::from(variant))
    }

    /// The number of the job with this id on its template.
    pub(super) const fn variant_of(id: u32) -> u8 {
        (id % (1 << VARIANT_BITS)) as u8
    }

    /// What a share of a miner with these terms says; `None` when they fit no share.
    pub(super) fn data(&self, terms: &ShareTerms) -> Option<ShareData> {
        self.context.share_data(&self.work, terms)
    }

    /// The coinbase before the commitment to `data`, and whether it is for this data alone: while nobody has weight every finder
    /// has a prefix of its own.
    pub(super) fn prefix(&self, data: &ShareData) -> Option<(Prefix, bool)> {
        if self.context.weights.is_empty() {
            return Some((self.build_prefix(data)?, true));
        }
        let class = self.prefixes.get(usize::from(data.payout_class))?;
        Some((class.get_or_init(|| self.build_prefix(data)).clone()?, false))
    }

    /// The prefix of a class that a job was made for.
    pub(super) fn class_prefix(&self, payout_class: u8) -> Option<&Prefix> {
        self.prefixes.get(usize::from(payout_class))?.get()?.as_ref()
    }

    fn build_prefix(&self, data: &ShareData) -> Option<Prefix> {
        let bytes = self.context.coinbase_prefix(&self.params, data, self.work.prev_block);
        Some(Prefix { hex: hex::encode(&bytes).into(), state: PrefixState::after(&bytes)? })
    }
}

impl NotifyLine {
    /// The line for a job and the prefix it was made with.
    pub fn new(job: &Job, prefix: Prefix, clean: bool) -> Self {
        let template = &job.template;
        let head = format!(r#"{{"id":null,"method":"mining.notify","params":["{:08x}{}"#, job.id, template.notify_head);
        let commitment = hex::encode(job.commitment());
        let end = Bytes::from_static(if clean { b"true]}\n" } else { b"false]}\n" });
        Self { parts: [head.into(), prefix.hex, commitment.into(), template.notify_tail.clone(), end] }
    }

    /// Its bytes with the newline, in parts.
    pub fn into_parts(self) -> [Bytes; 5] {
        self.parts
    }
}

/// Without the newline.
impl fmt::Display for NotifyLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.parts.concat();
        f.write_str(String::from_utf8_lossy(&line).trim_end())
    }
}

fn notify_head(work: &ParentWork) -> String {
    let mut prevhash = *work.prev_block.as_bytes();
    for word in prevhash.as_chunks_mut::<4>().0 {
        word.reverse();
    }
    format!(r#"","{}",""#, hex::encode(prevhash))
}

fn notify_tail(work: &ParentWork, header: &HeaderFields) -> Bytes {
    let locktime = work.block_height.saturating_sub(1);
    let branch: Vec<String> = header.merkle_branch.iter().map(hex::encode).collect();
    let tail = format!(
        r#"","{}",{},"{:08x}","{}","{:08x}","#,
        hex::encode(locktime.to_le_bytes()),
        serde_json::json!(branch),
        header.version,
        header.bits,
        header.time,
    );
    tail.into()
}
