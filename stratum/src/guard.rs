//! Who may connect: limits and bans by address, as a state machine without a clock or a socket.
//!
//! An IPv4 address counts for itself; of IPv6 the /64 does, since that is what one customer gets. Shares that do not meet
//! their job's difficulty cost a point each five times over, good ones earn one back: three bad shares of a stranger are a
//! ban, while a farm with thousands of good ones may have a broken machine. What the operator allows is never limited.

use std::{
    collections::BTreeMap,
    fmt,
    net::{AddrParseError, IpAddr, Ipv6Addr},
    str::FromStr,
    time::{Duration, Instant},
};

use crate::bucket::{Allowance, TokenBucket};

/// Connections of one address at once. A farm behind one address has hundreds; more than this holds sockets for nothing.
pub const CONNECTIONS_PER_ADDRESS_MAX: u32 = 1_024;
/// New connections of one address: a farm comes back at once after a power cut, but nobody goes on like that. Stops a flood of
/// handshakes.
pub const CONNECTS: Allowance = Allowance { per_second: 20.0, burst: 1_024.0 };
/// Points that a good share earns, up to [`SCORE_MAX`].
const GOOD_SHARE: i32 = 1;
/// Points that a share costs that is no work: each makes the node hash for nothing, 0.3 ms with scrypt.
const BAD_SHARE: i32 = 5;
/// Points that a wrong password costs: nobody tries many.
const WRONG_PASSWORD: i32 = 5;
/// Points that a line costs that is no Stratum.
const JUNK_LINE: i32 = 5;
/// The most points anybody has: a long good time does not pay for an hour of junk.
const SCORE_MAX: i32 = 1_000;
/// With so few points an address is banned.
const SCORE_BAN: i32 = -15;
/// How long, the first time; each further ban within a day takes twice as long as the one before...
const BAN: Duration = Duration::from_secs(600);
/// ...up to this.
const BAN_MAX: Duration = Duration::from_secs(86_400);
/// Addresses remembered. Beyond it those without connections go that were seen longest ago: an attacker with many addresses
/// cannot fill memory.
const ADDRESSES_MAX: usize = 65_536;

/// Why a connection is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Turned {
    /// It is banned.
    #[error("banned for {secs} s more after shares without work or lines that are no Stratum")]
    Banned {
        /// Seconds until the ban ends.
        secs: u64,
    },
    /// It has too many connections.
    #[error("{CONNECTIONS_PER_ADDRESS_MAX} connections of one address are open")]
    TooMany,
    /// It connects too often.
    #[error("too many new connections of one address")]
    TooOften,
}

/// What a connection did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conduct {
    /// So many shares that were accepted.
    Good(u64),
    /// A share that does not meet the difficulty of its job.
    NoWork,
    /// A line that is no Stratum.
    Junk,
    /// A password that is not the endpoint's.
    WrongPassword,
}

/// What counts as one address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Self(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
            }
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

impl Source {
    /// Whether it is this machine itself, which everything that runs here shares.
    pub const fn is_loopback(self) -> bool {
        self.0.is_loopback()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => write!(f, "{v4}"),
            IpAddr::V6(v6) => write!(f, "{v6}/64"),
        }
    }
}

impl FromStr for Source {
    type Err = AddrParseError;

    /// An address, or the first one of a `/64`.
    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        text.strip_suffix("/64").unwrap_or(text).parse::<IpAddr>().map(Self::from)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Guard {
    /// Addresses that nothing is asked of.
    allowed: Vec<Source>,
    sources: BTreeMap<Source, Record>,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    connections: u32,
    /// Connections it may open now.
    connects: TokenBucket,
    score: i32,
    banned_until: Option<Instant>,
    /// How long its last ban took.
    last_ban: Duration,
    seen: Instant,
}

impl Guard {
    /// Nobody is known but those who are always allowed. The own machine is.
    pub fn new(allowed: impl IntoIterator<Item = IpAddr>) -> Self {
        Self { allowed: allowed.into_iter().map(Source::from).collect(), sources: BTreeMap::new() }
    }

