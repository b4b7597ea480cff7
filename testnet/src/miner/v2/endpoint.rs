//! The URL of an endpoint: where it is, and whose key proves that it is the one that was meant (specification, section 4.7).

use std::str::FromStr;

/// What the URLs of these endpoints begin with.
pub const SCHEME: &str = "stratum2+tcp://";
/// What the text of a key begins with before its checksum is added.
const KEY_VERSION: [u8; 2] = 1_u16.to_le_bytes();

/// `stratum2+tcp://HOST:PORT/KEY`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// Name or address; addresses of IPv6 in brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The authority key: the x coordinate of a point of secp256k1.
    pub key: [u8; 32],
}

/// Why a text is no URL of an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidEndpoint {
    /// Something is missing.
    #[error("the URL has to be stratum2+tcp://HOST:PORT/KEY")]
    Form,
    /// A digit is wrong or missing.
    #[error("the key in the URL is not base58check; the node prints the whole URL when it starts")]
    Checksum,
    /// The bytes are those of something else.
    #[error("the key in the URL is no authority key of Stratum V2")]
    Key,
}

impl Endpoint {
    /// `host:port`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(url: &str) -> Result<Self, InvalidEndpoint> {
        let rest = url.strip_prefix(SCHEME).ok_or(InvalidEndpoint::Form)?;
        let (address, key) = rest.trim_end_matches('/').split_once('/').ok_or(InvalidEndpoint::Form)?;
        let (host, port) = address.rsplit_once(':').ok_or(InvalidEndpoint::Form)?;
        let port = port.parse().map_err(|_| InvalidEndpoint::Form)?;
        if host.is_empty() || key.is_empty() {
            return Err(InvalidEndpoint::Form);
        }
        let bytes = bs58::decode(key).with_check(None).into_vec().map_err(|_| InvalidEndpoint::Checksum)?;
        let key = bytes.strip_prefix(&KEY_VERSION).and_then(|key| key.try_into().ok()).ok_or(InvalidEndpoint::Key)?;
        Ok(Self { host: host.to_owned(), port, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the specification's example.
    const KEY: &str = "9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh";

    #[test]
    fn host_port_and_key_come_from_the_url() {
        let endpoint: Endpoint = format!("{SCHEME}pool.example:3336/{KEY}").parse().unwrap();
        assert_eq!(endpoint.address(), "pool.example:3336");
        let key = [
            118, 99, 112, 0, 151, 156, 28, 17, 175, 12, 48, 11, 205, 140, 127, 228, 134, 16, 252, 233, 185, 193, 30,
            61, 174, 227, 90, 224, 176, 138, 116, 85,
        ];
        assert_eq!(endpoint.key, key);
        let endpoint: Endpoint = format!("{SCHEME}[::1]:3336/{KEY}/").parse().unwrap();
        assert_eq!((endpoint.host.as_str(), endpoint.address().as_str()), ("[::1]", "[::1]:3336"));
    }

    #[test]
    fn what_is_no_url_of_an_endpoint_is_told_apart() {
        let check = |url: &str, error| assert_eq!(url.parse::<Endpoint>(), Err(error), "{url}");
        check(&format!("stratum+tcp://localhost:3336/{KEY}"), InvalidEndpoint::Form);
        check("stratum2+tcp://localhost:3336", InvalidEndpoint::Form);
        check("stratum2+tcp://localhost:3336/", InvalidEndpoint::Form);
        check(&format!("stratum2+tcp://localhost/{KEY}"), InvalidEndpoint::Form);
        check(&format!("stratum2+tcp://:1/{KEY}"), InvalidEndpoint::Form);
        check(&format!("stratum2+tcp://localhost:3336/{}", KEY.replace("GRXh", "GRXj")), InvalidEndpoint::Checksum);
        let other = bs58::encode([[2; 34]].concat()).with_check().into_string();
        check(&format!("stratum2+tcp://localhost:3336/{other}"), InvalidEndpoint::Key);
    }
}
