//! The share chain as a state machine: operations from bytes, and everything that has to hold after each.
//!
//! A [`DagMiner`] mines good and bad shares anywhere and knows which are which; the chain under test sees them late, out
//! of order, twice, or never, forgets what waited when it restarts, and mines itself.

use std::{collections::BTreeSet, sync::Arc};

use sharechain::{
    CheckedShare, ShareChain, ShareData, ShareId, Tip, UnixTime, Verdict, Work,
    chain::{Admission, Effect, FUTURE_TIME_MAX_SECS, Ignored, NotYet, Origin},
    testing::{DagMiner, GENESIS_TIME, PLAN_LEN, Plan, Rng, shallow_params},
};

/// Bytes of one operation.
const OPERATION_LEN: usize = 1 + PLAN_LEN;
/// More operations find nothing that these do not, and take long.
const OPERATIONS_MAX: usize = 150;

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Operation {
    /// Somebody mines; the chain under test hears of it.
    MineAndDeliver(Plan),
    /// Somebody mines in silence.
    Mine(Plan),
    /// Shares that were mined so many back are delivered, live or from the store.
    Deliver { back: u8, count: u8, origin: Origin },
    /// Somebody mines a share whose data lies.
    Lie { field: u8, plan: Plan },
    /// The chain under test mines on its own tip what it thinks is best.
    MineJob(Plan),
    /// Time passes.
    Wait(u8),
    /// What is linked is replayed into a new chain, as after a restart.
    Restart,
    /// The chain under test is asked what it would do with a share, and what it misses.
    Ask { back: u8 },
}

impl Operation {
    fn from_bytes(bytes: &[u8]) -> Self {
        let (tag, rest) = bytes.split_first().map_or((0, &[][..]), |(tag, rest)| (*tag, rest));
        let plan = Plan::from_bytes(rest);
        let byte = |at: usize| rest.get(at).copied().unwrap_or_default();
        let origin = if byte(2) % 2 == 0 { Origin::Live } else { Origin::OwnStore };
        match tag % 16 {
            0..=4 => Self::MineAndDeliver(plan),
            5..=8 => Self::Mine(plan),
            9 | 10 => Self::Deliver { back: byte(0), count: byte(1) % 16, origin },
            11 => Self::Lie { field: byte(7), plan },
            12 => Self::MineJob(plan),
            13 => Self::Wait(byte(0)),
            14 => Self::Restart,
            _ => Self::Ask { back: byte(0) },
        }
    }
}

/// Runs the operations that `bytes` spell; the first byte says whether parents may be of any depth, and whether the chain is so long
/// at the beginning that it has forgotten its own.
pub fn run(bytes: &[u8]) {
    let Some((mode, operations)) = bytes.split_first() else { return };
    let reach = if mode % 2 == 0 { 2 } else { u64::MAX };
    let mut run = Run::new(reach);
    if mode & 2 != 0 {
        run.grow(u64::from(mode >> 2));
    }
    for operation in operations.chunks(OPERATION_LEN).take(OPERATIONS_MAX) {
        run.perform(Operation::from_bytes(operation));
        run.check();
    }
    run.finish();
}

struct Run {
    miner: DagMiner,
    /// Shares whose data lies; valid without context.
    lies: Vec<Arc<CheckedShare>>,
    /// The chain under test.
    chain: ShareChain,
    now: UnixTime,
    tip: Tip,
    /// What the chain under test said is linked, in its order.
    linked: Vec<Arc<CheckedShare>>,
    linked_ids: BTreeSet<ShareId>,
    /// Linked shares whose payouts were checked.
    audited: usize,
    /// Whether the chain has forgotten anything: then not everything comes back.
    has_forgotten: bool,
}

impl Run {
    fn new(reach: u64) -> Self {
        let params = shallow_params();
        let chain = ShareChain::new(params.clone());
        Self {
            tip: chain.tip(),
            linked_ids: BTreeSet::from([params.genesis_id()]),
            miner: DagMiner::new(params, reach),
            lies: Vec::new(),
            chain,
            now: UnixTime::from(GENESIS_TIME),
            linked: Vec::new(),
            audited: 0,
            has_forgotten: false,
        }
    }

