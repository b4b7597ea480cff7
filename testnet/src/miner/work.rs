//! A job as a miner sees it, and the header it builds from it.

use anyhow::Context;
use serde_json::Value;
use sharechain::{PowAlgorithm, Target, hash::sha256d};
use stratum::Difficulty;

/// Difficulty 1 of most miners is `0xffff x 2^208`, a little harder than the server's `2^224`.
const DIFFICULTY_ONE_RATIO: f64 = 65_536.0 / 65_535.0;

/// One job: a `mining.notify`, or one of Stratum V2, which names jobs by number.
#[derive(Clone, Debug)]
pub struct Work<J = String> {
    /// The pool's name of it.
    pub job_id: J,
    /// Header time.
    pub time: u32,
    /// What submits have to meet.
    pub target: Target,
    /// Counts up with every job of a connection.
    pub generation: u64,
    /// Version bits that may be rolled; none after [`Work::parse`].
    pub version_mask: u32,
    /// As in the header.
    pub(super) prev_block: Vec<u8>,
    /// Header version before bits are rolled.
    pub(super) version: u32,
    /// Compact target of the parent chain.
    pub(super) bits: u32,
    pub(super) root: Root,
}

/// Where the merkle root of a header comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Root {
    /// The pool fixes it.
    Fixed([u8; 32]),
    /// A coinbase that the miner varies.
    Coinbase {
        /// What is before the miner's part of the extranonce.
        begin: Vec<u8>,
        /// What is after it.
        end: Vec<u8>,
        /// Right siblings of the coinbase.
        branch: Vec<[u8; 32]>,
        /// Bytes of the miner's part.
        extranonce2_len: usize,
    },
}

impl Root {
    fn of(&self, extranonce2: &[u8]) -> [u8; 32] {
        match self {
            Self::Fixed(root) => *root,
            Self::Coinbase { begin, end, branch, .. } => {
                let coinbase = [begin.as_slice(), extranonce2, end].concat();
                branch.iter().fold(sha256d(&coinbase), |left, right| sha256d(&[left, *right].concat()))
            }
        }
    }
}

/// What a thread varies of its work beside the nonce.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Roll {
    pub(super) extranonce2: Vec<u8>,
    pub(super) version_bits: u32,
    /// Seconds after the work's time.
    pub(super) seconds: u32,
}

/// The target of a difficulty as cgminer and cpuminer-multi compute it.
pub fn target_of(difficulty: Difficulty, algorithm: PowAlgorithm) -> Target {
    Difficulty::new(difficulty.get() * DIFFICULTY_ONE_RATIO).target(algorithm)
}

impl Work {
    /// Parses the parameters of `mining.notify`.
    ///
    /// # Errors
    /// When a parameter is missing or not what it should be.
    pub fn parse(
        params: &Value,
        extranonce1: &[u8],
        extranonce2_len: usize,
        target: Target,
        generation: u64,
    ) -> anyhow::Result<Self> {
        let text = |index: usize| params[index].as_str().with_context(|| format!("notify: parameter {index}"));
        let bytes = |index: usize| hex::decode(text(index)?).with_context(|| format!("notify: parameter {index}"));
        let word =
            |index: usize| u32::from_str_radix(text(index)?, 16).with_context(|| format!("notify: parameter {index}"));
        let mut prev_block = bytes(1)?;
        prev_block.chunks_mut(4).for_each(<[u8]>::reverse);
        let branch = params[4].as_array().context("notify: no branch")?.iter().map(|node| {
            let node = node.as_str().and_then(|node| hex::decode(node).ok());
            node.and_then(|node| node.try_into().ok()).context("notify: a branch node")
        });
        Ok(Self {
            job_id: text(0)?.to_owned(),
            root: Root::Coinbase {
                begin: [bytes(2)?, extranonce1.to_vec()].concat(),
                end: bytes(3)?,
                branch: branch.collect::<anyhow::Result<_>>()?,
                extranonce2_len,
            },
            version: word(5)?,
            bits: word(6)?,
            time: word(7)?,
            prev_block,
            target,
            generation,
            version_mask: 0,
        })
    }
}

impl<J> Work<J> {
    /// What this thread varies on its `roll`th pass over the nonces.
    pub(super) fn roll(&self, thread: u32, roll: u64) -> Roll {
        let version_bits = self.version_bits(roll);
        match self.root {
            Root::Coinbase { extranonce2_len, .. } => {
                Roll { extranonce2: extranonce2(extranonce2_len, thread, roll), version_bits, seconds: 0 }
            }
            // A pass takes a CPU longer than the second that it gains.
            Root::Fixed(_) if self.version_mask == 0 => {
                Roll { seconds: u32::try_from(roll).unwrap_or(u32::MAX), ..Roll::default() }
            }
            Root::Fixed(_) => Roll { version_bits, ..Roll::default() },
        }
    }

    /// The nonces of this thread, from and up to. Threads with a coinbase of their own have them all.
    pub(super) fn nonces(&self, thread: u32, threads: u32) -> (u32, u32) {
        match self.root {
            Root::Coinbase { .. } => (0, u32::MAX),
            Root::Fixed(_) => {
                let count = u32::MAX / threads.max(1);
                let start = count.saturating_mul(thread);
                (start, start.saturating_add(count))
            }
        }
    }

