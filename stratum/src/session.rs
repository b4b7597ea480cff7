//! One miner's connection as a state machine.
//!
//! ```text
//! new --subscribe--> subscribed --authorize--> mining --submit--> ..
//!   \                    \
//!    +-- 15 s --> closed  +-- 60 s --> closed          mining -- 10 min without a line --> closed
//! ```
//! A connection pays one address, that of its first authorized worker; further workers of the same address may join.
//! Difficulty is frozen into each job: a submit is judged by the difficulty its own job was sent with.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use sharechain::{PayoutScript, PowAlgorithm, ShareTerms, Work, difficulty::share_bits};

use crate::{
    address::AddressFormat,
    difficulty::Difficulty,
    error::Reject,
    extranonce::{EXTRANONCE2_LEN, Extranonce1},
    job::{Job, JobStore, JobTemplate},
    limits::{AUTHORIZE_TIMEOUT, IDLE_TIMEOUT, REJECTS_IN_A_ROW_MAX, SUBSCRIBE_TIMEOUT, WORKERS_MAX},
    message::{self, Request},
    submit::{Found, Hashed, Submit},
    username::Username,
    vardiff::{Vardiff, VardiffConfig},
};

/// A share's work follows the hash rate when it differs by more than this part: measured rates are noisy, and each
/// change is a new difficulty for the miner.
const SHARE_WORK_BAND: f64 = 0.25;

/// Version bits that BIP320 leaves to miners. Only SHA-256d miners are so fast that a header runs out of nonces.
pub const fn version_rolling_mask(algorithm: PowAlgorithm) -> u32 {
    match algorithm {
        PowAlgorithm::Sha256d => 0x1fff_e000,
        PowAlgorithm::Blake2s | PowAlgorithm::Scrypt => 0,
    }
}

/// What all sessions of an endpoint have in common.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// What addresses look like.
    pub addresses: AddressFormat,
    /// Proof of work.
    pub algorithm: PowAlgorithm,
    /// Header version bits that the parent chain fixes; never rolled.
    pub version_mask: u32,
    /// Difficulty policy.
    pub vardiff: VardiffConfig,
    /// Payout class of every session.
    pub payout_class: u8,
    /// Random per node.
    pub node_nonce: u64,
    /// A payout script's shares should take its miners at this node about this long.
    pub share_period: Duration,
}

/// The caller's clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For time-outs and rates.
    pub instant: Instant,
    /// For header times: Unix seconds.
    pub unix: u64,
}

/// What the connection has to do.
#[derive(Debug)]
pub enum Action {
    /// Send this line.
    Send(String),
    /// Hand this to the node, then send the reply that fits. Nothing else may be sent in between.
    Found {
        /// What was found.
        found: Box<Found>,
        /// How to answer; `None` when the submit was refused already and only the block matters.
        reply: Option<PendingReply>,
    },
    /// A submit was accepted or refused: for statistics.
    Judged(Judged),
    /// A worker was authorized: for statistics.
    Authorized(Username),
    /// Close the connection after what was sent.
    Disconnect(&'static str),
}

/// Outcome of one submit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Judged {
    /// It carries this many expected hashes.
    Accepted {
        /// Expected hashes.
        hashes: f64,
    },
    /// Refused because its job was stale.
    Stale,
    /// Refused for another reason.
    Rejected,
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
        let reject = Reject::NotStored(reason);
        let error = serde_json::json!([reject.code(), reject.to_string(), null]);
        format!(r#"{{"id":{},"result":null,"error":{error}}}"#, self.id)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Session {
    config: Arc<SessionConfig>,
    extranonce1: Extranonce1,
    opened: Instant,
    last_line: Instant,
    subscribed: bool,
    user_agent: String,
    script: Option<PayoutScript>,
    workers: BTreeSet<String>,
    version_mask: u32,
    vardiff: Vardiff,
    jobs: JobStore,
    next_job: u32,
    told: Option<Difficulty>,
    /// Work that a share of this session should carry, by its payout script's hash rate.
    share_hashes: f64,
    rejects_in_a_row: u32,
}

impl Session {
    /// A connection that was just accepted.
    pub fn new(config: Arc<SessionConfig>, extranonce1: Extranonce1, now: Now) -> Self {
        Self {
            vardiff: Vardiff::new(config.vardiff, now.instant),
            config,
            extranonce1,
            opened: now.instant,
            last_line: now.instant,
            subscribed: false,
            user_agent: String::new(),
            script: None,
            workers: BTreeSet::new(),
            version_mask: 0,
            jobs: JobStore::default(),
            next_job: 0,
            told: None,
            share_hashes: 0.0,
            rejects_in_a_row: 0,
        }
    }

    /// Whom the connection's work is credited to, once a worker is authorized.
    pub const fn script(&self) -> Option<PayoutScript> {
        self.script
    }

    /// What the miner calls itself.
    pub fn user_agent(&self) -> &str {
        &self.user_agent
    }

