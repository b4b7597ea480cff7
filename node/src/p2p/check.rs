//! The stateless check of what peers send, beside the network task: with scrypt it takes a third of a millisecond.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use libp2p::PeerId;
use sharechain::{CheckedShare, Misbehaviour, Params, Share, ShareError, ShareId};
use stratum::bucket::{Allowance, Buckets};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Acceptance, Fault, GossipTicket, P2pCommand, P2pHandle, Purpose};
use crate::chain_task::ChainInput;

/// Shares of versions that this node does not know, of one peer: as many as are looked at of those it knows. Their work
/// cannot be checked, so more of them cost a peer nothing (attack P7).
const UNKNOWN: Allowance = Allowance { per_second: 40.0, burst: 2_048.0 };
/// Peers whose shares of unknown versions are counted.
const COUNTED_MAX: usize = 1_024;

/// Shares that a newer node may understand.
#[derive(Debug)]
struct UnknownVersions {
    /// Versions that the operator was told of, each once.
    told: BTreeSet<u8>,
    peers: Buckets<PeerId>,
}

impl Default for UnknownVersions {
    fn default() -> Self {
        Self { told: BTreeSet::new(), peers: Buckets::new(UNKNOWN, COUNTED_MAX) }
    }
}

impl UnknownVersions {
    /// Counts one; whether the peer has sent more than any network makes.
    fn is_flood(&mut self, peer: PeerId, now: Instant) -> bool {
        !self.peers.take(peer, now)
    }
}

/// Bytes from a peer that claim to be shares.
#[derive(Debug)]
pub enum CheckInput {
    /// One share by gossip.
    Gossip {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Where the verdict goes.
        ticket: GossipTicket,
        /// Counted for the sender as long as it waits here.
        place: Arc<()>,
    },
    /// Shares we asked for by id.
    Fetched {
        /// Who answered.
        peer: PeerId,
        /// What for.
        purpose: Purpose,
        /// What we asked for; anything else would enter without admission.
        asked: BTreeSet<ShareId>,
        /// The shares.
        shares: Vec<Vec<u8>>,
    },
}

/// Runs until the token is cancelled or the input ends.
pub async fn run(
    params: Arc<Params>,
    mut inbox: mpsc::Receiver<CheckInput>,
    chain: mpsc::Sender<ChainInput>,
    p2p: P2pHandle,
    token: CancellationToken,
) {
    let mut unknown = UnknownVersions::default();
    loop {
        let input = tokio::select! {
            biased;
            () = token.cancelled() => return,
            input = inbox.recv() => match input {
                Some(input) => input,
                None => return,
            },
        };
        let checked = match input {
            CheckInput::Gossip { bytes, ticket, place: _ } => match check(&bytes, &params) {
                Ok(share) => Ok(ChainInput::Gossip { share, ticket }),
                Err(error) => {
                    let (peer, acceptance) = (ticket.source, acceptance_of(&error));
                    p2p.send(P2pCommand::Verdict { ticket, acceptance }).await;
                    Err((peer, error))
                }
            },
            CheckInput::Fetched { peer, purpose, asked, shares } => check_all(&shares, &params)
                .await
                .map(|shares| shares.into_iter().filter(|share| asked.contains(&share.id())).collect())
                .map(|shares| ChainInput::Fetched { peer, purpose, asked, shares })
                .map_err(|error| (peer, error)),
        };
        let forwarded = match checked {
            Ok(input) => chain.send(input).await,
            Err((peer, error)) => {
                if let ShareError::Version(version) = error {
                    // After an upgrade every share is of a version that an old node does not know.
                    if unknown.told.insert(version) {
                        warn!(
                            version, %peer,
                            "a peer sends shares of a version that this node does not know; hint: is there a newer poolnode?"
                        );
                    }
                    if unknown.is_flood(peer, Instant::now()) {
                        p2p.send(P2pCommand::Fault { peer, fault: Fault::UselessShares }).await;
                    }
                } else {
                    // Every relay makes this check, so the sender is at fault and nobody else.
                    p2p.send(P2pCommand::Fault { peer, fault: Fault::InvalidShare { rule: error.rule() } }).await;
                }
                chain.send(ChainInput::PeerFailed(peer)).await
            }
        };
        if forwarded.is_err() {
            return;
        }
    }
}

/// What the gossip layer does with a share that fails the check.
fn acceptance_of(error: &ShareError) -> Acceptance {
    match error.misbehaviour() {
        Misbehaviour::InvalidShare => Acceptance::Reject,
        Misbehaviour::UnknownVersion | Misbehaviour::Blameless => Acceptance::Ignore,
    }
}

fn check(bytes: &[u8], params: &Params) -> Result<Arc<CheckedShare>, ShareError> {
    CheckedShare::check(Share::decode(bytes)?, params).map(Arc::new)
}

async fn check_all(shares: &[Vec<u8>], params: &Params) -> Result<Vec<Arc<CheckedShare>>, ShareError> {
    let mut checked = Vec::with_capacity(shares.len());
    for share in shares {
        checked.push(check(share, params)?);
        tokio::task::yield_now().await;
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use libp2p::gossipsub::MessageId;
    use sharechain::testing;

    use super::*;

    #[test]
    fn attack_p7_only_who_sends_more_than_a_network_makes_is_to_blame_for_unknown_versions() {
        let (mut unknown, upgraded, now) = (UnknownVersions::default(), PeerId::random(), Instant::now());
        for second in 0..10_000 {
            assert!(!unknown.is_flood(upgraded, now + Duration::from_secs(second)), "a share a second for ever");
        }
        let hostile = PeerId::random();
        assert_eq!((0..4_000).filter(|_| unknown.is_flood(hostile, now)).count(), 4_000 - 2_048);
    }

    #[tokio::test]
    async fn attack_p7_a_flood_of_unknown_versions_is_told_and_a_few_are_not() {
        let (sender, inbox) = mpsc::channel(1);
        // There is room for what is said of all of them.
        let (chain, _chain_inputs) = mpsc::channel(8_192);
        let (p2p, mut commands) = P2pHandle::channel();
        let checking = run(testing::devnet_params(), inbox, chain, p2p, CancellationToken::new());
        let source = PeerId::random();
        let flooding = async {
            for _ in 0..4_000 {
                let ticket = GossipTicket { message: MessageId::new(b"x"), source };
                let bytes = vec![0xff; 100];
                sender.send(CheckInput::Gossip { bytes, ticket, place: Arc::default() }).await.unwrap();
            }
            drop(sender);
        };
        let counting = async {
            let (mut ignored, mut faults, mut ignored_before) = (0, 0, 0);
            while let Some(command) = commands.recv().await {
                match command {
                    P2pCommand::Verdict { acceptance: Acceptance::Ignore, .. } => ignored += 1,
                    P2pCommand::Fault { peer, fault: Fault::UselessShares } if peer == source => {
                        if faults == 0 {
                            ignored_before = ignored;
                        }
                        faults += 1;
                    }
                    other => panic!("{other:?}"),
                }
            }
            (ignored, faults, ignored_before)
        };
        let ((), (), (ignored, faults, ignored_before)) = tokio::join!(checking, flooding, counting);
        assert_eq!(ignored, 4_000, "who passes them on may be one that knows them");
        assert!(ignored_before > 2_048 && faults > 0, "{faults} faults, the first after {ignored_before} shares");
    }
}
