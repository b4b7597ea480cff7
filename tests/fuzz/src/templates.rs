//! The store of peers' templates, driven by operations that are read from bytes: announcements of true and made-up templates,
//! answers that are right, cut, swapped or altered, and peers that leave.

use std::{sync::Arc, time::Instant};

use libp2p::{PeerId, multihash::Multihash};
use node::{
    parent::Template,
    templates::{
        held::{HeldTemplate, Step, Templates},
        wire::{SentTransaction, short_id},
    },
};
use sharechain::{
    BlockHash, CompactTarget,
    hash::{Txid, sha256d},
    merkle, testing,
};
use stratum::BlockBody;

/// Transactions there are.
const POOL: u8 = 12;
/// Peers there are.
const PEERS: u8 = 4;
/// Bytes of one operation: what, who, and two numbers.
const OPERATION_LEN: usize = 4;

fn peer(number: u8) -> PeerId {
    let hash = Multihash::wrap(0, &[number % PEERS]).expect("a short hash");
    PeerId::from_multihash(hash).expect("an identity")
}

fn transaction(tag: u8) -> Arc<[u8]> {
    vec![tag; 60 + usize::from(tag)].into()
}

/// A true template: those transactions of the pool whose bits are set.
fn template(block: u8, chosen: u8) -> Arc<HeldTemplate> {
    let tags: Vec<u8> = (0..POOL).filter(|tag| chosen >> (tag % 8) & 1 == 1).collect();
    let txids: Vec<Txid> = tags.iter().map(|tag| Txid::from_bytes(sha256d(&transaction(*tag)[..50]))).collect();
    let wtxids: Vec<Txid> = tags.iter().map(|tag| Txid::from_bytes(sha256d(&transaction(*tag)))).collect();
    let mut work = testing::Miner::devnet().work;
    work.prev_block = BlockHash::from_bytes([block % 3; 32]);
    let transactions = tags.iter().map(|tag| transaction(*tag)).collect();
    let template = Template {
        work,
        version: 0x2000_0000,
        version_required: 0,
        bits: CompactTarget::from_bits(0x1d00_ffff),
        time_min: 7,
        merkle_branch: merkle::left_path(&txids).into(),
        body: Arc::new(BlockBody { transactions, tail: vec![block; usize::from(chosen % 4)] }),
        txids: txids.into(),
        wtxids: wtxids.into(),
        longpollid: None,
        fees: None,
    };
    Arc::new(HeldTemplate::of(&template).expect("a small one"))
}

/// What an answer becomes on its way.
fn altered(mut sent: Vec<SentTransaction>, how: u8) -> Vec<SentTransaction> {
    match how % 6 {
        1 => sent.truncate(sent.len() / 2),
        2 => sent.reverse(),
        3 => sent.iter_mut().for_each(|sent| sent.bytes.push(how)),
        4 => sent.iter_mut().for_each(|sent| sent.txid = Txid::from_bytes([how; 32])),
        5 => sent.extend(sent.clone()),
        _ => {}
    }
    sent
}

/// A complete template is one whose parts all lead to what was announced, and it is found by its key.
fn check(templates: &Templates, step: &Step) {
    let Step::Complete(template) = step else { return };
    let (key, announcement) = (template.key(), &template.announcement);
    assert_eq!(template.body.tail.len(), usize::try_from(announcement.tail_len).expect("a short tail"));
    let places: Vec<u16> = (0..).take(announcement.short_ids.len()).collect();
    let sent = template.sent(&places);
    let bytes: Vec<&[u8]> = sent.iter().map(|sent| sent.bytes.as_slice()).collect();
    assert_eq!(bytes, template.body.transactions.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    assert_eq!(sent.len(), places.len());
    for (sent, id) in sent.iter().zip(&announcement.short_ids) {
        let wtxid = Txid::from_bytes(sha256d(&sent.bytes));
        assert!(short_id(&key, &wtxid) == *id || short_id(&key, &sent.txid) == *id, "{sent:?}");
    }
    let txids: Vec<Txid> = sent.iter().map(|sent| sent.txid).collect();
    assert_eq!(merkle::left_path(&txids), announcement.merkle_branch);
    assert!(templates.find(&key).is_some());
}

/// A template that is being fetched.
struct Fetched {
    peer: PeerId,
    theirs: Arc<HeldTemplate>,
    step: Step,
    /// Whether everything about it was true so far.
    is_true: bool,
}

/// See the module.
pub fn run(bytes: &[u8]) {
    let (mut templates, now) = (Templates::default(), Instant::now());
    let mut fetched: Option<Fetched> = None;
    for operation in bytes.chunks_exact(OPERATION_LEN) {
        let &[what, who, one, two] = operation else { return };
        let peer = peer(who);
        match what % 6 {
            0 => templates.on_own(template(one, two)),
            1 | 2 => {
                let (theirs, is_true) = (template(one, two), what < 0x80);
                let mut announcement = theirs.announcement.clone();
                if !is_true {
                    announcement.short_ids.iter_mut().for_each(|id| id[0] ^= 1);
                }
                let step = templates.on_announced(peer, announcement, now);
                check(&templates, &step);
                fetched = Some(Fetched { peer, theirs, step, is_true });
            }
            3 => {
                let Some(Fetched { peer, theirs, step: Step::Fetch { key, places, tail }, is_true }) = fetched.take()
                else {
                    continue;
                };
                let is_true = is_true && two % 6 == 0;
                let tail = tail.then(|| [theirs.body.tail.as_slice(), &vec![0; usize::from(!is_true)]].concat());
                match templates.on_transactions(peer, &key, altered(theirs.sent(&places), two), tail) {
                    Ok(step) => {
                        check(&templates, &step);
                        fetched = Some(Fetched { peer, theirs, step, is_true });
                    }
                    Err(wrong) => assert!(!is_true, "{wrong}"),
                }
            }
            4 => templates.on_gone(&peer),
            _ => templates.keep_only(&[BlockHash::from_bytes([one % 3; 32])]),
        }
    }
}
