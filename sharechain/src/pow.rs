//! Proof-of-work functions over the 80-byte header. Each file has the genesis vectors of real coins.

use std::{fmt, str::FromStr};

use crate::header::HEADER_LEN;

mod blake2s;
mod scrypt;
mod sha256d;

/// Which function hashes a header, for its proof of work or for its id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PowAlgorithm {
    /// Unkeyed BLAKE2s-256 of the header.
    Blake2s,
    /// SHA-256 applied twice.
    Sha256d,
    /// scrypt with N = 1024, r = 1, p = 1 and the header as its own salt.
    Scrypt,
}

/// A header's hash in header byte order; as a little-endian integer it is compared with a target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PowHash([u8; 32]);

impl PowHash {
    /// Wraps a hash in header byte order.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes in header byte order.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PowAlgorithm {
    /// Every algorithm, in the order of [`PowAlgorithm::tag`].
    pub const ALL: [Self; 3] = [Self::Blake2s, Self::Sha256d, Self::Scrypt];

    /// Hashes the header.
    pub fn hash(self, header: &[u8; HEADER_LEN]) -> PowHash {
        PowHash(match self {
            Self::Blake2s => blake2s::hash(header),
            Self::Sha256d => sha256d::hash(header),
            Self::Scrypt => scrypt::hash(header),
        })
    }

    /// The byte that stands for the algorithm in `params_id`.
    pub const fn tag(self) -> u8 {
        match self {
            Self::Blake2s => 0,
            Self::Sha256d => 1,
            Self::Scrypt => 2,
        }
    }

    /// The name that miners pass as `-a`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blake2s => "blake2s",
            Self::Sha256d => "sha256d",
            Self::Scrypt => "scrypt",
        }
    }
}

impl fmt::Display for PowAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no algorithm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown algorithm {0:?}, expected blake2s, sha256d or scrypt")]
pub struct UnknownAlgorithm(String);

impl FromStr for PowAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == text)
            .ok_or_else(|| UnknownAlgorithm(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
