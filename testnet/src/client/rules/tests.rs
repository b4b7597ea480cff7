use super::*;
use crate::client::ClientKind::{
    Antminer, Avalon, Bitaxe, Braiins, Cgminer, Cpuminer, Devminer, NerdMiner, NerdQaxe, NiceHash, SparkMiner,
    Whatsminer,
};

const USER: &str = "dn1qaddress.worker";
const MASK: &str = "1fffe000";

/// A client and what it sent, as `method(first parameter)`.
struct Played {
    rules: ClientRules,
    now: Instant,
    sent: Vec<Value>,
}

impl Played {
    fn new(kind: ClientKind, algorithm: PowAlgorithm) -> Self {
        let now = Instant::now();
        let mut played = Self { rules: ClientRules::new(kind, algorithm, USER, now), now, sent: Vec::new() };
        played.collect();
        played
    }

    fn collect(&mut self) {
        let lines = self.rules.take_lines(self.now);
        self.sent.extend(lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()));
    }

    fn methods(&self) -> Vec<&str> {
        self.sent.iter().filter_map(|line| line["method"].as_str()).collect()
    }

    fn hear(&mut self, line: &Value) -> Result<Heard, String> {
        let heard = self.rules.handle_line(&line.to_string(), self.now).map_err(|violation| violation.to_string());
        self.collect();
        heard
    }

    /// Answers the newest request with this method.
    fn answer(&mut self, method: &str, result: &Value) -> Result<Heard, String> {
        let request = self.sent.iter().rev().find(|line| line["method"] == method);
        let id = request.unwrap_or_else(|| panic!("no {method} in {:?}", self.sent))["id"].clone();
        self.hear(&json!({"id": id, "result": result, "error": null}))
    }

    fn tell(&mut self, method: &str, params: &Value) -> Result<Heard, String> {
        self.hear(&json!({"id": null, "method": method, "params": params}))
    }

    /// Goes through the opening with a server that does all that is wanted.
    fn log_in(&mut self) -> Result<(), String> {
        if self.methods().contains(&"mining.configure") {
            let result = json!({"version-rolling": true, "version-rolling.mask": MASK, "minimum-difficulty": true});
            self.answer("mining.configure", &result)?;
        }
        self.answer("mining.subscribe", &json!([[], "0a0b0c0d", 8]))?;
        self.answer("mining.authorize", &json!(true))?;
        if self.methods().contains(&"mining.extranonce.subscribe") {
            self.answer("mining.extranonce.subscribe", &json!(true))?;
        }
        Ok(())
    }

    /// The same, and a difficulty.
    fn ready(kind: ClientKind, algorithm: PowAlgorithm) -> Self {
        let mut played = Self::new(kind, algorithm);
        played.log_in().unwrap();
        played.tell("mining.set_difficulty", &json!([524_288])).unwrap();
        played
    }

    fn job(&mut self, job: &Job) -> Result<Heard, String> {
        self.tell("mining.notify", &job.params())
    }
}

/// A job, most of which is as it should be.
struct Job {
    id: &'static str,
    coinbase1: usize,
    coinbase2: usize,
    branch: usize,
    version: &'static str,
}

const JOB: Job = Job { id: "6a", coinbase1: 60, coinbase2: 60, branch: 12, version: "20000000" };

impl Job {
    /// A coinbase of so many bytes with an extranonce of 12.
    fn of(coinbase: usize) -> Self {
        Self { coinbase2: coinbase - 12 - JOB.coinbase1, ..JOB }
    }

    fn params(&self) -> Value {
        let Self { id, coinbase1, coinbase2, branch, version } = *self;
        let (first, second) = ("ab".repeat(coinbase1), "cd".repeat(coinbase2));
        json!([
            id,
            "00".repeat(32),
            first,
            second,
            vec!["ef".repeat(32); branch],
            version,
            "1d00ffff",
            "6b00fe34",
            true
        ])
    }
}

