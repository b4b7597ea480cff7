//! Requests and their answers: the greeting with the tip, ranges of shares, and shares by id.
//!
//! Nothing here waits: what is asked of us is looked up in a future of its own, and what we asked for goes to the check.

use std::{
    collections::BTreeSet,
    io,
    time::{Duration, Instant},
};

use libp2p::{
    PeerId,
    request_response::{Event, Message, OutboundFailure, ResponseChannel},
};
use sharechain::{ShareId, sync::TipClaim};
use tokio::sync::{mpsc::error::TrySendError, oneshot};
use tracing::debug;

use super::{
    super::{
        CheckInput, Fault, Purpose,
        peer_table::MayAsk,
        serve,
        wire::{ADS_MAX, Hello, NoRequest, Request, Response},
    },
    Network,
};
use crate::{
    chain_task::ChainInput, defaults::SERVING_MAX, netgroup::ip_of, peer_selector::Event as PeerEvent,
    templates::wire::TemplateQuestion,
};

/// What a request was for.
#[derive(Debug)]
pub(super) enum Asked {
    /// The peer's tip and place; and when, for who wants to know how long it took.
    Hello(Option<(Instant, oneshot::Sender<Option<Duration>>)>),
    /// Ids after a locator.
    Range,
    /// Shares by id.
    Shares(Purpose, BTreeSet<ShareId>),
    /// Other nodes.
    Peers,
    /// Ads of nodes.
    Ads,
    /// About a template.
    Template(TemplateQuestion),
}

impl Network {
    pub(super) fn on_request_event(&mut self, event: Event<Result<Request, NoRequest>, Response>) {
        match event {
            Event::Message { peer, message, .. } => match message {
                Message::Request { request: Ok(request), channel, .. } => self.on_request(peer, request, channel),
                Message::Request { request: Err(NoRequest), .. } => self.on_fault(peer, Fault::Malformed),
                Message::Response { request_id, response } => {
                    let asked = self.requests.remove(&request_id);
                    self.on_response(peer, asked, response);
                }
            },
            Event::OutboundFailure { peer, request_id, error, .. } => {
                let asked = self.requests.remove(&request_id);
                debug!(%peer, ?asked, %error, "request failed");
                match asked {
                    Some(Asked::Range) => self.tell_chain(ChainInput::IdsFailed(peer)),
                    Some(Asked::Shares(Purpose::Sync, asked)) => {
                        self.tell_chain(ChainInput::SharesFailed { peer, asked });
                    }
                    Some(
                        Asked::Hello(_)
                        | Asked::Peers
                        | Asked::Ads
                        | Asked::Template(_)
                        | Asked::Shares(Purpose::Ancestors, _),
                    )
                    | None => {}
                }
                if let Some(fault) = fault_of_answer(&error) {
                    self.on_fault(peer, fault);
                }
            }
            Event::InboundFailure { peer, error, .. } => {
                // It may be the line's fault.
                debug!(%peer, %error, "request not answered");
            }
            Event::ResponseSent { .. } => {}
        }
    }

    fn on_request(&mut self, peer: PeerId, request: Request, channel: ResponseChannel<Response>) {
        match self.peers.ask(&peer, Instant::now()) {
            MayAsk::Yes => {}
            MayAsk::TooOften => return self.on_fault(peer, Fault::TooManyRequests),
            MayAsk::Gone => return,
        }
        match request {
            Request::Hello(hello) => {
                self.on_hello(peer, hello);
                let answer = Response::Hello(self.hello());
                let _gone = self.swarm.behaviour_mut().requests.send_response(channel, answer);
            }
            Request::Peers { missing } => {
                let envelopes = match self.peers.may_be_told(&peer, Instant::now()) {
                    true => self.told_peers(&peer, &missing),
                    false => Vec::new(),
                };
                let _gone = self.swarm.behaviour_mut().requests.send_response(channel, Response::Peers { envelopes });
            }
            Request::Ads => {
                let ads = match self.peers.may_be_told_ads(&peer, Instant::now()) {
                    true => self.config.nodes.told(ADS_MAX),
                    false => Vec::new(),
                };
                let _gone = self.swarm.behaviour_mut().requests.send_response(channel, Response::Ads { ads });
            }
            // A dropped channel is a failed request; the peer asks somebody else.
            Request::Range { .. } | Request::Shares { .. } | Request::Template(_)
                if self.answers.len() >= SERVING_MAX => {}
            Request::Template(request) => self.on_template_request(peer, request, channel),
            Request::Range { locator } => {
                let answer = serve::range(self.config.chain.clone(), locator);
                self.answers.push(Box::pin(async move { (channel, answer.await) }));
            }
            Request::Shares { ids } => {
                let answer = serve::shares(self.config.store.clone(), ids);
                self.answers.push(Box::pin(async move { (channel, answer.await) }));
            }
        }
    }

