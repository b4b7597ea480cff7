//! What several routes need and nobody should compute for every question: the split of the next block, and what is known of the
//! pool's blocks beside what became of them.
//!
//! One task follows the chain, the daemons and the blocks, looks at most twice a second, and publishes what it found.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use sharechain::{BlockHash, JobContext, ParentWork, PayoutScript, ShareId, chain::UnixTime, payout::Payout};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{ApiState, chance::Terms};
use crate::{blocks::PoolBlock, chain_task::ChainQuery, parent::Template, work::usual_terms};

/// Least time between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Blocks that are looked up in one go: after a start there may be a thousand.
const LOOKUPS_MAX: usize = 16;

/// What was found at the last look.
#[derive(Clone, Debug, Default)]
pub(super) struct Digest {
    /// What the next block pays; nothing without a template, and while nobody has work in the window.
    pub(super) next: Option<Arc<NextBlock>>,
    /// When the present template came.
    pub(super) template_since: Option<Instant>,
    /// What is known of blocks.
    pub(super) facts: Arc<BTreeMap<BlockHash, BlockFacts>>,
}

/// What the next block pays.
#[derive(Clone, Debug)]
pub(super) struct NextBlock {
    /// Ascending by script.
    pub(super) payouts: Vec<Payout>,
    /// Subsidy and fees of the block.
    pub(super) coinbase_value: u64,
    /// What the payouts sum to, and under which limits.
    pub(super) terms: Terms,
}

/// What a block's share says.
#[derive(Clone, Debug)]
pub(super) struct BlockFacts {
    /// Work of the share chain up to the block, itself included, hashes.
    pub(super) total_work: u128,
    /// Hashes that a block took in the mean, by its own target.
    pub(super) expected: u128,
    /// Its header's time.
    pub(super) time: UnixTime,
    /// Work since the block before it, in blocks; `None` where that one is not known.
    pub(super) effort: Option<f64>,
    /// How many outputs pay miners; `None` where its window is not kept any more.
    pub(super) payouts_count: Option<usize>,
}

impl NextBlock {
    /// What a script gets.
    pub(super) fn amount(&self, script: &PayoutScript) -> Option<u64> {
        let place = self.payouts.binary_search_by(|payout| payout.script.cmp(script)).ok()?;
        self.payouts.get(place).map(|payout| payout.amount.units())
    }
}

/// Follows until the token is cancelled.
pub(super) async fn follow(api: ApiState, published: watch::Sender<Digest>, token: CancellationToken) {
    let mut follower = Follower { api, made: None, digest: Digest::default(), unknown: BTreeMap::new() };
    loop {
        follower.look().await;
        published.send_replace(follower.digest.clone());
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            () = sleep(LOOK_INTERVAL) => {}
        }
    }
}

struct Follower {
    api: ApiState,
    /// What the published split was made of.
    made: Option<(Arc<JobContext>, Arc<Template>)>,
    digest: Digest,
    /// Blocks whose share is not in the store, and how often it was looked for.
    unknown: BTreeMap<BlockHash, u32>,
}

/// Looks for a share that the store does not have: it may be on its way to it.
const LOOKS_MAX: u32 = 20;

impl Follower {
    async fn look(&mut self) {
        let context = self.api.chain.borrow().context.clone();
        let template = self.api.parent.borrow().template.clone();
        self.split(context, template);
        self.learn_blocks().await;
    }

    /// Splits the next block, when something about it changed.
    fn split(&mut self, context: Option<Arc<JobContext>>, template: Option<Arc<Template>>) {
        let (Some(context), Some(template)) = (context, template) else {
            (self.made, self.digest.next) = (None, None);
            return;
        };
        let is_new_template = self.made.as_ref().is_none_or(|(_, made)| !Arc::ptr_eq(made, &template));
        if is_new_template {
            self.digest.template_since = Some(Instant::now());
        }
        let is_split = self
            .made
            .as_ref()
            .is_some_and(|(made, old)| Arc::ptr_eq(&made.weights, &context.weights) && old.work == template.work);
        if !is_split {
            self.digest.next = self.next_block(&context, &template.work).map(Arc::new);
        }
        self.made = Some((context, template));
    }

