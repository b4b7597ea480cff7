use std::{collections::VecDeque, net::SocketAddr, thread, time::Duration};

use sharechain::{
    CompactTarget, PowAlgorithm, ShareChain, Target,
    hash::BlockHash,
    testing::{self, GENESIS_TIME},
};
use stratum::{
    HeaderFields, JobTemplate, Now, Rates, SessionConfig,
    v2::{Action as Errand, AuthorityKeys, Message as Said, Session},
    vardiff::VardiffConfig,
};

use super::{
    frame::Frame,
    message::{Block, Content, Job, Opened},
    *,
};
use crate::miner::{
    Hasher, Pool, devnet_user, mine,
    work::{Root, Work},
};

fn endpoint() -> Endpoint {
    Endpoint { host: "localhost".to_owned(), port: 3336, key: [0; 32] }
}

fn user() -> String {
    devnet_user("rig").unwrap()
}

fn new_client(kind: ChannelKind) -> (Client, Frame) {
    Client::new(Terms { user: user(), kind, hashrate: 0.0 }, &endpoint())
}

fn session_config(algorithm: PowAlgorithm) -> SessionConfig {
    let mut raw = testing::devnet_params().raw().clone();
    raw.parent.pow = algorithm;
    let addresses = node::ChainProfile::find("devnet", None).unwrap().addresses;
    let vardiff = VardiffConfig { start_hashes: 1e6, min_hashes: 1.0, submit_interval: Duration::from_secs(4) };
    SessionConfig::new(testing::params(raw), addresses, vardiff)
}

/// A template on block number `block` with this header time.
fn template(algorithm: PowAlgorithm, block: u8, time: u32) -> Arc<JobTemplate> {
    let params = session_config(algorithm).lanes.first().params.clone();
    let (mut miner, mut chain) = (testing::Miner::new(params.clone(), 1), ShareChain::new(params.clone()));
    for second in 1..=40 {
        miner.extend(&mut chain, GENESIS_TIME + second);
    }
    let mut work = miner.work;
    work.prev_block = BlockHash::from_bytes([block; 32]);
    let header = HeaderFields {
        version: 0x2000_0000,
        // So hard that no hash of a test is a block.
        bits: CompactTarget::from_bits(0x1900_ffff),
        time,
        time_min: time - 60,
        merkle_branch: vec![[3; 32], [4; 32]].into(),
    };
    let context = chain.job_context().unwrap();
    // Templates are told apart by their serial number, and those of a test by their time.
    Arc::new(JobTemplate::new(params, context, (work, header, Arc::default()), time))
}

/// A miner at the server's own session.
struct Table {
    algorithm: PowAlgorithm,
    session: Session,
    client: Client,
    template: Arc<JobTemplate>,
    start: Instant,
    work: Option<Arc<Work<u32>>>,
    accepted: u32,
    refused: Vec<String>,
}

impl Table {
    fn new(algorithm: PowAlgorithm, kind: ChannelKind) -> Self {
        let start = Instant::now();
        let (client, first) = new_client(kind);
        let session = Session::new(Arc::new(session_config(algorithm)), start);
        let template = template(algorithm, 1, GENESIS_TIME + 100);
        let mut table =
            Self { algorithm, session, client, template, start, work: None, accepted: 0, refused: Vec::new() };
        table.send(first);
        table
    }

    fn now(&self) -> Now {
        Now { instant: self.start, unix: u64::from(GENESIS_TIME) + 100 }
    }

    /// Sends a frame, and all that the client says to what comes back.
    fn send(&mut self, first: Frame) {
        let mut outbox = VecDeque::from([first]);
        while let Some(frame) = outbox.pop_front() {
            let mut bytes = frame.into_bytes();
            let is_to_channel = matches!(bytes[2], 0x1a | 0x1b);
            assert_eq!(bytes[..2], [0, if is_to_channel { 0x80 } else { 0 }]);
            let said = Said::decode(bytes[2], &mut bytes[6..]).unwrap();
            let errands = self.session.handle_message(said, self.now());
            let mut answers = self.perform(errands);
            answers.extend(self.session.acknowledge());
            outbox.extend(answers.into_iter().filter_map(|answer| self.hear(answer.as_bytes())));
        }
    }