    /// A connection comes in; when it is taken, [`Guard::on_closed`] follows.
    ///
    /// # Errors
    /// Why it is turned away.
    pub fn admit(&mut self, address: IpAddr, now: Instant) -> Result<(), Turned> {
        let Some(record) = self.record(address, now) else { return Ok(()) };
        if let Some(until) = record.banned_until.filter(|until| *until > now) {
            return Err(Turned::Banned { secs: until.saturating_duration_since(now).as_secs() });
        }
        if record.connections >= CONNECTIONS_PER_ADDRESS_MAX {
            return Err(Turned::TooMany);
        }
        if !record.connects.take(CONNECTS, now) {
            return Err(Turned::TooOften);
        }
        record.connections = record.connections.saturating_add(1);
        Ok(())
    }

    /// A connection that was taken is closed.
    pub fn on_closed(&mut self, address: IpAddr) {
        if let Some(record) = self.sources.get_mut(&address.into()) {
            record.connections = record.connections.saturating_sub(1);
        }
    }

    /// A connection did something; whether its address is banned for it.
    pub fn on_conduct(&mut self, address: IpAddr, conduct: Conduct, now: Instant) -> bool {
        let Some(record) = self.record(address, now) else { return false };
        let points = match conduct {
            Conduct::Good(shares) => i32::try_from(shares).unwrap_or(SCORE_MAX).saturating_mul(GOOD_SHARE),
            Conduct::NoWork => BAD_SHARE.saturating_neg(),
            Conduct::WrongPassword => WRONG_PASSWORD.saturating_neg(),
            Conduct::Junk => JUNK_LINE.saturating_neg(),
        };
        record.score = record.score.saturating_add(points).min(SCORE_MAX);
        let is_banned = record.score <= SCORE_BAN;
        if is_banned {
            record.score = 0;
            record.last_ban = record.last_ban.saturating_mul(2).clamp(BAN, BAN_MAX);
            record.banned_until = now.checked_add(record.last_ban);
        }
        is_banned
    }

    /// Addresses that are banned, and for how long.
    pub fn bans(&self, now: Instant) -> impl Iterator<Item = (IpAddr, Duration)> + '_ {
        let left = move |record: &Record| Some(record.banned_until?.saturating_duration_since(now));
        let banned = self.sources.iter().filter_map(move |(source, record)| Some((source.0, left(record)?)));
        banned.filter(|(_, left)| !left.is_zero())
    }

    /// The record of an address; `None` when it is allowed whatever it does.
    fn record(&mut self, address: IpAddr, now: Instant) -> Option<&mut Record> {
        let source = Source::from(address);
        if address.to_canonical().is_loopback() || self.allowed.contains(&source) {
            return None;
        }
        if self.sources.len() >= ADDRESSES_MAX && !self.sources.contains_key(&source) {
            self.make_room();
        }
        let new = Record {
            connections: 0,
            connects: TokenBucket::full(CONNECTS, now),
            score: 0,
            banned_until: None,
            last_ban: Duration::ZERO,
            seen: now,
        };
        let record = self.sources.entry(source).or_insert(new);
        let away = now.saturating_duration_since(record.seen);
        if away > BAN_MAX {
            record.last_ban = Duration::ZERO;
        }
        record.seen = now;
        Some(record)
    }

