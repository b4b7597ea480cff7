//! Everything that was ever mined, known to nobody in the world but the checkers.

use std::{collections::BTreeMap, sync::Arc};

use sharechain::{CheckedShare, ShareId, payout::Payout, pplns::Weights};

use super::{Millis, MinerId, ShareNo};

/// A mined share and what its bytes do not say.
#[derive(Clone, Debug)]
pub struct Mined {
    /// The share.
    pub share: Arc<CheckedShare>,
    /// Who found it.
    pub miner: MinerId,
    /// When.
    pub found_at: Millis,
    /// What its miner was told.
    pub fate: Fate,
    /// Whether the parent chain would take a block of it: on the newest block, with true claims.
    pub is_sound: bool,
    /// Whose window it pays.
    pub payout_share: ShareId,
    /// Part of the reward that its own coinbase pays its finder, where the finder chose the draw; others are paid what is
    /// due on average.
    pub drawn_part: Option<f64>,
}

/// What became of a find on its way to the node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The node was down when it came, or it has not come yet.
    Unheard,
    /// The node took it: from now on losing it breaks a promise.
    Acknowledged,
    /// The node's own chain does not take it.
    Refused,
}

/// A block that the pool found.
#[derive(Clone, Debug)]
pub struct FoundBlock {
    /// The share.
    pub share: ShareNo,
    /// What its coinbase pays.
    pub payouts: Vec<Payout>,
}

/// The ledger.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Shares in order of mining.
    pub shares: Vec<Mined>,
    /// Found blocks.
    pub blocks: Vec<FoundBlock>,
    /// Windows that shares pay.
    pub windows: BTreeMap<ShareId, Arc<Weights>>,
    by_id: BTreeMap<ShareId, ShareNo>,
}

impl Ledger {
    /// Writes a share down.
    pub fn add(&mut self, mined: Mined, weights: &Arc<Weights>) -> ShareNo {
        let number = self.shares.len();
        self.by_id.insert(mined.share.id(), number);
        self.windows.entry(mined.payout_share).or_insert_with(|| weights.clone());
        self.shares.push(mined);
        number
    }

    /// Number of a share.
    pub fn number(&self, id: &ShareId) -> Option<ShareNo> {
        self.by_id.get(id).copied()
    }

    /// A share by its number.
    pub fn share(&self, number: ShareNo) -> &Arc<CheckedShare> {
        &self.shares[number].share
    }
}