    fn next_block(&self, context: &JobContext, work: &ParentWork) -> Option<NextBlock> {
        if context.weights.is_empty() {
            return None;
        }
        let params = &self.api.profile.params;
        let data = context.share_data(work, &usual_terms(params, context))?;
        let payouts = context.payouts(params, &data, work.prev_block);
        let terms = Terms {
            reward: payouts.iter().fold(0, |sum: u64, payout| sum.saturating_add(payout.amount.units())),
            outputs_max: params.outputs_max(data.payout_class, &data.extra_outputs).unwrap_or(1),
            payout_min: params.raw().payout_min.units(),
        };
        Some(NextBlock { payouts, coinbase_value: work.coinbase_value.units(), terms })
    }

    /// Looks up the shares of blocks that are new, and forgets those of blocks that are gone.
    async fn learn_blocks(&mut self) {
        let blocks = self.api.blocks.borrow().clone();
        let is_known = |facts: &BTreeMap<BlockHash, BlockFacts>, block: &PoolBlock| facts.contains_key(&block.hash);
        let is_hopeless = |block: &PoolBlock| self.unknown.get(&block.hash).is_some_and(|looks| *looks >= LOOKS_MAX);
        let fresh = blocks.blocks.iter().filter(|block| !is_known(&self.digest.facts, block) && !is_hopeless(block));
        let fresh: Vec<BlockHash> = fresh.take(LOOKUPS_MAX).map(|block| block.hash).collect();
        let mut facts = BTreeMap::clone(&self.digest.facts);
        for hash in &fresh {
            match self.facts(*hash).await {
                Some(found) => {
                    self.unknown.remove(hash);
                    facts.insert(*hash, found);
                }
                None => *self.unknown.entry(*hash).or_default() += 1,
            }
        }
        let is_listed = |hash: &BlockHash| blocks.blocks.iter().any(|block| block.hash == *hash);
        if facts.len() > blocks.blocks.len() {
            facts.retain(|hash, _| is_listed(hash));
        }
        self.unknown.retain(|hash, _| is_listed(hash));
        let counted: BTreeSet<BlockHash> =
            blocks.blocks.iter().filter(|block| !block.is_lost()).map(|block| block.hash).collect();
        set_efforts(&mut facts, &counted);
        self.digest.facts = Arc::new(facts);
    }

    async fn facts(&self, hash: BlockHash) -> Option<BlockFacts> {
        let id = ShareId::from(hash);
        let stored = self.api.store.read(vec![id]).await.ok()?.into_iter().next().flatten()?;
        let share = stored.to_share(&self.api.profile.params)?;
        let expected = share.share().header.bits.to_target().and_then(|target| target.work());
        let (data, time) = (&share.share().data, share.share().header.time);
        let (total_work, expected) = (data.total_work.hashes(), expected.map_or(u128::MAX, |work| work.hashes()));
        let asked = Box::new(share);
        let payouts = self.api.ask(|reply| ChainQuery::Payouts { share: asked, reply }).await.ok().flatten();
        Some(BlockFacts {
            total_work,
            expected,
            time: time.into(),
            effort: None,
            payouts_count: payouts.map(|payouts| payouts.len()),
        })
    }
}

/// Work between blocks, in expected blocks.
#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn set_efforts(facts: &mut BTreeMap<BlockHash, BlockFacts>, counted: &BTreeSet<BlockHash>) {
    let mut by_work: Vec<&mut BlockFacts> =
        facts.iter_mut().filter(|(hash, _)| counted.contains(hash)).map(|(_, facts)| facts).collect();
    by_work.sort_by_key(|facts| facts.total_work);
    let mut before: Option<u128> = None;
    for facts in by_work {
        let work = before.map(|before| facts.total_work.saturating_sub(before));
        facts.effort = work.map(|work| work as f64 / facts.expected as f64);
        before = Some(facts.total_work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(total_work: u128) -> BlockFacts {
        BlockFacts { total_work, expected: 100, time: 0, effort: None, payouts_count: None }
    }

    #[test]
    fn effort_is_the_work_since_the_block_before_that_counts() {
        let hash = |tag| BlockHash::from_bytes([tag; 32]);
        let mut all = BTreeMap::from([
            (hash(3), facts(1_000)),
            (hash(1), facts(1_150)),
            (hash(2), facts(1_170)),
            (hash(4), facts(1_400)),
        ]);
        set_efforts(&mut all, &BTreeSet::from([hash(1), hash(3), hash(4)]));
        let effort = |tag| all[&hash(tag)].effort;
        assert_eq!((effort(3), effort(1), effort(2), effort(4)), (None, Some(1.5), None, Some(2.5)));
    }
}
