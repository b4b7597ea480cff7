//! Answers to peers: which shares follow their locator, and their bytes.

use sharechain::{
    ShareId,
    sync::{SYNC_BYTES_MAX, SYNC_SHARES_MAX},
};
use tokio::sync::{mpsc, oneshot};

use super::wire::Response;
use crate::{
    chain_task::{ChainInput, ChainQuery},
    store::StoreHandle,
};

/// The answer to a locator; `None` when the node is stopping.
pub(super) async fn range(
    chain: mpsc::Sender<ChainInput>,
    store: StoreHandle,
    locator: Vec<ShareId>,
) -> Option<Response> {
    let (reply, ids) = oneshot::channel();
    let query = ChainQuery::OrderAfter { locator, len_max: SYNC_SHARES_MAX, reply };
    chain.send(ChainInput::Query(query)).await.ok()?;
    let ids = ids.await.ok()?;
    let wanted = ids.len();
    let shares = read(&store, ids, true).await?;
    // Cut by size or by number: then there is more.
    let more = shares.len() < wanted || wanted == SYNC_SHARES_MAX;
    Some(Response::Shares { shares, more })
}

/// The answer to ids.
pub(super) async fn shares(store: StoreHandle, ids: Vec<ShareId>) -> Option<Response> {
    Some(Response::Shares { shares: read(&store, ids, false).await?, more: false })
}

/// The bytes of the shares, as many as fit an answer. `in_order` stops at the first one that is not there: what comes
/// after it could not be linked.
async fn read(store: &StoreHandle, ids: Vec<ShareId>, in_order: bool) -> Option<Vec<Vec<u8>>> {
    let mut shares: Vec<Vec<u8>> = Vec::new();
    let mut len = 0_usize;
    for share in store.read(ids).await.ok()? {
        match share {
            Some(share) if len + share.bytes.len() <= SYNC_BYTES_MAX || shares.is_empty() => {
                len += share.bytes.len();
                shares.push(share.bytes);
            }
            None if !in_order => {}
            Some(_) | None => break,
        }
    }
    Some(shares)
}
