//! The inner loop: nonces of one header against a target. Everything before the nonce is hashed once.

use blake2::{Blake2s256, Digest};
use sha2::Sha256;
use sharechain::{PowAlgorithm, Target, pow::PowHash};

/// Bytes before the nonce.
const NONCE_AT: usize = 76;

/// A header whose nonce varies.
#[derive(Clone, Debug)]
pub enum Hasher {
    /// State after the first 76 bytes.
    Blake2s(Box<Blake2s256>),
    /// State after the first 76 bytes.
    Sha256d(Sha256),
    /// Nothing can be kept.
    Scrypt(Box<[u8; 80]>),
}

impl Hasher {
    /// Prepares the header; its nonce is ignored.
    pub fn new(algorithm: PowAlgorithm, header: &[u8; 80]) -> Self {
        match algorithm {
            PowAlgorithm::Blake2s => Self::Blake2s(Box::new(Blake2s256::new().chain_update(&header[..NONCE_AT]))),
            PowAlgorithm::Sha256d => Self::Sha256d(Sha256::new().chain_update(&header[..NONCE_AT])),
            PowAlgorithm::Scrypt => Self::Scrypt(Box::new(*header)),
        }
    }

    /// The hash with this nonce.
    pub fn hash(&self, nonce: u32) -> PowHash {
        let nonce = nonce.to_le_bytes();
        match self {
            Self::Blake2s(state) => PowHash::from_bytes(state.clone().chain_update(nonce).finalize().into()),
            Self::Sha256d(state) => {
                PowHash::from_bytes(Sha256::digest(state.clone().chain_update(nonce).finalize()).into())
            }
            Self::Scrypt(header) => {
                let mut header = **header;
                header[NONCE_AT..].copy_from_slice(&nonce);
                PowAlgorithm::Scrypt.hash(&header)
            }
        }
    }

    /// Nonces among the next `count` from `start` that meet the target.
    pub fn scan(&self, start: u32, count: u32, target: Target) -> Vec<u32> {
        // Few hashes end in a small byte, and comparing that byte first is nearly free.
        let most_significant = target.to_le_bytes()[31];
        (start..start.saturating_add(count))
            .filter(|nonce| {
                let hash = self.hash(*nonce);
                hash.as_bytes()[31] <= most_significant && target.is_met_by(&hash)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prepared_and_plain_hashes_agree() {
        let mut header = [7; 80];
        for algorithm in PowAlgorithm::ALL {
            let hasher = Hasher::new(algorithm, &header);
            for nonce in [0, 1, 0xdead_beef] {
                header[NONCE_AT..].copy_from_slice(&u32::to_le_bytes(nonce));
                assert_eq!(hasher.hash(nonce), algorithm.hash(&header), "{algorithm}");
            }
        }
    }

    #[test]
    fn a_scan_finds_exactly_what_meets_the_target() {
        let hasher = Hasher::new(PowAlgorithm::Blake2s, &[3; 80]);
        let target = Target::from_work(sharechain::Work::from_hashes(50));
        let expected: Vec<u32> = (100..1_100).filter(|nonce| target.is_met_by(&hasher.hash(*nonce))).collect();
        assert_eq!(hasher.scan(100, 1_000, target), expected);
        assert!(!expected.is_empty());
    }
}
