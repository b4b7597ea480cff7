//! 256-bit identifiers, each its own type, and the one place that knows their byte order.
//!
//! Bytes are kept in header byte order, as they are hashed and sent. People read the parent chains' ids reversed, so
//! `Display` and `FromStr` use the reversed hex of block explorers. `Ord` compares the values as 256-bit little-endian
//! integers: that is what "smaller id" means in every consensus rule.

use std::{cmp::Ordering, fmt, str::FromStr};

use blake2::{Blake2s256, Digest};
use sha2::Sha256;

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits")]
pub struct HashParseError;

macro_rules! hash_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $name([u8; 32]);

        impl $name {
            /// All bytes zero: "no block" in the parent chain's first header.
            pub const ZERO: Self = Self([0; 32]);

            /// Wraps bytes that are in header byte order.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes in header byte order.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                let halves = |bytes: &[u8; 32]| {
                    let (low, high) = bytes.split_at(16);
                    [high, low].map(|half| half.try_into().map_or(0, u128::from_le_bytes))
                };
                halves(&self.0).cmp(&halves(&other.0))
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().rev().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = HashParseError;

            fn from_str(text: &str) -> Result<Self, HashParseError> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| HashParseError)?;
                bytes.reverse();
                Ok(Self(bytes))
            }
        }
    };
}

hash_type! {
    /// Identity of a share: the parent chain's block hash of its 80-byte header. One proof of work, one id.
    ShareId
}
hash_type! {
    /// Hash of a parent-chain block.
    BlockHash
}
hash_type! {
    /// Root of a parent-chain block's transaction tree.
    MerkleRoot
}
hash_type! {
    /// Hash of a transaction without its witness.
    Txid
}

/// A share that meets the parent target *is* a block: the ids are the same bytes.
impl From<ShareId> for BlockHash {
    fn from(id: ShareId) -> Self {
        Self(id.0)
    }
}

/// The share id that a parent block would have if it is also a share.
impl From<BlockHash> for ShareId {
    fn from(hash: BlockHash) -> Self {
        Self(hash.0)
    }
}

/// Identity of a share chain: every consensus parameter hashed. Printed in byte order, it is nobody's block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamsId(pub [u8; 32]);

impl fmt::Display for ParamsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ParamsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParamsId({self})")
    }
}

/// Unkeyed BLAKE2s-256 over the concatenation of `parts`.
pub fn blake2s256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Blake2s256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// SHA-256 applied twice, the hash of parent-chain transactions and merkle nodes.
pub fn sha256d(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(Sha256::digest(bytes)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_order_as_little_endian_integers_and_print_reversed() {
        let mut low = [0; 32];
        low[0] = 0xff;
        let mut high = [0; 32];
        high[31] = 0x01;
        assert!(ShareId::from_bytes(low) < ShareId::from_bytes(high));
        assert_eq!(ShareId::from_bytes(high).to_string(), format!("01{}", "00".repeat(31)));
        assert_eq!(ShareId::from_bytes(low).to_string().parse(), Ok(ShareId::from_bytes(low)));
        assert_eq!(format!("{0} {0:?}", ParamsId(low)), format!("ff{0} ParamsId(ff{0})", "00".repeat(31)));
        assert_eq!("zz".parse::<ShareId>(), Err(HashParseError));
        assert_eq!(ShareId::from(BlockHash::from_bytes(low)), ShareId::from_bytes(low));
        assert_eq!(BlockHash::from(ShareId::from_bytes(high)), BlockHash::from_bytes(high));
    }
}
