//! `[stratum]`: where and how miners connect.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use schemars::JsonSchema;
use serde::Deserialize;
use sharechain::PayoutScript;
use stratum::{AddressFormat, OperatorFee, limits::CONNECTIONS_MAX};

use super::{ConfigError, in_home};

/// `[stratum]` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawStratum {
    /// Address and port.
    pub listen: Option<SocketAddr>,
    /// Address and port for Stratum V2.
    pub v2_listen: Option<SocketAddr>,
    /// What miners have to know.
    pub password: Option<String>,
    /// Whom miners without an address work for.
    pub default_address: Option<String>,
    /// The operator's part.
    pub fee_percent: Option<f64>,
    /// Whom it is paid to.
    pub fee_address: Option<String>,
    /// Addresses that nothing is asked of.
    pub allow: Vec<IpAddr>,
    /// Addresses that send a PROXY header.
    pub proxies: Vec<IpAddr>,
    /// Connections at once.
    pub connections_max: Option<usize>,
    /// With more than this, willing miners are pointed to another node of the operator.
    pub shed_load_above: Option<usize>,
    /// Whether the port takes TLS too.
    pub tls: Option<bool>,
    /// A certificate of one's own.
    pub tls_cert_file: Option<PathBuf>,
    /// Its key.
    pub tls_key_file: Option<PathBuf>,
}

/// The same, resolved.
#[derive(Clone, Debug)]
pub struct MinersConfig {
    /// Where miners connect to.
    pub listen: SocketAddr,
    /// Where miners connect to that speak Stratum V2.
    pub v2_listen: Option<SocketAddr>,
    /// What miners have to know.
    pub password: Option<String>,
    /// Whom miners without an address work for.
    pub default_script: Option<PayoutScript>,
    /// The operator's part.
    pub fee: Option<OperatorFee>,
    /// Addresses that nothing is asked of.
    pub allow: Vec<IpAddr>,
    /// Addresses that send a PROXY header.
    pub proxies: Vec<IpAddr>,
    /// Connections at once.
    pub connections_max: usize,
    /// With more than this, willing miners are pointed to another node of the operator.
    pub shed_above: Option<usize>,
    /// Encryption.
    pub tls: TlsConfig,
}

/// Which certificate miners see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TlsConfig {
    /// None: what begins with TLS is refused.
    Off,
    /// One made on the first start, in the data directory.
    Own,
    /// The operator's.
    Files {
        /// Certificate chain, PEM.
        cert: PathBuf,
        /// Private key, PEM.
        key: PathBuf,
    },
}

impl RawStratum {
    /// Fills in defaults and checks every value.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn resolve(self, addresses: &AddressFormat, listen: SocketAddr) -> Result<MinersConfig, ConfigError> {
        let script =
            |key, address: &str| addresses.parse(address).map_err(|reason| ConfigError::Address { key, reason });
        let fee_script =
            self.fee_address.as_deref().map(|address| script("stratum.fee_address", address)).transpose()?;
        let fee = match basis_points(self.fee_percent.unwrap_or_default())? {
            0 => None,
            basis_points => {
                Some(OperatorFee { basis_points, script: fee_script.ok_or(ConfigError::FeeAddressMissing)? })
            }
        };
        let home = |path: Option<PathBuf>| path.map(|path| in_home(path).ok_or(ConfigError::NoHome)).transpose();
        let tls = match (self.tls.unwrap_or(true), home(self.tls_cert_file)?, home(self.tls_key_file)?) {
            (false, ..) => TlsConfig::Off,
            (true, None, None) => TlsConfig::Own,
            (true, Some(cert), Some(key)) => TlsConfig::Files { cert, key },
            (true, ..) => return Err(ConfigError::TlsFiles),
        };
        let default = self.default_address.as_deref();
        let connections_max = connections_max(self.connections_max)?;
        if self.shed_load_above.is_some_and(|above| above == 0 || above >= connections_max) {
            return Err(ConfigError::ShedLoadAbove { connections_max });
        }
        Ok(MinersConfig {
            listen: self.listen.unwrap_or(listen),
            v2_listen: self.v2_listen,
            password: self.password.filter(|password| !password.is_empty()),
            default_script: default.map(|address| script("stratum.default_address", address)).transpose()?,
            fee,
            allow: self.allow,
            proxies: self.proxies,
            connections_max,
            shed_above: self.shed_load_above,
            tls,
        })
    }
}

