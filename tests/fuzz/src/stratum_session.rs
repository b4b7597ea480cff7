//! A miner's connection: lines, new templates and time from bytes. What is sent is always one line of JSON, and no work
//! is credited twice however it is spelt (attack M1).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use bech32::Hrp;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use sharechain::{
    BlockHash, CompactTarget, Share, ShareChain,
    testing::{self, GENESIS_TIME, Miner},
};
use stratum::{
    Action, AddressFormat, HeaderFields, JobTemplate, LaneId, Now, OperatorFee, Rates, Session, SessionConfig,
    session::{Judged, Ticket},
    vardiff::VardiffConfig,
};

/// Lines of one connection; more find nothing new.
const LINES_MAX: usize = 60;
/// Longest line that the server's codec lets through.
const LINE_LEN_MAX: usize = stratum::limits::LINE_LEN_MAX;

/// The connection's place.
const TICKET: Ticket = Ticket { extranonce1: [0; 4], tag: 9 };

/// A chain of a few shares, and jobs on two parent blocks.
pub static TEMPLATES: LazyLock<[Arc<JobTemplate>; 2]> = LazyLock::new(|| [template(1), template(2)]);

/// What addresses look like here: the devnet's.
pub fn address_format() -> AddressFormat {
    AddressFormat { bech32: Some(Hrp::parse("dn").expect("a valid prefix")), p2pkh: 111, p2sh: vec![196] }
}

fn template(block: u8) -> Arc<JobTemplate> {
    let mut miner = Miner::devnet();
    let mut chain = ShareChain::new(miner.params.clone());
    for second in 1..=25 {
        miner.extend(&mut chain, GENESIS_TIME + second);
    }
    let context = chain.job_context().expect("a short chain");
    let mut work = miner.work;
    work.prev_block = BlockHash::from_bytes([block; 32]);
    let header = HeaderFields {
        version: 0x2000_0000,
        bits: CompactTarget::from_bits(0x2000_ffff),
        time: GENESIS_TIME + 100,
        time_min: context.median_time,
        merkle_branch: vec![[3; 32], [4; 32]].into(),
    };
    Arc::new(JobTemplate::new(testing::devnet_params(), context, (work, header, Arc::default()), block.into()))
}

/// Lines of a miner, or with `!` before them what happens to it: `!t` and a digit lets time pass, `!j` and `!k` are a new
/// job with and without a new block, `!a` subscribes and authorizes, `!r` comes back to the session.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let start = Instant::now();
    let mut connection = Connection::new(start);
    for line in text.split('\n').take(LINES_MAX) {
        let line = line.trim_end_matches('\r');
        if line.len() > LINE_LEN_MAX || !connection.take(line) {
            return;
        }
    }
}

/// Job, and extranonce2, time, nonce and version bits as bytes.
type SubmitKey = (String, [Vec<u8>; 4]);

fn session(now: Now) -> Session {
    let vardiff = VardiffConfig { start_hashes: 1.0, min_hashes: 1.0, submit_interval: Duration::from_secs(4) };
    let mut config = SessionConfig::new(testing::devnet_params(), address_format(), vardiff);
    let lane = config.lanes.first_mut();
    lane.default_script = Some(testing::script(2));
    lane.fee = Some(OperatorFee { basis_points: 3_000, script: testing::script(3) });
    Session::new(Arc::new(config), TICKET, now)
}

fn rates(rate: f64) -> Rates {
    [testing::script(1), testing::script(2)].map(|script| ((LaneId::FIRST, script), rate)).into()
}

struct Connection {
    session: Session,
    start: Instant,
    elapsed: Duration,
    /// Decoded submits that were credited.
    credited: BTreeSet<SubmitKey>,
}

impl Connection {
    fn new(start: Instant) -> Self {
        let now = Now { instant: start, unix: u64::from(GENESIS_TIME) + 100 };
        Self { session: session(now), start, elapsed: Duration::ZERO, credited: BTreeSet::new() }
    }

    fn now(&self) -> Now {
        let unix = u64::from(GENESIS_TIME) + 100 + self.elapsed.as_secs();
        Now { instant: self.start + self.elapsed, unix }
    }

