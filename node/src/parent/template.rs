//! A block template: the daemon's JSON in a compact form, made once, with the merkle branch of its coinbase.
//!
//! Transactions stay opaque bytes: not every coin's can be parsed. What a template demands is either honoured or refused in
//! plain words, never passed over.

use std::sync::Arc;

use sharechain::{
    Amount, BlockHash, CompactTarget, ParentWork, Target, Work, hash::Txid, merkle, share::COINBASE_FLAGS_LEN_MAX,
};
use stratum::BlockBody;

use super::rpc::words;
use crate::chain_profile::{BlockTail, DaemonProfile};

mod outputs;
mod raw;
mod room;

pub use room::CoinbaseRoom;

use raw::{Raw, RawTransaction};

/// Most transactions of a template; the merkle branch bounds what a share can carry anyway.
const TRANSACTIONS_MAX: usize = 100_000;
/// The challenge that everybody meets: blocks of such a signet need no signature.
const OPEN_CHALLENGE: &str = "51";

/// What the next block of the parent chain may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The share chain's part.
    pub work: ParentWork,
    /// Block version.
    pub version: u32,
    /// Version bits that are set whatever miners roll.
    pub version_required: u32,
    /// The parent chain's target.
    pub bits: CompactTarget,
    /// Earliest header time.
    pub time_min: u32,
    /// Right siblings on the path from the coinbase to the merkle root.
    pub merkle_branch: Arc<[[u8; 32]]>,
    /// What the block has after its coinbase.
    pub body: Arc<BlockBody>,
    /// Ids of its transactions.
    pub txids: Arc<[Txid]>,
    /// The same with their witnesses.
    pub wtxids: Arc<[Txid]>,
    /// Fees of its transactions; `None` when the daemon does not tell all of them.
    pub fees: Option<u64>,
    /// The daemon's name for this template.
    pub longpollid: Option<String>,
}

/// Why a template cannot be mined on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A field is missing or has another type.
    #[error("the template is not understood: {0}")]
    Json(String),
    /// A field has a value that cannot be.
    #[error("the template's {field} is {problem}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The daemon insists on a rule.
    #[error("the template demands the rule {0:?}, which this version does not know; hint: is there a newer poolnode?")]
    UnknownRule(String),
    /// Blocks have to be signed by somebody.
    #[error("blocks of this signet need a signature of its owners, so nobody else can mine on it")]
    Signet,
    /// An output of the template that the share chain does not allow.
    #[error("the template demands an output in {field:?} that is {problem}")]
    Output {
        /// The field.
        field: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The coinbase of the largest class does not fit, and nothing may be left out.
    #[error(
        "the template leaves no room for a coinbase of {needed} weight units; hint: lower the daemon's -blockmaxweight by as much"
    )]
    NoRoom {
        /// Weight of the coinbase.
        needed: u64,
    },
}

fn wrong(field: &'static str, problem: &'static str) -> TemplateError {
    TemplateError::Field { field, problem }
}

impl Template {
    /// Hash and height of the block that it extends.
    pub const fn tip(&self) -> (BlockHash, u32) {
        (self.work.prev_block, self.work.block_height.saturating_sub(1))
    }

    /// Hashes that a block takes in the mean; `None` for a target that is none.
    pub fn block_work(&self) -> Option<Work> {
        self.bits.to_target()?.work()
    }

    /// Parses the result of getblocktemplate; tail transactions make way for a coinbase that needs this much room.
    ///
    /// # Errors
    /// [`TemplateError`] says which field is wrong.
    pub fn parse(json: &str, profile: &DaemonProfile, room: &CoinbaseRoom) -> Result<Self, TemplateError> {
        let mut raw: Raw<'_> =
            serde_json::from_str(json).map_err(|error| TemplateError::Json(words(&error.to_string())))?;
        check_demands(&raw, profile)?;
        if raw.transactions.len() > TRANSACTIONS_MAX {
            return Err(wrong("transactions", "too long"));
        }
        let (kept, lost_fees) = room.cut(&raw)?;
        raw.transactions.truncate(kept.min(raw.transactions.len()));
        let is_cut = lost_fees.is_some();
        let Ids { txids, wtxids } = Ids::of(&raw.transactions)?;
        let branch = merkle::left_path(&txids);
        if branch.len() > merkle::BRANCH_MAX {
            return Err(wrong("transactions", "too long"));
        }
        let witness_commitment = match witness_commitment(raw.default_witness_commitment.as_deref())? {
            Some(_) if is_cut => Some(room::commitment_to(&wtxids)),
            given => given,
        };
        let value = raw.coinbasevalue.checked_sub(lost_fees.unwrap_or(0));
        let value = value.map(Amount::from_units).filter(|value| *value <= profile.value_max);
        Ok(Self {
            work: ParentWork {
                prev_block: raw
                    .previousblockhash
                    .parse::<BlockHash>()
                    .map_err(|_| wrong("previousblockhash", "no block hash"))?,
                block_height: Some(raw.height).filter(|height| *height > 0).ok_or_else(|| wrong("height", "zero"))?,
                coinbase_value: value.ok_or_else(|| wrong("coinbasevalue", "more than there can be"))?,
                coinbase_flags: coinbase_flags(&raw)?,
                witness_commitment,
                extra_outputs: outputs::demanded(json, profile)?,
            },
            version: block_version(raw.version).ok_or_else(|| wrong("version", "out of range"))?,
            version_required: raw.vbrequired,
            bits: bits(&raw.bits, profile)?,
            time_min: raw.mintime.unwrap_or(raw.curtime),
            merkle_branch: branch.into(),
            body: Arc::new(BlockBody { tail: tail(&raw, profile.tail)?, transactions: bytes(&raw.transactions)? }),
            txids: txids.into(),
            wtxids: wtxids.into(),
            fees: raw.transactions.iter().map(|transaction| transaction.fee).sum(),
            longpollid: raw.longpollid.map(Into::into),
        })
    }
}

