//! One sample of an endpoint: connect, subscribe, authorize, first job, as a miner does it.
//!
//! It never submits work, and it authorizes only a user that was given. Everything the other side says is bounded and
//! cleaned before it is shown.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use node::{
    directory::{StratumProtocol, StratumUrl},
    netgroup::is_routable,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::{
    measurement::{Candidate, Sample},
    tls,
};

/// Time for a name, a connection, a handshake, or an answer. Whoever is further away is no pool to mine at.
const STEP_TIMEOUT: Duration = Duration::from_secs(3);
/// Time for a job, which a node may not have at once.
const JOB_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest line that is read: a job of a pool that pays thousands in its coinbase.
const LINE_LEN_MAX: u64 = 1 << 20;
/// Lines read until the answer or the job has to be there.
const LINES_MAX: usize = 64;
/// Characters of a refusal that are shown.
const REASON_LEN_MAX: usize = 100;
const AGENT: &str = concat!("poolnode-nearest/", env!("CARGO_PKG_VERSION"));

/// A sample, and why it has no job, if one was asked for.
pub(crate) type Probed = (Sample, Option<String>);

/// Why an endpoint could not be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    /// The name leads nowhere.
    #[error("the name cannot be resolved")]
    Name,
    /// A stranger's name leads into our own network.
    #[error(
        "the name leads to {0}, which is not on the public internet; give the endpoint as an argument to measure it"
    )]
    NotPublic(IpAddr),
    /// It took too long.
    #[error("no {0} within {secs} s", secs = STEP_TIMEOUT.as_secs())]
    Timeout(&'static str),
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Something else than a pool.
    #[error("what answers speaks no Stratum")]
    NoStratum,
}

/// Where a candidate is. A name that a stranger announced must not lead into the network of whoever looks for a pool.
pub(crate) async fn resolve(candidate: &Candidate) -> Result<SocketAddr, ProbeError> {
    let StratumUrl { host, port, .. } = &candidate.url;
    let found = in_time("address", async { Ok(lookup_host((host.as_str(), *port)).await) }).await?;
    let address = found.map_err(|_| ProbeError::Name)?.next().ok_or(ProbeError::Name)?;
    let is_name = host.address().is_none();
    if is_name && !candidate.is_given && !is_routable(address.ip()) {
        return Err(ProbeError::NotPublic(address.ip()));
    }
    Ok(address)
}

/// Takes one sample.
pub(crate) async fn sample(url: &StratumUrl, address: SocketAddr, user: Option<&str>) -> Result<Probed, ProbeError> {
    let started = Instant::now();
    let socket = in_time("connection", async { Ok(TcpStream::connect(address).await?) }).await?;
    let connect = started.elapsed();
    socket.set_nodelay(true)?;
    match &url.protocol {
        StratumProtocol::V1 => talk(socket, connect, user).await,
        StratumProtocol::V1Tls => {
            let shaken = async { Ok(tls::connect(socket, url.host.as_str()).await?) };
            talk(in_time("TLS handshake", shaken).await?, connect, user).await
        }
        StratumProtocol::V2(_) => Ok((Sample { connect, answer: None, job: None, prev_block: None }, None)),
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    connect: Duration,
    user: Option<&str>,
) -> Result<Probed, ProbeError> {
    let mut pool = Pool { stream: BufReader::new(stream), line: Vec::new() };
    let started = Instant::now();
    let subscribe = json!({"id": 1, "method": "mining.subscribe", "params": [AGENT]});
    let answer = in_time("answer to mining.subscribe", async {
        pool.send(&subscribe).await?;
        pool.find(|message| message["id"] == 1 && message["method"].is_null()).await
    });
    let answered = answer.await?;
    if !answered["result"].is_array() {
        return Err(ProbeError::NoStratum);
    }
    let mut sample = Sample { connect, answer: Some(started.elapsed()), job: None, prev_block: None };
    let Some(user) = user else { return Ok((sample, None)) };
    let started = Instant::now();
    let asked = async {
        pool.send(&json!({"id": 2, "method": "mining.authorize", "params": [user, "x"]})).await?;
        // A job that comes before the login is judged is as good as one after it.
        pool.find(|message| message["method"] == "mining.notify" || is_refused(message)).await
    };
    let refusal = match timeout(JOB_TIMEOUT, asked).await {
        Ok(Ok(message)) if is_refused(&message) => Some(reason(&message)),
        Ok(Ok(job)) => {
            sample.job = Some(started.elapsed());
            sample.prev_block = job["params"][1].as_str().map(ToOwned::to_owned);
            None
        }
        Ok(Err(error)) => return Err(error),
        Err(_) => Some(format!("no job within {} s", JOB_TIMEOUT.as_secs())),
    };
    Ok((sample, refusal))
}

fn is_refused(message: &Value) -> bool {
    message["id"] == 2 && message["method"].is_null() && message["result"] != true
}

/// What the pool says, without what could reach a terminal.
fn reason(message: &Value) -> String {
    let error = &message["error"];
    let text =
        [&error[1], &error["message"], error].into_iter().find_map(Value::as_str).unwrap_or("the user is refused");
    text.chars().filter(|letter| letter.is_ascii_graphic() || *letter == ' ').take(REASON_LEN_MAX).collect()
}

struct Pool<S> {
    stream: BufReader<S>,
    line: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pool<S> {
    async fn send(&mut self, message: &Value) -> Result<(), ProbeError> {
        self.stream.write_all(format!("{message}\n").as_bytes()).await?;
        Ok(self.stream.flush().await?)
    }

    /// The first message that is looked for; others are passed over.
    async fn find(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Result<Value, ProbeError> {
        for _ in 0..LINES_MAX {
            self.line.clear();
            let read = (&mut self.stream).take(LINE_LEN_MAX).read_until(b'\n', &mut self.line).await?;
            if read == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            let message: Value = serde_json::from_slice(&self.line).map_err(|_| ProbeError::NoStratum)?;
            if is_wanted(&message) {
                return Ok(message);
            }
        }
        Err(ProbeError::NoStratum)
    }
}

async fn in_time<T>(what: &'static str, work: impl Future<Output = Result<T, ProbeError>>) -> Result<T, ProbeError> {
    timeout(STEP_TIMEOUT, work).await.unwrap_or(Err(ProbeError::Timeout(what)))
}
