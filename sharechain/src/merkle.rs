//! Transaction tree of the parent chain: the coinbase is always its leftmost leaf.

use crate::hash::{MerkleRoot, Txid, sha256d};

/// Longest branch of a share: 2^24 transactions, more than any block holds. Bounds the hashing one message can cause.
pub const BRANCH_MAX: usize = 24;

/// The root above the leftmost leaf; `branch` holds the right siblings from the leaves upwards.
pub fn root_of_left_path(leaf: Txid, branch: &[[u8; 32]]) -> MerkleRoot {
    MerkleRoot::from_bytes(branch.iter().fold(*leaf.as_bytes(), |left, right| node(&left, right)))
}

/// The right siblings on the path from the leftmost leaf to the root of a tree whose other leaves are `others`.
///
/// An odd level repeats its last node, as the parent chain does.
pub fn left_path(others: &[Txid]) -> Vec<[u8; 32]> {
    let mut branch = Vec::new();
    // The level without its leftmost node, which is not known yet.
    let mut level: Vec<[u8; 32]> = others.iter().map(|txid| *txid.as_bytes()).collect();
    while let Some((sibling, rest)) = level.split_first() {
        branch.push(*sibling);
        level = rest.chunks(2).filter_map(|pair| Some(node(pair.first()?, pair.last()?))).collect();
    }
    branch
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut pair = [0; 64];
    pair[..32].copy_from_slice(left);
    pair[32..].copy_from_slice(right);
    sha256d(&pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(tag: u8) -> [u8; 32] {
        [tag; 32]
    }

    /// The textbook definition over all leaves.
    fn full_root(mut level: Vec<[u8; 32]>) -> [u8; 32] {
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| node(&pair[0], pair.last().unwrap())).collect();
        }
        level[0]
    }

    #[test]
    fn left_path_agrees_with_the_full_tree_for_every_small_size() {
        for leaves in 1..=40_u8 {
            let all: Vec<[u8; 32]> = (0..leaves).map(leaf).collect();
            let others: Vec<Txid> = all[1..].iter().copied().map(Txid::from_bytes).collect();
            let root = root_of_left_path(Txid::from_bytes(leaf(0)), &left_path(&others));
            assert_eq!(root.as_bytes(), &full_root(all), "{leaves} leaves");
        }
    }
}
