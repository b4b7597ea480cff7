//! What the stories across processes are told with: a folder of nodes, a patient wait, and a miner that can be stepped.

pub mod evil_daemon;
pub mod litecoind;
#[path = "../peers_sim/lib.rs"]
pub mod peers_sim;
#[path = "../sim/lib.rs"]
pub mod sim;

use std::{fmt::Debug, time::Duration};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use sharechain::{PowAlgorithm, Target};
use stratum::Difficulty;
use testnet::{
    miner::{Hasher, Work, target_of},
    process::{DevnetProcess, MinerProcess, NodeOptions, NodeProcess, Place},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{Instant, sleep, timeout},
};

/// Time between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Time for a pool to answer a line.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// Hashes per second of background miners: three of them leave half of two cores to the nodes.
pub const MINER_HASHRATE: f64 = 600_000.0;

/// One devnet chain and nodes on it, in a folder that goes away with the test.
#[derive(Debug)]
pub struct World {
    /// The chain.
    pub devnet: DevnetProcess,
    /// Where everything is.
    pub place: Place,
    _folder: tempfile::TempDir,
}

impl World {
    /// A chain with a block about every `block_interval_secs`.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn new(block_interval_secs: u32) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let place = Place::new(folder.path())?;
        let devnet = place.devnet(block_interval_secs).await?;
        Ok(Self { devnet, place, _folder: folder })
    }

    /// Starts a node, or starts it again, connected to `peers`.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn node(&self, name: &str, peers: &[&NodeProcess]) -> anyhow::Result<NodeProcess> {
        let addresses = peers.iter().filter_map(|peer| peer.endpoints.p2p.first().cloned()).collect();
        let options = NodeOptions { parent_rpc: self.devnet.rpc.clone(), peers: addresses, ..NodeOptions::default() };
        self.place.node(name, &options).await
    }

    /// Starts a node that connects to `peers` and looks for nobody else.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn closed_node(&self, name: &str, peers: &[&NodeProcess]) -> anyhow::Result<NodeProcess> {
        let peers = peers.iter().filter_map(|peer| peer.endpoints.p2p.first().cloned()).collect();
        let flags = vec!["--no-discovery".to_owned()];
        let options = NodeOptions { parent_rpc: self.devnet.rpc.clone(), peers, flags, ..NodeOptions::default() };
        self.place.node(name, &options).await
    }

    /// Starts a background miner that is paid to an address of its own.
    ///
    /// # Errors
    /// When the binary is not built.
    pub fn miner(&self, name: &str, node: &NodeProcess) -> anyhow::Result<MinerProcess> {
        self.place.miner(name, &node.endpoints.stratum, Some(MINER_HASHRATE))
    }
}

/// Looks until `look` gives something, at most for `patience`.
///
/// # Errors
/// Says what was waited for, and the last error.
pub async fn wait_for<T>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let started = Instant::now();
    loop {
        let seen = look().await;
        if let Ok(Some(seen)) = seen {
            return Ok(seen);
        }
        if started.elapsed() > patience {
            seen.with_context(|| format!("waited {} s for {what}", patience.as_secs()))?;
            bail!("waited {} s for {what}", patience.as_secs());
        }
        sleep(LOOK_INTERVAL).await;
    }
}

/// Waits until all nodes have the same tip, and gives its height.
///
/// # Errors
/// When they do not agree in time.
pub async fn agree(nodes: &[&NodeProcess], patience: Duration) -> anyhow::Result<u64> {
    wait_for("all nodes to agree", patience, async || {
        let mut tips = Vec::new();
        for node in nodes {
            let status = node.api.status().await?;
            tips.push((status.share_tip, status.share_height));
        }
        let agreed = tips.windows(2).all(|pair| pair[0] == pair[1]);
        Ok(tips.into_iter().next().filter(|_| agreed).map(|(_, height)| height))
    })
    .await
}

/// A miner that does one thing at a time.
#[derive(Debug)]
pub struct SteppedMiner {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
    user: String,
    extranonce1: Vec<u8>,
    extranonce2_len: usize,
    target: Target,
    work: Option<Work>,
    /// Where the search goes on in the same work.
    next_nonce: u32,
    clean_jobs: u32,
}

