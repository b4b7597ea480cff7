//! The whole endpoint over real sockets, with a client made of the crates that miners use.

use std::{net::SocketAddr, time::Duration};

use codec_sv2::{
    Decoded, Decrypted, Handshake, InitiatorSent, NoiseDecoder, NoiseEncoder, TransportDecryptState,
    TransportEncryptState,
};
use noise_sv2::Initiator;
use sharechain::{
    CompactTarget, PowAlgorithm, ShareChain,
    hash::BlockHash,
    testing::{self, GENESIS_TIME, Miner},
};
use tokio::{
    io::AsyncReadExt,
    sync::{mpsc, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::*;
use crate::{
    bucket::Allowance,
    job::HeaderFields,
    miner::SessionConfig,
    server::{Access, FoundShare, LaneEnds, Stratum, StratumConfig, StratumHandle, StratumSnapshot},
    session::tests::{HARD, config, user},
    v2::test_client::{Client, Seen, Sent, Varied, close, open_extended, open_standard, setup, update},
};

/// More than the buffers of a connection hold.
const KERNEL_ROOM_MAX: usize = 32 << 20;
/// Everything here takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// A template on block number `block`, of this second: the endpoint goes by the clock of the system.
fn template(block: u8) -> Arc<JobTemplate> {
    let params = testing::devnet_params();
    let (mut miner, mut chain) = (Miner::new(params.clone(), 1), ShareChain::new(params.clone()));
    for second in 1..=40 {
        miner.extend(&mut chain, GENESIS_TIME + second);
    }
    let mut work = miner.work;
    work.prev_block = BlockHash::from_bytes([block; 32]);
    let time = u32::try_from(now().unix).unwrap();
    let header = HeaderFields {
        version: 0x2000_0000,
        bits: CompactTarget::from_bits(HARD),
        time,
        time_min: time - 60,
        merkle_branch: vec![[3; 32], [4; 32]].into(),
    };
    let context = chain.job_context().unwrap();
    Arc::new(JobTemplate::new(params, context, (work, header, Arc::default()), u32::from(block)))
}

/// An endpoint on ports of its own.
struct Endpoint {
    address: SocketAddr,
    keys: AuthorityKeys,
    handle: StratumHandle,
    found: mpsc::Receiver<FoundShare>,
    templates: watch::Sender<Option<Arc<JobTemplate>>>,
    token: CancellationToken,
    tasks: TaskTracker,
}

impl Endpoint {
    fn open() -> Self {
        Self::behind(Vec::new())
    }

    fn behind(proxies: Vec<std::net::IpAddr>) -> Self {
        Self::with(config(PowAlgorithm::Blake2s), proxies)
    }

    fn with(session: SessionConfig, proxies: Vec<std::net::IpAddr>) -> Self {
        let (templates, receiver) = watch::channel(Some(template(1)));
        let (sender, found) = mpsc::channel(8);
        let access = Access { connections_max: 64, proxies, ..Access::default() };
        let config = StratumConfig::one_lane(session, access, LaneEnds { templates: receiver, found: sender });
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut stratum = Stratum::bind(any, config).unwrap();
        let keys = AuthorityKeys::generate();
        stratum.bind_v2(any, keys.clone()).unwrap();
        let address = stratum.v2_address().unwrap();
        let (tasks, token) = (TaskTracker::new(), CancellationToken::new());
        let (handle, serving) = stratum.run(&tasks, &token);
        tasks.spawn(serving);
        Self { address, keys, handle, found, templates, token, tasks }
    }

    /// Stores what is found next.
    async fn store(&mut self) -> Box<Found> {
        let FoundShare { found, stored, .. } = timeout(PATIENCE, self.found.recv()).await.unwrap().unwrap();
        stored.send(Ok(())).unwrap();
        found
    }

    async fn snapshot_when(&self, is_so: impl Fn(&StratumSnapshot) -> bool) -> Arc<StratumSnapshot> {
        let waiting = async {
            loop {
                let snapshot = self.handle.snapshot();
                if is_so(&snapshot) {
                    return snapshot;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, waiting).await.unwrap()
    }
}

/// A client whose messages are encrypted.
struct Wire {
    socket: TcpStream,
    client: Client,
    decoder: NoiseDecoder,
    encoder: NoiseEncoder,
    decrypting: Option<TransportDecryptState>,
    encrypting: TransportEncryptState,
}

impl Wire {
    async fn connect(endpoint: &Endpoint) -> Self {
        Self::agree(TcpStream::connect(endpoint.address).await.unwrap(), endpoint).await
    }

    async fn agree(mut socket: TcpStream, endpoint: &Endpoint) -> Self {
        let initiator = Initiator::from_raw_k(endpoint.keys.public()).unwrap();
        let (message, handshake) = Handshake::initiator(initiator).step_0().unwrap();
        let (mut decoder, mut encoder) = (NoiseDecoder::new(), NoiseEncoder::new());
        socket.write_all(&encoder.encode_handshake(message)).await.unwrap();
        let answer = loop {
            match decoder.next_handshake_frame::<InitiatorSent>().unwrap() {
                Decoded::Frame(message) => break message,
                Decoded::Incomplete(_) => socket.read_exact(decoder.writable()).await.map(drop).unwrap(),
            }
        };
        // Checks the certificate against the authority key, at the time of the system.
        let agreed = handshake.step_2(answer.payload().try_into().unwrap()).unwrap();
        let (encrypting, decrypting) = agreed.split();
        let client = Client::new(PowAlgorithm::Blake2s);
        Self { socket, client, decoder, encoder, decrypting: Some(decrypting), encrypting }
    }

    /// A frame as it goes over the wire.
    fn encrypt(&mut self, (message_type, channel_bit, payload): Sent) -> Vec<u8> {
        let len = u32::try_from(payload.len()).unwrap().to_le_bytes();
        let extension = if channel_bit { 0x80 } else { 0 };
        let frame = [&[0, extension, message_type, len[0], len[1], len[2]][..], &payload].concat();
        self.encoder.encode_transport(SerializedFrame::from_bytes(frame).unwrap(), &mut self.encrypting).unwrap()
    }

    async fn send(&mut self, sent: Sent) {
        let bytes = self.encrypt(sent);
        self.socket.write_all(&bytes).await.unwrap();
    }

    /// The next frame; `None` at the end.
    async fn read(&mut self) -> Option<Seen> {
        loop {
            match self.decoder.next_transport_frame(self.decrypting.take().unwrap()).unwrap() {
                Decrypted::Frame(frame, state) => {
                    self.decrypting = Some(state);
                    return Some(self.client.read(frame.as_bytes()));
                }
                Decrypted::Incomplete(_, state) => {
                    self.decrypting = Some(state);
                    timeout(PATIENCE, self.socket.read_exact(self.decoder.writable())).await.unwrap().ok()?;
                }
            }
        }
    }

    async fn read_all<const N: usize>(&mut self) -> [Seen; N] {
        let mut seen = Vec::new();
        while seen.len() < N {
            seen.push(self.read().await.expect("a frame"));
        }
        seen.try_into().unwrap()
    }

    async fn open(&mut self, sent: Sent) -> u32 {
        self.send(sent).await;
        let [opened, future, block] = self.read_all().await;
        assert_eq!([future, block], [Seen::FutureJob, Seen::PrevHash]);
        let Seen::Opened(id) = opened else { panic!("{opened:?}") };
        id
    }

    /// Mines a share and waits until it is stored and acknowledged.
    async fn mine(&mut self, id: u32, endpoint: &mut Endpoint) -> Box<Found> {
        let nonce = self.client.grind(id, true, 0, &Varied::default());
        let share = self.client.share(id, nonce, &Varied::default());
        self.send(share).await;
        let found = endpoint.store().await;
        assert_eq!(found.header.encode(), self.client.header(id, nonce, &Varied::default()));
        assert!(matches!(self.read().await, Some(Seen::Accepted { count: 1, .. })));
        found
    }
}

#[tokio::test]
async fn a_share_is_mined_from_the_handshake_to_the_account() {
    let mut endpoint = Endpoint::open();
    let mut wire = Wire::connect(&endpoint).await;
    wire.send(setup(0)).await;
    assert_eq!(wire.read().await, Some(Seen::SetUp { flags: 1 }));
    let extended = wire.open(open_extended(&user(), 8)).await;
    let standard = wire.open(open_standard(&user(), 0.0, [0xff; 32])).await;
    assert_ne!(
        wire.client.channels[&extended].extranonce_prefix[..4],
        wire.client.channels[&standard].extranonce_prefix[..4]
    );
    for id in [extended, standard] {
        let found = wire.mine(id, &mut endpoint).await;
        assert!(found.share.is_some());
    }
    let snapshot = endpoint.snapshot_when(|snapshot| snapshot.accepted == 2).await;
    let miners: Vec<_> =
        snapshot.miners.iter().map(|miner| (miner.worker.as_str(), miner.agent.as_str(), miner.accepted)).collect();
    assert_eq!(miners, [("rig", "acme firmware 2.9", 1), ("rig", "acme firmware 2.9", 1)]);
    // A new block reaches both channels.
    endpoint.templates.send_replace(Some(template(2)));
    let mut blocks = 0;
    while blocks < 2 {
        match wire.read().await {
            Some(Seen::PrevHash) => blocks += 1,
            Some(Seen::Target | Seen::FutureJob) => {}
            other => panic!("{other:?}"),
        }
    }
    wire.mine(standard, &mut endpoint).await;
    // What a channel did last counts, though it is closed at once.
    wire.mine(extended, &mut endpoint).await;
    wire.send(close(extended)).await;
    let snapshot = endpoint.snapshot_when(|snapshot| snapshot.miners.len() == 1).await;
    assert_eq!(snapshot.accepted, 4);
    drop(wire);
    endpoint.snapshot_when(|snapshot| snapshot.connections == 0).await;
    endpoint.token.cancel();
    endpoint.tasks.close();
    timeout(PATIENCE, endpoint.tasks.wait()).await.unwrap();
}

#[tokio::test]
async fn shares_that_are_sent_at_once_are_acknowledged_together() {
    let mut endpoint = Endpoint::open();
    let mut wire = Wire::connect(&endpoint).await;
    wire.send(setup(0)).await;
    wire.read().await;
    let id = wire.open(open_extended(&user(), 8)).await;
    let (mut bytes, mut from) = (Vec::new(), 0);
    for _ in 0..5 {
        let nonce = wire.client.grind(id, true, from, &Varied::default());
        from = nonce + 1;
        let share = wire.client.share(id, nonce, &Varied::default());
        bytes.extend(wire.encrypt(share));
    }
    wire.socket.write_all(&bytes).await.unwrap();
    for _ in 0..5 {
        endpoint.store().await;
    }
    let mut acknowledged = 0;
    while acknowledged < 5 {
        match wire.read().await {
            Some(Seen::Accepted { count, .. }) => acknowledged += count,
            // So fast a miner gets a harder job.
            Some(Seen::Target | Seen::Job) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn attack_a_frame_that_announces_megabytes_ends_the_connection() {
    let endpoint = Endpoint::open();
    let mut wire = Wire::connect(&endpoint).await;
    wire.send(setup(0)).await;
    assert_eq!(wire.read().await, Some(Seen::SetUp { flags: 1 }));
    let bytes = wire.encrypt((0x00, false, vec![0; 5_000]));
    // The header is enough. Who has set up has more time for its next message than is waited for here.
    wire.socket.write_all(&bytes[..22]).await.unwrap();
    assert_eq!(wire.read().await, None);
}

#[tokio::test]
async fn attack_a_flood_of_frames_is_answered_only_as_fast_as_lines_may_come() {
    let lines = Allowance { per_second: 1e-3, burst: 500.0 };
    let endpoint = Endpoint::with(SessionConfig { lines, ..config(PowAlgorithm::Blake2s) }, Vec::new());
    let (mut flood, mut other) = (Wire::connect(&endpoint).await, Wire::connect(&endpoint).await);
    for wire in [&mut flood, &mut other] {
        wire.send(setup(0)).await;
        assert_eq!(wire.read().await, Some(Seen::SetUp { flags: 1 }));
    }
    let bytes: Vec<u8> = (0..1_000).flat_map(|_| flood.encrypt(update(77, 0.0, [0xff; 32]))).collect();
    flood.socket.write_all(&bytes).await.unwrap();
    assert!(matches!(flood.read().await, Some(Seen::UpdateError(_))), "there is no such channel");
    // Whatever is not held back has been answered by the time that another one was served so often.
    for _ in 0..5 {
        other.send(update(77, 0.0, [0xff; 32])).await;
        assert!(matches!(other.read().await, Some(Seen::UpdateError(_))));
    }
    let mut answered = 1;
    while let Ok(Some(_)) = timeout(Duration::ZERO, flood.read()).await {
        answered += 1;
    }
    assert!(answered < 500, "{answered} frames were answered");
    // The rest stays where it costs the node nothing: in the kernel, which has no room for so much.
    let (more, mut written) = (vec![0; 1 << 16], 0);
    for _ in 0..300 {
        while let Ok(len) = flood.socket.try_write(&more) {
            written += len;
            assert!(written < KERNEL_ROOM_MAX, "all that comes is read");
        }
        other.send(update(77, 0.0, [0xff; 32])).await;
        assert!(matches!(other.read().await, Some(Seen::UpdateError(_))));
    }
}

#[tokio::test]
async fn who_only_begins_a_handshake_is_hung_up() {
    let subscribe_timeout = Duration::from_millis(50);
    let endpoint = Endpoint::with(SessionConfig { subscribe_timeout, ..config(PowAlgorithm::Blake2s) }, Vec::new());
    for begun in [&[][..], &[7; 10][..]] {
        let mut socket = TcpStream::connect(endpoint.address).await.unwrap();
        socket.write_all(begun).await.unwrap();
        let mut answer = Vec::new();
        // Closed, or reset with what it sent unread.
        drop(timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("hung up in time"));
        assert!(answer.is_empty());
    }
}

#[tokio::test]
async fn the_longest_honest_message_is_read() {
    let endpoint = Endpoint::open();
    let mut wire = Wire::connect(&endpoint).await;
    let mut payload = vec![0, 2, 0, 2, 0, 0, 0, 0, 0];
    let full = [&[255][..], &[b'x'; 255]].concat();
    payload.extend([&full[..], &[0, 0], &full, &full, &full, &full].concat());
    assert_eq!(payload.len(), 1_291);
    wire.send((0x00, false, payload)).await;
    assert_eq!(wire.read().await, Some(Seen::SetUp { flags: 1 }));
}

#[tokio::test]
async fn what_is_not_encrypted_or_no_message_ends_the_connection() {
    let endpoint = Endpoint::open();
    let mut wire = Wire::connect(&endpoint).await;
    wire.socket.write_all(&[7; 64]).await.unwrap();
    assert_eq!(wire.read().await, None);
    let mut wire = Wire::connect(&endpoint).await;
    wire.send((0x15, true, vec![0; 64])).await;
    wire.send(setup(0)).await;
    assert_eq!(wire.read().await, Some(Seen::SetUp { flags: 1 }), "what servers say is ignored");
    wire.send((0x10, false, vec![0; 7])).await;
    assert_eq!(wire.read().await, None);
    let mut wire = Wire::connect(&endpoint).await;
    let mut bytes = wire.encrypt(setup(0));
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    wire.socket.write_all(&bytes).await.unwrap();
    assert_eq!(wire.read().await, None);
}

#[tokio::test]
async fn a_v1_miner_at_the_wrong_port_is_sent_away() {
    let endpoint = Endpoint::open();
    let mut socket = TcpStream::connect(endpoint.address).await.unwrap();
    let line = format!("{{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"{}\"]}}\n", "x".repeat(40));
    socket.write_all(line.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.is_empty());
}

#[tokio::test]
async fn frames_of_unknown_extensions_are_ignored() {
    let endpoint = Endpoint::open();
    let mut wire = Wire::connect(&endpoint).await;
    let frame = SerializedFrame::from_bytes(vec![1, 0, 0, 2, 0, 0, 9, 9]).unwrap();
    let bytes = wire.encoder.encode_transport(frame, &mut wire.encrypting).unwrap();
    wire.socket.write_all(&bytes).await.unwrap();
    wire.send(setup(0)).await;
    assert_eq!(wire.read().await, Some(Seen::SetUp { flags: 1 }));
}

#[tokio::test]
async fn a_client_with_another_authority_key_does_not_go_on() {
    let endpoint = Endpoint::open();
    // The key is all that differs: with the node's own the same client goes on.
    for (key, goes_on) in [(endpoint.keys.public(), true), (AuthorityKeys::generate().public(), false)] {
        let mut socket = TcpStream::connect(endpoint.address).await.unwrap();
        let initiator = Initiator::from_raw_k(key).unwrap();
        let (message, handshake) = Handshake::initiator(initiator).step_0().unwrap();
        socket.write_all(message.payload()).await.unwrap();
        let mut answer = [0; 234];
        timeout(PATIENCE, socket.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(handshake.step_2(answer).is_ok(), goes_on);
    }
}

#[tokio::test]
async fn behind_a_proxy_the_one_it_connects_for_is_banned_for_junk() {
    let endpoint = Endpoint::behind(vec!["127.0.0.1".parse().unwrap()]);
    let connect = async |last: u8| {
        let mut socket = TcpStream::connect(endpoint.address).await.unwrap();
        // PROXY protocol, version 2: TCP over IPv4 with twelve bytes of addresses and ports.
        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
        header.extend([203, 0, 113, last, 127, 0, 0, 1, 0x10, 0, 0x0d, 0x08]);
        socket.write_all(&header).await.unwrap();
        socket
    };
    for _ in 0..3 {
        let mut wire = Wire::agree(connect(7).await, &endpoint).await;
        wire.send(setup(0)).await;
        assert_eq!(wire.read().await, Some(Seen::SetUp { flags: 1 }));
        wire.socket.write_all(&[7; 64]).await.unwrap();
        assert_eq!(wire.read().await, None);
    }
    endpoint.snapshot_when(|snapshot| snapshot.banned == 1).await;
    let (mut banned, mut answer) = (connect(7).await, Vec::new());
    // Closed, or reset with what it sent unread.
    drop(timeout(PATIENCE, banned.read_to_end(&mut answer)).await.unwrap());
    assert!(answer.is_empty());
    Wire::agree(connect(8).await, &endpoint).await;
}
