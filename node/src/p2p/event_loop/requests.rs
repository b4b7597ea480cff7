//! Requests and their answers: the greeting with the tip, ranges of shares, and shares by id.
//!
//! Nothing here waits: what is asked of us is looked up in a future of its own, and what we asked for goes to the check.

use std::{collections::BTreeSet, time::Instant};

use libp2p::{
    PeerId,
    request_response::{Event, Message, ResponseChannel},
};
use sharechain::{ShareId, sync::TipClaim};
use tracing::debug;

use super::{
    super::{
        CheckInput,
        peer_table::MayAsk,
        serve,
        wire::{Hello, Request, Response},
    },
    Network,
};
use crate::{chain_task::ChainInput, defaults::SERVING_MAX};

/// What a request was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The peer's tip and place.
    Hello,
    /// Shares after a locator.
    Range,
    /// Shares by id.
    Shares(BTreeSet<ShareId>),
}

impl Network {
    pub(super) fn on_request_event(&mut self, event: Event<Request, Response>) {
        match event {
            Event::Message { peer, message, .. } => match message {
                Message::Request { request, channel, .. } => self.on_request(peer, request, channel),
                Message::Response { request_id, response } => {
                    let asked = self.requests.remove(&request_id);
                    self.on_response(peer, asked, response);
                }
            },
            Event::OutboundFailure { peer, request_id, error, .. } => {
                let asked = self.requests.remove(&request_id);
                debug!(%peer, ?asked, %error, "request failed");
                if asked == Some(Asked::Range) {
                    self.tell_chain(ChainInput::RequestFailed(peer));
                }
            }
            Event::InboundFailure { .. } | Event::ResponseSent { .. } => {}
        }
    }

    fn on_request(&mut self, peer: PeerId, request: Request, channel: ResponseChannel<Response>) {
        match self.peers.ask(&peer, Instant::now()) {
            MayAsk::Yes => {}
            MayAsk::TooOften => return self.blame(peer, "asks too often"),
            MayAsk::Gone => return,
        }
        match request {
            Request::Hello(hello) => {
                self.on_hello(peer, hello);
                let answer = Response::Hello(self.hello());
                let _gone = self.swarm.behaviour_mut().requests.send_response(channel, answer);
            }
            // A dropped channel is a failed request; the peer asks somebody else.
            Request::Range { .. } | Request::Shares { .. } if self.answers.len() >= SERVING_MAX => {}
            Request::Range { locator } => {
                let answer = serve::range(self.config.chain.clone(), self.config.store.clone(), locator);
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
            (Some(Asked::Hello), Response::Hello(hello)) => return self.on_hello(peer, hello),
            (Some(Asked::Range), Response::Shares { shares, more }) => CheckInput::Answer { peer, shares, more },
            (Some(Asked::Shares(wanted)), Response::Shares { shares, .. }) => {
                CheckInput::Fetched { peer, wanted, shares }
            }
            _ => return self.blame(peer, "answers something else than it was asked"),
        };
        if self.config.check.try_send(check).is_err() {
            self.tell_chain(ChainInput::RequestFailed(peer));
        }
    }

    fn on_hello(&mut self, peer: PeerId, hello: Hello) {
        self.tell_chain(ChainInput::Tip(peer, hello.tip));
        self.peers.set_hello(&peer, hello);
    }

    fn hello(&self) -> Hello {
        let tip = self.config.chain_view.borrow().tip;
        Hello {
            tip: TipClaim { id: tip.id, height: tip.height, total_work: tip.total_work },
            region: self.config.region,
            agent: self.config.agent.clone(),
        }
    }

    pub(super) fn say_hello(&mut self, peer: PeerId) {
        let hello = Request::Hello(self.hello());
        self.ask(peer, hello, Asked::Hello);
    }

    pub(super) fn ask(&mut self, peer: PeerId, request: Request, asked: Asked) {
        let id = self.swarm.behaviour_mut().requests.send_request(&peer, request);
        self.requests.insert(id, asked);
    }
}
