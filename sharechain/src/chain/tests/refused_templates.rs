//! Shares whose block the own daemon would not take: held back like all that it speaks against.

use super::{
    held_back::{NOW, block, live, mine_on, with_daemon},
    *,
};
use crate::amount::Amount;

#[test]
fn more_value_than_there_is_holds_back() {
    let (mut miner, mut chain) = with_daemon();
    mine_on(&mut miner, 3, 104);
    let value_max = Some(miner.work.coinbase_value);
    chain.on_parent_block(ParentBlock { value_max, ..block(3, 103) }, NOW);
    chain.on_parent_block(block(3, 103), NOW);
    let all_of_it = miner.mine(&mut chain, GENESIS_TIME + 1);
    miner.work.coinbase_value = Amount::from_units(miner.work.coinbase_value.units() + 1);
    let invented = miner.mine(&mut chain, GENESIS_TIME + 2);
    assert_eq!(live(&mut chain, &invented), Verdict::NotYet(NotYet::WrongClaims));
    assert_eq!(live(&mut chain, &all_of_it), Verdict::Valid);
}

#[test]
fn a_template_that_the_daemon_refuses_is_not_built_on_until_others_clearly_do() {
    let (mut miner, mut chain) = with_daemon();
    mine_on(&mut miner, 3, 104);
    let before = miner.mine(&mut chain, GENESIS_TIME + 1);
    assert_eq!(live(&mut chain, &before), Verdict::Valid);
    chain.on_refused_template(TemplateKey::of_share(before.share()));
    let on_refused = miner.mine(&mut chain, GENESIS_TIME + 2);
    assert_eq!(chain.admit(&on_refused, NOW), Admission::Keep, "not relayed");
    assert_eq!(live(&mut chain, &on_refused), Verdict::NotYet(NotYet::RefusedTemplate));
    assert_eq!(chain.tip().id, before.id());
    chain.on_parent_block(block(3, 103), NOW);
    assert_eq!(chain.held_back(), 1, "the daemon says nothing new of it");
    miner.work.coinbase_value = Amount::from_units(miner.work.coinbase_value.units() - 1);
    let other = miner.mine(&mut chain, GENESIS_TIME + 3);
    assert_eq!(live(&mut chain, &other), Verdict::Valid, "the miner's next template");
}
