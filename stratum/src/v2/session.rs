//! One Stratum V2 connection as a state machine: messages and templates in, frames and errands out.
//!
//! ```text
//! new --SetupConnection--> set up --Open..Channel--> channels --SubmitShares..--> ..
//!   \                        \                         \
//!    +-- 15 s --> closed      +-- 60 s --> closed       +-- 10 min without a message --> closed
//! ```
//! Every channel has its own payout address. Its worker number in the accounts is the lowest that no open channel of the connection
//! has. All channels are on one lane, that of the oldest.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use common_messages_sv2::{
    ERROR_CODE_SETUP_CONNECTION_PROTOCOL_VERSION_MISMATCH, ERROR_CODE_SETUP_CONNECTION_UNSUPPORTED_FEATURE_FLAGS,
    ERROR_CODE_SETUP_CONNECTION_UNSUPPORTED_PROTOCOL, SV2_MINING_PROTOCOL_DISCRIMINANT,
};
use mining_sv2::{
    ERROR_CODE_SET_CUSTOM_MINING_JOB_JD_NOT_SUPPORTED, ERROR_CODE_SUBMIT_SHARES_BAD_EXTRANONCE_SIZE,
    ERROR_CODE_SUBMIT_SHARES_INVALID_CHANNEL_ID, ERROR_CODE_SUBMIT_SHARES_INVALID_JOB_ID,
};
use sharechain::PowAlgorithm;

use super::{
    channel::{Channel, Kind, Receipt},
    limits::OPENS,
    message::{Message, Setup, Share},
    reply::{self, Frame},
};
use crate::{
    bucket::TokenBucket,
    client::ClientProfile,
    error::{Reject, RejectReason},
    extranonce::EXTRANONCE1_LEN,
    guard::Conduct,
    job::JobTemplate,
    lane::{LaneId, LanePlan, Seeker},
    limits::{AUTHORIZE_TIMEOUT, IDLE_TIMEOUT, REJECTS_IN_A_ROW_MAX},
    message::user_agent,
    miner::{Now, Outcome, Rates, SessionConfig},
    session::{Judged, version_rolling_mask},
    submit::Found,
    username::Username,
};

mod channels;

use channels::Opening;

/// The version of the protocol that is spoken here.
pub const VERSION: u16 = 2;
/// Version bits that Stratum V2 leaves to miners (BIP323). It cannot tell them of fewer.
const ROLLING_MASK: u32 = 0x1fff_ffe0;

/// `SetupConnection.flags`: nothing but standard jobs can be read.
const REQUIRES_STANDARD_JOBS: u32 = 1;
/// `SetupConnection.flags`: version bits have to be free.
const REQUIRES_VERSION_ROLLING: u32 = 1 << 2;
/// `SetupConnection.Success.flags`: version bits are not free.
const REQUIRES_FIXED_VERSION: u32 = 1;

/// What the connection has to do.
#[derive(Debug)]
pub enum Action {
    /// Send this frame.
    Send(Frame),
    /// Hand this to the node, then call [`Session::handle_stored`] when there is a receipt.
    Found {
        /// What was found.
        found: Box<Found>,
        /// Number of the worker in this connection.
        worker: usize,
        /// What to acknowledge; `None` when the submit was refused already and only the block matters.
        pending: Option<PendingShare>,
    },
    /// Offer the newest template to this channel: its job does not fit any more.
    Renew(u32),
    /// Get an extranonce1 that no other channel has, and call [`Session::handle_reserved`] before the next message.
    Reserve,
    /// A submit was accepted or refused: for statistics.
    Judged(Judged),
    /// A channel was opened: for statistics. Its worker takes the lowest number that is free.
    Authorized(Username),
    /// A channel was closed: its worker's number is free, and so is its extranonce1.
    Left {
        /// Number of the worker in this connection.
        worker: usize,
        /// The channel's part of the extranonce.
        extranonce1: [u8; EXTRANONCE1_LEN],
    },
    /// The client said what it is: for statistics.
    Agent(String),
    /// The client did what is no part of mining.
    Misbehaved(Conduct),
    /// Close the connection after what was sent.
    Disconnect(&'static str),
}

/// An accepted submit whose share the node still has to store.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PendingShare {
    channel_id: u32,
    receipt: Receipt,
}

