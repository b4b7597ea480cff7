//! The endpoint on real sockets: what a session cannot show.

use std::time::Duration;

use rcgen::generate_simple_self_signed;
use serde_json::Value;
use sharechain::PowAlgorithm;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    },
};

use super::*;
use crate::{
    bucket::Allowance,
    session::tests::{HARD, SUBSCRIBE, authorize, config, template},
};

const PING: &str = r#"{"id":7,"method":"mining.ping"}"#;
/// More than the buffers of a connection hold.
const KERNEL_ROOM_MAX: usize = 32 << 20;
/// Nothing here takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

struct Endpoint {
    address: SocketAddr,
    templates: watch::Sender<Option<Arc<JobTemplate>>>,
    handle: StratumHandle,
    token: CancellationToken,
    _found: mpsc::Receiver<FoundShare>,
}

fn endpoint(access: Access) -> Endpoint {
    endpoint_for(100, access)
}

/// An endpoint with so many connections at once.
fn endpoint_for(connections_max: usize, access: Access) -> Endpoint {
    endpoint_with(config(PowAlgorithm::Blake2s), Access { connections_max, ..access })
}

/// An endpoint whose sessions are as they are told to be.
fn endpoint_with(session: SessionConfig, access: Access) -> Endpoint {
    let (templates, jobs) = watch::channel(Some(template(PowAlgorithm::Blake2s, 1, HARD)));
    let (found, inbox) = mpsc::channel(FOUND_QUEUE_MAX);
    let config = StratumConfig::one_lane(session, access, LaneEnds { templates: jobs, found });
    let stratum = Stratum::bind(SocketAddr::from(([127, 0, 0, 1], 0)), config).unwrap();
    let (address, token) = (stratum.address(), CancellationToken::new());
    let (handle, serving) = stratum.run(&TaskTracker::new(), &token);
    tokio::spawn(serving);
    Endpoint { address, templates, handle, token, _found: inbox }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

struct Client<S>(BufReader<S>);

impl Endpoint {
    async fn connect(&self) -> Client<TcpStream> {
        Client(BufReader::new(TcpStream::connect(self.address).await.unwrap()))
    }

    /// Waits until the registry has looked at its connections so many times.
    async fn pass_snapshots(&self, count: usize) {
        let mut snapshots = self.handle.snapshot.clone();
        for _ in 0..count {
            timeout(PATIENCE, snapshots.changed()).await.unwrap().unwrap();
        }
    }

    /// Through a proxy that says that the client has this address.
    async fn connect_from(&self, last_octet: u8) -> Client<TcpStream> {
        let mut client = self.connect().await;
        let header = [
            &b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..],
            &[203, 0, 113, last_octet, 127, 0, 0, 1],
            &[0x1f, 0x90, 0x5b, 0x28],
        ];
        client.0.write_all(&header.concat()).await.unwrap();
        client
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    async fn send(&mut self, line: &str) {
        self.0.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// The next line; `None` when the server has hung up.
    async fn read(&mut self) -> Option<Value> {
        let mut line = String::new();
        // A server that hangs up while something is on its way to it resets the connection.
        let read = timeout(PATIENCE, self.0.read_line(&mut line)).await.expect("in time").unwrap_or(0);
        (read > 0).then(|| serde_json::from_str(&line).unwrap())
    }

    async fn ask(&mut self, line: &str) -> Value {
        self.send(line).await;
        self.read().await.expect("an answer")
    }

    /// Subscribes, authorizes and takes the first job; gives the reply to the subscription and the job.
    async fn start(&mut self, subscribe: &str) -> (Value, Value) {
        self.start_as(subscribe, &authorize()).await
    }

    /// The same with another login.
    async fn start_as(&mut self, subscribe: &str, authorize: &str) -> (Value, Value) {
        let subscribed = self.ask(subscribe).await;
        assert_eq!(self.ask(authorize).await["result"], true);
        assert_eq!(self.read().await.unwrap()["method"], "mining.set_difficulty");
        (subscribed, self.read().await.unwrap())
    }

    async fn is_hung_up(&mut self) -> bool {
        while let Some(line) = self.read().await {
            assert!(line["method"].is_string() || line["error"].is_array(), "{line}");
        }
        true
    }
}

fn tls() -> (TlsAcceptor, TlsConnector) {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let cert = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivateKeyDer::try_from(made.key_pair.serialize_der()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![cert.clone()], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    (Arc::new(server).into(), Arc::new(client).into())
}

/// Logs in once more, and gives what the pool has the miner read then.
async fn told_at_login(client: &mut Client<TcpStream>) -> Option<String> {
    client.send(&authorize()).await;
    client.send(r#"{"id":99,"method":"mining.unknown","params":[]}"#).await;
    let mut told = None;
    loop {
        let line = client.read().await.expect("an answer");
        if line["method"] == "client.show_message" {
            told = line["params"][0].as_str().map(ToOwned::to_owned);
        } else if line["id"] == 99 {
            return told;
        }
    }
}

#[tokio::test]
async fn another_fee_is_for_those_who_connect_after_it() {
    let endpoint = endpoint(Access::default());
    let mut old = endpoint.connect().await;
    old.start(SUBSCRIBE).await;
    assert_eq!(endpoint.handle.fee(), None);
    let fee = OperatorFee { basis_points: 250, script: sharechain::testing::script(9) };
    endpoint.handle.set_fee(Some(fee));
    assert_eq!(endpoint.handle.fee(), Some(fee));
    let mut new = endpoint.connect().await;
    new.ask(SUBSCRIBE).await;
    assert_eq!(told_at_login(&mut new).await.as_deref(), Some("This node's operator takes 2.50 % of the jobs"));
    assert_eq!(told_at_login(&mut old).await, None, "it goes on as it began");
    let mut page = String::new();
    let mut browser = TcpStream::connect(endpoint.address).await.unwrap();
    browser.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    browser.read_to_string(&mut page).await.unwrap();
    assert!(page.contains("operator fee: 2.50 %"), "{page}");
}

#[tokio::test]
async fn miners_with_and_without_tls_and_browsers_share_the_port() {
    let (acceptor, connector) = tls();
    let endpoint = endpoint(Access { tls: Some(acceptor), ..Access::default() });
    let encrypted = async || {
        let socket = TcpStream::connect(endpoint.address).await.unwrap();
        connector.connect(ServerName::try_from("localhost").unwrap(), socket).await.unwrap()
    };
    let mut miner = Client(BufReader::new(encrypted().await));
    assert_eq!(miner.start(SUBSCRIBE).await.1["method"], "mining.notify");
    assert_eq!(endpoint.connect().await.start(SUBSCRIBE).await.1["method"], "mining.notify");
    let mut plain = TcpStream::connect(endpoint.address).await.unwrap();
    let mut secret = encrypted().await;
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    secret.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let (mut pages, mut encrypted_page) = (String::new(), String::new());
    plain.read_to_string(&mut pages).await.unwrap();
    secret.read_to_string(&mut encrypted_page).await.unwrap();
    assert!(pages.starts_with("HTTP/1.1 200 OK") && pages.contains("stratum+ssl://"), "{pages}");
    assert_eq!(pages, encrypted_page);
}

#[tokio::test]
async fn without_tls_a_tls_client_is_hung_up_and_not_banned() {
    let endpoint = endpoint(Access::default());
    let (_, connector) = tls();
    for _ in 0..5 {
        let socket = TcpStream::connect(endpoint.address).await.unwrap();
        assert!(connector.connect(ServerName::try_from("localhost").unwrap(), socket).await.is_err());
    }
    assert_eq!(endpoint.connect().await.start(SUBSCRIBE).await.1["method"], "mining.notify");
    assert_eq!(endpoint.handle.snapshot().banned, 0);
}

#[tokio::test]
async fn one_connection_too_many_waits_for_its_place() {
    let endpoint = endpoint_for(1, Access::default());
    let mut first = endpoint.connect().await;
    first.start(SUBSCRIBE).await;
    let mut second = endpoint.connect().await;
    second.send(SUBSCRIBE).await;
    // The first is served, time and again, and nobody else is.
    for _ in 0..10 {
        assert_eq!(first.ask(PING).await["result"], "pong");
    }
    assert!(timeout(Duration::ZERO, second.0.fill_buf()).await.is_err(), "nothing has come");
    drop(first);
    assert_eq!(second.read().await.unwrap()["id"], 1);
}

#[tokio::test]
async fn a_new_parent_block_is_a_clean_job_for_everybody() {
    let endpoint = endpoint(Access::default());
    let mut miners = vec![endpoint.connect().await, endpoint.connect().await];
    for miner in &mut miners {
        assert_eq!(miner.start(SUBSCRIBE).await.1["params"][8], true);
    }
    for (block, clean) in [(1, false), (2, true)] {
        endpoint.templates.send_replace(Some(template(PowAlgorithm::Blake2s, block, HARD)));
        for miner in &mut miners {
            assert_eq!(miner.read().await.unwrap()["params"][8], clean);
        }
    }
}

#[tokio::test]
async fn a_miner_comes_back_to_its_session_whether_or_not_its_old_socket_is_closed() {
    let endpoint = endpoint(Access::default());
    let mut first = endpoint.connect().await;
    let (subscribed, _) = first.start(SUBSCRIBE).await;
    let (id, extranonce1) = (&subscribed["result"][0][0][1], &subscribed["result"][1]);
    let again = format!(r#"{{"id":1,"method":"mining.subscribe","params":["cpuminer-multi/1.3.7",{id}]}}"#);
    // A stranger has another place in between.
    assert_ne!(&endpoint.connect().await.start(SUBSCRIBE).await.0["result"][1], extranonce1);
    let mut second = endpoint.connect().await;
    assert_eq!(&second.start(&again).await.0["result"], &subscribed["result"]);
    assert!(first.is_hung_up().await);
    drop(second);
    let mut third = endpoint.connect().await;
    assert_eq!(&third.start(&again).await.0["result"], &subscribed["result"]);
    // Nobody else has learnt the id, and an id that nobody has is no session.
    let guess = format!("\"{}{:016x}\"", extranonce1.as_str().unwrap(), 7);
    let guessed = endpoint.connect().await.start(&again.replace(&id.to_string(), &guess)).await.0;
    assert_ne!(&guessed["result"][1], extranonce1);
}

#[tokio::test]
async fn who_sends_junk_is_banned_with_all_its_connections_and_nobody_else_is() {
    let endpoint = endpoint(Access { proxies: vec![[127, 0, 0, 1].into()], ..Access::default() });
    let (mut accomplice, mut neighbour) = (endpoint.connect_from(7).await, endpoint.connect_from(8).await);
    accomplice.start(SUBSCRIBE).await;
    neighbour.start(SUBSCRIBE).await;
    for _ in 0..3 {
        let mut junk = endpoint.connect_from(7).await;
        junk.send("certainly no Stratum").await;
        assert!(junk.is_hung_up().await);
    }
    assert!(accomplice.is_hung_up().await);
    assert!(endpoint.connect_from(7).await.is_hung_up().await);
    assert_eq!(neighbour.ask(PING).await["result"], "pong");
    // A proxy that forgets its header is not believed to be a miner.
    let mut headless = endpoint.connect().await;
    headless.send(SUBSCRIBE).await;
    assert!(headless.is_hung_up().await);
}

#[tokio::test]
async fn attack_m4_a_line_without_end_is_cut_off() {
    let endpoint = endpoint(Access::default());
    let mut miner = endpoint.connect().await;
    miner.ask(SUBSCRIBE).await;
    let endless = vec![b'x'; 3 * crate::limits::LINE_LEN_MAX];
    // It may be cut off before everything is sent.
    drop(miner.0.write_all(&endless).await);
    assert!(miner.is_hung_up().await);
}

#[tokio::test]
async fn attack_m3_a_flood_of_lines_is_answered_only_as_fast_as_lines_may_come() {
    let lines = Allowance { per_second: 1e-3, burst: 500.0 };
    let session = SessionConfig { lines, ..config(PowAlgorithm::Blake2s) };
    let endpoint = endpoint_with(session, Access { connections_max: 2, ..Access::default() });
    let (mut flood, mut other) = (endpoint.connect().await, endpoint.connect().await);
    flood.0.write_all(format!("{PING}\n").repeat(1_000).as_bytes()).await.unwrap();
    assert_eq!(flood.read().await.expect("an answer")["result"], "pong");
    // Whatever is not held back has been answered by the time that another one was served so often.
    for _ in 0..5 {
        assert_eq!(other.ask(PING).await["result"], "pong");
    }
    let mut answered = 1;
    while let Ok(Some(_)) = timeout(Duration::ZERO, flood.read()).await {
        answered += 1;
    }
    assert!(answered <= 500, "{answered} lines were answered");
    // The rest stays where it costs the node nothing: in the kernel, which has no room for so much.
    let (more, mut written) = (vec![b' '; 1 << 16], 0);
    for _ in 0..300 {
        while let Ok(len) = flood.0.get_ref().try_write(&more) {
            written += len;
            assert!(written < KERNEL_ROOM_MAX, "all that comes is read");
        }
        assert_eq!(other.ask(PING).await["result"], "pong");
    }
}

#[tokio::test]
async fn who_says_nothing_or_only_begins_to_is_hung_up() {
    let subscribe_timeout = Duration::from_millis(50);
    let proxy = Access { proxies: vec![[127, 0, 0, 1].into()], ..Access::default() };
    let tls = Access { tls: Some(tls().0), ..Access::default() };
    for (access, begun) in
        [(Access::default(), &b""[..]), (proxy, &b"\r\n\r\n\0\r\nQUIT"[..]), (tls, &b"\x16\x03\x01"[..])]
    {
        let session = SessionConfig { subscribe_timeout, ..config(PowAlgorithm::Blake2s) };
        let endpoint = endpoint_with(session, Access { connections_max: 1, ..access });
        let mut client = endpoint.connect().await;
        client.0.write_all(begun).await.unwrap();
        assert_eq!(client.read().await, None, "{begun:?}");
    }
}

#[tokio::test]
async fn nobody_but_a_configured_proxy_says_for_whom_it_connects() {
    let endpoint = endpoint(Access { proxies: vec![[192, 0, 2, 1].into()], ..Access::default() });
    let mut liar = endpoint.connect_from(7).await;
    // It may be hung up before everything is sent.
    drop(liar.0.write_all(format!("{SUBSCRIBE}\n").as_bytes()).await);
    assert_eq!(liar.read().await, None, "its header is no Stratum");
    assert_eq!(endpoint.connect().await.start(SUBSCRIBE).await.1["method"], "mining.notify");
}

#[tokio::test]
async fn a_node_that_stops_tells_its_miners_when_to_come_back_and_never_where_to_go() {
    let endpoint = endpoint(Access::default());
    let mut miner = endpoint.connect().await;
    miner.start(SUBSCRIBE).await;
    endpoint.token.cancel();
    let told = miner.read().await.unwrap();
    assert_eq!(told["method"], "client.reconnect");
    assert_eq!((&told["params"][0], &told["params"][1]), (&Value::Null, &Value::Null));
    assert!((1..=10).contains(&told["params"][2].as_u64().unwrap()));
    assert!(miner.is_hung_up().await);
}

/// Somewhere to go.
fn refuge(host: &str) -> (watch::Sender<Option<Refuge>>, Access) {
    let (sender, receiver) = watch::channel(Some(Refuge { host: host.to_owned(), port: 3333 }));
    (sender, Access { refuge: Some(receiver), ..Access::default() })
}

#[tokio::test]
async fn a_node_that_stops_points_the_willing_to_another_one_of_its_operator() {
    let (acceptor, connector) = tls();
    let (_refuge, access) = refuge("b.pool.example");
    let endpoint = endpoint(Access { tls: Some(acceptor), ..access });
    let willing = authorize().replace("\"x\"", "\"x,r=1\"");
    let (mut follower, mut settled) = (endpoint.connect().await, endpoint.connect().await);
    let socket = TcpStream::connect(endpoint.address).await.unwrap();
    let encrypted = connector.connect(ServerName::try_from("localhost").unwrap(), socket).await.unwrap();
    let mut encrypted = Client(BufReader::new(encrypted));
    follower.start_as(SUBSCRIBE, &willing).await;
    settled.start(SUBSCRIBE).await;
    encrypted.start_as(SUBSCRIBE, &willing).await;
    endpoint.token.cancel();
    let told = follower.read().await.unwrap();
    assert_eq!((&told["params"][0], &told["params"][1]), (&"b.pool.example".into(), &3333.into()));
    assert!(told["params"][2].is_u64());
    // The line names no scheme, so nobody is led out of TLS.
    for told in [settled.read().await.unwrap(), encrypted.read().await.unwrap()] {
        assert_eq!(told["method"], "client.reconnect");
        assert_eq!((&told["params"][0], &told["params"][1]), (&Value::Null, &Value::Null));
    }
    assert!(follower.is_hung_up().await);
}

#[tokio::test]
async fn who_is_told_to_leave_while_the_node_goes_on_is_sent_nowhere() {
    let (_refuge, access) = refuge("b.pool.example");
    let endpoint = endpoint(access);
    let mut first = endpoint.connect().await;
    let (subscribed, _) = first.start_as(SUBSCRIBE, &authorize().replace("\"x\"", "\"x,r=1\"")).await;
    let id = &subscribed["result"][0][0][1];
    let again = format!(r#"{{"id":1,"method":"mining.subscribe","params":["cpuminer-multi/1.3.7",{id}]}}"#);
    endpoint.connect().await.start(&again).await;
    let told = first.read().await.unwrap();
    assert_eq!((&told["method"], &told["params"][0]), (&"client.reconnect".into(), &Value::Null));
}

#[tokio::test]
async fn a_node_that_is_too_full_points_the_willing_elsewhere_and_keeps_serving_all() {
    let (refuge, access) = refuge("b.pool.example");
    refuge.send_replace(None);
    let endpoint = endpoint(Access { shed_above: Some(1), ..access });
    let willing = authorize().replace("\"x\"", "\"x,r=1\"");
    let (mut settled, mut follower) = (endpoint.connect().await, endpoint.connect().await);
    settled.start(SUBSCRIBE).await;
    follower.start_as(SUBSCRIBE, &willing).await;
    // While there is nowhere to go nobody is told, and nobody is forgotten.
    endpoint.pass_snapshots(2).await;
    refuge.send_replace(Some(Refuge { host: "b.pool.example".to_owned(), port: 3333 }));
    let told = follower.read().await.unwrap();
    assert_eq!((&told["method"], &told["params"][0]), (&"client.reconnect".into(), &"b.pool.example".into()));
    // Who ignores the line, or cannot follow it, goes on, and is not asked again.
    endpoint.pass_snapshots(2).await;
    for miner in [&mut follower, &mut settled] {
        assert_eq!(miner.ask(PING).await["result"], "pong");
    }
}

#[tokio::test]
async fn workers_and_their_submits_are_counted() {
    let endpoint = endpoint(Access::default());
    let mut miner = endpoint.connect().await;
    let (_, job) = miner.start(SUBSCRIBE).await;
    assert_eq!(miner.ask(&authorize().replace(".rig", ".other")).await["result"], true);
    let id = &job["params"][0];
    let submit =
        format!(r#"{{"id":4,"method":"mining.submit","params":["x",{id},"0000000000000001","00000000","00000000"]}}"#);
    assert_eq!(miner.ask(&submit).await["error"][0], 24);
    let counted = async || loop {
        let snapshot = endpoint.handle.snapshot();
        if snapshot.rejected == 1 && snapshot.miners.len() == 2 {
            return snapshot;
        }
        tokio::task::yield_now().await;
    };
    let snapshot = timeout(PATIENCE, counted()).await.unwrap();
    let names: Vec<&str> = snapshot.miners.iter().map(|miner| miner.worker.as_str()).collect();
    assert_eq!((names, snapshot.connections), (vec!["rig", "other"], 1));
    assert_eq!(snapshot.miners[0].agent, "cpuminer-multi/1.3.7");
}
