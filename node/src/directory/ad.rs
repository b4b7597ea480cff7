//! The record in which a node says where miners and peers find it, byte by byte (`docs/protocol/directory.md`).
//!
//! A node signs with its libp2p key, so nobody can speak for another one; an operator signs the keys of its nodes, so
//! nobody can claim to be one of them. All the rest is a claim: whoever follows an ad measures for himself.

use libp2p::{Multiaddr, PeerId, identity, identity::ed25519, multiaddr::Protocol};
use sharechain::{
    ParamsId, UnixTime,
    encode::{DecodeError, Reader, Writer},
};

use super::{
    endpoint::{AuthorityKey, Host, StratumProtocol, StratumUrl},
    limits::{
        AD_LEN_MAX, AD_TTL_SECS_MAX, ADDRESS_LEN_MAX, ADDRESSES_MAX, AUTHORITY_KEY_LEN_MAX, ENDPOINTS_MAX, HOST_LEN_MAX,
    },
};
use crate::{defaults::AGENT_LEN_MAX, region::Region};

/// First byte of an ad.
const VERSION: u8 = 1;
/// Begins what a node signs, so that its key's signature of something else is never an ad.
const NODE_DOMAIN: &[u8] = b"poolnode node ad 1";
/// Begins what an operator signs.
const OPERATOR_DOMAIN: &[u8] = b"poolnode operator 1";
/// Bytes of a signature.
const SIGNATURE_LEN: usize = 64;
/// Everything, in basis points.
const FEE_MAX: u16 = 10_000;

/// An ed25519 public key, not checked to be one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// The identity that peers know the key by; `None` when the bytes are no key.
    pub fn peer_id(&self) -> Option<PeerId> {
        let key = ed25519::PublicKey::try_from_bytes(&self.0).ok()?;
        Some(identity::PublicKey::from(key).to_peer_id())
    }

    fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> bool {
        ed25519::PublicKey::try_from_bytes(&self.0).is_ok_and(|key| key.verify(message, signature))
    }
}

impl From<&ed25519::Keypair> for PublicKey {
    fn from(pair: &ed25519::Keypair) -> Self {
        Self(pair.public().to_bytes())
    }
}

/// Whose node it is: a key that all nodes of an operator have, and its signature over this node's key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operator {
    /// The operator's key.
    pub key: PublicKey,
    signature: [u8; SIGNATURE_LEN],
}

impl Operator {
    /// The operator's word that a node is its own.
    pub fn sign(pair: &ed25519::Keypair, node: PublicKey, params: ParamsId) -> Self {
        Self { key: pair.into(), signature: sign(pair, &operator_preimage(node, params)) }
    }
}

/// ISO 3166-1 alpha-2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Country([u8; 2]);

impl Country {
    /// The country with these two capital letters.
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 2] = text.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// What a node says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeAd {
    /// The node's key: who speaks.
    pub node: PublicKey,
    /// When it was signed.
    pub issued: UnixTime,
    /// How long it holds, 1 to [`AD_TTL_SECS_MAX`].
    pub ttl_secs: u16,
    /// Where the node says it is.
    pub region: Option<Region>,
    /// The same, closer.
    pub country: Option<Country>,
    /// The operator's part of the jobs.
    pub fee_basis_points: u16,
    /// Connections of miners it takes.
    pub capacity: u32,
    /// Connections of miners it has.
    pub load: u32,
    /// What it calls itself.
    pub agent: String,
    /// Whose it is.
    pub operator: Option<Operator>,
    /// Where peers find it, without its identity.
    pub addresses: Vec<Multiaddr>,
    /// Where miners find it; at least one.
    pub endpoints: Vec<StratumUrl>,
}

/// An ad with its signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedAd {
    /// What is signed.
    pub ad: NodeAd,
    signature: [u8; SIGNATURE_LEN],
}

/// Why bytes are no ad.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AdError {
    /// Of another version, which says nothing against the sender.
    #[error("the ad has the unknown version {0}")]
    Version(u8),
    /// Not the encoding of an ad.
    #[error(transparent)]
    Encoding(#[from] DecodeError),
    /// Not signed by the node it speaks of.
    #[error("the node's signature is wrong")]
    Signature,
    /// Not signed by the operator it names.
    #[error("the operator's signature is wrong")]
    OperatorSignature,
}

impl NodeAd {
    /// When it ends to hold.
    pub fn expires(&self) -> UnixTime {
        self.issued.saturating_add(u64::from(self.ttl_secs))
    }

