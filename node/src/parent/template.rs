//! A block template: the daemon's JSON in a compact form, with the merkle branch of its coinbase.

use std::sync::Arc;

use serde::Deserialize;
use sharechain::{
    Amount, BlockHash, CompactTarget, ParentWork, Target, coinbase::WITNESS_MARKER, hash::Txid, merkle,
    share::COINBASE_FLAGS_LEN_MAX,
};

/// Most transactions of a template; the merkle branch bounds what a share can carry anyway.
const TRANSACTIONS_MAX: usize = 100_000;

/// What the next block of the parent chain may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The share chain's part.
    pub work: ParentWork,
    /// Block version.
    pub version: u32,
    /// The parent chain's target.
    pub bits: CompactTarget,
    /// Earliest header time.
    pub time_min: u32,
    /// Right siblings on the path from the coinbase to the merkle root.
    pub merkle_branch: Arc<[[u8; 32]]>,
    /// Raw transactions after the coinbase.
    pub transactions: Arc<Vec<Vec<u8>>>,
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
}

/// The fields that are used; daemons add many more.
#[derive(Deserialize)]
struct Raw {
    version: i64,
    previousblockhash: String,
    transactions: Vec<RawTransaction>,
    #[serde(default)]
    coinbaseaux: Option<RawCoinbaseAux>,
    coinbasevalue: u64,
    #[serde(default)]
    longpollid: Option<String>,
    #[serde(default)]
    mintime: Option<u32>,
    curtime: u32,
    bits: String,
    height: u32,
    #[serde(default)]
    default_witness_commitment: Option<String>,
}

#[derive(Deserialize)]
struct RawTransaction {
    data: String,
    #[serde(default)]
    txid: Option<String>,
    hash: String,
}

#[derive(Deserialize)]
struct RawCoinbaseAux {
    #[serde(default)]
    flags: Option<String>,
}

impl Template {
    /// Parses the result of getblocktemplate.
    ///
    /// # Errors
    /// [`TemplateError`] says which field is wrong.
    pub fn parse(json: &str) -> Result<Self, TemplateError> {
        let raw: Raw = serde_json::from_str(json).map_err(|error| TemplateError::Json(error.to_string()))?;
        let wrong = |field, problem| TemplateError::Field { field, problem };
        if raw.transactions.len() > TRANSACTIONS_MAX {
            return Err(wrong("transactions", "too long"));
        }
        let mut transactions = Vec::with_capacity(raw.transactions.len());
        let mut txids = Vec::with_capacity(raw.transactions.len());
        for transaction in &raw.transactions {
            // Template transactions stay opaque bytes: not every coin's can be parsed. Before segwit, hash is the txid.
            let txid = transaction.txid.as_ref().unwrap_or(&transaction.hash);
            txids.push(txid.parse::<Txid>().map_err(|_| wrong("transactions", "without a txid"))?);
            transactions.push(hex::decode(&transaction.data).map_err(|_| wrong("transactions", "not hexadecimal"))?);
        }
        let branch = merkle::left_path(&txids);
        if branch.len() > merkle::BRANCH_MAX {
            return Err(wrong("transactions", "too long"));
        }
        if raw.height == 0 {
            return Err(wrong("height", "zero"));
        }
        let flags = raw.coinbaseaux.and_then(|aux| aux.flags).unwrap_or_default();
        let flags = hex::decode(flags).map_err(|_| wrong("coinbaseaux", "not hexadecimal"))?;
        if flags.len() > COINBASE_FLAGS_LEN_MAX {
            return Err(wrong("coinbaseaux", "longer than 31 bytes"));
        }
        Ok(Self {
            work: ParentWork {
                prev_block: raw
                    .previousblockhash
                    .parse::<BlockHash>()
                    .map_err(|_| wrong("previousblockhash", "no block hash"))?,
                block_height: raw.height,
                coinbase_value: Amount::from_units(raw.coinbasevalue),
                coinbase_flags: flags,
                witness_commitment: witness_commitment(raw.default_witness_commitment.as_deref())?,
                extra_outputs: Vec::new(),
            },
            version: block_version(raw.version).ok_or_else(|| wrong("version", "out of range"))?,
            bits: bits(&raw.bits).ok_or_else(|| wrong("bits", "no target"))?,
            time_min: raw.mintime.unwrap_or(raw.curtime),
            merkle_branch: branch.into(),
            transactions: Arc::new(transactions),
            longpollid: raw.longpollid,
        })
    }
}

