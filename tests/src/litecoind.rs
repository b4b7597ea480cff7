//! A real daemon: Debian's `litecoind` on regtest, with the one peer it insists on.
//!
//! Litecoin Core 0.21.2 gives no templates without a peer, on regtest neither (upstream changed that in v0.21.5.4), so a stub
//! peer says hello and answers pings.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail};
use node::parent::block::Transaction;
use serde_json::{Value, json};
use sharechain::hash::sha256d;
use testnet::audit::Daemon;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    task::JoinHandle,
    time::sleep,
};

use crate::wait_for;

/// The program itself: `/usr/bin/litecoind` of Debian is a script that makes files in the home directory.
const PROGRAM: &str = "/usr/lib/litecoin/litecoind";
/// User and password of every daemon here.
const USER: &str = "pool";
const PASSWORD: &str = "poolpass";
/// Time for a daemon to answer after its start.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// Largest message that the stub peer reads.
const MESSAGE_LEN_MAX: usize = 1 << 20;

/// Whether the stories can be told here; says loudly when not.
#[expect(clippy::print_stderr, reason = "who runs the tests has to see what was not tested")]
pub fn is_installed() -> bool {
    let installed = Path::new(PROGRAM).exists();
    if !installed {
        eprintln!("SKIPPED: litecoind is not installed; run tests/run.sh as root, or: apt-get install litecoind");
    }
    installed
}

/// A running daemon and its stub peer.
#[derive(Debug)]
pub struct Litecoind {
    /// Its JSON-RPC, without user and password.
    pub rpc_url: String,
    /// Calls to it.
    pub rpc: Daemon,
    folder: PathBuf,
    ports: Ports,
    options: Vec<String>,
    child: Child,
    peer: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    rpc: u16,
    p2p: u16,
}

impl Litecoind {
    /// Starts a daemon in this folder, with further options.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(folder: &Path, options: &[&str]) -> anyhow::Result<Self> {
        let ports = Ports { rpc: free_port()?, p2p: free_port()? };
        Self::start_at(folder, ports, options.iter().map(ToString::to_string).collect()).await
    }

    async fn start_at(folder: &Path, ports: Ports, options: Vec<String>) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let log = std::fs::File::create(folder.join("stdout.log"))?;
        let mut command = Command::new(PROGRAM);
        command.arg("-regtest").arg(format!("-datadir={}", folder.display()));
        command.args(["-server", "-printtoconsole=0", "-listen=1", "-listenonion=0", "-dnsseed=0", "-upnp=0"]);
        command.args(["-discover=0", "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1/32", "-rpcthreads=16"]);
        command.args(["-fallbackfee=0.0001", "-maxtipage=2000000000"]);
        command.arg(format!("-rpcuser={USER}")).arg(format!("-rpcpassword={PASSWORD}"));
        command.arg(format!("-rpcport={}", ports.rpc)).arg(format!("-bind=127.0.0.1:{}", ports.p2p));
        command.args(&options).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.kill_on_drop(true).spawn().with_context(|| format!("cannot start {PROGRAM}"))?;
        let rpc_url = format!("http://127.0.0.1:{}", ports.rpc);
        let rpc = Daemon::new(&format!("http://{USER}:{PASSWORD}@127.0.0.1:{}", ports.rpc))?;
        wait_for("litecoind to answer", READY_TIMEOUT, async || rpc.call("getblockcount", json!([])).await.map(Some))
            .await?;
        let peer = tokio::spawn(stay_connected(ports.p2p));
        wait_for("litecoind to have a peer", READY_TIMEOUT, async || {
            let count = rpc.call("getconnectioncount", json!([])).await?;
            Ok((count.as_u64() > Some(0)).then_some(()))
        })
        .await?;
        Ok(Self { rpc_url, rpc, folder: folder.to_owned(), ports, options, child, peer })
    }

    /// Where other daemons connect to.
    pub fn p2p_address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.p2p).into()
    }

    /// The keys of `[parent]` or `[[parent.fallback]]` in a node's configuration.
    pub fn config(&self) -> String {
        format!("rpc_url = \"{}\"\nrpc_user = \"{USER}\"\nrpc_password = \"{PASSWORD}\"\n", self.rpc_url)
    }

    /// Kills it as a power cut would.
    ///
    /// # Errors
    /// When the system cannot.
    pub async fn kill(mut self) -> anyhow::Result<StoppedLitecoind> {
        self.peer.abort();
        self.child.kill().await.context("cannot kill litecoind")?;
        Ok(StoppedLitecoind { folder: self.folder.clone(), ports: self.ports, options: self.options.clone() })
    }

    /// Has it make blocks of its own.
    ///
    /// # Errors
    /// When it does not.
    pub async fn generate(&self, blocks: u32, address: &str) -> anyhow::Result<()> {
        // In steps: a hundred scrypt blocks of a busy machine take their time.
        for step in std::iter::repeat_n(50, (blocks / 50) as usize).chain([blocks % 50]) {
            self.rpc.call("generatetoaddress", json!([step, address])).await?;
        }
        Ok(())
    }

    /// The coinbase at a height, as the daemon has it.
    ///
    /// # Errors
    /// When it does not tell.
    pub async fn coinbase(&self, height: u64) -> anyhow::Result<Coinbase> {
        let hash = self.rpc.call("getblockhash", json!([height])).await?;
        let block = self.rpc.call("getblock", json!([hash, 2])).await?;
        let hex = block["tx"][0]["hex"].as_str().context("no coinbase")?;
        let coinbase = Transaction::decode(&hex::decode(hex)?).context("no transaction")?;
        let outputs = coinbase.outputs.iter().filter(|output| output.script.first() != Some(&0x6a));
        let outputs = outputs.map(|output| (hex::encode(&output.script), output.value)).collect();
        Ok(Coinbase { hash: hash.as_str().unwrap_or_default().to_owned(), outputs, block })
    }
}

