//! Who may not connect: peers and addresses, why and until when. Kept in a file over restarts.
//!
//! The list only knows; the gate enforces it. A peer that is banned is banned with its address, unless that is loopback, which
//! everything on this machine shares. Each further ban within a day takes twice as long as the one before.

use std::{collections::BTreeMap, fmt, net::IpAddr, str::FromStr};

use libp2p::PeerId;
use serde::{Deserialize, Serialize};
use sharechain::UnixTime;
use stratum::guard::Source;

/// How long the first ban takes, seconds.
pub const BAN_SECS: u64 = 600;
/// The longest one, and how long a ban is remembered after its end, seconds.
pub(super) const BAN_SECS_MAX: u64 = 86_400;
/// The longest one an operator can give, seconds: ten years.
pub(super) const OPERATOR_BAN_SECS_MAX: u64 = 10 * 365 * 86_400;
/// Bans at once. Identities are free and addresses cheap: beyond it those go that end first.
pub(super) const BANS_MAX: usize = 16_384;
/// Longest reason kept, in characters.
const REASON_LEN_MAX: usize = 200;
/// Longest file that is read: every ban with its longest reason.
pub const FILE_LEN_MAX: usize = 16 << 20;

/// Whom a ban is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Banned {
    /// An identity.
    Peer(PeerId),
    /// An IPv4 address or an IPv6 /64.
    Address(Source),
}

/// The text names neither a peer nor an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a peer id (12D3Koo...) nor an IP address")]
pub struct UnknownSubject(String);

impl fmt::Display for Banned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(peer) => write!(f, "{peer}"),
            Self::Address(source) => write!(f, "{source}"),
        }
    }
}

impl FromStr for Banned {
    type Err = UnknownSubject;

    fn from_str(text: &str) -> Result<Self, UnknownSubject> {
        let peer = || text.parse().map(Self::Peer).ok();
        text.parse().map(Self::Address).ok().or_else(peer).ok_or_else(|| UnknownSubject(text.to_owned()))
    }
}

/// A ban as it is kept and shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ban {
    /// Its end, Unix seconds.
    pub until: UnixTime,
    /// How long it took, seconds.
    pub secs: u64,
    /// Why.
    pub reason: String,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Bans {
    bans: BTreeMap<Banned, Ban>,
}

impl Bans {
    /// What a file says. Whoever it names in a way that this version does not know is left out.
    ///
    /// # Errors
    /// When the file is none of bans.
    pub fn from_json(json: &[u8], now: UnixTime) -> serde_json::Result<Self> {
        let kept: BTreeMap<String, Ban> = serde_json::from_slice(json)?;
        let mut bans = Self::default();
        for (banned, mut ban) in kept {
            let Ok(banned) = banned.parse() else { continue };
            // A clock that was far ahead must not have banned anybody for ever.
            ban.until = ban.until.min(now.saturating_add(OPERATOR_BAN_SECS_MAX));
            ban.reason = shortened(&ban.reason);
            bans.insert(banned, ban);
        }
        bans.forget(now);
        Ok(bans)
    }

    /// For the file.
    pub fn to_json(&self) -> String {
        let kept: BTreeMap<String, &Ban> = self.bans.iter().map(|(banned, ban)| (banned.to_string(), ban)).collect();
        // Strings and numbers only: it cannot fail.
        serde_json::to_string_pretty(&kept).unwrap_or_default()
    }

    /// Bans for a fault: longer than the last time. Says for how many seconds.
    pub fn ban(&mut self, banned: Banned, reason: &str, now: UnixTime) -> u64 {
        let last = self.bans.get(&banned).map_or(0, |ban| ban.secs);
        let secs = last.saturating_mul(2).clamp(BAN_SECS, BAN_SECS_MAX.max(last));
        self.ban_for(banned, secs, reason, now);
        secs
    }

    /// Bans for so many seconds.
    pub fn ban_for(&mut self, banned: Banned, secs: u64, reason: &str, now: UnixTime) {
        let secs = secs.min(OPERATOR_BAN_SECS_MAX);
        let until = now.saturating_add(secs);
        self.insert(banned, Ban { until, secs, reason: shortened(reason) });
    }

    /// Ends a ban and forgets it; false when there was none.
    pub fn unban(&mut self, banned: &Banned, now: UnixTime) -> bool {
        self.bans.remove(banned).is_some_and(|ban| ban.until > now)
    }

    /// Whether it may not connect.
    pub fn is_banned(&self, banned: &Banned, now: UnixTime) -> bool {
        self.bans.get(banned).is_some_and(|ban| ban.until > now)
    }

    /// Whether nobody may connect from there.
    pub fn is_address_banned(&self, address: IpAddr, now: UnixTime) -> bool {
        self.is_banned(&Banned::Address(address.into()), now)
    }

