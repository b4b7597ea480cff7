//! What a daemon has to show before anything is mined on it: that it is on this chain and network, that its newest headers
//! are linked and worked for, and that it has caught up.
//!
//! It refuses in words for the operator: a wrong port or a daemon of another network is the likeliest mistake of all.

use sharechain::{BlockHash, Header, Params};

use super::rpc::{RpcClient, RpcError};
use crate::chain_profile::DaemonProfile;

/// Headers below the tip that are looked at.
const HEADERS: u32 = 6;
/// Blocks that a daemon may be behind its own best header: one is being checked.
const BEHIND_MAX: u32 = 1;

/// Why a daemon is not mined with.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// A call failed.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// Another chain.
    #[error(
        "the daemon is on another chain: its first block is {found}, this node expects {expected}; hint: is it the right port?"
    )]
    WrongChain {
        /// The daemon's first block.
        found: BlockHash,
        /// The chain's.
        expected: BlockHash,
    },
    /// Another network of the same coin.
    #[error("the daemon is on the network {found:?}, this node expects {expected:?}")]
    WrongNetwork {
        /// What the daemon says.
        found: String,
        /// What the chain is called.
        expected: String,
    },
    /// It has not caught up.
    #[error("the daemon is still syncing: it has checked {blocks} of {headers} blocks")]
    Syncing {
        /// Checked blocks.
        blocks: u32,
        /// Known headers.
        headers: u32,
    },
    /// A header is not what it should be: a broken daemon, or a lie.
    #[error("the daemon's block {hash} {problem}")]
    Header {
        /// The block.
        hash: BlockHash,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Looks at everything.
///
/// # Errors
/// [`SelfTestError`] says what is wrong, in words for the operator.
pub async fn self_test(client: &RpcClient, params: &Params, profile: &DaemonProfile) -> Result<(), SelfTestError> {
    let (found, expected) = (client.block_hash(0).await?, params.parent().genesis);
    if found != expected {
        return Err(SelfTestError::WrongChain { found, expected });
    }
    if let Some(info) = client.chain_info().await? {
        if let (Some(expected), Some(found)) = (&profile.chain, info.chain)
            && *expected != found
        {
            return Err(SelfTestError::WrongNetwork { found, expected: expected.clone() });
        }
        let headers = info.headers.unwrap_or(info.blocks);
        if headers > info.blocks.saturating_add(BEHIND_MAX) {
            return Err(SelfTestError::Syncing { blocks: info.blocks, headers });
        }
    }
    let mut hash = client.best_block_hash().await?;
    for _ in 0..HEADERS {
        if hash == expected {
            break;
        }
        hash = tip_header(client, params, profile, &hash).await?.prev_block;
    }
    Ok(())
}

/// The header of a block that the daemon says it has, checked.
///
/// # Errors
/// [`SelfTestError::Header`] when nobody has worked for it.
pub async fn tip_header(
    client: &RpcClient,
    params: &Params,
    profile: &DaemonProfile,
    hash: &BlockHash,
) -> Result<Header, SelfTestError> {
    let header = client.header(hash).await?;
    check(params, profile, hash, &header).map_err(|problem| SelfTestError::Header { hash: *hash, problem })?;
    Ok(header)
}

/// Whether this is the header of that block, and worked for.
fn check(params: &Params, profile: &DaemonProfile, hash: &BlockHash, header: &Header) -> Result<(), &'static str> {
    let (parent, bytes) = (params.parent(), header.encode());
    if parent.block_hash.hash(&bytes).as_bytes() != hash.as_bytes() {
        return Err("has another hash than the daemon says");
    }
    // Blocks of a chain's other algorithms cannot be judged here.
    if header.version & parent.version_mask != parent.version_value {
        return Ok(());
    }
    let target = header.bits.to_target().ok_or("has an impossible target")?;
    if profile.bits_max.to_target().is_some_and(|easiest| target > easiest) {
        return Err("has a target that is easier than any of this chain");
    }
    if target.is_met_by(&parent.pow.hash(&bytes)) { Ok(()) } else { Err("has no proof of work") }
}

#[cfg(test)]
mod tests {
    use sharechain::CompactTarget;

    use super::*;
    use crate::{chain_profile::ChainProfile, parent::block::Block};

    const BLOCK: &str = include_str!("../../../tests/vectors/bitcoin-block-111.hex");

    #[test]
    fn a_header_is_what_its_hash_says_and_has_work() {
        let regtest = ChainProfile::find("bitcoin-regtest", None).unwrap();
        let header = Block::decode(&hex::decode(BLOCK.trim()).unwrap()).unwrap().header;
        let hash = |header: &Header| {
            BlockHash::from_bytes(*regtest.params.parent().block_hash.hash(&header.encode()).as_bytes())
        };
        let judged = |hash: &BlockHash, header: &Header| check(&regtest.params, &regtest.daemon, hash, header);
        assert_eq!(judged(&hash(&header), &header), Ok(()));
        assert_eq!(judged(&BlockHash::ZERO, &header), Err("has another hash than the daemon says"));
        let easy = Header { bits: CompactTarget::from_bits(0x2100_ffff), ..header };
        assert_eq!(judged(&hash(&easy), &easy), Err("has a target that is easier than any of this chain"));
        let unworked = Header { bits: CompactTarget::from_bits(0x1d00_ffff), ..header };
        assert_eq!(judged(&hash(&unworked), &unworked), Err("has no proof of work"));
        let no_target = Header { bits: CompactTarget::from_bits(0x0080_0000), ..header };
        assert_eq!(judged(&hash(&no_target), &no_target), Err("has an impossible target"));
    }
}