    /// Miners who see each other's shares a little late, until shares are forgotten.
    fn grow(&mut self, seed: u64) {
        let mut rng = Rng::new(seed);
        while self.chain.first_height() == 0 {
            let plan = Plan::from_bytes(&[(); PLAN_LEN].map(|()| rng.below(256).to_le_bytes()[0]));
            let parent = if plan.parent < 128 { 0 } else { 128 + plan.parent % 4 };
            let plan = Plan { parent, time: plan.time & 3, ..plan };
            let share = self.miner.mine(&plan);
            self.now = self.now.max(UnixTime::from(share.share().header.time));
            self.deliver(&share, Origin::Live);
        }
    }

    fn perform(&mut self, operation: Operation) {
        match operation {
            Operation::Mine(plan) => drop(self.miner.mine(&plan)),
            Operation::MineAndDeliver(plan) => {
                let share = self.miner.mine(&plan);
                self.deliver(&share, Origin::Live);
            }
            Operation::Deliver { back, count, origin } => {
                for share in self.known_from(back).into_iter().take(1 + usize::from(count)) {
                    self.deliver(&share, origin);
                    // The second time it is known, or still as bad as it was.
                    self.deliver(&share, origin);
                }
            }
            Operation::Lie { field, plan } => {
                let lie = self.miner.mine_lie(&Plan { time: plan.time.max(0), ..plan }, |data| falsify(data, field));
                self.lies.push(lie);
            }
            Operation::MineJob(plan) => self.mine_job(&plan),
            Operation::Wait(seconds) => {
                self.now += UnixTime::from(seconds);
                self.chain.handle_timeout(self.now);
                self.drain();
                assert!(self.chain.poll_timeout().is_none_or(|due| due > self.now), "what is due was looked at");
            }
            Operation::Restart => self.restart(),
            Operation::Ask { back } => self.ask(back),
        }
    }

    /// Everything mined so far, beginning so many shares back.
    fn known_from(&self, back: u8) -> Vec<Arc<CheckedShare>> {
        let all: Vec<_> = self.miner.shares.iter().chain(&self.miner.refused).chain(&self.lies).cloned().collect();
        let skipped = all.len().saturating_sub(1 + usize::from(back));
        all.into_iter().skip(skipped).collect()
    }

    fn is_valid(&self, id: &ShareId) -> bool {
        self.miner.share(id).is_some()
    }

    fn deliver(&mut self, share: &Arc<CheckedShare>, origin: Origin) {
        let was_linked = self.chain.contains(&share.id());
        match self.chain.handle(share.clone(), origin, self.now) {
            Verdict::Valid => assert!(self.is_valid(&share.id()) && !was_linked),
            Verdict::Invalid(error) => assert!(!self.is_valid(&share.id()), "{error} of a valid share"),
            Verdict::Missing(ids) => assert!(ids.iter().all(|id| !self.chain.is_linked(id)) && !was_linked),
            Verdict::NotYet(reason) => {
                let is_due = |until| origin == Origin::Live && until > self.now;
                assert!(!was_linked);
                match reason {
                    NotYet::FutureTime { until } => assert!(is_due(until)),
                    reason => assert_eq!(reason, NotYet::Ancestor),
                }
                // What is held and never built on is forgotten without a word, since it was never announced.
                self.has_forgotten = true;
            }
            Verdict::OutOfReach => assert!(self.has_forgotten),
            Verdict::Known => {}
        }
        self.drain();
    }

    /// Takes the effects: linked once, after all ancestors, only valid shares; each new tip outranks the one before.
    fn drain(&mut self) {
        while let Some(effect) = self.chain.poll_effect() {
            match effect {
                Effect::Linked(share) => {
                    let data = &share.share().data;
                    let mut ancestors = std::iter::once(&data.parent).chain(&data.uncles);
                    assert!(ancestors.all(|id| self.linked_ids.contains(id)), "linked before an ancestor");
                    assert!(self.is_valid(&share.id()), "an invalid share was linked");
                    assert!(self.linked_ids.insert(share.id()), "linked twice");
                    self.linked.push(share);
                }
                Effect::TipChanged { tip, .. } => {
                    assert!(tip.total_work >= self.tip.total_work, "the tip lost work");
                    assert!(self.miner.rank(&tip.id) > self.miner.rank(&self.tip.id), "the tip got worse");
                    self.tip = tip;
                }
                Effect::Refused { id, .. } => assert!(!self.is_valid(&id), "a valid share was refused"),
                Effect::Forgotten(id) => self.forget(id),
                Effect::RivalBranch(_) => panic!("nobody guards against deep forks here"),
                Effect::Overruled { .. } | Effect::UpgradeDecided { .. } => {}
            }
        }
    }

