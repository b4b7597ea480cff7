//! The task that owns the swarm: turns its events into inputs for others, and commands into actions.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use libp2p::{
    Multiaddr, PeerId, Swarm,
    core::ConnectedPoint,
    gossipsub::{self, IdentTopic, MessageAcceptance, PublishError},
    identity::Keypair,
    ping,
    request_response::{OutboundRequestId, ResponseChannel},
    swarm::{SwarmEvent, dial_opts::DialOpts},
};
use sharechain::Params;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    Acceptance, Bans, CheckInput, GossipTicket, Nodes, P2pCommand, Reachability,
    behaviour::{Behaviour, BehaviourEvent},
    conduct::{GossipCount, Scores},
    configured_peers::ConfiguredPeers,
    gossip,
    peer_table::{Direction, PeerTable, PeersView},
    wire::{IDS_MAX, Request, Response},
};
use crate::{
    address_book::AddressBook,
    chain_task::{ChainInput, ChainView},
    clock::every,
    config::P2pConfig,
    defaults::{HELLO_INTERVAL, REDIAL_INTERVAL},
    geo::Geo,
    metrics::Meters,
    peer_selector::Event,
    store::StoreHandle,
    templates::TemplateInput,
};

mod announce;
mod bind;
mod discovery;
mod files;
mod judging;
mod listeners;
mod peering;
mod requests;
mod templates;

use announce::Placing;
use discovery::Discovery;
use files::Files;
use peering::Peering;
use requests::Asked;

/// What the network task works with.
#[derive(Debug)]
pub struct NetworkConfig {
    /// The share chain.
    pub params: Arc<Params>,
    /// The node's key.
    pub key: Keypair,
    /// What it calls itself.
    pub agent: String,
    /// Peers, and how this node is found and reached.
    pub p2p: P2pConfig,
    /// Where addresses are.
    pub geo: watch::Receiver<Arc<Geo>>,
    /// Inputs of the chain task.
    pub chain: mpsc::Sender<ChainInput>,
    /// Inputs of the check task.
    pub check: mpsc::Sender<CheckInput>,
    /// Shares to serve.
    pub store: StoreHandle,
    /// Our tip.
    pub chain_view: watch::Receiver<Arc<ChainView>>,
    /// What others see of the peers.
    pub view: watch::Sender<Arc<PeersView>>,
    /// The directory of nodes.
    pub nodes: Nodes,
    /// Inputs of the templates task.
    pub templates: mpsc::Sender<TemplateInput>,
    /// What only metrics want to know.
    pub meters: Arc<Meters>,
}

/// What the network task remembers of earlier runs, each with its file.
#[derive(Debug)]
pub struct Remembered {
    /// Who may not connect.
    pub bans: (Bans, PathBuf),
    /// Known nodes.
    pub book: (AddressBook, PathBuf),
}

/// The network task; it listens but does not run yet.
pub struct Network {
    config: NetworkConfig,
    swarm: Swarm<Behaviour>,
    topic: IdentTopic,
    nodes_topic: IdentTopic,
    peers: PeerTable,
    configured: ConfiguredPeers,
    listen: Vec<Multiaddr>,
    /// What happened before the loop.
    early: VecDeque<SwarmEvent<BehaviourEvent>>,
    requests: BTreeMap<OutboundRequestId, Asked>,
    answers: FuturesUnordered<BoxFuture<'static, Answer>>,
    peering: Peering,
    discovery: Discovery,
    placing: Placing,
    /// What nodes signed about themselves, for others.
    envelopes: BTreeMap<PeerId, Vec<u8>>,
    scores: Scores,
    gossiped: GossipCount,
    /// The bans as others see them.
    shown_bans: Arc<Bans>,
    files: Files,
    reachability: Reachability,
    /// Peers that left while the chain task was busy.
    gone: Vec<PeerId>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("peer_id", &self.peer_id()).field("peers", &self.peers).finish_non_exhaustive()
    }
}

type Answer = (ResponseChannel<Response>, Option<Response>);

impl Network {
    /// Where peers can connect to, with this node's identity.
    pub fn addresses(&self) -> &[Multiaddr] {
        &self.listen
    }

    /// This node's identity.
    pub fn peer_id(&self) -> PeerId {
        *self.swarm.local_peer_id()
    }

    /// Whether there is somebody to connect to.
    pub fn expects_peers(&self) -> bool {
        let knows_somebody = || self.peering.book.entries().any(|entry| entry.is_tried());
        self.configured.len() > 0
            || (self.config.p2p.discovery && (!self.config.p2p.seeds.is_empty() || knows_somebody()))
    }

