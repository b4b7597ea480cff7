//! Accepts connections: a permit first, so that one too many waits in the kernel instead of being refused late.

use std::{sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, debug, info_span, warn};

use super::connection::{self, Shared};
use crate::{extranonce::ExtranonceAllocator, limits::CONNECTIONS_MAX};

/// Pause after a failed accept: running out of file descriptors does not get better by trying faster.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn run(listener: TcpListener, shared: Arc<Shared>, tasks: TaskTracker, token: CancellationToken) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let extranonces = ExtranonceAllocator::default();
    loop {
        // Both branches can be dropped without loss: a permit goes back, a pending connection stays in the backlog.
        let accepted = tokio::select! {
            biased;
            () = token.cancelled() => return,
            accepted = async {
                let permit = permits.clone().acquire_owned().await;
                (permit, listener.accept().await)
            } => accepted,
        };
        match accepted {
            (Ok(permit), Ok((socket, address))) => {
                let connection = connection::run(socket, extranonces.allocate(), shared.clone(), token.clone());
                let span = info_span!("miner", %address);
                tasks.spawn(async move {
                    let reason = connection.instrument(span.clone()).await;
                    debug!(parent: &span, reason, "miner disconnected");
                    drop(permit);
                });
            }
            (_, Err(error)) => {
                warn!(%error, "cannot accept a miner");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            (Err(_), _) => return,
        }
    }
}