    fn forget(&mut self, id: ShareId) {
        self.has_forgotten = true;
        self.linked_ids.remove(&id);
        self.linked.retain(|share| share.id() != id);
        self.audited = 0;
    }

    fn mine_job(&mut self, plan: &Plan) {
        let context = self.chain.job_context().expect("the numbers are not exhausted");
        // The miner knows more, and may have forgotten what is new here.
        if self.miner.chain.context_on(&context.parent, &context.uncles).is_none() {
            return;
        }
        let share = self.miner.mine_on(&Plan { time: plan.time.max(0), ..*plan }, context.parent, &context.uncles);
        let data = &share.share().data;
        assert_eq!((data.height, data.count, data.base_bits), (context.height, context.count, context.base_bits));
        assert_eq!(self.chain.handle(share, Origin::OwnStore, self.now), Verdict::Valid, "a node refuses its own job");
        self.drain();
    }

    fn restart(&mut self) {
        if self.chain.first_height() > 0 {
            return self.restart_in_the_middle();
        }
        if self.has_forgotten {
            return;
        }
        let mut chain = ShareChain::new(self.chain.params().clone());
        for share in &self.linked {
            assert_eq!(chain.handle(share.clone(), Origin::OwnStore, 0), Verdict::Valid);
        }
        let effects = std::iter::from_fn(|| chain.poll_effect());
        let forgotten: Vec<_> =
            effects.filter_map(|effect| if let Effect::Forgotten(id) = effect { Some(id) } else { None }).collect();
        // What we found ourselves on a held branch was announced, and the store does not say that it was held.
        if self.chain.held_back() == 0 && self.is_settled(&chain, self.tip.id) {
            assert_eq!(chain.tip(), self.tip, "another tip after a restart");
        }
        self.tip = chain.tip();
        self.chain = chain;
        forgotten.into_iter().for_each(|id| self.forget(id));
        // Payouts are asked for again, from windows that have to be summed again.
        self.audited = 0;
    }

    /// As a start does it whose store begins with the first share that is kept.
    fn restart_in_the_middle(&mut self) {
        let first = self.chain.first_share();
        let stored = |share: &&Arc<CheckedShare>| share.id() == first;
        let mut chain = ShareChain::starting_with(
            self.chain.params().clone(),
            self.linked.iter().find(stored).expect("the first share is linked").clone(),
        );
        for share in self.linked.iter().filter(|share| share.id() != first) {
            let verdict = chain.handle(share.clone(), Origin::OwnStore, 0);
            assert!(!matches!(verdict, Verdict::Invalid(_)), "{verdict:?} of a stored share");
        }
        if self.chain.held_back() == 0 && self.is_settled(&chain, self.tip.id) {
            assert_eq!(chain.tip(), self.tip, "another tip after a restart");
            let (now, before) = (chain.job_context(), self.chain.job_context());
            let (now, before) = (now.expect("not exhausted"), before.expect("not exhausted"));
            assert_eq!((now.weights, now.uncles, now.work_before), (before.weights, before.uncles, before.work_before));
        }
        self.tip = chain.tip();
        self.chain = chain;
        self.linked.clear();
        while let Some(effect) = self.chain.poll_effect() {
            match effect {
                Effect::Linked(share) => self.linked.push(share),
                Effect::Forgotten(id) => self.linked.retain(|share| share.id() != id),
                _ => {}
            }
        }
        self.linked_ids = self.linked.iter().map(|share| share.id()).collect();
        self.audited = 0;
    }

    fn ask(&self, back: u8) {
        for share in self.known_from(back) {
            let admission = self.chain.admit(&share, self.now);
            if self.chain.contains(&share.id()) {
                assert_eq!(admission, Admission::Ignore(Ignored::Known));
            }
        }
        let missing = self.chain.missing(self.tip.id, 50);
        assert!(missing.iter().all(|id| !self.chain.contains(id)), "what is here is not missing");
        let genesis = self.chain.params().genesis_id();
        assert_eq!(self.chain.locator(&missing).last(), Some(&genesis));
        if self.chain.first_height() > 0 {
            return;
        }
        let order = self.chain.order_after(&[genesis], usize::MAX);
        let past = self.miner.past(&self.tip.id);
        assert_eq!(order.len(), past.len(), "the canonical order is the tip's past");
        assert!(order.iter().all(|id| past.contains(id)));
    }

