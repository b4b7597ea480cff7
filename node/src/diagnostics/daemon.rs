//! One coin daemon: asked everything that mining on it needs, in an order in which an early failure explains the later ones.

use std::time::Duration;

use serde::{Deserialize, de::IgnoredAny};
use sharechain::{BlockHash, PayoutScript};
use tokio::time::timeout;

use super::{
    Finding,
    time::{self, Against},
};
use crate::{
    chain_profile::ChainProfile,
    clock::unix_now,
    config::{Config, DaemonConfig},
    parent::{
        Template,
        rpc::{RpcClient, RpcError, TemplateRequest},
        self_test::{SelfTestError, self_test},
        template::{CoinbaseRoom, TemplateError},
        zmq,
    },
};

mod connection;
mod template;
mod tip;

/// Time for all answers of one daemon; a single call has [`RPC_TIMEOUT`](crate::defaults::RPC_TIMEOUT).
const DAEMON_TIMEOUT: Duration = Duration::from_secs(40);
/// Time to connect and subscribe by ZMQ.
const ZMQ_TIMEOUT: Duration = Duration::from_secs(3);
/// Checks that need an answer of the daemon.
const NEED_ANSWERS: [&str; 7] = ["chain", "sync", "daemon-peers", "template", "longpoll", "clock", "zmq"];

/// A template, with what the node itself does not keep of it.
#[derive(Debug)]
struct Offered {
    template: Template,
    /// The daemon's time.
    time: u64,
    /// The least time that a block may have.
    time_min: u64,
    /// Transactions, before some made way for the coinbase.
    transactions: usize,
}

