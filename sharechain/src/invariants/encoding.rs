//! I2 to I5: one encoding per value, nothing allocated for what is not there, and an id that covers every byte.

use std::sync::LazyLock;

use proptest::{collection::vec, option, prelude::*};

use crate::{
    amount::Amount,
    coinbase::PrefixState,
    encode::Writer,
    hash::ShareId,
    header::Header,
    merkle::BRANCH_MAX,
    params::Params,
    script::PayoutScript,
    share::{
        COINBASE_FLAGS_LEN_MAX, EXTRA_OUTPUT_SCRIPT_LEN_MAX, EXTRA_OUTPUTS_MAX, ExtraOutput, SHARE_VERSION, Share,
        ShareData, UNCLES_LIMIT,
    },
    target::{CompactTarget, Target, Work},
    testing::{GENESIS_TIME, Miner, World, devnet_params},
    u256::U256,
    validate::CheckedShare,
};

fn scripts() -> impl Strategy<Value = PayoutScript> {
    (any::<[u8; 32]>(), 0..5_u8).prop_map(|(hash, form)| {
        let short = hash.first_chunk().copied().unwrap();
        match form {
            0 => PayoutScript::p2pkh(&short),
            1 => PayoutScript::p2sh(&short),
            2 => PayoutScript::p2wpkh(&short),
            3 => PayoutScript::p2wsh(&hash),
            _ => PayoutScript::p2tr(&hash),
        }
    })
}

fn ids(len_max: usize) -> impl Strategy<Value = Vec<ShareId>> {
    vec(any::<[u8; 32]>().prop_map(ShareId::from_bytes), 0..=len_max)
}

fn extra_outputs() -> impl Strategy<Value = Vec<ExtraOutput>> {
    let output = (any::<u64>(), vec(any::<u8>(), 0..=EXTRA_OUTPUT_SCRIPT_LEN_MAX))
        .prop_map(|(value, script)| ExtraOutput { value: Amount::from_units(value), script });
    vec(output, 0..=EXTRA_OUTPUTS_MAX)
}

fn data() -> impl Strategy<Value = ShareData> {
    let numbers = (any::<(u64, u64, u128, u32, u32)>(), any::<(u8, u64, u32, u64, u16)>());
    let parts = (ids(UNCLES_LIMIT), any::<[u8; 32]>(), scripts(), vec(any::<u8>(), 0..=COINBASE_FLAGS_LEN_MAX));
    (numbers, parts, option::of(any::<[u8; 32]>()), extra_outputs()).prop_map(
        |((chain, block), (uncles, parent, payout_script, coinbase_flags), witness_commitment, extra_outputs)| {
            ShareData {
                version: SHARE_VERSION,
                parent: ShareId::from_bytes(parent),
                uncles,
                height: chain.0,
                count: chain.1,
                total_work: Work::from_hashes(chain.2),
                base_bits: CompactTarget::from_bits(chain.3),
                share_bits: CompactTarget::from_bits(chain.4),
                payout_script,
                payout_class: block.0,
                coinbase_value: Amount::from_units(block.1),
                block_height: block.2,
                coinbase_flags,
                witness_commitment,
                extra_outputs,
                node_nonce: block.3,
                signal: block.4,
            }
        },
    )
}

/// Any value that the format can say, valid as a share or not.
fn shares() -> impl Strategy<Value = Share> {
    let header = vec(any::<u8>(), 80).prop_map(|bytes| Header::decode(bytes.first_chunk().unwrap()));
    let prefix = (1..=256_usize).prop_map(|blocks| PrefixState::after(&vec![7; 64 * blocks]).unwrap());
    (header, data(), any::<[u8; 12]>(), vec(any::<[u8; 32]>(), 0..=BRANCH_MAX), prefix).prop_map(
        |(header, data, extranonce, merkle_branch, prefix)| Share { header, data, extranonce, merkle_branch, prefix },
    )
}

/// Real shares, among them some with uncles.
static MINED: LazyLock<Vec<Share>> = LazyLock::new(|| {
    let mut world = World::new(&devnet_params(), 5, 4);
    world.run(60, 4);
    let shares: Vec<Share> = world.shares.iter().map(|share| share.share().clone()).collect();
    assert!(shares.iter().any(|share| share.data.uncles.len() > 1));
    shares
});