#[test]
fn first_lines_are_those_of_the_client() {
    for (kind, expected) in [
        (Devminer, &["mining.subscribe", "mining.authorize"][..]),
        (Cpuminer, &["mining.subscribe", "mining.authorize", "mining.extranonce.subscribe"]),
        (NiceHash, &["mining.subscribe", "mining.authorize", "mining.extranonce.subscribe"]),
        (Cgminer, &["mining.configure", "mining.subscribe", "mining.authorize"]),
        (Antminer, &["mining.configure", "mining.subscribe", "mining.authorize"]),
        (NerdMiner, &["mining.subscribe", "mining.authorize", "mining.suggest_difficulty"]),
    ] {
        let mut played = Played::new(kind, PowAlgorithm::Sha256d);
        assert_eq!(played.methods(), expected[..1], "{kind}");
        played.log_in().unwrap();
        assert_eq!(played.methods(), expected, "{kind}");
    }
    let mut bitaxe = Played::new(Bitaxe, PowAlgorithm::Sha256d);
    assert_eq!(bitaxe.methods(), ["mining.configure", "mining.subscribe", "mining.authorize"]);
    bitaxe.log_in().unwrap();
    assert_eq!(bitaxe.methods()[3..], ["mining.suggest_difficulty"]);
    let configured = |kind| Played::new(kind, PowAlgorithm::Sha256d).sent[0]["params"].clone();
    assert_eq!(configured(Bitaxe), json!([["version-rolling"], {"version-rolling.mask": "ffffffff"}]));
    assert_eq!(configured(Cgminer), json!([["version-rolling"], {"version-rolling.mask": "ffffffff"}]));
    let asic = &configured(Antminer);
    assert_eq!(asic[0], json!(["version-rolling", "minimum-difficulty"]));
    assert_eq!((&asic[1]["version-rolling.mask"], &asic[1]["minimum-difficulty.value"]), (&json!(MASK), &json!(2_048)));
}

#[test]
fn the_longest_coinbase_that_is_taken() {
    for (kind, max) in [
        (Bitaxe, 6_500),
        (NerdQaxe, 6_500),
        (Whatsminer, 6_500),
        (Avalon, 6_208),
        (Braiins, 2_250),
        (ClientKind::AntminerS21, 2_250),
        (Antminer, 750),
        (NiceHash, 500),
        (NerdMiner, 255),
        (Cgminer, 16_000),
        (Cpuminer, 200_000),
    ] {
        let mut played = Played::ready(kind, PowAlgorithm::Sha256d);
        assert!(matches!(played.job(&Job { branch: 2, ..Job::of(max) }), Ok(Heard::Job(_))), "{kind}");
        let refused = played.job(&Job { id: "6b", branch: 2, ..Job::of(max + 1) });
        let expected = format!("{} takes a coinbase of {max} bytes, this job has {}", kind.noun(), max + 1);
        assert_eq!(refused, Err(expected));
    }
}

#[test]
fn other_buffers_that_would_cut() {
    let mut spark = Played::ready(SparkMiner, PowAlgorithm::Sha256d);
    assert!(spark.job(&Job { coinbase1: 255, coinbase2: 127, branch: 16, ..JOB }).is_ok());
    for (job, expected) in [
        (Job { coinbase1: 256, ..JOB }, "a sparkminer takes 255 bytes as coinb1, this job has 256"),
        (Job { coinbase2: 128, ..JOB }, "a sparkminer takes 127 bytes as coinb2, this job has 128"),
        (Job { branch: 17, ..JOB }, "a sparkminer takes a Merkle branch of 16 nodes, this job has 17"),
        (
            Job { id: "0123456789abcdef0123456789abcdef", ..JOB },
            "a sparkminer takes a job id of 31 letters, this job has 32",
        ),
    ] {
        assert_eq!(spark.job(&job), Err(expected.to_owned()));
    }
    let mut nerd = Played::ready(NerdMiner, PowAlgorithm::Sha256d);
    let long = nerd.job(&Job { coinbase1: 2_000, ..JOB }).unwrap_err();
    assert!(long.starts_with("a nerdminer takes lines of 4096 bytes, this one has"), "{long}");
}

