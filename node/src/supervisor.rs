//! What a supervisor hears of a node: that it is ready, that it stops, and that its tasks still turn.
//!
//! The protocol is systemd's (sd_notify(3)): datagrams of text to a socket that the supervisor names. Without one, or when the
//! supervisor does not listen, the node runs as it does without it. `watchdog` decides when it is told that all is turning.

use std::{ffi::OsStr, io, time::Duration};

use tracing::warn;

pub(crate) mod watchdog;

/// A supervisor that does not read costs no more than this at each word.
#[cfg(unix)]
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// What it is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Word {
    /// Miners, peers and operators are answered.
    Ready,
    /// The node was told to stop, or has to.
    Stopping,
    /// The tasks turn.
    Alive,
}

/// Where it listens, and how long it hears nothing before it starts the node anew.
#[derive(Debug)]
pub struct Supervisor {
    #[cfg(unix)]
    socket: std::os::unix::net::UnixDatagram,
    patience: Option<Duration>,
}

impl Supervisor {
    /// The supervisor that listens at this path, or at an abstract name that begins with `@`. `patience` is how long it waits for
    /// the next [`Word::Alive`], if it wants any. `None` when it cannot be reached, which the log says.
    pub fn find(address: &OsStr, patience: Option<Duration>) -> Option<Self> {
        match Self::connect(address, patience) {
            Ok(supervisor) => Some(supervisor),
            Err(cause) => {
                warn!(address = %address.display(), %cause, "the supervisor cannot be reached, and is told nothing");
                None
            }
        }
    }

    #[cfg(unix)]
    fn connect(address: &OsStr, patience: Option<Duration>) -> io::Result<Self> {
        use std::os::unix::net::{SocketAddr, UnixDatagram};
        let named = match address.as_encoded_bytes().strip_prefix(b"@") {
            Some(name) => abstract_name(name)?,
            None => SocketAddr::from_pathname(address)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&named)?;
        socket.set_write_timeout(Some(SEND_TIMEOUT))?;
        Ok(Self { socket, patience })
    }

    #[cfg(not(unix))]
    fn connect(_: &OsStr, _: Option<Duration>) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// How long it hears nothing before it starts the node anew, if it ever does.
    pub(crate) const fn patience(&self) -> Option<Duration> {
        self.patience
    }

    /// Tells it. A word that is not taken is lost: nothing of the node depends on it.
    pub fn tell(&self, word: Word) {
        if let Err(cause) = self.send(word.as_bytes()) {
            warn!(?word, %cause, "the supervisor could not be told");
        }
    }

    #[cfg(unix)]
    fn send(&self, text: &[u8]) -> io::Result<()> {
        self.socket.send(text).map(|_| ())
    }

    #[cfg(not(unix))]
    fn send(&self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

impl Word {
    const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Ready => b"READY=1",
            Self::Stopping => b"STOPPING=1",
            Self::Alive => b"WATCHDOG=1",
        }
    }
}

#[cfg(target_os = "linux")]
fn abstract_name(name: &[u8]) -> io::Result<std::os::unix::net::SocketAddr> {
    <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn abstract_name(_: &[u8]) -> io::Result<std::os::unix::net::SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    };

    use super::*;

    #[track_caller]
    fn check_heard(listener: &UnixDatagram, address: &OsStr) {
        listener.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let supervisor = Supervisor::find(address, Some(Duration::from_secs(7))).unwrap();
        assert_eq!(supervisor.patience(), Some(Duration::from_secs(7)));
        for (word, text) in [(Word::Ready, "READY=1"), (Word::Alive, "WATCHDOG=1"), (Word::Stopping, "STOPPING=1")] {
            supervisor.tell(word);
            let mut heard = [0; 64];
            let len = listener.recv(&mut heard).unwrap();
            assert_eq!(std::str::from_utf8(&heard[..len]).unwrap(), text);
        }
    }

    #[test]
    fn a_supervisor_is_told_at_a_path_and_at_an_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        check_heard(&UnixDatagram::bind(&path).unwrap(), path.as_os_str());
        let name = format!("poolnode-test-{}", rand::random::<u64>());
        let listener = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        check_heard(&listener, OsStr::new(&format!("@{name}")));
    }

    #[test]
    fn a_supervisor_that_is_not_there_or_goes_away_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        assert!(Supervisor::find(path.as_os_str(), None).is_none());
        assert!(Supervisor::find(OsStr::new(""), None).is_none());
        let listener = UnixDatagram::bind(&path).unwrap();
        let supervisor = Supervisor::find(path.as_os_str(), None).unwrap();
        drop(listener);
        supervisor.tell(Word::Ready);
    }
}