    fn perform(&mut self, errands: Vec<Errand>) -> Vec<stratum::v2::reply::Frame> {
        let mut answers = Vec::new();
        for errand in errands {
            match errand {
                Errand::Send(frame) => answers.push(frame),
                Errand::Reserve => {
                    let rates = Rates::new();
                    let work = Some((&self.template, &rates));
                    let errands = self.session.handle_reserved(Some([1, 2, 3, 4]), work, self.start);
                    answers.extend(self.perform(errands));
                }
                Errand::Found { found, pending, .. } => {
                    assert_eq!(found.share.as_ref().unwrap().share().header, found.header);
                    answers.extend(pending.and_then(|pending| self.session.handle_stored(pending, Ok(()))));
                }
                Errand::Renew(id) => answers.extend(self.offer_to(id)),
                Errand::Judged(_) | Errand::Authorized(_) | Errand::Agent(_) => {}
                Errand::Left { .. } | Errand::Misbehaved(_) | Errand::Disconnect(_) => panic!("{errand:?}"),
            }
        }
        answers
    }

    fn offer_to(&mut self, id: u32) -> Vec<stratum::v2::reply::Frame> {
        self.session.offer(id, &self.template, &Rates::new(), self.start)
    }

    fn offer(&mut self, template: Arc<JobTemplate>) {
        self.template = template;
        for answer in self.offer_to(1) {
            assert_eq!(self.hear(answer.as_bytes()), None);
        }
    }

    fn hear(&mut self, frame: &[u8]) -> Option<Frame> {
        let message = Message::decode(frame[2], &mut frame[6..].to_vec()).unwrap();
        match self.client.handle(message).unwrap() {
            Action::Send(frame) => return Some(frame),
            Action::Mine(work) => self.work = Some(Arc::new(*work)),
            Action::Accepted(count) => self.accepted += count,
            Action::Rejected(reason) | Action::Closed(reason) => self.refused.push(reason),
            Action::Stale => self.refused.push("stale".to_owned()),
            Action::Nothing => {}
        }
        None
    }

    /// Searches and submits a nonce as the third of four threads on this pass.
    fn mine(&mut self, pass: u64) {
        let work = self.work.clone().unwrap();
        let roll = work.roll(2, pass);
        let (start, _) = work.nonces(2, 4);
        let hasher = Hasher::new(self.algorithm, &work.rolled_header(&roll));
        let nonce = (start..).find(|nonce| work.target.is_met_by(&hasher.hash(*nonce))).unwrap();
        let submit = self.client.submit(&Solution { work, roll, nonce }).unwrap();
        self.send(submit);
    }
}

#[test]
fn the_server_accepts_every_submit_of_all_algorithms_on_both_kinds_of_channel() {
    for algorithm in PowAlgorithm::ALL {
        for kind in [ChannelKind::Extended, ChannelKind::Standard] {
            let mut table = Table::new(algorithm, kind);
            let mask = if algorithm == PowAlgorithm::Sha256d { 0x1fff_e000 } else { 0 };
            assert_eq!(table.work.as_ref().unwrap().version_mask, mask, "{algorithm}");
            for pass in 0..3 {
                table.mine(pass);
            }
            // The next job on the same block, then one on a new block, begin as they should.
            let first = table.work.as_ref().unwrap().job_id;
            table.offer(template(algorithm, 1, GENESIS_TIME + 101));
            assert_ne!(table.work.as_ref().unwrap().job_id, first);
            table.mine(0);
            table.offer(template(algorithm, 2, GENESIS_TIME + 102));
            assert_eq!(table.work.as_ref().unwrap().prev_block, [2; 32]);
            table.mine(1);
            assert_eq!((table.accepted, &table.refused), (5, &Vec::new()), "{algorithm} {kind:?}");
        }
    }
}

