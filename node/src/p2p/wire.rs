//! Requests between nodes and their bytes: a length, a tag, and consensus encoding. Every length is bounded before
//! anything is allocated for it.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{StreamProtocol, request_response};
use sharechain::{
    ShareId, Work,
    encode::{DecodeError, Reader, Writer},
    share::SHARE_LEN_MAX,
    sync::{LOCATOR_MAX, SYNC_IDS_MAX, SYNC_SHARES_MAX, TipClaim},
};

use crate::{
    address_book::EXCHANGE_MAX,
    defaults::AGENT_LEN_MAX,
    directory::limits::AD_LEN_MAX,
    region::Region,
    templates::wire::{self as template_wire, TemplateRequest, TemplateResponse},
};

/// Ids of one request: as many shares as an answer has room for.
pub(super) const IDS_MAX: usize = SYNC_SHARES_MAX;
/// Ads of one answer; the rest comes by gossip.
pub(super) const ADS_MAX: usize = 64;
/// Longest signed record of a node: some addresses, a key and a signature.
pub(super) const ENVELOPE_LEN_MAX: usize = 1_024;
/// Longest request: a template with all its short ids.
const REQUEST_LEN_MAX: usize = 2 + template_wire::ANNOUNCEMENT_LEN_MAX;
/// Longest answer: transactions of a template.
const RESPONSE_LEN_MAX: usize = 2 + template_wire::RESPONSE_LEN_MAX;
const _: () = assert!(2 + 32 * IDS_MAX <= REQUEST_LEN_MAX && 2 + template_wire::REQUEST_LEN_MAX <= REQUEST_LEN_MAX);
const _: () = assert!(3 + (4 + SHARE_LEN_MAX) * SYNC_SHARES_MAX <= RESPONSE_LEN_MAX);
const _: () = assert!(LOCATOR_MAX <= IDS_MAX && 4 + 32 * SYNC_IDS_MAX <= RESPONSE_LEN_MAX);
const _: () = assert!(2 + EXCHANGE_MAX * (2 + ENVELOPE_LEN_MAX) <= RESPONSE_LEN_MAX);
const _: () = assert!(2 + ADS_MAX * (2 + AD_LEN_MAX) <= RESPONSE_LEN_MAX);

/// What a node asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Who are you, and what is your tip? With the same about us.
    Hello(Hello),
    /// The ids that follow this locator?
    Range {
        /// Newest first.
        locator: Vec<ShareId>,
    },
    /// These shares, please.
    Shares {
        /// Which ones.
        ids: Vec<ShareId>,
    },
    /// Other nodes, please.
    Peers {
        /// Regions that we have no peer in.
        missing: Vec<Region>,
    },
    /// Ads of nodes, please.
    Ads,
    /// About a template.
    Template(TemplateRequest),
}

/// What a node answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// About us.
    Hello(Hello),
    /// Shares as consensus bytes: those that are known.
    Shares {
        /// In the order of their ids.
        shares: Vec<Vec<u8>>,
    },
    /// What follows a locator.
    Ids {
        /// In canonical order.
        ids: Vec<ShareId>,
        /// Whether there are more after them.
        more: bool,
    },
    /// Other nodes: libp2p's signed peer records.
    Peers {
        /// Signed envelopes (libp2p RFC 0003).
        envelopes: Vec<Vec<u8>>,
    },
    /// Ads of nodes, as they are gossiped.
    Ads {
        /// Each signed by its node.
        ads: Vec<Vec<u8>>,
    },
    /// About a template.
    Template(TemplateResponse),
}

/// What a node says about itself. All of it is a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Its best share.
    pub tip: TipClaim,
    /// Where it says it is.
    pub region: Option<Region>,
    /// What it calls itself.
    pub agent: String,
}

