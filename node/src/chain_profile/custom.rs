//! A chain described in the configuration: any Bitcoin-format coin.
//!
//! What makes the share chain has to be the same on every node of the pool, or they do not find each other; the sample
//! configuration says which keys these are.

use std::sync::Arc;

use bech32::Hrp;
use schemars::JsonSchema;
use serde::Deserialize;
use sharechain::{
    Amount, BlockHash, CompactTarget, ConsensusParams, Params, PowAlgorithm,
    params::{ExtraOutputsRule, ParamsError, ParentProfile},
};
use stratum::AddressFormat;

use super::{
    BlockTail, ChainProfile, DaemonProfile, LOCAL_SHARE_PERIOD, Ports, SHARE_PERIOD,
    networks::{share_chain, vardiff},
};
use crate::defaults::STORE_GENERATION_SHARES;

/// Name of the chain in the configuration; the coin's own is `custom.name`.
pub const NAME: &str = "custom";
/// Bytes of a coin's name, which is a folder, a label of metrics and the name of a lane.
const NAME_LEN_MAX: usize = 64;
/// Bytes of a compressed public key.
const PUBLIC_KEY_LEN: usize = 33;

/// `[custom]`, as it is written; `config/sample.toml` documents it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawCustom {
    /// Name of the coin and its network.
    pub name: Option<String>,
    /// Hash of its first block.
    pub genesis: Option<String>,
    /// Proof of work.
    pub pow: Option<Algorithm>,
    /// What a block's hash is made with.
    pub block_hash: Option<Algorithm>,
    /// Version bits that are fixed, and their values.
    pub version_mask: Option<u32>,
    /// See `version_mask`.
    pub version_value: Option<u32>,
    /// Whether transactions carry a time.
    pub tx_time: Option<bool>,
    /// What follows the transactions.
    pub block_tail: Option<BlockTail>,
    /// Scripts that the coin demands outputs to, hexadecimal.
    pub treasury_scripts: Option<Vec<String>>,
    /// Their share of a coinbase at most, thousandths.
    pub treasury_permille_max: Option<u16>,
    /// Fields of the template that say these outputs.
    pub output_fields: Option<Vec<String>>,
    /// The key that the daemon signs blocks with, hexadecimal.
    pub signature_key: Option<String>,
    /// Prefix of bech32 addresses.
    pub bech32: Option<String>,
    /// Version byte of P2PKH addresses.
    pub p2pkh: Option<u8>,
    /// Version bytes of P2SH addresses.
    pub p2sh: Option<Vec<u8>>,
    /// `rules` of getblocktemplate.
    pub template_rules: Option<Vec<String>>,
    /// Further arguments of getblocktemplate.
    pub template_arguments: Option<Vec<String>>,
    /// `chain` of getblockchaininfo.
    pub daemon_chain: Option<String>,
    /// Easiest block.
    pub block_bits_max: Option<String>,
    /// Easiest share.
    pub share_bits_max: Option<String>,
    /// Beginning of the share chain, Unix seconds.
    pub share_chain_start: Option<u32>,
    /// Whether payouts come within a minute, as on the devnet.
    pub short_window: Option<bool>,
    /// Heights that a share can be merged after.
    pub merge_depth: Option<u32>,
    /// Heights that have one window.
    pub payout_epoch: Option<u32>,
    /// Blocks until a coinbase can be spent.
    pub coinbase_maturity: Option<u32>,
}

/// An algorithm by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// BLAKE2s-256.
    Blake2s,
    /// SHA-256 twice.
    Sha256d,
    /// scrypt(1024, 1, 1).
    Scrypt,
}

/// Why a description makes no chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustomError {
    /// A key without a default.
    #[error("custom.{0}: is missing; a custom chain needs it")]
    Missing(&'static str),
    /// A key with a value that cannot be.
    #[error("custom.{key}: {value:?} is not {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// Parameters that make no share chain.
    #[error(transparent)]
    Params(#[from] ParamsError),
}

impl From<Algorithm> for PowAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Blake2s => Self::Blake2s,
            Algorithm::Sha256d => Self::Sha256d,
            Algorithm::Scrypt => Self::Scrypt,
        }
    }
}