/// Why there is no template.
#[derive(Debug, thiserror::Error)]
enum NoTemplate {
    #[error(transparent)]
    Rpc(#[from] RpcError),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

#[derive(Deserialize)]
struct Times {
    curtime: u64,
    #[serde(default)]
    mintime: u64,
    transactions: Vec<IgnoredAny>,
}

struct Daemon<'a> {
    chain: &'a ChainProfile,
    config: &'a DaemonConfig,
    client: RpcClient,
    /// Its section in the configuration.
    section: &'static str,
    /// Addresses that are paid by configuration, with their keys.
    addresses: Vec<(&'static str, String)>,
}

/// Everything about one daemon; `index` is its place in the configuration.
pub(super) async fn look(config: &Config, index: usize, daemon: &DaemonConfig) -> Vec<Finding> {
    let client = match RpcClient::new(&daemon.url, daemon.auth.clone()) {
        Ok(client) => client,
        Err(cause) => return vec![Finding::of_error("rpc", &cause).about(&daemon.url)],
    };
    let section = if index == 0 { "parent" } else { "parent.fallback" };
    let daemon = Daemon { chain: &config.chain, config: daemon, client, section, addresses: addresses(config) };
    let mut findings = Vec::new();
    if timeout(DAEMON_TIMEOUT, Box::pin(daemon.ask(&mut findings))).await.is_err() {
        let slow = format!("has not answered all questions within {} s", DAEMON_TIMEOUT.as_secs());
        findings.push(
            Finding::error("rpc", slow).fix("look at its log: a full work queue (-rpcworkqueue), or a slow disk"),
        );
    }
    findings.into_iter().map(|found| found.about(&daemon.config.url)).collect()
}

/// Addresses that are paid by configuration, where no daemon can be asked: the configuration has parsed them.
pub(super) fn addresses_alone(config: &Config) -> Vec<Finding> {
    let addresses = addresses(config);
    addresses.iter().map(|(key, address)| template::address(key, address, &config.chain.name, None)).collect()
}

fn addresses(config: &Config) -> Vec<(&'static str, String)> {
    let text = |script: &PayoutScript| config.chain.addresses.format(script).unwrap_or_default();
    let default = config.stratum.default_script.as_ref().map(|script| ("stratum.default_address", text(script)));
    let fee = config.stratum.fee.as_ref().map(|fee| ("stratum.fee_address", text(&fee.script)));
    default.into_iter().chain(fee).collect()
}

impl Daemon<'_> {
    async fn ask(&self, findings: &mut Vec<Finding>) {
        let first = self.client.block_hash(0).await;
        findings.push(connection::rpc(&self.config.auth, self.section, first.as_ref().err()));
        if let Err(cause) = &first {
            findings.extend(connection::unanswered(cause, &NEED_ANSWERS));
            findings.extend(self.addresses_alone());
            return;
        }
        let tested = self_test(&self.client, &self.chain.params, &self.chain.daemon).await;
        findings.push(connection::chain(self.chain, &tested));
        if let Err(SelfTestError::WrongChain { .. } | SelfTestError::WrongNetwork { .. }) = tested {
            let rest = NEED_ANSWERS.iter().filter(|check| **check != "chain");
            findings.extend(rest.map(|check| Finding::skipped(check, "not asked: it is a daemon of another chain")));
            findings.extend(self.addresses_alone());
            return;
        }
        let before = self.client.best_block_hash().await.ok();
        let offered = self.template().await;
        findings.push(self.sync(before, offered.as_ref().err()).await);
        findings.push(tip::peers(self.client.connection_count().await, self.may_be_alone(&offered)));
        let tips = [before, self.client.best_block_hash().await.ok()];
        findings.push(template::content(&offered, &tips));
        match &offered {
            Ok(offered) => {
                findings.push(template::longpoll(offered.template.longpollid.is_some()));
                findings.push(self.clock(offered));
            }
            Err(_) => {
                findings.extend(["longpoll", "clock"].map(|check| Finding::skipped(check, "there is no template")));
            }
        }
        findings.push(self.zmq().await);
        for (key, address) in &self.addresses {
            let valid = self.client.is_valid_address(address).await.ok().flatten();
            findings.push(template::address(key, address, &self.chain.name, valid));
        }
    }

    /// What there is to say of the addresses without the daemon.
    fn addresses_alone(&self) -> impl Iterator<Item = Finding> {
        self.addresses.iter().map(|(key, address)| template::address(key, address, &self.chain.name, None))
    }

    /// On a chain of one's own there may be no others; Litecoin Core before 0.21.5.4 gives no templates then.
    fn may_be_alone(&self, offered: &Result<Offered, NoTemplate>) -> bool {
        let is_refused = |cause: &NoTemplate| {
            matches!(cause, NoTemplate::Rpc(RpcError::Daemon { code: template::NOT_CONNECTED, .. }))
        };
        self.chain.is_local && !offered.as_ref().is_err_and(is_refused)
    }

    async fn template(&self) -> Result<Offered, NoTemplate> {
        let profile = &self.chain.daemon;
        let request = TemplateRequest { rules: &profile.rules, arguments: &profile.arguments, longpollid: None };
        let json = self.client.block_template(request).await?;
        let template = Template::parse(json.get(), profile, &CoinbaseRoom::of(&self.chain.params))?;
        // What could be parsed above has these fields.
        let times: Times =
            serde_json::from_str(json.get()).map_err(|_| TemplateError::Json("no times or transactions".to_owned()))?;
        Ok(Offered { template, time: times.curtime, time_min: times.mintime, transactions: times.transactions.len() })
    }

    async fn sync(&self, best: Option<BlockHash>, no_template: Option<&NoTemplate>) -> Finding {
        let info = self.client.chain_info().await;
        let tip = match best {
            Some(best) => self.client.header(&best).await.ok(),
            None => None,
        };
        let tip_age = tip.map(|header| Duration::from_secs(unix_now().saturating_sub(u64::from(header.time))));
        let syncing = match no_template {
            Some(NoTemplate::Rpc(RpcError::Daemon { code: tip::IN_INITIAL_DOWNLOAD, message, .. })) => {
                Some(message.as_str())
            }
            _ => None,
        };
        tip::sync(info, syncing, tip_age.filter(|_| !self.chain.is_local))
    }

    fn clock(&self, offered: &Offered) -> Finding {
        // On a chain of one's own blocks may come faster than seconds pass, and then the chain is ahead of every clock.
        if self.chain.is_local && offered.time <= offered.time_min {
            return Finding::skipped("clock", "the chain's blocks are ahead of the daemon's clock");
        }
        time::judge(offered.time, unix_now(), Against::Daemon)
    }

    async fn zmq(&self) -> Finding {
        let Some(address) = &self.config.zmq_hashblock else {
            return Finding::skipped("zmq", "not configured; new blocks are seen by longpoll and poll");
        };
        let listed = self.client.zmq_notifications().await.ok().flatten();
        let subscribed = match timeout(ZMQ_TIMEOUT, zmq::probe(address)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => Err(cause.to_string()),
            Err(_) => Err(format!("no answer within {} s", ZMQ_TIMEOUT.as_secs())),
        };
        connection::zmq(address, self.section, listed.as_deref(), subscribed)
    }
}
