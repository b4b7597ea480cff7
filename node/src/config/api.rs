//! `[api]`: where the HTTP API answers, and whom.

use std::{net::SocketAddr, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, in_home};

/// `[api]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawListen {
    /// Address and port.
    pub listen: Option<SocketAddr>,
    /// File with the token of those who may see and do everything.
    pub token_file: Option<PathBuf>,
    /// Whether anybody may read.
    pub public: Option<bool>,
    /// Names that the node is asked under.
    pub hosts: Option<Vec<String>>,
}

/// Who may ask the API, resolved.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ApiAccess {
    /// File with the token of those who may see and do everything.
    pub token_file: Option<PathBuf>,
    /// Whether anybody may read, with addresses masked.
    pub public: bool,
    /// Names that the node is asked under, besides its addresses.
    pub hosts: Vec<String>,
}

impl RawListen {
    /// Fills in defaults and checks every value.
    pub(super) fn resolve(self, default: SocketAddr) -> Result<(SocketAddr, ApiAccess), ConfigError> {
        let listen = self.listen.unwrap_or(default);
        let token_file = self.token_file.map(|path| in_home(path).ok_or(ConfigError::NoHome)).transpose()?;
        if !listen.ip().is_loopback() && token_file.is_none() {
            return Err(ConfigError::ApiTokenMissing(listen));
        }
        let hosts = self.hosts.unwrap_or_default();
        if let Some(host) = hosts.iter().find(|host| !is_name(host)) {
            return Err(ConfigError::ApiHost(host.clone()));
        }
        Ok((listen, ApiAccess { token_file, public: self.public.unwrap_or(false), hosts }))
    }
}

/// A name as browsers send it, without scheme and port.
fn is_name(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> RawListen {
        toml::from_str(text).unwrap()
    }

    fn resolve(text: &str) -> Result<(SocketAddr, ApiAccess), ConfigError> {
        raw(text).resolve(SocketAddr::from(([127, 0, 0, 1], 23_380)))
    }

    #[test]
    fn other_machines_need_a_token() {
        assert_eq!(resolve("").unwrap().1, ApiAccess::default());
        let error = resolve("listen = \"0.0.0.0:23380\"").unwrap_err().to_string();
        assert!(error.contains("api.token_file") && error.contains("openssl rand"), "{error}");
        assert!(resolve("listen = \"0.0.0.0:23380\"\npublic = true").is_err(), "orders need one too");
        let open =
            resolve("listen = \"[::]:80\"\ntoken_file = \"/t\"\npublic = true\nhosts = [\"pool.example\"]").unwrap();
        assert_eq!((open.0.port(), open.1.public, open.1.hosts.len()), (80, true, 1));
        for wrong in ["http://pool.example", "pool.example:80", ""] {
            assert!(matches!(resolve(&format!("hosts = [{wrong:?}]")), Err(ConfigError::ApiHost(_))), "{wrong}");
        }
    }
}
