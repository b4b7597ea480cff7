use std::time::Duration;

use common_messages_sv2::Protocol;
use proptest::prelude::*;
use sharechain::{Target, testing};

use super::*;
use crate::{
    difficulty::Difficulty,
    limits::SUBSCRIBE_TIMEOUT,
    session::tests::{EASY, HARD, at, config, format, template, user},
    v2::{
        limits::CHANNELS_MAX,
        message::{Open, OpenKind, Update},
        test_client::{Client, Seen, Sent, Varied, close, open_extended, open_standard, setup, setup_as, update},
    },
};

mod lanes;

/// The session, and a miner that knows of it what is on the wire.
struct Table {
    session: Session,
    client: Client,
    start: Instant,
    seconds: u64,
    /// What the connection was asked to do beside sending.
    errands: Vec<Action>,
    /// Whether the node stores what is found.
    is_storing: bool,
    /// Whether there is something to mine.
    is_working: bool,
    template: Arc<JobTemplate>,
    reserved: u32,
}

impl Table {
    fn new(algorithm: PowAlgorithm, bits: u32) -> Self {
        Self::with(config(algorithm), bits)
    }

    fn with(config: SessionConfig, bits: u32) -> Self {
        let (start, algorithm) = (Instant::now(), config.algorithm());
        Self {
            session: Session::new(Arc::new(config), start),
            client: Client::new(algorithm),
            start,
            seconds: 0,
            errands: Vec::new(),
            is_storing: true,
            is_working: true,
            template: template(algorithm, 1, bits),
            reserved: 100,
        }
    }

    /// Set up, with one channel.
    fn mining(algorithm: PowAlgorithm, bits: u32, kind: Kind) -> (Self, u32) {
        let mut table = Self::new(algorithm, bits);
        table.send(setup(0));
        let id = table.open(kind);
        (table, id)
    }

    fn open(&mut self, kind: Kind) -> u32 {
        let seen = match kind {
            Kind::Standard => self.send(open_standard(&user(), 0.0, [0xff; 32])),
            Kind::Extended => self.send(open_extended(&user(), 4)),
        };
        let Some(Seen::Opened(id)) = seen.first() else { panic!("{seen:?}") };
        assert_eq!(seen.last(), Some(&Seen::PrevHash));
        *id
    }

    /// Sends a message; what came back.
    fn send(&mut self, (message_type, _, mut payload): Sent) -> Vec<Seen> {
        let message = Message::decode(message_type, &mut payload).unwrap();
        let now = at(self.start, self.seconds);
        self.session.count_frame(now.instant);
        let actions = self.session.handle_message(message, now);
        let mut seen = self.perform(actions);
        let acknowledged: Vec<Frame> = self.session.acknowledge().collect();
        seen.extend(acknowledged.iter().map(|frame| self.client.read(frame.as_bytes())));
        seen
    }

    fn perform(&mut self, actions: Vec<Action>) -> Vec<Seen> {
        let mut seen = Vec::new();
        for action in actions {
            let now = at(self.start, self.seconds).instant;
            match action {
                Action::Send(frame) => seen.push(self.client.read(frame.as_bytes())),
                Action::Renew(id) => seen.extend(self.offer(id)),
                Action::Reserve => {
                    self.reserved += 1;
                    let (reserved, rates) = (Some(self.reserved.to_be_bytes()), Rates::new());
                    let work = self.is_working.then_some((&self.template, &rates));
                    let actions = self.session.handle_reserved(reserved, work, now);
                    seen.extend(self.perform(actions));
                }
                Action::Found { found, worker, pending } => {
                    let stored = if self.is_storing { Ok(()) } else { Err("full".to_owned()) };
                    let refused = pending.and_then(|pending| self.session.handle_stored(pending, stored));
                    seen.extend(refused.map(|frame| self.client.read(frame.as_bytes())));
                    self.errands.push(Action::Found { found, worker, pending });
                }
                errand => self.errands.push(errand),
            }
        }
        seen
    }

