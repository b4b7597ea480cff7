//! `poolnode init`: asks what a node needs to know, and writes its configuration.
//!
//! The questions are a state machine ([`wizard`]); this is the terminal and the file. An existing file is never replaced
//! without `--force`.

use std::{
    fs::{self, OpenOptions},
    io::{self, IsTerminal, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use node::{
    ChainProfile, Config,
    chain_profile::known_chains,
    config::{Expectation, Outlook, ParentConfig, Sources, daemon_place},
    data_dir::write_durably,
    parent::rpc::RpcClient,
};
use tokio::time::timeout;

mod wizard;

pub(crate) use wizard::Question;

use crate::{args::InitArgs, render};
use wizard::{Prompt, Wizard};

/// Name of the file in the data folder, when no other is given.
const FILE_NAME: &str = "poolnode.toml";
/// Time for the daemon to say how hard its blocks are. Without an answer less is told.
const DAEMON_TIMEOUT: Duration = Duration::from_secs(4);
/// Pools to tell of: times the miner's own hash rate.
const POOLS: [f64; 3] = [1.0, 100.0, 10_000.0];

/// Asks, writes, and says what comes next.
pub(crate) async fn run(args: InitArgs) -> anyhow::Result<ExitCode> {
    let mut wizard = Wizard::new(found_cookies());
    while let Some(prompt) = wizard.next() {
        let question = prompt.question;
        let given =
            args.answer(question).map(ToOwned::to_owned).or_else(|| prompt.default.clone().filter(|_| args.yes));
        match given {
            Some(answer) => wizard.answer(question, &answer).map_err(|why| anyhow!("{}: {why}", question.flag()))?,
            None if args.yes => bail!("{} is missing", question.flag()),
            None => {
                if let Err(why) = wizard.answer(question, &ask(&prompt)?) {
                    render::aside(&format!("  {why}"));
                }
            }
        }
    }
    if let Some(unasked) = wizard.unasked().find(|question| args.answer(*question).is_some()) {
        bail!("{} says nothing here: {}", unasked.flag(), unasked.why_unasked());
    }
    let text = wizard.text().context("the chain is known by now")?;
    let config = written(&text, &args)?;
    let path = args.out.clone().unwrap_or_else(|| config.data_dir.join(FILE_NAME));
    render::line(&format!("wrote {}", path.display()))?;
    if let (Some(hashrate), Some(chain)) = (wizard.hashrate(), wizard.chain()) {
        let outlooks = POOLS.map(|factor| Outlook { hashrate, pool_hashrate: hashrate * factor, block_hashes: None });
        let block_hashes = block_hashes(&config).await;
        let outlooks = outlooks.map(|outlook| Outlook { block_hashes, ..outlook });
        render::line(&expectations(chain, &outlooks))?;
    }
    render::line(&next_steps(&path, &config))?;
    Ok(ExitCode::SUCCESS)
}

/// Cookies of daemons on this machine, main networks before the others.
fn found_cookies() -> Vec<(String, String)> {
    let cookie = |chain: &str| Some((chain.to_owned(), daemon_place(chain)?.found_cookie()?));
    known_chains().into_iter().filter_map(cookie).collect()
}

/// One line of the terminal; the default where it is empty.
fn ask(prompt: &Prompt) -> anyhow::Result<String> {
    let default = prompt.default.as_ref().map(|default| format!(" [{default}]")).unwrap_or_default();
    if !io::stdin().is_terminal() {
        bail!(
            "there is no terminal to ask on\nhint: --yes takes the defaults, and flags answer the questions: poolnode init --help"
        );
    }
    let mut terminal = io::stderr().lock();
    write!(terminal, "{}{default}: ", prompt.text)?;
    terminal.flush()?;
    let mut answer = String::new();
    if io::stdin().read_line(&mut answer)? == 0 {
        bail!("the questions were not answered to the end; nothing is written");
    }
    match (answer.trim(), &prompt.default) {
        ("", Some(default)) => Ok(default.clone()),
        (answer, _) => Ok(answer.to_owned()),
    }
}

/// Writes the file and reads it again, as a node will.
fn written(text: &str, args: &InitArgs) -> anyhow::Result<Config> {
    let config = node::config::RawConfig::parse(text, Path::new(FILE_NAME))?.resolve()?;
    let path = args.out.clone().unwrap_or_else(|| config.data_dir.join(FILE_NAME));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(|| cannot("create", folder))?;
    }
    if args.force {
        write_durably(&path, text.as_bytes()).with_context(|| cannot("write", &path))?;
    } else {
        let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                bail!("{} is there already\nhint: --force replaces it, --out writes another file", path.display())
            }
            opened => opened.with_context(|| cannot("create", &path))?,
        };
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(|| cannot("write", &path))?;
    }
    Ok(Sources { file: Some(path), ..Sources::default() }.read()?)
}

