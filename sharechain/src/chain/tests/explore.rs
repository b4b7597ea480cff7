//! What people are shown: every page of every list, held against the shares themselves.

use super::*;

/// A chain of several miners with forks, and its shares.
fn forked() -> (ShareChain, Vec<Arc<CheckedShare>>) {
    let params = testing::devnet_params();
    let mut world = World::new(&params, 4, 7);
    world.run(120, 6);
    let shares = world.shares.clone();
    let mut chain = ShareChain::new(params);
    for share in &shares {
        assert!(!matches!(history(&mut chain, share), Verdict::Invalid(_)));
    }
    (chain, shares)
}

/// All pages of a list, joined.
fn all(mut page_of: impl FnMut(Option<u64>) -> SharePage) -> (Vec<ShareView>, u64) {
    let (mut shares, mut from) = (Vec::new(), None);
    loop {
        let page = page_of(from);
        shares.extend(page.shares);
        from = page.next;
        if from.is_none() {
            return (shares, page.total);
        }
    }
}

#[test]
fn pages_of_the_canonical_order_hold_every_merged_share_once() {
    let (chain, _) = forked();
    let mut expected = chain.order_after(&[chain.params().genesis_id()], usize::MAX);
    expected.reverse();
    for len_max in [1, 7, 100, 1_000] {
        let (shares, total) = all(|from| chain.newest_shares(from, len_max));
        assert_eq!(shares.iter().map(|share| share.id).collect::<Vec<_>>(), expected, "pages of {len_max}");
        assert_eq!(total, u64::try_from(expected.len()).unwrap());
        let uncles = shares.iter().filter(|share| !share.is_selected);
        let is_named = |uncle: &ShareView| {
            let merger = shares.iter().find(|share| Some(share.id) == uncle.merged_by);
            merger.is_some_and(|merger| merger.is_selected && merger.uncles.contains(&uncle.id))
        };
        assert!(uncles.clone().count() > 3 && uncles.clone().all(is_named));
        assert!(shares.iter().filter(|share| share.is_selected).all(|share| share.merged_by.is_none()));
    }
    assert_eq!(ShareChain::new(testing::devnet_params()).newest_shares(None, 10), SharePage::default());
}

#[test]
fn pages_of_a_miner_hold_its_shares_and_nobody_elses() {
    let (chain, shares) = forked();
    let scripts: BTreeSet<_> = shares.iter().map(|share| share.share().data.payout_script).collect();
    for script in scripts {
        let own: BTreeSet<ShareId> =
            shares.iter().filter(|share| share.share().data.payout_script == script).map(|share| share.id()).collect();
        let (shown, total) = all(|from| chain.shares_of(&script, from, 5));
        assert_eq!(shown.iter().map(|share| share.id).collect::<BTreeSet<_>>(), own);
        assert_eq!((shown.len(), total), (own.len(), u64::try_from(own.len()).unwrap()));
    }
    assert_eq!(chain.shares_of(&testing::script(999), None, 5), SharePage::default());
}

#[test]
fn a_slice_has_each_height_with_what_it_merged() {
    let (chain, shares) = forked();
    let tip = chain.tip().height;
    let slice = chain.slice(0..=u64::MAX, 1_000);
    assert_eq!(slice.len(), shares.len(), "merged or not");
    assert!(slice.is_sorted_by_key(|share| share.height));
    let part = chain.slice(tip - 9..=tip, 1_000);
    let selected: Vec<u64> = part.iter().filter(|share| share.is_selected).map(|share| share.height).collect();
    assert_eq!(selected, (tip - 9..=tip).collect::<Vec<_>>());
    for share in part.iter().filter(|share| share.is_selected) {
        assert!(share.uncles.iter().all(|uncle| part.iter().any(|other| other.id == *uncle)));
    }
}

#[test]
fn recent_work_ends_where_it_is_asked_to() {
    let params = testing::devnet_params();
    let (mut chain, mut miner) = (ShareChain::new(params.clone()), Miner::new(params, 1));
    for second in 1..=50 {
        miner.extend(&mut chain, GENESIS_TIME + second);
    }
    assert_eq!(chain.recent_work(0, 1_000).len(), 50);
    assert_eq!(chain.recent_work(0, 20).len(), 20);
    let recent = chain.recent_work(GENESIS_TIME + 40, 1_000);
    // The median lags five shares behind.
    assert_eq!(
        recent.iter().map(|(time, _)| *time).collect::<Vec<_>>(),
        (45..=50).rev().map(|it| GENESIS_TIME + it).collect::<Vec<_>>()
    );
}