#[test]
fn an_extranonce2_has_a_length_that_fits() {
    for (kind, shortest, longest) in
        [(Cpuminer, 2, 16), (Cgminer, 2, 16), (NiceHash, 4, 16), (Bitaxe, 1, 32), (NerdMiner, 2, 8)]
    {
        for (len, is_taken) in [(shortest - 1, false), (shortest, true), (longest, true), (longest + 1, false)] {
            let mut played = Played::new(kind, PowAlgorithm::Sha256d);
            if played.methods().contains(&"mining.configure") {
                played.answer("mining.configure", &json!({"version-rolling": false})).unwrap();
            }
            let heard = played.answer("mining.subscribe", &json!([[], "0a0b0c0d", len]));
            assert_eq!(heard.is_ok(), is_taken, "{kind}: {len}: {heard:?}");
        }
    }
    let mut negative = Played::new(Bitaxe, PowAlgorithm::Sha256d);
    let refused = negative.answer("mining.subscribe", &json!([[], "0a0b0c0d", -1]));
    assert_eq!(refused, Err("a bitaxe cannot read the extranonce2 size: -1".to_owned()));
}

#[test]
fn difficulties_are_whole_where_they_are_read_so() {
    for kind in [Antminer, Bitaxe, Whatsminer, Braiins, Avalon] {
        for (value, is_taken) in [(json!(1), true), (json!(2_048), true), (json!(0.5), false), (json!(1_024.0), false)]
        {
            let heard = Played::ready(kind, PowAlgorithm::Sha256d).tell("mining.set_difficulty", &json!([value]));
            assert_eq!(heard.is_ok(), is_taken, "{kind}: {value}: {heard:?}");
        }
    }
    for kind in [Cpuminer, Cgminer, NerdMiner, SparkMiner, Devminer] {
        let heard = Played::ready(kind, PowAlgorithm::Blake2s).tell("mining.set_difficulty", &json!([1e-5]));
        assert_eq!(heard, Ok(Heard::Difficulty(1e-5)), "{kind}");
    }
    for value in [json!(0), json!(-1), json!("1"), json!(null)] {
        let heard = Played::ready(Devminer, PowAlgorithm::Blake2s).tell("mining.set_difficulty", &json!([value]));
        assert!(heard.is_err(), "{value}");
    }
}

#[test]
fn rented_sha256d_has_a_least_difficulty() {
    let tell = |algorithm, difficulty: u32| {
        Played::ready(NiceHash, algorithm).tell("mining.set_difficulty", &json!([difficulty]))
    };
    assert_eq!(tell(PowAlgorithm::Sha256d, 500_000), Ok(Heard::Difficulty(500_000.0)));
    let refused = "nicehash takes a difficulty of 500000 at least, the pool sends 499999";
    assert_eq!(tell(PowAlgorithm::Sha256d, 499_999), Err(refused.to_owned()));
    assert_eq!(tell(PowAlgorithm::Blake2s, 1), Ok(Heard::Difficulty(1.0)));
}

#[test]
fn jobs_come_with_a_new_id_and_after_a_difficulty() {
    let mut early = Played::new(Cpuminer, PowAlgorithm::Blake2s);
    early.log_in().unwrap();
    assert!(early.job(&JOB).unwrap_err().contains("no difficulty before it"));
    // cpuminer knows its present job, ESP-Miner sixteen.
    let second = Job { id: "6b", ..JOB };
    for (kind, repeats_after_another) in [(Cpuminer, true), (Bitaxe, false), (Cgminer, true)] {
        let mut played = Played::ready(kind, PowAlgorithm::Blake2s);
        played.job(&JOB).unwrap();
        assert_eq!(played.job(&JOB).is_ok(), kind == Cgminer, "{kind}");
        played.job(&second).unwrap();
        assert_eq!(played.job(&JOB).is_ok(), repeats_after_another, "{kind}");
    }
}

