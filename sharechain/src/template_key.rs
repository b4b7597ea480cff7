//! The identity of what a share's block was made of: two shares with the same key stand or fall together with a daemon.
//!
//! Not consensus: nodes use it to find the transactions of a block, and to remember which templates a daemon refused.

use std::fmt;

use crate::{
    amount::Amount,
    chain::ParentWork,
    encode::Writer,
    hash::{BlockHash, blake2s256},
    share::{ExtraOutput, Share},
};

/// Domain of the hash; its number changes with what goes into it.
const DOMAIN: &[u8] = b"poolnode/template/1";

/// Hash of all that a template fixes and a daemon judges.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateKey(pub [u8; 32]);

/// What a block claims of the template that it was made of.
#[derive(Clone, Copy, Debug)]
struct Claims<'a> {
    prev_block: BlockHash,
    block_height: u32,
    coinbase_value: Amount,
    witness_commitment: Option<&'a [u8; 32]>,
    extra_outputs: &'a [ExtraOutput],
    merkle_branch: &'a [[u8; 32]],
}

impl TemplateKey {
    /// The template of a share's block.
    pub fn of_share(share: &Share) -> Self {
        let data = &share.data;
        Self::of(Claims {
            prev_block: share.header.prev_block,
            block_height: data.block_height,
            coinbase_value: data.coinbase_value,
            witness_commitment: data.witness_commitment.as_ref(),
            extra_outputs: &data.extra_outputs,
            merkle_branch: &share.merkle_branch,
        })
    }

    /// A template that is mined on.
    pub fn of_work(work: &ParentWork, merkle_branch: &[[u8; 32]]) -> Self {
        Self::of(Claims {
            prev_block: work.prev_block,
            block_height: work.block_height,
            coinbase_value: work.coinbase_value,
            witness_commitment: work.witness_commitment.as_ref(),
            extra_outputs: &work.extra_outputs,
            merkle_branch,
        })
    }

    fn of(claims: Claims<'_>) -> Self {
        let mut out = Writer::with_capacity(1_024);
        out.bytes(claims.prev_block.as_bytes()).u32(claims.block_height).u64(claims.coinbase_value.units());
        match claims.witness_commitment {
            None => out.u8(0),
            Some(commitment) => out.u8(1).bytes(commitment),
        };
        out.count_u8(claims.extra_outputs.len());
        for output in claims.extra_outputs {
            out.u64(output.value.units()).bytes_u8(&output.script);
        }
        out.count_u8(claims.merkle_branch.len());
        for sibling in claims.merkle_branch {
            out.bytes(sibling);
        }
        Self(blake2s256(&[DOMAIN, &out.into_bytes()]))
    }
}

impl fmt::Display for TemplateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TemplateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TemplateKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_share_has_the_key_of_its_work_and_every_claim_makes_another() {
        let mut miner = testing::Miner::devnet();
        miner.work.witness_commitment = Some([7; 32]);
        let branch = [[3; 32], [4; 32]];
        let key = TemplateKey::of_work(&miner.work, &branch);
        let changes: [fn(&mut ParentWork); 5] = [
            |work| work.prev_block = BlockHash::from_bytes([9; 32]),
            |work| work.block_height = work.block_height.saturating_add(1),
            |work| work.coinbase_value = Amount::ZERO,
            |work| work.witness_commitment = None,
            |work| work.extra_outputs = vec![ExtraOutput { value: Amount::ZERO, script: vec![1] }],
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut other = miner.work.clone();
            change(&mut other);
            assert_ne!(TemplateKey::of_work(&other, &branch), key, "{number}");
        }
        assert_ne!(TemplateKey::of_work(&miner.work, &branch[..1]), key);
        let flagged = ParentWork { coinbase_flags: vec![5], ..miner.work.clone() };
        assert_eq!(TemplateKey::of_work(&flagged, &branch), key, "a coinbase's script says what it likes");
    }
}
