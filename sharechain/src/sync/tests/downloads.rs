//! Whole downloads in virtual time: how long they take, and what silent, slow, poor and lying peers change about it.

use proptest::prelude::*;

use super::*;

/// What a peer does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Character {
    /// Answers after so many milliseconds.
    Honest(Millis),
    /// Never answers.
    Silent,
    /// Shows the order, but never a share.
    Miser,
    /// Answers everything with nothing.
    Poor,
    /// Shows ids of shares that do not exist.
    Inventor,
    /// Shows real ids, but far from where we are.
    Jumper,
    /// Answers each request for shares with one of them.
    Grudging,
}

/// Where numbers begin that no share has.
const INVENTED: u64 = 1 << 40;

#[derive(Debug)]
enum Answer {
    Ids(Vec<u64>, bool),
    Shares(Vec<u64>, Vec<u64>),
}

/// A node that downloads shares 1 to `len` from peers; each is linked when the one before is.
struct Download {
    len: u64,
    peers: Vec<Character>,
    sync: Numbers<usize>,
    height: u64,
    now: Millis,
    coming: BTreeMap<(Millis, u64), (usize, Answer)>,
    sent: u64,
    /// Requests to each peer since the beginning.
    requests: Vec<u64>,
}

impl Download {
    fn new(len: u64, peers: &[Character]) -> Self {
        let mut sync = Sync::default();
        for (peer, character) in peers.iter().enumerate() {
            // Liars claim more than there is.
            let work = if matches!(character, Character::Honest(_)) { len } else { 2 * len };
            let (id, total_work) = (number_id(work), Work::from_hashes(work.into()));
            sync.on_tip(peer, TipClaim { id, height: work, total_work }, 0);
        }
        let requests = vec![0; peers.len()];
        Self { len, peers: peers.to_vec(), sync, height: 0, now: 0, coming: BTreeMap::new(), sent: 0, requests }
    }

    fn tip(&self) -> Tip {
        let (id, total_work) = (number_id(self.height), Work::from_hashes(self.height.into()));
        Tip { id, height: self.height, count: self.height, total_work }
    }

    /// Until everything is linked; the time that it took.
    fn run(&mut self) -> Millis {
        while self.height < self.len {
            self.ask();
            self.sync.bodies.assert_consistent();
            let due = self.sync.poll_timeout(self.now);
            let next = self.coming.first_key_value().map(|((at, _), _)| *at).into_iter().chain(due).min();
            self.now = next.expect("something is due while anything is missing");
            assert!(self.now < 3_600_000, "{} of {} after an hour with {:?}", self.height, self.len, self.peers);
            while self.coming.first_key_value().is_some_and(|((at, _), _)| *at <= self.now) {
                let (_, (peer, answer)) = self.coming.pop_first().unwrap();
                self.take(peer, answer);
            }
        }
        self.now
    }

    fn ask(&mut self) {
        while let Some(request) = self.sync.poll(&self.tip(), self.now) {
            let (peer, answer) = match request {
                SyncRequest::Ids { peer, cursor } => (peer, self.ids(peer, &cursor)),
                SyncRequest::Shares { peer, ids } => (peer, self.shares(peer, &ids)),
            };
            self.requests[peer] += 1;
            let latency = if let Character::Honest(latency) = self.peers[peer] { latency } else { 80 };
            self.sent += 1;
            if let Some(answer) = answer {
                self.coming.insert((self.now + latency, self.sent), (peer, answer));
            }
        }
    }

    fn ids(&self, peer: usize, cursor: &[ShareId]) -> Option<Answer> {
        let after = cursor.first().map_or(self.height, id_number).max(self.height);
        let first = match self.peers[peer] {
            Character::Silent => return None,
            Character::Poor => return Some(Answer::Ids(Vec::new(), false)),
            Character::Inventor => INVENTED + after,
            Character::Jumper => after + self.len / 2,
            Character::Honest(_) | Character::Miser | Character::Grudging => after,
        };
        let ids: Vec<u64> = (first + 1..).take(SYNC_IDS_MAX).filter(|id| *id <= self.len || *id > INVENTED).collect();
        let more = ids.last().is_some_and(|last| *last != self.len);
        Some(Answer::Ids(ids, more))
    }

    fn shares(&self, peer: usize, ids: &[ShareId]) -> Option<Answer> {
        let asked: Vec<u64> = ids.iter().map(id_number).collect();
        let there = asked.iter().filter(|number| **number <= self.len).copied();
        let shown = match self.peers[peer] {
            Character::Silent | Character::Miser => return None,
            Character::Poor => Vec::new(),
            Character::Grudging => there.take(1).collect(),
            Character::Honest(_) | Character::Inventor | Character::Jumper => there.collect(),
        };
        Some(Answer::Shares(asked, shown))
    }

