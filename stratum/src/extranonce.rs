//! Extranonce1: four bytes per session that no other open or kept session has, so that no two miners do the same work.

use std::collections::BTreeSet;

use sharechain::share::EXTRANONCE_LEN;

/// Bytes the server fixes per session.
pub const EXTRANONCE1_LEN: usize = 4;
/// Bytes the miner varies. NiceHash wants at least 4, cpuminer and cgminer take 2 to 16.
pub const EXTRANONCE2_LEN: usize = EXTRANONCE_LEN - EXTRANONCE1_LEN;

/// Hands out values that are free.
#[derive(Debug, Default)]
pub struct Extranonces {
    taken: BTreeSet<u32>,
    next: u32,
}

impl Extranonces {
    /// The next free value. Sessions are bounded far below 2^32, so there always is one.
    pub fn allocate(&mut self) -> [u8; EXTRANONCE1_LEN] {
        while self.taken.contains(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let value = self.next;
        self.next = value.wrapping_add(1);
        self.taken.insert(value);
        value.to_be_bytes()
    }

    /// How many are taken.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> usize {
        self.taken.len()
    }

    /// A value is free again.
    pub fn free(&mut self, extranonce1: [u8; EXTRANONCE1_LEN]) {
        self.taken.remove(&u32::from_be_bytes(extranonce1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_never_share_a_value_and_those_that_end_free_theirs() {
        let mut extranonces = Extranonces::default();
        assert_eq!((extranonces.allocate(), extranonces.allocate()), ([0, 0, 0, 0], [0, 0, 0, 1]));
        extranonces.free([0; 4]);
        extranonces.next = 0;
        assert_eq!(extranonces.allocate(), [0; 4], "free again");
        // The next one skips the value that is still taken.
        assert_eq!(extranonces.allocate(), [0, 0, 0, 2]);
    }
}
