//! Three short histories that meet every rule of a share's past.

use serde_json::{Value, json};
use sharechain::{
    Amount, CompactTarget, ConsensusParams, PowAlgorithm, ShareId, Work,
    params::ParentProfile,
    testing::{self, EASY_BITS, GENESIS_TIME},
};

use super::story::{GENESIS, Place, Story};

pub(super) fn vectors() -> Value {
    json!({
        "about": "histories told share by share, with what becomes of each; docs/protocol/validation.md",
        "stories": [devnet(), steep(), shallow()],
    })
}

fn parameters(name: &str, tx_time: bool) -> ConsensusParams {
    let parent = ParentProfile { tx_time, ..testing::parent_profile(PowAlgorithm::Blake2s) };
    ConsensusParams {
        name: name.to_owned(),
        base_target_max: EASY_BITS,
        ..ConsensusParams::devnet(parent, GENESIS_TIME)
    }
}

/// Uncles, waiting, numbers, times, payouts and a reorganisation at the devnet's distances.
fn devnet() -> Value {
    let params = testing::params(parameters("devnet", false));
    let mut story =
        Story::new("devnet", "the devnet's distances: merge depth 16, payouts from height 21 on", &params, 4);
    begin_backwards(&mut story);
    for height in 3..=17_u32 {
        // Two branches that are merged late, or too late.
        if height == 5 {
            story.grow("deep", "leaves at height 3; nobody merges it in time", Place::on("m3", 4).by(3));
        }
        if height == 6 {
            story.grow("edge", "leaves at height 4", Place::on("m4", 5).by(3));
        }
        let place = Place::on("", height);
        let (name, parent) = (format!("m{height}"), format!("m{}", height - 1));
        let finder = usize::try_from(height % 3).expect("below 3");
        story.grow(&name, "", Place { parent: &parent, finder, ..place });
    }
    merge_branches(&mut story);
    break_numbers(&mut story);
    break_payouts(&mut story);
    build_on_invalid(&mut story);
    reorganise(&mut story);
    story.end()
}

fn begin_backwards(story: &mut Story) {
    let first = story.honest(Place::on(GENESIS, 1));
    // Built on a chain that knows the first, told to one that does not yet.
    let mut ahead = Story::new("", "", &story.chain.params().clone(), 2);
    ahead.valid("m1", "", &first);
    let second = ahead.honest(Place::on("m1", 2).by(1));
    story.missing("m2", "arrives before its parent and waits", &second, ("m1", ahead.id("m1")));
    story.valid("m1", "on the virtual genesis; the share that waited for it is linked too", &first);
    assert!(story.is_tip("m2"));
    story.tell("m1", "the same again changes nothing", &first, &json!("known"));
}

fn merge_branches(story: &mut Story) {
    for (name, finder) in [("a", 0), ("b", 1), ("c", 2)] {
        story.grow(
            name,
            "one of three at height 18: of equal work the smallest id is the tip",
            Place::on("m17", 18).by(finder),
        );
    }
    let mut siblings = ["a", "b", "c"];
    siblings.sort_by_key(|name| story.id(name));
    let [best, second, third] = siblings;
    assert!(story.is_tip(best));
    let share = story.honest(Place::on(second, 19).merging(&[best]));
    story.invalid("tie", "parent_not_best", "an uncle with the parent's work and a smaller id", &share);
    story.grow("third_child", "makes its branch the heaviest", Place::on(third, 19).by(3));
    let share = story.honest(Place::on(best, 19).merging(&[third, "third_child"]));
    story.invalid("old_parent", "parent_not_best", "an uncle with more work than the parent", &share);
    story.grow("m19", "merges one sibling", Place::on(best, 19).merging(&[second]));
    let share = story.honest(Place::on("m19", 20).merging(&["third_child"]));
    story.invalid("open", "uncle_not_closed", "the uncle's parent is neither in the past nor merged with it", &share);
    let share = story.honest(Place::on("m19", 20).merging(&["deep"]));
    story.invalid("late", "uncle_too_deep", "height 20, and the uncle left at height 3", &share);
    let about = "merges two branches, one of two shares and one that left 16 heights below";
    story.grow("m20", about, Place::on("m19", 20).by(1).merging(&[third, "third_child", "edge"]));
    let share = story.honest(Place::on("m20", 21).merging(&[second]));
    story.invalid("twice", "uncle_merged", "its grandparent has merged the uncle", &share);
    let share = story.honest(Place::on("m20", 21).merging(&["m19"]));
    story.invalid("ancestor", "uncle_merged", "the uncle is a selected ancestor", &share);
}