    fn take(&mut self, peer: usize, answer: Answer) {
        match answer {
            Answer::Ids(ids, more) => {
                let ids: Vec<ShareId> = ids.into_iter().map(number_id).collect();
                let height = self.height;
                self.sync.on_ids(&peer, &ids, more, |id| Some(id_number(id)).filter(|number| *number <= height));
            }
            Answer::Shares(asked, shown) => {
                let asked = asked.into_iter().map(number_id).collect();
                let shares = shown.into_iter().map(|number| (number_id(number), number)).collect();
                self.sync.on_shares(&peer, &asked, shares, self.now);
            }
        }
        while let Some(batch) = self.sync.next_batch() {
            let before = self.height;
            for number in batch.shares {
                if number == self.height + 1 {
                    self.height = number;
                }
            }
            let linked = usize::try_from(self.height - before).unwrap();
            let height = if linked > 0 { self.height } else { 0 };
            self.sync.on_batch(Fed { linked, height, is_refused: false }, self.now);
        }
    }
}

fn secs(len: u64, peers: &[Character]) -> f64 {
    let took = Download::new(len, peers).run();
    f64::from(u32::try_from(took).unwrap()) / 1_000.0
}

const NEAR: Character = Character::Honest(80);

#[test]
fn a_hundred_thousand_shares_over_80_ms_take_seconds() {
    // One after the other, 250 at a time, they would take 32 s.
    let took = [1, 2, 4, 8].map(|peers| secs(100_000, &vec![NEAR; peers]));
    assert!(took[0] < 15.0 && took[1] < 7.5 && took[2] < 5.0 && took[3] < 5.0, "{took:?}");
}

#[test]
fn nobody_is_asked_more_often_than_it_answers() {
    // Peers in the same room.
    let mut download = Download::new(100_000, &[Character::Honest(1)]);
    let took = download.run();
    let most = (took / 10_000 + 1) * 400;
    assert!(download.requests[0] < most, "{} requests in {took} ms", download.requests[0]);
    assert!(took < 20_000, "{took}");
}

#[test]
fn bad_peers_cost_their_slots_and_not_the_sync() {
    let alone = secs(20_000, &[NEAR]);
    for (character, extra_secs) in [
        // Four turns of five seconds to show ids.
        (Character::Silent, 25.0),
        (Character::Miser, 3.0),
        (Character::Poor, 1.0),
        (Character::Inventor, 2.0),
        (Character::Jumper, 2.0),
        (Character::Grudging, 1.0),
    ] {
        let mut peers = vec![character; 4];
        peers.insert(2, NEAR);
        let took = secs(20_000, &peers);
        assert!(took < alone + extra_secs, "{character:?}: {took} s instead of {alone} s");
    }
}

#[test]
fn a_peer_that_falls_silent_is_replaced_within_seconds() {
    let mut download = Download::new(50_000, &[NEAR, NEAR, NEAR, NEAR]);
    let undisturbed = Download::new(50_000, &[NEAR, NEAR, NEAR, NEAR]).run();
    while download.height < 10_000 {
        download.len = download.height + 250;
        download.run();
    }
    download.len = 50_000;
    download.peers[3] = Character::Silent;
    let took = download.run();
    assert!(took < undisturbed + 12_000, "{took} ms instead of {undisturbed} ms");
}

#[test]
fn sixty_silent_peers_do_not_stop_one_honest() {
    let mut peers = vec![Character::Miser; 60];
    peers.insert(30, NEAR);
    let took = secs(20_000, &peers);
    assert!(took < 90.0, "{took} s");
}

#[test]
fn on_a_slow_line_patience_grows_until_answers_are_in_time() {
    // Every answer takes longer than the first patience allows.
    let took = secs(5_000, &[Character::Honest(4_500), Character::Honest(4_500)]);
    assert!(took < 60.0, "{took} s");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn one_honest_peer_among_any_is_enough(
        others in prop::collection::vec(0..7_usize, 0..14),
        place in any::<prop::sample::Index>(),
        latency in 1..900_u64,
        len in 1..9_000_u64,
    ) {
        let character = |kind: usize| match kind {
            0 => Character::Silent,
            1 => Character::Miser,
            2 => Character::Poor,
            3 => Character::Inventor,
            4 => Character::Jumper,
            5 => Character::Grudging,
            _ => Character::Honest(300),
        };
        let mut peers: Vec<Character> = others.into_iter().map(character).collect();
        peers.insert(place.index(peers.len() + 1), Character::Honest(latency));
        Download::new(len, &peers).run();
    }
}
