//! What a node must know of a chain, as data: share chain parameters, addresses, what is particular to its daemon, ports.
//!
//! Known chains are rows of a table (`networks`); any other Bitcoin-format coin is described in the configuration
//! ([`custom`]). No other module asks which chain it is on.

use std::{sync::Arc, time::Duration};

use bech32::Hrp;
use sharechain::{Amount, CompactTarget, ConsensusParams, Params, params::ParamsError};
use stratum::{AddressFormat, vardiff::VardiffConfig};

use crate::{defaults::STORE_GENERATION_SHARES, parent::devnet};

pub mod custom;
mod networks;

pub use custom::{CustomError, RawCustom};

/// A parent chain and the share chain on it.
#[derive(Clone, Debug)]
pub struct ChainProfile {
    /// Name in configuration and status.
    pub name: String,
    /// The share chain.
    pub params: Arc<Params>,
    /// What payout addresses look like.
    pub addresses: AddressFormat,
    /// What its daemon is asked, and what it must answer.
    pub daemon: Arc<DaemonProfile>,
    /// Ports of a node on this chain.
    pub ports: Ports,
    /// Difficulty policy for miners.
    pub vardiff: VardiffConfig,
    /// A payout script's shares should take its miners at one node about this long, so that big miners leave the share
    /// slots to small ones.
    pub share_period: Duration,
    /// Shares of one generation of its store.
    pub generation_shares: u64,
    /// Whether it is a chain to try things on, where addresses of local networks are as good as any.
    pub is_local: bool,
}

/// What is particular to a chain's daemon and its blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonProfile {
    /// `chain` of getblockchaininfo; `None` when it is not compared.
    pub chain: Option<String>,
    /// The easiest target a block may have: a daemon that offers an easier one lies, or is on another chain.
    pub bits_max: CompactTarget,
    /// No coinbase is worth more, whatever the fees.
    pub value_max: Amount,
    /// `rules` of getblocktemplate, and those of a template that are understood.
    pub rules: Vec<String>,
    /// Further positional arguments of getblocktemplate: multi-algorithm daemons want the algorithm.
    pub arguments: Vec<String>,
    /// Fields of the template with outputs that the coinbase must have.
    pub output_fields: Vec<String>,
    /// The key that this node's daemon signs blocks with, where blocks are signed (Verge): 33 bytes.
    pub signature_key: Option<Vec<u8>>,
    /// What follows the transactions of a block.
    pub tail: BlockTail,
    /// Blocks on top of a coinbase, itself included, before it can be spent.
    pub maturity: u32,
}

/// What follows the transactions of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockTail {
    /// Nothing.
    #[default]
    None,
    /// The template's `mweb` bytes after a 1, once it has some (Litecoin, doc/mweb/mining-changes.md).
    Mweb,
    /// The length of an empty signature, which the daemon replaces with its own (Verge).
    EmptySignature,
}

/// Default ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Peers.
    pub p2p: u16,
    /// Miners.
    pub stratum: u16,
    /// HTTP API.
    pub api: u16,
    /// JSON-RPC of the embedded daemon.
    pub devnet_rpc: u16,
}

impl Ports {
    /// Main networks.
    pub const MAIN: Self = Self { p2p: 13_333, stratum: 3_333, api: 13_380, devnet_rpc: 23_332 };
    /// Everything else.
    pub const TEST: Self = Self { p2p: 23_333, stratum: 23_336, api: 23_380, devnet_rpc: 23_332 };
}

/// There is no such chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The name is unknown.
    #[error("unknown chain {name:?}; this version knows: {}", known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// The description of a custom chain is not complete or not right.
    #[error(transparent)]
    Custom(#[from] CustomError),
    /// A `[custom]` section beside another chain would be read by nobody.
    #[error("the section [custom] describes a chain, but chain = {0:?} is another one; hint: chain = \"custom\"")]
    UnusedCustom(String),
    /// The password makes the parameters invalid.
    #[error(transparent)]
    Params(#[from] ParamsError),
}

/// Names that [`ChainProfile::find`] takes.
pub fn known_chains() -> Vec<&'static str> {
    let networks = networks::NETWORKS.iter().map(|network| network.name);
    [devnet::NAME].into_iter().chain(networks).chain([custom::NAME]).collect()
}

