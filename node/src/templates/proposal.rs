//! Has a daemon judge a template before anybody finds a block on it: a block like those that miners would find, without the
//! proof of work (BIP23).

use sharechain::{
    BlockHash, Header, JobContext, Params, coinbase, coinbase::PrefixState, merkle, share::EXTRANONCE_LEN,
};

use super::held::HeldTemplate;
use crate::{
    chain_profile::DaemonProfile,
    parent::{
        block,
        rpc::{RpcClient, RpcError},
    },
    work::largest_terms,
};

/// What a daemon says of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// Its blocks would be taken.
    Good,
    /// They would not, for this reason.
    Refused(String),
    /// It cannot tell: another block is its tip by now.
    Unknown,
}

/// Words that say nothing about the template itself: the daemon is on another block, knows this one, or its clock is off.
const INCONCLUSIVE: [&str; 6] = [
    "inconclusive-not-best-prevblk",
    "prev-blk-not-found",
    "duplicate",
    "duplicate-inconclusive",
    "time-too-new",
    "time-too-old",
];

/// A block on this template with the coinbase of the largest payout class; `None` when the share chain has no window yet.
pub fn block_of(template: &HeldTemplate, context: &JobContext, params: &Params, now: u32) -> Option<Vec<u8>> {
    let announcement = &template.announcement;
    let (work, parent) = (&announcement.work, params.parent());
    let data = context.share_data(work, &largest_terms(params, context))?;
    let prefix = context.coinbase_prefix(params, &data, work.prev_block);
    let tail = data.coinbase_tail(params.id(), &[0; EXTRANONCE_LEN]);
    let txid = PrefixState::after(&prefix)?.txid(&tail);
    let header = Header {
        version: announcement.version | parent.version_value,
        prev_block: work.prev_block,
        merkle_root: merkle::root_of_left_path(txid, &announcement.merkle_branch),
        time: now.max(announcement.time_min),
        bits: announcement.bits,
        nonce: 0,
    };
    let plain = [prefix.as_slice(), &tail].concat();
    let coinbase = if work.witness_commitment.is_some() { coinbase::with_witness(&plain) } else { plain };
    Some(block::encode(&header, &coinbase, &template.body))
}

/// Asks a daemon for its opinion of such a block.
///
/// # Errors
/// [`RpcError`] when it cannot judge.
pub async fn propose(
    client: &RpcClient,
    profile: &DaemonProfile,
    block: &[u8],
    prev_block: BlockHash,
) -> Result<Opinion, RpcError> {
    let word = client.propose_block(block, &profile.rules, &profile.arguments).await?;
    let Some(word) = word else { return Ok(Opinion::Good) };
    // Between the answer and now a block may have come: then it is no opinion about the template.
    if INCONCLUSIVE.contains(&word.as_str()) || client.best_block_hash().await? != prev_block {
        return Ok(Opinion::Unknown);
    }
    Ok(Opinion::Refused(word))
}
