use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use bech32::Hrp;
use serde_json::Value;
use sharechain::{
    CheckedShare, CompactTarget, Header, MerkleRoot, Params, ShareChain,
    chain::Origin,
    hash::{BlockHash, Txid, sha256d},
    merkle,
    pow::PowHash,
    testing::{self, GENESIS_TIME, Miner},
};

use super::*;
use crate::{
    address::AddressFormat, difficulty::Difficulty, job::HeaderFields, limits::WORKERS_MAX, vardiff::VardiffConfig,
};

mod asked;
mod departure;
pub(crate) mod lanes;
mod login;

pub(crate) const SUBSCRIBE: &str = r#"{"id": 1, "method": "mining.subscribe", "params": ["cpuminer-multi/1.3.7"]}"#;

pub(crate) fn format() -> AddressFormat {
    AddressFormat { bech32: Some(Hrp::parse("dn").unwrap()), p2pkh: 111, p2sh: vec![196] }
}

pub(crate) fn user() -> String {
    format!("{}.rig", format().format(&testing::script(1)).unwrap())
}

pub(crate) fn authorize() -> String {
    format!(r#"{{"id":2,"method":"mining.authorize","params":["{}","x"]}}"#, user())
}

pub(crate) fn params(algorithm: PowAlgorithm) -> Arc<Params> {
    let mut raw = testing::devnet_params().raw().clone();
    raw.parent.pow = algorithm;
    testing::params(raw)
}

pub(crate) fn config(algorithm: PowAlgorithm) -> SessionConfig {
    let vardiff = VardiffConfig { start_hashes: 1e6, min_hashes: 1.0, submit_interval: Duration::from_secs(4) };
    SessionConfig::new(params(algorithm), format(), vardiff)
}

fn ticket() -> Ticket {
    Ticket { extranonce1: [0; 4], tag: 5 }
}

pub(crate) fn at(start: Instant, seconds: u64) -> Now {
    Now { instant: start + Duration::from_secs(seconds), unix: u64::from(GENESIS_TIME) + 100 + seconds }
}

/// A job template on a chain of a few shares; `block` tags the parent block.
pub(crate) fn template(algorithm: PowAlgorithm, block: u8, bits: u32) -> Arc<JobTemplate> {
    template_after(40, params(algorithm), block, bits)
}

/// The same on a chain of so many shares: nobody has weight in the first payout epoch.
fn template_after(shares: u32, params: Arc<Params>, block: u8, bits: u32) -> Arc<JobTemplate> {
    static SERIAL: AtomicU32 = AtomicU32::new(7);
    let mut miner = Miner::new(params.clone(), 1);
    let mut chain = ShareChain::new(params.clone());
    for second in 1..=shares {
        miner.extend(&mut chain, GENESIS_TIME + second);
    }
    let context = chain.job_context().unwrap();
    let mut work = miner.work;
    work.prev_block = BlockHash::from_bytes([block; 32]);
    let header = HeaderFields {
        version: 0x2000_0000,
        bits: CompactTarget::from_bits(bits),
        time: GENESIS_TIME + 100,
        time_min: context.median_time,
        merkle_branch: vec![[3; 32], [4; 32]].into(),
    };
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    Arc::new(JobTemplate::new(params, context, (work, header, Arc::default()), serial))
}

/// Any block target: hard enough that no test hash is a block by chance.
pub(crate) const HARD: u32 = 0x1900_ffff;
/// A block target that half of all hashes meet.
pub(crate) const EASY: u32 = 0x207f_ffff;

/// What is left of a session that mined on this template.
pub(crate) fn parked(template: &Arc<JobTemplate>) -> Parked {
    let mut miner = TestMiner::new(PowAlgorithm::Blake2s);
    miner.line(SUBSCRIBE, 0);
    miner.line(&authorize(), 0);
    miner.offer(template, 0);
    miner.session.park().unwrap()
}

struct TestMiner {
    session: Session,
    algorithm: PowAlgorithm,
    start: Instant,
    notify: Vec<Value>,
    difficulty: f64,
}

impl TestMiner {
    fn new(algorithm: PowAlgorithm) -> Self {
        Self::with(config(algorithm))
    }

    fn with(config: SessionConfig) -> Self {
        let (start, algorithm) = (Instant::now(), config.algorithm());
        let session = Session::new(Arc::new(config), ticket(), at(start, 0));
        Self { session, algorithm, start, notify: Vec::new(), difficulty: 0.0 }
    }

    fn mining(algorithm: PowAlgorithm, bits: u32) -> Self {
        let mut miner = Self::new(algorithm);
        miner.line(SUBSCRIBE, 0);
        miner.line(&authorize(), 0);
        miner.offer(&template(algorithm, 1, bits), 0);
        miner
    }

    /// The lines a line is answered with.
    fn line(&mut self, line: &str, seconds: u64) -> Vec<String> {
        lines(&self.session.handle_line(line, at(self.start, seconds)))
    }

    fn offer(&mut self, template: &Arc<JobTemplate>, seconds: u64) -> Vec<String> {
        self.offer_at_rate(template, 0.0, seconds)
    }

    fn offer_at_rate(&mut self, template: &Arc<JobTemplate>, rate: f64, seconds: u64) -> Vec<String> {
        let script = self.session.scripts().and_then(|scripts| scripts.on(LaneId::FIRST));
        let rates = script.map(|script| ((LaneId::FIRST, script), rate)).into_iter().collect();
        let lines = lines(&self.session.handle_template(template, &rates, at(self.start, seconds)));
        for line in &lines {
            let message: Value = serde_json::from_str(line).unwrap();
            let params = message["params"].as_array().unwrap().clone();
            match message["method"].as_str().unwrap() {
                "mining.set_difficulty" => self.difficulty = params[0].as_f64().unwrap(),
                "mining.notify" => self.notify = params,
                other => panic!("{other}"),
            }
        }
        lines
    }

    /// Builds the header from the notify line as real miners do (facts of the dialect, not our job code).
    fn header(&self, extranonce2: &str, time: &str, nonce: u32, version_bits: u32) -> [u8; 80] {
        let text = |index: usize| self.notify[index].as_str().unwrap();
        let number = |hex: &str| u32::from_str_radix(hex, 16).unwrap();
        let coinbase = hex::decode([text(2), "00000000", extranonce2, text(3)].concat()).unwrap();
        let branch: Vec<[u8; 32]> = self.notify[4]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| hex::decode(node.as_str().unwrap()).unwrap().try_into().unwrap())
            .collect();
        let mut prev_block = hex::decode(text(1)).unwrap();
        prev_block.chunks_mut(4).for_each(<[u8]>::reverse);
        let root: MerkleRoot = merkle::root_of_left_path(Txid::from_bytes(sha256d(&coinbase)), &branch);
        Header {
            version: number(text(5)) | version_bits,
            prev_block: BlockHash::from_bytes(prev_block.try_into().unwrap()),
            merkle_root: root,
            time: number(time),
            bits: CompactTarget::from_bits(number(text(6))),
            nonce,
        }
        .encode()
    }

    fn submit_line(&self, extranonce2: &str, time: &str, nonce: u32, version_bits: Option<u32>) -> String {
        let bits = version_bits.map(|bits| format!(r#","{bits:08x}""#)).unwrap_or_default();
        let job = self.notify[0].as_str().unwrap();
        format!(
            r#"{{"method": "mining.submit", "params": ["{}", "{job}", "{extranonce2}", "{time}", "{nonce:08x}"{bits}], "id":4}}"#,
            user()
        )
    }

    /// The first nonce from `from` on whose hash meets, or fails, the target.
    fn grind(&self, meets: bool, from: u32) -> u32 {
        let target = self.session.miner.newest_job().unwrap().target;
        let time = self.notify[7].as_str().unwrap().to_owned();
        (from..)
            .find(|nonce| {
                let hash: PowHash = self.algorithm.hash(&self.header("0000000000000001", &time, *nonce, 0));
                target.is_met_by(&hash) == meets
            })
            .unwrap()
    }

    fn submit(&mut self, nonce: u32, seconds: u64) -> Vec<Action> {
        let time = self.notify[7].as_str().unwrap().to_owned();
        let line = self.submit_line("0000000000000001", &time, nonce, None);
        self.session.handle_line(&line, at(self.start, seconds))
    }
}

fn lines(actions: &[Action]) -> Vec<String> {
    let text = |action: &Action| match action {
        Action::Send(line) => Some(line.clone()),
        Action::SendJob(line) => Some(line.to_string()),
        Action::Disconnect(reason) => Some(format!("disconnect: {reason}")),
        _ => None,
    };
    actions.iter().filter_map(text).collect()
}

fn found(actions: &[Action]) -> Option<&Found> {
    actions.iter().find_map(|action| match action {
        Action::Found { found, .. } => Some(found.as_ref()),
        _ => None,
    })
}

fn refusal(actions: &[Action]) -> String {
    let line = lines(actions).into_iter().next().expect("a reply");
    let reply: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(reply["result"], Value::Null);
    format!("{} {}", reply["error"][0], reply["error"][1].as_str().unwrap())
}

#[test]
fn cpuminers_handshake_gets_the_reply_first_then_difficulty_then_a_clean_job() {
    let mut miner = TestMiner::new(PowAlgorithm::Blake2s);
    let expected = r#"{"id":1,"result":[[["mining.set_difficulty","000000000000000000000005"],["mining.notify","000000000000000000000005"]],"00000000",8],"error":null}"#;
    assert_eq!(miner.line(SUBSCRIBE, 0), [expected]);
    assert!(miner.offer(&template(PowAlgorithm::Blake2s, 1, HARD), 0).is_empty(), "nobody to pay yet");
    assert_eq!(miner.line(&authorize(), 0), [r#"{"id":2,"result":true,"error":null}"#]);
    let lines = miner.offer(&template(PowAlgorithm::Blake2s, 1, HARD), 0);
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("mining.set_difficulty"), "{}", lines[0]);
    assert_eq!(miner.notify[8], Value::Bool(true));
    // Unchanged difficulty is not repeated; the next job on the same block is not clean.
    let lines = miner.offer(&template(PowAlgorithm::Blake2s, 1, HARD), 1);
    assert_eq!(lines.len(), 1);
    assert_eq!(miner.notify[8], Value::Bool(false));
}

#[test]
fn a_header_built_as_miners_build_it_is_accepted_by_every_algorithm() {
    for algorithm in PowAlgorithm::ALL {
        let mut miner = TestMiner::mining(algorithm, HARD);
        let nonce = miner.grind(true, 0);
        let actions = miner.submit(nonce, 1);
        let share: &CheckedShare =
            found(&actions).expect("at the easiest base every submit is a share").share.as_ref().unwrap();
        assert_eq!(
            share.share().header.encode(),
            miner.header("0000000000000001", miner.notify[7].as_str().unwrap(), nonce, 0)
        );
        assert!(lines(&actions).is_empty(), "the reply waits for the store");
        assert!(matches!(actions[1], Action::Judged(Judged::Accepted { .. })));
    }
}

#[test]
fn the_share_of_a_submit_is_valid_on_the_share_chain() {
    let mut miner = TestMiner::mining(PowAlgorithm::Blake2s, HARD);
    let nonce = miner.grind(true, 0);
    let actions = miner.submit(nonce, 1);
    let share = found(&actions).unwrap().share.clone().unwrap();
    let params = testing::devnet_params();
    let (mut chain, mut other) = (ShareChain::new(params.clone()), Miner::new(params, 1));
    for second in 1..=40 {
        other.extend(&mut chain, GENESIS_TIME + second);
    }
    assert_eq!(chain.handle(share, Origin::Live, at(miner.start, 1).unix), sharechain::Verdict::Valid);
}

#[test]
fn replies_name_what_is_wrong() {
    let mut miner = TestMiner::mining(PowAlgorithm::Blake2s, HARD);
    let good = miner.grind(true, 0);
    assert!(found(&miner.submit(good, 1)).is_some());
    assert_eq!(refusal(&miner.submit(good, 1)), "22 duplicate share");
    let bad = miner.grind(false, 0);
    assert_eq!(refusal(&miner.submit(bad, 1)), "23 low difficulty share");
    let time = miner.notify[7].as_str().unwrap().to_owned();
    let try_line = |miner: &mut TestMiner, line: &str| refusal(&miner.session.handle_line(line, at(miner.start, 1)));
    let line = miner.submit_line("01", &time, good, None);
    assert_eq!(try_line(&mut miner, &line), "20 malformed extranonce2: expected 16 hexadecimal digits");
    let line = miner.submit_line("0000000000000001", "5", good, None);
    assert_eq!(try_line(&mut miner, &line), "20 malformed ntime: expected 8 hexadecimal digits");
    let line = miner.submit_line("0000000000000001", "00000001", good, None);
    assert_eq!(try_line(&mut miner, &line), "20 ntime too old");
    let line = miner.submit_line("0000000000000001", "ffffffff", good, None);
    assert_eq!(try_line(&mut miner, &line), "20 ntime more than 120 s ahead of the node: check the clock");
    let line = miner.submit_line("0000000000000001", &time, good, Some(0x2000));
    assert_eq!(try_line(&mut miner, &line), "20 version bits outside the mask");
    let line = miner.submit_line("0000000000000002", &time, good, None);
    assert_eq!(try_line(&mut miner, &line.replace(&user(), "nobody")), "24 unauthorized worker");
    let job = miner.notify[0].as_str().unwrap().to_owned();
    assert_eq!(try_line(&mut miner, &line.replace(&job, "ffffffff")), "21 stale job");
    assert_eq!(
        try_line(&mut miner, r#"{"id":4,"method":"mining.submit","params":[1]}"#),
        "20 malformed params: expected 5 or 6 strings"
    );
    assert_eq!(
        try_line(&mut miner, r#"{"id":4,"method":"mining.multi_version","params":[1]}"#),
        "20 method not supported"
    );
    let mut early = TestMiner::new(PowAlgorithm::Blake2s);
    assert_eq!(try_line(&mut early, &line), "25 not subscribed");
}

#[test]
fn attack_m1_another_spelling_of_a_submit_is_a_duplicate() {
    let mut miner = TestMiner::mining(PowAlgorithm::Blake2s, HARD);
    // A nonce with letters, so that upper case is another spelling.
    let nonce = miner.grind(true, 0xabcd_ef00);
    assert!(found(&miner.submit(nonce, 1)).is_some());
    let time = miner.notify[7].as_str().unwrap().to_owned();
    let line = miner.submit_line("0000000000000001", &time.to_uppercase(), nonce, None);
    let shouted = line.replace(&format!("{nonce:08x}"), &format!("{nonce:08X}"));
    assert_ne!(shouted, line);
    assert_eq!(refusal(&miner.session.handle_line(&shouted, at(miner.start, 1))), "22 duplicate share");
}

#[test]
fn each_submit_is_judged_by_the_difficulty_of_its_own_job() {
    let mut miner = TestMiner::mining(PowAlgorithm::Blake2s, HARD);
    let (easy_notify, easy_difficulty) = (miner.notify.clone(), miner.difficulty);
    // A fast payout script mines harder shares, up to 64 times the base.
    miner.offer_at_rate(&template(PowAlgorithm::Blake2s, 1, HARD), 1e9, 1);
    assert!(miner.difficulty > easy_difficulty * 60.0);
    let hard = miner.session.miner.newest_job().unwrap().share_target().unwrap();
    miner.notify = easy_notify;
    let time = miner.notify[7].as_str().unwrap().to_owned();
    let hash = |nonce| PowAlgorithm::Blake2s.hash(&miner.header("0000000000000001", &time, nonce, 0));
    let easy = miner.session.miner.newest_job().map(|_| Difficulty::new(easy_difficulty).target(PowAlgorithm::Blake2s));
    let nonce = (0..).find(|nonce| easy.unwrap().is_met_by(&hash(*nonce)) && !hard.is_met_by(&hash(*nonce))).unwrap();
    assert!(found(&miner.submit(nonce, 2)).is_some());
}

#[test]
fn difficulty_is_never_above_that_of_a_share() {
    let mut miner = TestMiner::mining(PowAlgorithm::Blake2s, HARD);
    let told = |miner: &TestMiner| {
        let job = miner.session.miner.newest_job().unwrap();
        assert_eq!(job.target, job.share_target().unwrap());
        assert!(
            (miner.difficulty - Difficulty::covering(job.share_target().unwrap(), PowAlgorithm::Blake2s).get()).abs()
                < 1e-15
        );
    };
    told(&miner);
    // The string is how cpuminer-opt writes it.
    let suggest = r#"{"id":9,"method":"mining.suggest_difficulty","params":["1000000"]}"#;
    assert_eq!(miner.line(suggest, 1), [r#"{"id":9,"result":true,"error":null}"#]);
    miner.offer(&template(PowAlgorithm::Blake2s, 1, HARD), 1);
    told(&miner);
}

#[test]
fn below_a_share_the_difficulty_is_what_the_miner_asked_for() {
    let mut miner = TestMiner::mining(PowAlgorithm::Blake2s, HARD);
    let difficulty = Difficulty::from_hashes(16.0, PowAlgorithm::Blake2s);
    let suggest = format!(r#"{{"id":null,"method":"mining.suggest_difficulty","params":[{}]}}"#, difficulty.to_json());
    assert!(miner.line(&suggest, 1).is_empty());
    miner.offer_at_rate(&template(PowAlgorithm::Blake2s, 1, HARD), 1e9, 1);
    assert!((miner.difficulty - difficulty.get()).abs() < 1e-15);
    let share_target = miner.session.miner.newest_job().unwrap().share_target().unwrap();
    let time = miner.notify[7].as_str().unwrap().to_owned();
    let hash = |nonce| PowAlgorithm::Blake2s.hash(&miner.header("0000000000000001", &time, nonce, 0));
    let target = difficulty.target(PowAlgorithm::Blake2s);
    let nonce = (0..).find(|nonce| target.is_met_by(&hash(*nonce)) && !share_target.is_met_by(&hash(*nonce))).unwrap();
    let actions = miner.submit(nonce, 1);
    assert_eq!(lines(&actions), [r#"{"id":4,"result":true,"error":null}"#], "no share, so nothing to store");
}

#[test]
fn a_job_on_the_previous_block_is_credited_for_a_moment_and_then_stale() {
    for (seconds, accepted) in [(4, true), (20, false)] {
        let mut miner = TestMiner::mining(PowAlgorithm::Blake2s, HARD);
        let (old_notify, nonce) = (miner.notify.clone(), miner.grind(true, 0));
        miner.offer(&template(PowAlgorithm::Blake2s, 2, HARD), 1);
        miner.notify = old_notify;
        let actions = miner.submit(nonce, seconds);
        assert_eq!(found(&actions).is_some(), accepted, "{seconds} s");
        if !accepted {
            assert_eq!(refusal(&actions), "21 stale job");
        }
    }
}

#[test]
fn a_job_is_valid_for_two_minutes_and_sessions_remember_few() {
    let mut miner = TestMiner::mining(PowAlgorithm::Blake2s, HARD);
    let nonce = miner.grind(true, 0);
    assert_eq!(refusal(&miner.submit(nonce, 121)), "21 stale job");
    let old_notify = miner.notify.clone();
    for _ in 0..crate::limits::JOBS_MAX {
        miner.offer(&template(PowAlgorithm::Blake2s, 1, HARD), 1);
    }
    miner.notify = old_notify;
    assert_eq!(refusal(&miner.submit(nonce, 1)), "21 stale job");
}

#[test]
fn a_block_reaches_the_node_whatever_else_is_wrong_with_the_submit() {
    let mut miner = TestMiner::mining(PowAlgorithm::Blake2s, EASY);
    let nonce = miner.grind(true, 0);
    let actions = miner.submit(nonce, 500);
    assert!(found(&actions).expect("a stale block is still a block").is_block);
    assert!(matches!(actions[0], Action::Found { reply: None, .. }));
    assert_eq!(refusal(&actions), "21 stale job");
    let mut miner = TestMiner::mining(PowAlgorithm::Blake2s, EASY);
    let fresh = miner.submit(nonce, 1);
    assert!(found(&fresh).unwrap().is_block);
    assert!(found(&miner.submit(nonce, 1)).is_none(), "but only once");
}

#[test]
fn a_connection_pays_one_address_and_refuses_wrong_ones_in_words() {
    let mut miner = TestMiner::new(PowAlgorithm::Blake2s);
    miner.line(SUBSCRIBE, 0);
    let authorize = |user: &str| format!(r#"{{"id":2,"method":"mining.authorize","params":["{user}","x"]}}"#);
    let reply = miner.line(&authorize("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"), 0).concat();
    assert!(reply.contains("belongs to another network"), "{reply}");
    assert!(miner.line(&authorize(&user()), 0).concat().contains("true"));
    assert!(miner.line(&authorize(&user().replace(".rig", ".other")), 0).concat().contains("true"));
    let second = format().format(&testing::script(2)).unwrap();
    assert!(miner.line(&authorize(&second), 0).concat().contains("one payout address per connection"));
    let worker = |number: usize| authorize(&user().replace(".rig", &format!(".w{number}")));
    let accepted = (0..WORKERS_MAX).filter(|number| miner.line(&worker(*number), 0).concat().contains("true")).count();
    assert_eq!(accepted, WORKERS_MAX - 2);
    assert!(miner.line(&worker(WORKERS_MAX), 0).concat().contains("too many workers"));
    assert!(miner.line(&authorize(&user()), 0).concat().contains("true"), "who is authorized stays it");
}

#[test]
fn a_block_is_handed_over_once_whatever_is_wrong_with_its_submit() {
    let mut miner = TestMiner::mining(PowAlgorithm::Blake2s, EASY);
    let nonce = miner.grind(true, 0);
    let time = miner.notify[7].as_str().unwrap().to_owned();
    // Firmwares are known to cut or escape user names in submits.
    let line = miner.submit_line("0000000000000001", &time, nonce, None).replace(&user(), "cut");
    let actions = miner.session.handle_line(&line, at(miner.start, 1));
    let handed_over =
        |actions: &[Action]| actions.iter().any(|action| matches!(action, Action::Found { reply: None, .. }));
    assert!(handed_over(&actions));
    assert_eq!(refusal(&actions), "24 unauthorized worker");
    let again = miner.session.handle_line(&line, at(miner.start, 1));
    assert!(!handed_over(&again), "not again and again");
}

#[test]
fn configure_answers_every_extension_and_rolls_versions_only_where_it_makes_sense() {
    let line = r#"{"id":1,"method":"mining.configure","params":[["version-rolling","minimum-difficulty","subscribe-extranonce"],{"version-rolling.mask":"ffffffff"}]}"#;
    let reply = TestMiner::new(PowAlgorithm::Blake2s).line(line, 0).concat();
    assert_eq!(
        reply,
        r#"{"id":1,"result":{"minimum-difficulty":false,"subscribe-extranonce":true,"version-rolling":false},"error":null}"#
    );
    let mut asic = TestMiner::new(PowAlgorithm::Sha256d);
    let reply = asic.line(line, 0).concat();
    assert!(reply.contains(r#""version-rolling":true,"version-rolling.mask":"1fffe000""#), "{reply}");
    asic.line(SUBSCRIBE, 0);
    asic.line(&authorize(), 0);
    asic.offer(&template(PowAlgorithm::Sha256d, 1, HARD), 0);
    let time = asic.notify[7].as_str().unwrap().to_owned();
    let target = asic.session.miner.newest_job().unwrap().target;
    let nonce = (0..)
        .find(|nonce| {
            target.is_met_by(&PowAlgorithm::Sha256d.hash(&asic.header("0000000000000001", &time, *nonce, 0x2000)))
        })
        .unwrap();
    let line = asic.submit_line("0000000000000001", &time, nonce, Some(0x2000));
    assert!(found(&asic.session.handle_line(&line, at(asic.start, 1))).is_some());
}

#[test]
fn small_talk_is_answered_and_notices_are_not() {
    let mut miner = TestMiner::new(PowAlgorithm::Blake2s);
    assert_eq!(
        miner.line(r#"{"id":3,"method":"mining.extranonce.subscribe","params":[]}"#, 0),
        [r#"{"id":3,"result":true,"error":null}"#]
    );
    assert_eq!(miner.line(r#"{"id":5,"method":"mining.ping"}"#, 0), [r#"{"id":5,"result":"pong","error":null}"#]);
    assert!(miner.line(r#"{"id":7,"method":"pong","params":[]}"#, 0).is_empty());
    assert!(miner.line(r#"{"id":null,"method":"mining.hashrate","params":[]}"#, 0).is_empty());
    assert!(miner.line(r#"{"id":7,"result":true,"error":null}"#, 0).is_empty());
}

#[test]
fn garbage_floods_and_silence_end_the_connection() {
    assert_eq!(
        TestMiner::new(PowAlgorithm::Blake2s).line("GET / HTTP/1.1", 0),
        ["disconnect: a line is not a JSON object"]
    );
    let mut silent = TestMiner::new(PowAlgorithm::Blake2s);
    let ends_at = |miner: &mut TestMiner, seconds| {
        assert!(miner.session.handle_tick(at(miner.start, seconds - 1)).is_empty());
        assert_eq!(miner.session.poll_timeout(), at(miner.start, seconds).instant);
        assert!(!miner.session.handle_tick(at(miner.start, seconds)).is_empty());
    };
    ends_at(&mut silent, 15);
    silent.line(SUBSCRIBE, 10);
    ends_at(&mut silent, 60);
    let mut dead = TestMiner::mining(PowAlgorithm::Blake2s, HARD);
    // As easy as it can get, so that nothing else is waited for.
    dead.session.miner.vardiff().suggest(1.0, dead.start);
    ends_at(&mut dead, 600);

    let mut flood = TestMiner::mining(PowAlgorithm::Blake2s, HARD);
    let bad = flood.grind(false, 0);
    for _ in 1..REJECTS_IN_A_ROW_MAX {
        assert_eq!(refusal(&flood.submit(bad, 1)), "23 low difficulty share");
    }
    let last = lines(&flood.submit(bad, 1));
    assert_eq!(last[1], "disconnect: too many rejected submits in a row");
}

#[test]
fn pending_replies_echo_the_id() {
    let reply = PendingReply { id: "4".to_owned() };
    assert_eq!(reply.stored(), r#"{"id":4,"result":true,"error":null}"#);
    let refused = reply.refused("disk full".to_owned());
    assert_eq!(refused, r#"{"id":4,"result":null,"error":[20,"node could not store the share: disk full",null]}"#);
}
