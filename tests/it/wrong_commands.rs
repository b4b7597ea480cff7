//! Every command with wrong input: an exit code that says whose mistake it is, words that name it, and nothing on stdout.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, process::Output, time::Duration};

use anyhow::ensure;
use serde_json::Value;
use tests::World;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// The command line makes no sense.
const USAGE: i32 = 2;
/// It could not be done.
const FAILED: i32 = 1;
/// No node answers.
const UNREACHABLE: i32 = 3;
/// The node refuses.
const REFUSED: i32 = 4;
/// The configuration is refused.
const CONFIG: i32 = 5;

async fn poolnode(world: &World, arguments: &[OsString]) -> anyhow::Result<Output> {
    let mut command = world.place.command("poolnode");
    command.args(arguments).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    Ok(timeout(PATIENCE, command.output()).await??)
}

/// What a command says when it is refused with this exit code; it names what is wrong.
async fn refuses(world: &World, arguments: &[OsString], code: i32, names: &str) -> anyhow::Result<()> {
    let output = poolnode(world, arguments).await?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(code), "{arguments:?}: {:?}, not {code}:\n{text}", output.status.code());
    ensure!(text.starts_with("error: ") && text.contains(names), "{arguments:?} does not say {names:?}:\n{text}");
    ensure!(!text.contains("panicked") && output.stdout.is_empty(), "{arguments:?}:\n{text}");
    Ok(())
}

/// Mistakes that no node is needed for.
const ALONE: &[(&[&str], i32, &str)] = &[
    (&["statuss"], USAGE, "tip: a similar subcommand exists: 'status'"),
    (&["--api", "", "status"], USAGE, "--api"),
    (&["--api", "ftp://x", "status"], USAGE, "--api"),
    (&["--api", "http://127.0.0.1:1", "--api", "http://127.0.0.1:2", "status"], USAGE, "cannot be used multiple times"),
    (&["--log", "==", "status"], FAILED, "--log"),
    (&["status", "--watch", "0"], USAGE, "--watch"),
    (&["status", "--watch", "-1"], USAGE, "-1"),
    (&["status", "extra"], USAGE, "extra"),
    (&["workers", "--output", "xml"], USAGE, "possible values: table, json, csv"),
    (&["shares", "--limit", "0"], USAGE, "--limit"),
    (&["shares", "--limit", "1001"], USAGE, "--limit"),
    (&["shares", "--limit", "many"], USAGE, "--limit"),
    (&["shares", "--limit", "1", "--limit", "2"], USAGE, "cannot be used multiple times"),
    (&["share"], USAGE, "<ID>"),
    (&["chain", "dag", "--heights", "201"], USAGE, "--heights"),
    (&["chain", "dag", "--to", "-1"], USAGE, "-1"),
    (&["chain", "dag", "--dot", "--json"], USAGE, "cannot be used with"),
    (&["chain", "window", "--limit", "0"], USAGE, "--limit"),
    (&["chain", "window", "--limit", "99999999999999999999"], USAGE, "--limit"),
    (&["events", "--after", "-1"], USAGE, "-1"),
    (&["events", "--after", "18446744073709551616"], USAGE, "--after"),
    (&["peers", "ban"], USAGE, "<SUBJECT>"),
    (&["payouts", "history", "--from", "yesterday"], USAGE, "--from"),
    (&["payouts", "audit"], USAGE, "<BLOCK>"),
    (&["nearest", "ftp://pool.example:1"], USAGE, "ftp://pool.example:1"),
    (&["nearest", "--region", "XX"], USAGE, "--region"),
    (&["nearest", "--share-interval", "0"], USAGE, "--share-interval"),
    (&["nearest", "--share-interval", "nan"], USAGE, "--share-interval"),
    (&["devnet", "--listen", "nowhere"], USAGE, "--listen"),
    (&["devnet", "--listen", "127.0.0.1:0", "--block-interval-secs", "0"], CONFIG, "block_interval_secs"),
    (&["quickstart", "--seconds", "-1"], USAGE, "-1"),
    (&["quickstart", "--json"], FAILED, "poolnode run --json"),
    (&["top", "--json"], FAILED, "poolnode status --json"),
    (&["init", "--json"], FAILED, "poolnode config generate"),
    (&["completions", "tcsh"], USAGE, "tcsh"),
    (&["man", "/dev/null"], FAILED, "/dev/null"),
    (&["verify", "/nowhere/proof.json"], FAILED, "/nowhere/proof.json"),
    (&["verify", "/dev/null"], FAILED, "/dev/null"),
    (&["config", "generate", "--env", "moon"], USAGE, "moon"),
    (&["config", "generate", "--env", "prod", "--chain", "moon"], CONFIG, "unknown chain \"moon\""),
    (&["config", "check", "/nowhere.toml"], CONFIG, "/nowhere.toml"),
    (&["config", "check", "/dev"], CONFIG, "/dev"),
    (&["run", "--stratum-listen", "1"], USAGE, "--stratum-listen"),
    (&["run", "--chain", ""], CONFIG, "unknown chain \"\""),
    (&["run", "--peer", ""], CONFIG, "p2p.peers"),
    (&["run", "--parent-rpc", ""], CONFIG, "parent.rpc_url"),
];

