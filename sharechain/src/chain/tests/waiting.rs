//! Shares that wait for an ancestor.

use super::{
    held_back::{NOW, live, mine_on, with_daemon},
    *,
};

#[test]
fn a_share_that_waits_is_our_own_whoever_brought_it_first() {
    for is_own in [false, true] {
        let (mut miner, mut chain) = with_daemon();
        let mut ahead = ShareChain::new(miner.params.clone());
        let parent = miner.extend(&mut ahead, GENESIS_TIME + 1);
        mine_on(&mut miner, 4, 105);
        let on_unknown = miner.extend(&mut ahead, GENESIS_TIME + 2);
        assert_eq!(live(&mut chain, &on_unknown), Verdict::Missing(vec![parent.id()]));
        if is_own {
            // It comes out of the journal too.
            assert_eq!(chain.handle(on_unknown.clone(), Origin::OwnStore, NOW), Verdict::Known);
        }
        assert_eq!(live(&mut chain, &parent), Verdict::Valid);
        assert_eq!((chain.contains(&on_unknown.id()), chain.held_back()), (is_own, usize::from(!is_own)));
    }
}
