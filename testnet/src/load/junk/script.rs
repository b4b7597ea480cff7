//! What one junk connection sends, and when. Reads no clock and does no I/O.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::JunkKind;
use crate::load::connection::{Action, Connection, Failure, Login};

/// Between two writes.
const PAUSE: Duration = Duration::from_millis(10);
/// Between two letters of a subscription that is never finished.
const LETTER_PAUSE: Duration = Duration::from_secs(1);
/// Bytes of one write without a newline.
const ENDLESS_LEN: usize = 4_096;
/// Questions of one write of who never reads.
const QUESTIONS: usize = 16;
/// Submits without an answer; more are not sent.
const OUTSTANDING_MAX: usize = 64;
/// A line that is no JSON.
const GARBAGE: &[u8] = b"hello, is this a mail server?\n";
/// A TLS record that begins a handshake and would have 16 KiB.
const TLS_RECORD: &[u8] = b"\x16\x03\x01\x40\x00";
/// What of it comes at once.
const TLS_PART: usize = 16;
/// JSON that breaks off.
const BROKEN_JSON: &[u8] = b"{\"id\":1,\"method\":\"mining.submit\",\"params\":[\n";
/// A subscription that grows for ever.
const SUBSCRIPTION: &[u8] = b"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"";
/// A short question with a long answer.
const QUESTION: &str = concat!(
    r#"{"id":9,"method":"mining.configure","params":[["a","b","c","d","e","f","g","h","i","j","k","l","m","n","o","p"],{}]}"#,
    "\n"
);

/// See the module.
#[derive(Debug)]
pub(super) struct Script {
    kind: JunkKind,
    /// Of those that log in.
    miner: Option<Connection>,
    /// The submit that is sent again and again.
    replayed: String,
    /// Letters that were sent of what is never finished.
    letters: usize,
}

impl Script {
    /// A connection that just opened, and the bytes to begin with. Who submits without work has a login that says so.
    pub(super) fn open(kind: JunkKind, login: Arc<Login>) -> (Self, Vec<u8>) {
        let logs_in = matches!(kind, JunkKind::NoWork | JunkKind::Replay | JunkKind::DeafReader);
        let (miner, line) = logs_in.then(|| Connection::open(login)).unzip();
        let first = line.map_or_else(Vec::new, |line| format!("{line}\n").into_bytes());
        (Self { kind, miner, replayed: String::new(), letters: 0 }, first)
    }

    /// Whether what the server sends is read.
    pub(super) fn reads(&self) -> bool {
        self.kind != JunkKind::DeafReader || self.miner.as_ref().is_some_and(|miner| miner.waits_for().is_some())
    }