fn break_numbers(story: &mut Story) {
    let place = Place::on("m20", 21);
    let share = story.lying(place, |data| data.height += 1);
    story.invalid("height", "height", "one too high", &share);
    let share = story.lying(place, |data| data.count -= 1);
    story.invalid("count", "count", "one too few", &share);
    let share = story.lying(place, |data| data.total_work = Work::from_hashes(data.total_work.hashes() + 1));
    story.invalid("total_work", "total_work", "one too much", &share);
    let share = story.lying(place, |data| data.base_bits = next_easier(data.base_bits));
    story.invalid("easy_base", "base_bits", "the next easier base", &share);
    let median = story.context(place).median_time - GENESIS_TIME;
    let share = story.honest(Place { seconds: median - 1, ..place });
    story.invalid("early", "time", "one second before the median time past of its parent", &share);
    story.grow("m21", "at the median; 32 times its base's work; the first to pay a window", place.by(2).weighing(64));
    let merging = Place { seconds: median, ..place };
    story.grow("m21_late", "a sibling with less work", merging.by(3));
}

fn next_easier(bits: CompactTarget) -> CompactTarget {
    bits.next_easier().expect("not the easiest")
}

fn break_payouts(story: &mut Story) {
    let place = Place::on("m21", 22).by(3);
    let share = story.paying(place, |payouts| {
        let units = |amount: Amount, change: i64| Amount::from_units(amount.units().wrapping_add_signed(change));
        payouts[0].amount = units(payouts[0].amount, 1);
        payouts[1].amount = units(payouts[1].amount, -1);
    });
    story.invalid("unit", "prefix", "one unit to the wrong script", &share);
    let share = story.paying(place, |payouts| payouts.reverse());
    story.invalid("order", "prefix", "payouts in descending order", &share);
    let own = story.miner(3).script;
    let share = story.paying(place, |payouts| {
        payouts.truncate(1);
        payouts[0] = sharechain::payout::Payout { script: own, amount: Amount::from_units(5_000_000_000) };
    });
    story.invalid("greed", "prefix", "everything to the finder", &share);
    let before = story.context(Place::on("m17", 18)).weights;
    let share = story.paying_by(place, |context| context.weights = before);
    story.invalid("stale_window", "prefix", "the window of an earlier epoch", &share);
    let share = story.lying(place, |data| data.coinbase_value = Amount::from_units(data.coinbase_value.units() + 1));
    story.invalid("value", "prefix", "its coinbase pays one unit less than its data says", &share);
    story.grow("m22", "pays what is due", place);
    for height in 23..=25_u32 {
        let (name, parent) = (format!("m{height}"), format!("m{}", height - 1));
        story.grow(&name, "", Place::on(&parent, height).by(usize::from(height == 24)));
    }
    let before = story.context(Place::on("m23", 24)).weights;
    let share = story.paying_by(Place::on("m25", 26), |context| context.weights = before);
    story.invalid("last_epoch", "prefix", "the window of the epoch before", &share);
}

fn build_on_invalid(story: &mut Story) {
    let place = Place::on("m25", 26);
    let lie = story.id("last_epoch");
    let share = story.lying(place, |data| data.parent = lie);
    story.invalid("child", "ancestor", "its parent is invalid", &share);
    let share = story.lying(place, |data| {
        (data.uncles, data.count) = (vec![lie], data.count + 1);
    });
    story.invalid("merger", "ancestor", "its uncle is invalid", &share);

    let invalid = story.lying(place, |data| data.height += 2);
    let id = block_id(&invalid);
    let child = story.lying(place, |data| data.parent = id);
    story.missing("orphan", "waits for a parent that will be invalid", &child, ("wrong", id));
    story.invalid("wrong", "height", "two too high; the share that waited for it is invalid too", &invalid);
    story.invalid("orphan", "ancestor", "the one that waited", &child);

    let uncle = story.honest(Place::on("m24", 25).by(3));
    let merging = story.lying(place, |data| {
        data.uncles = vec![block_id(&uncle)];
        data.count += 1;
        data.total_work = Work::from_hashes(data.total_work.hashes() + work(uncle.data.share_bits));
    });
    story.missing("m26", "waits for an uncle", &merging, ("u25", block_id(&uncle)));
    story.valid("u25", "the uncle; the share that waited is linked too", &uncle);
    assert!(story.is_tip("m26"));
}

/// The id of a share whose proof of work and id are one function.
fn block_id(share: &sharechain::Share) -> ShareId {
    ShareId::from_bytes(*PowAlgorithm::Blake2s.hash(&share.header.encode()).as_bytes())
}

fn work(bits: CompactTarget) -> u128 {
    bits.to_target().and_then(|target| target.work()).expect("a valid target").hashes()
}