#[test]
fn a_job_has_no_version_bit_that_may_be_rolled() {
    for kind in [Bitaxe, Cgminer, Antminer] {
        let mut played = Played::ready(kind, PowAlgorithm::Sha256d);
        assert_eq!(played.rules.version_mask(), 0x1fff_e000, "{kind}");
        played.job(&JOB).unwrap();
        let refused = played.job(&Job { id: "6b", version: "20002000", ..JOB }).unwrap_err();
        assert!(refused.ends_with("the job's version 20002000 has some of the mask 1fffe000"), "{refused}");
        played.tell("mining.set_version_mask", &json!(["00000000"])).unwrap();
        assert!(played.job(&Job { id: "6b", version: "20002000", ..JOB }).is_ok(), "{kind}");
    }
    // Without version rolling every version will do.
    let mut refused = Played::new(Bitaxe, PowAlgorithm::Blake2s);
    refused.answer("mining.configure", &json!({"version-rolling": false})).unwrap();
    assert_eq!(refused.rules.version_mask(), 0);
}

#[test]
fn submits_carry_version_bits_as_the_client_sends_them() {
    let work = |params: &Value| Work::parse(params, &[1, 2, 3, 4], 8, sharechain::Target::EASIEST, 1).unwrap();
    let submit = |played: &Played, bits| -> Value {
        let line = played.rules.submit(&work(&JOB.params()), &[7; 8], bits, 0xc0ff_ee00);
        serde_json::from_str(&line).unwrap()
    };
    let plain = json!([USER, "6a", "0707070707070707", "6b00fe34", "c0ffee00"]);
    assert_eq!(submit(&Played::ready(Cpuminer, PowAlgorithm::Blake2s), 0)["params"], plain);
    let bits = submit(&Played::ready(Antminer, PowAlgorithm::Sha256d), 0x2000);
    assert_eq!(bits["params"][5], "00002000");
    let mut without = Played::new(Cgminer, PowAlgorithm::Blake2s);
    without.answer("mining.configure", &json!({"version-rolling": false})).unwrap();
    assert_eq!(submit(&without, 0)["params"], plain);
    let mut bitaxe = Played::new(Bitaxe, PowAlgorithm::Blake2s);
    bitaxe.answer("mining.configure", &json!({"version-rolling": false})).unwrap();
    assert_eq!(submit(&bitaxe, 0)["params"][5], "00000000");
}

#[test]
fn a_silent_pool_is_dropped_when_the_client_does() {
    let seconds = Duration::from_secs;
    for (kind, longest) in
        [(Cgminer, Some(90)), (Antminer, Some(90)), (Bitaxe, Some(180)), (Cpuminer, Some(300)), (Devminer, None)]
    {
        let mut played = Played::ready(kind, PowAlgorithm::Blake2s);
        let heard = played.now;
        let Some(longest) = longest else {
            assert_eq!(played.rules.handle_tick(heard + seconds(100_000)), Ok(()));
            continue;
        };
        assert_eq!(played.rules.handle_tick(heard + seconds(longest - 1)), Ok(()));
        let violation = played.rules.handle_tick(heard + seconds(longest)).unwrap_err().to_string();
        assert_eq!(violation, format!("{} drops a pool that is silent for {longest} s", kind.noun()));
        // Any line counts.
        played.now = heard + seconds(longest - 1);
        played.tell("client.show_message", &json!(["hello"])).unwrap();
        assert_eq!(played.rules.handle_tick(heard + seconds(longest)), Ok(()), "{kind}");
    }
}

#[test]
fn a_nerdminer_keeps_its_connection_alive() {
    let mut played = Played::ready(NerdMiner, PowAlgorithm::Sha256d);
    let sent = played.sent.len();
    played.rules.handle_tick(played.now + Duration::from_secs(29)).unwrap();
    played.collect();
    assert_eq!(played.sent.len(), sent);
    played.now += Duration::from_secs(30);
    played.rules.handle_tick(played.now).unwrap();
    played.rules.handle_tick(played.now).unwrap();
    played.collect();
    assert_eq!(played.methods()[sent..], ["mining.suggest_difficulty"]);
}