/// A change of bytes: what is cut out where, and what is put there.
type Edit = (prop::sample::Index, usize, Vec<u8>);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    vec((any::<prop::sample::Index>(), 0..3_usize, vec(any::<u8>(), 0..3)), 1..4)
}

fn edited(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, cut, put) in edits {
        let start = at.index(bytes.len());
        let end = bytes.len().min(start + cut);
        bytes.splice(start..end, put.iter().copied());
    }
    bytes
}

/// Decodes as a peer's bytes are, and checks I2 and I4 on the way.
fn decode_as_promised(bytes: &[u8]) -> Result<Option<Share>, TestCaseError> {
    let mut decoded = None;
    let allocated = allocation_counter::measure(|| decoded = Share::decode(bytes).ok()).bytes_max;
    let bound = 4 * bytes.len() as u64 + 1024;
    prop_assert!(allocated <= bound, "I4: {} bytes made {allocated} bytes of allocations", bytes.len());
    if let Some(share) = &decoded {
        prop_assert_eq!(share.encode(), bytes, "I2: accepted bytes are the encoding of what they say");
    }
    Ok(decoded)
}

proptest! {
    #[test]
    fn invariant_i2_every_share_survives_its_encoding(share in shares()) {
        prop_assert_eq!(decode_as_promised(&share.encode())?, Some(share));
    }

    #[test]
    fn invariant_i2_and_i4_whatever_decodes_encodes_back_and_allocates_little(
        share in shares(), edits in edits(), noise in vec(any::<u8>(), 0..600),
    ) {
        decode_as_promised(&edited(&share.encode(), &edits))?;
        decode_as_promised(&noise)?;
    }

    #[test]
    fn invariant_i3_nothing_may_trail_or_be_missing(share in shares(), extra in vec(any::<u8>(), 1..40)) {
        let bytes = share.encode();
        for len in 0..bytes.len() {
            prop_assert!(Share::decode(&bytes[..len]).is_err(), "{} of {} bytes", len, bytes.len());
        }
        prop_assert!(Share::decode(&[bytes, extra].concat()).is_err());
    }

    /// Counts have one byte, so their longest value is tried too.
    #[test]
    fn invariant_i3_counts_above_their_bounds_and_unknown_tags_are_refused(share in shares(), excess in 1..=255_u8, tag in 2..=255_u8) {
        let above = |bound: usize| u8::try_from(bound).unwrap().checked_add(excess);
        let data = share.data.encode();
        let at_flags = 1 + 32 + 1 + 32 * share.data.uncles.len() + 32 + 8 + 1 + share.data.payout_script.as_bytes().len() + 13;
        let at_witness = at_flags + 1 + share.data.coinbase_flags.len();
        let at_extra = at_witness + if share.data.witness_commitment.is_some() { 33 } else { 1 };
        prop_assert_eq!(usize::from(data[at_flags]), share.data.coinbase_flags.len());
        prop_assert_eq!(usize::from(data[at_extra]), share.data.extra_outputs.len());
        let replaced = [
            (33, above(UNCLES_LIMIT)),
            (at_flags, above(COINBASE_FLAGS_LEN_MAX)),
            (at_witness, Some(tag)),
            (at_extra, above(EXTRA_OUTPUTS_MAX)),
        ];
        for (at, value) in replaced {
            let Some(value) = value else { continue };
            let mut bytes = share.encode();
            bytes[80 + at] = value;
            // Enough of everything: only the count or tag itself can be what is wrong.
            bytes.extend([0; 80 * 256]);
            let error = Share::decode(&bytes).unwrap_err().to_string();
            prop_assert!(error.contains("at most") || error.contains("tag"), "{}: {}", at, error);
        }
    }

    /// Compact targets spell each bound once; a share with another spelling is refused without context.
    #[test]
    fn invariant_i3_a_target_has_one_spelling(bits: u32) {
        if let Some(target) = CompactTarget::from_bits(bits).to_target() {
            prop_assert_eq!(target.to_compact().to_bits(), bits);
        }
    }

    #[test]
    fn invariant_i3_a_payout_script_is_its_bytes(bytes in vec(any::<u8>(), 0..40), script in scripts(), edits in edits()) {
        prop_assert_eq!(PayoutScript::from_bytes(script.as_bytes()), Ok(script));
        for bytes in [bytes, edited(script.as_bytes(), &edits)] {
            if let Ok(script) = PayoutScript::from_bytes(&bytes) {
                prop_assert_eq!(script.as_bytes(), bytes);
            }
        }
    }

    #[test]
    fn invariant_i5_edited_shares_have_another_id_or_are_refused(at: prop::sample::Index, edits in edits()) {
        let share = at.get(&MINED[..]);
        let params = devnet_params();
        let id = CheckedShare::check(share.clone(), &params).unwrap().id();
        let bytes = edited(&share.encode(), &edits);
        prop_assume!(bytes != share.encode());
        if let Some(other) = decode_as_promised(&bytes)?.and_then(|other| CheckedShare::check(other, &params).ok()) {
            prop_assert_ne!(other.id(), id);
        }
    }
}