/// What the client is, and what it can do.
#[derive(Clone, Copy, Debug)]
struct Client {
    profile: ClientProfile,
    is_standard_only: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Session {
    config: Arc<SessionConfig>,
    version_mask: u32,
    opened: Instant,
    last_message: Instant,
    /// Since when no channel is open.
    idle_since: Instant,
    client: Option<Client>,
    channels: BTreeMap<u32, Channel>,
    channel_id_last: u32,
    /// The channel that waits for its extranonce.
    opening: Option<Opening>,
    frames: TokenBucket,
    opens: TokenBucket,
    rejects_in_a_row: u32,
}

impl Session {
    /// A connection whose encryption was just agreed upon.
    pub fn new(config: Arc<SessionConfig>, now: Instant) -> Self {
        Self {
            version_mask: version_mask(&config),
            opened: now,
            last_message: now,
            idle_since: now,
            client: None,
            channels: BTreeMap::new(),
            channel_id_last: reply::GROUP_ID,
            opening: None,
            frames: TokenBucket::full(config.lines, now),
            opens: TokenBucket::full(OPENS, now),
            rejects_in_a_row: 0,
            config,
        }
    }

    /// The channels that are open.
    pub fn channel_ids(&self) -> Vec<u32> {
        self.channels.keys().copied().collect()
    }

    /// When the next frame may be read; `None` for at once.
    pub fn may_read_at(&mut self, now: Instant) -> Option<Instant> {
        self.frames.empty_until(self.config.lines, now)
    }

    /// A frame was read, whether it holds a message or not. Whoever does not wait for [`Session::may_read_at`] gains nothing: the
    /// debt is paid before the next frame.
    pub fn count_frame(&mut self, now: Instant) {
        self.frames.take(self.config.lines, now);
    }

    /// Whether the client has said what it is.
    pub const fn is_set_up(&self) -> bool {
        self.client.is_some()
    }

    /// Takes one message.
    pub fn handle_message(&mut self, message: Message, now: Now) -> Vec<Action> {
        self.last_message = now.instant;
        let Some(client) = self.client else {
            return match message {
                Message::Setup(setup) => self.on_setup(&setup),
                Message::Open(_)
                | Message::Update(_)
                | Message::Close { .. }
                | Message::Submit(_)
                | Message::EndpointChanged
                | Message::CustomJob { .. } => vec![
                    Action::Misbehaved(Conduct::Junk),
                    Action::Disconnect("the first message is no SetupConnection"),
                ],
            };
        };
        match message {
            Message::Submit(share) => self.on_submit(&share, now),
            Message::Open(open) => self.on_open(&open, client, now.instant),
            Message::Update(update) => self.on_update(&update, now.instant),
            Message::Close { channel_id } => self.on_close(channel_id, now.instant),
            Message::CustomJob { channel_id, request_id } => {
                let code = ERROR_CODE_SET_CUSTOM_MINING_JOB_JD_NOT_SUPPORTED;
                vec![Action::Send(reply::custom_job_error(channel_id, request_id, code))]
            }
            Message::EndpointChanged => Vec::new(),
            Message::Setup(_) => {
                vec![Action::Misbehaved(Conduct::Junk), Action::Disconnect("a second SetupConnection")]
            }
        }
    }

