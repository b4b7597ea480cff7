//! What is wrong with a node's set-up and surroundings: one finding per check, with cause and fix.
//!
//! ```text
//! Config --look (async, bounded in time)--> facts --judge (pure)--> Finding --> command line, API
//! ```
//! Works with and without a running node, and changes nothing: the data directory is never made, and its store is opened
//! only when no node has it. Nothing here prints.

use std::{error::Error, io, time::Duration};

use serde::Serialize;
use tokio::time::timeout;

use crate::{
    config::{Config, ConfigError, DaemonConfig, ParentConfig},
    parent::rpc::RpcAuth,
};

mod daemon;
mod files;
mod folder;
mod ports;
mod running;
mod system;
mod time;

use folder::Folder;
use running::RunningNode;

/// Longest text of a finding, characters kept. Stops a hostile daemon or peer from filling a terminal.
const TEXT_LEN_MAX: usize = 800;
/// Time for everything that asks the file system: network mounts may hang.
const FILES_TIMEOUT: Duration = Duration::from_secs(30);

/// What one check has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check, the same in every version.
    pub check: &'static str,
    /// What was looked at, where a check looks at several things: a daemon, a port, a file.
    pub subject: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What is so.
    pub finding: String,
    /// Why, as far as that is known.
    pub cause: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// The node works, but not as well as it could, or not for long.
    Warning,
    /// The node does not start, or cannot do its work.
    Error,
    /// There was nothing to look at, or no way to.
    Skipped,
}

/// All findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// In the order of the checks.
    pub data: Vec<Finding>,
    /// About them.
    pub meta: Counts,
}

/// How many findings there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All of them.
    pub count: usize,
    /// Failed checks.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
}

impl Finding {
    fn new(check: &'static str, severity: Severity, finding: &str) -> Self {
        Self { check, subject: None, severity, finding: one_line(finding), cause: None, fix: None }
    }

    fn ok(check: &'static str, finding: impl AsRef<str>) -> Self {
        Self::new(check, Severity::Ok, finding.as_ref())
    }

    fn warning(check: &'static str, finding: impl AsRef<str>) -> Self {
        Self::new(check, Severity::Warning, finding.as_ref())
    }

    fn error(check: &'static str, finding: impl AsRef<str>) -> Self {
        Self::new(check, Severity::Error, finding.as_ref())
    }

    fn skipped(check: &'static str, finding: impl AsRef<str>) -> Self {
        Self::new(check, Severity::Skipped, finding.as_ref())
    }

    /// An error of ours: its words, the fix that they may hold, and its deepest cause.
    fn of_error(check: &'static str, error: &(dyn Error + 'static)) -> Self {
        let text = error.to_string();
        let (finding, fix) = split_hint(&text);
        let found = Self { cause: root_cause(error), ..Self::error(check, finding) };
        match fix {
            Some(fix) => found.fix(fix),
            None => found,
        }
    }

    fn about(self, subject: impl AsRef<str>) -> Self {
        Self { subject: Some(one_line(subject.as_ref())), ..self }
    }

    fn because(self, cause: impl AsRef<str>) -> Self {
        Self { cause: Some(one_line(cause.as_ref())), ..self }
    }

    fn fix(self, fix: impl AsRef<str>) -> Self {
        Self { fix: Some(one_line(fix.as_ref())), ..self }
    }
}

impl Diagnosis {
    fn new(data: Vec<Finding>) -> Self {
        let with = |severity| data.iter().filter(|finding| finding.severity == severity).count();
        let meta = Counts { count: data.len(), errors: with(Severity::Error), warnings: with(Severity::Warning) };
        Self { data, meta }
    }

    /// What there is to say where the configuration is refused: without it nothing can be looked at.
    pub fn of_refused_config(error: &ConfigError) -> Self {
        Self::new(vec![Finding::of_error("configuration", error)])
    }

    /// Whether no check failed; warnings may be there.
    pub const fn is_well(&self) -> bool {
        self.meta.errors == 0
    }
}

