//! The chain that a world mines: the devnet's blocks, and a share chain that outlives a partition.
//!
//! The devnet merges 16 heights, so that a first payout comes within a minute; what a region that is cut off for longer mines is
//! lost by its rules. A main network merges 600, which are paid for ten minutes later, beyond the end of most runs. Here it is as
//! many as the longest partition of the run takes: what a node keeps, and so its memory, is a multiple of it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use node::ChainProfile;

/// Heights that are merged in a world without partitions, as on the devnet.
const MERGE_DEPTH_MIN: u64 = 16;
/// Most heights that are found in a second, by both sides of a partition together.
const HEIGHTS_PER_SEC: u64 = 2;
/// Heights of one window.
const PAYOUT_EPOCH: u32 = 16;
/// Name of the chain.
const NAME: &str = "world";

/// Heights that are merged, when nobody is away for longer than this.
pub(super) const fn merge_depth(away_max_secs: u64) -> u64 {
    MERGE_DEPTH_MIN + HEIGHTS_PER_SEC * away_max_secs
}

/// Writes the configuration of a node whose daemon is at `rpc`.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write_config(folder: &Path, node: usize, rpc: &str, merge_depth: u64) -> anyhow::Result<PathBuf> {
    let path = folder.join(format!("node{}.toml", node + 1));
    std::fs::write(&path, config(rpc, merge_depth)?).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The devnet, described as a chain of one's own.
fn config(rpc: &str, merge_depth: u64) -> anyhow::Result<String> {
    let devnet = ChainProfile::find("devnet", None)?;
    let (raw, daemon, addresses) = (devnet.params.raw(), &devnet.daemon, &devnet.addresses);
    let algorithm = raw.parent.pow.to_string();
    let bech32 = addresses.bech32.as_ref().context("the devnet has bech32 addresses")?;
    Ok(format!(
        "chain = \"custom\"\n\n[parent]\nrpc_url = {rpc:?}\n\n[custom]\nname = {NAME:?}\ngenesis = \"{}\"\npow = {algorithm:?}\n\
         block_hash = {algorithm:?}\nbech32 = \"{bech32}\"\np2pkh = {}\np2sh = {:?}\ntemplate_rules = {:?}\n\
         daemon_chain = {:?}\nblock_bits_max = \"{:08x}\"\nshare_bits_max = \"{:08x}\"\nshare_chain_start = {}\n\
         short_window = true\ncoinbase_maturity = {}\nmerge_depth = {merge_depth}\npayout_epoch = {PAYOUT_EPOCH}\n",
        raw.parent.genesis,
        addresses.p2pkh,
        addresses.p2sh,
        daemon.rules,
        daemon.chain.as_deref().unwrap_or_default(),
        daemon.bits_max.to_bits(),
        raw.base_target_max.to_bits(),
        raw.genesis_time,
        daemon.maturity,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_sides_of_a_partition_find_can_be_merged() {
        assert_eq!([0, 60, 120].map(merge_depth), [16, 136, 256]);
    }

    #[test]
    fn it_is_the_devnet_with_other_depths() {
        let folder = tempfile::tempdir().unwrap();
        let path = write_config(folder.path(), 0, "http://127.0.0.1:1", 77).unwrap();
        let world = node::config::RawConfig::read(&path).unwrap().resolve().unwrap().chain;
        let devnet = ChainProfile::find("devnet", None).unwrap();
        let mut same = world.params.raw().clone();
        assert_eq!((same.merge_depth, same.payout_epoch), (77, PAYOUT_EPOCH));
        let raw = devnet.params.raw();
        same.name.clone_from(&raw.name);
        (same.merge_depth, same.payout_epoch) = (raw.merge_depth, raw.payout_epoch);
        assert_eq!(&same, raw);
        assert_eq!(world.addresses, devnet.addresses);
        let of_daemon = |chain: &ChainProfile| {
            let daemon = &chain.daemon;
            (daemon.chain.clone(), daemon.bits_max, daemon.rules.clone(), daemon.maturity)
        };
        assert_eq!(of_daemon(&world), of_daemon(&devnet));
    }
}
