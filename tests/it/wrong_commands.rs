//! Every command with wrong input: an exit code that says whose mistake it is, words that name it, and nothing on stdout.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, process::Output, time::Duration};

use anyhow::ensure;
use tests::World;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// The command line makes no sense.
const USAGE: i32 = 2;
/// It could not be done.
const FAILED: i32 = 1;
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

#[tokio::test]
async fn a_command_line_that_makes_no_sense_is_explained() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    for (arguments, code, names) in ALONE {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        refuses(&world, &arguments, *code, names).await?;
    }
    let no_text = OsString::from_vec(vec![b'x', 0xff]);
    for (before, code, names) in [
        (&["share"][..], USAGE, "invalid UTF-8"),
        (&["--api"], USAGE, "invalid UTF-8"),
        (&["config", "check"], CONFIG, "cannot read"),
        (&["verify"], FAILED, "cannot read"),
    ] {
        let arguments: Vec<OsString> = before.iter().map(OsString::from).chain([no_text.clone()]).collect();
        refuses(&world, &arguments, code, names).await?;
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
    ensure!(cookie.exists() && node.api.status().await?.mining, "and goes on mining");
    node.stop().await
}
