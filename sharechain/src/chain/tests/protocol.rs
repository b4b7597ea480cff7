//! What the pages of `docs/protocol` say about the chain as a whole.

use serde_json::Value;

use super::*;
use crate::{hash::BlockHash, share::Share, testing::json};

const PAYOUT_PAGE: &str = include_str!("../../../../docs/protocol/payout.md");
const SYNC_PAGE: &str = include_str!("../../../../docs/protocol/sync.md");

#[test]
fn payout_shares_are_those_of_the_protocol_page() {
    let cases = json::cases(PAYOUT_PAGE, "payout-share");
    for params in [testing::devnet_params(), testing::main_params()] {
        let mut miner = Miner::new(params.clone(), 1);
        let mut chain = ShareChain::new(params.clone());
        let mut heights = BTreeMap::from([(params.genesis_id(), 0_u64)]);
        let mut judged = 0;
        for second in 0..735 {
            let context = chain.job_context().unwrap();
            let about_this = |case: &&Value| {
                case["merge_depth"] == params.raw().merge_depth
                    && case["payout_epoch"] == params.raw().payout_epoch
                    && case["height"] == context.height
            };
            for case in cases.iter().filter(about_this) {
                assert_eq!(heights[&context.payout_share], json::number::<u64>(&case["payout_height"]), "{case}");
                judged += 1;
            }
            let share = miner.extend(&mut chain, GENESIS_TIME + second);
            heights.insert(share.id(), share.share().data.height);
        }
        assert!(judged >= 7);
    }
}

/// A chain of one share per height, told of after each.
fn grown(params: &Arc<Params>, heights: u32, mut told: impl FnMut(&ShareChain, &BTreeMap<ShareId, u64>)) {
    let mut miner = Miner::new(params.clone(), 1);
    let mut chain = ShareChain::new(params.clone());
    let mut ids = BTreeMap::from([(params.genesis_id(), 0_u64)]);
    for height in 1..=heights {
        ids.insert(miner.extend(&mut chain, GENESIS_TIME + height).id(), u64::from(height));
        told(&chain, &ids);
    }
}

#[test]
fn a_chain_is_kept_and_shown_from_the_heights_of_the_protocol_pages() {
    let params = testing::short_params(30);
    let start = json::cases(SYNC_PAGE, "start");
    let kept = json::cases(include_str!("../../../../docs/protocol/validation.md"), "kept");
    let mut judged = 0;
    grown(&params, 200, |chain, ids| {
        for case in start.iter().filter(|case| case["tip_height"] == chain.tip().height) {
            assert_eq!(ids[&chain.order_from_start(1)[0]], json::number::<u64>(&case["first_height"]), "{case}");
            judged += 1;
        }
        for case in kept.iter().filter(|case| case["tip_height"] == chain.tip().height) {
            assert_eq!(chain.first_height(), json::number::<u64>(&case["first_height"]), "{case}");
            judged += 1;
        }
    });
    assert_eq!(judged, start.len() + kept.len());
}

#[test]
fn fresh_work_is_that_of_the_protocol_page() {
    for case in json::cases(SYNC_PAGE, "fresh-work") {
        let mut miner = Miner::devnet();
        let mut chain = ShareChain::new(miner.params.clone());
        let block = |height: u32| BlockHash::from_bytes([u8::try_from(height).unwrap(); 32]);
        for height in 1..=json::number(&case["newest"]) {
            chain.on_parent_block(ParentBlock { hash: block(height), height, next_bits: None, value_max: None }, 0);
        }
        for (share, second) in case["shares"].as_array().unwrap().iter().zip(1..) {
            let unknown = BlockHash::from_bytes([0xee; 32]);
            miner.work.prev_block = if share[0].is_null() { unknown } else { block(json::number(&share[0])) };
            miner.share_work = json::work(&share[1]);
            let share_work = miner.extend(&mut chain, GENESIS_TIME + second).work();
            assert_eq!(share_work, json::work(&share[1]), "{case}");
        }
        assert_eq!(chain.fresh_work(), Some(json::work(&case["fresh_work"])), "{case}");
    }
}

#[test]
fn locators_name_the_heights_of_the_protocol_page() {
    let cases = json::cases(SYNC_PAGE, "locator");
    let mut judged = 0;
    let mut judge = |chain: &ShareChain, ids: &BTreeMap<ShareId, u64>| {
        for case in cases.iter().filter(|case| case["tip_height"] == chain.tip().height) {
            let named: Vec<u64> = chain.locator(&[]).iter().map(|id| ids[id]).collect();
            let expected: Vec<u64> = case["heights"].as_array().unwrap().iter().map(json::number).collect();
            assert_eq!(named, expected, "{case}");
            judged += 1;
        }
    };
    let params = testing::devnet_params();
    judge(&ShareChain::new(params.clone()), &BTreeMap::from([(params.genesis_id(), 0)]));
    grown(&params, 700, judge);
    assert_eq!(judged, cases.len());
}

