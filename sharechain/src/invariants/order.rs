//! I6 and I13: what a node ends up with depends on the shares and never on their order, and its tip only gets better.

use std::{collections::BTreeSet, sync::Arc};

use proptest::prelude::*;

use super::{grow, plans, replay, shuffled};
use crate::{
    chain::{Effect, Origin, ShareChain, Tip, Verdict},
    fork_choice::ForkRank,
    hash::ShareId,
    params::ConsensusParams,
    target::Work,
    testing::{self, DagMiner, Miner, Plan, Rng, shallow_params},
    validate::CheckedShare,
};

/// Everything the next share says, and its coinbase in every payout class, as bytes.
fn next_share(chain: &mut ShareChain) -> Vec<u8> {
    let mut miner = Miner::new(chain.params().clone(), 1);
    let context = chain.job_context().unwrap();
    let mut bytes = Vec::new();
    for class in 0..chain.params().raw().payout_classes.len() {
        miner.payout_class = u8::try_from(class).unwrap();
        let data = miner.data(&context);
        bytes.extend(context.coinbase_prefix(chain.params(), &data, miner.work.prev_block));
        bytes.extend(data.encode());
    }
    bytes
}

fn rank(tip: Tip) -> ForkRank {
    ForkRank::new(tip.total_work, tip.id)
}

/// The best of all valid shares, by the rule of fork choice alone.
fn best(miner: &DagMiner) -> ShareId {
    let genesis = miner.chain.params().genesis_id();
    miner.shares.iter().map(|share| share.id()).max_by_key(|id| miner.rank(id)).unwrap_or(genesis)
}

