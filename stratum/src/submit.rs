//! One submit: parse, rebuild the header, hash, and only then judge.

use std::sync::Arc;

use sharechain::{
    CheckedShare, Header, Share, ShareData, coinbase::PrefixState, merkle, pow::PowHash, share::EXTRANONCE_LEN,
};

use crate::{
    error::Reject,
    extranonce::EXTRANONCE2_LEN,
    job::{Job, JobTemplate, SubmitKey},
    limits::NTIME_AHEAD_MAX_SECS,
};

/// What a miner submits, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submit {
    /// The job; `None` when it is none of ours.
    pub job_id: Option<u32>,
    /// The miner's part of the extranonce.
    pub extranonce2: [u8; EXTRANONCE2_LEN],
    /// Header time.
    pub time: u32,
    /// Header nonce.
    pub nonce: u32,
    /// Rolled version bits, once negotiated.
    pub version_bits: Option<u32>,
}

impl Submit {
    /// Decodes the parameters of `mining.submit`, `[user, job_id, extranonce2, ntime, nonce, version_bits?]`. Fixed lengths: what is padded or cut would
    /// stand for another header than the miner hashed.
    ///
    /// # Errors
    /// [`Reject::Malformed`] names the parameter.
    pub fn parse(params: &[String]) -> Result<Self, Reject> {
        let [_user, job_id, extranonce2, time, nonce, rest @ ..] = params else {
            return Err(Reject::Malformed { field: "params", expected: "5 or 6 strings" });
        };
        let mut bytes = [0; EXTRANONCE2_LEN];
        hex::decode_to_slice(extranonce2, &mut bytes)
            .map_err(|_| Reject::Malformed { field: "extranonce2", expected: "16 hexadecimal digits" })?;
        Ok(Self {
            job_id: word("job", job_id).ok(),
            extranonce2: bytes,
            time: word("ntime", time)?,
            nonce: word("nonce", nonce)?,
            version_bits: rest.first().map(|bits| word("version bits", bits)).transpose()?,
        })
    }
}

/// Eight hexadecimal digits, the big-endian spelling of a header field.
fn word(field: &'static str, text: &str) -> Result<u32, Reject> {
    let mut bytes = [0; 4];
    hex::decode_to_slice(text, &mut bytes)
        .map_err(|_| Reject::Malformed { field, expected: "8 hexadecimal digits" })?;
    Ok(u32::from_be_bytes(bytes))
}

/// A submit hashed against its job.
#[derive(Debug)]
pub struct Hashed {
    header: Header,
    extranonce: [u8; EXTRANONCE_LEN],
    prefix: PrefixState,
    pow: PowHash,
    key: SubmitKey,
}

impl Hashed {
    /// Rebuilds the header the miner hashed. `mask` holds the version bits that were negotiated.
    ///
    /// # Errors
    /// [`Reject::VersionBits`] when other bits are rolled, [`Reject::Duplicate`] when it was accepted before.
    pub fn new(submit: &Submit, job: &Job, mask: u32) -> Result<Self, Reject> {
        let fields = job.template.header();
        let rolled = submit.version_bits.unwrap_or_default();
        // ESP-Miner always sends the sixth parameter, zero when it rolls nothing.
        if rolled & !mask != 0 {
            return Err(Reject::VersionBits);
        }
        let extranonce = job.extranonce(submit.extranonce2);
        let key = (submit.extranonce2, submit.time, submit.nonce, rolled);
        // What was accepted before was looked at as a block too: nothing is lost, and hashing is saved (attack M3).
        if job.has(&key) {
            return Err(Reject::Duplicate);
        }
        let prefix = job.prefix_state().ok_or(Reject::Stale)?;
        let txid = prefix.txid(&job.coinbase_tail(&extranonce));
        let header = Header {
            version: fields.version | rolled,
            prev_block: job.template.work().prev_block,
            merkle_root: merkle::root_of_left_path(txid, &fields.merkle_branch),
            time: submit.time,
            bits: fields.bits,
            nonce: submit.nonce,
        };
        let pow = job.template.algorithm().hash(&header.encode());
        Ok(Self { header, extranonce, prefix, pow, key })
    }

    /// Whether the hash meets the parent chain's target.
    pub fn is_block(&self) -> bool {
        self.header.bits.to_target().is_some_and(|target| target.is_met_by(&self.pow))
    }

    /// Whether the hash meets the share chain's target.
    pub fn is_share(&self, job: &Job) -> bool {
        job.is_share(&self.pow)
    }

    /// Whether the hash meets the difficulty that its miner was told.
    pub fn is_work(&self, job: &Job) -> bool {
        job.target.is_met_by(&self.pow)
    }

    /// The policy: credited once, in time, at the job's own difficulty. Remembers what it accepts.
    ///
    /// # Errors
    /// The reason in the miner's words.
    pub fn judge(&self, job: &mut Job, is_stale: bool, unix_now: u64) -> Result<(), Reject> {
        if is_stale {
            return Err(Reject::Stale);
        }
        if self.header.time < job.template.header().time_min {
            return Err(Reject::TimeTooOld);
        }
        if u64::from(self.header.time) > unix_now.saturating_add(NTIME_AHEAD_MAX_SECS) {
            return Err(Reject::TimeTooNew);
        }
        if !self.is_work(job) {
            return Err(Reject::LowDifficulty);
        }
        if job.remember(self.key) { Ok(()) } else { Err(Reject::TooManySubmits) }
    }

    /// Whether it was not accepted or handed over before; remembers it.
    pub fn is_first(&self, job: &mut Job) -> bool {
        job.remember(self.key)
    }

    /// What the node has to know of a hash that met the share or the block target. `None` never: a job's terms fit a share.
    pub fn into_found(self, job: &Job) -> Option<Found> {
        let (is_block, data) = (self.is_block(), job.data()?);
        let share = self.is_share(job).then(|| Share {
            header: self.header,
            data: data.clone(),
            extranonce: self.extranonce,
            merkle_branch: job.template.header().merkle_branch.to_vec(),
            prefix: self.prefix,
        });
        Some(Found {
            // Our own stateless rules refuse nothing that a job led to; if they ever did, the block still counts.
            share: share.and_then(|share| CheckedShare::check(share, job.template.params()).ok()).map(Arc::new),
            header: self.header,
            extranonce: self.extranonce,
            data,
            template: job.template.clone(),
            is_block,
        })
    }
}

/// A hash that met the share target, the block target, or both.
#[derive(Clone, Debug)]
pub struct Found {
    /// The share, unless the hash is a block only.
    pub share: Option<Arc<CheckedShare>>,
    /// The header that was hashed.
    pub header: Header,
    /// Both parts of the extranonce.
    pub extranonce: [u8; EXTRANONCE_LEN],
    /// What the coinbase commits to.
    pub data: ShareData,
    /// The template of its job.
    pub template: Arc<JobTemplate>,
    /// Whether the hash meets the parent chain's target.
    pub is_block: bool,
}
