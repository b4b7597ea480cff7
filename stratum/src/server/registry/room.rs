//! How many connections there may be, and who is pointed to another node of the operator when there are too many.
//!
//! Only miners that asked for it are pointed anywhere, and their connections are not closed: many clients ignore the line
//! or refuse the host, and they go on here.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::Registry;

/// Miners pointed elsewhere at once, so that the other node is not flooded.
const SHED_AT_ONCE_MAX: usize = 16;
/// After this long somebody who was pointed elsewhere stays: the longest wait that the line names, and some seconds to
/// connect.
const PATIENCE: Duration = Duration::from_secs(15);

/// How many connections there may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// At once; further ones wait. Those that are there stay when it shrinks.
    pub connections_max: usize,
    /// From this on willing miners are pointed elsewhere.
    pub shed_above: Option<usize>,
}

/// Whether new miners are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Intake {
    /// While there is room.
    #[default]
    Open,
    /// Connections are closed at once, so that miners go on to their next pool; who is there stays, and who is willing is
    /// pointed elsewhere.
    Closed,
}

/// What may change at the doors while miners are served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::server) struct Doors {
    pub(in crate::server) room: Room,
    pub(in crate::server) intake: Intake,
}

impl From<Room> for Doors {
    fn from(room: Room) -> Self {
        Self { room, intake: Intake::Open }
    }
}

impl Doors {
    /// Whether somebody who waits at the door is looked at, with so many inside.
    pub(super) const fn answer(self, open: usize) -> bool {
        matches!(self.intake, Intake::Closed) || open < self.room.connections_max
    }

    /// From which number of connections on willing miners are pointed elsewhere.
    const fn shed_above(self) -> Option<usize> {
        match self.intake {
            Intake::Closed => Some(0),
            Intake::Open => self.room.shed_above,
        }
    }
}

/// Whether a miner would go, and was asked to.
#[derive(Debug)]
pub(super) struct Invitation {
    /// Whether it follows to another node of the operator.
    pub(super) follows: bool,
    /// Cancelled when it is asked to.
    shed: CancellationToken,
    since: Option<Instant>,
}

impl Invitation {
    /// Of a connection whose miner said nothing yet.
    pub(super) const fn new(shed: CancellationToken) -> Self {
        Self { follows: false, shed, since: None }
    }

    #[cfg(test)]
    pub(super) fn is_given(&self) -> bool {
        self.shed.is_cancelled()
    }

    fn may_still_leave(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| now.saturating_duration_since(since) < PATIENCE)
    }
}

impl Registry {
    /// Points as many willing miners elsewhere as there are too many, each once, the newest first: those that have been
    /// here longest keep their place.
    pub(super) fn shed(&mut self, now: Instant) {
        let Some(above) = self.doors.borrow().shed_above() else { return };
        let leaving = self.open.values().filter(|open| open.invitation.may_still_leave(now)).count();
        let excess = self.open.len().saturating_sub(above).saturating_sub(leaving);
        let invitations = self.open.values_mut().rev().map(|open| &mut open.invitation);
        let willing = invitations.filter(|invitation| invitation.follows && invitation.since.is_none());
        for invitation in willing.take(excess.min(SHED_AT_ONCE_MAX)) {
            invitation.since = Some(now);
            invitation.shed.cancel();
        }
    }
}
