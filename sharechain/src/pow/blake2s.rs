//! BLAKE2s-256, unkeyed (RFC 7693): Tajcoin, Nevacoin, Verge and GlobalToken blocks, and the devnet.

use crate::{hash::blake2s256, header::HEADER_LEN};

pub(super) fn hash(header: &[u8; HEADER_LEN]) -> [u8; 32] {
    blake2s256(&[header])
}
