use std::net::Ipv4Addr;

use clap::Parser;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::args::{Args, Command};

fn args(line: &[&str]) -> NearestArgs {
    match Args::parse_from([&["poolnode", "nearest"], line].concat()).command {
        Command::Nearest(args) => args,
        other => panic!("{other:?}"),
    }
}

fn node(name: &str, stratum: &[&str]) -> ListedNode {
    ListedNode {
        peer_id: name.to_owned(),
        own: false,
        p2p: Vec::new(),
        stratum: stratum.iter().map(ToString::to_string).collect(),
        region: Some("EU".to_owned()),
        country: None,
        asn: Some(64_500),
        fee_basis_points: 100,
        capacity: 100,
        load: 90,
        agent: String::new(),
        operator: None,
        first_seen: 0,
        issued: 0,
        expires: 1,
    }
}

const A: &str = "stratum+tcp://a.example:1";
const B: &str = "stratum+tcp://b.example:1";

#[test]
fn what_is_measured_is_what_was_given_or_else_the_directory() {
    let nodes = [node("a", &[A, "no url"]), node("b", &[B])];
    let measured = |line: &[&str]| -> Vec<(String, bool, bool)> {
        let found = candidates(&args(line), &nodes).into_iter();
        found.map(|one| (one.url.to_string(), one.listed.is_some(), one.is_given)).collect()
    };
    assert_eq!(measured(&[]), [(A.to_owned(), true, false), (B.to_owned(), true, false)]);
    assert_eq!(measured(&[A, A]), [(A.to_owned(), true, true)], "with its fee, and once");
    assert_eq!(measured(&["--current", B]), [(B.to_owned(), true, true), (A.to_owned(), true, false)]);
    let many: Vec<ListedNode> = (1..60).map(|port| node("c", &[&format!("stratum+tcp://c.example:{port}")])).collect();
    assert_eq!(candidates(&args(&[]), &many).len(), CANDIDATES_MAX);
}

/// A pool that answers so many connections, as a node does.
async fn pool(answers: usize, prev_block: &'static str) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("stratum+tcp://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut heard = Vec::new();
        for _ in 0..answers {
            let (socket, _) = listener.accept().await.unwrap();
            heard.extend(serve(socket, prev_block).await);
        }
        heard
    });
    (url, serving)
}

async fn serve(socket: TcpStream, prev_block: &str) -> Vec<String> {
    let (mut stream, mut heard) = (BufReader::new(socket), Vec::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return heard;
        }
        let request: Value = serde_json::from_str(&line).unwrap();
        let answer = match request["method"].as_str().unwrap() {
            "mining.subscribe" => r#"{"id":1,"result":[[],"00",8],"error":null}"#.to_owned(),
            _ if request["params"][0] == "stranger" => {
                r#"{"id":2,"result":null,"error":[24,"no\u001b address",null]}"#.to_owned()
            }
            _ => format!(
                "{}\n{}\n{}",
                r#"{"id":2,"result":true,"error":null}"#,
                r#"{"id":null,"method":"mining.set_difficulty","params":[1]}"#,
                format_args!(r#"{{"id":null,"method":"mining.notify","params":["1","{prev_block}"]}}"#)
            ),
        };
        stream.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
        heard.push(line);
    }
}

async fn findings(line: &[&str], format: Format) -> Findings {
    let args = args(line);
    let known = Known::default();
    let measured = measure(candidates(&args, &known.nodes), args.user.as_deref(), &Progress::new("", true)).await;
    find(&args, format, &known, measured)
}

#[tokio::test]
async fn an_endpoint_is_measured_as_a_miner_sees_it() {
    let (url, serving) = pool(SAMPLES, "aa").await;
    let found = findings(&[&url, "--user", "dn1q.rig"], Format::Json).await;
    let (measurement, _) = &found.reached[0];
    assert_eq!(measurement.samples.len(), SAMPLES);
    assert!(
        measurement.samples.iter().all(|sample| sample.job.is_some() && sample.prev_block.as_deref() == Some("aa"))
    );
    assert!(measurement.rtt() > Duration::ZERO && measurement.rtt() < Duration::from_secs(1));
    let heard = serving.await.unwrap();
    assert_eq!(heard.len(), 2 * SAMPLES);
    assert!(heard.iter().all(|line| !line.contains("mining.submit")));
    let json = report::json(&found);
    assert_eq!((&json["data"][0]["role"], &json["data"][0]["samples"]), (&"primary".into(), &5.into()));
    assert!(json["data"][0]["loss"].as_f64().unwrap() < 0.1);
}

#[tokio::test]
async fn without_a_user_nobody_is_authorized_and_a_note_says_so() {
    let (url, serving) = pool(SAMPLES, "aa").await;
    let found = findings(&[&url], Format::Cgminer).await;
    assert!(found.reached[0].0.job().is_none());
    assert!(found.notes.iter().any(|note| note.contains("--user ADDRESS.worker")), "{:?}", found.notes);
    assert!(found.notes.iter().any(|note| note.contains("in place of ADDRESS.worker")), "{:?}", found.notes);
    assert!(serving.await.unwrap().iter().all(|line| line.contains("mining.subscribe")));
}

#[tokio::test]
async fn a_refused_user_is_told_in_the_pools_words_without_what_moves_a_terminal() {
    let (url, _serving) = pool(SAMPLES, "aa").await;
    let found = findings(&[&url, "--user", "stranger"], Format::Table).await;
    assert_eq!(found.reached[0].0.refusal.as_deref(), Some("no address"));
    assert!(found.notes.iter().any(|note| note == &format!("{url} sent no job: no address")));
}

#[tokio::test]
async fn what_answers_too_seldom_is_not_chosen_and_what_is_current_is_judged() {
    let (good, _serving) = pool(SAMPLES, "aa").await;
    let (flaky, _gone) = pool(2, "aa").await;
    let found = findings(&[&good, &flaky, "--current", &good], Format::Table).await;
    assert_eq!((found.reached.len(), found.failed.len()), (1, 1));
    assert_eq!(found.failed[0].candidate.url.to_string(), flaky);
    assert_eq!(found.advice(), Some(format!("stay: {good} is the best of those measured")));
    let found = Findings { current: Some(flaky.parse().unwrap()), ..found };
    assert_eq!(found.advice(), Some(format!("switch: {flaky} answered too seldom to be relied on")));
}

#[tokio::test]
async fn the_name_of_a_stranger_does_not_lead_into_our_own_network() {
    let candidate = |is_given| Candidate { url: "stratum+tcp://localhost:1".parse().unwrap(), listed: None, is_given };
    let error = probe::resolve(&candidate(false)).await.unwrap_err().to_string();
    assert!(error.contains("not on the public internet"), "{error}");
    assert!(probe::resolve(&candidate(true)).await.unwrap().ip().is_loopback());
}

#[tokio::test]
async fn nothing_to_measure_and_nothing_reached_are_errors_that_say_what_to_do() {
    let nowhere = "stratum+tcp://127.0.0.1:1";
    let api = "http://127.0.0.1:1";
    let error = run(args(&[nowhere]), api, false).await.unwrap_err().to_string();
    assert!(error.starts_with("none of 1 endpoints could be measured") && error.contains(nowhere), "{error}");
    let error = format!("{:#}", run(args(&[]), api, false).await.unwrap_err());
    assert!(error.contains("no directory to choose from") && error.contains("no node answers at"), "{error}");
}
