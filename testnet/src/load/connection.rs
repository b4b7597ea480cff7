//! One miner's side of a connection as a state machine: lines and the time come in, actions go out. It does no I/O and
//! reads no clock.
//!
//! ```text
//! subscribing --reply--> authorizing --reply--> authorized, and ready with the first job
//!
//! set_difficulty, set_extranonce --> kept until the next notify --> valid for its job and all later ones
//! ```
//! Like a real miner it changes over to every job at once, clean or not, and forgets what it found for the one before.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::de::IgnoredAny;
use serde_json::Value;
use sharechain::{PowAlgorithm, Target};
use stratum::{Difficulty, message::quoted};

use super::{
    message::{Answer, JobHead, Message, Refusal},
    share_search::ShareSearch,
};
use crate::{
    client::shown,
    miner::{RefusedUser, Work, target_of},
};

/// What the miner calls itself.
const USER_AGENT: &str = concat!("devminer/", env!("CARGO_PKG_VERSION"));
/// Ids of the requests. Submits have one each, so that an answer that overtakes another is not taken for it.
const SUBSCRIBE_ID: u64 = 1;
const AUTHORIZE_ID: u64 = 2;
const FIRST_SUBMIT_ID: u64 = 3;
/// Lengths of an extranonce2 that miners take.
const EXTRANONCE2_LENS: std::ops::RangeInclusive<usize> = 2..=16;
/// cpuminer's answer to what it does not know.
const UNKNOWN_METHOD: &str = r#"[38,"unknown method",null]"#;

/// What all connections have in common.
#[derive(Clone, Debug)]
pub(super) struct Login {
    /// `ADDRESS.worker`.
    pub(super) user: String,
    /// Whatever the server wants.
    pub(super) password: String,
    /// Proof of work.
    pub(super) algorithm: PowAlgorithm,
    /// What jobs are for.
    pub(super) purpose: Purpose,
}

/// What a connection does with its jobs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// Search shares.
    Submit,
    /// Take every hash for a share.
    SubmitAnything,
    /// Only notice them.
    Hold,
}

/// What the socket has to do.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// Send this line.
    Send(String),
    /// A submit was answered: for statistics.
    Answered {
        /// `Err` when it was refused.
        verdict: Result<(), Refusal>,
        /// From the write to the reply.
        latency: Duration,
    },
    /// A clean job on another parent block came: for statistics.
    NewBlock(String),
}

