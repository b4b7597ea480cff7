//! What a node must know of a chain, as data: share chain parameters, addresses, template arguments, ports.

use std::{sync::Arc, time::Duration};

use bech32::Hrp;
use sharechain::{ConsensusParams, Params, params::ParamsError};
use stratum::{AddressFormat, vardiff::VardiffConfig};

use crate::parent::devnet;

/// A parent chain and the share chain on it.
#[derive(Clone, Debug)]
pub struct ChainProfile {
    /// Name in configuration and status.
    pub name: &'static str,
    /// The share chain.
    pub params: Arc<Params>,
    /// What payout addresses look like.
    pub addresses: AddressFormat,
    /// `rules` of getblocktemplate.
    pub template_rules: &'static [&'static str],
    /// Ports of a node on this chain.
    pub ports: Ports,
    /// Difficulty policy for miners.
    pub vardiff: VardiffConfig,
    /// A payout script's shares should take its miners at one node about this long, so that big miners leave the share
    /// slots to small ones.
    pub share_period: Duration,
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

/// There is no such chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The name is unknown.
    #[error("unknown chain {0:?}; this version knows: devnet")]
    Unknown(String),
    /// The password makes the parameters invalid.
    #[error(transparent)]
    Params(#[from] ParamsError),
}

impl ChainProfile {
    /// The chain with this name; a `password` makes it a private pool.
    ///
    /// # Errors
    /// [`ChainError`] when the name is unknown or the password too long.
    pub fn find(name: &str, password: Option<String>) -> Result<Self, ChainError> {
        match name {
            devnet::NAME => Self::devnet(password),
            _ => Err(ChainError::Unknown(name.to_owned())),
        }
    }

    fn devnet(password: Option<String>) -> Result<Self, ChainError> {
        let raw = ConsensusParams::devnet(devnet::profile(), devnet::GENESIS_TIME);
        Ok(Self {
            name: devnet::NAME,
            params: Arc::new(Params::new(ConsensusParams { password, ..raw })?),
            addresses: devnet_addresses(),
            template_rules: &["segwit"],
            ports: Ports { p2p: 23_333, stratum: 23_336, api: 23_380, devnet_rpc: 23_332 },
            vardiff: VardiffConfig {
                // Four seconds of one CPU core.
                start_hashes: 8e6,
                min_hashes: 65_536.0,
                submit_interval: Duration::from_secs(4),
            },
            // Main networks take 60 s; docs/decisions/0001-devnet-share-period.md says why that is too long here.
            share_period: Duration::from_millis(250),
        })
    }
}

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
        let error = ChainProfile::find("dogecoin", None).unwrap_err();
        assert_eq!(error.to_string(), "unknown chain \"dogecoin\"; this version knows: devnet");
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