    /// Runs until the token is cancelled.
    pub async fn run(self, commands: mpsc::Receiver<P2pCommand>, token: CancellationToken) {
        Box::pin(gossip::with_lags(self.serve(commands, token))).await;
    }

    async fn serve(mut self, mut commands: mpsc::Receiver<P2pCommand>, token: CancellationToken) {
        let mut redial = every(REDIAL_INTERVAL);
        let mut hello = every(HELLO_INTERVAL);
        while let Some(event) = self.early.pop_front() {
            self.on_event(event);
        }
        loop {
            // Channel, stream, futures and intervals lose nothing when another branch wins.
            tokio::select! {
                biased;
                () = token.cancelled() => {
                    self.keep_files_now().await;
                    return self.say_farewell().await;
                }
                Some(command) = commands.recv() => self.on_command(command),
                Some((channel, response)) = self.answers.next() => {
                    if let Some(response) = response {
                        // The asker may be gone.
                        let _gone = self.swarm.behaviour_mut().requests.send_response(channel, response);
                    }
                }
                event = self.swarm.select_next_some() => self.on_event(event),
                _ = redial.tick() => self.redial(),
                _ = hello.tick() => self.on_hello_tick(),
            }
            for lag in gossip::take_lags() {
                self.peers.count_share(&lag.peer, false);
                self.select(Event::Delivered { peer: lag.peer, lag: lag.late });
            }
        }
    }

    fn on_hello_tick(&mut self) {
        for peer in self.peers.ids() {
            self.say_hello(peer);
        }
        self.tell_gone();
        self.on_peering_tick();
        self.keep_files();
        self.publish_view();
        self.announce();
    }

