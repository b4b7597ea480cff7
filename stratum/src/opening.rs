//! What a connection speaks, told by its first bytes: Stratum, TLS, HTTP, or the PROXY protocol before one of them.
//!
//! Pure: the shell peeks at the socket and asks again when more bytes are there. Nothing is read ahead that belongs to the
//! next layer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// First byte of a TLS handshake record (RFC 8446, 5.1).
const TLS_HANDSHAKE: u8 = 0x16;
/// Methods of a browser or a health check that ended up here.
const HTTP_METHODS: [&[u8]; 4] = [b"GET ", b"HEAD ", b"POST ", b"OPTIONS "];
/// First bytes of the PROXY protocol, version 2.
const PROXY_SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
pub const PROXY_HEADER_LEN: usize = 16;
/// Longest PROXY header that is read: addresses take 36 bytes, the rest are notes between proxies. Stops a peer from having
/// us wait for 64 kB.
pub const PROXY_LEN_MAX: usize = PROXY_HEADER_LEN + 512;

/// What comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    /// A PROXY header: read so many bytes, then look again.
    Proxy,
    /// A TLS handshake.
    Tls,
    /// An HTTP request.
    Http,
    /// Stratum V1, or something that is for its parser to refuse.
    Stratum,
}

impl Opening {
    /// What begins with `bytes`; `None` while they are too few to tell.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        if first == TLS_HANDSHAKE {
            return Some(Self::Tls);
        }
        let mut is_open = false;
        for (start, opening) in [(&PROXY_SIGNATURE[..], Self::Proxy)]
            .into_iter()
            .chain(HTTP_METHODS.iter().map(|method| (*method, Self::Http)))
        {
            if bytes.starts_with(start) {
                return Some(opening);
            }
            is_open |= start.starts_with(bytes);
        }
        (!is_open).then_some(Self::Stratum)
    }
}

/// A PROXY header, version 2 (HAProxy, "The PROXY protocol", 2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProxyHeader {
    /// Bytes it takes.
    pub len: usize,
    /// Who really connects; `None` for the proxy's own health checks, and for what is not TCP over IP.
    pub source: Option<SocketAddr>,
}

/// A PROXY header that cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProxyError {
    /// Not version 2, or an unknown command.
    #[error("the PROXY header is not of version 2")]
    Version,
    /// It says that it is longer than [`PROXY_LEN_MAX`].
    #[error("the PROXY header is too long")]
    TooLong,
    /// Too short for the addresses it says it has.
    #[error("the PROXY header has no room for its addresses")]
    TooShort,
}

impl ProxyHeader {
    /// The length of the header whose first [`PROXY_HEADER_LEN`] bytes these are.
    ///
    /// # Errors
    /// [`ProxyError::TooLong`], and [`ProxyError::TooShort`] for fewer bytes.
    pub fn declared_len(bytes: &[u8]) -> Result<usize, ProxyError> {
        let [.., high, low] = bytes.first_chunk::<PROXY_HEADER_LEN>().ok_or(ProxyError::TooShort)?;
        let len = PROXY_HEADER_LEN.saturating_add(usize::from(u16::from_be_bytes([*high, *low])));
        if len > PROXY_LEN_MAX { Err(ProxyError::TooLong) } else { Ok(len) }
    }

    /// Reads the header that `bytes` begin with; `None` while it is not complete.
    ///
    /// # Errors
    /// [`ProxyError`].
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, ProxyError> {
        let Some((fixed, rest)) = bytes.split_at_checked(PROXY_HEADER_LEN) else { return Ok(None) };
        let [.., version_command, family, _, _] = fixed else { return Ok(None) };
        let is_local = match version_command {
            0x20 => true,
            0x21 => false,
            _ => return Err(ProxyError::Version),
        };
        let len = Self::declared_len(fixed)?;
        let Some(body) = rest.get(..len.saturating_sub(PROXY_HEADER_LEN)) else { return Ok(None) };
        let source = match family {
            _ if is_local => None,
            0x11 => Some(v4(body).ok_or(ProxyError::TooShort)?),
            0x21 => Some(v6(body).ok_or(ProxyError::TooShort)?),
            _ => None,
        };
        Ok(Some(Self { len, source }))
    }
}