impl ChainProfile {
    /// The chain with this name; a `password` makes it a private pool.
    ///
    /// # Errors
    /// [`ChainError`] when the name is unknown or the password too long.
    pub fn find(name: &str, password: Option<String>) -> Result<Self, ChainError> {
        Self::resolve(name, None, password)
    }

    /// The same, where `custom` may describe the chain.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn resolve(name: &str, custom: Option<RawCustom>, password: Option<String>) -> Result<Self, ChainError> {
        if name == custom::NAME {
            return Ok(custom.ok_or(CustomError::Missing("name"))?.resolve(password)?);
        }
        if custom.is_some() {
            return Err(ChainError::UnusedCustom(name.to_owned()));
        }
        if name == devnet::NAME {
            return Self::devnet(password);
        }
        match networks::NETWORKS.iter().find(|network| network.name == name) {
            Some(network) => network.profile(password),
            None => Err(ChainError::Unknown { name: name.to_owned(), known: known_chains() }),
        }
    }

    fn devnet(password: Option<String>) -> Result<Self, ChainError> {
        let raw = ConsensusParams::devnet(devnet::profile(), devnet::GENESIS_TIME);
        Ok(Self {
            name: devnet::NAME.to_owned(),
            params: Arc::new(Params::new(ConsensusParams { password, ..raw })?),
            addresses: devnet_addresses(),
            daemon: Arc::new(DaemonProfile {
                chain: Some(devnet::NAME.to_owned()),
                bits_max: devnet::BITS_MAX,
                value_max: Amount::from_units(21_000_000 * 100_000_000),
                rules: vec!["segwit".to_owned()],
                arguments: Vec::new(),
                output_fields: Vec::new(),
                signature_key: None,
                tail: BlockTail::None,
                maturity: 100,
            }),
            ports: Ports::TEST,
            vardiff: VardiffConfig {
                // Four seconds of one CPU core.
                start_hashes: 8e6,
                min_hashes: 65_536.0,
                submit_interval: Duration::from_secs(4),
            },
            // Main networks take 60 s; docs/decisions/0001-devnet-share-period.md says why that is too long here.
            share_period: LOCAL_SHARE_PERIOD,
            generation_shares: STORE_GENERATION_SHARES,
            is_local: true,
        })
    }
}

/// See [`ChainProfile::share_period`], on chains of one's own.
const LOCAL_SHARE_PERIOD: Duration = Duration::from_millis(250);
/// The same elsewhere (design 3.4).
const SHARE_PERIOD: Duration = Duration::from_secs(60);

/// Prefixes that no other chain uses: `dn1...`, and the version bytes of Bitcoin's test networks.
fn devnet_addresses() -> AddressFormat {
    AddressFormat { bech32: Hrp::parse("dn").ok(), p2pkh: 111, p2sh: vec![196] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_makes_another_chain_and_unknown_names_are_refused() {
        let public = ChainProfile::find("devnet", None).unwrap();
        let private = ChainProfile::find("devnet", Some("secret".to_owned())).unwrap();
        assert_ne!(public.params.id(), private.params.id());
        let error = ChainProfile::find("dogecoin", None).unwrap_err().to_string();
        assert!(error.starts_with("unknown chain \"dogecoin\"; this version knows: devnet, bitcoin, "), "{error}");
    }

    #[test]
    fn every_known_chain_resolves_and_no_two_are_one() {
        let names = known_chains();
        let known = names.iter().filter(|name| **name != custom::NAME);
        let ids: std::collections::BTreeSet<_> =
            known.map(|name| ChainProfile::find(name, None).unwrap().params.id().0).collect();
        assert_eq!(ids.len(), names.len() - 1);
    }

    #[test]
    fn devnet_addresses_are_bech32() {
        let addresses = devnet_addresses();
        let script = sharechain::PayoutScript::p2wpkh(&[7; 20]);
        let address = addresses.format(&script).unwrap();
        assert!(address.starts_with("dn1q"), "{address}");
        assert_eq!(addresses.parse(&address), Ok(script));
    }
}