/// Uncles in another order would be another spelling of one merge set.
#[test]
fn invariant_i3_uncles_out_of_order_or_twice_are_refused() {
    let params = devnet_params();
    let share = MINED.iter().find(|share| share.data.uncles.len() > 1).unwrap();
    let mut miner = Miner::new(params.clone(), 1);
    let mut remade = |change: fn(&mut Vec<ShareId>)| {
        let mut data = share.data.clone();
        change(&mut data.uncles);
        CheckedShare::check_unmined(miner.assemble(data, share.prefix, GENESIS_TIME), false, &params)
    };
    assert!(remade(|_| ()).is_ok());
    assert!(remade(|uncles| uncles.swap(0, 1)).is_err());
    assert!(remade(|uncles| uncles[1] = uncles[0]).is_err());
}

/// Every single bit of real shares: the header's proof of work covers all of them.
#[test]
fn invariant_i5_no_bit_flips_unnoticed() {
    let params: &Params = &devnet_params();
    let mut other_ids = 0;
    for share in MINED.iter().rev().take(3) {
        let bytes = share.encode();
        let id = CheckedShare::check(share.clone(), params).unwrap().id();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let Ok(other) = Share::decode(&flipped) else { continue };
            let Ok(other) = CheckedShare::check(other, params) else { continue };
            assert_ne!(other.id(), id, "bit {bit}");
            // Half of all headers meet the easy target, so a changed header may be another share; its body may not change.
            assert!(bit / 8 < 80, "bit {bit} is outside the header and still a share");
            other_ids += 1;
        }
    }
    assert!(other_ids > 50, "the test sees shares that differ in their header: {other_ids}");
}

/// The bound of I4 holds at the longest share too, and for counts that promise more than there is.
#[test]
fn invariant_i4_counts_that_lie_allocate_nothing() {
    let mut share = MINED[0].clone();
    share.data.uncles = vec![ShareId::ZERO; UNCLES_LIMIT];
    share.merkle_branch = vec![[0; 32]; BRANCH_MAX];
    let bytes = share.encode();
    for len in 0..=bytes.len() {
        decode_as_promised(&bytes[..len]).unwrap();
    }
    let mut claims = Writer::default();
    claims.bytes(&[0; 80]).u8(1).bytes(&[0; 32]).u8(64);
    let claims = claims.into_bytes();
    let allocated = allocation_counter::measure(|| drop(Share::decode(&claims))).bytes_max;
    assert_eq!(allocated, 0);
}

/// Work and target are each other's inverse as far as compact targets go: no two spellings of one difficulty.
#[test]
fn invariant_i3_the_hardest_and_the_easiest_targets_have_canonical_neighbours() {
    for target in [Target::HARDEST_SHARE, Target::EASIEST, Target::from_u256(U256::one())] {
        let bits = target.to_compact();
        assert_eq!(bits.to_target().map(Target::to_compact), Some(bits), "{target:?}");
    }
}
