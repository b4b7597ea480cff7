use bech32::Hrp;
use serde_json::json;
use sharechain::{
    CompactTarget, ShareChain,
    testing::{self, GENESIS_TIME, Miner},
};
use stratum::{
    AddressFormat, HeaderFields, JobTemplate, Now, Rates, Session, SessionConfig,
    session::{self, Ticket},
    vardiff::VardiffConfig,
};

use super::*;

const USER: &str = "dn1q.rig";
const ALGORITHM: PowAlgorithm = PowAlgorithm::Blake2s;

fn login(purpose: Purpose) -> Arc<Login> {
    Arc::new(Login { user: USER.to_owned(), password: "x".to_owned(), algorithm: ALGORITHM, purpose })
}

fn params(job: &str, block: u8, clean: bool) -> Value {
    let block = hex::encode([block; 32]);
    json!([job, block, "0102", "0304", ["ab".repeat(32)], "20000000", "1d00ffff", "6b00fe34", clean])
}

fn notify(job: &str, block: u8, clean: bool) -> String {
    json!({"id": null, "method": "mining.notify", "params": params(job, block, clean)}).to_string()
}

fn set_difficulty(hashes: f64) -> String {
    let difficulty = Difficulty::from_hashes(hashes, ALGORITHM).to_json();
    format!(r#"{{"id":null,"method":"mining.set_difficulty","params":[{difficulty}]}}"#)
}

fn accept(id: u64) -> String {
    format!(r#"{{"id":{id},"result":true,"error":null}}"#)
}

/// A connection whose clock stands still.
struct Dialogue {
    connection: Connection,
    now: Instant,
}

impl Dialogue {
    fn new(purpose: Purpose) -> Self {
        Self { connection: Connection::open(login(purpose)).0, now: Instant::now() }
    }

    /// Subscribed with extranonce1 `0a0b0c0d` and authorized.
    fn authorized(purpose: Purpose) -> Self {
        let mut dialogue = Self::new(purpose);
        dialogue.line(r#"{"id":1,"result":[[["mining.notify","s"]],"0a0b0c0d",4],"error":null}"#);
        dialogue.line(&accept(2));
        dialogue
    }

    fn line(&mut self, line: &str) -> Option<Action> {
        self.connection.handle_line(line, self.now).unwrap()
    }

    fn failure(&mut self, line: &str) -> String {
        self.connection.handle_line(line, self.now).unwrap_err().to_string()
    }

    /// Parameters of so many submits.
    fn submits(&mut self, count: usize) -> Vec<Vec<String>> {
        let (mut lines, mut found) = (String::new(), 0);
        while found < count {
            assert!(!self.connection.is_out_of_work());
            self.connection.search(count - found).unwrap();
            found += self.connection.submit(count - found, self.now, &mut lines);
        }
        let params = |line| serde_json::from_str::<Value>(line).unwrap()["params"].clone();
        lines.lines().map(|line| serde_json::from_value(params(line)).unwrap()).collect()
    }
}

/// Whether the header that a submit stands for meets a target of so many hashes.
fn meets(submit: &[String], job: &Value, extranonce1: [u8; 4], hashes: f64) -> bool {
    let extranonce2 = hex::decode(&submit[2]).unwrap();
    let work = Work::parse(job, &extranonce1, extranonce2.len(), Target::EASIEST, 0).unwrap();
    let mut header = work.header(&extranonce2);
    let nonce = u32::from_str_radix(&submit[4], 16).unwrap();
    header[76..].copy_from_slice(&nonce.to_le_bytes());
    Difficulty::from_hashes(hashes, ALGORITHM).target(ALGORITHM).is_met_by(&ALGORITHM.hash(&header))
}

#[test]
fn it_is_ready_when_it_is_authorized_and_has_a_job() {
    let (mut connection, hello) = Connection::open(login(Purpose::Submit));
    let now = Instant::now();
    assert_eq!(hello, format!(r#"{{"id":1,"method":"mining.subscribe","params":["{USER_AGENT}"]}}"#));
    assert_eq!(connection.waits_for(), Some("answer to mining.subscribe"));
    let subscribed = r#"{"id":1,"result":[[["mining.notify","s"]],"0a0b0c0d",4],"error":null}"#;
    let authorize = r#"{"id":2,"method":"mining.authorize","params":["dn1q.rig","x"]}"#;
    assert_eq!(connection.handle_line(subscribed, now).unwrap(), Some(Action::Send(authorize.to_owned())));
    assert_eq!(connection.waits_for(), Some("answer to mining.authorize"));
    // Some servers send a job before they answer.
    connection.handle_line(&notify("a", 1, true), now).unwrap();
    assert_eq!(connection.waits_for(), Some("answer to mining.authorize"));
    connection.handle_line(&accept(2), now).unwrap();
    assert_eq!(connection.waits_for(), None);
}

#[test]
fn a_difficulty_is_valid_from_the_next_job_on() {
    let mut dialogue = Dialogue::authorized(Purpose::Submit);
    let extranonce1 = [0x0a, 0x0b, 0x0c, 0x0d];
    dialogue.line(&set_difficulty(1.0));
    dialogue.line(&notify("a", 1, true));
    dialogue.submits(1);
    dialogue.line(&set_difficulty(200.0));
    // A job that came before the difficulty, and again after it, keeps its own.
    for repeated in [false, true] {
        if repeated {
            assert_eq!(dialogue.line(&notify("a", 2, true)), None);
        }
        let submits = dialogue.submits(20);
        assert!(submits.iter().any(|submit| !meets(submit, &params("a", 1, true), extranonce1, 200.0)));
    }
    dialogue.line(&notify("b", 1, false));
    for submit in dialogue.submits(20) {
        assert_eq!(submit[1], "b");
        assert!(meets(&submit, &params("b", 1, false), extranonce1, 200.0));
    }
}

#[test]
fn an_extranonce_is_valid_from_the_next_job_on() {
    let mut dialogue = Dialogue::authorized(Purpose::Submit);
    dialogue.line(&set_difficulty(16.0));
    dialogue.line(&notify("a", 1, true));
    // Not even looked at yet when the extranonce changes.
    dialogue.line(r#"{"id":null,"method":"mining.set_extranonce","params":["0102",6]}"#);
    for submit in dialogue.submits(20) {
        assert_eq!(submit[2].len(), 8);
        assert!(meets(&submit, &params("a", 1, true), [0x0a, 0x0b, 0x0c, 0x0d], 16.0));
    }
    dialogue.line(&notify("b", 1, false));
    let submit = &dialogue.submits(1)[0];
    assert_eq!(submit[2].len(), 12);
}

#[test]
fn it_goes_over_to_every_new_job_at_once_and_never_submits_twice() {
    let mut dialogue = Dialogue::authorized(Purpose::Submit);
    dialogue.line(&set_difficulty(1.0));
    let mut seen = std::collections::BTreeSet::new();
    for (job, block, clean) in [("a", 1, true), ("b", 1, false), ("c", 2, true), ("a", 2, false)] {
        dialogue.line(&notify(job, block, clean));
        for submit in dialogue.submits(100) {
            assert_eq!(submit[1], job);
            assert!(seen.insert((submit[2].clone(), submit[4].clone())), "{submit:?}");
        }
    }
}

#[test]
fn answers_belong_to_their_submits_by_id() {
    let mut dialogue = Dialogue::authorized(Purpose::Submit);
    dialogue.line(&set_difficulty(1.0));
    dialogue.line(&notify("a", 1, true));
    dialogue.submits(1);
    dialogue.now += Duration::from_millis(30);
    dialogue.submits(2);
    assert_eq!(dialogue.connection.outstanding(), 3);
    dialogue.now += Duration::from_millis(5);
    let answered = |verdict, millis| Some(Action::Answered { verdict, latency: Duration::from_millis(millis) });
    assert_eq!(dialogue.line(&accept(5)), answered(Ok(()), 5));
    let stale = Refusal { is_stale: true, reason: "stale job".to_owned() };
    assert_eq!(dialogue.line(r#"{"id":3,"result":null,"error":[21,"stale job",null]}"#), answered(Err(stale), 35));
    let duplicate = Refusal { is_stale: false, reason: "duplicate share".to_owned() };
    assert_eq!(
        dialogue.line(r#"{"id":4,"result":null,"error":[22,"duplicate share",null]}"#),
        answered(Err(duplicate), 5)
    );
    assert_eq!(dialogue.connection.outstanding(), 0);
    assert_eq!(dialogue.failure(&accept(4)), "the server answered request 4, which waits for no answer");
}

#[test]
fn a_block_is_told_once_and_only_with_a_clean_job() {
    for purpose in [Purpose::Submit, Purpose::Hold] {
        let mut dialogue = Dialogue::authorized(purpose);
        let block = |block: u8| Some(Action::NewBlock(hex::encode([block; 32])));
        assert_eq!(dialogue.line(&notify("a", 1, true)), block(1));
        assert_eq!(dialogue.line(&notify("b", 1, true)), None);
        assert_eq!(dialogue.line(&notify("c", 2, false)), None);
        assert_eq!(dialogue.line(&notify("d", 2, true)), block(2));
        assert_eq!(dialogue.connection.is_out_of_work(), purpose == Purpose::Hold);
    }
}

#[test]
fn questions_of_the_server_are_answered_like_a_miner_does() {
    let mut dialogue = Dialogue::authorized(Purpose::Hold);
    let version = format!(r#"{{"id":"v","result":"{USER_AGENT}","error":null}}"#);
    let cases = [
        (r#"{"id":"v","method":"client.get_version","params":[]}"#, Some(version.as_str())),
        (r#"{"id":7,"method":"mining.ping","params":[]}"#, Some(r#"{"id":7,"result":"pong","error":null}"#)),
        (r#"{"id":8,"method":"x","params":[]}"#, Some(r#"{"id":8,"result":false,"error":[38,"unknown method",null]}"#)),
        (r#"{"id":null,"method":"client.show_message","params":["hello"]}"#, None),
    ];
    for (line, answer) in cases {
        assert_eq!(dialogue.line(line), answer.map(|line| Action::Send(line.to_owned())), "{line}");
    }
}

#[test]
fn refusals_and_nonsense_end_it_in_words() {
    let mut dialogue = Dialogue::new(Purpose::Submit);
    assert_eq!(
        dialogue.failure(r#"{"id":1,"result":null,"error":[20,"full",null]}"#),
        "the server refuses mining.subscribe: full"
    );
    assert!(dialogue.failure(r#"{"id":1,"result":[[],"0a",1],"error":null}"#).contains("cannot be understood"));
    assert_eq!(
        dialogue.failure("HTTP/1.1 400 \u{1b}[31m"),
        r"the server sent what is no Stratum message: HTTP/1.1 400 \u{1b}[31m"
    );
    dialogue.line(r#"{"id":1,"result":[[],"",8],"error":null}"#);
    assert_eq!(
        dialogue.failure(r#"{"id":2,"result":false,"error":[24,"unauthorized worker",null]}"#),
        "the pool refuses dn1q.rig: unauthorized worker"
    );
    for (method, params) in
        [("mining.notify", "[]"), ("mining.set_difficulty", "[]"), ("mining.set_extranonce", r#"["0a",99]"#)]
    {
        let line = format!(r#"{{"id":null,"method":"{method}","params":{params}}}"#);
        assert!(dialogue.failure(&line).starts_with(&format!("the server's {method} cannot be understood")), "{line}");
    }
}

/// The server's own session, on a chain of a few shares.
struct Server {
    session: Session,
    template: Arc<JobTemplate>,
    now: Now,
}

impl Server {
    fn new(algorithm: PowAlgorithm) -> (Self, Login) {
        let addresses = AddressFormat { bech32: Some(Hrp::parse("dn").unwrap()), p2pkh: 111, p2sh: vec![196] };
        let user = format!("{}.rig", addresses.format(&testing::script(1)).unwrap());
        let mut raw = testing::devnet_params().raw().clone();
        raw.parent.pow = algorithm;
        let vardiff = VardiffConfig { start_hashes: 8.0, min_hashes: 8.0, submit_interval: Duration::from_nanos(1) };
        let config = SessionConfig::new(testing::params(raw), addresses, vardiff);
        let now = Now { instant: Instant::now(), unix: u64::from(GENESIS_TIME) + 100 };
        let session = Session::new(Arc::new(config), Ticket { extranonce1: [0; 4], tag: 0 }, now);
        let login = Login { user, password: "x".to_owned(), algorithm, purpose: Purpose::Submit };
        (Self { session, template: template(algorithm), now }, login)
    }

    /// What it answers to these lines.
    fn answers(&mut self, lines: &str) -> Vec<String> {
        let actions = lines.lines().flat_map(|line| self.session.handle_line(line, self.now)).collect();
        Self::lines(actions)
    }

    fn offer(&mut self) -> Vec<String> {
        Self::lines(self.session.handle_template(&self.template, &Rates::new(), self.now))
    }

    fn lines(actions: Vec<session::Action>) -> Vec<String> {
        let line = |action| match action {
            session::Action::Send(line) => Some(line),
            session::Action::Found { reply, .. } => reply.map(|reply| reply.stored()),
            session::Action::Disconnect(reason) => panic!("{reason}"),
            session::Action::SendJob(line) => Some(line.to_string()),
            _ => None,
        };
        actions.into_iter().filter_map(line).collect()
    }
}

fn template(algorithm: PowAlgorithm) -> Arc<JobTemplate> {
    let mut raw = testing::devnet_params().raw().clone();
    raw.parent.pow = algorithm;
    let params = testing::params(raw);
    let mut miner = Miner::new(params.clone(), 1);
    let mut chain = ShareChain::new(params.clone());
    (1..=5).for_each(|second| {
        miner.extend(&mut chain, GENESIS_TIME + second);
    });
    let context = chain.job_context().unwrap();
    let header = HeaderFields {
        version: 0x2000_0000,
        bits: CompactTarget::from_bits(0x1900_ffff),
        time: GENESIS_TIME + 100,
        time_min: context.median_time,
        merkle_branch: vec![[3; 32], [4; 32]].into(),
    };
    Arc::new(JobTemplate::new(params, context, (miner.work, header, Arc::default()), 7))
}

#[test]
fn the_servers_own_session_accepts_every_submit() {
    for algorithm in PowAlgorithm::ALL {
        let (mut server, login) = Server::new(algorithm);
        let (mut connection, hello) = Connection::open(Arc::new(login));
        let mut inbox = server.answers(&hello);
        let now = server.now.instant;
        let mut accepted = 0;
        for round in 0..60 {
            if round % 20 == 1 {
                let difficulty = Difficulty::from_hashes(f64::from(8 + round), algorithm).to_json();
                let suggest = format!(r#"{{"id":null,"method":"mining.suggest_difficulty","params":[{difficulty}]}}"#);
                server.answers(&suggest);
                inbox.extend(server.offer());
            }
            let mut outbox = String::new();
            for line in inbox.drain(..) {
                match connection.handle_line(&line, now).unwrap() {
                    Some(Action::Send(line)) => outbox = line,
                    Some(Action::Answered { verdict, .. }) => {
                        assert_eq!(verdict, Ok(()), "{algorithm}");
                        accepted += 1;
                    }
                    Some(Action::NewBlock(_)) | None => {}
                }
            }
            connection.search(4).unwrap();
            connection.submit(4, now, &mut outbox);
            inbox = server.answers(&outbox);
        }
        assert!(accepted > 20, "{algorithm}: {accepted}");
    }
}
