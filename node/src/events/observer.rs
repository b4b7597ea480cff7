//! Looks at what other tasks publish and tells what changed: miners, peers, blocks, templates, what is wrong.
//!
//! It only reads. What a confirmed block pays is asked of the chain task, which may be busy: then the block's payouts are not
//! told, and that is logged.

use std::{collections::BTreeSet, sync::Arc};

use sharechain::{Amount, BlockHash, PayoutScript, ShareId, payout::Payout};
use stratum::{StratumHandle, server::StratumSnapshot};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    EventInput, EventSender, Happening,
    observed::{Blocks, Peers, Problems, Templates, Workers},
};
use crate::{
    blocks::BlocksView,
    chain_profile::ChainProfile,
    chain_task::{ChainInput, ChainQuery, ChainView},
    clock::unix_now,
    defaults::QUERY_TIMEOUT,
    history::HistoryHandle,
    p2p::PeersView,
    parent::{ParentHealth, ParentState},
    problems::problems,
    store::StoreHandle,
};

/// What it looks at, and whom it asks.
#[derive(Debug)]
pub struct Observer {
    /// The chain.
    pub profile: Arc<ChainProfile>,
    /// Where events go.
    pub events: EventSender,
    /// Miners.
    pub stratum: StratumHandle,
    /// Peers.
    pub peers: watch::Receiver<Arc<PeersView>>,
    /// The parent chain.
    pub parent: watch::Receiver<ParentState>,
    /// The share chain.
    pub chain: watch::Receiver<Arc<ChainView>>,
    /// Blocks.
    pub blocks: watch::Receiver<Arc<BlocksView>>,
    /// Shares of blocks.
    pub store: StoreHandle,
    /// What a share pays.
    pub queries: mpsc::Sender<ChainInput>,
    /// Who mined here before.
    pub history: HistoryHandle,
}

impl Observer {
    /// Runs until the token is cancelled or what it looks at ends.
    pub async fn run(mut self, token: CancellationToken) {
        let mut blocks = Blocks::new(&self.blocks.borrow_and_update().clone());
        let (mut workers, mut peers) = (Workers::default(), Peers::default());
        let (mut templates, mut warnings) = (Templates::default(), Problems::default());
        let mut miners = self.stratum.subscribe();
        let token = &token;
        loop {
            // Watches lose nothing when another branch wins.
            let changed = tokio::select! {
                biased;
                () = token.cancelled() => return,
                changed = self.blocks.changed() => {
                    let seen = self.blocks.borrow_and_update().clone();
                    let (happened, confirmed) = blocks.look(&seen, unix_now());
                    self.tell(happened);
                    for hash in confirmed {
                        self.tell_payouts(&seen, hash).await;
                    }
                    changed
                }
                changed = self.parent.changed() => {
                    let seen = self.parent.borrow_and_update().template.clone();
                    self.tell(seen.and_then(|template| templates.look(&template)));
                    changed
                }
                changed = miners.changed() => {
                    // Once a second, which is often enough to see what is wrong too.
                    let seen = miners.borrow_and_update().clone();
                    self.tell(workers.look(&seen, &self.profile.addresses));
                    self.tell(warnings.look(self.problems()));
                    changed
                }
                changed = self.peers.changed() => {
                    let seen = self.peers.borrow_and_update().clone();
                    self.tell(peers.look(&seen));
                    changed
                }
            };
            if changed.is_err() {
                return token.cancelled().await;
            }
        }
    }

    fn tell(&self, happened: impl IntoIterator<Item = Happening>) {
        for happening in happened {
            self.events.send(EventInput::Happened(happening));
        }
    }

    fn problems(&self) -> Vec<String> {
        let parent = self.parent.borrow().clone();
        // At the start nothing is wrong yet.
        let is_starting = parent.health == ParentHealth::Starting;
        let now = if is_starting { Vec::new() } else { problems(&self.chain.borrow(), &parent) };
        now.into_iter().chain(self.peers.borrow().alarm.clone()).collect()
    }

    /// Tells whom of this node's miners a confirmed block pays.
    async fn tell_payouts(&self, seen: &BlocksView, hash: BlockHash) {
        let height = seen.blocks.iter().find(|block| block.hash == hash).map_or(0, |block| block.height);
        let Ok(Some(paid)) = timeout(QUERY_TIMEOUT, self.payouts(hash.into())).await else {
            warn!(event = "payouts_unknown", block = %hash, "what the confirmed block pays could not be found out");
            return;
        };
        let own = self.own_scripts(&self.stratum.snapshot()).await;
        let ours = paid.into_iter().filter(|payout| own.contains(&payout.script));
        self.tell(ours.map(|payout| Happening::Payout {
            block: hash.to_string(),
            height,
            address: self.profile.addresses.format(&payout.script).unwrap_or_default(),
            amount: Amount::units(payout.amount),
        }));
    }

    /// What the block of this share pays, by this node's own window; the share of a block has the block's hash.
    async fn payouts(&self, id: ShareId) -> Option<Vec<Payout>> {
        let stored = self.store.read(vec![id]).await.ok()?.into_iter().next().flatten()?;
        let share = Box::new(stored.to_share(&self.profile.params)?);
        let (reply, answer) = oneshot::channel();
        self.queries.send(ChainInput::Query(ChainQuery::Payouts { share, reply })).await.ok()?;
        answer.await.ok().flatten()
    }

    /// Whom miners of this node mine or mined for.
    async fn own_scripts(&self, miners: &StratumSnapshot) -> BTreeSet<PayoutScript> {
        let present = miners.miners.iter().filter(|miner| miner.accepted > 0).map(|miner| miner.script);
        self.history.scripts().await.into_iter().chain(present).collect()
    }
}
