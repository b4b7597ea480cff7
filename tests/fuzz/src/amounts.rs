//! Amounts: the split of a reward, and the coinbase that pays it, read back by the parser of parent-chain blocks.

use node::parent::block::Transaction;
use sharechain::{
    Amount, BlockHash, PayoutScript, Work,
    coinbase::{CoinbaseFields, PrefixState, TAIL_LEN, height_push, with_witness},
    encode::{DecodeError, Reader},
    payout::{self, Payout, PayoutTerms},
    pplns::{Weights, WindowBounds},
    share::{COINBASE_FLAGS_LEN_MAX, EXTRA_OUTPUT_SCRIPT_LEN_MAX, EXTRA_OUTPUTS_MAX, ExtraOutput},
    testing,
};

/// Weights and terms from bytes: the parts of the split's promise.
pub fn payout_split(bytes: &[u8]) {
    let Ok((terms, entries)) = split_input(bytes) else { return };
    let total = entries.iter().fold(0_u128, |sum, (_, work)| sum.saturating_add(work.hashes()));
    let bounds = WindowBounds { work: Work::from_hashes(total), entries_max: u64::MAX };
    let weights = Weights::from_newest_first(entries.into_iter(), bounds);
    let finder = testing::script(1_000);
    let outputs = payout::split(&terms, &weights, finder);
    let paid: u128 = outputs.iter().map(|output| u128::from(output.amount.units())).sum();
    assert_eq!(paid, u128::from(terms.reward.units()), "the sum is the reward");
    assert!((1..=terms.outputs_max).contains(&outputs.len()), "{} outputs", outputs.len());
    assert!(outputs.windows(2).all(|pair| pair[0].script < pair[1].script), "ascending, each script once");
    let smallest = outputs.iter().map(|output| output.amount).min().expect("there is one");
    assert!(smallest >= terms.payout_min.min(terms.reward), "an output below the minimum");
    let has_weight = |script| weights.entries().iter().any(|(known, _)| *known == script);
    let owed = |output: &Payout| if weights.is_empty() { output.script == finder } else { has_weight(output.script) };
    assert!(outputs.iter().all(owed), "somebody without weight is paid");
}

fn split_input(bytes: &[u8]) -> Result<(PayoutTerms, Vec<(PayoutScript, Work)>), DecodeError> {
    let mut reader = Reader::new(bytes);
    let terms = PayoutTerms {
        reward: Amount::from_units(reader.u64()?),
        outputs_max: 1 + usize::from(reader.u16()? % 400),
        payout_min: Amount::from_units(u64::from(reader.u32()?).max(1)),
        prev_block: BlockHash::from_bytes(reader.array()?),
    };
    let mut entries = Vec::new();
    while let (Ok(tag), Ok(work), Ok(shift)) = (reader.u8(), reader.u64(), reader.u8()) {
        // Up to 2^116, so that no sum of a few hundred overflows.
        entries.push((testing::script(u64::from(tag)), Work::from_hashes(u128::from(work) << (shift % 52))));
    }
    Ok((terms, entries))
}

/// Coinbase fields from bytes: the prefix is whole blocks, its state gives the txid, and what the parser of blocks reads
/// in it is what was put in.
pub fn coinbase(bytes: &[u8]) {
    let Ok(input) = CoinbaseInput::read(bytes) else { return };
    let fields = CoinbaseFields {
        tx_time: None,
        block_height: input.block_height,
        flags: &input.flags,
        extra_outputs: &input.extra_outputs,
        payouts: &input.payouts,
        witness_commitment: input.witness_commitment.as_ref(),
    };
    let prefix = fields.prefix();
    assert_eq!(prefix.len() % 64, 0);
    let tail = [7; TAIL_LEN];
    let whole = [prefix.as_slice(), &tail].concat();
    let parsed = Transaction::decode(&whole).expect("a coinbase is a transaction");
    let state = PrefixState::after(&prefix).expect("at most 256 blocks");
    assert_eq!(state.txid(&tail), parsed.txid);
    let [script_sig] = parsed.input_scripts.as_slice() else { panic!("one input") };
    assert!((2..=100).contains(&script_sig.len()), "scriptSig of {} bytes", script_sig.len());
    let push = height_push(input.block_height);
    assert_eq!(script_number(&push), Some(i64::from(input.block_height)), "BIP34");
    assert!(script_sig.starts_with(&[push, input.flags.clone()].concat()));
    let wanted = input.extra_outputs.iter().map(|output| (output.value, output.script.clone()));
    let wanted = wanted.chain(input.payouts.iter().map(|payout| (payout.amount, payout.script.as_bytes().to_vec())));
    let wanted: Vec<(u64, Vec<u8>)> = wanted.map(|(amount, script)| (amount.units(), script)).collect();
    let outputs: Vec<(u64, Vec<u8>)> =
        parsed.outputs.iter().map(|output| (output.value, output.script.clone())).collect();
    assert!(outputs.starts_with(&wanted));
    assert_eq!(outputs.len(), wanted.len() + 1 + usize::from(input.witness_commitment.is_some()));
    let in_block = Transaction::decode(&with_witness(&whole)).expect("with a witness too");
    assert_eq!((in_block.txid, in_block.outputs), (parsed.txid, parsed.outputs));
    assert_eq!(in_block.first_witness, [vec![0; 32]]);
}

/// The number that a push leaves on the stack of a script, as a daemon reads it.
fn script_number(push: &[u8]) -> Option<i64> {
    match push {
        [small @ 0x51..=0x60] => Some(i64::from(small - 0x50)),
        [len, number @ ..] if usize::from(*len) == number.len() && number.len() <= 5 => {
            let (last, rest) = number.split_last()?;
            let above = rest.iter().rev().fold(i64::from(last & 0x7f), |sum, byte| sum * 256 + i64::from(*byte));
            Some(if last & 0x80 == 0 { above } else { -above })
        }
        _ => None,
    }
}

struct CoinbaseInput {
    block_height: u32,
    flags: Vec<u8>,
    witness_commitment: Option<[u8; 32]>,
    extra_outputs: Vec<ExtraOutput>,
    payouts: Vec<Payout>,
}

impl CoinbaseInput {
    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        // A share has no height 0.
        let block_height = reader.u32()?.max(1);
        let flags = reader.bytes_u8("flags", COINBASE_FLAGS_LEN_MAX)?.to_vec();
        let witness_commitment = if reader.option_tag("witness")? { Some(reader.array()?) } else { None };
        let mut extra_outputs = Vec::new();
        for _ in 0..reader.count_u8("extra", EXTRA_OUTPUTS_MAX)? {
            let value = Amount::from_units(reader.u64()?);
            let script = reader.bytes_u8("script", EXTRA_OUTPUT_SCRIPT_LEN_MAX)?.to_vec();
            extra_outputs.push(ExtraOutput { value, script });
        }
        let count = 1 + u64::from(reader.u16()? % 362);
        let form = reader.u8()?;
        let payout = |tag: u64| {
            let mut key = [form; 32];
            key[..8].copy_from_slice(&tag.to_be_bytes());
            let script = if form % 2 == 0 { PayoutScript::p2tr(&key) } else { testing::script(tag) };
            Payout { script, amount: Amount::from_units(tag * u64::from(block_height)) }
        };
        Ok(Self { block_height, flags, witness_commitment, extra_outputs, payouts: (0..count).map(payout).collect() })
    }
}
