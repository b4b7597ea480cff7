//! A job as a miner sees it, and the header it builds from it.

use anyhow::Context;
use serde_json::Value;
use sharechain::{PowAlgorithm, Target, hash::sha256d};
use stratum::Difficulty;

/// Difficulty 1 of most miners is `0xffff x 2^208`, a little harder than the server's `2^224`.
const DIFFICULTY_ONE_RATIO: f64 = 65_536.0 / 65_535.0;

/// One `mining.notify`.
#[derive(Clone, Debug)]
pub struct Work {
    /// The pool's name of it.
    pub job_id: String,
    /// Header time.
    pub time: u32,
    /// What submits have to meet.
    pub target: Target,
    /// Counts up with every job of a connection.
    pub generation: u64,
    /// Version bits that may be rolled; none after [`Work::parse`].
    pub version_mask: u32,
    prev_block: Vec<u8>,
    coinbase1: Vec<u8>,
    coinbase2: Vec<u8>,
    branch: Vec<[u8; 32]>,
    version: u32,
    bits: u32,
    extranonce2_len: usize,
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
            coinbase1: [bytes(2)?, extranonce1.to_vec()].concat(),
            coinbase2: bytes(3)?,
            branch: branch.collect::<anyhow::Result<_>>()?,
            version: word(5)?,
            bits: word(6)?,
            time: word(7)?,
            prev_block,
            target,
            generation,
            version_mask: 0,
            extranonce2_len,
        })
    }

    /// A value no other thread and no earlier roll of this one uses.
    pub(super) fn extranonce2(&self, thread: u32, roll: u64) -> Vec<u8> {
        let mut bytes = roll.to_le_bytes().to_vec();
        bytes.resize(self.extranonce2_len.max(2), 0);
        bytes.truncate(self.extranonce2_len);
        if let Some(last) = bytes.last_mut() {
            *last = thread.to_le_bytes()[0];
        }
        bytes
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
        self.rolled_header(extranonce2, 0)
    }

    /// The header with these version bits and nonce 0.
    pub(super) fn rolled_header(&self, extranonce2: &[u8], version_bits: u32) -> [u8; 80] {
        let coinbase = [self.coinbase1.as_slice(), extranonce2, &self.coinbase2].concat();
        let root = self.branch.iter().fold(sha256d(&coinbase), |left, right| sha256d(&[left, *right].concat()));
        let mut header = [0; 80];
        // Miners do it in three ways, which agree where the job has none of these bits.
        header[..4].copy_from_slice(&(self.version ^ version_bits).to_le_bytes());
        for (slot, byte) in header[4..36].iter_mut().zip(&self.prev_block) {
            *slot = *byte;
        }
        header[36..68].copy_from_slice(&root);
        header[68..72].copy_from_slice(&self.time.to_le_bytes());
        header[72..76].copy_from_slice(&self.bits.to_le_bytes());
        header
    }
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
        let (plain, rolled) = (work.header(&[0; 4]), work.rolled_header(&[0; 4], 0x0000_a000));
        assert_eq!((plain[4..] == rolled[4..], plain[1] ^ rolled[1]), (true, 0xa0));
    }

    #[test]
    fn threads_and_rolls_never_meet() {
        let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/stratum.json")).unwrap();
        let notify = &vectors["shares"][0]["notify"];
        for len in [2, 4, 8] {
            let work = Work::parse(notify, &[], len, Target::EASIEST, 1).unwrap();
            assert_eq!(work.extranonce2(0, 0).len(), len);
            assert_ne!(work.extranonce2(0, 0), work.extranonce2(1, 0));
            assert_ne!(work.extranonce2(0, 0), work.extranonce2(0, 1));
        }
    }
}