impl RawCustom {
    /// The chain that is described.
    pub(super) fn resolve(self, password: Option<String>) -> Result<ChainProfile, CustomError> {
        use CustomError::Missing;
        let name = self.name.clone().ok_or(Missing("name"))?;
        let is_part = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
        if !(1..=NAME_LEN_MAX).contains(&name.len()) || !name.bytes().all(is_part) {
            return Err(value("name", &name, "1 to 64 lower-case letters, digits and hyphens"));
        }
        let genesis = self.genesis.as_deref().ok_or(Missing("genesis"))?;
        let pow = PowAlgorithm::from(self.pow.ok_or(Missing("pow"))?);
        let parent = ParentProfile {
            genesis: genesis.parse::<BlockHash>().map_err(|_| value("genesis", genesis, "a block hash"))?,
            pow,
            block_hash: self.block_hash.map_or(pow, PowAlgorithm::from),
            version_mask: self.version_mask.unwrap_or(0),
            version_value: self.version_value.unwrap_or(0),
            tx_time: self.tx_time.unwrap_or(false),
            extra_outputs: self.extra_outputs()?,
        };
        let share_bits_max = bits("share_bits_max", self.share_bits_max.as_deref())?;
        let is_short = self.short_window.unwrap_or(false);
        let start = self.share_chain_start.ok_or(Missing("share_chain_start"))?;
        let usual = share_chain(&name, parent, share_bits_max, start, is_short);
        let params = ConsensusParams {
            password,
            merge_depth: self.merge_depth.unwrap_or(usual.merge_depth),
            payout_epoch: self.payout_epoch.unwrap_or(usual.payout_epoch),
            ..usual
        };
        Ok(ChainProfile {
            addresses: self.addresses()?,
            params: Arc::new(Params::new(params)?),
            daemon: Arc::new(self.daemon()?),
            name,
            ports: Ports::TEST,
            vardiff: vardiff(share_bits_max, pow, false),
            share_period: if is_short { LOCAL_SHARE_PERIOD } else { SHARE_PERIOD },
            generation_shares: STORE_GENERATION_SHARES,
            is_local: is_short,
        })
    }

    fn addresses(&self) -> Result<AddressFormat, CustomError> {
        let parse = |hrp: &String| Hrp::parse(hrp).map_err(|_| value("bech32", hrp, "a prefix like \"bc\""));
        Ok(AddressFormat {
            bech32: self.bech32.as_ref().map(parse).transpose()?,
            p2pkh: self.p2pkh.ok_or(CustomError::Missing("p2pkh"))?,
            p2sh: self.p2sh.clone().ok_or(CustomError::Missing("p2sh"))?,
        })
    }

    fn daemon(&self) -> Result<DaemonProfile, CustomError> {
        Ok(DaemonProfile {
            chain: self.daemon_chain.clone(),
            bits_max: bits("block_bits_max", self.block_bits_max.as_deref())?,
            // Half of all amounts: what a daemon says is not summed up into nonsense.
            value_max: Amount::from_units(u64::MAX / 2),
            rules: self.template_rules.clone().unwrap_or_default(),
            arguments: self.template_arguments.clone().unwrap_or_default(),
            output_fields: self.output_fields.clone().unwrap_or_default(),
            signature_key: self.signature_key()?,
            tail: self.block_tail.unwrap_or_default(),
            maturity: self.coinbase_maturity.unwrap_or(100),
        })
    }

    fn extra_outputs(&self) -> Result<ExtraOutputsRule, CustomError> {
        match (&self.treasury_scripts, &self.signature_key) {
            (None, None) => Ok(ExtraOutputsRule::Forbidden),
            (None, Some(_)) => Ok(ExtraOutputsRule::SignatureKey),
            (Some(scripts), None) => {
                let decode =
                    |script: &String| hex::decode(script).map_err(|_| value("treasury_scripts", script, "hexadecimal"));
                let permille_max = self.treasury_permille_max.ok_or(CustomError::Missing("treasury_permille_max"))?;
                Ok(ExtraOutputsRule::Treasury {
                    scripts: scripts.iter().map(decode).collect::<Result<_, _>>()?,
                    permille_max,
                })
            }
            (Some(_), Some(key)) => Err(value("signature_key", key, "possible beside treasury_scripts")),
        }
    }