    /// Forgets half of those without connections, those that were seen longest ago.
    fn make_room(&mut self) {
        let mut idle: Vec<(Instant, Source)> = self
            .sources
            .iter()
            .filter(|(_, record)| record.connections == 0)
            .map(|(source, record)| (record.seen, *source))
            .collect();
        idle.sort_unstable();
        let half = idle.len().div_ceil(2);
        for (_, source) in idle.into_iter().take(half) {
            self.sources.remove(&source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

    fn guard() -> (Guard, Instant) {
        (Guard::new([]), Instant::now())
    }

    #[test]
    fn a_source_is_written_as_it_is_read() {
        for (address, text) in [("203.0.113.7", "203.0.113.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64")] {
            let source = Source::from(address.parse::<IpAddr>().unwrap());
            assert_eq!((source.to_string().as_str(), text.parse()), (text, Ok(source)));
        }
        assert!("203.0.113.7/24".parse::<Source>().is_err());
    }

    #[test]
    fn attack_m3_three_shares_without_work_are_a_ban_that_ends() {
        let (mut guard, now) = guard();
        let thrice = |guard: &mut Guard, conduct, now| [(); 3].map(|()| guard.on_conduct(STRANGER, conduct, now));
        guard.admit(STRANGER, now).unwrap();
        assert_eq!(thrice(&mut guard, Conduct::NoWork, now), [false, false, true]);
        guard.on_closed(STRANGER);
        assert_eq!(guard.admit(STRANGER, now + Duration::from_secs(599)), Err(Turned::Banned { secs: 1 }));
        assert_eq!(guard.bans(now).collect::<Vec<_>>(), [(STRANGER, BAN)]);
        let later = now + BAN;
        assert_eq!(guard.admit(STRANGER, later), Ok(()));
        assert_eq!(guard.bans(later).count(), 0);
        // The next one takes twice as long.
        assert_eq!(thrice(&mut guard, Conduct::Junk, later), [false, false, true]);
        assert_eq!(guard.bans(later).collect::<Vec<_>>(), [(STRANGER, 2 * BAN)]);
        let tomorrow = later + 2 * BAN + BAN_MAX + Duration::from_secs(1);
        assert_eq!(thrice(&mut guard, Conduct::WrongPassword, tomorrow), [false, false, true]);
        assert_eq!(guard.bans(tomorrow).collect::<Vec<_>>(), [(STRANGER, BAN)], "but not for ever");
    }

    #[test]
    fn good_shares_pay_for_bad_ones_up_to_a_bound() {
        let (mut guard, now) = guard();
        for _ in 0..2_000 {
            guard.on_conduct(STRANGER, Conduct::Good(1), now);
        }
        let bad = (1..).find(|_| guard.on_conduct(STRANGER, Conduct::NoWork, now));
        assert_eq!(bad, Some((1_000 + 15) / 5));
    }

    #[test]
    fn one_address_has_so_many_connections_and_opens_them_so_fast() {
        let (mut guard, now) = guard();
        for _ in 0..CONNECTIONS_PER_ADDRESS_MAX {
            guard.admit(STRANGER, now).unwrap();
        }
        assert_eq!(guard.admit(STRANGER, now), Err(Turned::TooMany));
        guard.on_closed(STRANGER);
        assert_eq!(guard.admit(STRANGER, now), Err(Turned::TooOften));
        assert_eq!(guard.admit(STRANGER, now + Duration::from_secs_f64(1.0 / CONNECTS.per_second)), Ok(()));
    }

    #[test]
    fn an_ipv6_customer_is_one_address_and_a_mapped_ipv4_is_an_ipv4() {
        let source = |text: &str| Source::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::7"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:203.0.113.7"), Source(STRANGER));
    }

    #[test]
    fn the_own_machine_and_whom_the_operator_allows_are_never_turned_away() {
        let mut guard = Guard::new([STRANGER]);
        let now = Instant::now();
        for address in [STRANGER, "127.0.0.1".parse().unwrap(), "::1".parse().unwrap()] {
            assert!((0..100).all(|_| !guard.on_conduct(address, Conduct::Junk, now)));
            assert!((0..5_000).all(|_| guard.admit(address, now).is_ok()));
        }
    }

    #[test]
    fn memory_is_bounded_and_open_connections_are_not_forgotten() {
        let (mut guard, now) = guard();
        guard.admit(STRANGER, now).unwrap();
        for number in 0..u32::try_from(ADDRESSES_MAX).unwrap() * 2 {
            let address = IpAddr::from((0x0b00_0000_u32 + number).to_be_bytes());
            guard.on_conduct(address, Conduct::Good(1), now + Duration::from_millis(u64::from(number)));
        }
        assert!(guard.sources.len() <= ADDRESSES_MAX);
        assert!(guard.sources.contains_key(&STRANGER.into()));
    }
}