    fn offer(&mut self, id: u32) -> Vec<Seen> {
        let now = at(self.start, self.seconds).instant;
        let frames = self.session.offer(id, &self.template, &Rates::new(), now);
        frames.iter().map(|frame| self.client.read(frame.as_bytes())).collect()
    }

    /// Mines a share of the newest job and submits it.
    fn mine(&mut self, id: u32, from: u32, varied: &Varied) -> (u32, Vec<Seen>) {
        let nonce = self.client.grind(id, true, from, varied);
        let share = self.client.share(id, nonce, varied);
        (nonce, self.send(share))
    }

    fn refusal(&mut self, sent: Sent) -> String {
        match self.send(sent).as_slice() {
            [Seen::Refused { code, .. }] => code.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// The easiest target that the share chain knows.
    fn template_base(&self) -> sharechain::CompactTarget {
        let mut miner = crate::miner::Miner::new(self.session.config.clone(), [0; 4], self.start);
        let payee = crate::miner::Payee { script: testing::script(1), payout_class: 0 };
        miner.offer(&payee, &self.template, &Rates::new(), self.start).unwrap().job.data().unwrap().share_bits
    }

    fn judged(&self) -> Vec<Judged> {
        let judged = |action: &Action| if let Action::Judged(judged) = action { Some(*judged) } else { None };
        self.errands.iter().filter_map(judged).collect()
    }

    fn found(&self) -> Vec<&Found> {
        let mut all = Vec::new();
        for action in &self.errands {
            if let Action::Found { found, .. } = action {
                all.push(found.as_ref());
            }
        }
        all
    }

    fn ended(&self) -> Option<&'static str> {
        self.errands.iter().find_map(|action| if let Action::Disconnect(why) = action { Some(*why) } else { None })
    }
}

#[test]
fn a_header_built_as_miners_build_it_is_accepted_by_every_algorithm_on_both_kinds_of_channel() {
    for algorithm in PowAlgorithm::ALL {
        for kind in [Kind::Standard, Kind::Extended] {
            let (mut table, id) = Table::mining(algorithm, HARD, kind);
            let varied = Varied { extranonce: 0x0102_0304, seconds: 3, version_bits: 0 };
            let (nonce, seen) = table.mine(id, 0, &varied);
            assert!(
                matches!(seen[..], [Seen::Accepted { sequence: 1, count: 1, .. }]),
                "{algorithm:?} {kind:?}: {seen:?}"
            );
            let [found] = table.found()[..] else { panic!("at the easiest base every submit is a share") };
            let share = found.share.as_ref().unwrap().share();
            assert_eq!(share.header.encode(), table.client.header(id, nonce, &varied));
            assert_eq!(share.data.payout_script, testing::script(1));
            let [Judged::Accepted { worker: 0, hashes, is_fee: false, .. }] = table.judged()[..] else { panic!() };
            let told = Target::from_le_bytes(&table.client.channels[&id].target);
            let expected = Difficulty::covering(told, algorithm).hashes(algorithm);
            assert!((hashes / expected - 1.0).abs() < 1e-6, "{hashes} {expected}");
        }
    }
}

#[test]
fn the_first_job_waits_for_its_block_and_those_after_it_begin_at_once() {
    let mut table = Table::new(PowAlgorithm::Blake2s, HARD);
    assert_eq!(table.send(setup(0)), [Seen::SetUp { flags: 1 }], "no version rolling with BLAKE2s");
    assert!(matches!(&table.errands[..], [Action::Agent(agent)] if agent == "acme firmware 2.9"));
    let seen = table.send(open_standard(&user(), 0.0, [0xff; 32]));
    assert_eq!(seen, [Seen::Opened(1), Seen::FutureJob, Seen::PrevHash]);
    assert_eq!(table.client.channels[&1].extranonce_prefix, [0, 0, 0, 101, 0, 0, 0, 0, 0, 0, 0, 0]);
    table.template = template(PowAlgorithm::Blake2s, 1, HARD);
    assert_eq!(table.offer(1), [Seen::Job], "the target is the same");
    table.template = template(PowAlgorithm::Blake2s, 2, HARD);
    assert_eq!(table.offer(1), [Seen::FutureJob, Seen::PrevHash]);
    assert_eq!(table.offer(99), []);
    // Where there is nothing to mine yet, the target follows from the hash rate and is corrected with the first job.
    table.is_working = false;
    assert_eq!(table.send(open_standard(&user(), 0.0, [0xff; 32])), [Seen::Opened(2)]);
    assert_eq!(table.offer(2), [Seen::Target, Seen::FutureJob, Seen::PrevHash]);
}

#[test]
fn what_the_protocol_has_beside_mining_is_refused_in_its_words() {
    let check = |sent: Sent, flags: u32, code: &str| {
        let mut table = Table::new(PowAlgorithm::Blake2s, HARD);
        assert_eq!(table.send(sent), [Seen::SetupError { flags, code: code.to_owned() }]);
        assert!(table.ended().is_some());
    };
    check(setup_as("acme", Protocol::JobDeclarationProtocol, (2, 2), 0), 0, "unsupported-protocol");
    check(setup_as("acme", Protocol::MiningProtocol, (3, 4), 0), 0, "protocol-version-mismatch");
    check(setup_as("acme", Protocol::MiningProtocol, (1, 1), 0), 0, "protocol-version-mismatch");
    check(setup(0b010), 0b010, "unsupported-feature-flags");
    check(setup(u32::MAX), !1, "unsupported-feature-flags");
    check(setup(0b101), 0b100, "unsupported-feature-flags");
    let mut table = Table::new(PowAlgorithm::Sha256d, HARD);
    assert_eq!(table.send(setup(0b101)), [Seen::SetUp { flags: 0 }]);
    let custom: Sent = (0x22, true, [&[1, 0, 0, 0, 2, 0, 0, 0][..], &[0; 90]].concat());
    assert_eq!(table.send(custom), [Seen::CustomJobError("jd-not-supported".to_owned())]);
}

#[test]
fn messages_out_of_order_are_junk() {
    for first in [open_extended(&user(), 4), close(1), update(1, 0.0, [0xff; 32])] {
        let mut table = Table::new(PowAlgorithm::Blake2s, HARD);
        assert_eq!(table.send(first), []);
        assert!(matches!(table.errands[..], [Action::Misbehaved(Conduct::Junk), Action::Disconnect(_)]));
    }
    let mut table = Table::new(PowAlgorithm::Blake2s, HARD);
    table.send(setup(0));
    table.send(setup(0));
    assert_eq!(table.ended(), Some("a second SetupConnection"));
}

#[test]
fn channels_that_cannot_be_are_refused_in_the_words_of_the_specification() {
    let mut table = Table::new(PowAlgorithm::Blake2s, HARD);
    table.send(setup(0));
    let mut check = |sent: Sent, code: &str| assert_eq!(table.send(sent), [Seen::OpenError(code.to_owned())]);
    check(open_extended(&user(), 9), "min-extranonce-size-too-large");
    check(open_extended("nobody.rig", 4), "unknown-user");
    check(open_extended(&format!("x{}", user()), 4), "unknown-user");
    check(open_standard(&user(), f32::NAN, [0xff; 32]), "invalid-nominal-hashrate");
    check(open_standard(&user(), -1.0, [0xff; 32]), "invalid-nominal-hashrate");
    check(open_standard(&user(), 0.0, [0; 32]), "max-target-out-of-range");
    check(open_standard(&format!("{} d=none", user()), 0.0, [0xff; 32]), "invalid-user-identity");
    assert!(table.session.channels.is_empty());
    let mut table = Table::new(PowAlgorithm::Blake2s, HARD);
    table.send(setup(1));
    let seen = table.send(open_extended(&user(), 4));
    assert_eq!(seen, [Seen::OpenError("extended-channels-not-supported-for-standard-jobs".to_owned())]);
    table.open(Kind::Standard);
}

#[test]
fn the_password_of_the_endpoint_follows_the_name() {
    let config = SessionConfig { password: Some("secret".to_owned()), ..config(PowAlgorithm::Blake2s) };
    let mut table = Table::with(config, HARD);
    table.send(setup(0));
    let seen = table.send(open_extended(&user(), 4));
    assert_eq!(seen, [Seen::OpenError("invalid-user-identity".to_owned())]);
    assert!(table.errands.iter().any(|errand| matches!(errand, Action::Misbehaved(Conduct::WrongPassword))));
    let seen = table.send(open_extended(&format!("{} secret", user()), 4));
    assert_eq!(seen[0], Seen::Opened(1));
}

#[test]
fn every_channel_has_a_payee_an_extranonce_and_a_worker_of_its_own() {
    let mut table = Table::new(PowAlgorithm::Blake2s, HARD);
    table.send(setup(0));
    let address = |tag| format().format(&testing::script(tag)).unwrap();
    for tag in 1..=3 {
        assert_eq!(table.send(open_extended(&address(tag), 4))[0], Seen::Opened(u32::try_from(tag).unwrap()));
    }
    let prefixes: Vec<_> = table.client.channels.values().map(|channel| channel.extranonce_prefix.clone()).collect();
    assert_eq!(prefixes, [[0, 0, 0, 101], [0, 0, 0, 102], [0, 0, 0, 103]]);
    for id in [3, 1, 2] {
        table.mine(id, 0, &Varied::default());
    }
    let paid: Vec<_> = table.found().iter().map(|found| found.data.payout_script).collect();
    assert_eq!(paid, [3, 1, 2].map(testing::script));
    let worker = |judged| if let Judged::Accepted { worker, .. } = judged { worker } else { 99 };
    assert_eq!(table.judged().into_iter().map(worker).collect::<Vec<_>>(), [2, 0, 1]);
    // Its number is free when a channel is closed; its own share comes too late.
    let late = table.client.share(2, 0, &Varied::default());
    table.errands.clear();
    assert_eq!(table.send(close(2)), []);
    let [Action::Left { worker: 1, extranonce1: [0, 0, 0, 102] }] = table.errands[..] else { panic!() };
    assert_eq!(table.refusal(late), "invalid-channel-id");
    assert_eq!(table.send(open_extended(&address(4), 4))[0], Seen::Opened(4), "ids are not given twice");
    table.errands.clear();
    table.mine(4, 0, &Varied::default());
    assert!(matches!(table.judged()[..], [Judged::Accepted { worker: 1, .. }]));
    // The group stands for all.
    table.errands.clear();
    assert_eq!(table.send(close(0)), []);
    assert_eq!((table.errands.len(), table.session.channel_ids()), (3, Vec::new()));
}

#[test]
fn submits_are_refused_in_the_words_of_the_specification() {
    let (mut table, id) = Table::mining(PowAlgorithm::Sha256d, HARD, Kind::Extended);
    let varied = Varied::default();
    let good = table.client.grind(id, true, 0, &varied);
    let share = table.client.share(id, good, &varied);
    assert!(matches!(table.send(share)[..], [Seen::Accepted { count: 1, .. }]));
    let duplicate = table.client.share(id, good, &varied);
    assert_eq!(table.refusal(duplicate), "duplicate-share");
    let bad = table.client.grind(id, false, 0, &varied);
    let no_work = table.client.share(id, bad, &varied);
    assert_eq!(table.refusal(no_work), "difficulty-too-low");
    assert!(table.errands.iter().any(|errand| matches!(errand, Action::Misbehaved(Conduct::NoWork))));
    let with = |table: &mut Table, place: usize, bytes: &[u8]| {
        let (message_type, channel_bit, mut payload) = table.client.share(id, good + 1, &varied);
        payload[place..place + bytes.len()].copy_from_slice(bytes);
        table.refusal((message_type, channel_bit, payload))
    };
    assert_eq!(with(&mut table, 0, &[77, 0, 0, 0]), "invalid-channel-id");
    assert_eq!(with(&mut table, 8, &[77, 0, 0, 0]), "invalid-job-id");
    assert_eq!(with(&mut table, 24, &[7]), "bad-extranonce-size");
    let (_, _, mut standard) = table.client.share(id, good + 1, &varied);
    standard.truncate(24);
    assert_eq!(table.refusal((0x1a, true, standard)), "invalid-channel-id", "that is not how this channel submits");
    for (seconds, code) in [(1_000_000_u32, "ntime-too-new"), (0_u32.wrapping_sub(1_000_000), "ntime-too-old")] {
        let time = table.client.channels[&id].time.wrapping_add(seconds);
        assert_eq!(with(&mut table, 16, &time.to_le_bytes()), code);
    }
    let judged = table.judged();
    let refused = |wanted| {
        let is_so = |judged: &&Judged| matches!(judged, Judged::Refused { reason, .. } if *reason == wanted);
        judged.iter().filter(is_so).count()
    };
    assert_eq!(RejectReason::ALL.map(refused), [0, 1, 1, 1, 2, 3]);
}

#[test]
fn work_on_an_old_block_is_stale_after_a_grace_but_a_block_is_a_block() {
    let (mut table, id) = Table::mining(PowAlgorithm::Blake2s, EASY, Kind::Standard);
    let (varied, config) = (Varied::default(), table.session.config.clone());
    let nonces = [0, 1_000, 2_000].map(|from| table.client.grind(id, true, from, &varied));
    let shares = nonces.map(|nonce| table.client.share(id, nonce, &varied));
    let [first, second, third] = shares;
    assert!(matches!(table.send(first)[..], [Seen::Accepted { .. }]));
    table.template = template(config.algorithm(), 2, EASY);
    table.offer(id);
    table.seconds = 4;
    assert!(matches!(table.send(second)[..], [Seen::Accepted { .. }]), "it was under way");
    table.seconds = 6;
    table.errands.clear();
    assert_eq!(table.refusal(third), "stale-share");
    assert_eq!(table.judged(), [Judged::Refused { worker: 0, reason: RejectReason::Stale }]);
    assert!(matches!(&table.errands[0], Action::Found { found, pending: None, .. } if found.is_block));
}

#[test]
fn versions_are_rolled_where_the_chain_lets_them() {
    let (mut table, id) = Table::mining(PowAlgorithm::Sha256d, HARD, Kind::Extended);
    assert!(table.client.is_rolling(id));
    for version_bits in [1 << 5, 1 << 13, 0x1fff_ffe0] {
        let (_, seen) = table.mine(id, 0, &Varied { version_bits, ..Varied::default() });
        assert!(matches!(seen[..], [Seen::Accepted { .. }]), "{version_bits:x}: {seen:?}");
    }
    for version_bits in [1, 1 << 31, 1 << 29] {
        let share = table.client.share(id, 0, &Varied { version_bits, ..Varied::default() });
        assert_eq!(table.refusal(share), "invalid-non-rollable-version-bit", "{version_bits:x}");
    }
    let (mut table, id) = Table::mining(PowAlgorithm::Scrypt, HARD, Kind::Extended);
    assert!(!table.client.is_rolling(id));
    let share = table.client.share(id, 0, &Varied { version_bits: 1 << 13, ..Varied::default() });
    assert_eq!(table.refusal(share), "version-rolling-not-allowed");
}

#[test]
fn a_share_is_acknowledged_when_it_is_stored_and_refused_when_it_is_not() {
    let (mut table, id) = Table::mining(PowAlgorithm::Blake2s, HARD, Kind::Extended);
    table.is_storing = false;
    let (nonce, seen) = table.mine(id, 0, &Varied::default());
    assert_eq!(seen, [Seen::Refused { sequence: 1, code: "share-not-stored".to_owned() }]);
    table.is_storing = true;
    let (_, seen) = table.mine(id, nonce + 1, &Varied::default());
    assert!(matches!(seen[..], [Seen::Accepted { sequence: 2, count: 1, .. }]), "{seen:?}");
}

#[test]
fn shares_that_come_together_are_acknowledged_together() {
    let (mut table, id) = Table::mining(PowAlgorithm::Blake2s, HARD, Kind::Extended);
    let mut from = 0;
    for _ in 0..3 {
        let nonce = table.client.grind(id, true, from, &Varied::default());
        from = nonce + 1;
        let (message_type, _, mut payload) = table.client.share(id, nonce, &Varied::default());
        let message = Message::decode(message_type, &mut payload).unwrap();
        let actions = table.session.handle_message(message, at(table.start, 1));
        assert_eq!(table.perform(actions), []);
    }
    let frames: Vec<Frame> = table.session.acknowledge().collect();
    let seen: Vec<_> = frames.iter().map(|frame| table.client.read(frame.as_bytes())).collect();
    assert!(matches!(seen[..], [Seen::Accepted { sequence: 3, count: 3, .. }]), "{seen:?}");
    assert_eq!(table.session.acknowledge().count(), 0);
}

#[test]
fn a_channel_starts_at_its_hash_rate_and_is_never_told_an_easier_target_than_it_takes() {
    let mut table = Table::new(PowAlgorithm::Blake2s, HARD);
    table.send(setup(0));
    // A thousand hashes take 4 s.
    table.send(open_standard(&user(), 250.0, [0xff; 32]));
    let hashes = |table: &mut Table, id: u32| table.session.channels.get_mut(&id).unwrap().miner().vardiff().hashes();
    assert!((hashes(&mut table, 1) - 1_000.0).abs() < 1e-3);
    let told = |table: &Table, id: u32| Target::from_le_bytes(&table.client.channels[&id].target);
    let hard = Difficulty::from_hashes(1e9, PowAlgorithm::Blake2s).target(PowAlgorithm::Blake2s);
    let seen = table.send(open_standard(&user(), 250.0, hard.to_le_bytes()));
    assert_eq!(seen, [Seen::Opened(2), Seen::FutureJob, Seen::PrevHash], "the target was told at the opening");
    assert_eq!(told(&table, 2), hard);
    assert!(hashes(&mut table, 2) >= 0.999e9);
    // Shares are as hard, where they may be: else most of the work would not be credited.
    let modest = Difficulty::from_hashes(30.0, PowAlgorithm::Blake2s).target(PowAlgorithm::Blake2s);
    assert_eq!(table.send(open_standard(&user(), 1.0, modest.to_le_bytes()))[0], Seen::Opened(3));
    let told = told(&table, 3);
    let job = table.session.channels.get_mut(&3).unwrap().miner().newest_job().unwrap();
    assert_eq!(job.target.min(modest), told);
    let share_target = job.data().unwrap().share_bits.to_target().unwrap();
    let base_target = table.template_base().to_target().unwrap();
    assert!(share_target < modest && modest < base_target, "{share_target:?} {modest:?} {base_target:?}");
    // The first channel's machines are replaced.
    assert_eq!(table.send(update(1, 250.0, hard.to_le_bytes())), [Seen::Target, Seen::Job]);
    assert_eq!(table.client.channels[&1].target, hard.to_le_bytes());
    assert_eq!(table.send(update(1, 250.0, hard.to_le_bytes())), [], "nothing new");
    let mut check = |sent: Sent, code: &str| assert_eq!(table.send(sent), [Seen::UpdateError(code.to_owned())]);
    check(update(1, f32::INFINITY, [0xff; 32]), "invalid-nominal-hashrate");
    check(update(1, 0.0, [0; 32]), "max-target-out-of-range");
    check(update(9, 0.0, [0xff; 32]), "invalid-channel-id");
}

#[test]
fn firmware_that_cuts_a_coinbase_gets_one_that_it_takes_unless_it_never_sees_it() {
    let mut table = Table::new(PowAlgorithm::Blake2s, HARD);
    table.send(setup_as("bmminer", Protocol::MiningProtocol, (2, 2), 0));
    let (standard, extended) = (table.open(Kind::Standard), table.open(Kind::Extended));
    let classes = [standard, extended].map(|id| {
        let job = table.session.channels.get_mut(&id).unwrap().miner().newest_job().unwrap();
        job.data().unwrap().payout_class
    });
    assert_eq!(classes, [4, 1]);
    // The least difficulty of its kind, and of the miner's own wish.
    let hashes = |table: &mut Table, id: u32| table.session.channels.get_mut(&id).unwrap().miner().vardiff().hashes();
    assert_eq!(hashes(&mut table, extended), 2_f64.powi(32));
    assert_eq!(table.send(open_extended(&format!("{} d=3,x", user()), 0))[0], Seen::Opened(3));
    assert_eq!(hashes(&mut table, 3), 3.0 * 2_f64.powi(32));
}

#[test]
fn a_target_that_is_too_easy_is_taken_back_though_no_job_can_follow() {
    let (mut table, id) = Table::mining(PowAlgorithm::Blake2s, HARD, Kind::Standard);
    let hard = |power: i32| {
        Difficulty::from_hashes(1e9 * 2_f64.powi(power), PowAlgorithm::Blake2s).target(PowAlgorithm::Blake2s)
    };
    let seen: Vec<_> = (0..20).map(|power| table.send(update(id, 0.0, hard(power).to_le_bytes()))).collect();
    assert_eq!(seen[14], [Seen::Target, Seen::Job]);
    assert_eq!(seen[15], [Seen::Target], "the template has no more jobs for the channel");
    assert_eq!(table.client.channels[&id].target, hard(19).to_le_bytes());
}

#[test]
fn channels_at_once_and_openings_are_bounded() {
    let mut table = Table::new(PowAlgorithm::Blake2s, HARD);
    table.send(setup(0));
    for _ in 0..CHANNELS_MAX {
        table.open(Kind::Standard);
    }
    let full = [Seen::OpenError("channel-capacity-exhausted".to_owned())];
    assert_eq!(table.send(open_standard(&user(), 0.0, [0xff; 32])), full);
    // Who closes one has to wait for the next.
    table.send(close(5));
    assert_eq!(table.send(open_standard(&user(), 0.0, [0xff; 32])), full);
    table.seconds = 2;
    table.open(Kind::Standard);
}

#[test]
fn who_submits_nothing_but_rejects_is_cut_off() {
    let (mut table, id) = Table::mining(PowAlgorithm::Blake2s, HARD, Kind::Standard);
    let reject = |table: &mut Table| {
        let (message_type, channel_bit, mut payload) = table.client.share(id, 0, &Varied::default());
        payload[0] = 77;
        table.send((message_type, channel_bit, payload));
    };
    (1..REJECTS_IN_A_ROW_MAX).for_each(|_| reject(&mut table));
    table.mine(id, 0, &Varied::default());
    // A good one among them, and it is another row.
    (1..REJECTS_IN_A_ROW_MAX).for_each(|_| reject(&mut table));
    assert_eq!(table.ended(), None);
    reject(&mut table);
    assert_eq!(table.ended(), Some("too many rejected submits in a row"));
}

#[test]
fn silence_ends_a_connection_at_every_stage() {
    let mut table = Table::new(PowAlgorithm::Blake2s, HARD);
    let after = |table: &Table| table.session.poll_timeout().saturating_duration_since(table.start);
    assert_eq!(after(&table), SUBSCRIBE_TIMEOUT);
    assert!(table.session.handle_tick(table.start + SUBSCRIBE_TIMEOUT - Duration::from_millis(1)).is_empty());
    assert!(matches!(table.session.handle_tick(table.start + SUBSCRIBE_TIMEOUT)[..], [Action::Disconnect(_)]));
    table.send(setup(0));
    assert_eq!(after(&table), AUTHORIZE_TIMEOUT);
    table.seconds = 50;
    let id = table.open(Kind::Standard);
    // The first thing to do is to ease the difficulty.
    let eased = after(&table);
    assert!(eased < Duration::from_secs(50) + IDLE_TIMEOUT, "{eased:?}");
    let before = table.session.channels.get_mut(&id).unwrap().miner().vardiff().hashes();
    assert!(table.session.handle_tick(table.start + eased).is_empty());
    let hashes = table.session.channels.get_mut(&id).unwrap().miner().vardiff().hashes();
    assert!((hashes - before / 2.0).abs() < 1e-6);
    let end = table.start + Duration::from_secs(50) + IDLE_TIMEOUT;
    assert!(matches!(table.session.handle_tick(end)[..], [Action::Disconnect("silent for too long")]));
    table.send(close(id));
    assert_eq!(after(&table), Duration::from_secs(50) + AUTHORIZE_TIMEOUT);
}

#[test]
fn a_flood_of_messages_is_read_only_as_fast_as_lines_are() {
    let (mut table, id) = Table::mining(PowAlgorithm::Blake2s, HARD, Kind::Standard);
    let now = at(table.start, 0).instant;
    let mut count = 0;
    while table.session.may_read_at(now).is_none() {
        table.send(update(id, 0.0, [0xff; 32]));
        count += 1;
    }
    let burst = table.session.config.lines.burst;
    assert!((burst - 3.0..=burst).contains(&f64::from(count)), "{count}");
}

/// Messages as hostile as their types allow, on channels that mostly exist.
fn any_message() -> impl Strategy<Value = Message> {
    let channel_id = prop_oneof![4 => 0..4_u32, 1 => any::<u32>()];
    let hashrate = any::<u32>().prop_map(f32::from_bits);
    let target_max = prop_oneof![
        Just(Target::EASIEST),
        Just(Target::HARDEST_SHARE),
        any::<[u8; 32]>().prop_map(|bytes| Target::from_le_bytes(&bytes)),
        (0..32_usize, any::<u8>()).prop_map(|(place, byte)| {
            let mut bytes = [0; 32];
            bytes[place] = byte;
            Target::from_le_bytes(&bytes)
        }),
    ];
    let user = prop_oneof![Just(user()), Just(format!("{} fd=1e300", user())), ".{0,40}"];
    let kind = prop_oneof![
        Just(OpenKind::Standard),
        (0..10_u16).prop_map(|extranonce_len_min| OpenKind::Extended { extranonce_len_min }),
    ];
    let share = (channel_id.clone(), any::<[u32; 4]>(), any::<bool>(), proptest::option::of(0..33_usize));
    prop_oneof![
        (kind, user, hashrate.clone(), target_max.clone()).prop_map(|(kind, user, hashrate, target_max)| {
            Message::Open(Open { request_id: 7, kind, user, hashrate, target_max })
        }),
        (channel_id.clone(), hashrate, target_max).prop_map(|(channel_id, hashrate, target_max)| Message::Update(
            Update { channel_id, hashrate, target_max }
        )),
        channel_id.clone().prop_map(|channel_id| Message::Close { channel_id }),
        share.prop_map(|(channel_id, [sequence, nonce, time, version], is_recent, len)| {
            let job_id = if is_recent { 16 * 9 } else { nonce };
            let extranonce2 = len.map(|len| vec![1; len]);
            Message::Submit(Share { channel_id, sequence, job_id, nonce, time, version, extranonce2 })
        }),
        channel_id.prop_map(|channel_id| Message::CustomJob { channel_id, request_id: 1 }),
        Just(Message::EndpointChanged),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The client of the table checks every frame: each is understood, for a channel that was opened, on a job that it has.
    #[test]
    fn whatever_a_client_says_what_it_hears_makes_sense(
        messages in proptest::collection::vec((any_message(), 0..90_u64), 1..60),
    ) {
        let mut table = Table::new(PowAlgorithm::Blake2s, HARD);
        table.send(setup(0));
        for (message, pause) in messages {
            table.seconds += pause;
            let actions = table.session.handle_message(message, at(table.start, table.seconds));
            table.perform(actions);
            for id in table.session.channel_ids() {
                let told = Target::from_le_bytes(&table.client.channels[&id].target);
                prop_assert!(told <= table.session.channels[&id].target_max());
            }
            let now = at(table.start, table.seconds).instant;
            table.session.handle_tick(now);
            prop_assert!(table.session.channel_ids().len() <= CHANNELS_MAX);
        }
    }
}
