//! After a start: the shares of the store that claim to be blocks, for the blocks task to look them up again.

use std::sync::Arc;

use sharechain::CheckedShare;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::BlockInput;

/// Gives the blocks task the blocks of earlier runs; stays until the node stops, because every task does.
pub(crate) async fn recount(
    blocks: Vec<Arc<CheckedShare>>,
    inputs: mpsc::Sender<BlockInput>,
    token: CancellationToken,
) {
    for share in blocks {
        if inputs.send(BlockInput::Seen(share)).await.is_err() {
            return;
        }
    }
    token.cancelled().await;
}
