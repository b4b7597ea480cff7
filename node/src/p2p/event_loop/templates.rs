//! Templates on their way between peers and the templates task; nothing of them is looked at here.

use libp2p::{PeerId, request_response::ResponseChannel};
use rand::seq::IteratorRandom;
use tokio::sync::oneshot;
use tracing::debug;

use super::{
    super::wire::{Request, Response},
    Network,
    requests::Asked,
};
use crate::templates::{
    TemplateInput,
    wire::{Announcement, TemplateQuestion, TemplateRequest, TemplateResponse},
};

/// Peers that are told of a template, or asked for one: enough that one of them and its daemon are well.
const TEMPLATE_PEERS_MAX: usize = 8;

impl Network {
    /// Tells some peers, others each time.
    pub(super) fn announce_template(&mut self, announcement: &Announcement) {
        let request = TemplateRequest::Announce(Box::new(announcement.clone()));
        self.ask_about_template(None, &request);
    }

    /// Asks this peer, or some.
    pub(super) fn ask_about_template(&mut self, peer: Option<PeerId>, request: &TemplateRequest) {
        let peers = match peer {
            Some(peer) => vec![peer],
            None => self.peers.ids().into_iter().sample(&mut rand::rng(), TEMPLATE_PEERS_MAX),
        };
        for peer in peers {
            self.ask(peer, Request::Template(request.clone()), Asked::Template(request.asked()));
        }
    }

    /// What a peer asks or tells.
    pub(super) fn on_template_request(
        &mut self,
        peer: PeerId,
        request: TemplateRequest,
        channel: ResponseChannel<Response>,
    ) {
        let (reply, response) = oneshot::channel();
        self.tell_templates(TemplateInput::Request { peer, request, reply });
        self.answers.push(Box::pin(async move { (channel, response.await.ok().map(Response::Template)) }));
    }

    /// What a peer answered.
    pub(super) fn on_template_response(&self, peer: PeerId, asked: TemplateQuestion, response: TemplateResponse) {
        self.tell_templates(TemplateInput::Response { peer, asked, response });
    }

    /// Never waits: the templates task may be waiting for us.
    pub(super) fn tell_templates(&self, input: TemplateInput) {
        if self.config.templates.try_send(input).is_err() {
            debug!("the templates task is busy; what a peer said is dropped");
        }
    }
}