impl Hello {
    fn encode(&self, out: &mut Writer) {
        out.bytes(self.tip.id.as_bytes()).u64(self.tip.height).u128(self.tip.total_work.hashes());
        match self.region {
            None => out.u8(0),
            Some(region) => out.u8(1).u8(region.index()),
        };
        out.bytes_u8(self.agent.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let tip = TipClaim {
            id: reader.array().map(ShareId::from_bytes)?,
            height: reader.u64()?,
            total_work: reader.u128().map(Work::from_hashes)?,
        };
        let region = match reader.option_tag("region")? {
            false => None,
            true => {
                let tag = reader.u8()?;
                Some(Region::from_index(tag).ok_or(DecodeError::UnknownTag { field: "region", tag })?)
            }
        };
        let agent = std::str::from_utf8(reader.bytes_u8("agent", AGENT_LEN_MAX)?);
        let agent = agent.map_err(|_| DecodeError::Malformed { field: "agent" })?;
        // It ends up in logs and terminals.
        if !agent.chars().all(|letter| letter.is_ascii_graphic() || letter == ' ') {
            return Err(DecodeError::Malformed { field: "agent" });
        }
        Ok(Self { tip, region, agent: agent.to_owned() })
    }
}

impl Request {
    /// The bytes, without their length.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(256);
        match self {
            Self::Hello(hello) => hello.encode(out.u8(0)),
            Self::Range { locator } => encode_ids(out.u8(1), locator),
            Self::Shares { ids } => encode_ids(out.u8(2), ids),
            Self::Peers { missing } => {
                let bit = |region: &Region| u8::from(missing.contains(region));
                let bits = Region::ALL.iter().rev().fold(0, |bits, region| bits << 1 | bit(region));
                out.u8(3).u8(bits);
            }
            Self::Ads => {
                out.u8(4);
            }
            Self::Template(request) => request.encode(out.u8(5)),
        }
        out.into_bytes()
    }

    /// Reads exactly one request.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let request = match reader.u8()? {
            0 => Self::Hello(Hello::decode(&mut reader)?),
            1 => Self::Range { locator: decode_ids(&mut reader, "locator", LOCATOR_MAX)? },
            2 => Self::Shares { ids: decode_ids(&mut reader, "ids", IDS_MAX)? },
            3 => {
                let bits = reader.u8()?;
                if bits >> Region::ALL.len() != 0 {
                    return Err(DecodeError::UnknownTag { field: "regions", tag: bits });
                }
                let missing = Region::ALL.iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1);
                Self::Peers { missing: missing.map(|(_, region)| *region).collect() }
            }
            4 => Self::Ads,
            5 => Self::Template(TemplateRequest::decode(&mut reader)?),
            tag => return Err(DecodeError::UnknownTag { field: "request", tag }),
        };
        reader.finish()?;
        Ok(request)
    }
}

impl Response {
    /// The bytes, without their length.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(1_024);
        match self {
            Self::Hello(hello) => hello.encode(out.u8(0)),
            Self::Shares { shares } => {
                out.u8(1).u16(u16::try_from(shares.len()).unwrap_or(u16::MAX));
                for share in shares {
                    out.u32(u32::try_from(share.len()).unwrap_or(u32::MAX)).bytes(share);
                }
            }
            Self::Ids { ids, more } => {
                out.u8(2).u8(u8::from(*more)).u16(u16::try_from(ids.len()).unwrap_or(u16::MAX));
                for id in ids {
                    out.bytes(id.as_bytes());
                }
            }
            Self::Peers { envelopes } => encode_list(out.u8(3), envelopes),
            Self::Ads { ads } => encode_list(out.u8(4), ads),
            Self::Template(response) => response.encode(out.u8(5)),
        }
        out.into_bytes()
    }

    /// Reads exactly one response.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let response = match reader.u8()? {
            0 => Self::Hello(Hello::decode(&mut reader)?),
            1 => {
                let len = bounded("shares", usize::from(reader.u16()?), SYNC_SHARES_MAX)?;
                let mut shares = Vec::with_capacity(len.min(reader.remaining() / size_of::<u32>()));
                for _ in 0..len {
                    let len = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
                    shares.push(reader.take(bounded("share", len, SHARE_LEN_MAX)?)?.to_vec());
                }
                Self::Shares { shares }
            }
            2 => {
                let more = reader.option_tag("more")?;
                let len = bounded("ids", usize::from(reader.u16()?), SYNC_IDS_MAX)?;
                let ids = (0..len).map(|_| reader.array().map(ShareId::from_bytes)).collect::<Result<_, _>>()?;
                Self::Ids { ids, more }
            }
            3 => Self::Peers { envelopes: decode_list(&mut reader, ("peers", EXCHANGE_MAX), ENVELOPE_LEN_MAX)? },
            4 => Self::Ads { ads: decode_list(&mut reader, ("ads", ADS_MAX), AD_LEN_MAX)? },
            5 => Self::Template(TemplateResponse::decode(&mut reader)?),
            tag => return Err(DecodeError::UnknownTag { field: "response", tag }),
        };
        reader.finish()?;
        Ok(response)
    }
}

