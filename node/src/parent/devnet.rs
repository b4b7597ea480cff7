//! The devnet: a Blake2s chain of its own behind the same JSON-RPC as a coin daemon, so that every path is the real one.
//!
//! ```text
//! HTTP --rpc--> Command --> devnet task (owns DevnetChain) --> block file
//!                               |
//!                               +--watch--> tip, for longpolls
//! ```
//! Blocks are checked in full. There is no ledger behind them: the transactions of a block are a fixed function of its
//! parent, so that fees, merkle branches and witness commitments are real and nobody has to keep coins.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use sharechain::{
    BlockHash, CompactTarget, Header, PowAlgorithm,
    hash::{MerkleRoot, Txid, sha256d},
    merkle,
    params::{ExtraOutputsRule, ParentProfile},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::NodeError;

mod chain;
mod file;
mod rpc;
mod task;
mod transactions;

use chain::DevnetChain;

/// Name of the chain.
pub const NAME: &str = "devnet";
/// Time of the first block and of the virtual genesis share: 2026-01-01 00:00 UTC.
pub const GENESIS_TIME: u32 = 1_767_225_600;
/// Default time between blocks, seconds.
pub const BLOCK_INTERVAL_SECS: u32 = 30;
/// No block is easier, whatever the interval: 2^16 hashes.
pub const BITS_MAX: CompactTarget = CompactTarget::from_bits(0x1f01_0000);
/// What the first block says its target is; it has no proof of work.
const GENESIS_BITS: CompactTarget = CompactTarget::from_bits(0x1e01_0000);
/// The coinbase of the first block pays nobody.
const GENESIS_COINBASE: &[u8] = b"poolnode devnet: every path is the real path";

/// How the devnet runs.
#[derive(Clone, Debug)]
pub struct DevnetConfig {
    /// Where its JSON-RPC answers.
    pub listen: SocketAddr,
    /// The flag that changes it, for the error message.
    pub listen_flag: &'static str,
    /// Wanted time between blocks.
    pub block_interval: Duration,
    /// Where blocks are kept; `None` for in memory only.
    pub file: Option<PathBuf>,
}

/// A bound devnet that does not serve yet.
#[derive(Debug)]
pub struct Devnet {
    listener: TcpListener,
    address: SocketAddr,
    chain: DevnetChain,
    file: Option<file::BlockFile>,
}

impl Devnet {
    /// Binds the RPC port and reads the block file.
    ///
    /// # Errors
    /// When the port is taken or the file cannot be used.
    pub async fn bind(config: DevnetConfig) -> Result<Self, NodeError> {
        let listen_error = |source| NodeError::Listen {
            what: "devnet rpc",
            address: config.listen.to_string(),
            flag: config.listen_flag,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let mut chain = DevnetChain::new(config.block_interval);
        let file = config.file.map(|path| file::BlockFile::open(path, &mut chain)).transpose()?;
        Ok(Self { listener, address, chain, file })
    }

    /// Where its JSON-RPC answers.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the token is cancelled.
    ///
    /// # Errors
    /// When a block cannot be written: what is acknowledged must not be lost.
    pub async fn run(self, token: CancellationToken) -> Result<(), NodeError> {
        task::run(self, token).await
    }
}

/// What the share chain must know of the devnet.
pub fn profile() -> ParentProfile {
    ParentProfile {
        genesis: genesis_hash(),
        pow: PowAlgorithm::Blake2s,
        block_hash: PowAlgorithm::Blake2s,
        version_mask: 0,
        version_value: 0,
        tx_time: false,
        extra_outputs: ExtraOutputsRule::Forbidden,
    }
}

/// The first block's header. Its proof of work is not checked.
fn genesis_header() -> Header {
    let merkle_root: MerkleRoot = merkle::root_of_left_path(Txid::from_bytes(sha256d(GENESIS_COINBASE)), &[]);
    Header { version: 1, prev_block: BlockHash::ZERO, merkle_root, time: GENESIS_TIME, bits: GENESIS_BITS, nonce: 0 }
}

fn genesis_hash() -> BlockHash {
    block_hash(&genesis_header())
}

/// Identity and proof of work of devnet headers are the same hash.
fn block_hash(header: &Header) -> BlockHash {
    BlockHash::from_bytes(*PowAlgorithm::Blake2s.hash(&header.encode()).as_bytes())
}
