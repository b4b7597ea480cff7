//! Configurations as operators meet them: several sources, exit codes, a first file by `init`, and a change at SIGHUP.

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use anyhow::Context;
use serde_json::Value;
use testnet::{
    miner::devnet_user,
    process::{NodeOptions, Place},
};
use tests::{SteppedMiner, World, ensure_eq, wait_for};
use tokio::{process::Command, time::timeout};

/// Nothing listens here.
const NOWHERE: &str = "http://127.0.0.1:1";

/// Exit code, stdout and stderr.
async fn output(command: &mut Command) -> anyhow::Result<(i32, String, String)> {
    let output = command.output().await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((output.status.code().context("killed")?, text(output.stdout), text(output.stderr)))
}

async fn run(place: &Place, arguments: &[&str]) -> anyhow::Result<(i32, String, String)> {
    output(place.command("poolnode").args(arguments)).await
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

#[tokio::test]
async fn every_value_says_where_it_comes_from() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = Place::new(folder.path())?;
    let file = folder.path().join("node.toml");
    std::fs::write(&file, "[p2p]\nregion = \"EU\"\nupnp = true\n[stratum]\npassword = \"31337\"\n")?;
    let mut command = place.command("poolnode");
    command.env("POOLNODE__P2P__REGION", "AS").env("POOLNODE__API__LISTEN", "127.0.0.1:2").env("POOLNODE_PORT", "1");
    command.args(["config", "show", "--json", "--region", "NA", "--config", text(&file)]);
    let (code, shown, refused) = output(&mut command).await?;
    ensure_eq(&(code, refused.as_str()), &(0, ""), "config show")?;
    let shown: Value = serde_json::from_str(&shown)?;
    let entries = shown["data"].as_array().context("no list")?;
    for (key, value, origin, place) in [
        ("p2p.region", "NA", "flag", "--region".to_owned()),
        ("api.listen", "127.0.0.1:2", "env", "POOLNODE__API__LISTEN".to_owned()),
        ("stratum.password", "(hidden)", "file", format!("{}:5:1", file.display())),
        ("chain", "devnet", "default", String::new()),
    ] {
        let entry = entries.iter().find(|entry| entry["key"] == *key).with_context(|| format!("no {key}"))?;
        ensure_eq(&(entry["value"].as_str(), entry["origin"].as_str()), &(Some(value), Some(origin)), key)?;
        ensure_eq(&entry["place"].as_str().unwrap_or_default(), &place.as_str(), key)?;
    }
    Ok(())
}

#[tokio::test]
async fn exit_codes_tell_what_went_wrong() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let faulty = world.place.folder("faulty.toml");
    std::fs::write(&faulty, "chain = \"devnet\"\n[stratum]\nlsten = 1\n")?;
    let id = "0".repeat(64);
    for (arguments, expected, words) in [
        (vec!["version", "--api", NOWHERE], 0, ""),
        (vec!["peers", "unban", "10.1.2.3", "--api", &node.endpoints.api], 1, ""),
        (vec!["status", "--everything"], 2, "--everything"),
        (vec!["status", "--api", NOWHERE], 3, "no node answers"),
        (vec!["share", &id, "--api", &node.endpoints.api], 4, "unknown share"),
        (
            vec!["config", "check", text(&faulty)],
            5,
            "faulty.toml:3:1: unknown key `lsten`\nhint: did you mean `listen`?",
        ),
        (vec!["run", "--config", text(&faulty)], 5, "unknown key `lsten`"),
        (vec!["run", "--region", "Mars"], 5, "--region: p2p.region:"),
    ] {
        let (code, _, error) = run(&world.place, &arguments).await?;
        ensure_eq(&code, &expected, &arguments.join(" "))?;
        anyhow::ensure!(error.contains(words), "{arguments:?}: {error}");
    }
    let (code, _, error) =
        output(world.place.command("poolnode").env("POOLNODE__STRATUM_LISTEN", "x").args(["config", "check"])).await?;
    ensure_eq(&code, &5, "an unknown variable")?;
    anyhow::ensure!(error.contains("did you mean `POOLNODE__STRATUM__LISTEN`?"), "{error}");
    node.stop().await
}

