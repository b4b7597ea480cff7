//! A peer that connects like any other and then sends whatever it is told to: the bytes on its streams are its own.
//!
//! It has no gossip layer: gossip is a stream of frames like every other protocol, so it can break every rule of it.

use std::{collections::HashMap, io, time::Duration};

use anyhow::Context;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder,
    core::PeerRecord,
    identity::Keypair,
    noise,
    request_response::{self, Message, ProtocolSupport, ResponseChannel},
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp, yamux,
};
use node::{
    p2p::{Hello, Request, Response},
    templates::wire::{TemplateRequest, TemplateResponse},
};
use sharechain::{ParamsId, ShareId, Work, sync::TipClaim};
use tokio::time::{Instant, timeout};

/// The gossip protocol, of a version that has every control message.
const MESH_PROTOCOL: &str = "/meshsub/1.2.0";
/// Signs of the share chain's identity in the names of protocols.
const TAG_LEN: usize = 16;
/// Longest answer that it reads.
const ANSWER_LEN_MAX: u64 = 2 << 20;
/// Time that it waits for anything.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is sent on one stream.
#[derive(Clone, Debug)]
struct Sent {
    bytes: Vec<u8>,
    /// The stream stays open after the bytes, and nobody reads the answer.
    holds: bool,
}

/// What it does with a question.
#[derive(Clone, Debug)]
pub enum Answer {
    /// These bytes, the length in front included.
    Bytes(Vec<u8>),
    /// Never.
    Silence,
}

impl Answer {
    /// A whole message.
    pub fn message(response: &Response) -> Self {
        Self::Bytes(framed(&response.encode()))
    }
}

/// A message as it stands on a stream.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes(), message].concat()
}

/// The greeting of a peer without shares, or of one with more work than anybody.
pub fn hello(height: u64) -> Hello {
    let total_work = Work::from_hashes(u128::from(height) << 40);
    let tip = TipClaim { id: ShareId::from_bytes([height.to_le_bytes()[0]; 32]), height, total_work };
    Hello { tip, region: None, agent: "hostile".to_owned() }
}

/// The same, as an answer.
pub fn tip(height: u64) -> Response {
    Response::Hello(hello(height))
}

/// Greets as a peer that has nothing.
pub fn polite(request: &Request) -> Answer {
    match request {
        Request::Hello(_) => Answer::message(&tip(0)),
        Request::Range { .. } => Answer::message(&Response::Ids { ids: Vec::new(), more: false }),
        Request::Shares { .. } => Answer::message(&Response::Shares { shares: Vec::new() }),
        Request::Peers { .. } => Answer::message(&Response::Peers { envelopes: Vec::new() }),
        Request::Ads => Answer::message(&Response::Ads { ads: Vec::new() }),
        Request::Template(request) => Answer::message(&Response::Template(match request {
            TemplateRequest::Announce(_) => TemplateResponse::Heard,
            TemplateRequest::Get(_) => TemplateResponse::Template(None),
            TemplateRequest::Transactions { .. } => {
                TemplateResponse::Transactions { transactions: Vec::new(), tail: None }
            }
        })),
    }
}

/// What a peer with this key says of itself, signed: it listens where nobody is.
///
/// # Errors
/// When the key does not sign.
pub fn signed_record(key: &Keypair) -> anyhow::Result<Vec<u8>> {
    let record = PeerRecord::new(key, vec!["/ip4/192.0.2.7/tcp/1".parse()?])?;
    Ok(record.into_signed_envelope().into_protobuf_encoding())
}

/// Bytes as they are given.
#[derive(Clone, Copy, Debug)]
enum Raw {
    /// One message on each stream.
    Sync,
    /// Frames without an end, which are read and thrown away.
    Mesh,
}

impl request_response::Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = Sent;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Sent>
    where
        T: AsyncRead + Unpin + Send,
    {
        match self {
            Self::Sync => Ok(Sent { bytes: read_frame(io).await?, holds: false }),
            Self::Mesh => {
                futures::io::copy(io, &mut futures::io::sink()).await?;
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        }
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut bytes = Vec::new();
        io.take(ANSWER_LEN_MAX).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, sent: Sent) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&sent.bytes).await?;
        io.flush().await?;
        if sent.holds {
            std::future::pending::<()>().await;
        }
        io.close().await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await?;
        io.close().await
    }
}