/// The same of lanes, of the order to take no new miners, and of emergencies.
const ALONE_ABOUT_LANES: &[(&[&str], i32, &str)] = &[
    (&["lanes", "swtich"], USAGE, "'swtich'"),
    (&["lanes", "--watch", "0"], USAGE, "--watch"),
    (&["lanes", "ls", "--output", "xml"], USAGE, "possible values: table, json, csv"),
    (&["lanes", "status", "extra"], USAGE, "extra"),
    (&["lanes", "release", "devnet"], USAGE, "devnet"),
    (&["lanes", "switch"], USAGE, "<LANE>"),
    (&["lanes", "switch", "devnet"], USAGE, "--reason <TEXT>"),
    (&["lanes", "switch", "devnet", "--reason"], USAGE, "--reason <TEXT>"),
    (&["lanes", "switch", "--reason", "a test"], USAGE, "<LANE>"),
    (&["lanes", "switch", "devnet", "other", "--reason", "a test"], USAGE, "'other'"),
    (&["lanes", "switch", "devnet", "--reason", "one", "--reason", "two"], USAGE, "cannot be used multiple times"),
    (&["lanes", "state"], USAGE, "<STATE>"),
    (&["lanes", "state", ""], USAGE, "<STATE>"),
    (&["lanes", "state", "on"], USAGE, "unknown state \"on\"; known are dry-run, live and paused"),
    (&["lanes", "state", "live", "paused"], USAGE, "'paused'"),
    (&["lanes", "explain", "first"], USAGE, "'first'"),
    (&["lanes", "explain", "-1"], USAGE, "-1"),
    (&["lanes", "explain", "1.5"], USAGE, "'1.5'"),
    (&["lanes", "explain", "18446744073709551616"], USAGE, "18446744073709551616"),
    (&["lanes", "explain", "1", "2"], USAGE, "'2'"),
    (&["lanes", "replay"], USAGE, "<FILE>"),
    (&["lanes", "replay", "x", "--policy", "greed"], USAGE, "unknown mode \"greed\"; known are optimize-profit"),
    (&["lanes", "replay", "x", "--profile", "reckless"], USAGE, "unknown risk profile \"reckless\"; known are cons"),
    (&["lanes", "replay", "x", "--switch-cost-ms", "86400001"], USAGE, "--switch-cost-ms"),
    (&["lanes", "replay", "x", "--switch-cost-ms", "-1"], USAGE, "-1"),
    (&["lanes", "replay", "x", "--half-life-secs", "0"], USAGE, "--half-life-secs"),
    (&["lanes", "replay", "x", "--edge-min-percent", "nan"], USAGE, "expected percent, 0 to 100"),
    (&["lanes", "replay", "x", "--edge-min-percent", "101"], USAGE, "expected percent, 0 to 100"),
    (&["lanes", "replay", "x", "--seed", "many"], USAGE, "--seed"),
    (&["lanes", "replay", "/nowhere/history.csv"], FAILED, "cannot open /nowhere/history.csv"),
    (&["lanes", "replay", ""], USAGE, "<FILE>"),
    (&["lanes", "replay", "/dev"], FAILED, "it cannot be read"),
    (&["lanes", "replay", "/dev/null"], FAILED, "the history ends before any time has passed"),
    (&["lanes", "replay", "/dev/zero"], FAILED, "it is longer than 262144 bytes"),
    (&["drain", "now"], USAGE, "'now'"),
    (&["drain", "--off=yes"], USAGE, "--off"),
    (&["drain", "--off", "--off"], USAGE, "cannot be used multiple times"),
    (&["pause", "now"], USAGE, "'now'"),
    (&["resume", "--state", "live"], USAGE, "--state"),
    (&["emergencies", "all"], USAGE, "'all'"),
    (&["emergencies", "--limit", "5"], USAGE, "--limit"),
    (&["emergencies", "--watch", "0"], USAGE, "--watch"),
    (&["emergencies", "--output", "xml"], USAGE, "possible values: table, json, csv"),
    (&["--api", "http://127.0.0.1:1", "lanes", "status"], UNREACHABLE, "no node answers"),
    (&["--api", "http://127.0.0.1:1", "lanes", "state", "live"], UNREACHABLE, "no node answers"),
    (&["--api", "http://127.0.0.1:1", "drain"], UNREACHABLE, "no node answers"),
    (&["--api", "http://127.0.0.1:1", "emergencies"], UNREACHABLE, "no node answers"),
    (&["--api", "ftp://x", "lanes", "release"], USAGE, "--api"),
];

