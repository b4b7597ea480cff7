//! A share chain like those of main networks, but for shares that cost few hashes: so that one process fills the stores of
//! nodes with a day of shares in seconds, and what a node then does is what it would do on a main network.
//!
//! It has its own name and so its own identity: no node of another chain takes part. There are two: one without miners, that new
//! nodes catch up with, and one that goes on now, for a node with much to do. The second may be a short one, which forgets quickly.

use std::{net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use node::{
    ChainProfile,
    clock::unix_now,
    config::{Config, RawConfig, RawListen, RawP2p, RawParent, RawStratum},
    data_dir::DataDir,
    defaults::STORE_GENERATION_SHARES,
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
/// Shares on one parent that are mined beforehand.
const SIBLINGS: usize = 2;
/// The same on the short chain.
const SHORT_SIBLINGS: usize = 20;
/// Time between two shares of one miner there.
const SHORT_SHARE_PERIOD: Duration = Duration::from_millis(10);
/// Merge depth and payout epoch there: 36 heights are kept.
const SHORT_DEPTHS: (u32, u32) = (4, 1);

/// One of the two chains.
#[derive(Clone, Debug)]
pub struct CheapChain {
    params: Arc<Params>,
    parent_rpc: String,
    /// Shares of a generation of its store.
    generation_shares: u64,
    /// Shares on one parent that are mined beforehand.
    siblings_max: usize,
    /// The least that a miner submits, hashes, and the time between two shares of one miner; `None` where they are as elsewhere.
    submit_hashes_min: Option<f64>,
    share_period: Option<Duration>,
}

/// What the chain that goes on is to be.
#[derive(Clone, Debug)]
pub struct Busy {
    /// When it began, Unix time.
    pub start: u32,
    /// Shares of its window.
    pub window_shares: u32,
    /// Shares of a generation of its store. With them the chain is short: it forgets what is a few epochs old, and a single miner
    /// may find a hundred shares a second, so that generations come and go.
    pub generation_shares: Option<u64>,
    /// JSON-RPC of the devnet that it is on.
    pub parent_rpc: String,
}

impl Busy {
    /// That began so many seconds ago, with generations as elsewhere.
    ///
    /// # Errors
    /// When the clock is beyond what a header can say.
    pub fn begun(secs_ago: u32, window_shares: u32, parent_rpc: &str) -> anyhow::Result<Self> {
        let now = u32::try_from(unix_now()).context("the clock is wrong")?;
        let (start, parent_rpc) = (now.saturating_sub(secs_ago), parent_rpc.to_owned());
        Ok(Self { start, window_shares, generation_shares: None, parent_rpc })
    }
}

impl CheapChain {
    /// From the devnet's beginning, two hashes a share. Nobody can mine on it: there is no daemon.
    ///
    /// # Errors
    /// Never: the parameters are constants in range.
    pub fn silent() -> anyhow::Result<Self> {
        let raw = ConsensusParams::main(NAME, devnet::profile(), EASY_BITS, devnet::GENESIS_TIME);
        Self::new(raw, NO_DAEMON.to_owned())
    }

    /// That goes on now.
    ///
    /// # Errors
    /// When the numbers make no chain.
    pub fn busy(busy: Busy) -> anyhow::Result<Self> {
        let Busy { start, window_shares, generation_shares, parent_rpc } = busy;
        let main = ConsensusParams::main(NAME, devnet::profile(), BUSY_BITS, start);
        let usual = ConsensusParams { window_shares, ..main };
        let submit_hashes_min = Some(BUSY_SUBMIT_HASHES);
        let Some(generation_shares) = generation_shares else {
            return Ok(Self { submit_hashes_min, ..Self::new(usual, parent_rpc)? });
        };
        let (merge_depth, payout_epoch) = SHORT_DEPTHS;
        let short = ConsensusParams { merge_depth, payout_epoch, ..usual };
        Ok(Self {
            submit_hashes_min,
            generation_shares,
            siblings_max: SHORT_SIBLINGS,
            share_period: Some(SHORT_SHARE_PERIOD),
            ..Self::new(short, parent_rpc)?
        })
    }

    /// With everything but its rules as elsewhere.
    fn new(raw: ConsensusParams, parent_rpc: String) -> anyhow::Result<Self> {
        Ok(Self {
            params: Arc::new(Params::new(raw)?),
            parent_rpc,
            generation_shares: STORE_GENERATION_SHARES,
            siblings_max: SIBLINGS,
            submit_hashes_min: None,
            share_period: None,
        })
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
        let usual = config.chain;
        let min_hashes = self.submit_hashes_min.unwrap_or(usual.vardiff.min_hashes);
        let vardiff = VardiffConfig { min_hashes, ..usual.vardiff };
        let share_period = self.share_period.unwrap_or(usual.share_period);
        let (params, generation_shares) = (self.params.clone(), self.generation_shares);
        Ok(Config { chain: ChainProfile { params, vardiff, share_period, generation_shares, ..usual }, ..config })
    }
}

/// Valid shares from the beginning of the chain, as a store has them.
#[derive(Debug)]
pub struct Shares {
    /// So many in one generation.
    generation_shares: u64,
    stored: Vec<(ShareId, StoredShare)>,
    marks: Marks,
}

impl Shares {
    /// Mines this many: in each two seconds some on one parent, which the next ones merge but for one; the last is alone.
    ///
    /// # Errors
    /// When the chain refuses what was mined on it.
    pub fn mine(chain: &CheapChain, count: usize) -> anyhow::Result<Self> {
        let CheapChain { params, generation_shares, siblings_max, .. } = chain.clone();
        let mut miners: Vec<Miner> = (1..=MINERS).map(|tag| Miner::new(params.clone(), tag as u64)).collect();
        for miner in &mut miners {
            miner.merkle_branch = vec![[3; 32]; BRANCH_LEN];
        }
        let (mut chain, mut time) = (ShareChain::new(params.clone()), params.raw().genesis_time);
        let mut stored = Vec::with_capacity(count);
        while stored.len() < count {
            time += 2;
            let siblings = (count - stored.len() - 1).clamp(1, siblings_max);
            let mined: Vec<_> =
                (0..siblings).map(|sibling| miners[(stored.len() + sibling) % MINERS].mine(&mut chain, time)).collect();
            for share in mined {
                stored.push((share.id(), StoredShare::new(&share, u64::from(time))));
                let verdict = chain.handle(share, Origin::OwnStore, 0);
                anyhow::ensure!(verdict == Verdict::Valid, "a mined share is refused: {verdict:?}");
            }
            while chain.poll_effect().is_some() {}
        }
        Ok(Self { generation_shares, stored, marks: Marks { first: params.genesis_id(), tip: chain.tip().id } })
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
        let store = SledStore::open_with(&data_dir.shares(), self.generation_shares);
        let mut store = store.context("cannot open a store")?;
        let together = usize::try_from(self.generation_shares).unwrap_or(APPENDED_AT_ONCE).min(APPENDED_AT_ONCE);
        for shares in self.stored.chunks(together) {
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
        let (start, parent_rpc) = (1_800_000_000, "http://127.0.0.1:1".to_owned());
        let busy = Busy { start, window_shares: 100, generation_shares: None, parent_rpc };
        let busy = CheapChain::busy(busy).unwrap();
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

    #[test]
    fn a_node_of_the_short_chain_forgets_and_finds_the_rest_at_every_start() {
        let dir = tempfile::tempdir().unwrap();
        let (start, parent_rpc) = (1_800_000_000, "http://127.0.0.1:1".to_owned());
        let busy = Busy { start, window_shares: 20, generation_shares: Some(16), parent_rpc };
        let chain = CheapChain::busy(busy).unwrap();
        Shares::mine(&chain, 1_200).unwrap().store(dir.path()).unwrap();
        let folder = DataDir::open(dir.path()).unwrap().shares();
        let start = || {
            let mut store = SledStore::open_with(&folder, 16).unwrap();
            let store::LoadedChain { chain, unused, kept, .. } = store::load(&store, &chain.params).unwrap();
            store.mark(Marks { first: chain.first_share(), tip: chain.tip().id }).unwrap();
            store.remove(&unused).unwrap();
            (chain.tip(), chain.first_height(), unused.len(), kept)
        };
        let (tip, first, unused, kept) = start();
        assert!(first > 20 && unused > 400, "it forgot {unused} shares below {first}");
        assert_eq!((tip.count, kept), (1_200, 0));
        // What the first share had merged is needed no more once that is where it begins.
        let unused = start().2;
        assert!(unused < SHORT_SIBLINGS + 1, "{unused}");
        assert_eq!(start(), (tip, first, 0, 0));
    }
}