#[test]
fn refused_submits_are_counted_by_what_they_are() {
    let mut table = Table::new(PowAlgorithm::Blake2s, ChannelKind::Extended);
    table.mine(0);
    table.mine(0);
    assert_eq!((table.accepted, &table.refused[..]), (1, &["duplicate-share".to_owned()][..]));
    let mut work = Work::clone(table.work.as_ref().unwrap());
    work.job_id += 1_000;
    table.work = Some(Arc::new(work));
    table.mine(1);
    assert_eq!(table.refused[1], "stale");
}

#[test]
fn a_user_that_cannot_be_paid_is_refused_in_words() {
    let terms = Terms { user: "nobody.rig".to_owned(), kind: ChannelKind::Extended, hashrate: 1e6 };
    let (mut client, _) = Client::new(terms, &endpoint());
    client.handle(Message::SetUp { version: 2, flags: 0 }).unwrap();
    let refusal = client.handle(Message::OpenRefused { code: "unknown-user".to_owned() }).unwrap_err();
    let words =
        "the pool refuses a channel for nobody.rig: the user name has no payout address of this chain (unknown-user)";
    assert_eq!(refusal.to_string(), words);
    let (mut client, _) = new_client(ChannelKind::Standard);
    let refusal = client.handle(Message::SetupRefused { code: "protocol-version-mismatch".to_owned() }).unwrap_err();
    let words =
        "the pool refuses the connection: it speaks another version of the protocol (protocol-version-mismatch)";
    assert_eq!(refusal.to_string(), words);
}

/// A client with a channel of number 7, in group 9.
fn mining(kind: ChannelKind) -> Client {
    let (mut client, _) = new_client(kind);
    assert!(matches!(client.handle(Message::SetUp { version: 2, flags: 0 }), Ok(Action::Send(_))));
    let is_extended = kind == ChannelKind::Extended;
    let opened = opened(is_extended.then_some(8));
    assert!(matches!(client.handle(Message::Opened(opened)), Ok(Action::Nothing)));
    client
}

fn opened(extranonce2_len: Option<usize>) -> Opened {
    let extranonce_prefix = vec![1, 2];
    Opened { request_id: 1, channel_id: 7, group_id: 9, target: Target::EASIEST, extranonce_prefix, extranonce2_len }
}

fn job(id: u32, time: Option<u32>) -> Message {
    let content = Content::Coinbase { begin: vec![0xaa], end: vec![0xbb], branch: Vec::new(), is_rolling: true };
    Message::Job { channel_id: 7, job: Job { id, time, version: 0x2000_2000, content } }
}

fn block(job_id: u32) -> Message {
    let block = Block { prev_block: [5; 32], bits: 0x207f_ffff };
    Message::PrevHash { channel_id: 7, job_id, block, time: 1_000 }
}

fn target(hashes: u128) -> Target {
    Target::from_work(sharechain::Work::from_hashes(hashes))
}

