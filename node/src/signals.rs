//! Ctrl-C and SIGTERM: requests to stop. SIGHUP: the same, or a request to read the configuration again.
//!
//! Programs register before they start anything and before they say that they are ready: a signal that arrives earlier
//! kills the process without a clean stop.

use std::{fs::File, io};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Listens from its registration on; no signal is lost between two looks.
#[derive(Debug)]
pub struct StopSignals {
    #[cfg(unix)]
    signals: [Signal; 2],
    #[cfg(unix)]
    hangup: Option<Signal>,
}

impl StopSignals {
    /// Takes over the signals.
    ///
    /// # Errors
    /// When the system does not let us.
    #[cfg(unix)]
    pub fn register() -> io::Result<Self> {
        let hangup = Some(signal(SignalKind::hangup())?);
        Ok(Self { hangup, ..Self::without_hangup()? })
    }

    /// Takes over the signals but SIGHUP, which is for [`Hangups`].
    ///
    /// # Errors
    /// When the system does not let us.
    #[cfg(unix)]
    pub fn without_hangup() -> io::Result<Self> {
        let [interrupt, terminate] = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
        Ok(Self { signals: [interrupt?, terminate?], hangup: None })
    }

    /// Takes over the signals.
    ///
    /// # Errors
    /// When the system does not let us.
    #[cfg(not(unix))]
    pub fn without_hangup() -> io::Result<Self> {
        Self::register()
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
        let [interrupt, terminate] = &mut self.signals;
        let hangup = &mut self.hangup;
        let hung_up = async {
            match hangup {
                Some(hangup) => _ = hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = hung_up => {}
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

/// What SIGHUP means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hangup {
    /// Somebody asks for the configuration to be read again.
    Reload,
    /// The terminal that the program was started from is closed.
    TerminalGone,
}

/// SIGHUP, from its registration on.
#[derive(Debug)]
pub struct Hangups {
    #[cfg(unix)]
    signal: Signal,
    #[cfg(unix)]
    had_terminal: bool,
}

impl Hangups {
    /// Takes over the signal.
    ///
    /// # Errors
    /// When the system does not let us.
    #[cfg(unix)]
    pub fn register() -> io::Result<Self> {
        Ok(Self { signal: signal(SignalKind::hangup())?, had_terminal: has_terminal() })
    }

    /// Takes over nothing: there is no such signal.
    ///
    /// # Errors
    /// None.
    #[cfg(not(unix))]
    pub fn register() -> io::Result<Self> {
        Ok(Self {})
    }

    /// The next one.
    #[cfg(unix)]
    pub async fn next(&mut self) -> Hangup {
        if self.signal.recv().await.is_none() {
            return std::future::pending().await;
        }
        // The same signal says both; only one of them takes the terminal away.
        if self.had_terminal && !has_terminal() { Hangup::TerminalGone } else { Hangup::Reload }
    }

    /// The next one.
    #[cfg(not(unix))]
    pub async fn next(&mut self) -> Hangup {
        std::future::pending().await
    }
}

/// Whether this process has a terminal that can still be opened.
#[cfg(unix)]
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::time::Duration;

    use nix::sys::signal::{Signal as Sent, raise};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_first_signal_asks_for_an_end_and_the_second_waits_for_nothing() {
        const SOON: Duration = Duration::from_secs(10);
        let (mut signals, token) = (StopSignals::without_hangup().unwrap(), CancellationToken::new());
        let asked = token.clone();
        let stopping = tokio::spawn(async move { signals.cancel(&asked).await });
        raise(Sent::SIGTERM).unwrap();
        timeout(SOON, token.cancelled()).await.unwrap();
        assert!(!stopping.is_finished(), "the work may end in order");
        raise(Sent::SIGINT).unwrap();
        timeout(SOON, stopping).await.unwrap().unwrap();
    }
}