fn reorganise(story: &mut Story) {
    story.grow("r24", "another branch, from height 23", Place::on("m23", 27).by(3));
    story.grow(
        "r25",
        "so much work that the tip changes and three heights are left",
        Place::on("r24", 28).by(3).weighing(64),
    );
    assert!(story.is_tip("r25"));
    let about = "merges all that was left, and a share that nobody had merged yet";
    story.grow("r26", about, Place::on("r25", 29).merging(&["m24", "m25", "u25", "m26", "m21_late"]));
    assert_eq!(story.chain.job_context().expect("it goes on").uncles, []);
}

/// A base that grows with every share, a transaction time, and an uncle that is too light.
fn steep() -> Value {
    let params = testing::params(ConsensusParams {
        asert_halflife_secs: 2,
        payout_epoch: 1,
        merge_depth: 10,
        window_shares: 4,
        ..parameters("steep", true)
    });
    let about = "every share raises the base by half; coinbases have a time; the window is cut";
    let mut story = Story::new("steep", about, &params, 3);
    story.grow("s1", "", Place::on(GENESIS, 0));
    story.grow("cheap", "of the easiest base", Place::on("s1", 0).by(2));
    story.grow("s2", "", Place::on("s1", 0).weighing(64));
    for height in 3..=6_u32 {
        let (name, parent) = (format!("s{height}"), format!("s{}", height - 1));
        story.grow(&name, "", Place::on(&parent, 0).by(usize::from(height % 2 == 0)));
    }
    story.grow(
        "s7_merging",
        "merges it while it has an eighth of the base work",
        Place::on("s6", 0).merging(&["cheap"]),
    );
    story.grow("s7", "does not merge it, and has more work", Place::on("s6", 0).by(1).weighing(1_000));
    let share = story.honest(Place::on("s7", 0).merging(&["cheap"]));
    story.invalid("light", "uncle_too_light", "less than an eighth of the base work", &share);
    story.grow("s8", "", Place::on("s7", 0).by(1));
    let share = story.paying_by(Place::on("s8", 7), |context| context.median_time += 1);
    story.invalid("minute", "prefix", "a coinbase time that is not the median time past of its parent", &share);
    story.grow("s9", "700 seconds later, but the median time past has not moved", Place::on("s8", 700));
    for height in 10..=17_u32 {
        let (name, parent) = (format!("s{height}"), format!("s{}", height - 1));
        let finder = usize::try_from(height % 3).expect("below 3");
        let about =
            if height == 15 { "the median has moved: its base is four times easier than the last one" } else { "" };
        story.grow(&name, about, Place::on(&parent, 700 + 60 * height).by(finder));
    }
    story.end()
}

/// Windows and drawn payouts a few heights after they begin, and an uncle that is higher than who merges it.
fn shallow() -> Value {
    let params = testing::params(ConsensusParams {
        merge_depth: 2,
        payout_epoch: 2,
        window_shares: 3,
        payout_min: Amount::from_units(1_500_000_000),
        payout_classes: vec![1, 3],
        ..parameters("shallow", false)
    });
    let about = "merge depth 2, payout epoch 2, a window of three shares' work, and payouts that are drawn";
    let mut story = Story::new("shallow", about, &params, 5);
    for finder in 0..5 {
        story.miner(finder).payout_class = 1;
    }
    story.grow("t1", "", Place::on(GENESIS, 1));
    story.grow("side2", "a branch of light shares", Place::on("t1", 2).by(1));
    story.grow("side3", "", Place::on("side2", 3).by(2));
    story.grow("side4", "", Place::on("side3", 4).by(3));
    story.grow("t2", "one heavy share is the tip", Place::on("t1", 5).by(4).weighing(32));
    let share = story.honest(Place::on("t2", 6).merging(&["side2", "side3", "side4"]));
    story.invalid("above", "uncle_too_deep", "height 3; an uncle of height 4 has left at height 1", &share);
    story.grow(
        "t3",
        "merges the two that left within the merge depth of the higher of both",
        Place::on("t2", 6).merging(&["side2", "side3"]),
    );
    for height in 4..=14_u8 {
        story.set_prev_block(height);
        let (name, parent) = (format!("t{height}"), format!("t{}", height - 1));
        let place = Place::on(&parent, u32::from(height) + 3).by(usize::from(height) % 5);
        if height % 3 == 0 {
            let uncle = format!("v{height}");
            story.grow(&uncle, "", place.by(usize::from(height + 1) % 5));
            let uncle = [uncle.as_str()];
            let next = if story.is_tip(uncle[0]) { Place { parent: uncle[0], ..place } } else { place.merging(&uncle) };
            story.grow(&name, "", next);
        } else {
            story.grow(&name, "", place.weighing(u128::from(height % 4) * 2));
        }
    }
    story.end()
}