/// Source address, destination address, source port, destination port.
fn v4(body: &[u8]) -> Option<SocketAddr> {
    let (address, rest) = body.split_first_chunk::<4>()?;
    Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(*address)), port(rest.get(4..8)?)?))
}

fn v6(body: &[u8]) -> Option<SocketAddr> {
    let (address, rest) = body.split_first_chunk::<16>()?;
    Some(SocketAddr::new(IpAddr::V6(Ipv6Addr::from(*address)), port(rest.get(16..20)?)?))
}

fn port(ports: &[u8]) -> Option<u16> {
    ports.first_chunk::<2>().map(|port| u16::from_be_bytes(*port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(version_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let len = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&PROXY_SIGNATURE[..], &[version_command, family], &len, body].concat()
    }

    #[test]
    fn the_first_bytes_tell_what_is_spoken() {
        assert_eq!(Opening::of(b""), None);
        assert_eq!(Opening::of(b"{\"id\":1"), Some(Opening::Stratum));
        assert_eq!(Opening::of(&[0x16, 3, 1]), Some(Opening::Tls));
        assert_eq!(Opening::of(b"G"), None);
        assert_eq!(Opening::of(b"GET / HTTP/1.1"), Some(Opening::Http));
        assert_eq!(Opening::of(b"GETX"), Some(Opening::Stratum));
        assert_eq!(Opening::of(b"\r\n"), None, "an empty line or a proxy");
        assert_eq!(Opening::of(b"\r\n{"), Some(Opening::Stratum));
        assert_eq!(Opening::of(&header(0x21, 0x11, &[0; 12])), Some(Opening::Proxy));
        assert_eq!(Opening::of(b"garbage"), Some(Opening::Stratum));
    }

    #[test]
    fn a_proxy_says_who_connects() {
        let body = [203, 0, 113, 7, 10, 0, 0, 1, 0x1f, 0x90, 0x5b, 0x28];
        let line = [header(0x21, 0x11, &body), b"{".to_vec()].concat();
        let source = Some("203.0.113.7:8080".parse().unwrap());
        assert_eq!(ProxyHeader::parse(&line), Ok(Some(ProxyHeader { len: 28, source })));
        let mut body = [0; 36 + 5];
        body[..4].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
        (body[15], body[33]) = (9, 7);
        let source = Some("[2001:db8::9]:7".parse().unwrap());
        assert_eq!(ProxyHeader::parse(&header(0x21, 0x21, &body)), Ok(Some(ProxyHeader { len: 57, source })));
        // The proxy itself, and what is not TCP.
        assert_eq!(ProxyHeader::parse(&header(0x20, 0, &[])), Ok(Some(ProxyHeader { len: 16, source: None })));
        assert_eq!(ProxyHeader::parse(&header(0x21, 0x31, &[1; 8])), Ok(Some(ProxyHeader { len: 24, source: None })));
    }

    #[test]
    fn headers_that_lie_are_refused() {
        assert_eq!(ProxyHeader::parse(&header(0x11, 0x11, &[0; 12])), Err(ProxyError::Version));
        assert_eq!(ProxyHeader::parse(&header(0x21, 0x11, &[0; 11])), Err(ProxyError::TooShort));
        assert_eq!(ProxyHeader::parse(&header(0x21, 0x21, &[0; 35])), Err(ProxyError::TooShort));
        let long = header(0x21, 0x11, &[0; 513]);
        assert_eq!(ProxyHeader::parse(&long[..PROXY_HEADER_LEN]), Err(ProxyError::TooLong), "before it is read");
        let whole = header(0x21, 0x11, &[0; 12]);
        assert!((0..whole.len()).all(|len| ProxyHeader::parse(&whole[..len]) == Ok(None)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_told_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _opening = Opening::of(&bytes);
            let lying = [&PROXY_SIGNATURE[..], &bytes].concat();
            if let Ok(Some(parsed)) = ProxyHeader::parse(&lying) {
                prop_assert!(parsed.len <= lying.len() && parsed.len <= PROXY_LEN_MAX);
            }
        }
    }
}
