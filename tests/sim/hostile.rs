//! Hostile miners with a node of their own: what they mine on, and when they show it.
//!
//! Every strategy uses the real share chain to build real shares; it only chooses what an honest node would not choose.

use std::sync::Arc;

use sharechain::{
    Amount, JobContext, Params, ParentWork, PayoutScript, ShareChain, ShareId, ShareTerms, Work, coinbase::PrefixState,
};

use super::{Millis, MinerId, NodeId, World, chance::between, job::Job, parent_chain::ParentChain};

/// What a hostile node does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Attack {
    /// Mines honestly: what the others are compared with.
    Honest,
    /// Shows its shares a minute late and builds on them meanwhile.
    Withhold,
    /// Shows them twenty minutes late.
    LateRelease,
    /// Hides a lead and shows it when the others come near (selfish mining).
    Selfish,
    /// Merges nobody.
    NoMerge,
    /// Writes the latest time that is let pass.
    TimeAhead,
    /// Writes the earliest.
    TimeBehind,
    /// Builds at base difficulty on shares long ago.
    SpamOld,
    /// Mines on parent blocks that are two behind.
    ParentStale,
    /// Chooses the payout class whose draw pays it most (attacks C4 and M13).
    DrawGrind,
    /// Lists the shares since an old parent as its uncles (attack C1).
    OldParents,
    /// Keeps a branch of its own for ever and shows every share of it (attack F1).
    ImmortalBranch,
    /// Invents parent blocks.
    FalseClaims,
    /// Keeps a branch of its own and shows it at the end (attack H7).
    HoardedBranch,
    /// Mines twice as much half of the time.
    HashSwitch,
    /// Mines everything at base difficulty.
    BaseFlood,
}

/// Name of honest mining by those who could do otherwise.
const HONEST: &str = "honest";

/// All that are not honest.
pub const ATTACKS: [(Attack, &str); 15] = [
    (Attack::Withhold, "withhold"),
    (Attack::LateRelease, "late-release"),
    (Attack::Selfish, "selfish"),
    (Attack::NoMerge, "no-merge"),
    (Attack::TimeAhead, "time-ahead"),
    (Attack::TimeBehind, "time-behind"),
    (Attack::SpamOld, "spam-old"),
    (Attack::ParentStale, "parent-stale"),
    (Attack::DrawGrind, "draw-grind"),
    (Attack::OldParents, "old-parents"),
    (Attack::ImmortalBranch, "immortal-branch"),
    (Attack::FalseClaims, "false-claims"),
    (Attack::HoardedBranch, "hoarded-branch"),
    (Attack::HashSwitch, "hash-switch"),
    (Attack::BaseFlood, "base-flood"),
];

impl Attack {
    /// The attack with this name.
    pub fn find(name: &str) -> Option<Self> {
        let honest = (name == HONEST).then_some(Self::Honest);
        honest.or_else(|| ATTACKS.iter().find(|(_, known)| *known == name).map(|(attack, _)| *attack))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        ATTACKS.iter().find(|(known, _)| *known == self).map_or(HONEST, |(_, name)| name)
    }
}

/// When a share is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Publish {
    /// At once.
    Now,
    /// Later.
    After(Millis),
    /// When the strategy says so.
    Withhold,
}

/// A share that somebody decided to mine.
#[derive(Clone, Debug)]
pub struct Forgery {
    /// What the share chain says there.
    pub context: JobContext,
    /// What it claims of the parent chain.
    pub work: ParentWork,
    /// Number of the parent block it is on; `None` when nobody has it.
    pub on_block: Option<usize>,
    /// Header time.
    pub time: u32,
    /// Payout class.
    pub class: u8,
    /// When it is shown.
    pub publish: Publish,
}

impl Forgery {
    /// The coinbase prefix that the rules ask for.
    ///
    /// # Panics
    /// When the world's work does not fit 128 bits.
    pub fn prefix(&self, params: &Params, finder: PayoutScript) -> PrefixState {
        let data = self.context.share_data(&self.work, &terms(&self.context, self.class, finder)).expect("work fits");
        let prefix = self.context.coinbase_prefix(params, &data, self.work.prev_block);
        PrefixState::after(&prefix).expect("a whole number of blocks")
    }

    /// What it would pay a script.
    fn pays(&self, params: &Params, script: PayoutScript) -> Amount {
        let data = self.context.share_data(&self.work, &terms(&self.context, self.class, script)).expect("work fits");
        let payouts = self.context.payouts(params, &data, self.work.prev_block);
        payouts.iter().find(|payout| payout.script == script).map_or(Amount::ZERO, |payout| payout.amount)
    }
}

/// The first minute is shared by everybody: before it nobody has anything to withhold.
const WITHHOLD_MS: Millis = 60_000;
const LATE_MS: Millis = 1_200_000;
/// A switching miner is on, and off, for this long.
const SWITCH_MS: Millis = 1_200_000;
/// Seconds that a time is ahead without being held back.
const AHEAD_SECS: u32 = 118;
/// Places in a locator: 42 heights below the tip, and from there on doubling.
const OLD_PARENT: usize = 15;
const OLD_PARENTS_SPAMMED: (u64, u64) = (13, 22);
/// Uncles that a farmer of old parents lists.
const FARMED_UNCLES: usize = 60;

/// Whether switching miners are away for now.
pub fn is_switched_off(now: Millis) -> bool {
    (now / SWITCH_MS) % 2 == 1
}

