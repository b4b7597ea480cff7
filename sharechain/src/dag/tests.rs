//! Random DAGs against the plain definitions: sets and walks.

use std::collections::BTreeSet;

use super::*;
use crate::{
    pplns::{Weights, WindowBounds},
    testing::{self, Rng},
};

/// A DAG whose every past is also kept as a set.
struct Model {
    dag: Dag,
    shares: Vec<ShareIndex>,
    pasts: BTreeMap<ShareIndex, BTreeSet<ShareIndex>>,
}

impl Model {
    /// `shares` shares; each on a parent up to `spread` places back, some with uncles.
    fn random(shares: usize, spread: usize, seed: u64) -> Self {
        let dag = Dag::new(&testing::devnet_params());
        let genesis = dag.tip();
        let pasts = BTreeMap::from([(genesis, BTreeSet::from([genesis]))]);
        let mut model = Self { dag, shares: vec![genesis], pasts };
        let mut rng = Rng::new(seed);
        for tag in 0..shares {
            let back = rng.below(spread.min(model.shares.len()));
            let parent = model.shares[model.shares.len() - 1 - back];
            model.add(parent, u8::try_from(tag % 7).unwrap(), &mut rng);
            if rng.below(3) == 0 {
                let tip = model.shares[rng.below(model.shares.len())];
                model.dag.select(tip).unwrap();
            }
        }
        model
    }

    fn add(&mut self, parent: ShareIndex, script: u8, rng: &mut Rng) {
        let mut past = self.pasts[&parent].clone();
        let mut uncles = Vec::new();
        for candidate in &self.shares {
            let node = self.dag.node(*candidate);
            let closed = past.contains(&node.parent) && node.uncles.iter().all(|uncle| past.contains(uncle));
            if !past.contains(candidate) && closed && uncles.len() < 5 && rng.below(2) == 0 {
                uncles.push(*candidate);
                past.insert(*candidate);
            }
        }
        uncles.sort_by_key(|uncle| self.dag.node(*uncle).merge_order());
        let work = Work::from_hashes(u128::from(rng.next() % 9 + 1));
        let sum = |from: Work, index: &ShareIndex| from.checked_add(self.dag.node(*index).work).unwrap();
        let node = self.dag.node(parent);
        let mut id = [script; 32];
        id[..8].copy_from_slice(&rng.next().to_le_bytes());
        let new = NewNode {
            id: ShareId::from_bytes(id),
            parent: Some(parent),
            height: node.height + 1,
            count: node.count + 1 + u64::try_from(uncles.len()).unwrap(),
            total_work: uncles.iter().fold(node.total_work, sum).checked_add(work).unwrap(),
            uncles,
            work,
            base_target: node.base_target,
            time: node.time + 1,
            script: PayoutScript::p2wpkh(&[script; 20]),
            signal: 0,
            prev_block: BlockHash::ZERO,
            own_block: 0,
            begins_epoch: (node.height + 1).is_multiple_of(4),
        };
        let index = self.dag.insert(new);
        past.insert(index);
        self.pasts.insert(index, past);
        self.shares.push(index);
    }

    fn selected_chain(&self, from: ShareIndex) -> Vec<ShareIndex> {
        std::iter::successors(Some(from), |index| self.dag.parent(*index)).collect()
    }

    /// The canonical order by its definition.
    fn order(&self, of: ShareIndex) -> Vec<ShareIndex> {
        let mut chain = self.selected_chain(of);
        chain.reverse();
        let group = |index: &ShareIndex| {
            let uncles = self.dag.node(*index).uncles.to_vec();
            uncles.into_iter().chain([*index])
        };
        chain.iter().skip(1).flat_map(group).collect()
    }
}

#[test]
fn ancestors_and_forks_are_those_of_a_walk() {
    for seed in 0..20 {
        let model = Model::random(120, 8, seed);
        let dag = &model.dag;
        for a in &model.shares {
            let chain_a = model.selected_chain(*a);
            for ancestor in &chain_a {
                assert_eq!(dag.ancestor_at(*a, dag.node(*ancestor).height), Some(*ancestor), "seed {seed}");
            }
            assert_eq!(dag.ancestor_at(*a, dag.node(*a).height + 1), None);
            assert_eq!(dag.fork_point(*a), chain_a.iter().copied().find(|at| dag.is_selected(*at)), "seed {seed}");
            for b in &model.shares {
                let chain_b = model.selected_chain(*b);
                let meeting = chain_a.iter().find(|at| chain_b.contains(at)).copied();
                assert_eq!(dag.meeting(*a, *b), meeting, "seed {seed}");
            }
        }
    }
}

#[test]
fn membership_in_a_past_is_that_of_the_set() {
    for seed in 0..20 {
        let model = Model::random(120, 8, seed);
        assert!(model.shares.iter().any(|share| model.dag.node(*share).uncles.len() > 1), "seed {seed}");
        for (of, set) in &model.pasts {
            let past = model.dag.past(*of);
            for share in &model.shares {
                assert_eq!(model.dag.is_in(&past, *share), set.contains(share), "seed {seed}: {share:?} in {of:?}");
            }
        }
        let tip_past = &model.pasts[&model.dag.tip()];
        let unmerged: BTreeSet<ShareIndex> = model.dag.unmerged().collect();
        let expected = model.shares.iter().copied().filter(|share| !tip_past.contains(share)).collect();
        assert_eq!(unmerged, expected, "seed {seed}");
    }
}

