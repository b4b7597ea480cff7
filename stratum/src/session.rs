//! One Stratum V1 connection as a state machine.
//!
//! ```text
//! new --subscribe--> subscribed --authorize--> mining --submit--> ..
//!   \                    \
//!    +-- 15 s --> closed  +-- 60 s --> closed          mining -- 10 min without a line --> closed
//! ```
//! A connection pays one address, that of its first authorized worker; further workers of the same address may join. A miner that
//! comes back with the id of its session takes it up where it was: extranonce, jobs, difficulty.

use std::{sync::Arc, time::Instant};

use sharechain::PowAlgorithm;

use crate::{
    bucket::TokenBucket,
    client::{ClientProfile, UNKNOWN},
    error::{Reject, RejectReason},
    guard::Conduct,
    job::{JobTemplate, NotifyLine},
    lane::{LaneId, LanePlan, LaneScripts, Seeker},
    limits::{AUTHORIZE_TIMEOUT, IDLE_TIMEOUT, REJECTS_IN_A_ROW_MAX},
    message::{self, Request},
    miner::{Miner, Now, Outcome, Payee, Rates, SessionConfig},
    submit::{Found, Submit},
    username::Username,
};

mod configure;
mod departure;
mod login;

pub use departure::Refuge;
pub use login::Ticket;
pub(crate) use login::{is_same, login};

/// Version bits that BIP320 leaves to miners. Only SHA-256d miners are so fast that a header runs out of nonces.
pub const fn version_rolling_mask(algorithm: PowAlgorithm) -> u32 {
    match algorithm {
        PowAlgorithm::Sha256d => 0x1fff_e000,
        PowAlgorithm::Blake2s | PowAlgorithm::Scrypt => 0,
    }
}

/// What the connection has to do.
#[derive(Debug)]
pub enum Action {
    /// Send this line.
    Send(String),
    /// Send this job.
    SendJob(NotifyLine),
    /// Hand this to the node, then send the reply that fits. Nothing else may be sent in between.
    Found {
        /// What was found.
        found: Box<Found>,
        /// Number of the worker in this connection.
        worker: usize,
        /// How to answer; `None` when the submit was refused already and only the block matters.
        reply: Option<PendingReply>,
    },
    /// Offer the newest template again: the present job does not fit any more.
    Renew,
    /// Look whether a session with this id is kept, and call [`Session::handle_resume`] before the next line.
    Resume {
        /// What the miner sent.
        session_id: String,
    },
    /// A submit was accepted or refused: for statistics.
    Judged(Judged),
    /// A worker was authorized: for statistics. Its number in this connection follows from the order.
    Authorized(Username),
    /// Whether the miner may be sent to another node of the operator changed.
    Follows(bool),
    /// The client said what it is: for statistics.
    Agent(String),
    /// The client did what is no part of mining.
    Misbehaved(Conduct),
    /// Close the connection after what was sent.
    Disconnect(&'static str),
}

/// Outcome of one submit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Judged {
    /// It counts.
    Accepted {
        /// Number of the worker in this connection.
        worker: usize,
        /// Expected hashes.
        hashes: f64,
        /// Whether the operator is credited with it.
        is_fee: bool,
        /// The lane of its job.
        lane: LaneId,
    },
    /// Refused.
    Refused {
        /// Number of the worker in this connection.
        worker: usize,
        /// Why.
        reason: RejectReason,
    },
}

/// The answer to a submit whose share the node still has to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingReply {
    id: String,
}

impl PendingReply {
    /// The share is durable.
    pub fn stored(&self) -> String {
        format!(r#"{{"id":{},"result":true,"error":null}}"#, self.id)
    }

    /// The share could not be kept.
    pub fn refused(&self, reason: String) -> String {
        message::refusal(&self.id, &Reject::NotStored(reason))
    }
}

/// What is kept of a connection that was lost, for its miner to come back to.
#[derive(Debug)]
pub struct Parked {
    miner: Miner,
    version_mask: u32,
}

impl Parked {
    /// Forgets jobs that no submit can be for any more.
    pub fn forget_old_jobs(&mut self, now: Instant) {
        self.miner.forget_old_jobs(now);
    }
}

/// See the module.
#[derive(Debug)]
pub struct Session {
    config: Arc<SessionConfig>,
    ticket: Ticket,
    opened: Instant,
    last_line: Instant,
    subscribed: bool,
    /// Of the subscription that waits for its session to be looked up.
    resuming: Option<String>,
    user_agent: String,
    profile: ClientProfile,
    scripts: Option<LaneScripts>,
    /// The lane that it asked for.
    pin: Option<LaneId>,
    /// User names as they were authorized.
    workers: Vec<String>,
    version_mask: u32,
    /// Whether every worker asked to be told when another node of the operator has more room.
    follows: bool,
    miner: Miner,
    lines: TokenBucket,
    rejects_in_a_row: u32,
}

impl Session {
    /// A connection that was just accepted.
    pub fn new(config: Arc<SessionConfig>, ticket: Ticket, now: Now) -> Self {
        Self {
            miner: Miner::new(config.clone(), ticket.extranonce1, now.instant),
            lines: TokenBucket::full(config.lines, now.instant),
            config,
            ticket,
            opened: now.instant,
            last_line: now.instant,
            subscribed: false,
            resuming: None,
            user_agent: String::new(),
            profile: UNKNOWN,
            scripts: None,
            pin: None,
            workers: Vec::new(),
            version_mask: 0,
            follows: false,
            rejects_in_a_row: 0,
        }
    }