    /// Bans that last, by subject.
    pub fn list(&self, now: UnixTime) -> impl Iterator<Item = (&Banned, &Ban)> {
        self.bans.iter().filter(move |(_, ban)| ban.until > now)
    }

    /// The list without those that are only remembered, which are most of them: for whoever looks at it from elsewhere.
    pub fn lasting(&self, now: UnixTime) -> Self {
        Self { bans: self.list(now).map(|(banned, ban)| (*banned, ban.clone())).collect() }
    }

    /// Forgets what ended long ago.
    pub fn forget(&mut self, now: UnixTime) {
        self.bans.retain(|_, ban| ban.until.saturating_add(BAN_SECS_MAX) > now);
    }

    fn insert(&mut self, banned: Banned, ban: Ban) {
        self.bans.insert(banned, ban);
        while self.bans.len() > BANS_MAX {
            let first = self.bans.iter().min_by_key(|(_, ban)| ban.until).map(|(banned, _)| *banned);
            first.and_then(|first| self.bans.remove(&first));
        }
    }
}

/// Without control characters, which would end up in terminals.
fn shortened(reason: &str) -> String {
    reason.chars().filter(|letter| !letter.is_control()).take(REASON_LEN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    const NOW: UnixTime = 1_900_000_000;

    fn address(number: u32) -> Banned {
        Banned::Address(IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + number)).into())
    }

    #[test]
    fn a_ban_ends_and_the_next_one_takes_longer_until_it_is_forgotten() {
        let mut bans = Bans::default();
        assert_eq!(bans.ban(address(1), "a", NOW), BAN_SECS);
        assert!(bans.is_banned(&address(1), NOW + BAN_SECS - 1));
        assert!(!bans.is_banned(&address(1), NOW + BAN_SECS) && !bans.is_banned(&address(2), NOW));
        assert_eq!(bans.ban(address(1), "b", NOW + BAN_SECS), 2 * BAN_SECS);
        bans.forget(NOW + 3 * BAN_SECS + BAN_SECS_MAX);
        assert_eq!(bans.ban(address(1), "c", NOW), BAN_SECS);
        for _ in 0..20 {
            assert!(bans.ban(address(1), "d", NOW) <= BAN_SECS_MAX);
        }
    }

    #[test]
    fn a_fault_does_not_shorten_what_the_operator_decided() {
        let mut bans = Bans::default();
        bans.ban_for(address(1), 40 * BAN_SECS_MAX, "operator", NOW);
        assert_eq!(bans.ban(address(1), "again", NOW), 40 * BAN_SECS_MAX);
        assert!(bans.unban(&address(1), NOW));
        assert!(!bans.is_banned(&address(1), NOW) && !bans.unban(&address(1), NOW));
    }

    #[test]
    fn they_come_back_from_their_file() {
        let mut bans = Bans::default();
        let peer = Banned::Peer(PeerId::random());
        let network = "2001:db8::/64".parse().unwrap();
        for banned in [peer, address(1), network] {
            bans.ban(banned, "invalid\u{1b} share", NOW);
        }
        let read = |json: &str, now| Bans::from_json(json.as_bytes(), now).unwrap();
        let back = read(&bans.to_json(), NOW + 1);
        assert_eq!(back.bans, bans.bans);
        assert_eq!(back.list(NOW + 1).next().unwrap().1.reason, "invalid share");
        assert_eq!(read(&bans.to_json(), NOW + 2 * BAN_SECS_MAX).bans, BTreeMap::new());
        bans.ban(address(1), "again", NOW + BAN_SECS);
        let lasting = bans.lasting(NOW + BAN_SECS);
        assert_eq!(lasting.bans.into_iter().collect::<Vec<_>>(), [(address(1), bans.bans[&address(1)].clone())]);
        let far = r#"{"10.0.0.1": {"until": 18446744073709551615, "secs": 1, "reason": "x"}, "x": {"until": 1, "secs": 1, "reason": ""}}"#;
        assert_eq!(read(far, NOW).bans[&address(1)].until, NOW + OPERATOR_BAN_SECS_MAX);
    }

    #[test]
    fn attack_p6_a_flood_of_identities_does_not_grow_it() {
        let mut bans = Bans::default();
        bans.ban_for(address(0), 2 * BAN_SECS, "long", NOW);
        for number in 1..=u32::try_from(BANS_MAX).unwrap() {
            bans.ban(address(number), "flood", NOW);
        }
        assert_eq!(bans.bans.len(), BANS_MAX);
        assert!(bans.is_banned(&address(0), NOW), "the one that ends last stays");
    }

    proptest! {
        #[test]
        fn no_file_bans_anybody_by_chance(noise in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(Bans::from_json(&noise, NOW).unwrap_or_default().list(NOW).count(), 0);
        }
    }
}
