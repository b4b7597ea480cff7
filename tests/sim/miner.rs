//! A miner: finds come at random, on the job that has reached it by then.

use std::sync::Arc;

use sharechain::{CheckedShare, JobContext, Params, ParentWork, coinbase::PrefixState, testing};

use super::{
    Attack, Millis, NodeId, hostile,
    job::{JOB_LIFE_MS, Job},
    scenario::{MinerPlan, POOL_HASHRATE, Role, SHARE_SECS, work},
};

/// A miner at a node.
#[derive(Debug)]
pub struct Miner {
    /// Its node.
    pub node: NodeId,
    /// Hashes per second.
    pub hashrate: f64,
    /// See [`MinerPlan`].
    pub job_latency: Millis,
    /// See [`MinerPlan`].
    pub submit_latency: Millis,
    /// Why it is looked at.
    pub role: Role,
    /// Builds its shares.
    pub builder: testing::Miner,
    /// Number of the plan for its next find: older plans are void.
    pub plan: u64,
    /// Hashes that the planned find stands for; 0 while there is nothing to work on.
    pub planned: f64,
    /// Hashes of its last share, where it chooses for itself what it mines on.
    pub chosen: Option<f64>,
}

/// What a share is built from.
#[derive(Debug)]
pub struct Draft<'a> {
    /// What the share chain says.
    pub context: &'a JobContext,
    /// What the daemon says, or what the miner claims that it says.
    pub work: ParentWork,
    /// Header time.
    pub time: u32,
    /// Payout class.
    pub class: u8,
    /// Coinbase prefix.
    pub prefix: PrefixState,
    /// Whether it is a block.
    pub is_block: bool,
}

impl Miner {
    /// The miner of a plan; its number makes its payout script.
    pub fn new(plan: &MinerPlan, number: usize, params: &Arc<Params>, attack: Option<Attack>) -> Self {
        let mut builder = testing::Miner::new(params.clone(), u64::try_from(number + 1).unwrap_or(u64::MAX));
        // A switching miner rests half of the time.
        let when_on = if attack == Some(Attack::HashSwitch) { 2.0 } else { 1.0 };
        let hashrate = plan.part * POOL_HASHRATE * when_on;
        builder.share_work = hostile::share_work(attack, work(hashrate * SHARE_SECS));
        builder.payout_class = u8::try_from(params.raw().payout_classes.len() - 1).unwrap_or(u8::MAX);
        let MinerPlan { node, job_latency, submit_latency, role, .. } = *plan;
        Self { node, hashrate, job_latency, submit_latency, role, builder, plan: 0, planned: 0.0, chosen: None }
    }

    /// The job it works on now.
    pub fn job<'a>(&self, jobs: impl DoubleEndedIterator<Item = &'a Arc<Job>>, now: Millis) -> Option<&'a Arc<Job>> {
        let has_arrived = |job: &&Arc<Job>| job.made_at + self.job_latency <= now;
        jobs.rev().find(has_arrived).filter(|job| job.made_at + JOB_LIFE_MS > now)
    }

    /// Hashes that a share on this context costs on average.
    pub fn share_hashes(&self, context: &JobContext) -> f64 {
        let bits = sharechain::difficulty::share_bits(self.builder.share_work, context.base_bits);
        let work = bits.and_then(|bits| bits.to_target()).and_then(|target| target.work());
        hashes(work.unwrap_or(sharechain::Work::MAX))
    }

    /// A share with everything but the work, which was drawn.
    ///
    /// # Panics
    /// When it breaks a rule of its own bytes: then the simulator is wrong.
    pub fn build(&mut self, params: &Params, draft: Draft<'_>) -> Arc<CheckedShare> {
        let Draft { context, work, time, class, prefix, is_block } = draft;
        self.builder.work = work;
        self.builder.payout_class = class;
        let data = self.builder.data(context);
        let share = self.builder.assemble(data, prefix, time);
        Arc::new(CheckedShare::check_unmined(share, is_block, params).expect("built by the rules"))
    }
}

/// Work as a floating number, for rates and parts only.
pub fn hashes(work: sharechain::Work) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a part in 2^53 decides nothing")]
    let hashes = work.hashes() as f64;
    hashes
}
