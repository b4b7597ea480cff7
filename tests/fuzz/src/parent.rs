//! What daemons, miners of the devnet and operators write: blocks, templates, answers, requests, configuration.

use std::{path::Path, sync::LazyLock, time::Duration};

use node::{
    ChainProfile,
    config::RawConfig,
    parent::{
        Template,
        block::{Block, Transaction},
        devnet::{Devnet, DevnetConfig},
        rpc::{BlockStatus, RpcError, parse_answer},
        template::{CoinbaseRoom, TemplateError},
    },
};
use serde_json::{Value, value::RawValue};
use sharechain::{BlockHash, merkle};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::measure::bounded;

/// Blocks and transactions.
pub fn block(bytes: &[u8]) {
    // An empty witness item is one byte on the wire and a vector of 24 here, in a list that doubles.
    if let Ok(block) = bounded(bytes, 64, Block::decode) {
        assert_eq!(block.size, bytes.len());
        assert!(block.weight <= 4 * bytes.len() && block.weight >= bytes.len(), "weight {}", block.weight);
        assert!(bytes.starts_with(&block.header.encode()));
    }
    if let Ok(transaction) = bounded(bytes, 64, Transaction::decode) {
        assert_eq!(transaction.outpoints.len(), transaction.input_scripts.len());
        assert!(transaction.weight <= 4 * bytes.len() && transaction.weight >= bytes.len());
        let has_witness = transaction.weight < 4 * bytes.len();
        assert_eq!(transaction.txid != transaction.wtxid, has_witness, "a witness is in one id only");
    }
}

/// As a node of Litecoin does it, whose templates have most.
fn parse(json: &str) -> Result<Template, TemplateError> {
    static CHAIN: LazyLock<ChainProfile> =
        LazyLock::new(|| ChainProfile::find("litecoin-regtest", None).expect("a known chain"));
    Template::parse(json, &CHAIN.daemon, &CoinbaseRoom::of(&CHAIN.params))
}

/// Templates: what is understood can be mined on.
pub fn template(bytes: &[u8]) {
    let Ok(json) = std::str::from_utf8(bytes) else { return };
    match parse(json) {
        Ok(template) => {
            assert!(template.merkle_branch.len() <= merkle::BRANCH_MAX);
            assert!(template.work.block_height > 0 && template.work.coinbase_flags.len() <= 31);
            assert!(template.bits.to_target().is_some_and(|target| target.work().is_some()));
            let leaves = template.body.transactions.len() + 1;
            assert_eq!(template.merkle_branch.len(), usize::try_from(leaves.next_power_of_two().ilog2()).unwrap_or(0));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A daemon's answer to each kind of question.
pub fn rpc_answer(bytes: &[u8]) {
    if let Ok(text) = parse_answer::<String>("getbestblockhash", bytes) {
        let _hash = text.parse::<BlockHash>();
    }
    let _status = parse_answer::<BlockStatus>("getblockheader", bytes);
    let _word = parse_answer::<Option<String>>("submitblock", bytes);
    if let Ok(json) = parse_answer::<Box<RawValue>>("getblocktemplate", bytes) {
        let _template = parse(json.get());
    }
}

/// Configuration files: a refusal says why, and what is taken resolves to the same again.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let path = Path::new("poolnode.toml");
    match RawConfig::parse(text, path) {
        Ok(raw) => {
            let refused = raw.clone().resolve().err().map(|error| error.to_string());
            assert_eq!(raw.resolve().err().map(|error| error.to_string()), refused);
        }
        Err(error) => assert!(error.to_string().starts_with("poolnode.toml:")),
    }
}

/// A devnet in this process, and the runtime it runs on.
struct Server {
    runtime: Runtime,
    address: std::net::SocketAddr,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let config = DevnetConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        listen_flag: "--devnet-listen",
        block_interval: Duration::from_secs(3_600),
        file: None,
    };
    let devnet = runtime.block_on(Devnet::bind(config)).expect("a free port");
    let address = devnet.address();
    runtime.spawn(devnet.run(CancellationToken::new()));
    Server { runtime, address }
});

/// Requests to the devnet's JSON-RPC, over a socket: every one is answered with a JSON-RPC answer.
pub fn devnet_rpc(bytes: &[u8]) {
    // A longpoll waits for a block that never comes.
    if bytes.windows(10).any(|window| window == b"longpollid") {
        return;
    }
    let server = &*SERVER;
    let answer =
        server.runtime.block_on(async { timeout(Duration::from_secs(10), exchange(server.address, bytes)).await });
    let answer = answer.expect("an answer in time").expect("an answer");
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).expect("a body");
    match parse_answer::<Value>("fuzz", body.as_bytes()) {
        Ok(_) | Err(RpcError::Daemon { .. }) => {}
        Err(error) => panic!("{error}: {body}"),
    }
}

async fn exchange(address: std::net::SocketAddr, body: &[u8]) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    let head =
        format!("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    socket.write_all(&[head.as_bytes(), body].concat()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    Ok(answer)
}