    /// The lane that connection `id` works on by this plan, when it works on `current` now; `None` before it has a channel.
    pub fn lane(&self, plan: &LanePlan, (id, current): (u64, Option<LaneId>)) -> Option<LaneId> {
        let opening = self.opening.as_ref().map(|opening| &opening.terms);
        let oldest = self.channels.values().next().map(Channel::username);
        let username = oldest.or_else(|| opening.map(|terms| &terms.username))?;
        let may = |lane: LaneId| {
            self.channels.values().all(|channel| channel.payee(lane).is_some())
                && opening.is_none_or(|terms| terms.payees.get(lane.place()).is_some_and(Option::is_some))
        };
        let seeker = Seeker { id, scripts: &username.scripts, worker: &username.worker, pin: username.pin, current };
        plan.lane_of(&seeker, may)
    }

    /// Makes a job of a template for a channel. `rates` are those of payout scripts at this node.
    pub fn offer(&mut self, channel_id: u32, template: &Arc<JobTemplate>, rates: &Rates, now: Instant) -> Vec<Frame> {
        self.channels.get_mut(&channel_id).map(|channel| channel.offer(template, rates, now)).unwrap_or_default()
    }

    /// Acknowledges what was accepted since the last time.
    pub fn acknowledge(&mut self) -> impl Iterator<Item = Frame> + '_ {
        self.channels.values_mut().filter_map(Channel::acknowledge)
    }

    /// The node has stored an accepted share, or could not.
    pub fn handle_stored(&mut self, pending: PendingShare, stored: Result<(), String>) -> Option<Frame> {
        let PendingShare { channel_id, receipt } = pending;
        let channel = self.channels.get_mut(&channel_id)?;
        match stored {
            Ok(()) => {
                channel.accept(receipt);
                None
            }
            Err(reason) => {
                let code = channel.refusal_code(&Reject::NotStored(reason));
                Some(reply::share_refused(channel_id, receipt.sequence, code))
            }
        }
    }

    /// When [`Session::handle_tick`] has something to do, if no message comes until then.
    pub fn poll_timeout(&self) -> Instant {
        let (deadline, _) = self.deadline();
        self.channels.values().filter_map(Channel::wake).fold(deadline, Instant::min)
    }

    /// Checks time-outs and eases the difficulty of silent channels.
    pub fn handle_tick(&mut self, now: Instant) -> Vec<Action> {
        for channel in self.channels.values_mut() {
            channel.miner().on_tick(now);
        }
        let (deadline, reason) = self.deadline();
        if now >= deadline { vec![Action::Disconnect(reason)] } else { Vec::new() }
    }

    /// When the connection ends, and why, unless something comes.
    fn deadline(&self) -> (Instant, &'static str) {
        if self.client.is_none() {
            (self.opened + self.config.subscribe_timeout, "no SetupConnection in time")
        } else if self.channels.is_empty() {
            (self.idle_since + AUTHORIZE_TIMEOUT, "no channel in time")
        } else {
            (self.last_message + IDLE_TIMEOUT, "silent for too long")
        }
    }

    fn on_setup(&mut self, setup: &Setup) -> Vec<Action> {
        let is_rolling = self.version_mask != 0;
        let supported = REQUIRES_STANDARD_JOBS | if is_rolling { REQUIRES_VERSION_ROLLING } else { 0 };
        let unsupported = setup.flags & !supported;
        let refused = if setup.protocol != SV2_MINING_PROTOCOL_DISCRIMINANT {
            Some(reply::setup_error(0, ERROR_CODE_SETUP_CONNECTION_UNSUPPORTED_PROTOCOL))
        } else if !(setup.version_min..=setup.version_max).contains(&VERSION) {
            Some(reply::setup_error(0, ERROR_CODE_SETUP_CONNECTION_PROTOCOL_VERSION_MISMATCH))
        } else if unsupported != 0 {
            Some(reply::setup_error(unsupported, ERROR_CODE_SETUP_CONNECTION_UNSUPPORTED_FEATURE_FLAGS))
        } else {
            None
        };
        if let Some(refused) = refused {
            return vec![Action::Send(refused), Action::Disconnect("wants what is not spoken here")];
        }
        let agent = user_agent(&setup.agent);
        let is_standard_only = setup.flags & REQUIRES_STANDARD_JOBS != 0;
        self.client = Some(Client { profile: ClientProfile::of(&agent), is_standard_only });
        let flags = if is_rolling { 0 } else { REQUIRES_FIXED_VERSION };
        vec![Action::Send(reply::setup_success(flags)), Action::Agent(agent)]
    }