#[tokio::test]
async fn what_is_generated_is_taken() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = Place::new(folder.path())?;
    for purpose in ["dev", "testnet", "prod"] {
        let (code, generated, _) = run(&place, &["config", "generate", "--env", purpose]).await?;
        ensure_eq(&code, &0, purpose)?;
        let file = folder.path().join(purpose);
        std::fs::write(&file, generated)?;
        let (code, checked, error) = run(&place, &["config", "check", text(&file)]).await?;
        anyhow::ensure!(code == 0 && checked.contains(": ok: chain "), "{purpose}: {checked}{error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_first_file_is_for_its_owner_and_is_not_replaced_unasked() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = Place::new(folder.path())?;
    let file = folder.path().join("new/node.toml");
    let init = ["init", "--yes", "--out", text(&file), "--chain", "bitcoin-regtest", "--auth", "pool:secret"];
    let (code, said, error) =
        run(&place, &[&init[..], &["--hashrate", "1 TH/s", "--miners", "public"]].concat()).await?;
    anyhow::ensure!(code == 0, "{error}");
    anyhow::ensure!(said.contains("your share every") && said.contains("poolnode run --config"), "{said}");
    ensure_eq(&(std::fs::metadata(&file)?.permissions().mode() & 0o777), &0o600, "mode")?;
    let written = std::fs::read_to_string(&file)?;
    anyhow::ensure!(
        written.contains("\nrpc_password = \"secret\"\n") && written.contains("\nlisten = \"0.0.0.0:23336\"\n")
    );

    let (code, _, error) = run(&place, &init).await?;
    anyhow::ensure!(code == 1 && error.contains("is there already\nhint: --force"), "{code}: {error}");
    ensure_eq(&std::fs::read_to_string(&file)?, &written, "the file that was there")?;
    ensure_eq(&run(&place, &[&init[..], &["--force"]].concat()).await?.0, &0, "--force")?;
    anyhow::ensure!(std::fs::read_to_string(&file)? != written);
    ensure_eq(&(std::fs::metadata(&file)?.permissions().mode() & 0o777), &0o600, "mode")?;

    let (code, _, error) = output(place.command("poolnode").arg("init").stdin(std::process::Stdio::null())).await?;
    anyhow::ensure!(code == 1 && error.contains("there is no terminal"), "{code}: {error}");
    Ok(())
}

#[tokio::test]
async fn a_node_takes_over_what_changed_and_keeps_its_miners() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let file = world.place.folder("node.toml");
    let write = |connections_max: u32, more: &str| {
        let text = format!(
            "[parent]\nrpc_url = {:?}\n[stratum]\nconnections_max = {connections_max}\n{more}",
            world.devnet.rpc
        );
        std::fs::write(&file, text)
    };
    write(1, "")?;
    let options = NodeOptions { config: Some(file.clone()), ..NodeOptions::default() };
    let mut node = world.place.node("node", &options).await?;
    let mut first = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("first")?).await?;
    first.mine_one().await?;
    let (url, user) = (node.endpoints.stratum.clone(), devnet_user("second")?);
    let mut second = Box::pin(SteppedMiner::connect(&url, &user));
    anyhow::ensure!(timeout(Duration::from_secs(2), &mut second).await.is_err(), "there is room for one miner only");

    let said = async |words: &str| {
        wait_for(words, Duration::from_secs(20), async || {
            Ok(world.place.log_text("node")?.contains(words).then_some(()))
        })
        .await
    };
    let operator = devnet_user("operator")?;
    let fee = format!("fee_percent = 2.5\nfee_address = {:?}\n", operator.trim_end_matches(".operator"));
    write(2, &format!("tls = false\n{fee}"))?;
    node.hang_up()?;
    said("stratum.connections_max is now 2, was 1").await?;
    said("stratum.tls is false in the configuration, and stays true until the node is restarted").await?;
    said("stratum.fee_percent is now 2.5, was not set").await?;
    ensure_eq(&node.api.status().await?.fee_basis_points, &250, "the fee")?;
    let mut second = timeout(Duration::from_secs(20), second).await.context("still no room")??;
    second.mine_one().await?;

    write(3, "tlss = false\n")?;
    node.hang_up()?;
    said("the configuration stays as it is: ").await?;
    anyhow::ensure!(node.is_running() && !world.place.log_text("node")?.contains("connections_max is now 3"));
    first.mine_one().await.context("the first miner is still connected")?;
    node.stop().await
}
