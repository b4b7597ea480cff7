//! The network under the nodes: a namespace with a device for each, the switch between them, and relays in and out.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use node::api::client::ApiClient;

use super::{
    delay_line::{DelayLine, Loss},
    geography::Geography,
    namespace::{Namespace, check_rights},
    relay::Relays,
    switch::{Switch, Traffic},
};
use crate::process::{NodeProcess, Place};

/// What to do without the rights.
const RIGHTS: &str = "an emulated network makes network namespaces and TAP devices, which needs root on Linux with iproute2 and nsenter; \
                      build as yourself, then run target/release/testnet with sudo (a pool on loopback needs nothing)";

/// What the nodes' traffic goes through; it ends when this is dropped.
#[derive(Debug)]
pub struct Network {
    switch: Switch,
    relays: Relays,
    namespaces: Vec<Arc<Namespace>>,
}

impl Network {
    /// Joins as many namespaces as the geography has nodes.
    ///
    /// # Errors
    /// Without the rights.
    pub(super) fn new(geography: &Geography, loss: Loss) -> anyhow::Result<Self> {
        check_rights().context(RIGHTS)?;
        let (mut namespaces, mut taps) = (Vec::new(), Vec::new());
        for node in 0..geography.len() {
            let namespace = Namespace::new().context("cannot make a network namespace")?;
            taps.push(namespace.connect(geography, node)?);
            namespaces.push(Arc::new(namespace));
        }
        let line = DelayLine::new(geography.one_way().to_vec(), loss);
        let switch = Switch::start(taps, geography, line).context("cannot start the switch")?;
        Ok(Self { switch, relays: Relays::default(), namespaces })
    }

    /// Where processes of a node are started.
    pub(super) fn place(&self, node: usize, outside: &Place) -> Place {
        outside.inside(&self.namespaces[node].path())
    }

    /// The namespace of a place.
    pub(super) fn namespace(&self, node: usize) -> Arc<Namespace> {
        self.namespaces[node].clone()
    }

    /// An address that a node reaches something out here at.
    ///
    /// # Errors
    /// When its namespace cannot be entered.
    pub(super) fn outwards(&mut self, node: usize, to: SocketAddr) -> anyhow::Result<SocketAddr> {
        self.relays.outwards(&self.namespaces[node], to).context("cannot relay the daemon")
    }

    /// Makes a node's endpoints ones that can be reached from out here.
    ///
    /// # Errors
    /// When no port is free.
    pub(super) fn reach(&mut self, node: usize, mut process: NodeProcess) -> anyhow::Result<NodeProcess> {
        for url in [&mut process.endpoints.api, &mut process.endpoints.stratum] {
            let inside = address_in(url)?;
            let outside = self.relays.inwards(&self.namespaces[node], inside).context("cannot relay a node")?;
            *url = url.replace(&inside.to_string(), &outside.to_string());
        }
        process.api = ApiClient::new(&process.endpoints.api)?;
        Ok(process)
    }

    /// The switch, to be told of partitions.
    pub(super) fn switch(&self) -> &Switch {
        &self.switch
    }

    /// What went through so far.
    pub(super) fn traffic(&self) -> &Arc<Traffic> {
        self.switch.traffic()
    }
}

/// The address in a URL.
pub(super) fn address_in(url: &str) -> anyhow::Result<SocketAddr> {
    let (_, address) = url.split_once("://").with_context(|| format!("{url} is no URL"))?;
    address.trim_end_matches('/').parse().with_context(|| format!("{url} names no address and port"))
}