    fn on_submit(&mut self, share: &Share, now: Now) -> Vec<Action> {
        let (channel_id, sequence) = (share.channel_id, share.sequence);
        let refuse = |code| Action::Send(reply::share_refused(channel_id, sequence, code));
        let kind = if share.extranonce2.is_some() { Kind::Extended } else { Kind::Standard };
        let channel = self.channels.get_mut(&channel_id).filter(|channel| channel.kind() == kind);
        let Some(channel) = channel else {
            return self.refused(refuse(ERROR_CODE_SUBMIT_SHARES_INVALID_CHANNEL_ID), (0, RejectReason::Other));
        };
        let worker = channel.worker();
        let Some(extranonce2) = Channel::extranonce2(share) else {
            return self.refused(refuse(ERROR_CODE_SUBMIT_SHARES_BAD_EXTRANONCE_SIZE), (worker, RejectReason::Other));
        };
        match channel.submit(share, extranonce2, now) {
            // Jobs are forgotten when they are old, so that is what it most likely is.
            None => self.refused(refuse(ERROR_CODE_SUBMIT_SHARES_INVALID_JOB_ID), (worker, RejectReason::UnknownJob)),
            Some(Outcome::Accepted { hashes, is_fee, lane, found }) => {
                let difficulty = difficulty_of(hashes, self.config.algorithm());
                let receipt = Receipt { sequence, difficulty };
                let mut actions = Vec::with_capacity(3);
                match found {
                    Some(found) => {
                        let pending = Some(PendingShare { channel_id, receipt });
                        actions.push(Action::Found { found, worker, pending });
                    }
                    None => channel.accept(receipt),
                }
                actions.push(Action::Judged(Judged::Accepted { worker, hashes, is_fee, lane }));
                if channel.miner().vardiff().take_urgent() {
                    actions.push(Action::Renew(channel_id));
                }
                self.rejects_in_a_row = 0;
                actions
            }
            Some(Outcome::Refused { reject, is_no_work, block }) => {
                let code = channel.refusal_code(&reject);
                let mut actions: Vec<Action> =
                    block.map(|found| Action::Found { found, worker, pending: None }).into_iter().collect();
                if is_no_work {
                    actions.push(Action::Misbehaved(Conduct::NoWork));
                }
                if reject == Reject::TooManySubmits {
                    actions.push(Action::Renew(channel_id));
                }
                actions.extend(self.refused(refuse(code), (worker, reject.reason())));
                actions
            }
        }
    }

    /// Counts a refused submit.
    fn refused(&mut self, answer: Action, (worker, reason): (usize, RejectReason)) -> Vec<Action> {
        self.rejects_in_a_row = self.rejects_in_a_row.saturating_add(1);
        let mut actions = vec![answer, Action::Judged(Judged::Refused { worker, reason })];
        if self.rejects_in_a_row >= REJECTS_IN_A_ROW_MAX {
            actions.push(Action::Disconnect("too many rejected submits in a row"));
        }
        actions
    }
}

/// Version bits that miners may vary: all that the protocol leaves them, or none where the chain fixes one of them.
fn version_mask(config: &SessionConfig) -> u32 {
    let is_free = config.lanes.fixed_version_bits() & ROLLING_MASK == 0;
    if version_rolling_mask(config.algorithm()) != 0 && is_free { ROLLING_MASK } else { 0 }
}

fn difficulty_of(hashes: f64, algorithm: PowAlgorithm) -> f64 {
    crate::difficulty::Difficulty::from_hashes(hashes, algorithm).get()
}

#[cfg(test)]
mod tests;