#[test]
fn the_extranonce_subscription_is_answered_in_time_and_with_yes() {
    let mut played = Played::new(Cpuminer, PowAlgorithm::Blake2s);
    played.answer("mining.subscribe", &json!([[], "0a0b0c0d", 8])).unwrap();
    played.answer("mining.authorize", &json!(true)).unwrap();
    let late = played.now + Duration::from_secs(3);
    assert_eq!(played.rules.handle_tick(late - Duration::from_millis(1)), Ok(()));
    let violation = played.rules.handle_tick(late).unwrap_err().to_string();
    assert_eq!(violation, "a cpuminer waits 3 s for the answer to mining.extranonce.subscribe");
    let refused = played.answer("mining.extranonce.subscribe", &json!(false)).unwrap_err();
    assert!(refused.starts_with("a cpuminer stops when its nonces are used up"), "{refused}");
    let mut in_time = Played::ready(Cpuminer, PowAlgorithm::Blake2s);
    let changed = in_time.tell("mining.set_extranonce", &json!(["aabb", 6]));
    assert_eq!(changed, Ok(Heard::Extranonce { first: vec![0xaa, 0xbb], second_len: 6 }));
    let mut unasked = Played::ready(Cgminer, PowAlgorithm::Blake2s);
    assert!(unasked.tell("mining.set_extranonce", &json!(["aabb", 6])).is_err());
}

#[test]
fn the_line_after_the_subscription_is_its_answer() {
    for (kind, reads_one_line) in [(Cpuminer, true), (NerdMiner, true), (Bitaxe, false)] {
        let mut played = Played::new(kind, PowAlgorithm::Blake2s);
        let heard = played.tell("mining.set_difficulty", &json!([1]));
        assert_eq!(heard.is_err(), reads_one_line, "{kind}");
    }
}

#[test]
fn refusals_keep_the_words_of_the_pool() {
    let refusal = |id: u64, reason: &str| json!({"id": id, "result": null, "error": [24, reason, null]});
    let mut played = Played::new(SparkMiner, PowAlgorithm::Blake2s);
    let heard = played.hear(&refusal(SUBSCRIBE_ID, "SparkMiner takes a coinbase of 256 bytes, this pool ..."));
    assert_eq!(heard, Ok(Heard::RefusedClient("SparkMiner takes a coinbase of 256 bytes, this pool ...".to_owned())));
    let mut played = Played::new(SparkMiner, PowAlgorithm::Blake2s);
    played.answer("mining.subscribe", &json!([[], "0a0b0c0d", 8])).unwrap();
    assert_eq!(played.hear(&refusal(AUTHORIZE_ID, "no")), Ok(Heard::RefusedUser("no".to_owned())));
    assert_eq!(played.hear(&refusal(SUBMIT_ID, "no")), Ok(Heard::Judged(Err("no".to_owned()))));
    let late = json!({"id": SUBMIT_ID, "result": null, "error": [21, "stale job", null]});
    assert_eq!(played.hear(&late), Ok(Heard::Stale));
}

#[test]
fn replies_have_both_members_and_questions_are_answered() {
    let mut played = Played::ready(Cpuminer, PowAlgorithm::Blake2s);
    assert!(played.hear(&json!({"id": 4, "error": null})).unwrap_err().contains("needs result and error"));
    assert!(played.hear(&json!({"id": 4, "result": true})).is_err());
    played.hear(&json!({"id": "v", "method": "client.get_version", "params": []})).unwrap();
    assert_eq!(played.sent.last().unwrap(), &json!({"id": "v", "result": "cpuminer-multi/1.3.7", "error": null}));
    let mut bitaxe = Played::ready(Bitaxe, PowAlgorithm::Blake2s);
    bitaxe.hear(&json!({"id": 9, "method": "mining.ping", "params": []})).unwrap();
    assert_eq!(bitaxe.sent.last().unwrap(), &json!({"id": 9, "method": "pong", "params": []}));
    assert!(bitaxe.rules.handle_line("{", bitaxe.now).is_err());
}

#[test]
fn an_avalon_cuts_the_user_name() {
    let user = "x".repeat(70);
    let mut rules = ClientRules::new(Avalon, PowAlgorithm::Blake2s, &user, Instant::now());
    rules.authorize();
    let line: Value = serde_json::from_str(rules.outbox.last().unwrap()).unwrap();
    assert_eq!(line["params"][0], "x".repeat(63));
}
