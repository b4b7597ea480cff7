//! What the pages of `docs/protocol` say about the chain as a whole.

use super::*;
use crate::testing::json;

const PAYOUT_PAGE: &str = include_str!("../../../../docs/protocol/payout.md");

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
            let about_this = |case: &&serde_json::Value| {
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