#[tokio::test]
async fn a_command_line_that_makes_no_sense_is_explained() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    for (arguments, code, names) in ALONE.iter().chain(ALONE_ABOUT_LANES) {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        refuses(&world, &arguments, *code, names).await?;
    }
    let no_text = OsString::from_vec(vec![b'x', 0xff]);
    for (before, code, names) in [
        (&["share"][..], USAGE, "invalid UTF-8"),
        (&["--api"], USAGE, "invalid UTF-8"),
        (&["config", "check"], CONFIG, "cannot read"),
        (&["verify"], FAILED, "cannot read"),
        (&["lanes", "switch"], USAGE, "invalid UTF-8"),
        (&["lanes", "replay"], FAILED, "cannot open"),
    ] {
        let arguments: Vec<OsString> = before.iter().map(OsString::from).chain([no_text.clone()]).collect();
        refuses(&world, &arguments, code, names).await?;
    }
    Ok(())
}

/// Files that are no history, and what is said of them.
const NO_HISTORIES: &[(&str, &[u8], &str)] = &[
    ("empty.csv", b"", "the history ends before any time has passed"),
    ("only-a-head.csv", b"secs,a,b\n", "the history ends before any time has passed"),
    ("one-moment.csv", b"secs,a,b\n0,1,1\n", "the history ends before any time has passed"),
    ("tale.txt", b"once upon a time\n", "the first cell is not secs"),
    ("short.csv", b"secs,a,b\n0,1,1\n60,1\n", "2 cells; the head has 3"),
    ("backwards.csv", b"secs,a\n60,1\n0,1\n", "its time 0 is not after 60"),
    ("no-number.csv", b"secs,a\n0,NaN\n", "\"NaN\" is not a number between"),
    ("cut.jsonl", b"{\"time\": 0, \"lanes\"", "it is no row of JSON"),
    ("other.json", b"{\"hello\": \"world\"}\n", "missing field `time`"),
    ("program", b"\x7fELF\x02\x01\x01\x00\xff\xfe\n", "it is not UTF-8"),
];