#[track_caller]
fn work(action: Result<Action, Refusal>) -> Work<u32> {
    match action {
        Ok(Action::Mine(work)) => *work,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_target_counts_for_jobs_that_begin_after_it() {
    let mut client = mining(ChannelKind::Extended);
    client.handle(job(1, None)).unwrap();
    client.handle(Message::Target { channel_id: 7, target: target(10) }).unwrap();
    let first = work(client.handle(block(1)));
    assert_eq!((first.job_id, first.time, first.target), (1, 1_000, target(10)));
    client.handle(Message::Target { channel_id: 9, target: target(20) }).unwrap();
    assert_eq!(first.target, target(10));
    let second = work(client.handle(job(2, Some(1_001))));
    assert_eq!((second.job_id, second.time, second.target), (2, 1_001, target(20)));
    assert!(second.generation > first.generation);
}

#[test]
fn an_extranonce_prefix_counts_for_jobs_that_are_told_after_it() {
    let mut client = mining(ChannelKind::Extended);
    client.handle(job(1, None)).unwrap();
    client.handle(Message::ExtranoncePrefix { channel_id: 7, prefix: vec![3] }).unwrap();
    let begin = |work: Work<u32>| match work.root {
        Root::Coinbase { begin, .. } => begin,
        Root::Fixed(_) => panic!("a coinbase was told"),
    };
    assert_eq!(begin(work(client.handle(block(1)))), [0xaa, 1, 2]);
    assert_eq!(begin(work(client.handle(job(2, Some(1_001))))), [0xaa, 3]);
}

#[test]
fn version_bits_are_rolled_where_the_job_has_none_and_the_pool_fixes_none() {
    let mut client = mining(ChannelKind::Extended);
    client.handle(job(1, None)).unwrap();
    assert_eq!(work(client.handle(block(1))).version_mask, 0x1fff_c000);
    let (mut fixed, _) = new_client(ChannelKind::Standard);
    fixed.handle(Message::SetUp { version: 2, flags: 1 }).unwrap();
    fixed.handle(Message::Opened(opened(None))).unwrap();
    let content = Content::Root([6; 32]);
    fixed.handle(Message::Job { channel_id: 7, job: Job { id: 1, time: None, version: 4, content } }).unwrap();
    assert_eq!(work(fixed.handle(block(1))).version_mask, 0);
}

#[test]
fn a_new_block_makes_the_jobs_void_that_wait_beside_its_own() {
    let mut client = mining(ChannelKind::Extended);
    for id in 1..=3 {
        assert!(matches!(client.handle(job(id, None)), Ok(Action::Nothing)));
    }
    assert_eq!(work(client.handle(block(2))).job_id, 2);
    let refusal = client.handle(block(3)).unwrap_err();
    assert_eq!(refusal.to_string(), "the pool breaks the protocol: job 3 begins, and was never told");
}

#[test]
fn a_pool_that_breaks_the_protocol_is_told_so() {
    let check = |kind, message, words: &str| {
        let refusal = mining(kind).handle(message).unwrap_err();
        assert_eq!(refusal.to_string(), format!("the pool breaks the protocol: {words}"));
    };
    check(ChannelKind::Extended, job(1, Some(5)), "a job begins before any parent block");
    check(ChannelKind::Standard, job(1, None), "a job of the other kind of channel");
    check(ChannelKind::Standard, Message::SetUp { version: 2, flags: 0 }, "a message out of turn");
    let other = Message::Target { channel_id: 8, target: Target::EASIEST };
    check(ChannelKind::Standard, other, "a message to a channel that is not open");
    let (mut early, _) = new_client(ChannelKind::Extended);
    assert!(early.handle(block(1)).is_err());
    assert!(early.handle(Message::SetUp { version: 3, flags: 0 }).is_err());
    early.handle(Message::SetUp { version: 2, flags: 0 }).unwrap();
    assert!(early.handle(Message::Opened(opened(None))).is_err(), "an extended channel was asked for");
    for len in [3, 31] {
        assert!(early.handle(Message::Opened(opened(Some(len)))).is_err(), "{len}");
    }
    let closed = Message::Closed { channel_id: 7, code: String::new() };
    assert!(matches!(mining(ChannelKind::Extended).handle(closed), Ok(Action::Closed(_))));
}

#[test]
fn submits_are_numbered_one_after_the_other() {
    let mut client = mining(ChannelKind::Extended);
    client.handle(job(1, None)).unwrap();
    let work = Arc::new(work(client.handle(block(1))));
    for sequence in 1..=3 {
        let solution = Solution { work: work.clone(), roll: work.roll(0, 0), nonce: sequence };
        let mut bytes = client.submit(&solution).unwrap().into_bytes();
        let Ok(Said::Submit(share)) = Said::decode(bytes[2], &mut bytes[6..]) else { panic!("a submit") };
        assert_eq!((share.channel_id, share.sequence, share.nonce), (7, sequence, sequence));
    }
}

#[test]
fn whatever_comes_is_a_message_or_an_error() {
    let mut runner = proptest::test_runner::TestRunner::default();
    let bytes = proptest::collection::vec(proptest::num::u8::ANY, 0..300);
    let strategy = (0_u8..0x30, bytes);
    let result = runner.run(&strategy, |(message_type, mut payload)| {
        if let Ok(message) = Message::decode(message_type, &mut payload) {
            // It is an answer or a refusal, never a panic.
            drop(mining(ChannelKind::Extended).handle(message.clone()));
            drop(new_client(ChannelKind::Standard).0.handle(message));
        }
        Ok(())
    });
    result.unwrap();
}

/// The server's endpoint on a port of its own; stores every share.
struct Server {
    address: SocketAddr,
    keys: AuthorityKeys,
    handle: stratum::StratumHandle,
    token: tokio_util::sync::CancellationToken,
    _templates: tokio::sync::watch::Sender<Option<Arc<JobTemplate>>>,
}

impl Server {
    fn open(algorithm: PowAlgorithm) -> Self {
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let template = template(algorithm, 1, u32::try_from(time).unwrap());
        let (templates, receiver) = tokio::sync::watch::channel(Some(template));
        let (sender, mut found) = tokio::sync::mpsc::channel(8);
        let access = stratum::server::Access { connections_max: 8, ..stratum::server::Access::default() };
        let session = session_config(algorithm);
        let config = stratum::StratumConfig::one_lane(
            session,
            access,
            stratum::server::LaneEnds { templates: receiver, found: sender },
        );
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = stratum::Stratum::bind(any, config).unwrap();
        let keys = AuthorityKeys::generate();
        server.bind_v2(any, keys.clone()).unwrap();
        let address = server.v2_address().unwrap();
        let token = tokio_util::sync::CancellationToken::new();
        let (handle, serving) = server.run(&tokio_util::task::TaskTracker::new(), &token);
        tokio::spawn(serving);
        tokio::spawn(async move {
            while let Some(found) = found.recv().await {
                found.stored.send(Ok(())).unwrap();
            }
        });
        Self { address, keys, handle, token, _templates: templates }
    }

    fn config(&self, algorithm: PowAlgorithm, channel: ChannelKind, key: &str) -> MinerConfig {
        let endpoint = format!("{SCHEME}{}/{key}", self.address).parse().unwrap();
        let pool = Pool::V2 { endpoint, channel };
        MinerConfig { pool, user: user(), algorithm, threads: 2, hashrate_max: Some(2e5) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_are_mined_from_the_handshake_to_the_account() {
    let algorithm = PowAlgorithm::Blake2s;
    let server = Server::open(algorithm);
    for channel in [ChannelKind::Extended, ChannelKind::Standard] {
        let config = server.config(algorithm, channel, &server.keys.public_text());
        let (counters, stop) = (Arc::<Counters>::default(), Arc::new(AtomicBool::new(false)));
        let mining = thread::spawn({
            let (counters, stop) = (counters.clone(), stop.clone());
            move || mine(&config, &counters, &stop)
        });
        let is_done = || counters.accepted.load(Ordering::Relaxed) >= 2 || mining.is_finished();
        for _ in 0..2_000 {
            if is_done() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.store(true, Ordering::Relaxed);
        mining.join().unwrap().unwrap();
        assert!(counters.accepted.load(Ordering::Relaxed) >= 2, "{channel:?}");
        assert_eq!(counters.take_reasons(), Vec::<String>::new());
        assert_eq!(server.handle.snapshot().rejected, 0);
    }
    server.token.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_another_key_is_not_mined_to() {
    let server = Server::open(PowAlgorithm::Blake2s);
    let key = AuthorityKeys::generate().public_text();
    let config = server.config(PowAlgorithm::Blake2s, ChannelKind::Extended, &key);
    let mining = thread::spawn(move || mine(&config, &Arc::default(), &AtomicBool::new(false)));
    let error = mining.join().unwrap().unwrap_err();
    assert_eq!(error.downcast_ref::<Refusal>(), Some(&Refusal::Certificate));
    assert!(crate::miner::is_final(&error));
    server.token.cancel();
}
