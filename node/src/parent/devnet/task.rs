//! The task that owns the chain, and the server in front of it.

use sharechain::BlockHash;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{
    Devnet, DevnetChain,
    chain::{BlockTemplate, Outcome},
    file::BlockFile,
    rpc,
};
use crate::{clock::unix_now, error::NodeError};

/// Calls waiting for the chain. Further ones wait at the HTTP server.
const COMMANDS_MAX: usize = 64;

/// What the RPC server asks.
#[derive(Debug)]
pub(super) enum Command {
    Template { reply: oneshot::Sender<BlockTemplate> },
    Submit { block: Vec<u8>, reply: oneshot::Sender<Outcome> },
    Propose { block: Vec<u8>, reply: oneshot::Sender<Outcome> },
    Block { hash: BlockHash, reply: oneshot::Sender<Option<BlockView>> },
    HashAt { height: u32, reply: oneshot::Sender<Option<BlockHash>> },
}

/// A block as getblock and getblockheader show it.
#[derive(Debug)]
pub(super) struct BlockView {
    pub(super) header: sharechain::Header,
    pub(super) height: u32,
    pub(super) confirmations: i64,
    pub(super) next: Option<BlockHash>,
    pub(super) bytes: Vec<u8>,
}

/// The tip, for longpolls and simple questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tip {
    pub(super) hash: BlockHash,
    pub(super) height: u32,
}

/// Serves until the token is cancelled or a block cannot be kept.
pub(super) async fn run(devnet: Devnet, token: CancellationToken) -> Result<(), NodeError> {
    let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
    let (tip_tx, tip) = watch::channel(current_tip(&devnet.chain));
    // Neither is of use without the other.
    let both = token.child_token();
    let served = async {
        rpc::serve(devnet.listener, rpc::Server::new(commands, tip), both.clone()).await;
        both.cancel();
    };
    let owned = async {
        let ended = own(devnet.chain, devnet.file, inbox, tip_tx, both.clone()).await;
        both.cancel();
        ended
    };
    tokio::join!(owned, served).0
}

fn current_tip(chain: &DevnetChain) -> Tip {
    Tip { hash: chain.tip(), height: chain.height() }
}

async fn own(
    mut chain: DevnetChain,
    mut file: Option<BlockFile>,
    mut inbox: mpsc::Receiver<Command>,
    tip: watch::Sender<Tip>,
    token: CancellationToken,
) -> Result<(), NodeError> {
    loop {
        let command = tokio::select! {
            biased;
            () = token.cancelled() => return Ok(()),
            command = inbox.recv() => match command {
                Some(command) => command,
                None => return Ok(()),
            },
        };
        match command {
            Command::Template { reply } => answer(reply, chain.template(unix_now())),
            Command::Propose { block, reply } => answer(reply, chain.propose(&block, unix_now())),
            Command::HashAt { height, reply } => answer(reply, chain.hash_at(height)),
            Command::Block { hash, reply } => answer(reply, view(&chain, hash)),
            Command::Submit { block, reply } => {
                let outcome = chain.submit(&block, unix_now());
                if let (Outcome::Accepted | Outcome::Inconclusive, Some(file)) = (outcome, file.as_mut()) {
                    // Without an answer the block is submitted again after the restart.
                    file.append(&block)?;
                }
                if outcome == Outcome::Accepted {
                    let tip_now = current_tip(&chain);
                    info!(height = tip_now.height, hash = %tip_now.hash, "devnet block accepted");
                    tip.send_replace(tip_now);
                }
                answer(reply, outcome);
            }
        }
    }
}

/// Nobody waits any more when a reply cannot be sent.
fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    let _gone = reply.send(value);
}

fn view(chain: &DevnetChain, hash: BlockHash) -> Option<BlockView> {
    let entry = chain.entry(&hash)?;
    Some(BlockView {
        header: entry.header,
        height: entry.height,
        confirmations: chain.confirmations(&hash),
        next: entry.next,
        bytes: entry.bytes.clone(),
    })
}
