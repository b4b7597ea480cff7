//! Mistakes of operators: each is answered in words that say what to do, and none stops a pool that runs.

use std::{process::Output, time::Duration};

use testnet::{
    miner::devnet_user,
    process::{NodeOptions, Place},
};
use tests::{SteppedMiner, World, ensure_eq, wait_for};

/// Runs `poolnode` with these arguments to its end.
async fn poolnode(world: &World, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = world.place.command("poolnode");
    command.args(arguments).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    Ok(tokio::time::timeout(Duration::from_secs(20), command.output()).await??)
}

/// Runs `poolnode`, which must fail with every part of `expected` in its message.
async fn refuses(world: &World, arguments: &[&str], expected: &[&str]) -> anyhow::Result<()> {
    let output = poolnode(world, arguments).await?;
    let text = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(!output.status.success(), "{arguments:?} succeeded");
    for part in expected {
        anyhow::ensure!(text.contains(part), "{arguments:?} does not say {part:?}:\n{text}");
    }
    anyhow::ensure!(!text.contains("panicked"), "{text}");
    Ok(())
}

#[tokio::test]
async fn mistakes_are_named_with_a_way_out() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let folder = world.place.folder("scratch");
    std::fs::create_dir_all(&folder)?;
    let config = folder.join("poolnode.toml");
    let (config_text, folder_text) = (config.display().to_string(), folder.display().to_string());
    let run = |extra: &[&'static str]| {
        let mut arguments = vec!["run", "--data-dir", folder_text.as_str(), "--p2p-listen", "/ip4/127.0.0.1/tcp/0"];
        arguments.extend(extra);
        arguments.into_iter().map(ToOwned::to_owned).collect::<Vec<String>>()
    };
    let refused = async |arguments: Vec<String>, expected: &[&str]| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        refuses(&world, &arguments, expected).await
    };

    std::fs::write(&config, "[stratum]\nlisen = \"127.0.0.1:1\"\n")?;
    let with_config = ["run", "--config", &config_text];
    refuses(&world, &with_config, &["poolnode.toml:2:1: unknown key `lisen`", "hint: did you mean `listen`?"]).await?;
    std::fs::write(&config, "chain = [\n")?;
    refuses(&world, &with_config, &["error:", "poolnode.toml"]).await?;
    std::fs::write(&config, "[stratum]\ntls_cert_file = \"/nowhere/x.pem\"\ntls_key_file = \"/nowhere/x.key\"\n")?;
    let with_config_and_folder = ["run", "--config", &config_text, "--data-dir", &folder_text];
    refuses(&world, &with_config_and_folder, &["cannot read /nowhere/x."]).await?;
    refuses(&world, &["run", "--config", "/nowhere/x.toml"], &["cannot read /nowhere/x.toml"]).await?;
    refused(run(&["--chain", "dogecoin"]), &["unknown chain \"dogecoin\"", "devnet"]).await?;
    refused(run(&["--region", "XX"]), &["unknown region \"XX\"", "EU"]).await?;
    refused(run(&["--peer", "10.0.0.1"]), &["p2p.peers", "10.0.0.1", "/ip4/"]).await?;
    refused(run(&["--seed", "pool.example:23333"]), &["p2p.seeds", "pool.example:23333", "/ip4/"]).await?;
    std::fs::write(&config, "[p2p]\nrelays = [\"/ip4/10.0.0.1/tcp/5\"]\n")?;
    refuses(&world, &with_config, &["p2p.relays", "/ip4/10.0.0.1/tcp/5", "add its peer id"]).await?;
    std::fs::write(&config, "[p2p]\nexternal = [\"10.0.0.1\"]\n")?;
    refuses(&world, &with_config, &["p2p.external", "10.0.0.1", "/ip4/"]).await?;
    refused(run(&["--api-listen", "0.0.0.0:0"]), &["api.token_file is needed"]).await?;
    refused(run(&["--stratum-v2-listen", "x"]), &["--stratum-v2-listen", "invalid socket address"]).await?;
    refused(run(&["--strtum-listen", "x"]), &["--stratum-listen"]).await?;
    refuses(&world, &["--api", "http://127.0.0.1:9", "status"], &["no node answers at http://127.0.0.1:9", "--api"])
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_busy_port_and_a_busy_folder_are_named() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let first = world.node("first", &[]).await?;
    let stratum = first.endpoints.stratum.trim_start_matches("stratum+tcp://").to_owned();
    let api = first.endpoints.api.trim_start_matches("http://").to_owned();
    let p2p = first.endpoints.p2p[0].split("/p2p/").next().unwrap_or_default().to_owned();
    let (folder, other) = (world.place.folder("first"), world.place.folder("second"));
    let (folder, other) = (folder.display().to_string(), other.display().to_string());
    let rpc = world.devnet.rpc.clone();
    let arguments = |data_dir: &str, stratum: &str, api: &str, p2p: &str| {
        let flags = ["run", "--parent-rpc", &rpc, "--data-dir", data_dir, "--stratum-listen", stratum];
        let more = ["--api-listen", api, "--p2p-listen", p2p];
        flags.into_iter().chain(more).map(ToOwned::to_owned).collect::<Vec<String>>()
    };
    let (any, any_p2p) = ("127.0.0.1:0", "/ip4/127.0.0.1/tcp/0");
    let cases = [
        (arguments(&folder, any, any, any_p2p), vec!["is in use by another poolnode", "--data-dir"]),
        (arguments(&other, &stratum, any, any_p2p), vec!["cannot listen on", "for miners", "--stratum-listen"]),
        (arguments(&other, any, &api, any_p2p), vec!["cannot listen on", "for the api", "--api-listen"]),
        (arguments(&other, any, any, &p2p), vec!["cannot listen on", "for peers", "--p2p-listen"]),
    ];
    for (arguments, expected) in cases {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        refuses(&world, &arguments, &expected).await?;
    }
    anyhow::ensure!(first.api.status().await?.mining, "the first node does not care");
    first.stop().await
}