    /// Takes one line of the server, and gives what to answer.
    ///
    /// # Errors
    /// When the server does not let it in.
    pub(super) fn handle_line(&mut self, line: &str, now: Instant) -> Result<Option<String>, Failure> {
        let Some(miner) = &mut self.miner else { return Ok(None) };
        match miner.handle_line(line, now) {
            Ok(Some(Action::Send(line))) => Ok(Some(format!("{line}\n"))),
            Ok(Some(Action::Answered { .. } | Action::NewBlock(_)) | None) => Ok(None),
            // One id is answered as often as its submit is sent.
            Err(Failure::Unasked(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Appends what is due, and says after how long there may be more; `None` when never.
    ///
    /// # Errors
    /// When the server's job makes no header.
    pub(super) fn write(&mut self, now: Instant, bytes: &mut Vec<u8>) -> Result<Option<Duration>, Failure> {
        match self.kind {
            JunkKind::Endless => bytes.extend_from_slice(&[b'x'; ENDLESS_LEN]),
            JunkKind::Garbage => bytes.extend_from_slice(GARBAGE),
            JunkKind::BrokenJson => bytes.extend_from_slice(BROKEN_JSON),
            JunkKind::BrokenTls => {
                let letters = self.letters..self.letters + TLS_PART;
                bytes.extend(letters.map(|place| TLS_RECORD.get(place).copied().unwrap_or_default()));
                self.letters += TLS_PART;
            }
            JunkKind::NoWork => self.submit(now, bytes)?,
            JunkKind::Replay => self.replay(now, bytes)?,
            JunkKind::Slowloris => {
                bytes.push(SUBSCRIPTION.get(self.letters).copied().unwrap_or(b'x'));
                self.letters += 1;
                return Ok(Some(LETTER_PAUSE));
            }
            JunkKind::DeafReader if !self.reads() => {
                (0..QUESTIONS).for_each(|_| bytes.extend_from_slice(QUESTION.as_bytes()));
            }
            JunkKind::DeafReader => {}
            JunkKind::Silent => return Ok(None),
        }
        Ok(Some(PAUSE))
    }

    fn submit(&mut self, now: Instant, bytes: &mut Vec<u8>) -> Result<(), Failure> {
        let Some(miner) = self.miner.as_mut().filter(|miner| miner.outstanding() < OUTSTANDING_MAX) else {
            return Ok(());
        };
        let mut line = String::new();
        miner.search(1)?;
        miner.submit(1, now, &mut line);
        bytes.extend_from_slice(line.as_bytes());
        Ok(())
    }

    /// Searches one share, a little each time, and sends it from then on.
    fn replay(&mut self, now: Instant, bytes: &mut Vec<u8>) -> Result<(), Failure> {
        if let Some(miner) = self.miner.as_mut().filter(|_| self.replayed.is_empty()) {
            miner.search(1)?;
            miner.submit(1, now, &mut self.replayed);
        }
        bytes.extend_from_slice(self.replayed.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sharechain::PowAlgorithm;

    use super::*;
    use crate::load::connection::Purpose;

    fn login(purpose: Purpose) -> Arc<Login> {
        let (user, password) = ("dn1q.junk".to_owned(), "x".to_owned());
        Arc::new(Login { user, password, algorithm: PowAlgorithm::Blake2s, purpose })
    }

    /// What a kind writes next, and its pause.
    fn next(script: &mut Script) -> (Vec<u8>, Option<Duration>) {
        let mut bytes = Vec::new();
        let pause = script.write(Instant::now(), &mut bytes).unwrap();
        (bytes, pause)
    }

    /// A kind that the server let in, and has a job of this difficulty.
    fn logged_in(kind: JunkKind, purpose: Purpose, difficulty: f64) -> Script {
        let (mut script, first) = Script::open(kind, login(purpose));
        assert!(first.ends_with(b"\n"));
        let branch = ["ab".repeat(32)];
        let job = json!(["j", "00".repeat(32), "01", "02", branch, "20000000", "1d00ffff", "6b00fe34", true]);
        for line in [
            json!({"id": 1, "result": [[], "0a0b0c0d", 4], "error": null}),
            json!({"id": 2, "result": true, "error": null}),
            json!({"id": null, "method": "mining.set_difficulty", "params": [difficulty]}),
            json!({"id": null, "method": "mining.notify", "params": job}),
        ] {
            assert!(script.reads());
            script.handle_line(&line.to_string(), Instant::now()).unwrap();
        }
        script
    }

    fn nonce(line: &[u8]) -> String {
        let line: Value = serde_json::from_slice(line).unwrap();
        assert_eq!(line["method"], "mining.submit");
        line["params"][4].as_str().unwrap().to_owned()
    }

    #[test]
    fn those_without_a_login_are_no_stratum() {
        for (kind, newline) in [
            (JunkKind::Endless, false),
            (JunkKind::Garbage, true),
            (JunkKind::BrokenJson, true),
            (JunkKind::BrokenTls, false),
        ] {
            let (mut script, first) = Script::open(kind, login(Purpose::Hold));
            assert!(first.is_empty());
            for _ in 0..100 {
                let (bytes, pause) = next(&mut script);
                assert_eq!((bytes.contains(&b'\n'), pause), (newline, Some(PAUSE)), "{kind:?}");
                assert!(serde_json::from_slice::<Value>(&bytes).is_err());
            }
        }
        let (mut silent, first) = Script::open(JunkKind::Silent, login(Purpose::Hold));
        assert_eq!((first, next(&mut silent)), (Vec::new(), (Vec::new(), None)));
    }

    #[test]
    fn a_slow_subscription_never_ends() {
        let (mut script, _) = Script::open(JunkKind::Slowloris, login(Purpose::Hold));
        let letters: Vec<u8> = (0..1_000).flat_map(|_| next(&mut script).0).collect();
        assert!(letters.starts_with(SUBSCRIPTION) && letters.len() == 1_000 && !letters.contains(&b'\n'));
        assert_eq!(next(&mut script).1, Some(LETTER_PAUSE));
    }

    #[test]
    fn a_tls_handshake_begins_once() {
        let (mut script, _) = Script::open(JunkKind::BrokenTls, login(Purpose::Hold));
        let bytes: Vec<u8> = (0..10).flat_map(|_| next(&mut script).0).collect();
        assert_eq!((bytes.len(), &bytes[..5], bytes[5..].iter().max()), (160, TLS_RECORD, Some(&0)));
    }

    #[test]
    fn submits_without_work_differ_and_end_without_answers() {
        let mut script = logged_in(JunkKind::NoWork, Purpose::SubmitAnything, 1e9);
        let nonces: Vec<String> = (0..OUTSTANDING_MAX).map(|_| nonce(&next(&mut script).0)).collect();
        assert_eq!(nonces.iter().collect::<std::collections::BTreeSet<_>>().len(), OUTSTANDING_MAX);
        assert!(next(&mut script).0.is_empty());
        script
            .handle_line(r#"{"id":3,"result":null,"error":[23,"low difficulty share",null]}"#, Instant::now())
            .unwrap();
        assert!(!next(&mut script).0.is_empty());
    }

    #[test]
    fn a_replayed_submit_is_one_share_again_and_again() {
        let mut script = logged_in(JunkKind::Replay, Purpose::Submit, 1e-6);
        let lines: Vec<Vec<u8>> = (0..100).map(|_| next(&mut script).0).filter(|line| !line.is_empty()).collect();
        assert!(lines.len() > 2 && lines.iter().all(|line| line == &lines[0]));
        // Every one is answered.
        for _ in 0..3 {
            let answer = r#"{"id":3,"result":null,"error":[22,"duplicate share",null]}"#;
            assert!(script.handle_line(answer, Instant::now()).unwrap().is_none());
        }
    }

    #[test]
    fn who_never_reads_does_so_until_it_is_let_in() {
        let (mut early, _) = Script::open(JunkKind::DeafReader, login(Purpose::Hold));
        assert_eq!((early.reads(), next(&mut early).0), (true, Vec::new()));
        let mut script = logged_in(JunkKind::DeafReader, Purpose::Hold, 1.0);
        assert!(!script.reads());
        let (bytes, _) = next(&mut script);
        assert_eq!(bytes.split_inclusive(|byte| *byte == b'\n').count(), QUESTIONS);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            assert!(serde_json::from_slice::<Value>(line).is_ok());
        }
    }

    #[test]
    fn who_is_not_let_in_ends() {
        let (mut script, _) = Script::open(JunkKind::NoWork, login(Purpose::SubmitAnything));
        let refusal = r#"{"id":1,"result":null,"error":[24,"no",null]}"#;
        assert!(script.handle_line(refusal, Instant::now()).is_err());
    }
}