    /// How full the node is, in percent; a node that takes nobody is full.
    pub fn fill_percent(&self) -> u32 {
        let percent = (u64::from(self.load) * 100).checked_div(u64::from(self.capacity)).unwrap_or(100);
        u32::try_from(percent).unwrap_or(u32::MAX)
    }

    /// Signs with the node's key, which becomes [`NodeAd::node`].
    pub fn sign(mut self, pair: &ed25519::Keypair, params: ParamsId) -> SignedAd {
        self.node = pair.into();
        let signature = sign(pair, &self.preimage(params));
        SignedAd { ad: self, signature }
    }

    fn preimage(&self, params: ParamsId) -> Vec<u8> {
        let mut out = Writer::with_capacity(AD_LEN_MAX);
        out.bytes(NODE_DOMAIN).bytes(&params.0);
        self.encode(&mut out);
        out.into_bytes()
    }

    fn encode(&self, out: &mut Writer) {
        out.u8(VERSION).bytes(&self.node.0).u64(self.issued).u16(self.ttl_secs);
        match self.region {
            None => out.u8(0),
            Some(region) => out.u8(1).u8(region.index()),
        };
        match self.country {
            None => out.u8(0),
            Some(country) => out.u8(1).bytes(&country.0),
        };
        out.u16(self.fee_basis_points).u32(self.capacity).u32(self.load).bytes_u8(self.agent.as_bytes());
        match &self.operator {
            None => out.u8(0),
            Some(operator) => out.u8(1).bytes(&operator.key.0).bytes(&operator.signature),
        };
        out.count_u8(self.addresses.len());
        for address in &self.addresses {
            out.bytes_u8(address.as_ref());
        }
        out.count_u8(self.endpoints.len());
        for endpoint in &self.endpoints {
            encode_endpoint(endpoint, out);
        }
    }

    /// After the version.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            node: PublicKey(reader.array()?),
            issued: reader.u64()?,
            ttl_secs: within("ttl", reader.u16()?, 1, AD_TTL_SECS_MAX)?,
            region: decode_region(reader)?,
            country: decode_country(reader)?,
            fee_basis_points: within("fee", reader.u16()?, 0, FEE_MAX)?,
            capacity: reader.u32()?,
            load: reader.u32()?,
            agent: decode_agent(reader)?,
            operator: match reader.option_tag("operator")? {
                false => None,
                true => Some(Operator { key: PublicKey(reader.array()?), signature: reader.array()? }),
            },
            addresses: decode_addresses(reader)?,
            endpoints: decode_endpoints(reader)?,
        })
    }
}

impl SignedAd {
    /// The bytes that are gossiped and stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(AD_LEN_MAX);
        self.ad.encode(&mut out);
        out.bytes(&self.signature);
        out.into_bytes()
    }

    /// Reads exactly one ad. Its signatures are not looked at: see [`SignedAd::verify`].
    ///
    /// # Errors
    /// [`AdError::Version`] and [`AdError::Encoding`].
    pub fn decode(bytes: &[u8]) -> Result<Self, AdError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        // Before everything else: a later version may be longer.
        if version != VERSION {
            return Err(AdError::Version(version));
        }
        if bytes.len() > AD_LEN_MAX {
            return Err(DecodeError::TooLong { field: "ad", len: bytes.len(), len_max: AD_LEN_MAX }.into());
        }
        let ad = NodeAd::decode(&mut reader)?;
        let signature = reader.array()?;
        reader.finish()?;
        Ok(Self { ad, signature })
    }

    /// Whether the node, and the operator it names, signed this for this share chain.
    ///
    /// # Errors
    /// [`AdError::Signature`] and [`AdError::OperatorSignature`].
    pub fn verify(&self, params: ParamsId) -> Result<(), AdError> {
        if !self.ad.node.verifies(&self.ad.preimage(params), &self.signature) {
            return Err(AdError::Signature);
        }
        match &self.ad.operator {
            Some(Operator { key, signature }) if !key.verifies(&operator_preimage(self.ad.node, params), signature) => {
                Err(AdError::OperatorSignature)
            }
            _ => Ok(()),
        }
    }
}

fn operator_preimage(node: PublicKey, params: ParamsId) -> Vec<u8> {
    [OPERATOR_DOMAIN, &params.0, &node.0].concat()
}

