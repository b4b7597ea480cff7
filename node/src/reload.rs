//! Takes a configuration over while the node runs: what can be, and only when all of it is right.
//!
//! ```text
//! SIGHUP --request--> reload: Sources --read--> Config --changes--> log filter, geo files, fee, room for miners
//! ```
//! A file with a fault changes nothing. What needs a restart is named, and stays as it was: also in what is compared next
//! time, so that it is named again until somebody restarts.

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    config::{Change, Changes, Config, Sources},
    error::chain,
    geo::GeoFiles,
    miners,
};

/// Changes what is logged; false when it cannot.
pub type SetLogFilter = Box<dyn FnMut(&str) -> bool + Send>;

/// Requests to read the configuration again, and where from.
pub struct Reload {
    /// File, environment and flags of this run.
    pub sources: Sources,
    /// One message a request.
    pub requests: mpsc::Receiver<()>,
    /// The owner of the log filter, which is outside of the node.
    pub set_log_filter: SetLogFilter,
}

impl std::fmt::Debug for Reload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reload").field("file", &self.sources.file).finish_non_exhaustive()
    }
}

/// Those who are told.
pub(crate) struct Owners {
    pub(crate) geo: watch::Sender<GeoFiles>,
    pub(crate) stratum: stratum::StratumHandle,
}

/// Serves requests until the token is cancelled.
pub(crate) async fn run(mut reload: Reload, mut config: Config, owners: Owners, token: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            request = reload.requests.recv() => {
                if request.is_none() {
                    return token.cancelled().await;
                }
            }
        }
        let sources = reload.sources.clone();
        // Files may lie on a network mount.
        let read = tokio::task::spawn_blocking(move || sources.read()).await;
        match read {
            Ok(Ok(fresh)) => take_over(&mut config, fresh, &owners, &mut reload.set_log_filter),
            Ok(Err(refused)) => error!("the configuration stays as it is: {}", chain(&refused)),
            Err(broken) => error!(%broken, "the configuration could not be read again"),
        }
    }
}

/// Tells the owners, and says in words what changed.
fn take_over(config: &mut Config, fresh: Config, owners: &Owners, set_log_filter: &mut SetLogFilter) {
    let Changes { taken, needs_restart } = config.changes(&fresh);
    for Change { key, before, after } in &needs_restart {
        warn!("{key} is {after} in the configuration, and stays {before} until the node is restarted");
    }
    if taken.is_empty() && needs_restart.is_empty() {
        info!("the configuration was read again: nothing changed");
    }
    if fresh.log_filter != config.log_filter && !set_log_filter(&fresh.log_filter) {
        error!("what is logged cannot be changed");
    }
    if fresh.geo != config.geo {
        owners.geo.send_replace(fresh.geo.clone());
    }
    if fresh.stratum.fee != owners.stratum.fee() {
        owners.stratum.set_fee(fresh.stratum.fee);
    }
    let room = miners::room(&fresh.stratum);
    if room != owners.stratum.room() {
        owners.stratum.set_room(room);
    }
    for Change { key, before, after } in &taken {
        info!("{key} is now {after}, was {before}");
    }
    config.take(fresh, &taken);
}
