//! Regions: the seven continents. A claim or a hint, never a proof; measured round trips decide.

use std::{fmt, str::FromStr};

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