    fn on_response(&mut self, peer: PeerId, asked: Option<Asked>, response: Response) {
        let check = match (asked, response) {
            (Some(Asked::Hello(measured)), Response::Hello(hello)) => {
                if let Some((asked_at, reply)) = measured {
                    // Who asked may be gone.
                    let _gone = reply.send(Some(asked_at.elapsed()));
                }
                return self.on_hello(peer, hello);
            }
            (Some(Asked::Range), Response::Ids { ids, more }) => {
                return self.tell_chain(ChainInput::Ids { peer, ids, more });
            }
            (Some(Asked::Shares(purpose, asked)), Response::Shares { shares }) => {
                CheckInput::Fetched { peer, purpose, asked, shares }
            }
            (Some(Asked::Peers), Response::Peers { envelopes }) => {
                if self.on_told_peers(peer, envelopes).is_err() {
                    self.on_fault(peer, Fault::Forged);
                }
                return;
            }
            (Some(Asked::Ads), Response::Ads { ads }) => {
                for ad in ads {
                    self.on_told_ad(peer, &ad);
                }
                return;
            }
            (Some(Asked::Template(asked)), Response::Template(response)) => {
                return self.on_template_response(peer, asked, response);
            }
            _ => return self.on_fault(peer, Fault::WrongAnswer),
        };
        if let Err(TrySendError::Full(CheckInput::Fetched { asked, .. })) = self.config.check.try_send(check) {
            self.tell_chain(ChainInput::SharesFailed { peer, asked });
        }
    }

    fn on_hello(&mut self, peer: PeerId, hello: Hello) {
        self.tell_chain(ChainInput::Tip(peer, hello.tip));
        let place = self.place_of(self.peers.address(&peer).and_then(ip_of), hello.region);
        let has_advanced = self.peers.set_hello(&peer, hello);
        self.select(PeerEvent::Located { peer, place });
        if has_advanced {
            self.select(PeerEvent::Advanced(peer));
        }
    }

    pub(super) fn hello(&self) -> Hello {
        let tip = self.config.chain_view.borrow().tip;
        Hello {
            tip: TipClaim { id: tip.id, height: tip.height, total_work: tip.total_work },
            region: self.config.p2p.region,
            agent: self.config.agent.clone(),
        }
    }

    pub(super) fn say_hello(&mut self, peer: PeerId) {
        let hello = Request::Hello(self.hello());
        self.ask(peer, hello, Asked::Hello(None));
    }

    pub(super) fn ask(&mut self, peer: PeerId, request: Request, asked: Asked) {
        let id = self.swarm.behaviour_mut().requests.send_request(&peer, Ok(request));
        self.requests.insert(id, asked);
    }
}

/// What a request that failed says of the peer.
fn fault_of_answer(error: &OutboundFailure) -> Option<Fault> {
    match error {
        OutboundFailure::Io(cause) if cause.kind() == io::ErrorKind::InvalidData => Some(Fault::Malformed),
        OutboundFailure::Io(_)
        | OutboundFailure::Timeout
        | OutboundFailure::DialFailure
        | OutboundFailure::ConnectionClosed
        | OutboundFailure::UnsupportedProtocols => None,
    }
}