/// A block's coinbase.
#[derive(Clone, Debug)]
pub struct Coinbase {
    /// The block's hash.
    pub hash: String,
    /// Scripts and base units, the commitments left out.
    pub outputs: std::collections::BTreeMap<String, u64>,
    /// All that the daemon says of the block.
    pub block: Value,
}

/// A daemon that was killed, with all that it left.
#[derive(Debug)]
pub struct StoppedLitecoind {
    folder: PathBuf,
    ports: Ports,
    options: Vec<String>,
}

impl StoppedLitecoind {
    /// Starts it again, on the same ports.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(self) -> anyhow::Result<Litecoind> {
        Litecoind::start_at(&self.folder, self.ports, self.options).await
    }
}

impl Drop for Litecoind {
    fn drop(&mut self) {
        self.peer.abort();
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(StdListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?.local_addr()?.port())
}

/// Connects again whenever the daemon hangs up.
async fn stay_connected(port: u16) {
    loop {
        let _hung_up = stub_peer(port).await;
        sleep(Duration::from_millis(200)).await;
    }
}

/// Says hello and answers pings.
async fn stub_peer(port: u16) -> anyhow::Result<()> {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    socket.write_all(&message("version", &version())).await?;
    loop {
        let mut head = [0; 24];
        socket.read_exact(&mut head).await?;
        let len = u32::from_le_bytes(head[16..20].try_into()?) as usize;
        if len > MESSAGE_LEN_MAX {
            bail!("a message of {len} bytes");
        }
        let mut payload = vec![0; len];
        socket.read_exact(&mut payload).await?;
        match head[4..16].split(|byte| *byte == 0).next() {
            Some(b"version") => socket.write_all(&message("verack", &[])).await?,
            Some(b"ping") => socket.write_all(&message("pong", &payload)).await?,
            _ => {}
        }
    }
}

/// Protocol 70016, with all blocks and witnesses; addresses are those of nobody.
fn version() -> Vec<u8> {
    let mut payload = Vec::new();
    payload.extend(70_016_u32.to_le_bytes());
    payload.extend(9_u64.to_le_bytes());
    payload.extend(0_u64.to_le_bytes());
    payload.extend([0; 26 + 26]);
    payload.extend(1_u64.to_le_bytes());
    payload.extend([0]);
    payload.extend(0_u32.to_le_bytes());
    payload.push(1);
    payload
}

fn message(command: &str, payload: &[u8]) -> Vec<u8> {
    // The magic of Litecoin's regtest.
    let mut message = vec![0xfa, 0xbf, 0xb5, 0xda];
    let mut name = [0; 12];
    name[..command.len()].copy_from_slice(command.as_bytes());
    message.extend(name);
    message.extend(u32::try_from(payload.len()).unwrap_or_default().to_le_bytes());
    message.extend(&sha256d(payload)[..4]);
    message.extend(payload);
    message
}