    /// Whom the connection's work is credited to on each lane.
    pub const fn scripts(&self) -> Option<&LaneScripts> {
        self.scripts.as_ref()
    }

    /// The lane that the miner of connection `id` works on by this plan, when it works on `current` now; `None` before it mines.
    pub fn lane(&self, plan: &LanePlan, (id, current): (u64, Option<LaneId>)) -> Option<LaneId> {
        let (scripts, user) = (self.scripts.as_ref()?, self.workers.first()?);
        let worker = user.split_once(['.', '_']).map_or(user.as_str(), |(_, worker)| worker);
        plan.lane_of(&Seeker { id, scripts, worker, pin: self.pin, current }, |lane| self.payee(lane).is_some())
    }

    /// Whether jobs can be offered: subscribed and authorized.
    pub const fn is_mining(&self) -> bool {
        self.subscribed && self.scripts.is_some()
    }

    /// What is worth keeping when the connection is lost; `None` when it did not mine.
    pub fn park(self) -> Option<Parked> {
        let has_mined = self.is_mining() && self.miner.newest_job().is_some();
        has_mined.then_some(Parked { miner: self.miner, version_mask: self.version_mask })
    }

    /// When the next line may be read; `None` for at once.
    pub fn may_read_at(&mut self, now: Instant) -> Option<Instant> {
        self.lines.empty_until(self.config.lines, now)
    }

