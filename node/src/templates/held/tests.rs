use std::time::Duration;

use proptest::prelude::*;
use sharechain::CompactTarget;

use super::*;
use crate::templates::wire::TRANSACTIONS_MAX;

fn bytes(tag: u16) -> Arc<[u8]> {
    [tag.to_le_bytes().as_slice(), &[7; 98]].concat().into()
}

/// A template with these transactions, as a daemon gives it.
fn template(block: u8, transactions: &[u16], tail: &[u8]) -> Template {
    let txids: Vec<Txid> = transactions.iter().map(|tag| Txid::from_bytes(sha256d(&bytes(*tag)[..50]))).collect();
    let wtxids: Vec<Txid> = transactions.iter().map(|tag| Txid::from_bytes(sha256d(&bytes(*tag)))).collect();
    Template {
        bits: CompactTarget::from_bits(0x1d00_ffff),
        time_min: 7,
        merkle_branch: merkle::left_path(&txids).into(),
        body: Arc::new(BlockBody {
            transactions: transactions.iter().map(|tag| bytes(*tag)).collect(),
            tail: tail.to_vec(),
        }),
        txids: txids.into(),
        wtxids: wtxids.into(),
        ..crate::testing::template(block)
    }
}

fn held(block: u8, transactions: &[u16], tail: &[u8]) -> Arc<HeldTemplate> {
    Arc::new(HeldTemplate::of(&template(block, transactions, tail)).unwrap())
}

/// Runs a peer's template through requests and answers, each as large as it may be; the number of answers.
#[track_caller]
fn fetch(templates: &mut Templates, peer: PeerId, theirs: &HeldTemplate, mut step: Step) -> (Arc<HeldTemplate>, usize) {
    let mut answers = 0;
    loop {
        match step {
            Step::Complete(template) => return (template, answers),
            Step::Nothing => panic!("given up after {answers} answers"),
            Step::Fetch { key, places, tail } => {
                let tail = tail.then(|| theirs.body.tail.clone());
                step = templates.on_transactions(peer, &key, theirs.sent(&places), tail).unwrap();
                answers += 1;
            }
        }
    }
}

#[test]
fn what_is_known_is_not_fetched_and_what_is_missing_is() {
    let (mut templates, peer, now) = (Templates::default(), PeerId::random(), Instant::now());
    templates.on_own(held(1, &[1, 2, 3, 4], &[]));
    let theirs = held(1, &[1, 9, 3], &[1, 5, 5]);
    let step = templates.on_announced(peer, theirs.announcement.clone(), now);
    assert!(matches!(&step, Step::Fetch { places, tail: true, .. } if *places == [1]));
    let (complete, answers) = fetch(&mut templates, peer, &theirs, step);
    assert_eq!((complete.body.as_ref(), answers), (theirs.body.as_ref(), 1));
    assert!(templates.find(&theirs.key()).is_some());
    // All of it is known to the next who tells of it.
    assert!(matches!(templates.on_announced(PeerId::random(), theirs.announcement.clone(), now), Step::Nothing));
    let next = held(1, &[9, 1], &[]);
    assert!(matches!(templates.on_announced(peer, next.announcement.clone(), now), Step::Complete(_)));
}

#[test]
fn a_template_that_does_not_lead_to_its_branch_is_dropped() {
    let (mut templates, peer) = (Templates::default(), PeerId::random());
    templates.on_own(held(1, &[1, 2, 3], &[]));
    let mut lie = held(1, &[1, 2, 3], &[]).announcement.clone();
    lie.merkle_branch[0] = [0; 32];
    let key = lie.key();
    lie.short_ids = templates.own[0].transactions.iter().map(|known| short_id(&key, &known.wtxid)).collect();
    assert!(matches!(templates.on_announced(peer, lie, Instant::now()), Step::Nothing));
    assert!(templates.find(&key).is_none());
}