/// A story of `tests/vectors/validation.json` and the ids of its names.
struct Story {
    story: Value,
    ids: BTreeMap<String, ShareId>,
}

impl Story {
    fn all() -> Vec<Self> {
        let vectors: Value = serde_json::from_str(include_str!("../../../../tests/vectors/validation.json")).unwrap();
        vectors["stories"].as_array().unwrap().iter().map(Self::new).collect()
    }

    fn new(story: &Value) -> Self {
        let params = json::params(&story["params"]);
        let mut ids = BTreeMap::from([("genesis".to_owned(), params.genesis_id())]);
        for step in story["steps"].as_array().unwrap() {
            ids.insert(step["name"].as_str().unwrap().to_owned(), json::id(&step["id"]));
        }
        Self { story: story.clone(), ids }
    }

    fn id(&self, name: &Value) -> ShareId {
        self.ids[name.as_str().unwrap()]
    }

    fn share(step: &Value, params: &Params) -> Arc<CheckedShare> {
        let share = Share::decode(&json::bytes(&step["share"])).unwrap();
        Arc::new(CheckedShare::check(share, params).unwrap())
    }

    fn verdict_is(&self, verdict: &Verdict, expected: &Value) -> bool {
        if expected == "valid" {
            *verdict == Verdict::Valid
        } else if expected == "known" {
            *verdict == Verdict::Known
        } else if let Some(rule) = expected["invalid"].as_str() {
            matches!(verdict, Verdict::Invalid(error) if error.rule() == rule)
        } else {
            let missing = expected["missing"].as_array().unwrap().iter().map(|name| self.id(name)).collect();
            *verdict == Verdict::Missing(missing)
        }
    }
}

#[test]
fn histories_go_as_the_protocol_page_tells_them() {
    let mut rules = BTreeSet::new();
    for told in Story::all() {
        let params = json::params(&told.story["params"]);
        let mut chain = ShareChain::new(params.clone());
        for step in told.story["steps"].as_array().unwrap() {
            let share = Story::share(step, &params);
            assert_eq!(share.id(), told.id(&step["name"]));
            let verdict = history(&mut chain, &share);
            assert!(told.verdict_is(&verdict, &step["verdict"]), "{}: {verdict:?}", step["name"]);
            assert_eq!(chain.tip().id, told.id(&step["tip"]), "{}", step["name"]);
            if verdict == Verdict::Valid {
                assert_eq!(chain.payouts(&share).unwrap(), json::payouts(&step["payouts"]), "{}", step["name"]);
            }
            if let Verdict::Invalid(error) = verdict {
                assert_eq!(error.misbehaviour(), crate::Misbehaviour::Blameless);
                rules.insert(error.rule());
            }
        }
        let (tip, end) = (chain.tip(), &told.story["end"]);
        assert_eq!((tip.height, tip.count), (json::number(&end["height"]), json::number(&end["count"])));
        assert_eq!(tip.total_work, json::work(&end["total_work"]));
        let order: Vec<ShareId> = end["order"].as_array().unwrap().iter().map(|name| told.id(name)).collect();
        assert_eq!(chain.order_after(&[params.genesis_id()], usize::MAX), order);
        assert_eq!(chain.waiting(), 0);
    }
    assert_eq!(rules.len(), 12, "every rule that needs the past: {rules:?}");
}

/// What a history ends with does not depend on the order in which it is told.
#[test]
fn histories_end_alike_in_any_order() {
    for told in Story::all() {
        let params = json::params(&told.story["params"]);
        let steps = told.story["steps"].as_array().unwrap();
        let mut shares: Vec<Arc<CheckedShare>> = steps.iter().map(|step| Story::share(step, &params)).collect();
        for seed in 0..20 {
            Rng::new(seed).shuffle(&mut shares);
            let mut chain = ShareChain::new(params.clone());
            for share in &shares {
                history(&mut chain, share);
            }
            let order: Vec<ShareId> =
                told.story["end"]["order"].as_array().unwrap().iter().map(|name| told.id(name)).collect();
            assert_eq!(chain.order_after(&[params.genesis_id()], usize::MAX), order, "seed {seed}");
        }
    }
}