/// Whether what the node has must not be told.
pub fn withholds(attack: Attack) -> bool {
    matches!(attack, Attack::Withhold | Attack::LateRelease | Attack::Selfish)
}

/// Whether what its blocks pay it is not what is due on average.
pub fn chooses_draws(attack: Option<Attack>) -> bool {
    attack == Some(Attack::DrawGrind)
}

/// What a hostile miner mines now.
pub fn forge(world: &mut World, node: NodeId, miner: MinerId, attack: Attack, job: &Arc<Job>) -> Option<Forgery> {
    let unix = u32::try_from(world.nodes[node].unix(world.now())).unwrap_or(u32::MAX);
    let class = world.miners[miner].builder.payout_class;
    let honest = |context: JobContext| {
        let time = unix.max(context.median_time);
        Forgery { context, work: job.work.clone(), on_block: Some(job.on_block), time, class, publish: Publish::Now }
    };
    let same = honest(job.context.clone());
    Some(match attack {
        Attack::Withhold => Forgery { publish: Publish::After(WITHHOLD_MS), ..own_tip(world, node, honest)? },
        Attack::LateRelease => Forgery { publish: Publish::After(LATE_MS), ..own_tip(world, node, honest)? },
        Attack::Selfish => Forgery { publish: Publish::Withhold, ..own_tip(world, node, honest)? },
        Attack::NoMerge => {
            let tip = world.nodes[node].chain.tip().id;
            honest(world.nodes[node].chain.context_on(&tip, &[])?)
        }
        Attack::TimeAhead => Forgery { time: unix.saturating_add(AHEAD_SECS), ..same },
        Attack::TimeBehind => Forgery { time: job.context.median_time, ..same },
        Attack::SpamOld => {
            let place = between(world.rng_mut(), OLD_PARENTS_SPAMMED.0, OLD_PARENTS_SPAMMED.1);
            let chain = &mut world.nodes[node].chain;
            let parent = old_parent(chain, usize::try_from(place).unwrap_or(OLD_PARENT))?;
            honest(chain.context_on(&parent, &[])?)
        }
        Attack::ParentStale => {
            let block = job.on_block.checked_sub(2)?;
            Forgery { work: world.parent.work_on(block), on_block: Some(block), ..same }
        }
        Attack::FalseClaims => {
            let tag = world.rng_mut().next();
            let mut work = job.work.clone();
            work.prev_block = ParentChain::invented(tag);
            work.block_height = u32::try_from(tag % 2_000_000 + 1).unwrap_or(1);
            Forgery { work, on_block: None, ..same }
        }
        Attack::DrawGrind => best_class(world, miner, same),
        Attack::OldParents => {
            let chain = &mut world.nodes[node].chain;
            let parent = old_parent(chain, OLD_PARENT)?;
            let uncles = chain.order_after(&[parent], FARMED_UNCLES);
            honest(chain.context_on(&parent, &uncles)?)
        }
        Attack::ImmortalBranch => branch(world, node).map_or(Some(same), |context| context.map(honest))?,
        Attack::HoardedBranch => match branch(world, node) {
            None => same,
            Some(context) => Forgery { publish: Publish::Withhold, ..honest(context?) },
        },
        Attack::Honest | Attack::HashSwitch | Attack::BaseFlood => same,
    })
}

/// On the node's own newest tip, which others may not know.
fn own_tip(world: &mut World, node: NodeId, honest: impl Fn(JobContext) -> Forgery) -> Option<Forgery> {
    world.nodes[node].chain.job_context().map(honest)
}

/// A selected share below the tip, by its place in the locator.
fn old_parent(chain: &ShareChain, place: usize) -> Option<ShareId> {
    chain.locator(&[]).get(place).copied().filter(|id| *id != chain.params().genesis_id())
}

/// The context of a branch that merges nobody; `None` while it has not begun.
fn branch(world: &mut World, node: NodeId) -> Option<Option<JobContext>> {
    if world.now() < world.scenario.request.branches_begin() {
        return None;
    }
    if world.nodes[node].private.is_none() {
        let mut private = ShareChain::new(world.params.clone());
        for share in &world.nodes[node].store {
            let _verdict = private.handle(world.ledger.share(*share).clone(), sharechain::Origin::OwnStore, 0);
            while private.poll_effect().is_some() {}
        }
        world.nodes[node].private = Some(Box::new(private));
    }
    let private = world.nodes[node].private.as_mut()?;
    let tip = private.tip().id;
    Some(private.context_on(&tip, &[]))
}

/// The class whose draw pays the miner most: the draw depends on the parent block, which everybody knows.
fn best_class(world: &World, miner: MinerId, forgery: Forgery) -> Forgery {
    let script = world.miners[miner].builder.script;
    let classes = 0..u8::try_from(world.params.raw().payout_classes.len()).unwrap_or(u8::MAX);
    let options = classes.rev().map(|class| Forgery { class, ..forgery.clone() });
    options.max_by_key(|option| option.pays(&world.params, script)).unwrap_or(forgery)
}

fn terms(context: &JobContext, payout_class: u8, payout_script: PayoutScript) -> ShareTerms {
    ShareTerms { payout_script, payout_class, share_bits: context.base_bits, node_nonce: 0, signal: 0 }
}

/// Share work that a strategy asks for instead of the policy's.
pub fn share_work(attack: Option<Attack>, policy: Work) -> Work {
    if attack == Some(Attack::BaseFlood) || attack == Some(Attack::SpamOld) { Work::ZERO } else { policy }
}
