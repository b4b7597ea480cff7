//! One fault each, that its bytes alone give away: in gossip, in a question, in an answer.

use anyhow::Context;
use node::p2p::{Request, Response};
use sharechain::{
    ParamsId, Share,
    header::HEADER_LEN,
    share::{SHARE_LEN_MAX, SHARE_VERSION},
    testing,
};

use super::{
    mesh,
    peer::{Answer, framed, polite},
};

/// An ad begins with its version, which is known.
const AD_VERSION: u8 = 1;
/// Length of bytes that could be a share by their length.
const GARBAGE_SHARE_LEN: usize = 700;

/// Gossip that nobody honest sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokenGossip {
    /// The first half of a share.
    HalfShare,
    /// No byte where a share belongs.
    EmptyShare,
    /// Bytes that are no share.
    GarbageShare,
    /// A share with real work that says a lie its bytes alone give away.
    FalseShare,
    /// More bytes than a share has.
    LongShare,
    /// Bytes that are no ad.
    GarbageAd,
}

impl BrokenGossip {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::HalfShare, Self::EmptyShare, Self::GarbageShare, Self::FalseShare, Self::LongShare, Self::GarbageAd];

    /// The frames. Their bytes are different for every number, where there are any: nodes judge a message that they have seen
    /// before no second time.
    pub fn frames(self, params: ParamsId, number: u64) -> Vec<u8> {
        match self {
            Self::HalfShare => {
                let mut half = false_share(number).encode();
                half.truncate(half.len() / 2);
                mesh::share(params, &half)
            }
            Self::EmptyShare => mesh::share(params, &[]),
            Self::GarbageShare => mesh::share(params, &of_known_version(0xa5, GARBAGE_SHARE_LEN, number)),
            Self::FalseShare => mesh::share(params, &false_share(number).encode()),
            Self::LongShare => mesh::share(params, &of_known_version(7, SHARE_LEN_MAX + 1, number)),
            Self::GarbageAd => {
                let garbage = [&[AD_VERSION][..], &[0xa5; 200], &number.to_le_bytes()].concat();
                mesh::frame(&mesh::message(&mesh::ads_topic(params), &garbage))
            }
        }
    }
}

fn false_share(number: u64) -> Share {
    let mut share = testing::Miner::devnet().orphan(number).share().clone();
    share.data.signal ^= 1;
    share
}

/// Of the version that is known: another one is refused without blame.
fn of_known_version(byte: u8, len: usize, number: u64) -> Vec<u8> {
    let number = number.to_le_bytes();
    let mut bytes = [vec![byte; len.saturating_sub(number.len())], number.to_vec()].concat();
    bytes[HEADER_LEN] = SHARE_VERSION;
    bytes
}

/// A share of the chain, without its work; another one for every number.
///
/// # Errors
/// When it is no share.
pub fn without_work(share: &[u8], number: u16) -> anyhow::Result<Vec<u8>> {
    let mut share = Share::decode(share).context("no share to take the work from")?;
    share.header.nonce = share.header.nonce.wrapping_add(1).wrapping_add(number.into());
    Ok(share.encode())
}

/// A question that nobody honest asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokenQuestion {
    /// Of a kind that is not known.
    Unknown,
    /// With a byte too many.
    Longer,
    /// With a length above the bound.
    LengthAboveBound,
}

impl BrokenQuestion {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Unknown, Self::Longer, Self::LengthAboveBound];

    /// As it stands on a stream.
    pub fn bytes(self) -> Vec<u8> {
        match self {
            Self::Unknown => framed(&[9]),
            Self::Longer => framed(&[1, 0, 0]),
            Self::LengthAboveBound => u32::MAX.to_le_bytes().to_vec(),
        }
    }
}

/// Answers that nobody honest gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokenAnswer {
    /// A record of itself with a signature that is not its own, where nodes belong.
    ForgedRecord,
    /// Bytes that are no record, where nodes belong.
    NoRecord,
    /// Ids instead of a greeting.
    OtherAnswer,
    /// No message.
    Garbage,
    /// A length above the bound.
    LengthAboveBound,
}

impl BrokenAnswer {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::ForgedRecord, Self::NoRecord, Self::OtherAnswer, Self::Garbage, Self::LengthAboveBound];

    /// The answer of a peer whose record this is.
    pub fn answer(self, request: &Request, record: &[u8]) -> Answer {
        let envelopes = |envelope: Vec<u8>| Answer::message(&Response::Peers { envelopes: vec![envelope] });
        match (self, request) {
            (Self::ForgedRecord, Request::Peers { .. }) => {
                let mut forged = record.to_vec();
                // The signature is at the end.
                if let Some(last) = forged.last_mut() {
                    *last ^= 1;
                }
                envelopes(forged)
            }
            (Self::NoRecord, Request::Peers { .. }) => envelopes(b"no envelope".to_vec()),
            (Self::OtherAnswer, Request::Hello(_)) => Answer::message(&Response::Ids { ids: Vec::new(), more: false }),
            (Self::Garbage, _) => Answer::Bytes(framed(&[0xff; 40])),
            (Self::LengthAboveBound, _) => Answer::Bytes(u32::MAX.to_le_bytes().to_vec()),
            (Self::ForgedRecord | Self::NoRecord | Self::OtherAnswer, other) => polite(other),
        }
    }
}