#[test]
fn only_what_was_asked_for_is_taken() {
    let (mut templates, peer) = (Templates::default(), PeerId::random());
    let (theirs, other) = (held(1, &[1, 2], &[]), held(1, &[3], &[]));
    let key = theirs.key();
    templates.on_announced(peer, theirs.announcement.clone(), Instant::now());
    assert_eq!(templates.on_transactions(peer, &key, other.sent(&[0]), None).unwrap_err(), WrongTransactions);
    let too_many = [theirs.sent(&[0, 1]), other.sent(&[0])].concat();
    assert_eq!(templates.on_transactions(peer, &key, too_many, None).unwrap_err(), WrongTransactions);
    let wrong_tail = templates.on_announced(peer, held(2, &[1], &[1, 2]).announcement.clone(), Instant::now());
    let Step::Fetch { key, .. } = wrong_tail else { panic!("everything is missing") };
    assert_eq!(templates.on_transactions(peer, &key, Vec::new(), Some(vec![1])).unwrap_err(), WrongTransactions);
    // Answers that come too late are nobody's fault.
    assert!(matches!(templates.on_transactions(peer, &other.key(), other.sent(&[0]), None), Ok(Step::Nothing)));
    // Who has them no more is not asked again.
    templates.on_announced(peer, theirs.announcement.clone(), Instant::now());
    assert!(matches!(templates.on_transactions(peer, &theirs.key(), Vec::new(), None), Ok(Step::Nothing)));
    assert!(matches!(templates.on_transactions(peer, &theirs.key(), theirs.sent(&[0]), None), Ok(Step::Nothing)));
}

#[test]
fn peers_make_us_keep_only_so_much() {
    let (mut templates, now) = (Templates::default(), Instant::now());
    let peer = PeerId::random();
    let taken = (0..40_u16)
        .filter(|tag| {
            !matches!(templates.on_announced(peer, held(1, &[*tag], &[]).announcement.clone(), now), Step::Nothing)
        })
        .count();
    assert_eq!(taken, 8, "the burst");
    let later = now + Duration::from_secs(60);
    for tag in 0..5 {
        let theirs = held(1, &[100 + tag], &[]);
        let step = templates.on_announced(peer, theirs.announcement.clone(), later);
        fetch(&mut templates, peer, &theirs, step);
    }
    assert_eq!(templates.peers[&peer].held.len(), PER_PEER_MAX);
    for tag in 0..2 * u16::try_from(PEERS_MAX).unwrap() {
        templates.on_announced(PeerId::random(), held(1, &[1_000 + tag], &[]).announcement.clone(), now);
    }
    assert_eq!(templates.peers.len(), PEERS_MAX);
    assert_eq!(templates.fetched_len(), PER_PEER_MAX * 100);
    templates.keep_only(&[BlockHash::from_bytes([2; 32])]);
    assert_eq!(templates.fetched_len(), 0, "old templates are of no use");
    let huge = held(1, &vec![7; TRANSACTIONS_MAX], &[]);
    assert_eq!(huge.announcement.short_ids.len(), TRANSACTIONS_MAX);
    assert!(HeldTemplate::of(&template(1, &vec![7; TRANSACTIONS_MAX + 1], &[])).is_none());
}

#[test]
fn a_peer_that_left_is_forgotten_but_not_its_templates() {
    let (mut templates, peer, now) = (Templates::default(), PeerId::random(), Instant::now());
    let theirs = held(1, &[1], &[]);
    let step = templates.on_announced(peer, theirs.announcement.clone(), now);
    fetch(&mut templates, peer, &theirs, step);
    templates.on_gone(&peer);
    assert!(templates.find(&theirs.key()).is_some(), "its block may come after it has gone");
    let other = PeerId::random();
    templates.on_announced(other, held(1, &[2], &[]).announcement.clone(), now);
    templates.on_gone(&other);
    assert_eq!(templates.peers.len(), 1);
}

proptest! {
    #[test]
    fn whatever_both_know_a_template_arrives_as_it_was(
        ours in proptest::collection::btree_set(0_u16..400, 0..200),
        theirs in proptest::collection::btree_set(0_u16..400, 0..200),
        tail in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut templates = Templates::default();
        templates.on_own(held(1, &ours.iter().copied().collect::<Vec<_>>(), &[]));
        let theirs = held(2, &theirs.iter().copied().collect::<Vec<_>>(), &tail);
        let peer = PeerId::random();
        let step = templates.on_announced(peer, theirs.announcement.clone(), Instant::now());
        let (complete, answers) = fetch(&mut templates, peer, &theirs, step);
        prop_assert!(answers <= 1);
        prop_assert_eq!(complete.body.as_ref(), theirs.body.as_ref());
        prop_assert_eq!(complete.key(), theirs.key());
    }
}
