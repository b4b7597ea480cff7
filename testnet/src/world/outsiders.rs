//! Hostile peers and hostile miners, each in a place of its own beside the nodes: they come over the emulated network like
//! everybody else. A ban holds for an address, so each place moves on to another of its 254 all the time.

use std::{
    collections::BTreeSet, net::SocketAddr, ops::RangeInclusive, path::Path, sync::Arc, thread::JoinHandle,
    time::Duration,
};

use anyhow::Context;
use libp2p::Multiaddr;
use node::config::RawConfig;
use sharechain::ParamsId;
use tokio::{process::Command, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{emulation::WorldPlan, geography::Geography, namespace::Namespace, network::Network};
use crate::{hostile::crew::Crew, process::Place};

/// Junk connections of one place at once: one of each kind.
const JUNK_CONNECTIONS: u32 = 9;
/// Seconds that one victim is visited by junk.
const JUNK_SECS: u64 = 20;
/// Time between two visits.
const JUNK_PAUSE: Duration = Duration::from_secs(2);
/// Time that an outsider has one address.
const ADDRESS_TIME: Duration = Duration::from_secs(10);

/// Addresses of an outsider, by their last byte.
const HOSTS: RangeInclusive<u8> = 1..=254;

/// See the module; they end when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Outsiders {
    stop: CancellationToken,
    crews: Vec<JoinHandle<anyhow::Result<Crew>>>,
    /// Each gives the number of its visits.
    junk: JoinSet<u64>,
    /// Each moves an outsider to another address all the time.
    moving: JoinSet<anyhow::Result<()>>,
    /// All addresses that they have in turn.
    addresses: BTreeSet<String>,
}

/// What all of them did.
#[derive(Debug, Default)]
pub(super) struct Siege {
    /// Names by which nodes ban them: ids and addresses.
    pub(super) identities: BTreeSet<String>,
    /// Sessions that were begun with nodes, as peers.
    pub(super) sessions: u64,
    /// Visits of junk to nodes, as miners.
    pub(super) junk_runs: u64,
}

impl Drop for Outsiders {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Outsiders {
    /// Starts as many as are planned, in the places after those of the nodes.
    pub(super) fn start(
        plan: &WorldPlan,
        geography: &Geography,
        network: &Network,
        place: &Place,
    ) -> anyhow::Result<Self> {
        let mut outsiders = Self::default();
        let addresses: Result<Vec<Multiaddr>, _> =
            (0..plan.nodes).map(|node| geography.multiaddress(node).parse()).collect();
        let addresses = addresses.context("an address of the world is none")?;
        let endpoints: Vec<SocketAddr> = (0..plan.nodes).map(|node| geography.stratum(node)).collect();
        let params = params_of(&place.folder("node1.toml"))?;
        for (index, (outsider, net)) in geography.outsiders().enumerate() {
            let crew = Crew::new(params, addresses.clone(), plan.seed.wrapping_add(index as u64));
            outsiders.crews.push(spawn_crew(crew, network.namespace(outsider), outsiders.stop.clone())?);
            let inside = network.place(outsider, place);
            let visits = visit(inside, endpoints.clone(), index, outsiders.stop.clone());
            outsiders.junk.spawn(visits);
            outsiders.moving.spawn(keep_moving(network.namespace(outsider), net));
            outsiders.addresses.insert(geography.address(outsider).to_string());
            outsiders.addresses.extend(HOSTS.map(|host| Geography::outside(net, host).to_string()));
        }
        Ok(outsiders)
    }

    /// Ends all of them; what they did.
    pub(super) async fn stop(&mut self) -> anyhow::Result<Siege> {
        self.stop.cancel();
        // One that has ended did so because it could not move.
        while let Some(ended) = self.moving.try_join_next() {
            ended.context("moving panicked")??;
        }
        let mut siege = Siege { identities: self.addresses.clone(), ..Siege::default() };
        while let Some(visits) = self.junk.join_next().await {
            siege.junk_runs += visits.context("junk panicked")?;
        }
        for crew in self.crews.drain(..) {
            let joined = tokio::task::spawn_blocking(|| crew.join()).await.context("cannot wait for a crew")?;
            let crew = joined.map_err(|_| anyhow::anyhow!("a crew panicked"))??;
            siege.identities.extend(crew.identities().iter().cloned());
            siege.sessions += crew.harassment().sessions;
        }
        Ok(siege)
    }
}

/// The share chain that a configuration describes.
fn params_of(config: &Path) -> anyhow::Result<ParamsId> {
    let config = RawConfig::read(config).context("cannot read a configuration of the world")?;
    Ok(config.resolve().context("a configuration of the world is none")?.chain.params.id())
}

/// A crew on a thread in its namespace: a socket belongs to the namespace of the thread that opens it.
fn spawn_crew(
    mut crew: Crew,
    namespace: Arc<Namespace>,
    stop: CancellationToken,
) -> anyhow::Result<JoinHandle<anyhow::Result<Crew>>> {
    let work = move || {
        namespace.enter(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(crew.harass(&stop, |_| {}));
            Ok(())
        })?;
        Ok(crew)
    };
    std::thread::Builder::new().name("crew".to_owned()).spawn(work).context("cannot start a thread")
}

/// Moves an outsider from address to address, until it is dropped.
async fn keep_moving(namespace: Arc<Namespace>, net: u8) -> anyhow::Result<()> {
    for host in HOSTS.cycle() {
        let namespace = namespace.clone();
        let moved = tokio::task::spawn_blocking(move || namespace.come_from(Geography::outside(net, host)));
        moved.await.context("cannot wait for a move")??;
        sleep(ADDRESS_TIME).await;
    }
    Ok(())
}

/// Visits the nodes in turn with junk beside one honest connection, until it is stopped; how often.
async fn visit(place: Place, endpoints: Vec<SocketAddr>, first: usize, stop: CancellationToken) -> u64 {
    let mut visits = 0;
    for endpoint in endpoints.iter().cycle().skip(first) {
        let mut miner = place.command("devminer");
        junk(&mut miner, *endpoint);
        // A node that has banned the address does not let it in, and the visit is over at once.
        let visit = async {
            let _ended = miner.status().await;
            sleep(JUNK_PAUSE).await;
        };
        visits += 1;
        if stop.run_until_cancelled(visit).await.is_none() {
            break;
        }
    }
    visits
}

fn junk(miner: &mut Command, endpoint: SocketAddr) {
    miner.args(["--load", "--connections", "1", "--rate", "1", "--name", "outsider", "-o", &endpoint.to_string()]);
    miner.args(["--junk", &JUNK_CONNECTIONS.to_string(), "--seconds", &JUNK_SECS.to_string()]);
    miner.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
}
