//! `[parent]` and `[devnet]`: the daemons that give templates.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, RawDevnet, block_interval, in_home};
use crate::{
    chain_profile::ChainProfile,
    parent::{devnet, rpc::RpcAuth},
};

/// Name of the first daemon's section, and of the others'.
const FIRST: &str = "parent";
const FALLBACK: &str = "parent.fallback";

/// Which daemons give templates.
#[derive(Clone, Debug)]
pub enum ParentConfig {
    /// Daemons of their own, the preferred one first.
    Daemons(Vec<DaemonConfig>),
    /// The devnet chain inside this process.
    Embedded(devnet::DevnetConfig),
}

/// One daemon.
#[derive(Clone, Debug)]
pub struct DaemonConfig {
    /// Where it answers.
    pub url: String,
    /// How it knows us.
    pub auth: RpcAuth,
    /// Where it publishes the hashes of new blocks: host and port.
    pub zmq_hashblock: Option<String>,
}

/// `[parent]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawParent {
    /// JSON-RPC address.
    pub rpc_url: Option<String>,
    /// User.
    pub rpc_user: Option<String>,
    /// Password.
    pub rpc_password: Option<String>,
    /// Cookie instead of both.
    pub rpc_cookie_file: Option<PathBuf>,
    /// Address of ZMQ messages about new blocks.
    pub zmq_hashblock: Option<String>,
    /// Further daemons of the same chain.
    pub fallback: Vec<RawFallback>,
}

/// `[[parent.fallback]]`: the same keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawFallback {
    /// JSON-RPC address.
    pub rpc_url: Option<String>,
    /// User.
    pub rpc_user: Option<String>,
    /// Password.
    pub rpc_password: Option<String>,
    /// Cookie instead of both.
    pub rpc_cookie_file: Option<PathBuf>,
    /// Address of ZMQ messages about new blocks.
    pub zmq_hashblock: Option<String>,
}

impl RawParent {
    pub(super) fn resolve(
        self,
        chain: &ChainProfile,
        embedded: RawDevnet,
        data_dir: &Path,
    ) -> Result<ParentConfig, ConfigError> {
        let Self { rpc_url, rpc_user, rpc_password, rpc_cookie_file, zmq_hashblock, fallback } = self;
        let first = RawFallback { rpc_url, rpc_user, rpc_password, rpc_cookie_file, zmq_hashblock };
        if first == RawFallback::default() && fallback.is_empty() {
            return embedded_devnet(chain, embedded, data_dir);
        }
        let mut daemons = vec![first.resolve(FIRST)?];
        for further in fallback {
            daemons.push(further.resolve(FALLBACK)?);
        }
        Ok(ParentConfig::Daemons(daemons))
    }
}

impl RawFallback {
    fn resolve(self, key: &'static str) -> Result<DaemonConfig, ConfigError> {
        let url = self.rpc_url.ok_or(ConfigError::RpcUrlMissing(key))?;
        match reqwest::Url::parse(&url) {
            Ok(parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
                return Err(ConfigError::RpcUrlSecret(key));
            }
            Ok(_) if url.starts_with("http://") => {}
            _ => return Err(ConfigError::RpcUrl { key, url }),
        }
        let auth = match (self.rpc_cookie_file, self.rpc_user, self.rpc_password) {
            (Some(file), None, None) => RpcAuth::CookieFile(in_home(file).ok_or(ConfigError::NoHome)?),
            (None, Some(user), Some(password)) => RpcAuth::User { user, password },
            (None, None, None) => RpcAuth::None,
            _ => return Err(ConfigError::RpcAuth(key)),
        };
        let zmq_hashblock = self.zmq_hashblock.map(|value| zmq_address(key, value)).transpose()?;
        Ok(DaemonConfig { url, auth, zmq_hashblock })
    }
}

/// Host and port of a ZMQ address.
fn zmq_address(key: &'static str, value: String) -> Result<String, ConfigError> {
    let address = value.strip_prefix("tcp://").and_then(|address| address.rsplit_once(':'));
    match address {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(format!("{host}:{port}")),
        _ => Err(ConfigError::Zmq { key, value }),
    }
}

fn embedded_devnet(chain: &ChainProfile, raw: RawDevnet, data_dir: &Path) -> Result<ParentConfig, ConfigError> {
    if chain.name != devnet::NAME {
        return Err(ConfigError::DaemonMissing(chain.name.clone()));
    }
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, chain.ports.devnet_rpc));
    Ok(ParentConfig::Embedded(devnet::DevnetConfig {
        listen: raw.listen.unwrap_or(listen),
        listen_flag: "--devnet-listen",
        block_interval: block_interval(raw.block_interval_secs.unwrap_or(devnet::BLOCK_INTERVAL_SECS))?,
        file: Some(data_dir.join("devnet-blocks")),
    }))
}
