//! The tasks that follow the coin daemons: one for each, one that chooses among them, and the embedded devnet.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::Tasks;
use crate::{
    config::{Config, DaemonConfig, ParentConfig},
    error::NodeError,
    parent::{
        Daemons, ParentState,
        daemon::Follower,
        daemons::{self, Chooser},
        devnet::Devnet,
        rpc::{RpcAuth, RpcClient},
        zmq::{self, BlockListener},
    },
};

/// The tasks before they run, and what they will tell.
pub(super) struct ParentTasks {
    /// How others reach the daemons.
    pub(super) daemons: Daemons,
    /// What is known of the parent chain.
    pub(super) state: watch::Receiver<ParentState>,
    devnet: Option<Devnet>,
    followers: Vec<Follower>,
    listeners: Vec<BlockListener>,
    chooser: Chooser,
}

impl ParentTasks {
    /// The configured daemons, or the embedded one where none is configured.
    pub(super) async fn open(config: &Config) -> Result<Self, NodeError> {
        let (clients, devnet) = clients(&config.parent).await?;
        let (mut listeners, mut woken) = (Vec::new(), Vec::new());
        for (client, zmq) in clients {
            let block_seen = Arc::new(Notify::new());
            listeners.extend(zmq.map(|address| BlockListener { address, block_seen: block_seen.clone() }));
            woken.push((client, block_seen));
        }
        let clients = woken.iter().map(|(client, _)| client.clone()).collect();
        let (sender, state) = watch::channel(ParentState::starting());
        let profile = &config.chain;
        let (followers, chooser) = daemons::follow(woken, &profile.params, &profile.daemon, sender);
        Ok(Self { daemons: Daemons::new(clients, state.clone()), state, devnet, followers, listeners, chooser })
    }

    /// Where the embedded devnet answers.
    pub(super) fn devnet_url(&self) -> Option<String> {
        self.devnet.as_ref().map(|devnet| format!("http://{}", devnet.address()))
    }

    /// Starts them.
    pub(super) fn spawn(self, tasks: &Tasks) {
        if let Some(devnet) = self.devnet {
            tasks.try_spawn("devnet", devnet.run(tasks.token.clone()));
        }
        for follower in self.followers {
            tasks.spawn("parent daemon", follower.run(tasks.token.clone()));
        }
        for listener in self.listeners {
            tasks.spawn("zmq", zmq::run(listener, tasks.token.clone()));
        }
        tasks.spawn("choice of the daemon", self.chooser.run(tasks.token.clone()));
    }
}

/// A client for each daemon with its ZMQ address.
async fn clients(parent: &ParentConfig) -> Result<(Vec<(RpcClient, Option<String>)>, Option<Devnet>), NodeError> {
    match parent {
        ParentConfig::Daemons(daemons) => {
            let client = |daemon: &DaemonConfig| {
                Ok((RpcClient::new(&daemon.url, daemon.auth.clone())?, daemon.zmq_hashblock.clone()))
            };
            Ok((daemons.iter().map(client).collect::<Result<_, NodeError>>()?, None))
        }
        ParentConfig::Embedded(embedded) => {
            let devnet = Devnet::bind(embedded.clone()).await?;
            let url = format!("http://{}", devnet.address());
            Ok((vec![(RpcClient::new(&url, RpcAuth::None)?, None)], Some(devnet)))
        }
    }
}
