use sharechain::{
    CompactTarget, ShareChain,
    testing::{self, GENESIS_TIME, Miner},
};

use super::*;

/// A target that every hash of a test meets.
const EASIEST: u32 = 0x207f_ffff;

/// Three miners' chain on which every share is a block, and the proof of its newest.
pub(in crate::payouts) fn proven_block() -> (ChainProfile, ShareChain, Arc<CheckedShare>, PayoutProof) {
    let params = testing::devnet_params();
    let profile = ChainProfile { params: params.clone(), ..ChainProfile::find("devnet", None).unwrap() };
    let mut chain = ShareChain::new(params.clone());
    let mut newest = None;
    for number in 0..60 {
        let mut miner = Miner::new(params.clone(), u64::from(1 + number % 3));
        miner.block_bits = CompactTarget::from_bits(EASIEST);
        newest = Some(miner.extend(&mut chain, GENESIS_TIME + number));
    }
    let newest = newest.unwrap();
    let proof = PayoutProof::of(&newest, &chain.paid_window(&newest).unwrap(), &profile);
    (profile, chain, newest, proof)
}

#[test]
fn a_proof_shows_what_the_chain_computes() {
    let (profile, mut chain, newest, proof) = proven_block();
    let text = serde_json::to_string(&proof).unwrap();
    let proven = serde_json::from_str::<PayoutProof>(&text).unwrap().verify(&profile).unwrap();
    assert_eq!(proven.payouts, chain.payouts(&newest).unwrap());
    assert_eq!(proven.payouts.len(), 3, "three miners have work in the window");
    assert_eq!(proven.share, *newest);
    let coinbase = chain.coinbase(&newest).unwrap();
    assert_eq!(proven.coinbase, coinbase);
    assert_eq!(proven.coinbase_txid, Txid::from_bytes(sharechain::hash::sha256d(&coinbase)));
    let script = testing::script(2);
    let due = proven.payouts.iter().find(|payout| payout.script == script).unwrap();
    assert_eq!(proven.amount_of(&script), due.amount.units());
    assert_eq!(proven.amount_of(&testing::script(9)), 0);
    let (own, all) = proven.work_of(&script);
    assert!(own > 0 && all == proven.weights.total().hashes());
}

#[test]
fn what_was_altered_proves_nothing() {
    let (profile, chain, newest, proof) = proven_block();
    let refused = |alter: &dyn Fn(&mut PayoutProof)| {
        let mut altered = proof.clone();
        alter(&mut altered);
        altered.verify(&profile).unwrap_err()
    };
    let other_window = ProofError::OtherCoinbase(newest.id());
    assert_eq!(refused(&|proof| proof.window[0].work = format!("{}0", proof.window[0].work)), other_window);
    assert_eq!(refused(&|proof| drop(proof.window.pop())), other_window);
    assert_eq!(refused(&|proof| proof.window.clear()), other_window);
    let malformed = ProofError::Malformed("window");
    assert_eq!(refused(&|proof| proof.window.reverse()), malformed);
    assert_eq!(refused(&|proof| proof.window[0].work = "0".to_owned()), malformed);
    assert_eq!(refused(&|proof| proof.window[0].work = "-1".to_owned()), malformed);
    assert_eq!(
        refused(&|proof| proof.window.iter_mut().for_each(|entry| entry.work = u128::MAX.to_string())),
        malformed
    );
    assert_eq!(refused(&|proof| proof.window[0].script = "00".repeat(300)), malformed);
    assert_eq!(refused(&|proof| proof.share = "00".repeat(SHARE_DIGITS_MAX)), ProofError::Malformed("share"));
    assert!(matches!(refused(&|proof| proof.share.truncate(100)), ProofError::Share(_)));
    // The miner's bytes in the middle of the share: its commitment or its proof of work fails.
    assert!(matches!(refused(&|proof| proof.share.replace_range(200..202, "5a")), ProofError::Invalid(_)));
    assert_eq!(refused(&|proof| proof.version = 2), ProofError::Version(2));
    assert!(matches!(refused(&|proof| proof.params_id = "00".repeat(32)), ProofError::OtherChain { .. }));
    assert_eq!(refused(&|proof| proof.payout_share.clear()), ProofError::Malformed("payout_share"));
    drop(chain);
}

#[test]
fn a_share_that_is_no_block_proves_nothing() {
    let params = testing::devnet_params();
    let profile = ChainProfile { params: params.clone(), ..ChainProfile::find("devnet", None).unwrap() };
    let mut chain = ShareChain::new(params.clone());
    let share = Miner::new(params, 1).extend(&mut chain, GENESIS_TIME);
    let proof = PayoutProof::of(&share, &chain.paid_window(&share).unwrap(), &profile);
    assert_eq!(proof.verify(&profile).unwrap_err(), ProofError::NoBlock(share.id()));
}
