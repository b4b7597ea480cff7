//! What this node's miners earned on each lane since its start: what their work should have paid, and what blocks did pay.

use std::collections::BTreeSet;

use sharechain::{PayoutScript, UnixTime};
use stratum::{StratumHandle, server::StratumSnapshot};

use super::LaneView;
use crate::{
    lanes::{Inputs, Observation, observation::UNITS_PER_COIN},
    payouts::ledger::Ledger,
};

/// Addresses of a lane that are remembered. Stops miners that come under ever new ones from filling memory; what later ones are
/// paid is not counted.
const SCRIPTS_MAX: usize = 65_536;

/// What was earned on a lane, base units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Earned {
    /// What the work should have earned.
    pub estimated: u64,
    /// What blocks paid to addresses that mined here, for their work at other nodes too.
    pub paid: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Earnings {
    since: UnixTime,
    lanes: Vec<OfLane>,
}

#[derive(Clone, Debug, Default)]
struct OfLane {
    /// Hashes until the last look.
    hashes: f64,
    estimated: f64,
    scripts: BTreeSet<PayoutScript>,
    paid: u64,
}

impl Earnings {
    /// Nothing was earned on so many lanes.
    pub(super) fn new(lanes: usize, since: UnixTime) -> Self {
        Self { since, lanes: vec![OfLane::default(); lanes] }
    }

    /// What was mined since the last look should have earned so much.
    pub(super) fn estimate(&mut self, views: &[LaneView], inputs: &Inputs, stratum: &StratumHandle) {
        for (view, lane) in views.iter().zip(&mut self.lanes) {
            let Some(Ok(coins)) = inputs.lane(&view.name).map(Observation::coins_per_hash) else { continue };
            let done = stratum.lane(view.id).hashes;
            lane.estimated += (done - lane.hashes).max(0.0) * coins * UNITS_PER_COIN as f64;
            lane.hashes = done;
        }
    }

    /// Looks who mines where, and what everybody who did was paid.
    pub(super) fn count_paid(&mut self, views: &[LaneView], miners: &StratumSnapshot) {
        for miner in &miners.miners {
            if let Some(lane) = self.lanes.get_mut(miner.lane.place()).filter(|lane| lane.scripts.len() < SCRIPTS_MAX) {
                lane.scripts.insert(miner.script);
            }
        }
        for (view, lane) in views.iter().zip(&mut self.lanes) {
            lane.paid = paid(&view.paid.borrow(), self.since, &lane.scripts);
        }
    }

    /// By lane, in their order.
    pub(super) fn by_lane(&self) -> Vec<Earned> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; an estimate")]
        let earned = |lane: &OfLane| Earned { estimated: lane.estimated as u64, paid: lane.paid };
        self.lanes.iter().map(earned).collect()
    }
}

/// What blocks since then paid to these.
fn paid(ledger: &Ledger, since: UnixTime, scripts: &BTreeSet<PayoutScript>) -> u64 {
    let blocks = ledger.blocks().filter(|block| block.time >= since && !block.is_orphaned);
    let payouts = blocks.flat_map(|block| &block.payouts).filter(|payout| scripts.contains(&payout.script));
    payouts.fold(0, |sum, payout| sum.saturating_add(payout.amount.units()))
}

#[cfg(test)]
mod tests {
    use sharechain::{Amount, BlockHash, payout::Payout, testing};

    use super::*;
    use crate::payouts::ledger::PaidBlock;

    #[test]
    fn blocks_since_the_start_that_were_not_orphaned_paid_those_who_mined_here() {
        let block = |height: u32, time: UnixTime, is_orphaned: bool| PaidBlock {
            hash: BlockHash::from_bytes([u8::try_from(height).unwrap(); 32]),
            height,
            time,
            payouts: (1..4)
                .map(|tag| Payout { script: testing::script(tag), amount: Amount::from_units(tag) })
                .collect(),
            window_len: 1,
            is_orphaned,
        };
        let mut ledger = Ledger::default();
        for block in [block(1, 99, false), block(2, 100, false), block(3, 101, true), block(4, 102, false)] {
            ledger.insert(block);
        }
        let here = BTreeSet::from([testing::script(1), testing::script(3), testing::script(9)]);
        assert_eq!(paid(&ledger, 100, &here), 2 * (1 + 3));
        assert_eq!(paid(&ledger, 100, &BTreeSet::new()), 0);
    }
}
