use std::sync::atomic::Ordering;
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
};

use serde_json::{Value, json};
use sharechain::Target;
use stratum::Difficulty;

use super::*;

const EXTRANONCE1: &str = "0a0b0c0d";

/// A pool of one connection, which takes all that is asked and then says these lines. Gives the first submit, or how mining
/// ended.
fn mine_at(client: ClientKind, algorithm: PowAlgorithm, subscribed: Value, after: Vec<Value>) -> anyhow::Result<Value> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let user = "dn1q.rig".to_owned();
    let config = MinerConfig { pool: Pool::V1 { address, client }, user, algorithm, threads: 1, hashrate_max: None };
    let stop = Arc::new(AtomicBool::new(false));
    let pool = thread::spawn({
        let stop = stop.clone();
        move || serve(&listener, &subscribed, &after, &stop)
    });
    let counters = Arc::<Counters>::default();
    mine(&config, &counters, &stop)?;
    // The pool ends the miner before it answers.
    assert_eq!(counters.unanswered.load(Ordering::Relaxed), 0, "it hung up before it was answered");
    pool.join().ok().flatten().context("no submit came")
}

/// The first submit; stays until the miner hangs up.
fn serve(listener: &TcpListener, subscribed: &Value, after: &[Value], stop: &AtomicBool) -> Option<Value> {
    let (mut socket, _) = listener.accept().ok()?;
    let lines = BufReader::new(socket.try_clone().ok()?).lines();
    let mut submit = None;
    for line in lines.map_while(Result::ok) {
        let request: Value = serde_json::from_str(&line).ok()?;
        let reply = |result: Value| json!({"id": request["id"], "result": result, "error": null});
        let replies = match request["method"].as_str()? {
            "mining.configure" => {
                vec![reply(json!({"version-rolling": true, "version-rolling.mask": "1fffe000"}))]
            }
            "mining.subscribe" => {
                let mut reply = subscribed.clone();
                reply["id"] = request["id"].clone();
                vec![reply]
            }
            "mining.authorize" => [vec![reply(json!(true))], after.to_vec()].concat(),
            "mining.submit" => {
                submit.get_or_insert_with(|| request["params"].clone());
                stop.store(true, Ordering::Relaxed);
                vec![reply(json!(true))]
            }
            _ => vec![reply(json!(true))],
        };
        let text: String = replies.iter().map(|reply| format!("{reply}\n")).collect();
        if socket.write_all(text.as_bytes()).is_err() {
            break;
        }
    }
    submit
}

fn subscribed() -> Value {
    json!({"result": [[], EXTRANONCE1, 8], "error": null})
}

fn set_difficulty(difficulty: Value) -> Value {
    json!({"id": null, "method": "mining.set_difficulty", "params": [difficulty]})
}

fn notify(coinbase2: usize) -> Value {
    let second = "cd".repeat(coinbase2);
    let params =
        json!(["6a", "00".repeat(32), "0102", second, ["ef".repeat(32)], "20000000", "1d00ffff", "6b00fe34", true]);
    json!({"id": null, "method": "mining.notify", "params": params})
}

#[test]
fn mining_ends_when_the_client_cannot_take_a_job() {
    let lines = vec![set_difficulty(json!(1)), notify(7_012 - 2 - 4 - 8)];
    let error = mine_at(ClientKind::Bitaxe, PowAlgorithm::Blake2s, subscribed(), lines).unwrap_err();
    assert!(error.is::<Violation>());
    assert_eq!(error.to_string(), "a bitaxe takes a coinbase of 6500 bytes, this job has 7012");
}

#[test]
fn mining_ends_when_the_pool_refuses_the_client() {
    let reason = "SparkMiner takes a coinbase of 256 bytes, this pool pays everybody in one of 2190";
    let refusal = json!({"result": null, "error": [24, reason, null]});
    let error = mine_at(ClientKind::SparkMiner, PowAlgorithm::Blake2s, refusal, Vec::new()).unwrap_err();
    assert!(error.is::<RefusedClient>());
    assert_eq!(error.to_string(), format!("the pool refuses SparkMiner/v2.9.2: {reason}"));
}

#[test]
fn shares_with_rolled_version_bits_meet_the_target() {
    let difficulty = 1e-6;
    let lines = vec![set_difficulty(json!(difficulty)), notify(50)];
    let submit = mine_at(ClientKind::Cgminer, PowAlgorithm::Sha256d, subscribed(), lines.clone()).unwrap();
    let submit: Vec<String> = serde_json::from_value(submit).unwrap();
    let word = |place: usize| u32::from_str_radix(&submit[place], 16).unwrap();
    let bits = word(5);
    assert!(bits != 0 && bits & !0x1fff_e000 == 0, "{bits:08x}");
    // As a pool that ORs the bits rebuilds it.
    let mut params = lines[1]["params"].clone();
    params[5] = json!(format!("{:08x}", 0x2000_0000 | bits));
    let work = Work::parse(&params, &hex::decode(EXTRANONCE1).unwrap(), 8, Target::EASIEST, 1).unwrap();
    let mut header = work.header(&hex::decode(&submit[2]).unwrap());
    header[76..].copy_from_slice(&word(4).to_le_bytes());
    let target = target_of(Difficulty::new(difficulty), PowAlgorithm::Sha256d);
    assert!(target.is_met_by(&PowAlgorithm::Sha256d.hash(&header)));
}
