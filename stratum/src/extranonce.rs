//! Extranonce1: four bytes per connection that no other open connection has, so that no two miners do the same work.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use sharechain::share::EXTRANONCE_LEN;

/// Bytes the server fixes per connection.
pub const EXTRANONCE1_LEN: usize = 4;
/// Bytes the miner varies. NiceHash wants at least 4, cpuminer and cgminer take 2 to 16.
pub const EXTRANONCE2_LEN: usize = EXTRANONCE_LEN - EXTRANONCE1_LEN;

/// Hands out values that are free; a dropped [`Extranonce1`] is free again.
#[derive(Debug, Clone, Default)]
pub struct ExtranonceAllocator {
    // Held for one set operation at a time and never across an await.
    used: Arc<Mutex<Slots>>,
}

#[derive(Debug, Default)]
struct Slots {
    taken: BTreeSet<u32>,
    next: u32,
}

/// A value that belongs to one connection.
#[derive(Debug)]
pub struct Extranonce1 {
    value: u32,
    allocator: ExtranonceAllocator,
}

impl ExtranonceAllocator {
    /// The next free value. Connections are bounded far below 2^32, so there always is one.
    pub fn allocate(&self) -> Extranonce1 {
        let mut slots = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while slots.taken.contains(&slots.next) {
            slots.next = slots.next.wrapping_add(1);
        }
        let value = slots.next;
        slots.next = value.wrapping_add(1);
        slots.taken.insert(value);
        Extranonce1 { value, allocator: self.clone() }
    }
}

impl Extranonce1 {
    /// The bytes in the coinbase.
    pub const fn to_bytes(&self) -> [u8; EXTRANONCE1_LEN] {
        self.value.to_be_bytes()
    }
}

impl fmt::Display for Extranonce1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.value)
    }
}

impl Drop for Extranonce1 {
    fn drop(&mut self) {
        let mut slots = self.allocator.used.lock().unwrap_or_else(PoisonError::into_inner);
        slots.taken.remove(&self.value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_connections_never_share_a_value_and_closed_ones_free_theirs() {
        let allocator = ExtranonceAllocator::default();
        let first = allocator.allocate();
        let second = allocator.allocate();
        assert_ne!(first.to_bytes(), second.to_bytes());
        drop(first);
        allocator.used.lock().unwrap().next = 0;
        let reused = allocator.allocate();
        assert_eq!(reused.to_string(), "00000000");
        // The next one skips the value that is still taken.
        assert_eq!(allocator.allocate().to_string(), "00000002");
    }
}
