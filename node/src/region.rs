//! Regions: the seven continents. A claim or a hint, never a proof; measured round trips decide.

use std::{fmt, str::FromStr, time::Duration};

/// Where a node is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Region {
    /// North America.
    Na,
    /// South America.
    Sa,
    /// Europe.
    Eu,
    /// Africa.
    Af,
    /// Asia.
    As,
    /// Oceania.
    Oc,
    /// Antarctica.
    An,
}

impl Region {
    /// All regions.
    pub const ALL: [Self; 7] = [Self::Na, Self::Sa, Self::Eu, Self::Af, Self::As, Self::Oc, Self::An];

    /// Its place in [`Region::ALL`], which is its byte in every format.
    pub const fn index(self) -> u8 {
        self as u8
    }

    /// The region with this byte.
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }

    /// The two letters.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Na => "NA",
            Self::Sa => "SA",
            Self::Eu => "EU",
            Self::Af => "AF",
            Self::As => "AS",
            Self::Oc => "OC",
            Self::An => "AN",
        }
    }

    /// The shortest round trip between two regions, milliseconds: light in glass goes a hundred kilometres a millisecond
    /// there and back. From the distance between their nearest coasts with people; 0 where they touch.
    pub const fn rtt_min_ms(self, other: Self) -> u32 {
        match (self, other) {
            (Self::Na, Self::Eu) | (Self::Eu, Self::Na) => 30,
            (Self::Na, Self::Af) | (Self::Af, Self::Na) => 45,
            (Self::Na, Self::As) | (Self::As, Self::Na) => 20,
            (Self::Na, Self::Oc) | (Self::Oc, Self::Na) => 20,
            (Self::Sa, Self::Eu) | (Self::Eu, Self::Sa) => 50,
            (Self::Sa, Self::Af) | (Self::Af, Self::Sa) => 28,
            (Self::Sa, Self::As) | (Self::As, Self::Sa) => 85,
            (Self::Sa, Self::Oc) | (Self::Oc, Self::Sa) => 35,
            (Self::Eu, Self::Oc) | (Self::Oc, Self::Eu) => 90,
            (Self::Af, Self::Oc) | (Self::Oc, Self::Af) => 50,
            (Self::Sa, Self::An) | (Self::An, Self::Sa) => 9,
            (Self::An, Self::Af | Self::Oc) | (Self::Af | Self::Oc, Self::An) => 20,
            (Self::An, Self::Na | Self::Eu | Self::As) | (Self::Na | Self::Eu | Self::As, Self::An) => 50,
            (Self::Na, Self::Na | Self::Sa)
            | (Self::Sa, Self::Na | Self::Sa)
            | (Self::Eu | Self::Af, Self::Eu | Self::Af | Self::As)
            | (Self::As, Self::Eu | Self::Af | Self::As | Self::Oc)
            | (Self::Oc, Self::As | Self::Oc)
            | (Self::An, Self::An) => 0,
        }
    }
}

/// Why a peer is believed to be where it is; a later one counts more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RegionSource {
    /// It says so.
    Claim,
    /// By the database.
    Database,
    /// Its round trip is too short for what the others say: it is where we are.
    RoundTrip,
}

impl RegionSource {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "self-declared",
            Self::Database => "mmdb",
            Self::RoundTrip => "rtt",
        }
    }
}

/// Where a peer seems to be before its round trips are known: by the database, else as it claims.
pub fn hint(database: Option<Region>, claim: Option<Region>) -> Option<(Region, RegionSource)> {
    let by_database = database.map(|region| (region, RegionSource::Database));
    by_database.or_else(|| claim.map(|region| (region, RegionSource::Claim)))
}

/// Where a peer is: by the database, else as it claims, unless its shortest round trip to us makes that impossible.
pub fn locate(
    own: Option<Region>,
    database: Option<Region>,
    claim: Option<Region>,
    rtt_min: Option<Duration>,
) -> Option<(Region, RegionSource)> {
    let (region, source) = hint(database, claim)?;
    match (own, rtt_min) {
        (Some(own), Some(rtt)) if rtt.as_millis() < u128::from(own.rtt_min_ms(region)) => {
            Some((own, RegionSource::RoundTrip))
        }
        _ => Some((region, source)),
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text names no region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown region {0:?}, expected one of NA, SA, EU, AF, AS, OC, AN")]
pub struct UnknownRegion(String);

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        let found = Self::ALL.into_iter().find(|region| region.code().eq_ignore_ascii_case(text));
        found.ok_or_else(|| UnknownRegion(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_needs_as_long_there_as_back() {
        for one in Region::ALL {
            assert_eq!(one.rtt_min_ms(one), 0);
            for other in Region::ALL {
                assert_eq!(one.rtt_min_ms(other), other.rtt_min_ms(one));
            }
        }
    }

    #[test]
    fn a_round_trip_overrules_what_is_said() {
        let ms = |ms| Some(Duration::from_millis(ms));
        let (eu, sa, oc) = (Some(Region::Eu), Some(Region::Sa), Some(Region::Oc));
        assert_eq!(locate(eu, oc, sa, ms(250)), Some((Region::Oc, RegionSource::Database)));
        assert_eq!(locate(eu, None, sa, ms(180)), Some((Region::Sa, RegionSource::Claim)));
        assert_eq!(locate(eu, None, sa, ms(12)), Some((Region::Eu, RegionSource::RoundTrip)));
        assert_eq!(locate(eu, oc, sa, ms(12)), Some((Region::Eu, RegionSource::RoundTrip)));
        assert_eq!(locate(None, None, sa, ms(12)), Some((Region::Sa, RegionSource::Claim)), "who knows where we are?");
        assert_eq!(locate(eu, None, sa, None), Some((Region::Sa, RegionSource::Claim)));
        assert_eq!(locate(eu, None, None, ms(12)), None);
    }

    #[test]
    fn a_regions_byte_is_its_place_in_the_list() {
        for (place, region) in Region::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(region.index()), place);
            assert_eq!(Region::from_index(region.index()), Some(region));
        }
        assert_eq!(Region::from_index(7), None);
    }
}