/// What BIP9 and BIP23 let a template insist on.
fn check_demands(raw: &Raw<'_>, profile: &DaemonProfile) -> Result<(), TemplateError> {
    // A rule that is marked must be understood by whoever changes the template; ours is a new coinbase.
    let demanded = raw.rules.iter().filter_map(|rule| rule.strip_prefix('!'));
    if let Some(unknown) = demanded.into_iter().find(|rule| !profile.rules.iter().any(|known| known == rule)) {
        return Err(TemplateError::UnknownRule(words(unknown)));
    }
    if raw.signet_challenge.as_ref().is_some_and(|challenge| challenge != OPEN_CHALLENGE) {
        return Err(TemplateError::Signet);
    }
    let version = block_version(raw.version).ok_or_else(|| wrong("version", "out of range"))?;
    if raw.vbrequired & !version != 0 {
        return Err(wrong("version", "without the bits of vbrequired"));
    }
    Ok(())
}

struct Ids {
    txids: Vec<Txid>,
    wtxids: Vec<Txid>,
}

impl Ids {
    fn of(transactions: &[RawTransaction<'_>]) -> Result<Self, TemplateError> {
        let parse = |text: &str| text.parse::<Txid>().map_err(|_| wrong("transactions", "without a txid"));
        // Before segwit, hash is the txid.
        let txids = transactions.iter().map(|raw| parse(raw.txid.as_ref().unwrap_or(&raw.hash)));
        let txids = txids.collect::<Result<_, _>>()?;
        let wtxids = transactions.iter().map(|raw| parse(&raw.hash)).collect::<Result<_, _>>()?;
        Ok(Self { txids, wtxids })
    }
}

fn bytes(transactions: &[RawTransaction<'_>]) -> Result<Vec<Arc<[u8]>>, TemplateError> {
    let decode = |raw: &RawTransaction<'_>| {
        hex::decode(raw.data.as_bytes()).map(Arc::from).map_err(|_| wrong("transactions", "not hexadecimal"))
    };
    transactions.iter().map(decode).collect()
}

fn tail(raw: &Raw<'_>, tail: BlockTail) -> Result<Vec<u8>, TemplateError> {
    match tail {
        BlockTail::None => Ok(Vec::new()),
        BlockTail::EmptySignature => Ok(vec![0]),
        BlockTail::Mweb => match &raw.mweb {
            None => Ok(Vec::new()),
            Some(mweb) => {
                let block = hex::decode(mweb.as_bytes()).map_err(|_| wrong("mweb", "not hexadecimal"))?;
                Ok([&[1][..], &block].concat())
            }
        },
    }
}

/// All of `coinbaseaux`: BIP22 wants each value in the coinbase, and its name ignored.
fn coinbase_flags(raw: &Raw<'_>) -> Result<Vec<u8>, TemplateError> {
    let mut flags = Vec::new();
    for value in raw.coinbaseaux.iter().flat_map(|aux| aux.values()) {
        flags.extend(hex::decode(value.as_bytes()).map_err(|_| wrong("coinbaseaux", "not hexadecimal"))?);
    }
    if flags.len() > COINBASE_FLAGS_LEN_MAX {
        return Err(wrong("coinbaseaux", "longer than 31 bytes"));
    }
    Ok(flags)
}

fn witness_commitment(script: Option<&str>) -> Result<Option<[u8; 32]>, TemplateError> {
    let Some(script) = script else { return Ok(None) };
    let commitment = script.strip_prefix(&hex::encode(sharechain::coinbase::WITNESS_MARKER)).map(hex::decode);
    match commitment.map(|bytes| bytes.map(<[u8; 32]>::try_from)) {
        Some(Ok(Ok(commitment))) => Ok(Some(commitment)),
        _ => Err(wrong("default_witness_commitment", "of an unknown form")),
    }
}

/// Daemons print versions signed or unsigned.
fn block_version(version: i64) -> Option<u32> {
    u32::try_from(version).ok().or_else(|| i32::try_from(version).ok().map(i32::cast_unsigned))
}

fn bits(text: &str, profile: &DaemonProfile) -> Result<CompactTarget, TemplateError> {
    let bits = u32::from_str_radix(text, 16).ok().map(CompactTarget::from_bits);
    let target = bits.and_then(CompactTarget::to_target);
    match (bits, target.filter(|target| Target::work(*target).is_some())) {
        (Some(_), Some(target)) if profile.bits_max.to_target().is_some_and(|easiest| target > easiest) => {
            Err(wrong("bits", "easier than any block of this chain"))
        }
        (Some(bits), Some(_)) => Ok(bits),
        _ => Err(wrong("bits", "no target")),
    }
}

#[cfg(test)]
mod tests;