/// Hands over one share and checks what the chain says and does: linked shares are announced once and after their
/// ancestors, and each new tip outranks the one before (I13).
fn feed(
    chain: &mut ShareChain,
    share: &Arc<CheckedShare>,
    linked: &mut BTreeSet<ShareId>,
) -> Result<Verdict, TestCaseError> {
    let mut tip = chain.tip();
    let verdict = chain.handle(share.clone(), Origin::OwnStore, 0);
    while let Some(effect) = chain.poll_effect() {
        match effect {
            Effect::Linked(share) => {
                let data = &share.share().data;
                let mut ancestors = std::iter::once(&data.parent).chain(&data.uncles);
                prop_assert!(ancestors.all(|id| linked.contains(id)), "linked before an ancestor");
                prop_assert!(linked.insert(share.id()), "linked twice");
            }
            Effect::TipChanged { tip: next, .. } => {
                prop_assert!(rank(next) > rank(tip), "the tip got worse");
                prop_assert!(next.total_work >= tip.total_work);
                tip = next;
            }
            Effect::Refused { .. }
            | Effect::RivalBranch(_)
            | Effect::Overruled { .. }
            | Effect::UpgradeDecided { .. }
            | Effect::Forgotten(_) => {}
        }
    }
    prop_assert_eq!(chain.tip(), tip, "the tip changed without a word");
    Ok(verdict)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn invariant_i6_and_i13_any_order_gives_one_tip_and_one_coinbase(plans in plans(10..70), seeds: [u64; 4]) {
        let mut miner = grow(&plans);
        let expected = (miner.chain.tip(), next_share(&mut miner.chain));
        prop_assert_eq!(expected.0.id, best(&miner));
        let everything = [miner.shares.clone(), miner.refused.clone()].concat();
        let invalid: BTreeSet<ShareId> = miner.refused.iter().map(|share| share.id()).collect();
        for (round, seed) in seeds.into_iter().enumerate() {
            let mut chain = ShareChain::new(miner.chain.params().clone());
            let mut linked = BTreeSet::from([chain.params().genesis_id()]);
            for share in shuffled(&everything, seed) {
                let verdict = feed(&mut chain, &share, &mut linked)?;
                prop_assert!(!matches!(verdict, Verdict::Invalid(_)) || invalid.contains(&share.id()));
                prop_assert!(verdict != Verdict::Valid || !invalid.contains(&share.id()));
                // Jobs asked for in between fill caches that must not change what follows.
                if round % 2 == 0 {
                    chain.job_context();
                }
                prop_assert!(matches!(chain.handle(share, Origin::OwnStore, 0), Verdict::Known | Verdict::Invalid(_)));
            }
            // A branch that came early and that nobody added to for long is forgotten, and what builds on it waits.
            let has_forgotten = chain.len() + 1 < linked.len();
            prop_assert!(has_forgotten || chain.waiting() == 0);
            prop_assert!(has_forgotten || linked.len() == miner.shares.len() + 1, "all that is valid, and nothing else");
            prop_assert_eq!((chain.tip(), next_share(&mut chain)), expected.clone());
            let genesis = [chain.params().genesis_id()];
            prop_assert_eq!(chain.order_after(&genesis, 1_000), miner.chain.order_after(&genesis, 1_000));
        }
    }

    /// Any closed part of the shares is a set of its own: the tip is its best share, whatever else exists.
    #[test]
    fn invariant_i13_the_tip_is_the_best_of_what_is_linked(plans in plans(10..60), part: prop::sample::Index) {
        let miner = grow(&plans);
        let shares = &miner.shares[..part.index(miner.shares.len() + 1)];
        let chain = replay(miner.chain.params(), shares);
        let best = shares.iter().map(|share| share.id()).max_by_key(|id| miner.rank(id));
        prop_assert_eq!(chain.tip().id, best.unwrap_or_else(|| chain.params().genesis_id()));
    }

    /// Along the best chain each share has more work in its past, and the order that peers exchange is topological.
    #[test]
    fn invariant_i13_work_grows_along_the_best_chain(plans in plans(10..60)) {
        let miner = grow(&plans);
        let tip = miner.chain.tip().id;
        let selected: Vec<ShareId> = miner.selected_from(tip).collect();
        for pair in selected.windows(2) {
            prop_assert!(miner.rank(&pair[0]) > miner.rank(&pair[1]));
            prop_assert_eq!(miner.height(&pair[0]), miner.height(&pair[1]) + 1);
        }
        let genesis = miner.chain.params().genesis_id();
        let order = miner.chain.order_after(&[genesis], 1_000);
        let mut seen = BTreeSet::from([genesis]);
        for id in &order {
            let data = &miner.share(id).unwrap().share().data;
            prop_assert!(std::iter::once(&data.parent).chain(&data.uncles).all(|id| seen.contains(id)));
            prop_assert!(seen.insert(*id), "twice in the order");
        }
        seen.remove(&genesis);
        prop_assert_eq!(seen, miner.past(&tip), "the canonical order is the tip's past");
    }

    /// Exactly one of two different shares is the better tip, and three never go round in a circle.
    #[test]
    fn invariant_i13_fork_choice_is_a_total_order(works: [u8; 3], ids: [[u8; 2]; 3]) {
        let ranks: Vec<_> = works.iter().zip(ids).map(|(work, id)| {
            let mut bytes = [0; 32];
            (bytes[0], bytes[31]) = (id[0] % 3, id[1] % 3);
            let (work, id) = (Work::from_hashes(u128::from(work % 3)), ShareId::from_bytes(bytes));
            ((work, id), ForkRank::new(work, id))
        }).collect();
        for (a, rank_a) in &ranks {
            for (b, rank_b) in &ranks {
                prop_assert_eq!(a == b, rank_a == rank_b);
                prop_assert_eq!(rank_a.cmp(rank_b), rank_b.cmp(rank_a).reverse());
                // Work decides; of equals the smaller id is better.
                prop_assert!(a.0 <= b.0 || rank_a > rank_b);
                prop_assert!(a.0 != b.0 || a.1 >= b.1 || rank_a > rank_b);
                for (_, rank_c) in &ranks {
                    prop_assert!(!(rank_a > rank_b && rank_b > rank_c) || rank_a > rank_c);
                }
            }
        }
    }
}

/// [`DagMiner`] compares each verdict with its naive reading of the rules; here it does so for parents of any depth, and
/// the refusals are of every kind.
#[test]
fn invariant_i6_merge_sets_are_judged_by_the_past_alone() {
    let mut kinds = Vec::new();
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        // A half-life of one second lets the base outgrow what may still be merged.
        let raw =
            ConsensusParams { asert_halflife_secs: 1 + 9 * u32::from(seed % 2 == 0), ..shallow_params().raw().clone() };
        let mut miner = DagMiner::new(testing::params(raw), u64::MAX);
        for _ in 0..80 {
            let plan = Plan::from_bytes(&rng.next().to_le_bytes());
            let time = if plan.time < -100 { -1 } else { plan.time.rem_euclid(4) };
            miner.mine(&Plan { time, ..plan });
        }
        assert!(miner.shares.iter().any(|share| share.share().data.uncles.len() > 1), "seed {seed}");
        let mut chain = replay(miner.chain.params(), &shuffled(&miner.shares, seed));
        for share in &miner.refused {
            let verdict = chain.handle(share.clone(), Origin::OwnStore, 0);
            // In this order a dead branch may have been forgotten before the share came that names it.
            let Verdict::Invalid(error) = verdict else {
                assert!(matches!(verdict, Verdict::Missing(_)), "{verdict:?}");
                continue;
            };
            let kind = std::mem::discriminant(&error);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
    }
    assert_eq!(kinds.len(), 6, "{kinds:?}");
}
