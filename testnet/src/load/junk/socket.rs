//! The sockets of junk: a task per place connects, does what its script says until the server hangs up, and connects again.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{sleep, sleep_until, timeout},
};

use super::{JunkKind, JunkTally, script::Script};
use crate::load::{
    connection::{Login, Purpose},
    lines::LineBuffer,
};

/// Between two connections of one place, at least: 50 in a second.
const CONNECT_INTERVAL: Duration = Duration::from_millis(20);
/// Time for the TCP handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes that the kernel keeps for who never reads; it may take more.
const DEAF_BUFFER: u32 = 2_048;
/// Bytes read at once.
const READ_LEN: usize = 4_096;
/// Longest line of a server that is kept.
const LINE_LEN_MAX: usize = 1 << 20;
/// A script that has nothing to say looks again after this.
const LONG: Duration = Duration::from_secs(3_600);

/// What all places share.
#[derive(Debug)]
pub(in crate::load) struct Ground {
    /// The server; they are tried in order.
    pub(in crate::load) addresses: Vec<SocketAddr>,
    /// Where the connections come from.
    pub(in crate::load) bind: Option<IpAddr>,
    /// As the honest ones have it.
    pub(in crate::load) login: Login,
    pub(in crate::load) tally: JunkTally,
}

impl Ground {
    fn login(&self, kind: JunkKind) -> Arc<Login> {
        let purpose = match kind {
            JunkKind::NoWork => Purpose::SubmitAnything,
            JunkKind::Replay => Purpose::Submit,
            JunkKind::Endless
            | JunkKind::Garbage
            | JunkKind::BrokenJson
            | JunkKind::BrokenTls
            | JunkKind::Slowloris
            | JunkKind::DeafReader
            | JunkKind::Silent => Purpose::Hold,
        };
        Arc::new(Login { purpose, ..self.login.clone() })
    }
}

/// Junk of the kind of this place, until it is dropped.
pub(in crate::load) async fn run(ground: Arc<Ground>, place: u32) {
    let kind = JunkKind::of_place(place);
    let login = ground.login(kind);
    loop {
        let next = Instant::now() + CONNECT_INTERVAL;
        match timeout(CONNECT_TIMEOUT, connect(&ground, kind)).await {
            Ok(Ok(stream)) => {
                ground.tally.on_connected(kind);
                let held = Held { tally: &ground.tally, kind, since: Instant::now() };
                if play(stream, Script::open(kind, login.clone())).await == Ended::ByServer {
                    ground.tally.on_closed(kind);
                }
                drop(held);
            }
            Ok(Err(_)) | Err(_) => ground.tally.on_failed(kind),
        }
        sleep_until(next.into()).await;
    }
}

/// Tells how long the server kept a connection, also when the load ends before it does.
struct Held<'a> {
    tally: &'a JunkTally,
    kind: JunkKind,
    since: Instant,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.tally.on_held(self.kind, self.since.elapsed());
    }
}

/// Who hung up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ended {
    ByServer,
    ByUs,
}

async fn connect(ground: &Ground, kind: JunkKind) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in &ground.addresses {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if kind == JunkKind::DeafReader {
            socket.set_recv_buffer_size(DEAF_BUFFER)?;
        }
        if let Some(bind) = ground.bind {
            socket.bind(SocketAddr::new(bind, 0))?;
        }
        match socket.connect(*address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn play(mut stream: TcpStream, (mut script, mut unsent): (Script, Vec<u8>)) -> Ended {
    let mut received = LineBuffer::default();
    let mut due = Instant::now();
    loop {
        if due <= Instant::now() {
            let Ok(pause) = script.write(Instant::now(), &mut unsent) else { return Ended::ByUs };
            due = Instant::now() + pause.unwrap_or(LONG);
        }
        if stream.write_all(&unsent).await.is_err() {
            return Ended::ByServer;
        }
        unsent.clear();
        if !script.reads() {
            sleep(due.saturating_duration_since(Instant::now())).await;
            continue;
        }
        let mut bytes = [0; READ_LEN];
        // Both can be dropped without loss.
        tokio::select! {
            biased;
            read = stream.read(&mut bytes) => match read {
                Ok(count) if count > 0 => received.extend(bytes.get(..count).unwrap_or_default()),
                Ok(_) | Err(_) => return Ended::ByServer,
            },
            () = sleep_until(due.into()) => {}
        }
        while let Some(line) = received.next_line() {
            let answer = str::from_utf8(line).ok().map(|line| script.handle_line(line, Instant::now()));
            let Some(Ok(answer)) = answer else { return Ended::ByUs };
            unsent.extend(answer.unwrap_or_default().into_bytes());
        }
        if received.unfinished() > LINE_LEN_MAX {
            return Ended::ByUs;
        }
    }
}
