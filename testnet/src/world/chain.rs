//! The chain that a world mines: the devnet's blocks, and a share chain that outlives a partition.
//!
//! The devnet merges 16 heights, so that a first payout comes within a minute; what a region that is cut off for longer mines is
//! lost by its rules. A main network merges 600, which are paid for ten minutes later, beyond the end of most runs. Here it is as
//! many as the longest partitions of interest take.

use std::path::{Path, PathBuf};

use anyhow::Context;
use node::ChainProfile;

/// Heights that are merged: two minutes of partition and as many again, at half a height in a second.
const MERGE_DEPTH: u32 = 160;
/// Heights of one window.
const PAYOUT_EPOCH: u32 = 16;
/// Name of the chain.
const NAME: &str = "world";

/// Writes the configuration of a node whose daemon is at `rpc`.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write_config(folder: &Path, node: usize, rpc: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(format!("node{}.toml", node + 1));
    std::fs::write(&path, config(rpc)?).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The devnet, described as a chain of one's own.
fn config(rpc: &str) -> anyhow::Result<String> {
    let devnet = ChainProfile::find("devnet", None)?;
    let (raw, daemon, addresses) = (devnet.params.raw(), &devnet.daemon, &devnet.addresses);
    let algorithm = raw.parent.pow.to_string();
    let bech32 = addresses.bech32.as_ref().context("the devnet has bech32 addresses")?;
    Ok(format!(
        "chain = \"custom\"\n\n[parent]\nrpc_url = {rpc:?}\n\n[custom]\nname = {NAME:?}\ngenesis = \"{}\"\npow = {algorithm:?}\n\
         block_hash = {algorithm:?}\nbech32 = \"{bech32}\"\np2pkh = {}\np2sh = {:?}\ntemplate_rules = {:?}\n\
         daemon_chain = {:?}\nblock_bits_max = \"{:08x}\"\nshare_bits_max = \"{:08x}\"\nshare_chain_start = {}\n\
         short_window = true\ncoinbase_maturity = {}\nmerge_depth = {MERGE_DEPTH}\npayout_epoch = {PAYOUT_EPOCH}\n",
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
    fn it_is_the_devnet_with_other_depths() {
        let folder = tempfile::tempdir().unwrap();
        let path = write_config(folder.path(), 0, "http://127.0.0.1:1").unwrap();
        let world = node::config::RawConfig::read(&path).unwrap().resolve().unwrap().chain;
        let devnet = ChainProfile::find("devnet", None).unwrap();
        let mut same = world.params.raw().clone();
        assert_eq!((same.merge_depth, same.payout_epoch), (MERGE_DEPTH, PAYOUT_EPOCH));
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
