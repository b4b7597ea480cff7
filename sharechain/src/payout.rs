//! From weights to coinbase outputs: exact integers, never more outputs than the class holds, none below the minimum,
//! and in expectation exactly what is due.
//!
//! 1. *Certainty*: from the largest weight downwards, a miner who is due at least the minimum and at least an equal part
//!    of the slots left is paid to the unit.
//! 2. *Systematic sampling*: what is left is cut into equal tickets, drawn by one random offset over all remaining
//!    weights, so each miner's expectation is its due. The offset comes from the parent block's hash: to re-roll it a
//!    miner has to throw a block away (attack C4).
//!
//! `docs/protocol/payout.md` has the rule with vectors.

use std::collections::BTreeMap;

use crate::{
    amount::Amount,
    hash::{BlockHash, blake2s256},
    pplns::Weights,
    script::PayoutScript,
    target::Work,
    u256::U256,
};

const DRAW_DOMAIN: &[u8] = b"poolnode/draw/1";

/// One output of the coinbase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Payout {
    /// Who is paid.
    pub script: PayoutScript,
    /// How much.
    pub amount: Amount,
}

/// What is split, and under which limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PayoutTerms {
    /// The whole amount; the outputs sum to exactly this.
    pub reward: Amount,
    /// Most outputs.
    pub outputs_max: usize,
    /// Smallest output, except when the reward itself is smaller.
    pub payout_min: Amount,
    /// The parent block the payout is mined on: the draw's randomness.
    pub prev_block: BlockHash,
}

/// Splits the reward over `weights`; all of it to `finder` when nobody has weight. Ascending by script.
pub fn split(terms: &PayoutTerms, weights: &Weights, finder: PayoutScript) -> Vec<Payout> {
    split_with_offset(terms, weights, finder, draw_offset(terms.prev_block))
}

/// [`split`] for a given draw, so that tests can go through all of them.
fn split_with_offset(terms: &PayoutTerms, weights: &Weights, finder: PayoutScript, offset: u64) -> Vec<Payout> {
    let Some((largest, _)) = weights.by_work().first().copied() else {
        return vec![Payout { script: finder, amount: terms.reward }];
    };
    let mut pot = Pot {
        outputs: BTreeMap::new(),
        units_left: terms.reward.units(),
        work_left: weights.total().hashes(),
        slots_left: terms.outputs_max,
    };
    pot.pay_certain(terms, weights.total().hashes(), weights.by_work());
    pot.draw(terms, weights.entries(), offset);
    // Nobody left to draw for, or not one whole ticket: it goes to the largest of those paid exactly, who is the
    // largest of all.
    pot.pay(largest, pot.units_left);
    pot.into_payouts(terms.reward)
}

/// The first 64 bits of the parent block's draw, big-endian.
fn draw_offset(prev_block: BlockHash) -> u64 {
    let hash = blake2s256(&[DRAW_DOMAIN, prev_block.as_bytes()]);
    hash.first_chunk().copied().map_or(0, u64::from_be_bytes)
}

struct Pot {
    outputs: BTreeMap<PayoutScript, u64>,
    units_left: u64,
    work_left: u128,
    slots_left: usize,
}

impl Pot {
    fn pay(&mut self, script: PayoutScript, units: u64) {
        let output = self.outputs.entry(script).or_default();
        *output = output.saturating_add(units);
        self.units_left = self.units_left.saturating_sub(units);
    }

    fn pay_certain(&mut self, terms: &PayoutTerms, total: u128, by_work: &[(PayoutScript, Work)]) {
        for (script, work) in by_work {
            let work = work.hashes();
            let due = mul_div(terms.reward.units(), work, total);
            let slots = u128::try_from(self.slots_left).unwrap_or(u128::MAX);
            let fills_a_slot = slots > 0 && product(work, slots) >= U256::from(self.work_left);
            if due < terms.payout_min.units() || !fills_a_slot {
                break;
            }
            self.pay(*script, due);
            self.work_left = self.work_left.saturating_sub(work);
            self.slots_left = self.slots_left.saturating_sub(1);
        }
    }

    fn draw(&mut self, terms: &PayoutTerms, by_script: &[(PayoutScript, Work)], offset: u64) {
        let pot = self.units_left;
        let affordable = pot.checked_div(terms.payout_min.units()).unwrap_or_default();
        let tickets = u64::try_from(self.slots_left).unwrap_or(u64::MAX).min(affordable);
        if tickets == 0 || self.work_left == 0 {
            return;
        }
        let exactly_paid: Vec<PayoutScript> = self.outputs.keys().copied().collect();
        let mut remaining = by_script.iter().filter(|(script, _)| exactly_paid.binary_search(script).is_err());
        let mut cumulated = 0_u128;
        let mut winner = None;
        for ticket in 0..tickets {
            let point = u128::from(offset).saturating_add(u128::from(ticket) << 64);
            let threshold = product(point, self.work_left);
            // cumulated x tickets x 2^64 > (offset + ticket x 2^64) x work_left
            while product(cumulated, u128::from(tickets) << 64) <= threshold {
                let Some((script, work)) = remaining.next() else { break };
                cumulated = cumulated.saturating_add(work.hashes());
                winner = Some(*script);
            }
            let next_ticket = ticket.saturating_add(1);
            let value = mul_div(pot, u128::from(next_ticket), u128::from(tickets)).saturating_sub(mul_div(
                pot,
                u128::from(ticket),
                u128::from(tickets),
            ));
            if let Some(script) = winner {
                self.pay(script, value);
            }
        }
    }

    fn into_payouts(self, reward: Amount) -> Vec<Payout> {
        self.outputs
            .into_iter()
            .filter(|(_, units)| *units > 0 || reward == Amount::ZERO)
            .map(|(script, units)| Payout { script, amount: Amount::from_units(units) })
            .collect()
    }
}

/// `floor(units x part / whole)`, where `part <= whole`; zero when `whole` is zero.
fn mul_div(units: u64, part: u128, whole: u128) -> u64 {
    let quotient = product(u128::from(units), part).checked_div(U256::from(whole)).unwrap_or_default();
    u64::try_from(quotient).unwrap_or(u64::MAX)
}

/// The product, which always fits.
fn product(a: u128, b: u128) -> U256 {
    U256::from(a).saturating_mul(U256::from(b))
}

#[cfg(test)]
mod tests;
