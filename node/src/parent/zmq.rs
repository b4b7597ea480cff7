//! New blocks by ZMQ: a subscription to a daemon's `hashblock`, which wakes that daemon's follower.
//!
//! What a message says is not believed and not even read: it is a reason to ask the daemon now. So nobody gains anything by
//! forging one, and a lost one costs at most [`PARENT_POLL`](crate::defaults::PARENT_POLL).

use std::sync::Arc;

use tokio::{net::TcpStream, sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use zeromq::{Socket, SocketRecv, SubSocket, ZmqError};

use crate::defaults::RPC_BACKOFF;

/// What daemons put before the hash of a new block.
const TOPIC: &str = "hashblock";

/// One daemon's ZMQ address, and who is woken.
#[derive(Debug)]
pub struct BlockListener {
    /// Host and port.
    pub address: String,
    /// Woken by every message.
    pub block_seen: Arc<Notify>,
}

/// Listens until the token is cancelled; connects again when the daemon goes away.
pub async fn run(listener: BlockListener, token: CancellationToken) {
    let (backoff_min, backoff_max) = RPC_BACKOFF;
    let mut backoff = backoff_min;
    loop {
        let listened = tokio::select! {
            biased;
            () = token.cancelled() => return,
            listened = listen(&listener) => listened,
        };
        if let Err(cause) = listened {
            warn!(address = listener.address, %cause, "no new blocks by zmq; longpoll goes on");
        } else {
            backoff = backoff_min;
        }
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            () = sleep(backoff) => {}
        }
        backoff = backoff.saturating_mul(2).min(backoff_max);
    }
}

/// Connects and subscribes once, and says what goes wrong; what it waits for has no end of its own.
///
/// # Errors
/// [`ZmqError`].
pub async fn probe(address: &str) -> Result<(), ZmqError> {
    // The socket below tries for ever where nobody listens.
    drop(TcpStream::connect(address).await?);
    subscribed(address).await.map(drop)
}

async fn subscribed(address: &str) -> Result<SubSocket, ZmqError> {
    let mut socket = SubSocket::new();
    socket.connect(&format!("tcp://{address}")).await?;
    socket.subscribe(TOPIC).await?;
    Ok(socket)
}

/// Wakes the follower until the connection ends.
async fn listen(listener: &BlockListener) -> Result<(), ZmqError> {
    let mut socket = subscribed(&listener.address).await?;
    info!(address = listener.address, "listening for new blocks by zmq");
    loop {
        socket.recv().await?;
        listener.block_seen.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{net::TcpListener, time::timeout};
    use zeromq::{Endpoint, PubSocket};

    use super::*;

    #[tokio::test]
    async fn a_probe_is_taken_by_a_publisher_and_by_nobody_else() {
        let mut publisher = PubSocket::new();
        let Endpoint::Tcp(_, port) = publisher.bind("tcp://127.0.0.1:0").await.unwrap() else { panic!("tcp") };
        probe(&format!("127.0.0.1:{port}")).await.unwrap();
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap().to_string();
        assert!(timeout(Duration::from_millis(300), probe(&address)).await.is_err());
        drop(silent);
        assert!(probe(&address).await.is_err());
    }
}
