//! A share chain like those of main networks, but for shares that cost few hashes: so that one process fills the stores of
//! nodes with a day of shares in seconds, and what a node then does is what it would do on a main network.
//!
//! It has its own name and so its own identity: no node of another chain takes part. There are two: one without miners, that new
//! nodes catch up with, and one that is full and goes on now, for a node with much to do.

use std::{net::Ipv4Addr, path::Path, sync::Arc};

use anyhow::Context;
use node::{
    ChainProfile,
    config::{Config, RawConfig, RawListen, RawP2p, RawParent, RawStratum},
    data_dir::DataDir,
    parent::devnet,
    store::{Journal, Marks, Store, StoredShare, sled::SledStore},
};
use sharechain::{
    CompactTarget, ConsensusParams, Params, ShareChain, ShareId,
    chain::{Origin, Verdict},
    testing::{EASY_BITS, Miner},
};
use stratum::vardiff::VardiffConfig;

/// Name of the chain.
const NAME: &str = "cheap";
/// Miners of the shares: more than a coinbase has outputs, so that payouts are drawn.
const MINERS: usize = 300;
/// Hashes between a coinbase and its header: a parent block of 2,048 to 4,095 transactions.
const BRANCH_LEN: usize = 12;
/// Shares written to a store at once.
const APPENDED_AT_ONCE: usize = 1_000;
/// Nobody answers there: such a node hears of no parent blocks, and holds no share's claim about them against anything.
const NO_DAEMON: &str = "http://127.0.0.1:9";
/// 2^11 hashes: submits of four hashes each, a thousand a second, are a few shares a second.
const BUSY_BITS: CompactTarget = CompactTarget::from_bits(0x1f1f_ffff);
/// The least that a miner of the busy chain submits.
const BUSY_SUBMIT_HASHES: f64 = 2.0;

/// One of the two chains.
#[derive(Clone, Debug)]
pub struct CheapChain {
    params: Arc<Params>,
    /// Time of its virtual genesis.
    start: u32,
    parent_rpc: String,
    submit_hashes_min: Option<f64>,
}

impl CheapChain {
    /// From the devnet's beginning, two hashes a share. Nobody can mine on it: there is no daemon.
    ///
    /// # Errors
    /// Never: the parameters are constants in range.
    pub fn silent() -> anyhow::Result<Self> {
        let raw = ConsensusParams::main(NAME, devnet::profile(), EASY_BITS, devnet::GENESIS_TIME);
        let (params, start) = (Arc::new(Params::new(raw)?), devnet::GENESIS_TIME);
        Ok(Self { params, start, parent_rpc: NO_DAEMON.to_owned(), submit_hashes_min: None })
    }

    /// From this Unix time, with a window of that many shares, on the devnet whose daemon answers there.
    ///
    /// # Errors
    /// When the numbers make no chain.
    pub fn busy(start: u32, window_shares: u32, parent_rpc: String) -> anyhow::Result<Self> {
        let raw = ConsensusParams::main(NAME, devnet::profile(), BUSY_BITS, start);
        let params = Arc::new(Params::new(ConsensusParams { window_shares, ..raw })?);
        Ok(Self { params, start, parent_rpc, submit_hashes_min: Some(BUSY_SUBMIT_HASHES) })
    }

    /// The configuration of a node of this chain; for peers it listens at the multiaddress.
    ///
    /// # Errors
    /// When a multiaddress is none.
    pub fn config(&self, data_dir: &Path, p2p_listen: String, peers: Vec<String>) -> anyhow::Result<Config> {
        let any_port = Some((Ipv4Addr::LOCALHOST, 0).into());
        let raw = RawConfig {
            data_dir: Some(data_dir.to_owned()),
            parent: RawParent { rpc_url: Some(self.parent_rpc.clone()), ..RawParent::default() },
            stratum: RawStratum { listen: any_port, ..RawStratum::default() },
            api: RawListen { listen: any_port, ..RawListen::default() },
            p2p: RawP2p { listen: Some(vec![p2p_listen]), peers: Some(peers), ..RawP2p::default() },
            ..RawConfig::default()
        };
        let config = raw.resolve()?;
        let usual = config.chain.vardiff;
        let vardiff = self.submit_hashes_min.map_or(usual, |min_hashes| VardiffConfig { min_hashes, ..usual });
        Ok(Config { chain: ChainProfile { params: self.params.clone(), vardiff, ..config.chain }, ..config })
    }
}

