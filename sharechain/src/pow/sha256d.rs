//! SHA-256 applied twice: Bitcoin.

use crate::{hash::sha256d, header::HEADER_LEN};

pub(super) fn hash(header: &[u8; HEADER_LEN]) -> [u8; 32] {
    sha256d(header)
}