/// Why the connection is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the server sent what is no Stratum message: {0}")]
    NoMessage(String),
    #[error("the server's {method} cannot be understood: {params}")]
    Malformed { method: &'static str, params: String },
    #[error("the server refuses mining.subscribe: {0}")]
    RefusedSubscription(String),
    #[error(transparent)]
    RefusedUser(#[from] RefusedUser),
    #[error("the server answered request {0}, which waits for no answer")]
    Unasked(u64),
    #[error("the server's job cannot be mined")]
    BadJob(#[source] anyhow::Error),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Subscribing,
    Authorizing,
    Authorized,
}

/// Where the miner's part of the coinbase goes.
#[derive(Clone, Debug, Default)]
struct Extranonce {
    first: Vec<u8>,
    second_len: usize,
}

/// The newest job, until it is mined, with what was valid when it came.
#[derive(Debug)]
struct Announced {
    params: String,
    target: Target,
    extranonce: Extranonce,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Connection {
    login: Arc<Login>,
    step: Step,
    extranonce: Extranonce,
    target: Target,
    job_id: Option<String>,
    /// Jobs so far.
    jobs: u64,
    /// Of the last clean job.
    prev_block: String,
    announced: Option<Announced>,
    search: Option<ShareSearch>,
    next_id: u64,
    /// Submits without an answer, by id, and when they were written.
    pending: VecDeque<(u64, Instant)>,
}

impl Connection {
    /// A connection that just opened, and the line to begin with.
    pub(super) fn open(login: Arc<Login>) -> (Self, String) {
        let connection = Self {
            step: Step::Subscribing,
            extranonce: Extranonce::default(),
            target: target_of(Difficulty::new(1.0), login.algorithm),
            login,
            job_id: None,
            jobs: 0,
            prev_block: String::new(),
            announced: None,
            search: None,
            next_id: FIRST_SUBMIT_ID,
            pending: VecDeque::new(),
        };
        (connection, format!(r#"{{"id":{SUBSCRIBE_ID},"method":"mining.subscribe","params":["{USER_AGENT}"]}}"#))
    }

    /// What the server has to send before there is anything to mine; `None` when it did.
    pub(super) const fn waits_for(&self) -> Option<&'static str> {
        match self.step {
            Step::Subscribing => Some("answer to mining.subscribe"),
            Step::Authorizing => Some("answer to mining.authorize"),
            Step::Authorized if self.job_id.is_none() => Some("job"),
            Step::Authorized => None,
        }
    }

    /// Submits without an answer.
    pub(super) fn outstanding(&self) -> usize {
        self.pending.len()
    }

    /// Takes one line without its newline.
    ///
    /// # Errors
    /// When the server refuses to go on, or breaks the protocol.
    pub(super) fn handle_line(&mut self, line: &str, now: Instant) -> Result<Option<Action>, Failure> {
        match Message::parse(line).ok_or_else(|| Failure::NoMessage(shown(line)))? {
            Message::Call { method, id, params } => self.on_call(&method, id, params),
            Message::Reply { id, answer } => self.on_reply(id, answer, now),
        }
    }

    /// Searches until `wanted` shares can be submitted or others should have a turn; gives the number of hashes.
    ///
    /// # Errors
    /// When the job makes no header.
    pub(super) fn search(&mut self, wanted: usize) -> Result<u64, Failure> {
        if let Some(announced) = self.announced.take() {
            self.search = Some(self.begin(&announced).map_err(Failure::BadJob)?);
        }
        Ok(self.search.as_mut().map_or(0, |search| search.search(wanted)))
    }

    /// Whether there is nothing to search before the next job.
    pub(super) fn is_out_of_work(&self) -> bool {
        self.announced.is_none() && self.search.as_ref().is_none_or(ShareSearch::is_exhausted)
    }

    /// Appends a line for each share that was found, at most `most`, to what is written right after `now`; gives their
    /// number.
    pub(super) fn submit(&mut self, most: usize, now: Instant, lines: &mut String) -> usize {
        let Some(search) = &mut self.search else { return 0 };
        let mut submits = 0;
        while submits < most && search.write_submit(self.next_id, lines) {
            self.pending.push_back((self.next_id, now));
            self.next_id += 1;
            submits += 1;
        }
        submits
    }

    fn begin(&self, announced: &Announced) -> anyhow::Result<ShareSearch> {
        let Announced { params, target, extranonce } = announced;
        let params: Value = serde_json::from_str(params)?;
        let target = if self.login.purpose == Purpose::SubmitAnything { Target::EASIEST } else { *target };
        let work = Work::parse(&params, &extranonce.first, extranonce.second_len, target, self.jobs)?;
        // Another one for each job: some servers have several names for one job.
        let mut extranonce2 = self.jobs.to_le_bytes().to_vec();
        extranonce2.resize(extranonce.second_len, 0);
        Ok(ShareSearch::new(&work, self.login.algorithm, &extranonce2, &self.login.user))
    }

    fn on_call(&mut self, method: &str, id: Option<&str>, params: &str) -> Result<Option<Action>, Failure> {
        let result = match method {
            "mining.notify" => return self.on_notify(params),
            "mining.set_difficulty" => return self.on_set_difficulty(params),
            "mining.set_extranonce" => return self.on_set_extranonce(params),
            "client.get_version" => quoted(USER_AGENT),
            "mining.ping" => quoted("pong"),
            _ => {
                let refuse = |id| format!(r#"{{"id":{id},"result":false,"error":{UNKNOWN_METHOD}}}"#);
                return Ok(id.map(refuse).map(Action::Send));
            }
        };
        Ok(id.map(|id| Action::Send(format!(r#"{{"id":{id},"result":{result},"error":null}}"#))))
    }

    fn on_notify(&mut self, params: &str) -> Result<Option<Action>, Failure> {
        let head = JobHead::parse(params).ok_or_else(|| malformed("mining.notify", params))?;
        // Miners ignore a job that they have, and a difficulty that came with it.
        if self.job_id.as_deref() == Some(&*head.job_id) {
            return Ok(None);
        }
        self.job_id = Some(head.job_id.into_owned());
        self.jobs += 1;
        self.search = None;
        if self.login.purpose != Purpose::Hold {
            let (target, extranonce) = (self.target, self.extranonce.clone());
            self.announced = Some(Announced { params: params.to_owned(), target, extranonce });
        }
        if !head.clean || self.prev_block == head.prev_block {
            return Ok(None);
        }
        self.prev_block = head.prev_block.into_owned();
        Ok(Some(Action::NewBlock(self.prev_block.clone())))
    }

    fn on_set_difficulty(&mut self, params: &str) -> Result<Option<Action>, Failure> {
        let (difficulty,): (f64,) =
            serde_json::from_str(params).map_err(|_| malformed("mining.set_difficulty", params))?;
        self.target = target_of(Difficulty::new(difficulty), self.login.algorithm);
        Ok(None)
    }

    fn on_set_extranonce(&mut self, params: &str) -> Result<Option<Action>, Failure> {
        let parsed: Option<(String, usize)> = serde_json::from_str(params).ok();
        let extranonce = parsed.and_then(|(first, second_len)| Extranonce::parse(&first, second_len));
        self.extranonce = extranonce.ok_or_else(|| malformed("mining.set_extranonce", params))?;
        Ok(None)
    }

    fn on_reply(&mut self, id: u64, answer: Answer<'_>, now: Instant) -> Result<Option<Action>, Failure> {
        match (self.step, id) {
            (Step::Subscribing, SUBSCRIBE_ID) => self.on_subscribed(answer).map(Some),
            (Step::Authorizing, AUTHORIZE_ID) => self.on_authorized(answer),
            (Step::Authorized, id) => self.on_judged(id, answer, now).map(Some),
            (Step::Subscribing | Step::Authorizing, id) => Err(Failure::Unasked(id)),
        }
    }

    fn on_subscribed(&mut self, answer: Answer<'_>) -> Result<Action, Failure> {
        let result = match answer {
            Answer::Result(result) => result,
            Answer::Refused(refusal) => return Err(Failure::RefusedSubscription(refusal.reason)),
        };
        let parsed: Option<(IgnoredAny, String, usize)> = serde_json::from_str(result).ok();
        let extranonce = parsed.and_then(|(_, first, second_len)| Extranonce::parse(&first, second_len));
        self.extranonce = extranonce.ok_or_else(|| malformed("answer to mining.subscribe", result))?;
        self.step = Step::Authorizing;
        let (user, password) = (quoted(&self.login.user), quoted(&self.login.password));
        Ok(Action::Send(format!(r#"{{"id":{AUTHORIZE_ID},"method":"mining.authorize","params":[{user},{password}]}}"#)))
    }

    fn on_authorized(&mut self, answer: Answer<'_>) -> Result<Option<Action>, Failure> {
        if let Answer::Refused(refusal) = answer {
            return Err(RefusedUser { user: self.login.user.clone(), reason: refusal.reason }.into());
        }
        self.step = Step::Authorized;
        Ok(None)
    }

    fn on_judged(&mut self, id: u64, answer: Answer<'_>, now: Instant) -> Result<Action, Failure> {
        let place = self.pending.iter().position(|(pending, _)| *pending == id);
        let (_, written) = place.and_then(|place| self.pending.remove(place)).ok_or(Failure::Unasked(id))?;
        let verdict = match answer {
            Answer::Result(_) => Ok(()),
            Answer::Refused(refusal) => Err(refusal),
        };
        Ok(Action::Answered { verdict, latency: now.saturating_duration_since(written) })
    }
}

impl Extranonce {
    fn parse(first: &str, second_len: usize) -> Option<Self> {
        let first = hex::decode(first).ok()?;
        EXTRANONCE2_LENS.contains(&second_len).then_some(Self { first, second_len })
    }
}

fn malformed(method: &'static str, params: &str) -> Failure {
    Failure::Malformed { method, params: shown(params) }
}

#[cfg(test)]
mod tests;