async fn read_frame(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let mut bytes = Vec::new();
    io.take(u64::from(u32::from_le_bytes(length))).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

#[derive(NetworkBehaviour)]
struct Streams {
    sync: request_response::Behaviour<Raw>,
    mesh: request_response::Behaviour<Raw>,
}

/// Something that happened to the peer.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is connected.
    Connected(PeerId),
    /// Its last connection is closed.
    Closed,
    /// The victim took a stream to its end, and sent this back.
    Taken(Vec<u8>),
    /// The victim closed a stream before its end.
    Refused,
}

type Answers = Box<dyn FnMut(&Request) -> Answer + Send>;

/// See the module.
pub struct Hostile {
    swarm: Swarm<Streams>,
    params: ParamsId,
    answers: Answers,
    /// Questions that nobody answers.
    unanswered: HashMap<usize, ResponseChannel<Vec<u8>>>,
    /// Questions so far.
    asked: usize,
}

impl std::fmt::Debug for Hostile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hostile").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Hostile {
    /// A new identity on the share chain `params` that answers questions like this.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(params: ParamsId, answers: impl FnMut(&Request) -> Answer + Send + 'static) -> anyhow::Result<Self> {
        Self::with_key(Keypair::generate_ed25519(), params, answers)
    }

    /// The same, of an identity that the caller knows before it answers.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn with_key(
        key: Keypair,
        params: ParamsId,
        answers: impl FnMut(&Request) -> Answer + Send + 'static,
    ) -> anyhow::Result<Self> {
        let mut tag = params.to_string();
        tag.truncate(TAG_LEN);
        let streams = |protocol: String, raw| {
            let protocol = StreamProtocol::try_from_owned(protocol)?;
            let config = request_response::Config::default()
                .with_request_timeout(2 * PATIENCE)
                .with_max_concurrent_streams(usize::MAX / 4);
            anyhow::Ok(request_response::Behaviour::with_codec(raw, [(protocol, ProtocolSupport::Full)], config))
        };
        let streams = Streams {
            sync: streams(format!("/poolnode/1/{tag}/sync"), Raw::Sync)?,
            mesh: streams(MESH_PROTOCOL.to_owned(), Raw::Mesh)?,
        };
        let swarm = SwarmBuilder::with_existing_identity(key)
            .with_tokio()
            .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
            .with_behaviour(|_| streams)?
            .with_swarm_config(|config| config.with_idle_connection_timeout(10 * PATIENCE))
            .build();
        Ok(Self { swarm, params, answers: Box::new(answers), unanswered: HashMap::new(), asked: 0 })
    }

    /// One that is connected to whoever answers at `address`.
    ///
    /// # Errors
    /// When it is not let in.
    pub async fn dialling(
        params: ParamsId,
        address: Multiaddr,
        answers: impl FnMut(&Request) -> Answer + Send + 'static,
    ) -> anyhow::Result<(Self, PeerId)> {
        let mut hostile = Self::new(params, answers)?;
        let victim = hostile.connect(address).await?;
        Ok((hostile, victim))
    }

    /// Connects it; who it is that it is connected to.
    ///
    /// # Errors
    /// When it is not let in.
    pub async fn connect(&mut self, address: Multiaddr) -> anyhow::Result<PeerId> {
        self.swarm.dial(address)?;
        let connected = async {
            loop {
                match self.swarm.select_next_some().await {
                    SwarmEvent::ConnectionEstablished { peer_id, .. } => return Ok(peer_id),
                    SwarmEvent::OutgoingConnectionError { error, .. } => return Err(error),
                    _ => {}
                }
            }
        };
        Ok(timeout(PATIENCE, connected).await??)
    }

    /// Its identity, as nodes write it.
    pub fn id(&self) -> String {
        self.swarm.local_peer_id().to_string()
    }

    /// The share chain that it is on.
    pub const fn params(&self) -> ParamsId {
        self.params
    }

    /// Where it can be dialled, on this machine.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn listen(&mut self) -> anyhow::Result<Multiaddr> {
        self.swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
        let own = *self.swarm.local_peer_id();
        let listening = async {
            loop {
                if let SwarmEvent::NewListenAddr { address, .. } = self.swarm.select_next_some().await {
                    return address;
                }
            }
        };
        let address = timeout(PATIENCE, listening).await?;
        address.with_p2p(own).map_err(|address| anyhow::anyhow!("{address} names somebody else"))
    }

    /// Gossips frames, and ends the stream.
    pub fn gossip(&mut self, victim: &PeerId, frames: Vec<u8>) {
        self.swarm.behaviour_mut().mesh.send_request(victim, Sent { bytes: frames, holds: false });
    }

    /// Sends bytes where a question belongs.
    pub fn ask(&mut self, victim: &PeerId, bytes: Vec<u8>) {
        self.swarm.behaviour_mut().sync.send_request(victim, Sent { bytes, holds: false });
    }

    /// Begins a question and never ends it.
    pub fn begin_to_ask(&mut self, victim: &PeerId, bytes: Vec<u8>) {
        self.swarm.behaviour_mut().sync.send_request(victim, Sent { bytes, holds: true });
    }

    /// Asks an honest question; the message of the answer.
    ///
    /// # Errors
    /// When none comes.
    pub async fn answer_of(&mut self, peer: &PeerId, request: &Request) -> anyhow::Result<Response> {
        self.ask(peer, framed(&request.encode()));
        match timeout(PATIENCE, self.next()).await? {
            Seen::Taken(bytes) => Ok(Response::decode(bytes.get(4..).context("no answer")?)?),
            other => anyhow::bail!("no answer but {other:?}"),
        }
    }

    /// Goes on until something happens to it.
    pub async fn next(&mut self) -> Seen {
        loop {
            if let Some(seen) = self.step().await {
                return seen;
            }
        }
    }

    /// Goes on until the victim asks it something, which is what a node does first with a peer that it lets in; whether it does
    /// so before it closes the connection.
    pub async fn is_let_in(&mut self) -> bool {
        while self.asked == 0 {
            if self.step().await == Some(Seen::Closed) {
                return false;
            }
        }
        true
    }

    async fn step(&mut self) -> Option<Seen> {
        match self.swarm.select_next_some().await {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => Some(Seen::Connected(peer_id)),
            SwarmEvent::ConnectionClosed { num_established: 0, .. } => Some(Seen::Closed),
            SwarmEvent::Behaviour(StreamsEvent::Sync(event) | StreamsEvent::Mesh(event)) => match event {
                request_response::Event::Message { message: Message::Response { response, .. }, .. } => {
                    Some(Seen::Taken(response))
                }
                request_response::Event::Message { message: Message::Request { request, channel, .. }, .. } => {
                    self.on_question(&request, channel);
                    None
                }
                request_response::Event::OutboundFailure { .. } => Some(Seen::Refused),
                _ => None,
            },
            _ => None,
        }
    }

    fn on_question(&mut self, question: &Sent, channel: ResponseChannel<Vec<u8>>) {
        let Ok(request) = Request::decode(&question.bytes) else { return };
        match (self.answers)(&request) {
            // The victim may be gone.
            Answer::Bytes(bytes) => drop(self.swarm.behaviour_mut().sync.send_response(channel, bytes)),
            Answer::Silence => drop(self.unanswered.insert(self.asked, channel)),
        }
        self.asked += 1;
    }

    /// Goes on until its connection is closed; how long that took.
    ///
    /// # Errors
    /// When nobody closes it.
    pub async fn until_thrown_out(&mut self) -> anyhow::Result<Duration> {
        let since = Instant::now();
        let closed = async { while self.next().await != Seen::Closed {} };
        timeout(PATIENCE, closed).await.context("still connected")?;
        Ok(since.elapsed())
    }
}