    /// Whether jobs are wanted: subscribed and authorized.
    pub const fn is_mining(&self) -> bool {
        self.subscribed && self.script.is_some()
    }

    /// Takes one line without its newline.
    pub fn handle_line(&mut self, line: &str, now: Now) -> Vec<Action> {
        self.last_line = now.instant;
        let Some(request) = Request::parse(line) else {
            return vec![Action::Disconnect("a line is not a JSON object")];
        };
        match request.method.as_deref() {
            Some("mining.submit") => self.on_submit(&request, now),
            Some("mining.subscribe") => self.on_subscribe(&request),
            Some("mining.authorize") => self.on_authorize(&request),
            Some("mining.configure") => self.on_configure(&request),
            Some("mining.suggest_difficulty") => self.on_suggest_difficulty(&request, now),
            Some("mining.extranonce.subscribe") => vec![Action::Send(request.reply("true"))],
            Some("mining.ping") => vec![Action::Send(request.reply(r#""pong""#))],
            // A reply to something we never wait for, ESP-Miner's answer to a ping included.
            None | Some("pong") => Vec::new(),
            Some(_) if request.wants_reply() => vec![Action::Send(request.refuse(&Reject::UnknownMethod))],
            Some(_) => Vec::new(),
        }
    }

    /// Makes a job of a new template. `rate` is the hash rate of the session's payout script at this node; `clean` says
    /// that the template is on a new parent block.
    pub fn handle_template(&mut self, template: &Arc<JobTemplate>, rate: f64, clean: bool, now: Now) -> Vec<Action> {
        let Some(script) = self.script.filter(|_| self.subscribed) else { return Vec::new() };
        let first = self.jobs.newest().is_none();
        let wanted = Difficulty::from_hashes(self.vardiff.hashes(), self.config.algorithm);
        let Some(terms) = self.terms(script, template, rate) else { return Vec::new() };
        self.next_job = self.next_job.wrapping_add(1);
        let id = format!("{:08x}", self.next_job);
        let Some(job) = Job::new(template.clone(), &terms, id, wanted) else { return Vec::new() };
        let mut actions = Vec::new();
        // A difficulty is valid from the next job on, so it goes out before it.
        if self.told != Some(job.difficulty) {
            self.told = Some(job.difficulty);
            let params = format!("[{}]", job.difficulty.to_json());
            actions.push(Action::Send(message::notification("mining.set_difficulty", &params)));
        }
        actions.push(Action::Send(job.notify(clean || first)));
        self.jobs.push(job, clean, now.instant);
        actions
    }

    /// Checks time-outs and eases the difficulty of a silent miner. Call it every second or so.
    pub fn handle_tick(&mut self, now: Now) -> Vec<Action> {
        let since = |then: Instant| now.instant.saturating_duration_since(then);
        let overdue = if !self.subscribed && since(self.opened) > SUBSCRIBE_TIMEOUT {
            Some("no mining.subscribe in time")
        } else if self.script.is_none() && since(self.opened) > AUTHORIZE_TIMEOUT {
            Some("no mining.authorize in time")
        } else if since(self.last_line) > IDLE_TIMEOUT {
            Some("silent for too long")
        } else {
            None
        };
        if self.jobs.newest().is_some() {
            self.vardiff.on_tick(now.instant);
        }
        overdue.map(Action::Disconnect).into_iter().collect()
    }

    fn terms(&mut self, payout_script: PayoutScript, template: &JobTemplate, rate: f64) -> Option<ShareTerms> {
        let hashes = rate * self.config.share_period.as_secs_f64();
        if (hashes / self.share_hashes - 1.0).abs() > SHARE_WORK_BAND || self.share_hashes == 0.0 {
            self.share_hashes = hashes;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; a policy, not a rule")]
        let wanted = Work::from_hashes(self.share_hashes as u128);
        // A hash that is a block must be a share too, or its finder would lose the credit.
        let block_work = template.header().bits.to_target().and_then(|target| target.work()).unwrap_or(Work::MAX);
        Some(ShareTerms {
            payout_script,
            payout_class: self.config.payout_class,
            share_bits: share_bits(wanted.min(block_work), template.context().base_bits)?,
            node_nonce: self.config.node_nonce,
            signal: 0,
        })
    }

    fn on_subscribe(&mut self, request: &Request<'_>) -> Vec<Action> {
        self.subscribed = true;
        self.user_agent = message::user_agent(request);
        let session = &self.extranonce1;
        let result = format!(
            r#"[[["mining.set_difficulty","{session}"],["mining.notify","{session}"]],"{session}",{EXTRANONCE2_LEN}]"#
        );
        vec![Action::Send(request.reply(&result))]
    }

    fn on_authorize(&mut self, request: &Request<'_>) -> Vec<Action> {
        match self.authorize(request) {
            Ok(username) => vec![Action::Send(request.reply("true")), Action::Authorized(username)],
            Err(reject) => vec![Action::Send(request.refuse(&reject))],
        }
    }

    fn authorize(&mut self, request: &Request<'_>) -> Result<Username, Reject> {
        let params: Vec<Value> = request.params("[user, password]")?;
        let user = params.first().and_then(Value::as_str).unwrap_or_default();
        let username = Username::parse(user, &self.config.addresses)?;
        if self.script.is_some_and(|script| script != username.script) {
            return Err(Reject::SecondAddress);
        }
        if self.workers.len() >= WORKERS_MAX && !self.workers.contains(user) {
            return Err(Reject::TooManyWorkers);
        }
        self.script = Some(username.script);
        self.workers.insert(user.to_owned());
        Ok(username)
    }

    fn on_configure(&mut self, request: &Request<'_>) -> Vec<Action> {
        let (extensions, options): (Vec<String>, Value) = match request.params("[[extension, ..], {option: value}]") {
            Ok(params) => params,
            Err(reject) => return vec![Action::Send(request.refuse(&reject))],
        };
        let mut result = serde_json::Map::new();
        for extension in extensions {
            let allowed = version_rolling_mask(self.config.algorithm) & !self.config.version_mask;
            let supported = extension == "version-rolling" && allowed != 0;
            if supported {
                let asked = options.get("version-rolling.mask").and_then(Value::as_str);
                let asked = asked.and_then(|mask| u32::from_str_radix(mask, 16).ok()).unwrap_or(u32::MAX);
                self.version_mask = allowed & asked;
                result.insert("version-rolling.mask".to_owned(), format!("{:08x}", self.version_mask).into());
            }
            result.insert(extension, supported.into());
        }
        vec![Action::Send(request.reply(&Value::Object(result).to_string()))]
    }

    fn on_suggest_difficulty(&mut self, request: &Request<'_>, now: Now) -> Vec<Action> {
        let params: Vec<Value> = request.params("[difficulty]").unwrap_or_default();
        // cpuminer-opt sends the number as a string.
        let number = params.first().and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok()));
        if let Some(difficulty) = number.filter(|number| number.is_finite() && *number > 0.0) {
            self.vardiff.suggest(Difficulty::new(difficulty).hashes(self.config.algorithm), now.instant);
        }
        if request.wants_reply() { vec![Action::Send(request.reply("true"))] } else { Vec::new() }
    }

    fn on_submit(&mut self, request: &Request<'_>, now: Now) -> Vec<Action> {
        match self.submit(request, now) {
            Ok(actions) => {
                self.rejects_in_a_row = 0;
                actions
            }
            Err(refusal) => {
                self.rejects_in_a_row = self.rejects_in_a_row.saturating_add(1);
                let judged = if refusal.reject == Reject::Stale { Judged::Stale } else { Judged::Rejected };
                let block = refusal.block.map(|found| Action::Found { found, reply: None });
                let mut actions: Vec<Action> = block.into_iter().collect();
                actions.push(Action::Send(request.refuse(&refusal.reject)));
                actions.push(Action::Judged(judged));
                if self.rejects_in_a_row >= REJECTS_IN_A_ROW_MAX {
                    actions.push(Action::Disconnect("too many rejected submits in a row"));
                }
                actions
            }
        }
    }

    fn submit(&mut self, request: &Request<'_>, now: Now) -> Result<Vec<Action>, Refusal> {
        if !self.subscribed {
            return Err(Reject::NotSubscribed.into());
        }
        let submit = Submit::parse(&request.params::<Vec<String>>("5 or 6 strings")?)?;
        let (job, is_stale) = self.jobs.find(&submit.job_id, now.instant).ok_or(Reject::Stale)?;
        let hashed = Hashed::new(&submit, job, self.extranonce1.to_bytes(), self.version_mask)?;
        // The block first: whatever is wrong with a submit, a block is a block.
        let is_block = hashed.is_block();
        let judged = if self.workers.contains(&submit.user) { Ok(()) } else { Err(Reject::Unauthorized) };
        if let Err(reject) = judged.and_then(|()| hashed.judge(job, is_stale, now.unix)) {
            let is_new_block = is_block && hashed.is_first(job);
            let block = is_new_block.then(|| Box::new(hashed.into_found(job)));
            return Err(Refusal { reject, block });
        }
        let hashes = job.hashes();
        let answer = if is_block || hashed.is_share(job) {
            let reply = Some(PendingReply { id: request.id().to_owned() });
            Action::Found { found: Box::new(hashed.into_found(job)), reply }
        } else {
            Action::Send(request.reply("true"))
        };
        self.vardiff.on_submit(hashes, now.instant);
        Ok(vec![answer, Action::Judged(Judged::Accepted { hashes })])
    }
}

/// A refused submit that may still be a block.
struct Refusal {
    reject: Reject,
    block: Option<Box<Found>>,
}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        Self { reject, block: None }
    }
}

#[cfg(test)]
mod tests;
