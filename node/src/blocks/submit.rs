//! A found block on its way to the daemon: put together, and submitted until the daemon has said something final.

use std::time::Duration;

use sharechain::{BlockHash, Params, coinbase};
use stratum::submit::Found;
use tokio::time::sleep;
use tracing::warn;

use crate::{
    defaults::RPC_BACKOFF,
    parent::{
        block,
        rpc::{RpcClient, RpcError},
    },
};

/// What a daemon says of a good block while it is behind, or its clock is.
const NOT_YET: [&str; 2] = ["prev-blk-not-found", "time-too-new"];

/// Whether the daemon has the block now, by its word of submitblock. Inconclusive: it is in the tree beside the tip, or its
/// parent is being waited for; a look will tell.
pub(super) fn is_taken(word: &str) -> bool {
    matches!(word, "" | "duplicate" | "inconclusive" | "duplicate-inconclusive")
}

/// Submits again and again until the daemon has said something final about the block.
pub(crate) async fn submit_until_judged(client: &RpcClient, bytes: &[u8]) -> Result<Option<String>, RpcError> {
    let (mut pause, pause_max): (Duration, Duration) = RPC_BACKOFF;
    loop {
        match client.submit_block(bytes).await {
            Err(RpcError::Daemon { code: -22, message, method }) => {
                return Err(RpcError::Daemon { code: -22, message, method });
            }
            Err(cause) => {
                warn!(%cause, "a found block could not be submitted, trying again");
                sleep(pause).await;
                pause = pause.saturating_mul(2).min(pause_max);
            }
            Ok(Some(word)) if NOT_YET.contains(&word.as_str()) => {
                warn!(word, "the daemon cannot take a found block yet, trying again");
                sleep(pause).await;
                pause = pause.saturating_mul(2).min(pause_max);
            }
            judged => return judged,
        }
    }
}

/// The whole block: header, coinbase with its witness where the template has one, and the template's transactions.
pub(super) fn assemble(params: &Params, found: &Found) -> Vec<u8> {
    let context = found.template.context();
    let mut plain = context.coinbase_prefix(params, &found.data, found.header.prev_block);
    plain.extend(found.data.coinbase_tail(params.id(), &found.extranonce));
    let coinbase = match found.data.witness_commitment {
        Some(_) => coinbase::with_witness(&plain),
        None => plain,
    };
    block::encode(&found.header, &coinbase, &found.template.body)
}

/// The identity of a block with this header.
pub(crate) fn header_hash(params: &Params, header: &sharechain::Header) -> BlockHash {
    BlockHash::from_bytes(*params.parent().block_hash.hash(&header.encode()).as_bytes())
}
