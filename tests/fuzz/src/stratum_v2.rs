//! A Stratum V2 connection: messages, new templates and time from bytes. No message panics, and no work is credited twice.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use sharechain::testing::{self, GENESIS_TIME};
use stratum::{
    Now, Rates, SessionConfig,
    session::Judged,
    v2::{
        Action, Message, Session,
        limits::{CHANNELS_MAX, FRAME_LEN_MAX},
        message::Share,
        reply::Frame,
    },
    vardiff::VardiffConfig,
};

use super::stratum_session::{TEMPLATES, address_format};

/// Steps of one connection; more find nothing new.
const STEPS_MAX: usize = 80;
/// What is no message type: a new template, and time that passes.
const TEMPLATE: u8 = 0xf0;
const TIME: u8 = 0xf1;

/// Steps of a message type, a length and a payload. `0xf0` offers the template that the length tells, `0xf1` lets time pass.
pub fn run(bytes: &[u8]) {
    let mut connection = Connection::new();
    let mut rest = bytes;
    for _ in 0..STEPS_MAX {
        let [kind, len, tail @ ..] = rest else { return };
        let (payload, tail) = tail.split_at(usize::from(*len).min(tail.len()));
        rest = tail;
        let is_open = match *kind {
            TEMPLATE => connection.offer(usize::from(*len)),
            TIME => connection.wait(*len),
            kind => connection.take(kind, payload),
        };
        if !is_open {
            return;
        }
    }
}

/// Channel, job, nonce, time, version and extranonce2.
type SubmitKey = (u32, u32, u32, u32, u32, Option<Vec<u8>>);

struct Connection {
    session: Session,
    template: usize,
    start: Instant,
    elapsed: Duration,
    reserved: u32,
    /// Submits that were credited.
    credited: BTreeSet<SubmitKey>,
}

impl Connection {
    fn new() -> Self {
        let vardiff = VardiffConfig { start_hashes: 1.0, min_hashes: 1.0, submit_interval: Duration::from_secs(4) };
        let config = SessionConfig::new(testing::devnet_params(), address_format(), vardiff);
        let start = Instant::now();
        let session = Session::new(Arc::new(config), start);
        Self { session, template: 0, start, elapsed: Duration::ZERO, reserved: 0, credited: BTreeSet::new() }
    }

    fn now(&self) -> Now {
        let unix = u64::from(GENESIS_TIME) + 100 + self.elapsed.as_secs();
        Now { instant: self.start + self.elapsed, unix }
    }

    fn offer(&mut self, number: usize) -> bool {
        self.template = number % TEMPLATES.len();
        self.session.channel_ids().into_iter().for_each(|channel| self.renew(channel));
        true
    }

    fn wait(&mut self, seconds: u8) -> bool {
        self.elapsed += Duration::from_secs(u64::from(seconds % 16).pow(3));
        let actions = self.session.handle_tick(self.now().instant);
        self.perform(actions, None)
    }

    /// Takes one message; gives whether the connection is still open.
    fn take(&mut self, kind: u8, payload: &[u8]) -> bool {
        let Ok(message) = Message::decode(kind, &mut payload.to_vec()) else { return true };
        let share = match &message {
            Message::Submit(share) => Some(share.clone()),
            _ => None,
        };
        let actions = self.session.handle_message(message, self.now());
        let is_open = self.perform(actions, share.as_ref());
        self.session.acknowledge().for_each(|frame| check(&frame));
        assert!(self.session.channel_ids().len() <= CHANNELS_MAX);
        is_open
    }

    fn renew(&mut self, channel: u32) {
        let now = self.now().instant;
        self.session.offer(channel, &TEMPLATES[self.template], &Rates::new(), now).iter().for_each(check);
    }

    fn perform(&mut self, actions: Vec<Action>, share: Option<&Share>) -> bool {
        let mut is_open = true;
        for action in actions {
            match action {
                Action::Send(frame) => check(&frame),
                Action::Found { found, pending, .. } => {
                    assert!(found.share.is_some() || found.is_block, "found nothing");
                    let stored =
                        if self.elapsed.as_secs().is_multiple_of(2) { Ok(()) } else { Err("no \"room\"".to_owned()) };
                    let frame = pending.and_then(|pending| self.session.handle_stored(pending, stored));
                    frame.iter().for_each(check);
                }
                Action::Renew(channel) => self.renew(channel),
                Action::Reserve => {
                    self.reserved += 1;
                    let template = TEMPLATES[self.template].clone();
                    let now = self.now().instant;
                    let extranonce1 = Some(self.reserved.to_be_bytes());
                    let actions = self.session.handle_reserved(extranonce1, Some((&template, &Rates::new())), now);
                    is_open &= self.perform(actions, None);
                }
                Action::Judged(Judged::Accepted { hashes, .. }) => {
                    assert!(hashes.is_finite() && hashes > 0.0);
                    let share = share.cloned().expect("only a submit is credited");
                    let Share { channel_id, job_id, nonce, time, version, extranonce2, .. } = share;
                    let key = (channel_id, job_id, nonce, time, version, extranonce2);
                    assert!(self.credited.insert(key), "credited twice");
                }
                Action::Judged(Judged::Refused { .. })
                | Action::Authorized(_)
                | Action::Left { .. }
                | Action::Agent(_)
                | Action::Misbehaved(_) => {}
                Action::Disconnect(_) => is_open = false,
            }
        }
        is_open
    }
}

/// What we send is a frame that says how long it is.
fn check(frame: &Frame) {
    let bytes = frame.as_bytes();
    let len = u32::from_le_bytes([bytes[3], bytes[4], bytes[5], 0]);
    assert_eq!(usize::try_from(len).expect("three bytes") + 6, bytes.len());
    assert!(bytes.len() < 16 * FRAME_LEN_MAX + 256);
}
