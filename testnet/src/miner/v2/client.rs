//! The miner's side of a connection as a state machine: messages in, actions out.
//!
//! ```text
//! new --SetupConnection--> setting up --Open..Channel--> opening --Open..Success--> mining: jobs in, submits out
//! ```

use super::{
    ChannelKind, Endpoint,
    channel::Channel,
    frame::{self, Frame, Submit, VERSION},
    message::Message,
    refusal::{Refusal, in_words},
};
use crate::miner::{search::Solution, work::Work};

/// `SetupConnection.Success.flags`: version bits are not free.
const REQUIRES_FIXED_VERSION: u32 = 1;

/// What the miner wants.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// `ADDRESS.worker`.
    pub(super) user: String,
    pub(super) kind: ChannelKind,
    /// Hashes per second; 0 when it is not known.
    pub(super) hashrate: f32,
}

/// What the connection has to do.
#[derive(Debug)]
pub(super) enum Action {
    Nothing,
    /// Send this.
    Send(Frame),
    /// Mine this instead of what was mined before.
    Mine(Box<Work<u32>>),
    /// So many submits were accepted.
    Accepted(u32),
    /// A submit came too late.
    Stale,
    /// A submit was refused, for this reason.
    Rejected(String),
    /// There is nothing more to mine on this connection, for this reason.
    Closed(String),
}

#[derive(Debug)]
enum State {
    SettingUp,
    Opening { is_version_fixed: bool },
    Mining(Box<Channel>),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Client {
    terms: Terms,
    state: State,
    /// Number of the last submit.
    sequence: u32,
}

impl Client {
    /// A connection whose encryption was just agreed upon, and what to send first.
    pub(super) fn new(terms: Terms, endpoint: &Endpoint) -> (Self, Frame) {
        let first = frame::setup(endpoint, terms.kind);
        (Self { terms, state: State::SettingUp, sequence: 0 }, first)
    }

    /// The pool said something.
    pub(super) fn handle(&mut self, message: Message) -> Result<Action, Refusal> {
        match (&mut self.state, message) {
            (_, Message::Other) => Ok(Action::Nothing),
            (State::SettingUp, Message::SetUp { version: VERSION, flags }) => {
                self.state = State::Opening { is_version_fixed: flags & REQUIRES_FIXED_VERSION != 0 };
                Ok(Action::Send(frame::open(&self.terms)))
            }
            (State::SettingUp, Message::SetUp { version, .. }) => {
                Err(Refusal::Protocol(format!("it speaks version {version}, which nobody offered")))
            }
            (State::SettingUp, Message::SetupRefused { code }) => Err(Refusal::Connection(in_words(&code))),
            (State::Opening { is_version_fixed }, Message::Opened(opened)) => {
                let is_extended = opened.extranonce2_len.is_some();
                if is_extended != (self.terms.kind == ChannelKind::Extended) {
                    return Err(Refusal::protocol("it opens the other kind of channel"));
                }
                self.state = State::Mining(Box::new(Channel::new(opened, *is_version_fixed)?));
                Ok(Action::Nothing)
            }
            (State::Opening { .. }, Message::OpenRefused { code }) => {
                Err(Refusal::Channel { user: self.terms.user.clone(), reason: in_words(&code) })
            }
            (State::Mining(channel), message) => on_channel(channel, message),
            (State::SettingUp | State::Opening { .. }, _) => Err(Refusal::protocol("a message out of turn")),
        }
    }

    /// What submits a nonce.
    pub(super) fn submit(&mut self, solution: &Solution<u32>) -> Option<Frame> {
        let State::Mining(channel) = &self.state else { return None };
        let Solution { work, roll, nonce } = solution;
        self.sequence = self.sequence.wrapping_add(1);
        Some(frame::submit(&Submit {
            channel_id: channel.id(),
            sequence: self.sequence,
            job_id: work.job_id,
            nonce: *nonce,
            time: work.rolled_time(roll),
            version: work.rolled_version(roll),
            extranonce2: channel.is_extended().then_some(&roll.extranonce2),
        }))
    }
}

/// What the pool says once there is a channel.
fn on_channel(channel: &mut Channel, message: Message) -> Result<Action, Refusal> {
    let mine = |work| Action::Mine(Box::new(work));
    match message {
        Message::Job { channel_id, job } if channel.is_meant(channel_id) => {
            channel.on_job(job).map(|work| work.map_or(Action::Nothing, mine))
        }
        Message::PrevHash { channel_id, job_id, block, time } if channel.is_meant(channel_id) => {
            channel.on_block(job_id, block, time).map(mine)
        }
        Message::Target { channel_id, target } if channel.is_meant(channel_id) => {
            channel.set_target(target);
            Ok(Action::Nothing)
        }
        Message::ExtranoncePrefix { channel_id, prefix } if channel.is_meant(channel_id) => {
            channel.set_extranonce_prefix(prefix).map(|()| Action::Nothing)
        }
        Message::Closed { channel_id, code } if channel.is_meant(channel_id) => Ok(Action::Closed(in_words(&code))),
        // Jobs that the pool does not know any more are old ones.
        Message::Refused { code } if code == "stale-share" || code == "invalid-job-id" => Ok(Action::Stale),
        Message::Refused { code } => Ok(Action::Rejected(code)),
        Message::Accepted { count } => Ok(Action::Accepted(count)),
        Message::Job { .. }
        | Message::PrevHash { .. }
        | Message::Target { .. }
        | Message::ExtranoncePrefix { .. }
        | Message::Closed { .. } => Err(Refusal::protocol("a message to a channel that is not open")),
        Message::SetUp { .. }
        | Message::SetupRefused { .. }
        | Message::Opened(_)
        | Message::OpenRefused { .. }
        | Message::Other => Err(Refusal::protocol("a message out of turn")),
    }
}
