//! Ctrl-C, SIGTERM and SIGHUP: requests to stop.
//!
//! Programs register before they start anything and before they say that they are ready: a signal that arrives earlier
//! kills the process without a clean stop.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Listens from its registration on; no signal is lost between two looks.
#[derive(Debug)]
pub struct StopSignals {
    #[cfg(unix)]
    signals: [Signal; 3],
}

impl StopSignals {
    /// Takes over the signals.
    ///
    /// # Errors
    /// When the system does not let us.
    #[cfg(unix)]
    pub fn register() -> io::Result<Self> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        Ok(Self { signals: [interrupt?, terminate?, hangup?] })
    }

    /// Takes over the signals.
    ///
    /// # Errors
    /// When the system does not let us.
    #[cfg(not(unix))]
    pub fn register() -> io::Result<Self> {
        Ok(Self {})
    }

    /// The next request to stop.
    #[cfg(unix)]
    pub async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }

    /// The next request to stop.
    #[cfg(not(unix))]
    pub async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Cancels the token at the first request; returns at the second.
    pub async fn cancel(&mut self, token: &CancellationToken) {
        self.next().await;
        token.cancel();
        self.next().await;
    }
}
