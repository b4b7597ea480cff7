//! One client's side of a connection: lines and the time come in; what they say, lines to send, and violations go out.
//!
//! ```text
//! configure? --> subscribe --> authorize --> extranonce.subscribe? suggest_difficulty?     (some: all at once)
//!                                   \-- difficulty, then job, then jobs as they come
//! ```
//! It keeps no work and searches nothing: that is the miner's.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sharechain::PowAlgorithm;

use super::{
    job::JobShape,
    kind::{ClientKind, Firmware, Opening, VersionBits},
    violation::{Breach, Violation, shown},
};
use crate::miner::Work;

/// Ids of the requests. cpuminer has the same one for all submits.
const SUBSCRIBE_ID: u64 = 1;
const AUTHORIZE_ID: u64 = 2;
const EXTRANONCE_ID: u64 = 3;
const SUBMIT_ID: u64 = 4;
const CONFIGURE_ID: u64 = 5;
const SUGGEST_ID: u64 = 6;
/// Code of a refusal: the job is too old, or unknown by now.
const STALE: u64 = 21;
/// cpuminer-opt waits so long for the answer to `mining.extranonce.subscribe`.
const EXTRANONCE_ANSWER: Duration = Duration::from_secs(3);

/// What a line of the server says to the miner.
#[derive(Clone, PartialEq, Debug)]
pub enum Heard {
    /// Nothing that concerns its work.
    Nothing,
    /// Extranonces for the next job and all after it.
    Extranonce {
        /// The server's part.
        first: Vec<u8>,
        /// Bytes of the miner's part.
        second_len: usize,
    },
    /// A difficulty for the next job and all after it.
    Difficulty(f64),
    /// A job: the parameters of `mining.notify`.
    Job(Value),
    /// A submit was answered; `Err` has the reason of a refusal.
    Judged(Result<(), String>),
    /// A submit came too late.
    Stale,
    /// The server does not take the client, for this reason.
    RefusedClient(String),
    /// The server does not take the user, for this reason.
    RefusedUser(String),
}

/// See the module.
#[derive(Debug)]
pub struct ClientRules {
    kind: ClientKind,
    firmware: Firmware,
    algorithm: PowAlgorithm,
    user: String,
    outbox: Vec<String>,
    /// Subscribed, and no line came since.
    awaits_subscription: bool,
    /// Until when the extranonce subscription has to be answered.
    extranonce_due: Option<Instant>,
    /// Bytes of both parts.
    extranonce_len: usize,
    /// Version bits that may be rolled.
    version_mask: u32,
    has_difficulty: bool,
    /// Ids of the jobs it had, newest last.
    job_ids: VecDeque<String>,
    heard_at: Instant,
    sent_at: Instant,
}

impl ClientRules {
    /// A connection that just opened. Its first lines are in [`ClientRules::take_lines`].
    pub fn new(kind: ClientKind, algorithm: PowAlgorithm, user: &str, now: Instant) -> Self {
        let firmware = kind.firmware();
        let mut rules = Self {
            kind,
            algorithm,
            user: user.chars().take(firmware.user).collect(),
            firmware,
            outbox: Vec::new(),
            awaits_subscription: false,
            extranonce_due: None,
            extranonce_len: 0,
            version_mask: 0,
            has_difficulty: false,
            job_ids: VecDeque::new(),
            heard_at: now,
            sent_at: now,
        };
        match rules.firmware.opening {
            Opening::Plain | Opening::PlainWithExtranonce | Opening::PlainWithSuggestion => rules.subscribe(),
            Opening::ConfigureFirst => rules.configure(),
            Opening::AllAtOnce => {
                rules.configure();
                rules.subscribe();
                rules.authorize();
            }
        }
        rules
    }

    /// Lines to send, without their newlines.
    pub fn take_lines(&mut self, now: Instant) -> Vec<String> {
        if !self.outbox.is_empty() {
            self.sent_at = now;
        }
        std::mem::take(&mut self.outbox)
    }