fn sign(pair: &ed25519::Keypair, message: &[u8]) -> [u8; SIGNATURE_LEN] {
    let signature = pair.sign(message);
    signature.try_into().expect("an ed25519 signature has 64 bytes")
}

fn within(field: &'static str, value: u16, min: u16, max: u16) -> Result<u16, DecodeError> {
    if (min..=max).contains(&value) { Ok(value) } else { Err(DecodeError::Malformed { field }) }
}

fn decode_region(reader: &mut Reader<'_>) -> Result<Option<Region>, DecodeError> {
    if !reader.option_tag("region")? {
        return Ok(None);
    }
    let tag = reader.u8()?;
    Region::from_index(tag).map(Some).ok_or(DecodeError::UnknownTag { field: "region", tag })
}

fn decode_country(reader: &mut Reader<'_>) -> Result<Option<Country>, DecodeError> {
    if !reader.option_tag("country")? {
        return Ok(None);
    }
    let country = str::from_utf8(reader.take(2)?).ok().and_then(Country::parse);
    country.map(Some).ok_or(DecodeError::Malformed { field: "country" })
}

fn decode_agent(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let agent = reader.bytes_u8("agent", AGENT_LEN_MAX)?;
    // It ends up in logs and terminals.
    let is_printable = agent.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    let agent = str::from_utf8(agent).ok().filter(|_| is_printable);
    agent.map(str::to_owned).ok_or(DecodeError::Malformed { field: "agent" })
}

fn decode_addresses(reader: &mut Reader<'_>) -> Result<Vec<Multiaddr>, DecodeError> {
    let malformed = DecodeError::Malformed { field: "address" };
    let len = reader.count_u8("addresses", ADDRESSES_MAX)?;
    let mut addresses = Vec::new();
    for _ in 0..len {
        let bytes = reader.bytes_u8("address", ADDRESS_LEN_MAX)?;
        let address = Multiaddr::try_from(bytes.to_vec()).map_err(|_| malformed.clone())?;
        // The identity is the key above: a second one could only differ. Through a relay, the relay's stands inside.
        let names_somebody = matches!(address.iter().last(), None | Some(Protocol::P2p(_)));
        if names_somebody || rebuilt(&address) != bytes {
            return Err(malformed);
        }
        addresses.push(address);
    }
    Ok(addresses)
}

/// The one spelling of a multiaddress: its parts, written anew.
fn rebuilt(address: &Multiaddr) -> Vec<u8> {
    address.iter().collect::<Multiaddr>().to_vec()
}

fn encode_endpoint(endpoint: &StratumUrl, out: &mut Writer) {
    let tag = match endpoint.protocol {
        StratumProtocol::V1 => 0,
        StratumProtocol::V1Tls => 1,
        StratumProtocol::V2(_) => 2,
    };
    out.u8(tag).bytes_u8(endpoint.host.as_str().as_bytes()).u16(endpoint.port);
    if let StratumProtocol::V2(key) = &endpoint.protocol {
        out.bytes_u8(key.as_str().as_bytes());
    }
}

fn decode_endpoints(reader: &mut Reader<'_>) -> Result<Vec<StratumUrl>, DecodeError> {
    let len = reader.count_u8("endpoints", ENDPOINTS_MAX)?;
    if len == 0 {
        return Err(DecodeError::Malformed { field: "endpoints" });
    }
    (0..len).map(|_| decode_endpoint(reader)).collect()
}

fn decode_endpoint(reader: &mut Reader<'_>) -> Result<StratumUrl, DecodeError> {
    let tag = reader.u8()?;
    let host = str::from_utf8(reader.bytes_u8("host", HOST_LEN_MAX)?).ok().and_then(Host::parse);
    let host = host.ok_or(DecodeError::Malformed { field: "host" })?;
    let port = within("port", reader.u16()?, 1, u16::MAX)?;
    let protocol = match tag {
        0 => StratumProtocol::V1,
        1 => StratumProtocol::V1Tls,
        2 => {
            let key = str::from_utf8(reader.bytes_u8("authority key", AUTHORITY_KEY_LEN_MAX)?);
            let key = key.ok().and_then(AuthorityKey::parse);
            StratumProtocol::V2(key.ok_or(DecodeError::Malformed { field: "authority key" })?)
        }
        tag => return Err(DecodeError::UnknownTag { field: "endpoint", tag }),
    };
    Ok(StratumUrl { protocol, host, port })
}