fn bounded(field: &'static str, len: usize, len_max: usize) -> Result<usize, DecodeError> {
    if len > len_max { Err(DecodeError::TooLong { field, len, len_max }) } else { Ok(len) }
}

fn encode_list(out: &mut Writer, items: &[Vec<u8>]) {
    out.count_u8(items.len());
    for item in items {
        out.u16(u16::try_from(item.len()).unwrap_or(u16::MAX)).bytes(item);
    }
}

fn decode_list(
    reader: &mut Reader<'_>,
    (field, items_max): (&'static str, usize),
    len_max: usize,
) -> Result<Vec<Vec<u8>>, DecodeError> {
    let count = reader.count_u8(field, items_max)?;
    // A list that doubles would hold more than what is sent can pay for; as many as their lengths have room do not.
    let mut items = Vec::with_capacity(count.min(reader.remaining() / size_of::<u16>()));
    for _ in 0..count {
        let len = bounded(field, usize::from(reader.u16()?), len_max)?;
        items.push(reader.take(len)?.to_vec());
    }
    Ok(items)
}

fn encode_ids(out: &mut Writer, ids: &[ShareId]) {
    out.count_u8(ids.len());
    for id in ids {
        out.bytes(id.as_bytes());
    }
}

fn decode_ids(reader: &mut Reader<'_>, field: &'static str, len_max: usize) -> Result<Vec<ShareId>, DecodeError> {
    let len = reader.count_u8(field, len_max)?;
    (0..len).map(|_| reader.array().map(ShareId::from_bytes)).collect()
}

/// A stream held bytes that are no request.
///
/// It is a request like any other to libp2p, which tells nobody of those that its codec fails to read (attack P6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoRequest;

/// Reads and writes the messages on a stream of their own.
#[derive(Clone, Debug, Default)]
pub struct Codec;

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Result<Request, NoRequest>;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Self::Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        match read_frame(io, REQUEST_LEN_MAX).await {
            Ok(bytes) => Ok(Request::decode(&bytes).map_err(|_| NoRequest)),
            Err(cause) if cause.kind() == io::ErrorKind::InvalidData => Ok(Err(NoRequest)),
            Err(cause) => Err(cause),
        }
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        Response::decode(&read_frame(io, RESPONSE_LEN_MAX).await?).map_err(invalid)
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Self::Request) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let request = request.map_err(|NoRequest| io::ErrorKind::InvalidInput)?;
        write_frame(io, &request.encode()).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, response: Response) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_frame(io, &response.encode()).await
    }
}

fn invalid(error: DecodeError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

async fn read_frame(io: &mut (impl AsyncRead + Unpin), len_max: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    let length = bounded("message", length, len_max).map_err(invalid)?;
    // Grows with what arrives: a length alone allocates nothing.
    let mut bytes = Vec::new();
    let read = io.take(u64::try_from(length).unwrap_or(u64::MAX)).read_to_end(&mut bytes).await?;
    if read < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

async fn write_frame(io: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    io.write_all(&length.to_le_bytes()).await?;
    io.write_all(bytes).await?;
    io.close().await
}

#[cfg(test)]
mod vectors;

#[cfg(test)]
mod tests;