fn witness_commitment(script: Option<&str>) -> Result<Option<[u8; 32]>, TemplateError> {
    let Some(script) = script else { return Ok(None) };
    let commitment = script.strip_prefix(&hex::encode(WITNESS_MARKER)).map(hex::decode);
    match commitment.map(|bytes| bytes.map(<[u8; 32]>::try_from)) {
        Some(Ok(Ok(commitment))) => Ok(Some(commitment)),
        _ => Err(TemplateError::Field { field: "default_witness_commitment", problem: "of an unknown form" }),
    }
}

/// Daemons print versions signed or unsigned.
fn block_version(version: i64) -> Option<u32> {
    u32::try_from(version).ok().or_else(|| i32::try_from(version).ok().map(i32::cast_unsigned))
}

fn bits(text: &str) -> Option<CompactTarget> {
    let bits = CompactTarget::from_bits(u32::from_str_radix(text, 16).ok()?);
    bits.to_target().and_then(Target::work).map(|_| bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parent::block::Block;

    /// A template of Bitcoin Core on regtest, and the block that was made of it by hand and accepted.
    const TEMPLATE: &str = include_str!("../../../tests/vectors/bitcoin-gbt.json");
    const BLOCK: &str = include_str!("../../../tests/vectors/bitcoin-block-111.hex");
    const LITECOIN: &str = include_str!("../../../tests/vectors/litecoin-gbt-nomweb.json");

    #[test]
    fn the_branch_of_a_real_template_leads_to_the_root_of_the_real_block() {
        let template = Template::parse(TEMPLATE).unwrap();
        let block = Block::decode(&hex::decode(BLOCK.trim()).unwrap()).unwrap();
        assert_eq!(template.work.prev_block, block.header.prev_block);
        assert_eq!(template.bits, block.header.bits);
        assert_eq!(template.transactions.len() + 1, block.transactions.len());
        let root = merkle::root_of_left_path(block.transactions[0].txid, &template.merkle_branch);
        assert_eq!(root, block.header.merkle_root);
        let committed = block.transactions[0]
            .outputs
            .iter()
            .any(|output| output.script.ends_with(template.work.witness_commitment.as_ref().unwrap()));
        assert!(committed);
    }

    #[test]
    fn a_template_of_litecoin_is_understood() {
        let template = Template::parse(LITECOIN).unwrap();
        assert!(template.work.block_height > 0);
        assert!(template.work.coinbase_value > Amount::ZERO);
    }

    #[test]
    fn values_that_cannot_be_are_named() {
        let refused = |from: &str, to: &str| {
            let changed = TEMPLATE.replacen(from, to, 1);
            assert_ne!(changed, TEMPLATE, "{from}");
            Template::parse(&changed).unwrap_err().to_string()
        };
        assert_eq!(refused(r#""bits": "207fffff""#, r#""bits": "ff7fffff""#), "the template's bits is no target");
        assert_eq!(
            refused("6a24aa21a9ed", "6a25aa21a9ed"),
            "the template's default_witness_commitment is of an unknown form"
        );
        assert!(refused(r#""coinbasevalue": "#, r#""coinbasevalue": -"#).starts_with("the template is not understood"));
        let flags = |len: usize| format!(r#""coinbaseaux": {{"flags": "{}"}}"#, "7a".repeat(len));
        assert_eq!(refused(r#""coinbaseaux": {}"#, &flags(32)), "the template's coinbaseaux is longer than 31 bytes");
        let longest = Template::parse(&TEMPLATE.replacen(r#""coinbaseaux": {}"#, &flags(31), 1)).unwrap();
        assert_eq!(longest.work.coinbase_flags, [0x7a; 31]);
        assert!(Template::parse("[]").is_err());
    }
}
