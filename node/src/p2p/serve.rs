//! Answers to peers: which ids follow their locator, and the bytes of shares.

use sharechain::{ShareId, sync::SYNC_IDS_MAX};
use tokio::sync::{mpsc, oneshot};

use super::wire::Response;
use crate::{
    chain_task::{ChainInput, ChainQuery},
    store::StoreHandle,
};

/// The answer to a locator; `None` when the node is stopping.
pub(super) async fn range(chain: mpsc::Sender<ChainInput>, locator: Vec<ShareId>) -> Option<Response> {
    let (reply, ids) = oneshot::channel();
    // One more than an answer has room for tells whether there is more.
    let query = ChainQuery::OrderAfter { locator, len_max: SYNC_IDS_MAX + 1, reply };
    chain.send(ChainInput::Query(query)).await.ok()?;
    let mut ids = ids.await.ok()?;
    let more = ids.len() > SYNC_IDS_MAX;
    ids.truncate(SYNC_IDS_MAX);
    Some(Response::Ids { ids, more })
}

/// The answer to ids: the bytes of those that are here. A request has no more ids than an answer has room for.
pub(super) async fn shares(store: StoreHandle, ids: Vec<ShareId>) -> Option<Response> {
    let shares = store.read(ids).await.ok()?;
    Some(Response::Shares { shares: shares.into_iter().flatten().map(|share| share.bytes).collect() })
}