#[tokio::test]
async fn a_folder_of_another_pool_is_named_and_stays_as_it_is() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("alice")?).await?;
    let share = miner.mine_one().await?;
    node.stop().await?;
    let config = world.place.folder("private.toml");
    std::fs::write(&config, "password = \"another pool\"\n")?;
    let (config, folder) = (config.display().to_string(), world.place.folder("node").display().to_string());
    let private = ["run", "--config", &config, "--data-dir", &folder, "--parent-rpc", &world.devnet.rpc];
    let expected = ["node cannot be used", "of another share chain", "password", "data directory of its own"];
    refuses(&world, &private, &expected).await?;
    ensure_eq(&poolnode(&world, &private).await?.status.code(), &Some(5), "exit code")?;
    doctor_names_another_pool(&world, &config, &folder).await?;
    let checked = poolnode(&world, &["db", "check", "--config", &config, "--data-dir", &folder]).await?;
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    anyhow::ensure!(said.contains("of another share chain") && checked.status.code() == Some(1), "{said}");
    // Own shares would come from their journal.
    std::fs::remove_dir_all(world.place.folder("node").join("shares"))?;
    doctor_names_another_pool(&world, &config, &folder).await?;
    refuses(&world, &private, &expected).await?;
    doctor_names_another_pool(&world, &config, &folder).await?;
    let node = world.node("node", &[]).await?;
    ensure_eq(&node.api.share(&share).await?.id, &share, "the share")?;
    node.stop().await
}

async fn doctor_names_another_pool(world: &World, config: &str, folder: &str) -> anyhow::Result<()> {
    let looked = poolnode(world, &["doctor", "--config", config, "--data-dir", folder]).await?;
    let said = String::from_utf8_lossy(&looked.stdout).into_owned();
    anyhow::ensure!(said.contains("is of another share chain, so this node does not start"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_daemon_that_does_not_answer_is_waited_for_in_words() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = Place::new(folder.path())?;
    // A port that nobody listens on any more.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let rpc = format!("http://127.0.0.1:{port}");
    let options = NodeOptions { parent_rpc: rpc.clone(), ..NodeOptions::default() };
    let node = place.node("node", &options).await?;
    let status = wait_for("the problem to be named", Duration::from_secs(10), async || {
        let status = node.api.status().await?;
        Ok(status
            .parent
            .problem
            .as_ref()
            .is_some_and(|problem| problem.contains("no daemon answers"))
            .then_some(status))
    })
    .await?;
    anyhow::ensure!(status.parent.problem.is_some_and(|problem| problem.contains(&rpc)) && !status.mining);
    let _devnet = place.devnet_at(port, 30).await?;
    wait_for("work when the daemon is there", Duration::from_secs(20), async || {
        let status = node.api.status().await?;
        Ok((status.mining && status.parent.ready).then_some(()))
    })
    .await?;
    node.stop().await
}

#[tokio::test]
async fn what_is_no_daemon_gives_no_work() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    // Something that answers HTTP, but is no daemon: the node's own API.
    let stranger = world.node("stranger", &[]).await?;
    let options = NodeOptions { parent_rpc: stranger.endpoints.api.clone(), ..NodeOptions::default() };
    let node = world.place.node("node", &options).await?;
    let status = wait_for("the problem to be named", Duration::from_secs(10), async || {
        let status = node.api.status().await?;
        Ok(status.parent.problem.clone().filter(|problem| problem.contains("makes no sense")).map(|_| status))
    })
    .await?;
    ensure_eq(&status.mining, &false, "no work from a stranger")?;
    node.stop().await?;
    stranger.stop().await
}

#[tokio::test]
async fn a_daemon_that_accepts_and_stays_silent_is_named() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = Place::new(folder.path())?;
    // The system accepts for it; nobody ever reads or answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let rpc = format!("http://{}", silent.local_addr()?);
    let node = place.node("node", &NodeOptions { parent_rpc: rpc.clone(), ..NodeOptions::default() }).await?;
    wait_for("the problem to be named", Duration::from_secs(60), async || {
        let problem = node.api.status().await?.parent.problem;
        Ok(problem.filter(|problem| problem.contains(&rpc) && problem.contains("did not answer")))
    })
    .await?;
    ensure_eq(&node.api.status().await?.mining, &false, "no work without a daemon")?;
    node.stop().await
}
