//! How a miner is told to leave: to the same place, or, if it asked for that, to another node of the same operator.
//!
//! A miner must not learn to follow such a line to a stranger (attack M9), so nobody is sent anywhere without having
//! asked with `r=1`, and where to is decided outside, from what the operator itself has signed.

use super::{Action, Session};
use crate::message::{self, quoted};

/// Another endpoint of the same operator, for Stratum V1 without TLS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refuge {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Session {
    /// Whether the miner asked to be pointed to another node of the operator.
    pub const fn follows(&self) -> bool {
        self.follows
    }

    /// The line before the node stops: when to come back, and where to, unless it is to the same place.
    pub fn farewell(&self, refuge: Option<&Refuge>, wait_secs: u64) -> Option<Action> {
        let other = refuge.and_then(|refuge| self.invitation(refuge, wait_secs));
        let same = || reconnect("null", "null", wait_secs);
        self.is_mining().then(|| other.unwrap_or_else(same))
    }

    /// The line that points a willing miner to another node while this one goes on: nobody else hears anything, and the
    /// connection stays open, because many clients ignore it or refuse the host.
    pub fn invitation(&self, refuge: &Refuge, wait_secs: u64) -> Option<Action> {
        let follows = self.follows && self.is_mining();
        follows.then(|| reconnect(&quoted(&refuge.host), &refuge.port.to_string(), wait_secs))
    }
}

/// `host` and `port` are JSON.
fn reconnect(host: &str, port: &str, wait_secs: u64) -> Action {
    Action::Send(message::notification("client.reconnect", &format!("[{host},{port},{wait_secs}]")))
}