fn cannot(action: &str, path: &Path) -> String {
    format!("cannot {action} {}", path.display())
}

/// How many hashes a block takes, if the daemon answers.
async fn block_hashes(config: &Config) -> Option<f64> {
    let ParentConfig::Daemons(daemons) = &config.parent else { return None };
    let daemon = daemons.first()?;
    let rpc = RpcClient::new(&daemon.url, daemon.auth.clone()).ok()?;
    let newest = async { rpc.header(&rpc.best_block_hash().await?).await };
    let header = timeout(DAEMON_TIMEOUT, newest).await.ok()?.ok()?;
    Some(header.bits.to_target()?.work()?.hashes() as f64)
}

/// What to expect, for pools of several sizes.
fn expectations(chain: &ChainProfile, outlooks: &[Outlook]) -> String {
    let mut lines = vec!["\nwhat to expect, on average, in a pool that has in all".to_owned()];
    for outlook in outlooks {
        let Expectation { share_secs, block_secs, part } = outlook.expectation(chain);
        let block = block_secs.map_or_else(
            || "no daemon answers, so the time to a payout is not known".to_owned(),
            |secs| format!("a payout every {} ({} of the block)", long(secs), percent(part)),
        );
        let share = long(share_secs);
        lines.push(format!("  {:>12}  your share every {share}, {block}", render::hashrate(outlook.pool_hashrate)));
    }
    lines.join("\n")
}

fn percent(part: f64) -> String {
    format!("{} %", part * 100.0)
}

/// A time that may be very long.
fn long(secs: f64) -> String {
    const DAY: f64 = 86_400.0;
    match secs / DAY {
        years if years >= 365.0 => format!("{:.1} years", years / 365.0),
        days if days >= 2.0 => format!("{days:.1} days"),
        _ if secs < 1.0 => "moment".to_owned(),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 s to two days")]
        _ => render::duration(secs.round() as u64),
    }
}

fn next_steps(path: &Path, config: &Config) -> String {
    let file = path.display();
    let miners = config.stratum.listen;
    let host = if miners.ip().is_unspecified() { "HOST".to_owned() } else { miners.ip().to_string() };
    let user = if config.stratum.default_script.is_some() { "WORKER" } else { "ADDRESS.WORKER" };
    format!(
        "\nnext:\n  poolnode doctor --config {file}    # is everything there that the node needs?\n  \
         poolnode run --config {file}\n  miners: stratum+tcp://{host}:{}  user {user}",
        miners.port()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_unit_that_fits() {
        assert_eq!(
            [0.3, 61.0, 7_200.0, 200_000.0, 4e9].map(long),
            ["moment", "1m01", "2h00", "2.3 days", "126.8 years"]
        );
    }

    #[test]
    fn what_to_expect_is_said_for_every_pool() {
        let chain = ChainProfile::find("bitcoin", None).unwrap();
        let of = |block_hashes| [Outlook { hashrate: 1e12, pool_hashrate: 1e14, block_hashes }];
        let text = expectations(&chain, &of(Some(6e23)));
        assert!(
            text.ends_with("100.00 TH/s  your share every 1m40, a payout every 190.3 years (1 % of the block)"),
            "{text}"
        );
        assert!(expectations(&chain, &of(None)).ends_with("no daemon answers, so the time to a payout is not known"));
    }
}