    /// Whether no chain is asked to leave a branch deeper than the merge depth, which is up to policy.
    fn is_settled(&self, chain: &ShareChain, best: ShareId) -> bool {
        let depth = u64::from(chain.params().raw().merge_depth);
        self.miner.meeting(chain.tip().id, best) + depth >= chain.tip().height
    }

    fn check(&mut self) {
        assert_eq!(self.chain.tip(), self.tip, "the tip changes with an effect only");
        let (genesis, held) = (self.chain.params().genesis_id(), self.chain.held_back());
        // Held shares on a branch that is followed are announced as well.
        let len = self.chain.len();
        assert!((self.linked.len().max(held)..=self.linked.len() + held).contains(&len), "{len} linked, {held} held");
        // What we found ourselves on a held branch is announced and not followed.
        let ids = self.linked.iter().map(|share| share.id()).filter(|id| held == 0 || !self.may_be_held(id));
        let best = ids.max_by_key(|id| self.miner.rank(id)).unwrap_or(genesis);
        if self.is_settled(&self.chain, best) {
            assert!(self.miner.rank(&self.tip.id) >= self.miner.rank(&best), "the tip is the best of what is linked");
            assert!(held > 0 || self.tip.id == best, "the tip is one of those that are linked");
        }
        for share in self.linked.iter().skip(self.audited) {
            let Some(paid) = self.chain.payouts(share) else {
                assert!(self.has_forgotten, "a linked share has payouts");
                continue;
            };
            let sum: u64 = paid.iter().map(|payout| payout.amount.units()).sum();
            let data = &share.share().data;
            let raw = self.chain.params().raw();
            assert_eq!(sum, data.coinbase_value.units());
            assert!(paid.len() <= usize::from(raw.payout_classes[usize::from(data.payout_class)]));
            assert!(paid.iter().all(|payout| payout.amount >= raw.payout_min));
            if let Some(theirs) = self.miner.chain.payouts(share) {
                assert_eq!(paid, theirs, "two nodes pay differently");
            }
        }
        self.audited = self.linked.len();
    }

    /// Whether the share, or one that it builds on, is ahead of the clock.
    fn may_be_held(&self, id: &ShareId) -> bool {
        let is_ahead =
            |share: &Arc<CheckedShare>| UnixTime::from(share.share().header.time) > self.now + FUTURE_TIME_MAX_SECS;
        let past = self.miner.past(id);
        self.linked.iter().any(|share| (share.id() == *id || past.contains(&share.id())) && is_ahead(share))
    }

    /// In the end everybody hears of everything, and agrees.
    fn finish(mut self) {
        let everything: Vec<_> = self.miner.shares.iter().rev().cloned().collect();
        // Twice: what a peer had brought waits as a peer's, and may be too far back when its ancestors come.
        for share in everything.iter().chain(&everything) {
            self.deliver(share, Origin::OwnStore);
        }
        self.now = UnixTime::from(u32::MAX);
        self.chain.handle_timeout(self.now);
        self.drain();
        self.check();
        let is_here = |share: &Arc<CheckedShare>| self.chain.contains(&share.id());
        assert!(self.has_forgotten || self.miner.shares.iter().all(is_here), "a valid share is not linked");
        if !self.has_forgotten && self.is_settled(&self.chain, self.miner.chain.tip().id) {
            assert_eq!(self.chain.tip(), self.miner.chain.tip());
            let (ours, theirs) = (self.chain.job_context(), self.miner.chain.job_context());
            let (ours, theirs) = (ours.expect("not exhausted"), theirs.expect("not exhausted"));
            assert_eq!(ours.weights, theirs.weights);
            // The miner may have forgotten what can be merged here: it forgets branches that nobody added to while it was on another one.
            if self.miner.shares.iter().all(|share| self.miner.chain.contains(&share.id())) {
                assert_eq!((&ours.uncles, ours.work_before), (&theirs.uncles, theirs.work_before));
            }
        }
    }
}

/// Changes one number that follows from the past, or the coinbase that does.
fn falsify(data: &mut ShareData, field: u8) {
    match field % 6 {
        0 => data.height += 1,
        1 => data.count += 1,
        2 => data.total_work = Work::from_hashes(data.total_work.hashes() + 1),
        3 => data.coinbase_flags.push(1),
        4 => data.witness_commitment = None,
        // Only harder bases are lies that need the context to be seen.
        _ => (data.base_bits, data.total_work) = (data.share_bits, Work::from_hashes(data.total_work.hashes() + 2)),
    }
}