    /// What the client calls itself.
    pub const fn user_agent(&self) -> &'static str {
        self.firmware.user_agent
    }

    /// Longest silence of the server that it bears; `None` when it waits for ever.
    pub const fn silence_max(&self) -> Option<Duration> {
        self.firmware.silence_max
    }

    /// Version bits that the miner may roll.
    pub const fn version_mask(&self) -> u32 {
        self.version_mask
    }

    /// The line that submits a nonce.
    pub fn submit(&self, work: &Work, extranonce2: &[u8], version_bits: u32, nonce: u32) -> String {
        let mut params = vec![
            self.user.clone(),
            work.job_id.clone(),
            hex::encode(extranonce2),
            format!("{:08x}", work.time),
            format!("{nonce:08x}"),
        ];
        let has_bits = match self.firmware.version_bits {
            VersionBits::Never => false,
            VersionBits::WhenAllowed => self.version_mask != 0,
            VersionBits::Always => true,
        };
        params.extend(has_bits.then(|| format!("{version_bits:08x}")));
        json!({"id": SUBMIT_ID, "method": "mining.submit", "params": params}).to_string()
    }

    /// Time goes by without a line.
    ///
    /// # Errors
    /// When the client would not wait any longer.
    pub fn handle_tick(&mut self, now: Instant) -> Result<(), Violation> {
        if self.extranonce_due.is_some_and(|due| due <= now) {
            let (method, secs) = ("mining.extranonce.subscribe", EXTRANONCE_ANSWER.as_secs());
            return Err(self.violation(Breach::Unanswered { method, secs }));
        }
        let silent = now.saturating_duration_since(self.heard_at);
        if let Some(longest) = self.firmware.silence_max.filter(|longest| silent >= *longest) {
            return Err(self.violation(Breach::Silent { secs: longest.as_secs() }));
        }
        let quiet = now.saturating_duration_since(self.sent_at);
        if self.firmware.keepalive.is_some_and(|pause| quiet >= pause) && self.outbox.is_empty() {
            self.suggest();
        }
        Ok(())
    }

    /// Takes one line without its newline.
    ///
    /// # Errors
    /// When the client cannot take it.
    pub fn handle_line(&mut self, line: &str, now: Instant) -> Result<Heard, Violation> {
        self.heard_at = now;
        self.check_line(line, now).map_err(|breach| self.violation(breach))
    }

    fn violation(&self, what: Breach) -> Violation {
        Violation { client: self.kind, what }
    }

    fn check_line(&mut self, line: &str, now: Instant) -> Result<Heard, Breach> {
        let max = self.firmware.buffers.line;
        if line.len() > max {
            return Err(Breach::Line { max, len: line.len() });
        }
        let message: Value = serde_json::from_str(line).map_err(|_| malformed("a line", line))?;
        let is_answer = message["method"].is_null() && message["id"] == SUBSCRIBE_ID;
        if std::mem::take(&mut self.awaits_subscription) && !is_answer && self.firmware.reads_one_line {
            return Err(Breach::NotTheAnswer(shown(line)));
        }
        match message["method"].as_str() {
            Some(method) => self.on_call(method, &message),
            None => self.on_reply(&message, line, now),
        }
    }

    fn on_call(&mut self, method: &str, call: &Value) -> Result<Heard, Breach> {
        let params = &call["params"];
        match method {
            "mining.notify" => return self.on_job(params),
            "mining.set_difficulty" => return self.on_difficulty(&params[0]),
            "mining.set_extranonce" if self.firmware.opening != Opening::PlainWithExtranonce => {
                return Err(Breach::UnaskedExtranonce);
            }
            "mining.set_extranonce" => return self.on_extranonce(&params[0], &params[1]),
            "mining.set_version_mask" if self.firmware.mask_asked != 0 => self.allow_version_bits(&params[0])?,
            _ => {}
        }
        if call["id"].is_null() {
            return Ok(Heard::Nothing);
        }
        let mut answer = match method {
            "client.get_version" => json!({"result": self.firmware.user_agent, "error": null}),
            "client.show_message" => json!({"result": true, "error": null}),
            "mining.ping" if self.firmware.opening == Opening::AllAtOnce => json!({"method": "pong", "params": []}),
            "mining.ping" => json!({"result": "pong", "error": null}),
            _ => json!({"result": false, "error": [38, "unknown method", null]}),
        };
        answer["id"] = call["id"].clone();
        self.outbox.push(answer.to_string());
        Ok(Heard::Nothing)
    }

    fn on_job(&mut self, params: &Value) -> Result<Heard, Breach> {
        let job = JobShape::parse(params).map_err(|what| malformed(what, &params.to_string()))?;
        if !self.has_difficulty {
            return Err(Breach::NoDifficulty);
        }
        job.check_room(&self.firmware.buffers, self.extranonce_len)?;
        if self.job_ids.contains(&job.id) {
            return Err(Breach::RepeatedJob(job.id));
        }
        if job.version & self.version_mask != 0 {
            return Err(Breach::VersionInMask { version: job.version, mask: self.version_mask });
        }
        self.job_ids.push_back(job.id);
        while self.job_ids.len() > self.firmware.job_ids {
            self.job_ids.pop_front();
        }
        Ok(Heard::Job(params.clone()))
    }

    fn on_difficulty(&mut self, value: &Value) -> Result<Heard, Breach> {
        let sent =
            value.as_f64().filter(|sent| *sent > 0.0).ok_or_else(|| malformed("a difficulty", &value.to_string()))?;
        if self.firmware.whole_difficulty && value.as_u64().is_none() {
            return Err(Breach::Fraction(value.to_string()));
        }
        let min = self.firmware.difficulty_min(self.algorithm);
        if sent < min {
            return Err(Breach::Difficulty { min, sent });
        }
        self.has_difficulty = true;
        Ok(Heard::Difficulty(sent))
    }

    fn on_extranonce(&mut self, first: &Value, second_len: &Value) -> Result<Heard, Breach> {
        let decoded = first.as_str().and_then(|text| hex::decode(text).ok());
        let first = decoded.ok_or_else(|| malformed("extranonce1", &first.to_string()))?;
        let len = second_len.as_u64().ok_or_else(|| malformed("the extranonce2 size", &second_len.to_string()))?;
        let range = self.firmware.extranonce2.clone();
        let fitting = usize::try_from(len).ok().filter(|len| range.contains(len));
        let second_len = fitting.ok_or(Breach::Extranonce2 { range, len })?;
        self.extranonce_len = first.len() + second_len;
        Ok(Heard::Extranonce { first, second_len })
    }

    fn on_reply(&mut self, reply: &Value, line: &str, now: Instant) -> Result<Heard, Breach> {
        if reply.get("result").is_none() || reply.get("error").is_none() {
            return Err(Breach::HalfReply(shown(line)));
        }
        let refusal = || reply["error"][1].as_str().unwrap_or("without a reason").to_owned();
        let is_true = reply["result"] == true;
        match reply["id"].as_u64() {
            Some(CONFIGURE_ID) => self.on_configured(&reply["result"]),
            Some(SUBSCRIBE_ID) if !reply["error"].is_null() => Ok(Heard::RefusedClient(refusal())),
            Some(SUBSCRIBE_ID) => {
                let heard = self.on_extranonce(&reply["result"][1], &reply["result"][2])?;
                if self.firmware.opening != Opening::AllAtOnce {
                    self.authorize();
                }
                Ok(heard)
            }
            Some(AUTHORIZE_ID) if is_true => {
                self.on_authorized(now);
                Ok(Heard::Nothing)
            }
            Some(AUTHORIZE_ID) => Ok(Heard::RefusedUser(refusal())),
            Some(EXTRANONCE_ID) => {
                self.extranonce_due = None;
                is_true.then_some(Heard::Nothing).ok_or(Breach::NoExtranonceSubscription)
            }
            Some(SUBMIT_ID) if reply["error"][0] == STALE => Ok(Heard::Stale),
            Some(SUBMIT_ID) => Ok(Heard::Judged(if is_true { Ok(()) } else { Err(refusal()) })),
            // Suggestions are answered or not, and a reply to nothing is nothing.
            _ => Ok(Heard::Nothing),
        }
    }

    /// A server that refuses is one without version rolling.
    fn on_configured(&mut self, result: &Value) -> Result<Heard, Breach> {
        if result["version-rolling"] == true {
            self.allow_version_bits(&result["version-rolling.mask"])?;
        }
        if self.firmware.opening == Opening::ConfigureFirst {
            self.subscribe();
        }
        Ok(Heard::Nothing)
    }

    fn allow_version_bits(&mut self, mask: &Value) -> Result<(), Breach> {
        let parsed = mask.as_str().and_then(|text| u32::from_str_radix(text, 16).ok());
        let allowed = parsed.ok_or_else(|| malformed("the version mask", &mask.to_string()))?;
        self.version_mask = allowed & self.firmware.mask_asked;
        Ok(())
    }

    fn on_authorized(&mut self, now: Instant) {
        match self.firmware.opening {
            Opening::PlainWithExtranonce => {
                self.send(EXTRANONCE_ID, "mining.extranonce.subscribe", &json!([]));
                self.extranonce_due = now.checked_add(EXTRANONCE_ANSWER);
            }
            Opening::AllAtOnce => self.suggest(),
            Opening::Plain | Opening::PlainWithSuggestion | Opening::ConfigureFirst => {}
        }
    }

    fn configure(&mut self) {
        let mut options = json!({"version-rolling.mask": format!("{:08x}", self.firmware.mask_asked)});
        let mut extensions = vec!["version-rolling"];
        // ESP-Miner suggests its difficulty instead.
        if let Some(difficulty) = self.firmware.difficulty_asked.filter(|_| self.firmware.opening != Opening::AllAtOnce)
        {
            extensions.push("minimum-difficulty");
            options["minimum-difficulty.value"] = number(difficulty);
            options["version-rolling.min-bit-count"] = json!(2);
        }
        self.send(CONFIGURE_ID, "mining.configure", &json!([extensions, options]));
    }

    fn subscribe(&mut self) {
        self.send(SUBSCRIBE_ID, "mining.subscribe", &json!([self.firmware.user_agent]));
        self.awaits_subscription = true;
    }

    fn authorize(&mut self) {
        self.send(AUTHORIZE_ID, "mining.authorize", &json!([self.user, "x"]));
        if self.firmware.opening == Opening::PlainWithSuggestion {
            self.suggest();
        }
    }

    fn suggest(&mut self) {
        if let Some(difficulty) = self.firmware.difficulty_asked {
            self.send(SUGGEST_ID, "mining.suggest_difficulty", &json!([number(difficulty)]));
        }
    }

    fn send(&mut self, id: u64, method: &str, params: &Value) {
        self.outbox.push(json!({"id": id, "method": method, "params": params}).to_string());
    }
}

fn number(text: &str) -> Value {
    text.parse().unwrap_or_default()
}

fn malformed(what: &'static str, text: &str) -> Breach {
    Breach::Malformed { what, text: shown(text) }
}

#[cfg(test)]
mod tests;
