//! The search for valid shares in one job. Everything but the nonce is fixed when it begins, so a share costs the
//! hashes that its difficulty asks for and a line of text. Never gives the same nonce twice.

use std::collections::VecDeque;

use sharechain::{PowAlgorithm, Target};
use stratum::message::quoted;

use crate::miner::{Hasher, Work};

/// Nonces of one job.
#[derive(Debug)]
pub(super) struct ShareSearch {
    hasher: Hasher,
    target: Target,
    effort: Effort,
    /// `None` when all were tried: the next job is never far.
    next_nonce: Option<u32>,
    found: VecDeque<u32>,
    /// What a submit says between its id and its nonce.
    submit: String,
}

/// How much is hashed at once.
#[derive(Clone, Copy, Debug)]
struct Effort {
    /// Hashes between two looks at what was found.
    chunk: u32,
    /// Chunks before other connections have their turn.
    chunks_max: u32,
}

impl Effort {
    /// A turn is below 0.1 ms of hashing, for Scrypt a few milliseconds.
    const fn of(algorithm: PowAlgorithm) -> Self {
        match algorithm {
            PowAlgorithm::Blake2s | PowAlgorithm::Sha256d => Self { chunk: 32, chunks_max: 16 },
            PowAlgorithm::Scrypt => Self { chunk: 1, chunks_max: 8 },
        }
    }
}

impl ShareSearch {
    /// Begins with nonce 0. No other search of this connection has the same job and extranonce2.
    pub(super) fn new(work: &Work, algorithm: PowAlgorithm, extranonce2: &[u8], user: &str) -> Self {
        let (user, job_id, extranonce2_hex) = (quoted(user), quoted(&work.job_id), hex::encode(extranonce2));
        Self {
            hasher: Hasher::new(algorithm, &work.header(extranonce2)),
            target: work.target,
            effort: Effort::of(algorithm),
            next_nonce: Some(0),
            found: VecDeque::new(),
            submit: format!(
                r#","method":"mining.submit","params":[{user},{job_id},"{extranonce2_hex}","{:08x}",""#,
                work.time
            ),
        }
    }

    /// Hashes until `wanted` shares are known or the turn is over; gives the number of hashes.
    pub(super) fn search(&mut self, wanted: usize) -> u64 {
        let mut hashes = 0;
        for _ in 0..self.effort.chunks_max {
            let Some(start) = self.next_nonce.filter(|_| self.found.len() < wanted) else { break };
            self.found.extend(self.hasher.scan(start, self.effort.chunk, self.target));
            self.next_nonce = start.checked_add(self.effort.chunk);
            hashes += u64::from(self.effort.chunk);
        }
        hashes
    }

    /// Whether there will never be another share.
    pub(super) fn is_exhausted(&self) -> bool {
        self.next_nonce.is_none() && self.found.is_empty()
    }

    /// Takes a share that was found and writes the line that submits it.
    pub(super) fn write_submit(&mut self, id: u64, lines: &mut String) -> bool {
        let Some(nonce) = self.found.pop_front() else { return false };
        lines.push_str(&format!(r#"{{"id":{id}{}{nonce:08x}"]}}"#, self.submit));
        lines.push('\n');
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;

    fn search(algorithm: PowAlgorithm, target: Target) -> (ShareSearch, Work) {
        let params = json!([
            "job",
            "00".repeat(32),
            "0102",
            "0304",
            ["ab".repeat(32)],
            "20000000",
            "1d00ffff",
            "6b00fe34",
            true
        ]);
        let work = Work::parse(&params, &[1, 2, 3, 4], 4, target, 0).unwrap();
        (ShareSearch::new(&work, algorithm, &[5, 6, 7, 8], "dn1\"user"), work)
    }

    #[test]
    fn every_submit_meets_the_target_and_none_comes_twice() {
        for (algorithm, hashes) in [(PowAlgorithm::Blake2s, 20), (PowAlgorithm::Sha256d, 20), (PowAlgorithm::Scrypt, 2)]
        {
            let target = Target::from_work(sharechain::Work::from_hashes(hashes));
            let (mut search, work) = search(algorithm, target);
            let mut nonces = BTreeSet::new();
            for id in 0..40 {
                let mut line = String::new();
                while !search.write_submit(id, &mut line) {
                    assert!(search.search(1) > 0);
                }
                let submit: Value = serde_json::from_str(&line).unwrap();
                assert_eq!((&submit["id"], &submit["method"]), (&json!(id), &json!("mining.submit")));
                let params = submit["params"].as_array().unwrap();
                assert_eq!(params[..4], ["dn1\"user", "job", "05060708", "6b00fe34"].map(|text| json!(text)));
                let nonce = u32::from_str_radix(params[4].as_str().unwrap(), 16).unwrap();
                let mut header = work.header(&[5, 6, 7, 8]);
                header[76..].copy_from_slice(&nonce.to_le_bytes());
                assert!(target.is_met_by(&algorithm.hash(&header)), "{algorithm}");
                assert!(nonces.insert(nonce), "{algorithm}");
            }
        }
    }

    #[test]
    fn a_turn_ends_without_a_share_and_the_nonces_end_for_good() {
        let (mut search, _) = search(PowAlgorithm::Blake2s, Target::HARDEST_SHARE);
        assert_eq!(search.search(1), 512);
        assert!(!search.is_exhausted());
        search.next_nonce = Some(u32::MAX - 31);
        assert_eq!((search.search(1), search.search(1)), (32, 0));
        assert!(search.is_exhausted());
    }
}
