//! The stateless check of what peers send, beside the network task: with scrypt it takes a third of a millisecond.

use std::{collections::BTreeSet, sync::Arc};

use libp2p::PeerId;
use sharechain::{CheckedShare, Misbehaviour, Params, Share, ShareError, ShareId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Acceptance, Fault, GossipTicket, P2pCommand, P2pHandle, Purpose};
use crate::chain_task::ChainInput;

/// Bytes from a peer that claim to be shares.
#[derive(Debug)]
pub enum CheckInput {
    /// One share by gossip.
    Gossip {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Where the verdict goes.
        ticket: GossipTicket,
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
    // Versions that the operator was told of, each once.
    let mut unknown_versions = BTreeSet::new();
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
            CheckInput::Gossip { bytes, ticket } => match check(&bytes, &params) {
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
                    if unknown_versions.insert(version) {
                        warn!(
                            version, %peer,
                            "a peer sends shares of a version that this node does not know; hint: is there a newer poolnode?"
                        );
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
