//! Junk beside the honest load: connections that do what nobody should, one kind each, and come back as fast as they are
//! let. What they count says how long the server puts up with each kind; what it costs the others says the honest latency.
//!
//! ```text
//! socket (a task per place): connects, keeps the pace, notices that the server hung up
//!  \-- script: what one connection of a kind sends, and when
//! ```

use std::{
    fmt,
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

mod script;
mod socket;

pub(super) use socket::{Ground, run};

/// Junk beside the load.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JunkConfig {
    /// Places for junk connections: so many at once.
    pub connections: u32,
    /// Address of this machine that they come from: bans are by address, and the honest ones should not share it.
    pub bind: Option<IpAddr>,
}

/// What a junk connection does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum JunkKind {
    /// Bytes without a newline.
    Endless,
    /// Lines that are no JSON at all.
    Garbage,
    /// Lines of JSON that breaks off.
    BrokenJson,
    /// A TLS handshake that goes on and on.
    BrokenTls,
    /// Logs in and submits without having worked.
    NoWork,
    /// Logs in and submits one share again and again.
    Replay,
    /// A subscription that is never finished, a letter a second.
    Slowloris,
    /// Logs in, asks for long answers and reads none.
    DeafReader,
    /// Connects and says nothing.
    Silent,
}

impl JunkKind {
    /// All, in the order of their places.
    pub(super) const ALL: [Self; 9] = [
        Self::Endless,
        Self::Garbage,
        Self::BrokenJson,
        Self::BrokenTls,
        Self::NoWork,
        Self::Replay,
        Self::Slowloris,
        Self::DeafReader,
        Self::Silent,
    ];

    /// The kind of the place with this number: they take turns.
    pub(super) fn of_place(place: u32) -> Self {
        Self::ALL
            .into_iter()
            .cycle()
            .nth(usize::try_from(place).unwrap_or_default() % Self::ALL.len())
            .unwrap_or(Self::Silent)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Endless => "no newline",
            Self::Garbage => "garbage lines",
            Self::BrokenJson => "broken JSON",
            Self::BrokenTls => "broken TLS",
            Self::NoWork => "submits without work",
            Self::Replay => "replayed submits",
            Self::Slowloris => "slow subscription",
            Self::DeafReader => "never reads",
            Self::Silent => "silent",
        }
    }
}

/// What happened to the connections of one kind.
#[derive(Default, Debug)]
struct KindTally {
    connections: AtomicU64,
    closed: AtomicU64,
    failed: AtomicU64,
    longest_micros: AtomicU64,
}

/// What happened to all of them.
#[derive(Default, Debug)]
pub(super) struct JunkTally {
    kinds: [KindTally; JunkKind::ALL.len()],
}

/// Sums over a number of kinds.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(super) struct JunkCounts {
    /// Connections that were made.
    pub(super) connections: u64,
    /// Connections that the server closed.
    pub(super) closed: u64,
    /// Connections that were not made.
    pub(super) failed: u64,
    /// The longest time that the server kept one of them.
    pub(super) longest: Duration,
}

impl JunkTally {
    fn of(&self, kind: JunkKind) -> Option<&KindTally> {
        JunkKind::ALL.iter().zip(&self.kinds).find(|(known, _)| **known == kind).map(|(_, tally)| tally)
    }

    fn on_connected(&self, kind: JunkKind) {
        self.add(kind, |tally| &tally.connections);
    }

    fn on_failed(&self, kind: JunkKind) {
        self.add(kind, |tally| &tally.failed);
    }

    fn on_closed(&self, kind: JunkKind) {
        self.add(kind, |tally| &tally.closed);
    }

    /// The server kept a connection for so long; it may still have it.
    fn on_held(&self, kind: JunkKind, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if let Some(tally) = self.of(kind) {
            tally.longest_micros.fetch_max(micros, Ordering::Relaxed);
        }
    }

    fn add(&self, kind: JunkKind, counter: impl Fn(&KindTally) -> &AtomicU64) {
        if let Some(tally) = self.of(kind) {
            counter(tally).fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All kinds together.
    pub(super) fn counts(&self) -> JunkCounts {
        self.kinds.iter().map(KindTally::counts).fold(JunkCounts::default(), JunkCounts::and)
    }

    /// A line for each kind that there was.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let counts = JunkKind::ALL.iter().zip(self.kinds.iter().map(KindTally::counts));
        let tried = counts.filter(|(_, counts)| counts.connections + counts.failed > 0);
        tried.map(|(kind, counts)| format!("junk, {}: {counts}", kind.name()))
    }
}

impl KindTally {
    fn counts(&self) -> JunkCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        JunkCounts {
            connections: read(&self.connections),
            closed: read(&self.closed),
            failed: read(&self.failed),
            longest: Duration::from_micros(read(&self.longest_micros)),
        }
    }
}

impl JunkCounts {
    fn and(self, other: Self) -> Self {
        Self {
            connections: self.connections + other.connections,
            closed: self.closed + other.closed,
            failed: self.failed + other.failed,
            longest: self.longest.max(other.longest),
        }
    }
}

impl fmt::Display for JunkCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, closed, failed, longest } = self;
        let secs = longest.as_secs_f64();
        write!(
            f,
            "{connections} connections, {closed} closed by the server, {failed} not made, the longest {secs:.3} s"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_take_turns() {
        let kinds: Vec<_> = (0..18).map(JunkKind::of_place).collect();
        assert_eq!((&kinds[..9], &kinds[9..]), (&JunkKind::ALL[..], &JunkKind::ALL[..]));
    }

    #[test]
    fn each_kind_is_counted_apart_and_all_together() {
        let tally = JunkTally::default();
        tally.on_connected(JunkKind::Garbage);
        tally.on_closed(JunkKind::Garbage);
        tally.on_held(JunkKind::Garbage, Duration::from_millis(1_500));
        tally.on_connected(JunkKind::Silent);
        tally.on_held(JunkKind::Silent, Duration::from_millis(15_000));
        tally.on_held(JunkKind::Silent, Duration::from_millis(14_000));
        tally.on_failed(JunkKind::Silent);
        let all = JunkCounts { connections: 2, closed: 1, failed: 1, longest: Duration::from_secs(15) };
        assert_eq!(tally.counts(), all);
        let notes: Vec<String> = tally.notes().collect();
        assert_eq!(
            notes,
            [
                "junk, garbage lines: 1 connections, 1 closed by the server, 0 not made, the longest 1.500 s",
                "junk, silent: 1 connections, 0 closed by the server, 1 not made, the longest 15.000 s",
            ]
        );
    }
}
