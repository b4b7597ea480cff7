//! I9 and I10: a window is the last W work of its payout share's past, and what is kept of it while the best chain moves
//! is what a recomputation from the first share gives.

use std::{collections::BTreeMap, sync::Arc};

use proptest::{collection::vec, prelude::*};

use super::{grow, plans, replay, shuffled};
use crate::{
    chain::{Origin, ShareChain, Verdict},
    hash::ShareId,
    payout::{self, Payout, PayoutTerms},
    pplns::{Weights, WindowBounds},
    script::PayoutScript,
    target::Work,
    testing::{DagMiner, Plan, script, shallow_params},
    validate::CheckedShare,
};

fn window(newest_first: &[(u8, u64)], work: u64) -> Weights {
    let entries =
        newest_first.iter().map(|(tag, work)| (script(u64::from(tag % 6)), Work::from_hashes(u128::from(*work))));
    Weights::from_newest_first(
        entries,
        WindowBounds { work: Work::from_hashes(u128::from(work)), entries_max: u64::MAX },
    )
}

fn weight(weights: &Weights, tag: u64) -> u128 {
    let entry = weights.entries().iter().find(|(known, _)| *known == script(tag));
    entry.map_or(0, |(_, work)| work.hashes())
}

proptest! {
    #[test]
    fn invariant_i9_a_window_is_the_newest_work_and_no_more(
        entries in vec((any::<u8>(), 1..1_000_u64), 0..60), bound in 1..20_000_u64,
    ) {
        let weights = window(&entries, bound);
        let all: u64 = entries.iter().map(|(_, work)| work).sum();
        prop_assert_eq!(weights.total().hashes(), u128::from(all.min(bound)));
        // Unit by unit from the newest: who owns the first `bound` units of work?
        let units = entries.iter().flat_map(|(tag, work)| std::iter::repeat_n(u64::from(tag % 6), usize::try_from(*work).unwrap()));
        let mut owned = BTreeMap::<u64, u128>::new();
        for tag in units.take(usize::try_from(bound).unwrap()) {
            *owned.entry(tag).or_default() += 1;
        }
        for tag in 0..6 {
            prop_assert_eq!(weight(&weights, tag), owned.get(&tag).copied().unwrap_or_default());
        }
    }

    #[test]
    fn invariant_i9_one_more_share_moves_at_most_its_own_weight(
        entries in vec((any::<u8>(), 1..1_000_u64), 0..60), bound in 1..20_000_u64, tag: u8, work in 1..1_000_u64,
    ) {
        let before = window(&entries, bound);
        let after = window(&[vec![(tag, work)], entries].concat(), bound);
        let moved = |tag: u64| weight(&after, tag).cast_signed() - weight(&before, tag).cast_signed();
        let (gained, lost): (Vec<i128>, Vec<i128>) = (0..6).map(moved).partition(|moved| *moved > 0);
        let credited = i128::from(work.min(bound));
        prop_assert!(gained.iter().sum::<i128>() <= credited && -lost.iter().sum::<i128>() <= credited);
        prop_assert!((0..6).all(|other| other == u64::from(tag % 6) || moved(other) <= 0), "only its owner gains");
    }
}