/// Valid shares from the beginning of the chain, as a store has them.
#[derive(Debug)]
pub struct Shares {
    stored: Vec<(ShareId, StoredShare)>,
    marks: Marks,
}

impl Shares {
    /// Mines this many: two of each two seconds on one parent, one of which the next ones merge; the last is alone.
    ///
    /// # Errors
    /// When the chain refuses what was mined on it.
    pub fn mine(chain: &CheapChain, count: usize) -> anyhow::Result<Self> {
        let params = &chain.params;
        let mut miners: Vec<Miner> = (1..=MINERS).map(|tag| Miner::new(params.clone(), tag as u64)).collect();
        for miner in &mut miners {
            miner.merkle_branch = vec![[3; 32]; BRANCH_LEN];
        }
        let mut time = chain.start;
        let mut chain = ShareChain::new(params.clone());
        let mut stored = Vec::with_capacity(count);
        while stored.len() < count {
            time += 2;
            let siblings = (count - stored.len() - 1).clamp(1, 2);
            let mined: Vec<_> =
                (0..siblings).map(|sibling| miners[(stored.len() + sibling) % MINERS].mine(&mut chain, time)).collect();
            for share in mined {
                stored.push((share.id(), StoredShare::new(&share, u64::from(time))));
                let verdict = chain.handle(share, Origin::OwnStore, 0);
                anyhow::ensure!(verdict == Verdict::Valid, "a mined share is refused: {verdict:?}");
            }
            while chain.poll_effect().is_some() {}
        }
        Ok(Self { stored, marks: Marks { first: params.genesis_id(), tip: chain.tip().id } })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.stored.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.stored.is_empty()
    }

    /// Bytes of them, as they are sent.
    pub fn bytes(&self) -> usize {
        self.stored.iter().map(|(_, share)| share.bytes.len()).sum()
    }

    /// Makes them the shares of a node that does not run yet.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn store(&self, data_dir: &Path) -> anyhow::Result<()> {
        let data_dir = DataDir::open(data_dir)?;
        let mut store = SledStore::open(&data_dir.shares()).context("cannot open a store")?;
        for shares in self.stored.chunks(APPENDED_AT_ONCE) {
            store.append(shares)?;
        }
        store.mark(self.marks)?;
        Ok(store.sync()?)
    }

    /// The same, of a node that found all of them itself.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn store_as_own(&self, data_dir: &Path) -> anyhow::Result<()> {
        self.store(data_dir)?;
        let mut journal = Journal::open(&DataDir::open(data_dir)?.own_shares()).context("cannot open a journal")?;
        for shares in self.stored.chunks(APPENDED_AT_ONCE) {
            let records: Vec<StoredShare> = shares.iter().map(|(_, share)| share.clone()).collect();
            journal.append(&records).context("cannot write a journal")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use node::store;

    use super::*;

    #[test]
    fn a_node_finds_all_shares_in_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let busy = CheapChain::busy(1_800_000_000, 100, "http://127.0.0.1:1".to_owned()).unwrap();
        for (name, chain) in [("silent", CheapChain::silent().unwrap()), ("busy", busy)] {
            let folder = dir.path().join(name);
            let shares = Shares::mine(&chain, 200).unwrap();
            shares.store(&folder).unwrap();
            let config = chain.config(&folder, "/ip4/127.0.0.1/tcp/0".to_owned(), Vec::new()).unwrap();
            let sled = SledStore::open(&DataDir::open(&folder).unwrap().shares()).unwrap();
            let loaded = store::load(&sled, &config.chain.params).unwrap();
            assert_eq!((shares.len(), loaded.chain.len(), loaded.unused.len()), (200, 200, 0));
            assert_eq!(
                (loaded.chain.tip().height, loaded.chain.tip().count),
                (101, 200),
                "all are in the past of the tip"
            );
        }
    }
}