#[tokio::test]
async fn what_is_no_history_is_not_replayed() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let folder = world.place.folder("histories");
    std::fs::create_dir_all(&folder)?;
    for (name, text, names) in NO_HISTORIES {
        let file = folder.join(name);
        std::fs::write(&file, text)?;
        let arguments = ["lanes".into(), "replay".into(), OsString::from(&file)];
        refuses(&world, &arguments, FAILED, names).await?;
        refuses(&world, &arguments, FAILED, &format!("cannot replay {}", file.display())).await?;
    }
    Ok(())
}

/// Mistakes that a node finds.
const ASKED: &[(&[&str], i32, &str)] = &[
    (&["share", ""], REFUSED, "GET /api/v1/openapi.json"),
    (&["share", "zz"], REFUSED, "64"),
    (&["share", "../status"], REFUSED, "share"),
    (&["share", "0000000000000000000000000000000000000000000000000000000000000000"], REFUSED, "share"),
    (&["shares", "--address", "nobody"], REFUSED, "address"),
    (&["shares", "--address", ""], REFUSED, "address"),
    (&["shares", "--address", "a&own=true"], REFUSED, "address"),
    (&["events", "--kinds", "gossip"], REFUSED, "gossip"),
    (&["peers", "ban", "nobody"], REFUSED, "peer id"),
    (&["peers", "ban", ""], REFUSED, "peer id"),
    (&["peers", "ban", "10.0.0.1", "--for", "soon"], FAILED, "soon"),
    (&["peers", "unban", "10.0.0.300"], REFUSED, "peer id"),
    (&["peers", "add", ""], REFUSED, "/ip4/"),
    (&["peers", "add", "10.0.0.1:5"], REFUSED, "/ip4/"),
    (&["peers", "drop", "nobody"], REFUSED, "peer id"),
    (&["peers", "ping", ""], REFUSED, "peer id"),
    (&["payouts", "estimate", "nobody"], REFUSED, "address"),
    (&["payouts", "estimate", "../status"], REFUSED, "address"),
    (&["payouts", "history", "--address", "nobody"], REFUSED, "address"),
    (&["payouts", "audit", "zz"], REFUSED, "64"),
    (&["payouts", "prove", "nobody"], REFUSED, "address"),
    (&["lanes", "switch", "nobody", "--reason", "a test"], REFUSED, "there is no lane \"nobody\"; known are devnet"),
    (&["lanes", "switch", "", "--reason", "a test"], REFUSED, "there is no lane \"\""),
    (&["lanes", "switch", "../status", "--reason", "a test"], REFUSED, "there is no lane \"../status\""),
    (&["lanes", "switch", "devnet", "--reason", ""], REFUSED, "reason is missing"),
    (&["lanes", "switch", "devnet", "--reason", " "], REFUSED, "reason is missing"),
    (&["lanes", "explain", "0"], FAILED, "no such decision is known any more"),
    (&["lanes", "explain", "18446744073709551615"], FAILED, "no such decision is known any more"),
    (&["resume"], REFUSED, "nothing was paused"),
];

#[tokio::test]
async fn what_a_node_does_not_know_is_refused_in_its_words() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("one", &[]).await?;
    let cookie = world.place.folder("one").join("api.cookie");
    for (arguments, code, names) in ASKED {
        let mut all = vec!["--api", &node.endpoints.api];
        all.extend(*arguments);
        let arguments: Vec<OsString> = all.iter().map(OsString::from).collect();
        refuses(&world, &arguments, *code, names).await?;
    }
    let long = "x".repeat(5_000);
    let too_long = ["--api", &node.endpoints.api, "lanes", "switch", "devnet", "--reason", &long].map(OsString::from);
    refuses(&world, &too_long, REFUSED, "length limit").await?;
    let switching: Value = node.api.get("switching").await?;
    ensure!(switching["state"] == "DRY-RUN" && switching["manual_lane"].is_null(), "{switching}");
    ensure!(cookie.exists() && node.api.status().await?.mining, "and goes on mining");
    node.stop().await
}