    fn on_command(&mut self, command: P2pCommand) {
        match command {
            P2pCommand::Publish(bytes) => {
                match self.swarm.behaviour_mut().gossip.publish(self.topic.clone(), bytes) {
                    // Without peers there is nobody to tell; they will sync.
                    Ok(_) | Err(PublishError::NoPeersSubscribedToTopic | PublishError::Duplicate) => {}
                    Err(cause) => warn!(%cause, "an own share could not be gossiped; peers will sync it"),
                }
            }
            P2pCommand::Verdict { ticket, acceptance } => {
                if acceptance == Acceptance::Accept {
                    self.select(Event::Delivered { peer: ticket.source, lag: Duration::ZERO });
                }
                self.report(&ticket, acceptance);
            }
            P2pCommand::RequestRange { peer, locator } => self.ask(peer, Request::Range { locator }, Asked::Range),
            P2pCommand::RequestShares { peer, ids, purpose } => {
                for ids in ids.chunks(IDS_MAX) {
                    let wanted = ids.iter().copied().collect();
                    self.ask(peer, Request::Shares { ids: ids.to_vec() }, Asked::Shares(purpose, wanted));
                }
            }
            P2pCommand::AnnounceTemplate(announcement) => self.announce_template(&announcement),
            P2pCommand::AskTemplate { peer, request } => self.ask_about_template(peer, &request),
            P2pCommand::Fault { peer, fault } => self.on_fault(peer, fault),
            P2pCommand::Order(order) => self.on_order(order),
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::NewListenAddr { .. } | SwarmEvent::ListenerClosed { .. } => self.on_listener(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                let (address, direction) = match endpoint {
                    ConnectedPoint::Dialer { address, .. } => (address, Direction::Outbound),
                    ConnectedPoint::Listener { send_back_addr, .. } => (send_back_addr, Direction::Inbound),
                };
                if let Some(former) = self.configured.learn(peer_id, &address) {
                    self.select(Event::Unpinned(former));
                }
                if self.peers.connected(peer_id, connection_id, address.clone(), direction, Instant::now()) {
                    info!(peer = %peer_id, %address, ?direction, "peer connected");
                    self.say_hello(peer_id);
                    self.tell_templates(TemplateInput::Joined(peer_id));
                    self.on_first_connection(peer_id, address, direction);
                } else {
                    self.select_connected(peer_id, address, direction);
                }
                self.publish_view();
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, cause, .. } => {
                if self.peers.disconnected(&peer_id, connection_id) {
                    let cause = cause.map(|cause| cause.to_string());
                    info!(peer = %peer_id, cause, "peer disconnected");
                    self.select(Event::Disconnected(peer_id));
                    self.tell_templates(TemplateInput::Gone(peer_id));
                    self.gone.push(peer_id);
                    self.tell_gone();
                }
                self.publish_view();
            }
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
                debug!(peer = ?peer_id, %error, "dial failed");
                if let Some(peer) = peer_id {
                    self.select(Event::DialFailed(peer));
                }
            }
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            _ => {}
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossip(gossipsub::Event::Message { propagation_source, message_id, message }) => {
                let ticket = GossipTicket { message: message_id, source: propagation_source };
                if message.topic == self.nodes_topic.hash() {
                    return self.on_ad(&message.data, &ticket);
                }
                self.peers.count_share(&propagation_source, true);
                if let Some(fault) = self.gossiped.one(propagation_source, Instant::now()) {
                    self.on_fault(propagation_source, fault);
                }
                let place = self.peers.place_in_check(&propagation_source, self.config.check.capacity());
                let is_taken = place.is_some_and(|place| {
                    let input = CheckInput::Gossip { bytes: message.data, ticket: ticket.clone(), place };
                    self.config.check.try_send(input).is_ok()
                });
                if !is_taken {
                    // Overload is not the sender's fault.
                    self.report(&ticket, Acceptance::Ignore);
                }
            }
            BehaviourEvent::Ping(ping::Event { peer, result: Ok(rtt), .. }) => {
                self.peers.set_rtt(&peer, rtt);
                self.config.meters.peer_rtt.observe(rtt);
                self.select(Event::Rtt { peer, rtt });
            }
            BehaviourEvent::Ping(ping::Event { peer, connection, result: Err(failure) }) if is_cut(&failure) => {
                // A line that is cut may look open for many minutes, and the mesh would go on sending into it.
                info!(%peer, "no answer to pings; the connection is closed");
                let _closed = self.swarm.close_connection(connection);
            }
            BehaviourEvent::Requests(event) => self.on_request_event(event),
            BehaviourEvent::Identify(event) => self.on_identify(event),
            BehaviourEvent::Kad(event) => self.on_kad(event),
            BehaviourEvent::Mdns(event) => self.on_mdns(event),
            BehaviourEvent::Upnp(event) => self.on_upnp(event),
            BehaviourEvent::Autonat(event) => self.on_autonat(&event),
            BehaviourEvent::Dcutr(event) => {
                debug!(peer = %event.remote_peer_id, result = ?event.result, "hole punching")
            }
            BehaviourEvent::Gossip(_)
            | BehaviourEvent::Ping(ping::Event { result: Err(_), .. })
            | BehaviourEvent::AutonatServer(_)
            | BehaviourEvent::RelayClient(_)
            | BehaviourEvent::RelayServer(_) => {}
        }
    }

    fn report(&mut self, ticket: &GossipTicket, acceptance: Acceptance) {
        let acceptance = match acceptance {
            Acceptance::Accept => MessageAcceptance::Accept,
            Acceptance::Ignore => MessageAcceptance::Ignore,
            Acceptance::Reject => MessageAcceptance::Reject,
        };
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        // False when the message left the cache: it was judged too late to be relayed.
        let _in_time = gossip.report_message_validation_result(&ticket.message, &ticket.source, acceptance);
    }

    /// Dials configured peers that are not connected.
    fn dial_configured(&mut self) {
        let own = self.peer_id();
        for address in self.configured.missing(|peer| *peer == own || self.peers.contains(peer)) {
            self.dial(DialOpts::from(address));
        }
    }

    fn dial(&mut self, options: DialOpts) {
        if let Err(error) = self.swarm.dial(options) {
            debug!(%error, "cannot dial");
        }
    }

    /// Never waits: the chain task may be waiting for us.
    fn tell_chain(&self, input: ChainInput) {
        if self.config.chain.try_send(input).is_err() {
            debug!("the chain task is busy; what a peer said is dropped");
        }
    }

    /// Tells who left, now or as soon as there is room: the chain task forgets what they claimed.
    fn tell_gone(&mut self) {
        self.gone.retain(|peer| self.config.chain.try_send(ChainInput::Gone(*peer)).is_err());
    }

    fn publish_view(&self) {
        let geo = self.config.geo.borrow().clone();
        let slot = |peer: &PeerId| self.peering.selector.slot(peer);
        let view = PeersView {
            peers: self.peers.view((self.config.p2p.region, &geo), slot, Instant::now()),
            listen: self.listen.clone(),
            external: self.swarm.external_addresses().cloned().collect(),
            reachability: self.reachability,
            bans: self.shown_bans.clone(),
            alarm: self.peering.alarm().cloned(),
        };
        self.config.view.send_replace(Arc::new(view));
    }
}

/// Whether a ping that failed says that the line is cut: there is no answer, or no stream can be agreed on to ask on. Reported
/// from the second one in a row on.
const fn is_cut(failure: &ping::Failure) -> bool {
    match failure {
        ping::Failure::Timeout | ping::Failure::Other { .. } => true,
        ping::Failure::Unsupported => false,
    }
}

#[cfg(test)]
mod tests;