/// Looks at everything a node with this configuration needs. `api` is where a node is asked when the data directory does not
/// tell where its own one answers.
pub async fn diagnose(config: &Config, api: &str) -> Diagnosis {
    let folder = folder(config).await;
    let (running, mut findings) = Box::pin(RunningNode::find(&config.data_dir, &folder, api)).await;
    findings.insert(0, configuration(config));
    let listens = running.as_ref().map(RunningNode::listens);
    let (daemons, files) =
        tokio::join!(Box::pin(daemons(config, running.as_ref())), files(config, &folder, running.as_ref()));
    findings.extend(daemons);
    findings.extend(running.iter().flat_map(RunningNode::findings));
    findings.extend(ports::look(config, listens.as_ref()));
    findings.push(system::file_limit(config.stratum.connections_max));
    findings.extend(files);
    Diagnosis::new(findings)
}

async fn folder(config: &Config) -> Folder {
    let path = config.data_dir.clone();
    let looked = timeout(FILES_TIMEOUT, tokio::task::spawn_blocking(move || Folder::look(&path))).await;
    looked.ok().and_then(Result::ok).unwrap_or(Folder::Closed(io::ErrorKind::TimedOut))
}

fn configuration(config: &Config) -> Finding {
    Finding::ok("configuration", format!("chain {}, data directory {}", config.chain.name, config.data_dir.display()))
}

/// Every daemon, all at once: a silent one holds up none of the others.
async fn daemons(config: &Config, running: Option<&RunningNode>) -> Vec<Finding> {
    let embedded;
    let daemons = match &config.parent {
        ParentConfig::Daemons(daemons) => daemons.as_slice(),
        ParentConfig::Embedded(_) => match running.and_then(RunningNode::devnet_rpc) {
            Some(url) => {
                embedded = [DaemonConfig { url: url.to_owned(), auth: RpcAuth::None, zmq_hashblock: None }];
                embedded.as_slice()
            }
            None => {
                let nothing = "the devnet chain runs inside the node, so there is no daemon to look at";
                return [vec![Finding::skipped("rpc", nothing)], daemon::addresses_alone(config)].concat();
            }
        },
    };
    let looks = daemons.iter().enumerate().map(|(index, daemon)| daemon::look(config, index, daemon));
    futures::future::join_all(looks).await.concat()
}

/// What lies in files, on a thread that may wait for them.
async fn files(config: &Config, folder: &Folder, running: Option<&RunningNode>) -> Vec<Finding> {
    let (config, folder, shares) = (config.clone(), folder.clone(), running.map(RunningNode::shares));
    let look = tokio::task::spawn_blocking(move || {
        [vec![system::disk(&config.data_dir)], files::look(&config, &folder, shares)].concat()
    });
    match timeout(FILES_TIMEOUT, look).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(panicked)) => vec![Finding::of_error("disk", &panicked)],
        Err(_) => {
            let silent = format!("the file system has not answered within {} s", FILES_TIMEOUT.as_secs());
            vec![Finding::error("disk", silent).fix("is the data directory on a network mount that hangs?")]
        }
    }
}

/// Text on one line, and not too much of it.
fn one_line(text: &str) -> String {
    let kept = text.trim().chars().take(TEXT_LEN_MAX);
    kept.map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Our messages carry what to do after `hint:`.
fn split_hint(text: &str) -> (&str, Option<&str>) {
    match text.split_once("hint: ") {
        Some((finding, fix)) => (finding.trim_end_matches([';', ' ', '\n']), Some(fix.trim())),
        None => (text, None),
    }
}

/// The innermost of an error's causes: what the system said.
fn root_cause(error: &(dyn Error + 'static)) -> Option<String> {
    let mut root = error.source()?;
    while let Some(cause) = root.source() {
        root = cause;
    }
    Some(one_line(&root.to_string()))
}

#[cfg(test)]
mod tests;
