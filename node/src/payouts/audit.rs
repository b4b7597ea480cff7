//! A proof beside the block as a daemon has it: whether the parent chain paid what the share chain says.
//!
//! It never asks anybody. The block comes from a daemon that may be wrong or hostile: it is compared, not believed.

use std::collections::BTreeMap;

use sharechain::{coinbase::with_witness, header::HEADER_LEN};

use super::proof::Proven;
use crate::parent::block::{Transaction, first_transaction};

/// What comparing shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// What it comes to.
    pub verdict: AuditVerdict,
    /// Every output that pays, of either side, by script.
    pub outputs: Vec<AuditedOutput>,
}

/// What an audit comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// The block's coinbase is the one that the share chain demands, byte for byte.
    Agrees,
    /// It is another one.
    Differs,
    /// What was given is not this block.
    OtherBlock,
}

/// An output by script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditedOutput {
    /// The script.
    pub script: Vec<u8>,
    /// What the share chain says, base units; nothing for an output that it does not know.
    pub expected: u64,
    /// What the block pays.
    pub found: u64,
}

/// Compares. `block` is the raw block.
pub fn audit(proven: &Proven, block: &[u8]) -> Audit {
    let header = proven.share.share().header.encode();
    if block.first_chunk::<HEADER_LEN>() != Some(&header) {
        return Audit { verdict: AuditVerdict::OtherBlock, outputs: Vec::new() };
    }
    let mut outputs: BTreeMap<Vec<u8>, (u64, u64)> = BTreeMap::new();
    for payout in &proven.payouts {
        outputs.entry(payout.script.as_bytes().to_vec()).or_default().0 += payout.amount.units();
    }
    let expected = &proven.coinbase;
    let first = first_transaction(block).unwrap_or_default();
    let agrees = first.starts_with(expected) || first.starts_with(&with_witness(expected));
    if agrees {
        outputs.values_mut().for_each(|(expected, found)| *found = *expected);
    } else if let Ok(coinbase) = Transaction::decode_first(first) {
        for output in coinbase.outputs.iter().filter(|output| output.value > 0) {
            let (_, found) = outputs.entry(output.script.clone()).or_default();
            *found = found.saturating_add(output.value);
        }
    }
    let verdict = if agrees { AuditVerdict::Agrees } else { AuditVerdict::Differs };
    let outputs = outputs.into_iter().map(|(script, (expected, found))| AuditedOutput { script, expected, found });
    Audit { verdict, outputs: outputs.collect() }
}

#[cfg(test)]
mod tests {
    use sharechain::encode::Writer;

    use super::*;
    use crate::payouts::proof::tests::proven_block;

    fn block_with(header: &[u8], coinbase: &[u8]) -> Vec<u8> {
        let mut out = Writer::default();
        out.bytes(header).compact_size(1).bytes(coinbase);
        out.into_bytes()
    }

    #[test]
    fn a_block_agrees_differs_or_is_another_one() {
        let (profile, _, _, proof) = proven_block();
        let proven = proof.verify(&profile).unwrap();
        let header = proven.share.share().header.encode();
        for coinbase in [proven.coinbase.clone(), with_witness(&proven.coinbase)] {
            let audit = audit(&proven, &block_with(&header, &coinbase));
            assert_eq!((audit.verdict, audit.outputs.len()), (AuditVerdict::Agrees, 3));
            assert!(audit.outputs.iter().all(|output| output.expected == output.found && output.found > 0));
        }
        // One unit less for the first: the value's lowest byte is what an output begins with.
        let mut robbed = proven.coinbase.clone();
        let script = proven.payouts[0].script.as_bytes();
        let place = robbed.windows(script.len()).position(|bytes| bytes == script).unwrap() - 9;
        robbed[place] ^= 1;
        let differs = audit(&proven, &block_with(&header, &robbed));
        assert_eq!(differs.verdict, AuditVerdict::Differs);
        let unequal = differs.outputs.iter().filter(|output| output.expected != output.found).count();
        assert_eq!((unequal, differs.outputs.len()), (1, 3));
        let mut other = header;
        other[0] ^= 1;
        assert_eq!(audit(&proven, &block_with(&other, &proven.coinbase)).verdict, AuditVerdict::OtherBlock);
        for cut in [&[][..], &header, &header[..40]] {
            assert_ne!(audit(&proven, cut).verdict, AuditVerdict::Agrees);
        }
    }
}