impl SteppedMiner {
    /// Connects, subscribes and authorizes.
    ///
    /// # Errors
    /// When the pool refuses.
    pub async fn connect(url: &str, user: &str) -> anyhow::Result<Self> {
        let address = url.trim_start_matches("stratum+tcp://");
        let (reader, writer) = TcpStream::connect(address).await.context("no pool")?.into_split();
        let mut miner = Self {
            lines: BufReader::new(reader).lines(),
            writer,
            user: user.to_owned(),
            extranonce1: Vec::new(),
            extranonce2_len: 0,
            target: Target::EASIEST,
            work: None,
            next_nonce: 0,
            clean_jobs: 0,
        };
        let subscribed = miner.ask(1, "mining.subscribe", json!(["stepped"])).await?;
        miner.extranonce1 = hex::decode(subscribed["result"][1].as_str().context("no extranonce1")?)?;
        miner.extranonce2_len = usize::try_from(subscribed["result"][2].as_u64().context("no size")?)?;
        let authorized = miner.ask(2, "mining.authorize", json!([user, "x"])).await?;
        if authorized["result"] == true { Ok(miner) } else { bail!("{}", authorized["error"][1]) }
    }

    /// Mines one share that the pool accepts; gives the block hash of its header, which is the share's id.
    ///
    /// # Errors
    /// When the pool refuses it, with the pool's reason, or is gone.
    pub async fn mine_one(&mut self) -> anyhow::Result<String> {
        self.wait_for_work().await?;
        // What has come in the meantime: an old job would be mined in vain.
        while let Ok(message) = timeout(Duration::ZERO, self.read()).await {
            message?;
        }
        let work = self.work.clone().context("no work")?;
        let extranonce2 = vec![7; self.extranonce2_len];
        let header = work.header(&extranonce2);
        let hasher = Hasher::new(PowAlgorithm::Blake2s, &header);
        let target = work.target;
        let first = self.next_nonce;
        let scan = move || {
            (first..u32::MAX).step_by(1 << 16).find_map(|from| hasher.scan(from, 1 << 16, target).first().copied())
        };
        let nonce = tokio::task::spawn_blocking(scan).await?.context("no nonce meets the target")?;
        let mut hashed = header;
        hashed[76..].copy_from_slice(&nonce.to_le_bytes());
        let mut id = *PowAlgorithm::Blake2s.hash(&hashed).as_bytes();
        id.reverse();
        let params = json!([
            self.user,
            work.job_id,
            hex::encode(extranonce2),
            format!("{:08x}", work.time),
            format!("{nonce:08x}")
        ]);
        self.next_nonce = nonce + 1;
        let reply = self.ask(4, "mining.submit", params).await?;
        if reply["result"] == true { Ok(hex::encode(id)) } else { bail!("the submit is refused: {}", reply["error"]) }
    }

    /// Waits until the pool has sent a job.
    ///
    /// # Errors
    /// When the pool is gone or silent.
    pub async fn wait_for_work(&mut self) -> anyhow::Result<()> {
        while self.work.is_none() {
            self.read().await?;
        }
        Ok(())
    }

    /// Waits until the pool sends a job that makes all before it worthless.
    ///
    /// # Errors
    /// When the pool is gone or silent.
    pub async fn wait_for_clean_job(&mut self) -> anyhow::Result<()> {
        let before = self.clean_jobs;
        while self.clean_jobs == before {
            self.read().await?;
        }
        Ok(())
    }

    async fn ask(&mut self, id: u64, method: &str, params: Value) -> anyhow::Result<Value> {
        let line = format!("{}\n", json!({"id": id, "method": method, "params": params}));
        self.writer.write_all(line.as_bytes()).await.context("the pool is gone")?;
        loop {
            if let Some(reply) = self.read().await?
                && reply["id"] == id
            {
                return Ok(reply);
            }
        }
    }

    /// Reads one line; a reply is given back, a notification is remembered.
    async fn read(&mut self) -> anyhow::Result<Option<Value>> {
        let line = timeout(ANSWER_TIMEOUT, self.lines.next_line()).await.context("the pool is silent")??;
        let message: Value = serde_json::from_str(&line.context("the pool closed the connection")?)?;
        match message["method"].as_str() {
            Some("mining.notify") => {
                let (params, xn1, xn2_len) = (&message["params"], &self.extranonce1, self.extranonce2_len);
                self.work = Some(Work::parse(params, xn1, xn2_len, self.target, 0)?);
                self.next_nonce = 0;
                self.clean_jobs += u32::from(params[8] == true);
                Ok(None)
            }
            Some("mining.set_difficulty") => {
                let difficulty = Difficulty::new(message["params"][0].as_f64().context("no difficulty")?);
                self.target = target_of(difficulty, PowAlgorithm::Blake2s);
                Ok(None)
            }
            Some(_) => Ok(None),
            None => Ok(Some(message)),
        }
    }
}

/// Fails with both values when they differ, as an error instead of a panic.
///
/// # Errors
/// When they differ.
pub fn ensure_eq<T: PartialEq + Debug>(left: &T, right: &T, what: &str) -> anyhow::Result<()> {
    if left == right { Ok(()) } else { bail!("{what}: {left:?} is not {right:?}") }
}
