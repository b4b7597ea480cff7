//! Consensus bytes: shares, headers, targets, scripts, ids, and the reader below all of them.

use std::sync::{Arc, LazyLock};

use sharechain::{
    BlockHash, CheckedShare, CompactTarget, Header, Params, PayoutScript, PowAlgorithm, Share, ShareId, Target, Work,
    difficulty::{Controller, Progress, SHARE_WORK_MAX_IN_BASE, share_bits},
    encode::{Reader, Writer},
    params::{ConsensusParams, ExtraOutputsRule},
    share::SHARE_LEN_MAX,
    testing,
};

use super::measure::bounded;

/// The devnet's parameters, and some that use every rule of the parent chain's profile.
static PARAMS: LazyLock<[Arc<Params>; 3]> = LazyLock::new(|| {
    let with = |change: fn(&mut ConsensusParams)| {
        let mut raw = testing::devnet_params().raw().clone();
        change(&mut raw);
        testing::params(raw)
    };
    [
        testing::devnet_params(),
        with(|raw| {
            raw.parent.pow = PowAlgorithm::Sha256d;
            raw.parent.extra_outputs = ExtraOutputsRule::Treasury { scripts: vec![vec![0x51]], permille_max: 200 };
        }),
        with(|raw| {
            (raw.parent.version_mask, raw.parent.version_value) = (0xf000_0000, 0x2000_0000);
            raw.parent.tx_time = true;
            raw.parent.extra_outputs = ExtraOutputsRule::SignatureKey;
        }),
    ]
});

/// A share from a peer: one encoding, little memory, and a check without context that never panics.
pub fn share(bytes: &[u8]) {
    let Ok(share) = bounded(bytes, 4, Share::decode) else { return };
    assert_eq!(share.encode(), bytes, "accepted bytes are the encoding of what they say");
    assert!(bytes.len() <= SHARE_LEN_MAX, "longer than the longest share");
    for params in PARAMS.iter() {
        let Ok(checked) = CheckedShare::check(share.clone(), params) else { continue };
        let id = params.parent().block_hash.hash(&bytes[..80].try_into().expect("a share begins with a header"));
        assert_eq!(checked.id().as_bytes(), id.as_bytes());
        assert_eq!(checked.share(), &share);
        let own = CheckedShare::from_own_store(share.clone(), checked.is_block(), params);
        assert_eq!(own.as_ref(), Ok(&checked), "what was checked once is taken back from the store");
    }
}

/// Headers and the numbers of the difficulty rules.
pub fn header_and_targets(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    if let Ok(header) = reader.array() {
        assert_eq!(Header::decode(&header).encode(), header);
    }
    let mut reader = Reader::new(bytes);
    let Ok(bits) = reader.u32().map(CompactTarget::from_bits) else { return };
    let easiest = CompactTarget::from_bits(0x207f_ffff).to_target().expect("canonical");
    if let Some(target) = bits.to_target() {
        assert_eq!(target.to_compact(), bits, "a target has one compact form");
        assert_eq!(Target::from_le_bytes(&target.to_le_bytes()), target);
        if let Some(easier) = bits.next_easier() {
            assert!(easier.to_target().expect("it is one") > target);
        }
        if let Some(work) = target.work() {
            assert!(Target::from_work(work) >= target, "the easiest target with this work");
        }
        let (Ok(wanted), Ok(counts), Ok(times)) = (reader.u128(), reader.array::<8>(), reader.array::<8>()) else {
            return;
        };
        if let Some(base_work) = target.work() {
            let chosen = share_bits(Work::from_hashes(wanted), bits).and_then(CompactTarget::to_target);
            let chosen = chosen.expect("a base with work has share targets");
            let work = chosen.work().expect("it is no harder than the hardest");
            assert!(chosen <= target && work <= base_work.saturating_mul(SHARE_WORK_MAX_IN_BASE));
        }
        let half =
            |bytes: [u8; 8], at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let progress = |at| Progress { count: u64::from(half(counts, at)), median_time: half(times, at) };
        let controller = Controller { share_interval_ms: 1_000, halflife_secs: 60, base_target_max: easiest };
        let base = controller.base_bits(target, progress(0), progress(4)).to_target().expect("a base is canonical");
        assert!(base <= easiest && base.work().is_some());
    }
}

/// Texts and bytes that name something: scripts, ids, algorithms.
pub fn identifiers(bytes: &[u8]) {
    if let Ok(script) = bounded(bytes, 0, PayoutScript::from_bytes) {
        assert_eq!(script.as_bytes(), bytes);
        assert_eq!(script.to_string(), hex::encode(bytes));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(id) = text.parse::<ShareId>() {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
        assert_eq!(ShareId::from(BlockHash::from(id)), id);
    }
    if let Ok(algorithm) = text.parse::<PowAlgorithm>() {
        assert_eq!(algorithm.name(), text);
    }
    if let Ok(region) = text.parse::<node::Region>() {
        assert_eq!(region.to_string().parse::<node::Region>().ok(), Some(region));
    }
}

/// The reader, driven by the first bytes over the rest, beside a writer that repeats what was read.
pub fn reader(bytes: &[u8]) {
    let Some((operations, rest)) = bytes.split_at_checked(bytes.len().min(16)) else { return };
    let mut reader = Reader::new(rest);
    let mut writer = Writer::default();
    for operation in operations {
        let before = reader.remaining();
        let out = &mut writer;
        let read = match operation % 10 {
            0 => reader.u8().map(|value| out.u8(value)),
            1 => reader.u16().map(|value| out.u16(value)),
            2 => reader.u32().map(|value| out.u32(value)),
            3 => reader.u64().map(|value| out.u64(value)),
            4 => reader.u128().map(|value| out.u128(value)),
            5 => reader.array::<5>().map(|value| out.bytes(&value)),
            6 => reader.take(usize::from(*operation)).map(|value| out.bytes(value)),
            7 => reader.bytes_u8("bytes", 40).map(|value| out.bytes_u8(value)),
            8 => reader.count_u8("count", usize::from(*operation)).map(|count| out.count_u8(count)),
            _ => reader.option_tag("option").map(|some| out.u8(u8::from(some))),
        };
        if read.is_err() {
            assert!(reader.remaining() <= before);
            return;
        }
        assert_eq!(writer.len() + reader.remaining(), rest.len(), "what is read is neither lost nor seen twice");
    }
    let left = reader.remaining();
    assert_eq!(reader.finish().is_ok(), left == 0);
    assert_eq!(writer.into_bytes(), &rest[..rest.len() - left]);
}