    /// Takes one line; gives whether the connection is still open.
    fn take(&mut self, line: &str) -> bool {
        let now = self.now();
        match line.strip_prefix('!').map(|command| command.as_bytes()) {
            Some([b't', digit, ..]) => {
                self.elapsed += Duration::from_secs(u64::from(digit % 16).pow(3));
                let actions = self.session.handle_tick(self.now());
                self.perform(&actions, None)
            }
            Some([b'j', ..]) => {
                let actions = self.session.handle_template(&TEMPLATES[0], &rates(1.0), now);
                self.perform(&actions, None)
            }
            Some([b'k', ..]) => {
                let actions = self.session.handle_template(&TEMPLATES[1], &rates(1e6), now);
                self.perform(&actions, None)
            }
            // The connection is lost, and its miner comes back.
            Some([b'r', ..]) => {
                let lost = std::mem::replace(&mut self.session, session(now));
                let found = lost.park().map(|parked| (TICKET, parked));
                let line = format!(
                    r#"{{"id":1,"method":"mining.subscribe","params":["x","{}"]}}"#,
                    Ticket { tag: 8, ..TICKET }
                );
                let mut actions = self.session.handle_line(&line, now);
                actions.extend(self.session.handle_resume(found));
                self.perform(&actions, None)
            }
            Some([b'a', ..]) => {
                let user = address_format().format(&testing::script(1)).expect("a devnet address");
                let authorize = format!(r#"{{"id":2,"method":"mining.authorize","params":["{user}","x"]}}"#);
                self.take(r#"{"id":1,"method":"mining.subscribe","params":[]}"#) && self.take(&authorize)
            }
            _ => {
                let actions = self.session.handle_line(line, now);
                self.perform(&actions, Some(line))
            }
        }
    }

    fn perform(&mut self, actions: &[Action], line: Option<&str>) -> bool {
        let mut open = true;
        for action in actions {
            match action {
                Action::Send(sent) => check_line(sent),
                Action::SendJob(line) => check_line(&line.to_string()),
                Action::Found { found, reply, .. } => {
                    if let Some(reply) = reply {
                        check_line(&reply.stored());
                        check_line(&reply.refused("no \"room\"\n".to_owned()));
                    }
                    assert!(found.share.is_some() || found.is_block, "found nothing");
                    if let Some(share) = &found.share {
                        let bytes = share.share().encode();
                        assert_eq!(Share::decode(&bytes).as_ref(), Ok(share.share()));
                    }
                }
                Action::Judged(Judged::Accepted { hashes, .. }) => {
                    assert!(hashes.is_finite() && *hashes > 0.0);
                    let key = line.and_then(submit_key).expect("only a submit is credited");
                    assert!(self.credited.insert(key), "credited twice: {line:?}");
                }
                Action::Judged(Judged::Refused { .. }) => {}
                Action::Authorized(user) => {
                    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
                    assert!(user.worker.chars().all(allowed), "{:?}", user.worker);
                }
                Action::Resume { .. } | Action::Renew | Action::Misbehaved(_) | Action::Follows(_) => {}
                Action::Agent(agent) => assert!(!agent.contains(|letter: char| letter.is_control()), "{agent:?}"),
                Action::Disconnect(_) => open = false,
            }
        }
        open
    }
}

/// What we send is one line that holds one JSON object with the members of a reply or a notification.
fn check_line(line: &str) {
    assert!(!line.contains('\n'), "two lines: {line:?}");
    // Not as a value: the echoed id may hold numbers that no float holds.
    let members: BTreeMap<&str, &RawValue> = serde_json::from_str(line).expect("what is sent is a JSON object");
    let is_reply = members.contains_key("result") && members.contains_key("error");
    assert!(members.contains_key("id") && (is_reply || members.contains_key("method")), "{line}");
    if members.get("method").is_some_and(|method| method.get() == r#""mining.notify""#) {
        let params: Vec<Value> = serde_json::from_str(members["params"].get()).expect("parameters");
        assert_eq!(params.len(), 9);
        let hex = |index: usize| hex::decode(params[index].as_str().expect("text")).expect("hexadecimal");
        assert_eq!(hex(1).len(), 32);
        assert_eq!((hex(2).len() % 64, hex(3).len()), (32, 4), "prefix and commitment; lock time");
        assert_eq!([5, 6, 7].map(|index| hex(index).len()), [4; 3]);
    }
}

/// The bytes that a submit stands for, whatever its spelling.
fn submit_key(line: &str) -> Option<SubmitKey> {
    #[derive(Deserialize)]
    struct Line {
        params: Vec<String>,
    }
    let Line { params } = serde_json::from_str(line).ok()?;
    let bytes = |index: usize| hex::decode(params.get(index)?).ok();
    Some((params.get(1)?.clone(), [bytes(2)?, bytes(3)?, bytes(4)?, bytes(5).unwrap_or_else(|| vec![0; 4])]))
}
