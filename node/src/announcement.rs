//! What this node tells others of itself, from its configuration and its keys. Nothing, unless it is configured.

use std::sync::Arc;

use libp2p::identity::Keypair;
use stratum::{Refuge, StratumHandle};
use tokio::sync::watch;
use tracing::warn;

use crate::{
    config::Config,
    data_dir,
    directory::{Directory, DirectoryView, OwnAds, OwnNode},
    error::NodeError,
    netgroup::AddressPolicy,
    p2p::Nodes,
};

/// The directory of the network task, and this node's own ads where it has some.
///
/// # Errors
/// When the operator's key cannot be read.
pub(crate) fn nodes(
    config: &Config,
    key: &Keypair,
    agent: &str,
    stratum: StratumHandle,
    (view, refuge): (watch::Sender<Arc<DirectoryView>>, watch::Sender<Option<Refuge>>),
) -> Result<Nodes, NodeError> {
    let params = config.chain.params.id();
    let hosts = config.p2p.address_policy;
    let own = own_node(config, key, agent, hosts)?.map(|own| OwnAds::new(own, params));
    Ok(Nodes { directory: Directory::new(params, hosts), hosts, own, stratum, view, refuge })
}

fn own_node(config: &Config, key: &Keypair, agent: &str, hosts: AddressPolicy) -> Result<Option<OwnNode>, NodeError> {
    let announced = &config.announcement;
    // Read even if nothing is announced: a wrong path should not wait for the day it is needed.
    let operator = announced.operator_key_file.as_deref().map(data_dir::operator_key).transpose()?;
    let endpoints = announced.endpoints.clone();
    if endpoints.is_empty() {
        return Ok(None);
    }
    for endpoint in endpoints.iter().filter(|endpoint| hosts == AddressPolicy::PublicOnly && !endpoint.host.is_public())
    {
        warn!(%endpoint, "directory.public_stratum names a host that others cannot reach; they ignore the whole ad");
    }
    let Ok(key) = key.clone().try_into_ed25519() else {
        warn!(
            "this node's key is not of ed25519, so it cannot be announced; hint: move node.key away to get a new one"
        );
        return Ok(None);
    };
    Ok(Some(OwnNode {
        key,
        operator,
        endpoints,
        region: config.p2p.region,
        country: announced.country,
        agent: agent.to_owned(),
    }))
}