    /// Takes one line without its newline.
    pub fn handle_line(&mut self, line: &str, now: Now) -> Vec<Action> {
        self.last_line = now.instant;
        // Whoever does not wait for [`Session::may_read_at`] gains nothing: the debt is paid before the next line.
        self.lines.take(self.config.lines, now.instant);
        let Some(request) = Request::parse(line) else {
            return vec![Action::Misbehaved(Conduct::Junk), Action::Disconnect("a line is not a JSON object")];
        };
        match request.method.as_deref() {
            Some("mining.submit") => self.on_submit(&request, now),
            Some("mining.subscribe") => self.on_subscribe(&request, now.instant),
            Some("mining.authorize") => self.on_authorize(&request, now.instant),
            Some("mining.configure") => self.on_configure(&request, now.instant),
            Some("mining.suggest_difficulty") => self.on_suggestion(&request, configure::difficulty(&request), now),
            Some("mining.suggest_target") => {
                let difficulty = configure::target_difficulty(&request, self.config.algorithm());
                self.on_suggestion(&request, difficulty, now)
            }
            Some("mining.extranonce.subscribe") => vec![Action::Send(request.reply("true"))],
            Some("mining.ping") => vec![Action::Send(request.reply(r#""pong""#))],
            // bfgminer looks at a block's transactions; they are the share chain's business here.
            Some("mining.get_transactions") => vec![Action::Send(request.reply("[]"))],
            None => self.on_reply(&request, now.instant),
            // ESP-Miner's answer to a ping is a request.
            Some("pong") => Vec::new(),
            Some(_) if request.wants_reply() => vec![Action::Send(request.refuse(&Reject::UnknownMethod))],
            Some(_) => Vec::new(),
        }
    }

    /// Makes a job of a template. `rates` are those of payout scripts at this node.
    pub fn handle_template(&mut self, template: &Arc<JobTemplate>, rates: &Rates, now: Now) -> Vec<Action> {
        let Some(payee) = self.payee(template.lane()) else { return Vec::new() };
        let Some(new) = self.miner.offer(&payee, template, rates, now.instant) else { return Vec::new() };
        let mut actions = Vec::with_capacity(2);
        // A difficulty is valid from the next job on, so it goes out before it.
        if new.is_new_difficulty {
            let params = format!("[{}]", new.job.difficulty.to_json());
            actions.push(Action::Send(message::notification("mining.set_difficulty", &params)));
        }
        actions.push(Action::SendJob(NotifyLine::new(new.job, new.prefix, new.clean)));
        actions
    }

    /// Whom its shares on a lane are credited to; `None` when it cannot mine there.
    fn payee(&self, lane: LaneId) -> Option<Payee> {
        let script = self.scripts.as_ref().filter(|_| self.subscribed)?.on(lane)?;
        let terms = self.config.lanes.get(lane)?;
        Some(Payee { script, payout_class: self.profile.payout_class(&terms.params).ok()? })
    }

    /// When [`Session::handle_tick`] has something to do, if no line comes until then.
    pub fn poll_timeout(&self) -> Instant {
        let (mut wake, _) = self.deadline();
        if let Some(vardiff) = self.miner.wake() {
            wake = wake.min(vardiff);
        }
        wake
    }

    /// Checks time-outs and eases the difficulty of a silent miner.
    pub fn handle_tick(&mut self, now: Now) -> Vec<Action> {
        self.miner.on_tick(now.instant);
        let (deadline, reason) = self.deadline();
        if now.instant >= deadline { vec![Action::Disconnect(reason)] } else { Vec::new() }
    }

    /// When the connection ends, and why, unless something comes.
    fn deadline(&self) -> (Instant, &'static str) {
        if !self.subscribed {
            (self.opened + self.config.subscribe_timeout, "no mining.subscribe in time")
        } else if self.scripts.is_none() {
            (self.opened + AUTHORIZE_TIMEOUT, "no mining.authorize in time")
        } else {
            (self.last_line + IDLE_TIMEOUT, "silent for too long")
        }
    }

    fn on_suggestion(&mut self, request: &Request<'_>, difficulty: Option<f64>, now: Now) -> Vec<Action> {
        if let Some(difficulty) = difficulty {
            self.miner.suggest_difficulty(difficulty, now.instant);
        }
        let mut actions = Vec::new();
        if request.wants_reply() {
            actions.push(Action::Send(request.reply("true")));
        }
        // Some repeat themselves every 30 s (NerdMiner): only what changes something costs a job.
        if self.miner.wants_other_difficulty() {
            actions.push(Action::Renew);
        }
        actions
    }

    fn on_submit(&mut self, request: &Request<'_>, now: Now) -> Vec<Action> {
        match self.submit(request, now) {
            (worker, Outcome::Accepted { hashes, is_fee, lane, found }) => {
                self.rejects_in_a_row = 0;
                let answer = match found {
                    Some(found) => {
                        let reply = Some(PendingReply { id: request.id().to_owned() });
                        Action::Found { found, worker, reply }
                    }
                    None => Action::Send(request.reply("true")),
                };
                let mut actions = vec![answer, Action::Judged(Judged::Accepted { worker, hashes, is_fee, lane })];
                if self.miner.vardiff().take_urgent() {
                    actions.push(Action::Renew);
                }
                actions
            }
            (worker, Outcome::Refused { reject, is_no_work, block }) => {
                self.rejects_in_a_row = self.rejects_in_a_row.saturating_add(1);
                let block = block.map(|found| Action::Found { found, worker, reply: None });
                let mut actions: Vec<Action> = block.into_iter().collect();
                actions.push(Action::Send(request.refuse(&reject)));
                actions.push(Action::Judged(Judged::Refused { worker, reason: reject.reason() }));
                if is_no_work {
                    actions.push(Action::Misbehaved(Conduct::NoWork));
                }
                if reject == Reject::TooManySubmits {
                    actions.push(Action::Renew);
                }
                if self.rejects_in_a_row >= REJECTS_IN_A_ROW_MAX {
                    actions.push(Action::Disconnect("too many rejected submits in a row"));
                }
                actions
            }
        }
    }

    /// Judges a submit; also the number of its worker.
    fn submit(&mut self, request: &Request<'_>, now: Now) -> (usize, Outcome) {
        if !self.subscribed {
            return (0, Reject::NotSubscribed.into());
        }
        let params: Vec<String> = match request.params("5 or 6 strings") {
            Ok(params) => params,
            Err(reject) => return (0, reject.into()),
        };
        let submit = match Submit::parse(&params) {
            Ok(submit) => submit,
            Err(reject) => return (0, reject.into()),
        };
        let worker = self.workers.iter().position(|user| params.first() == Some(user));
        let authorized = if worker.is_some() { Ok(()) } else { Err(Reject::Unauthorized) };
        (worker.unwrap_or_default(), self.miner.submit(&submit, self.version_mask, authorized, now))
    }
}

#[cfg(test)]
pub(crate) mod tests;