/// The payouts of a share from nothing but the shares of its past: a chain that has seen nothing else gives their
/// canonical order, and the window is summed over it backwards.
fn recomputed(miner: &DagMiner, share: &CheckedShare) -> Vec<Payout> {
    let raw = miner.chain.params().raw();
    let data = &share.share().data;
    let past = miner.past(&data.parent);
    let alone = replay(miner.chain.params(), miner.shares.iter().filter(|other| past.contains(&other.id())));
    assert_eq!(alone.tip().id, data.parent, "the parent is the best of its own past");
    let order = alone.order_after(&[alone.params().genesis_id()], usize::MAX);

    let height_max = data.height.checked_sub(1 + u64::from(raw.merge_depth));
    let payout_share = miner.selected_from(data.parent).find(|id| {
        let height = miner.height(id);
        height > 0 && height.is_multiple_of(u64::from(raw.payout_epoch)) && height_max.is_some_and(|max| height <= max)
    });
    let newest_first =
        payout_share.map_or(&[][..], |id| &order[..=order.iter().position(|other| *other == id).unwrap()]);
    let base_work = |id: ShareId| miner.share(&id).unwrap().base_target().work().unwrap().hashes();
    let mut room = payout_share.map_or(0, |id| base_work(id) * u128::from(raw.window_shares));
    let mut works = BTreeMap::<PayoutScript, u128>::new();
    for id in newest_first.iter().rev().take(2 * usize::try_from(raw.window_shares).unwrap()) {
        let share = miner.share(id).unwrap();
        let credited = share.work().hashes().min(room);
        room -= credited;
        if credited > 0 {
            *works.entry(share.share().data.payout_script).or_default() += credited;
        }
    }
    let total = Work::from_hashes(works.values().sum());
    let entries = works.into_iter().map(|(script, work)| (script, Work::from_hashes(work)));
    let terms = PayoutTerms {
        reward: data.coinbase_value,
        outputs_max: usize::from(raw.payout_classes[usize::from(data.payout_class)]),
        payout_min: raw.payout_min,
        prev_block: share.share().header.prev_block,
    };
    let weights = Weights::from_newest_first(entries, WindowBounds { work: total, entries_max: u64::MAX });
    payout::split(&terms, &weights, data.payout_script)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In an order of arrival that makes the best chain jump, and asked for payouts all the way.
    #[test]
    fn invariant_i10_kept_windows_are_those_of_a_recomputation(plans in plans(30..70), seed: u64) {
        let miner = grow(&plans);
        let expected: BTreeMap<ShareId, Vec<Payout>> =
            miner.shares.iter().map(|share| (share.id(), recomputed(&miner, share))).collect();
        let mut chain = ShareChain::new(miner.chain.params().clone());
        for share in shuffled(&miner.shares, seed) {
            prop_assert!(matches!(chain.handle(share, Origin::OwnStore, 0), Verdict::Valid | Verdict::Missing(_)));
            for linked in miner.shares.iter().rev().filter(|share| chain.contains(&share.id())).take(4).cloned().collect::<Vec<_>>() {
                let paid = chain.payouts(&linked);
                prop_assert_eq!(paid.as_ref(), expected.get(&linked.id()));
            }
        }
        // Branches that nobody added to for long are forgotten; what is kept pays the same as ever.
        let mut kept = 0;
        for share in &miner.shares {
            if let Some(paid) = chain.payouts(share) {
                kept += 1;
                prop_assert_eq!(Some(&paid), expected.get(&share.id()));
            }
        }
        prop_assert!(kept >= chain.tip().height.min(20));
    }

    /// All shares that can still merge each other pay by one window, so there is nothing to choose (attack F1).
    #[test]
    fn invariant_i10_shares_of_one_epoch_pay_one_window(plans in plans(30..70)) {
        let mut miner = grow(&plans);
        let tip = miner.chain.tip().id;
        let params = miner.chain.params().clone();
        let mut windows = BTreeMap::<u64, (ShareId, Vec<(PayoutScript, Work)>)>::new();
        for share in miner.shares.clone() {
            let parent = share.share().data.parent;
            if miner.meeting(parent, tip) + params.merge_depth() < miner.height(&parent) {
                continue;
            }
            let Some(context) = miner.chain.context_on(&parent, &[]) else { continue };
            let epoch = context.height.saturating_sub(1 + params.merge_depth()) / u64::from(params.raw().payout_epoch);
            let window = (context.payout_share, context.weights.entries().to_vec());
            prop_assert_eq!(windows.entry(epoch).or_insert_with(|| window.clone()), &window);
        }
    }
}

/// Uncles of equal work in their past are ordered by id, so the entry that a window cuts is the same everywhere.
#[test]
fn invariant_i9_equal_shares_are_ordered_by_id() {
    let mut miner = DagMiner::new(shallow_params(), 2);
    let plan = Plan::from_bytes(&[]);
    let first = miner.mine(&plan).id();
    let siblings: Vec<Arc<CheckedShare>> =
        (0..4).map(|tag| miner.mine_on(&Plan { miner: tag, ..plan }, first, &[])).collect();
    let mut ids: Vec<ShareId> = siblings.iter().map(|share| share.id()).collect();
    ids.sort_unstable();
    let merging = miner.mine(&plan);
    let order = miner.chain.order_after(&[first], 10);
    // The smallest id is the tip that the others are merged into.
    assert_eq!(order, [ids[0], ids[1], ids[2], ids[3], merging.id()]);
}