#[test]
fn a_share_s_place_in_the_order_is_its_count() {
    for seed in 0..10 {
        let model = Model::random(100, 6, seed);
        for of in &model.shares {
            let order = model.order(*of);
            let count = model.dag.node(*of).count;
            assert_eq!(u64::try_from(order.len()).unwrap(), count, "seed {seed}");
            let backwards: Vec<ShareId> = model.dag.entries(*of, 0..count).map(|node| node.id).collect();
            let expected: Vec<ShareId> = order.iter().rev().map(|index| model.dag.node(*index).id).collect();
            assert_eq!(backwards, expected, "seed {seed}");
            let (from, to) = (count / 3, count * 2 / 3);
            let part: Vec<ShareId> = model.dag.entries(*of, from..to).map(|node| node.id).collect();
            let skipped = usize::try_from(count - to).unwrap();
            assert_eq!(part, expected[skipped..skipped + usize::try_from(to - from).unwrap()], "seed {seed}");
        }
    }
}

#[test]
fn a_window_found_by_search_is_the_one_that_is_summed() {
    for seed in 0..20 {
        let model = Model::random(100, 6, seed);
        let mut rng = Rng::new(seed);
        for of in &model.shares {
            let bounds = WindowBounds {
                work: Work::from_hashes(u128::from(rng.next() % 300 + 1)),
                entries_max: rng.next() % 60 + 1,
            };
            let order = model.order(*of);
            let newest_first = order.iter().rev().map(|index| model.dag.node(*index));
            let expected = Weights::from_newest_first(newest_first.map(|node| (node.script, node.work)), bounds);
            let span = model.dag.window_span(*of, bounds).unwrap();
            let entries: Vec<&Node> = model.dag.entries(*of, span.entries.clone()).collect();
            assert_eq!(u64::try_from(entries.len()).unwrap(), expected.shares(), "seed {seed} {bounds:?}");
            let sum: u128 = entries.iter().map(|node| node.work.hashes()).sum();
            assert_eq!(sum - span.cut.hashes(), expected.total().hashes(), "seed {seed} {bounds:?}");
        }
    }
}

#[test]
fn what_is_pruned_is_gone_and_the_rest_answers_as_before() {
    for seed in 0..20 {
        let mut model = Model::random(200, 4, seed);
        let best = model.shares.iter().copied().max_by_key(|share| model.dag.node(*share).rank()).unwrap();
        model.dag.select(best).unwrap();
        let before = model.dag.len();
        let height = model.dag.node(best).height / 2;
        let forgotten = model.dag.prune_below(height);
        assert!(forgotten.len() > 20 && model.dag.len() == before - forgotten.len(), "seed {seed}");
        assert_eq!(model.dag.node(model.dag.root()).height, height);
        assert!(forgotten.iter().all(|id| model.dag.find(id).is_none()));
        let tip = model.dag.tip();
        let past = model.dag.past(tip);
        for share in model.shares.iter().filter(|share| model.dag.get(**share).is_some()) {
            let node = model.dag.node(*share);
            assert_eq!(model.dag.find(&node.id), Some(*share));
            assert_eq!(model.dag.is_in(&past, *share), model.pasts[&tip].contains(share), "seed {seed}");
            if model.dag.is_selected(*share) {
                assert_eq!(model.dag.ancestor_at(tip, node.height), Some(*share), "seed {seed}");
            }
        }
        assert_eq!(model.dag.ancestor_at(tip, height - 1), None);
        let bounds = |work| WindowBounds { work: Work::from_hashes(work), entries_max: 1_000 };
        assert!(model.dag.window_span(tip, bounds(20)).is_some());
        assert_eq!(model.dag.window_span(tip, bounds(u128::MAX)), None, "it reaches below what is kept");
    }
}

#[test]
fn forgetting_one_merger_leaves_the_others() {
    let mut model = Model::random(0, 1, 0);
    let genesis = model.shares[0];
    let mut rng = Rng::new(3);
    let mut add = |model: &mut Model, parent: ShareIndex, uncles: Vec<ShareIndex>| {
        let node = model.dag.node(parent).clone();
        let mut id = [0; 32];
        id[..8].copy_from_slice(&rng.next().to_le_bytes());
        let total_work = node.total_work.saturating_add(Work::from_hashes(1 + u128::from(rng.next() % 7)));
        model.dag.insert(NewNode {
            id: ShareId::from_bytes(id),
            parent: Some(parent),
            uncles,
            height: node.height + 1,
            count: node.count + 1,
            total_work,
            work: Work::from_hashes(1),
            base_target: node.base_target,
            time: node.time,
            script: node.script,
            signal: 0,
            prev_block: BlockHash::ZERO,
            own_block: 0,
            begins_epoch: false,
        })
    };
    let uncle = add(&mut model, genesis, Vec::new());
    let mergers = [(); 3].map(|()| {
        let parent = add(&mut model, genesis, Vec::new());
        add(&mut model, parent, vec![uncle])
    });
    model.dag.remove(mergers[1]);
    let has_uncle = |dag: &Dag, merger| dag.is_in(&dag.past(merger), uncle);
    assert!(has_uncle(&model.dag, mergers[0]) && has_uncle(&model.dag, mergers[2]));
    assert_eq!(model.dag.node(uncle).links.mergers, [mergers[0], mergers[2]]);
}

#[test]
fn pruning_beyond_the_tip_leaves_the_tip() {
    let mut model = Model::random(50, 4, 5);
    let best = model.shares.iter().copied().max_by_key(|share| model.dag.node(*share).rank()).unwrap();
    model.dag.select(best).unwrap();
    let height = model.dag.node(best).height;
    model.dag.prune_below(height + 10);
    assert_eq!((model.dag.tip(), model.dag.root()), (best, best));
    assert_eq!(model.dag.ids().collect::<Vec<_>>().len(), model.dag.len());
    assert!(model.dag.ids().all(|id| model.dag.find(&id).is_some()));
}
