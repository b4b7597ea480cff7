//! Gossip: every message is judged by hand before it goes on, and nobody signs, because the proof of work is the author.
//!
//! The mesh grafts at random: geography is decided by which connections exist. Its own scores are on, with all weights that
//! need a known message rate at zero, because they measure how much later than the first each peer of the mesh delivers.

use std::{cell::RefCell, collections::HashSet, time::Duration};

use libp2p::{
    PeerId,
    gossipsub::{
        self, IdentTopic, IdentityTransform, MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds,
        TopicHash, TopicScoreParams, ValidationMode, WhitelistSubscriptionFilter,
    },
};
use sharechain::{ParamsId, hash::blake2s256};

use super::{addressless::Addressless, bans::BAN_SECS, chain_tag};
use crate::defaults::{GOSSIP_LEN_MAX, LAGS_MAX};

/// Room for the gossip layer's own framing around one share.
const FRAME_LEN: usize = 1_024;
/// What the gossip layer reads of a stream at once. Its bound of a frame is also one of everything that is read and not yet
/// decoded: without room for it, two shares in one segment would end the stream.
const READ_LEN: usize = 8 << 10;
/// How long a message id is remembered: far longer than a share travels.
const SEEN: Duration = Duration::from_secs(300);
/// Heartbeat of the mesh.
const HEARTBEAT: Duration = Duration::from_millis(700);
/// A share that could not be forwarded for this long is not worth it any more.
const FORWARD_TIMEOUT: Duration = Duration::from_millis(500);
/// Messages in one frame. Nodes put one into each; stops a frame of nothing but the smallest messages, of which each costs
/// more memory than bytes, for as long as its id is remembered (attack P7).
const MESSAGES_PER_FRAME_MAX: usize = 4;
/// Messages that a peer may have us ask for, or ask us for, between two heartbeats: what a network finds in minutes. Stops
/// made-up ids from growing the list of what was asked (attack P7).
const ASKED_PER_HEARTBEAT_MAX: usize = 512;
/// How long the score of a peer is remembered that is gone: as long as it would be banned for what can be proven. Stops
/// identities, which are free, from filling memory for the hour that is the layer's default (attack P7).
const SCORE_REMEMBERED: Duration = Duration::from_secs(BAN_SECS);
/// Bytes of a message id.
const MESSAGE_ID_LEN: usize = 20;

pub(super) type Gossip = Addressless<gossipsub::Behaviour<IdentityTransform, WhitelistSubscriptionFilter>>;

/// A peer of the mesh delivered a share that another had delivered before.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Lag {
    pub(super) peer: PeerId,
    /// After the share was judged, which is at once; zero when it was still being judged.
    pub(super) late: Duration,
}

tokio::task_local! {
    /// What the gossip layer says of late deliveries, while the network task polls it: its callback is a bare function.
    static LAGS: RefCell<Vec<Lag>>;
}

/// Runs the network task so that [`take_lags`] works in it.
pub(super) async fn with_lags(task: impl Future<Output = ()>) {
    LAGS.scope(RefCell::default(), task).await;
}

/// Late deliveries since the last call.
pub(super) fn take_lags() -> Vec<Lag> {
    LAGS.try_with(RefCell::take).unwrap_or_default()
}

fn on_late_delivery(peer: &PeerId, _: &TopicHash, late: f64) {
    let lag = Lag { peer: *peer, late: Duration::try_from_secs_f64(late).unwrap_or_default() };
    // Nobody counts outside of the network task, and a flood is not worth more memory.
    let _elsewhere = LAGS.try_with(|lags| {
        let mut lags = lags.borrow_mut();
        if lags.len() < LAGS_MAX {
            lags.push(lag);
        }
    });
}

/// Topic of gossiped shares.
pub fn topic_name(params: ParamsId) -> String {
    format!("/poolnode/1/{}/shares", chain_tag(params))
}

/// Topic of the ads of nodes.
pub fn nodes_topic_name(params: ParamsId) -> String {
    format!("/poolnode/1/{}/nodes", chain_tag(params))
}

pub(super) fn behaviour(params: ParamsId) -> Result<Gossip, String> {
    let topics = [topic_name(params), nodes_topic_name(params)].map(IdentTopic::new);
    let config = gossipsub::ConfigBuilder::default()
        .heartbeat_interval(HEARTBEAT)
        .heartbeat_initial_delay(Duration::from_millis(100))
        .mesh_n(8)
        .mesh_n_low(6)
        .mesh_n_high(12)
        .mesh_outbound_min(3)
        .history_length(12)
        .history_gossip(6)
        .duplicate_cache_time(SEEN)
        .forward_queue_duration(FORWARD_TIMEOUT)
        .connection_handler_queue_len(1_000)
        .opportunistic_graft_ticks(15)
        .max_publish_messages(MESSAGES_PER_FRAME_MAX)
        .max_control_messages_sent(ASKED_PER_HEARTBEAT_MAX)
        .max_transmit_size(GOSSIP_LEN_MAX + FRAME_LEN + READ_LEN)
        // The proof of work is the author; signatures would double the cost and name the finder.
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        // Over all bytes: an altered copy must not keep the honest one from being seen (attack P4).
        .message_id_fn(|message| MessageId::new(&blake2s256(&[&message.data])[..MESSAGE_ID_LEN]))
        .build()
        .map_err(|cause| cause.to_string())?;
    let filter = WhitelistSubscriptionFilter(topics.iter().map(IdentTopic::hash).collect::<HashSet<_>>());
    let mut gossip =
        gossipsub::Behaviour::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)?;
    gossip.with_peer_score_and_message_delivery_time_callback(scores(&topics), thresholds(), Some(on_late_delivery))?;
    for topic in &topics {
        gossip.subscribe(topic).map_err(|cause| cause.to_string())?;
    }
    Ok(Addressless::new(gossip))
}

/// Who sends invalid messages or breaks the rules of the mesh is grafted no more; bans are our own. What depends on how many
/// shares there are per second (P3) is off, or a quiet network would prune everybody.
fn scores(topics: &[IdentTopic]) -> PeerScoreParams {
    let topic_scores = TopicScoreParams {
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        first_message_deliveries_weight: 0.5,
        first_message_deliveries_cap: 40.0,
        invalid_message_deliveries_weight: -100.0,
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: topics.iter().map(|topic| (topic.hash(), topic_scores.clone())).collect(),
        // Addresses are the selector's business; a farm of nodes behind one address is honest.
        ip_colocation_factor_weight: 0.0,
        retain_score: SCORE_REMEMBERED,
        ..PeerScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -100.0,
        publish_threshold: -500.0,
        graylist_threshold: -1_000.0,
        accept_px_threshold: 1_000.0,
        opportunistic_graft_threshold: 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_p7_the_score_of_a_peer_that_is_gone_is_kept_as_long_as_a_first_ban() {
        assert_eq!(scores(&[]).retain_score.as_secs(), BAN_SECS);
    }
}