    /// Version bits for this roll: others than those of the job before, too.
    pub(super) fn version_bits(&self, roll: u64) -> u32 {
        let mut left = self.generation.wrapping_add(roll);
        let allowed = (0..u32::BITS).map(|place| 1 << place).filter(|bit| self.version_mask & bit != 0);
        allowed.fold(0, |bits, bit| {
            let is_set = left & 1 == 1;
            left >>= 1;
            if is_set { bits | bit } else { bits }
        })
    }

    /// The header with nonce 0.
    pub fn header(&self, extranonce2: &[u8]) -> [u8; 80] {
        self.rolled_header(&Roll { extranonce2: extranonce2.to_vec(), ..Roll::default() })
    }

    /// The header with nonce 0, varied so.
    pub(super) fn rolled_header(&self, roll: &Roll) -> [u8; 80] {
        let mut header = [0; 80];
        header[..4].copy_from_slice(&self.rolled_version(roll).to_le_bytes());
        for (slot, byte) in header[4..36].iter_mut().zip(&self.prev_block) {
            *slot = *byte;
        }
        header[36..68].copy_from_slice(&self.root.of(&roll.extranonce2));
        header[68..72].copy_from_slice(&self.rolled_time(roll).to_le_bytes());
        header[72..76].copy_from_slice(&self.bits.to_le_bytes());
        header
    }

    /// The version in that header. Miners do it in three ways, which agree where the job has none of these bits.
    pub(super) const fn rolled_version(&self, roll: &Roll) -> u32 {
        self.version ^ roll.version_bits
    }

    /// The time in that header.
    pub(super) const fn rolled_time(&self, roll: &Roll) -> u32 {
        self.time.wrapping_add(roll.seconds)
    }
}

/// A value no other thread and no earlier roll of this one uses.
fn extranonce2(len: usize, thread: u32, roll: u64) -> Vec<u8> {
    let mut bytes = roll.to_le_bytes().to_vec();
    bytes.resize(len.max(2), 0);
    bytes.truncate(len);
    if let Some(last) = bytes.last_mut() {
        *last = thread.to_le_bytes()[0];
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shares captured from cpuminer-multi and cpuminer-opt.
    #[test]
    fn headers_are_those_that_real_miners_hashed() {
        let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/stratum.json")).unwrap();
        for share in vectors["shares"].as_array().unwrap() {
            let extranonce1 = hex::decode(share["extranonce1"].as_str().unwrap()).unwrap();
            let work = Work::parse(&share["notify"], &extranonce1, 4, Target::EASIEST, 1).unwrap();
            let extranonce2 = hex::decode(share["submit"][2].as_str().unwrap()).unwrap();
            let mut header = work.header(&extranonce2);
            let nonce = u32::from_str_radix(share["submit"][4].as_str().unwrap(), 16).unwrap();
            header[76..].copy_from_slice(&nonce.to_le_bytes());
            assert_eq!(hex::encode(header), share["header"]);
        }
    }

    #[test]
    fn version_bits_stay_in_their_mask_and_change_with_roll_and_job() {
        let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/stratum.json")).unwrap();
        let notify = &vectors["shares"][0]["notify"];
        let mut work = Work::parse(notify, &[], 4, Target::EASIEST, 5).unwrap();
        assert_eq!(work.version_bits(7), 0, "nobody allowed any");
        work.version_mask = 0x1fff_e000;
        assert_eq!((work.version_bits(0), work.version_bits(1)), (0x0000_a000, 0x0000_c000));
        assert_eq!(work.version_bits(u64::MAX) & !work.version_mask, 0);
        let (plain, rolled) = (work.header(&[0; 4]), work.rolled_header(&work.roll(0, 0)));
        assert_eq!((plain[4..] == rolled[4..], plain[1] ^ rolled[1]), (true, 0xa0));
    }

    #[test]
    fn threads_and_rolls_never_meet() {
        for len in [2, 4, 8] {
            assert_eq!(extranonce2(len, 0, 0).len(), len);
            assert_ne!(extranonce2(len, 0, 0), extranonce2(len, 1, 0));
            assert_ne!(extranonce2(len, 0, 0), extranonce2(len, 0, 1));
        }
    }

    #[test]
    fn where_the_root_is_fixed_threads_share_the_nonces_and_rolls_change_version_or_time() {
        let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/stratum.json")).unwrap();
        let mut work = Work::parse(&vectors["shares"][0]["notify"], &[], 4, Target::EASIEST, 5).unwrap();
        assert_eq!((work.nonces(0, 3), work.nonces(2, 3)), ((0, u32::MAX), (0, u32::MAX)));
        work.root = Root::Fixed([7; 32]);
        let third = u32::MAX / 3;
        assert_eq!([0, 1, 2].map(|thread| work.nonces(thread, 3).0), [0, third, 2 * third]);
        assert_eq!(work.nonces(2, 3).1, u32::MAX);
        assert_eq!(work.roll(1, 9), Roll { seconds: 9, ..Roll::default() });
        assert_eq!(work.rolled_header(&work.roll(1, 9))[68..72], (work.time + 9).to_le_bytes());
        work.version_mask = 0x1fff_e000;
        assert_eq!(work.roll(1, 1), Roll { version_bits: 0x0000_c000, ..Roll::default() });
        assert_eq!(work.rolled_header(&work.roll(1, 1))[36..68], [7; 32]);
    }
}