fn connections_max(wanted: Option<usize>) -> Result<usize, ConfigError> {
    let connections = wanted.unwrap_or(CONNECTIONS_MAX);
    if (1..=CONNECTIONS_MAX).contains(&connections) { Ok(connections) } else { Err(ConfigError::ConnectionsMax) }
}

/// Hundredths of a percent.
fn basis_points(percent: f64) -> Result<u16, ConfigError> {
    let points = percent * 100.0;
    let whole = points.round();
    if !(0.0..=10_000.0).contains(&whole) || (points - whole).abs() > 1e-6 {
        return Err(ConfigError::Fee);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10,000, and whole")]
    let points = whole as u16;
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain_profile::ChainProfile;

    fn devnet() -> ChainProfile {
        ChainProfile::find("devnet", None).unwrap()
    }

    fn raw(text: &str) -> RawStratum {
        toml::from_str(text).unwrap()
    }

    fn resolve(text: &str) -> Result<MinersConfig, ConfigError> {
        raw(text).resolve(&devnet().addresses, SocketAddr::from(([127, 0, 0, 1], 1)))
    }

    fn address() -> String {
        devnet().addresses.format(&PayoutScript::p2wpkh(&[7; 20])).unwrap()
    }

    #[test]
    fn a_fee_has_somebody_who_takes_it() {
        let fee = resolve(&format!("fee_percent = 1.25\nfee_address = {:?}", address())).unwrap().fee.unwrap();
        assert_eq!((fee.basis_points, fee.script), (125, PayoutScript::p2wpkh(&[7; 20])));
        assert!(resolve(&format!("fee_address = {:?}", address())).unwrap().fee.is_none());
        assert!(matches!(resolve("fee_percent = 1"), Err(ConfigError::FeeAddressMissing)));
        for percent in ["-1", "100.01", "0.001", "nan", "inf"] {
            assert!(matches!(resolve(&format!("fee_percent = {percent}")), Err(ConfigError::Fee)), "{percent}");
        }
    }

    #[test]
    fn addresses_of_other_chains_are_refused_by_key() {
        let error = resolve("default_address = \"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4\"").unwrap_err();
        assert_eq!(error.to_string(), "stratum.default_address: the address belongs to another network");
    }

    #[test]
    fn a_certificate_comes_with_its_key() {
        assert_eq!(resolve("").unwrap().tls, TlsConfig::Own);
        assert_eq!(resolve("tls = false").unwrap().tls, TlsConfig::Off);
        assert!(matches!(resolve("tls_cert_file = \"/a\""), Err(ConfigError::TlsFiles)));
        let own = resolve("tls_cert_file = \"/a\"\ntls_key_file = \"/b\"").unwrap().tls;
        assert_eq!(own, TlsConfig::Files { cert: "/a".into(), key: "/b".into() });
    }

    #[test]
    fn connections_are_bounded() {
        assert_eq!(resolve("connections_max = 10").unwrap().connections_max, 10);
        for wrong in [0, CONNECTIONS_MAX + 1] {
            assert!(matches!(resolve(&format!("connections_max = {wrong}")), Err(ConfigError::ConnectionsMax)));
        }
        assert_eq!(resolve("shed_load_above = 10").unwrap().shed_above, Some(10));
        for wrong in ["shed_load_above = 0", "shed_load_above = 5\nconnections_max = 5"] {
            assert!(matches!(resolve(wrong), Err(ConfigError::ShedLoadAbove { .. })), "{wrong}");
        }
    }
}