    fn signature_key(&self) -> Result<Option<Vec<u8>>, CustomError> {
        let Some(text) = &self.signature_key else { return Ok(None) };
        match hex::decode(text) {
            Ok(key) if key.len() == PUBLIC_KEY_LEN => Ok(Some(key)),
            _ => Err(value("signature_key", text, "a compressed public key of 66 hexadecimal digits")),
        }
    }
}

fn bits(key: &'static str, text: Option<&str>) -> Result<CompactTarget, CustomError> {
    let text = text.ok_or(CustomError::Missing(key))?;
    let bits = u32::from_str_radix(text, 16).ok().map(CompactTarget::from_bits);
    bits.filter(|bits| bits.to_target().is_some())
        .ok_or_else(|| value(key, text, "a compact target of 8 hexadecimal digits, like \"1d00ffff\""))
}

fn value(key: &'static str, value: &str, expected: &'static str) -> CustomError {
    CustomError::Value { key, value: value.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GlobalToken on regtest: Blake2s is one of sixty algorithms, chosen by version bits and by an argument.
    const GLOBALTOKEN: &str = r#"
        name = "globaltoken-regtest"
        genesis = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
        pow = "blake2s"
        block_hash = "sha256d"
        version_mask = 0xfe00
        version_value = 0x2200
        treasury_scripts = ["a91464f8e1b1c3b7c3f0a1f2b6d6c8f3a9f3e1d2c3b487"]
        treasury_permille_max = 100
        output_fields = ["treasury"]
        bech32 = "gtrt"
        p2pkh = 27
        p2sh = [8]
        template_rules = ["segwit"]
        template_arguments = ["blake2s"]
        block_bits_max = "207fffff"
        share_bits_max = "1e400000"
        share_chain_start = 1793491200
        short_window = true
    "#;

    fn read(text: &str) -> Option<RawCustom> {
        Some(toml::from_str(text).unwrap())
    }

    #[test]
    fn a_coin_with_many_algorithms_is_described() {
        let profile = ChainProfile::resolve(NAME, read(GLOBALTOKEN), None).unwrap();
        assert_eq!(profile.name, "globaltoken-regtest");
        let parent = profile.params.parent();
        assert_eq!((parent.pow, parent.block_hash), (PowAlgorithm::Blake2s, PowAlgorithm::Sha256d));
        assert_eq!((parent.version_mask, parent.version_value), (0xfe00, 0x2200));
        assert!(matches!(&parent.extra_outputs, ExtraOutputsRule::Treasury { permille_max: 100, .. }));
        assert_eq!(profile.daemon.arguments, ["blake2s"]);
        let address = profile.addresses.format(&sharechain::PayoutScript::p2wpkh(&[7; 20])).unwrap();
        assert!(address.starts_with("gtrt1q"), "{address}");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let refused = |from: &str, to: &str| {
            let changed = GLOBALTOKEN.replacen(from, to, 1);
            assert_ne!(changed, GLOBALTOKEN, "{from}");
            ChainProfile::resolve(NAME, read(&changed), None).unwrap_err().to_string()
        };
        assert_eq!(refused("p2pkh = 27", ""), "custom.p2pkh: is missing; a custom chain needs it");
        assert_eq!(
            refused("1e400000", "easy"),
            "custom.share_bits_max: \"easy\" is not a compact target of 8 hexadecimal digits, like \"1d00ffff\""
        );
        for name in ["", "Coin", "a coin", "c/d", &"x".repeat(65)] {
            let refusal = refused("\"globaltoken-regtest\"", &format!("{name:?}"));
            assert!(
                refusal.starts_with(&format!("custom.name: {name:?} is not 1 to 64 lower-case letters")),
                "{refusal}"
            );
        }
        assert!(refused("\"gtrt\"", "\"\"").starts_with("custom.bech32: \"\" is not"));
        assert!(refused("0f9188", "xx9188").contains("is not a block hash"));
        assert!(refused("treasury_permille_max = 100", "").starts_with("custom.treasury_permille_max: is missing"));
        assert!(refused("version_value = 0x2200", "version_value = 0x1").contains("version_value"));
        let unused = ChainProfile::resolve("devnet", Some(RawCustom::default()), None).unwrap_err().to_string();
        assert!(unused.contains("[custom]"), "{unused}");
        assert!(
            ChainProfile::resolve(NAME, None, None).unwrap_err().to_string().starts_with("custom.name: is missing")
        );
    }
}
