//! What nodes say to each other about templates, byte for byte (docs/protocol/templates.md). Every length is bounded before
//! anything is allocated for it.

use sharechain::{
    Amount, BlockHash, CompactTarget, ParentWork, TemplateKey,
    encode::{DecodeError, Reader, Writer},
    hash::{Txid, blake2s256},
    merkle::BRANCH_MAX,
    share::{COINBASE_FLAGS_LEN_MAX, EXTRA_OUTPUT_SCRIPT_LEN_MAX, EXTRA_OUTPUTS_MAX, ExtraOutput},
};

/// Most transactions of a template that is told of: no block of 4 MB has had half as many.
pub const TRANSACTIONS_MAX: usize = 16_384;
/// Bytes of a short id. Six bytes of 5,000 transactions collide once in 20 million templates, and cost one more request then.
pub const SHORT_ID_LEN: usize = 6;
/// Longest tail that is told of: MWEB blocks have at most some hundred kilobytes.
pub const TAIL_LEN_MAX: usize = 512 << 10;
/// Bytes of transactions in one answer; a transaction that is longer cannot be told of.
pub const TRANSACTIONS_LEN_MAX: usize = 1 << 20;
/// Longest announcement.
pub const ANNOUNCEMENT_LEN_MAX: usize = 512 + 32 * BRANCH_MAX + SHORT_ID_LEN * TRANSACTIONS_MAX;
/// Longest request about templates: indices.
pub const REQUEST_LEN_MAX: usize = 64 + 2 * TRANSACTIONS_MAX;
/// Longest answer.
pub const RESPONSE_LEN_MAX: usize = 64 + TAIL_LEN_MAX + TRANSACTIONS_LEN_MAX + 68 * TRANSACTIONS_MAX;

/// A transaction's short id in one template.
pub type ShortId = [u8; SHORT_ID_LEN];

/// A template as its node tells of it: everything but the transactions, of which it tells short ids.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announcement {
    /// What the share chain knows of it.
    pub work: ParentWork,
    /// Block version.
    pub version: u32,
    /// The parent chain's target.
    pub bits: CompactTarget,
    /// Earliest header time.
    pub time_min: u32,
    /// The path to the merkle root.
    pub merkle_branch: Vec<[u8; 32]>,
    /// Length of what follows the transactions.
    pub tail_len: u32,
    /// The transactions, in their order.
    pub short_ids: Vec<ShortId>,
}

/// A transaction as one node sends it to another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SentTransaction {
    /// Its id, without the witness.
    pub txid: Txid,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A request about templates.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TemplateRequest {
    /// I mine on this one. The answer is empty.
    Announce(Box<Announcement>),
    /// Which one is this? A share was mined on it.
    Get(TemplateKey),
    /// These transactions of it, please, and what follows them.
    Transactions {
        /// The template.
        key: TemplateKey,
        /// Places in it, ascending.
        places: Vec<u16>,
        /// Whether the tail is wanted.
        tail: bool,
    },
}

/// What is remembered of a request until its answer comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TemplateQuestion {
    /// [`TemplateRequest::Announce`].
    Announce,
    /// [`TemplateRequest::Get`].
    Get(TemplateKey),
    /// [`TemplateRequest::Transactions`].
    Transactions(TemplateKey),
}

/// The answer to one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TemplateResponse {
    /// It is heard.
    Heard,
    /// The template; `None` when it is not known here (any more).
    Template(Option<Box<Announcement>>),
    /// The first of the wanted transactions, as many as there is room for.
    Transactions {
        /// In the order of their places.
        transactions: Vec<SentTransaction>,
        /// What follows them, where it was wanted.
        tail: Option<Vec<u8>>,
    },
}

impl Announcement {
    /// Its identity.
    pub fn key(&self) -> TemplateKey {
        TemplateKey::of_work(&self.work, &self.merkle_branch)
    }

    fn encode(&self, out: &mut Writer) {
        let work = &self.work;
        out.bytes(work.prev_block.as_bytes()).u32(work.block_height).u64(work.coinbase_value.units());
        out.bytes_u8(&work.coinbase_flags);
        match &work.witness_commitment {
            None => out.u8(0),
            Some(commitment) => out.u8(1).bytes(commitment),
        };
        out.count_u8(work.extra_outputs.len());
        for output in &work.extra_outputs {
            out.u64(output.value.units()).bytes_u8(&output.script);
        }
        out.u32(self.version).u32(self.bits.to_bits()).u32(self.time_min).count_u8(self.merkle_branch.len());
        for sibling in &self.merkle_branch {
            out.bytes(sibling);
        }
        out.u32(self.tail_len).u16(u16::try_from(self.short_ids.len()).unwrap_or(u16::MAX));
        for id in &self.short_ids {
            out.bytes(id);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (prev_block, block_height) = (reader.array().map(BlockHash::from_bytes)?, reader.u32()?);
        let coinbase_value = Amount::from_units(reader.u64()?);
        let coinbase_flags = reader.bytes_u8("flags", COINBASE_FLAGS_LEN_MAX)?.to_vec();
        let witness_commitment = if reader.option_tag("commitment")? { Some(reader.array()?) } else { None };
        let outputs = reader.count_u8("outputs", EXTRA_OUTPUTS_MAX)?;
        let mut extra_outputs = Vec::new();
        for _ in 0..outputs {
            let value = Amount::from_units(reader.u64()?);
            let script = reader.bytes_u8("script", EXTRA_OUTPUT_SCRIPT_LEN_MAX)?.to_vec();
            extra_outputs.push(ExtraOutput { value, script });
        }
        let (version, bits, time_min) = (reader.u32()?, CompactTarget::from_bits(reader.u32()?), reader.u32()?);
        let siblings = reader.count_u8("branch", BRANCH_MAX)?;
        let merkle_branch = (0..siblings).map(|_| reader.array()).collect::<Result<_, _>>()?;
        let tail_len = reader.u32()?;
        bounded("tail", usize::try_from(tail_len).unwrap_or(usize::MAX), TAIL_LEN_MAX)?;
        let count = bounded("transactions", usize::from(reader.u16()?), TRANSACTIONS_MAX)?;
        let short_ids = (0..count).map(|_| reader.array()).collect::<Result<_, _>>()?;
        let work =
            ParentWork { prev_block, block_height, coinbase_value, coinbase_flags, witness_commitment, extra_outputs };
        Ok(Self { work, version, bits, time_min, merkle_branch, tail_len, short_ids })
    }
}

/// The short id of a transaction in a template. The key makes it another one in each, so that nobody can prepare two
/// transactions with the same.
pub fn short_id(key: &TemplateKey, wtxid: &Txid) -> ShortId {
    let hash = blake2s256(&[&key.0, wtxid.as_bytes()]);
    let mut id = [0; SHORT_ID_LEN];
    id.copy_from_slice(&hash[..SHORT_ID_LEN]);
    id
}

impl TemplateRequest {
    /// What its answer has to be about.
    pub const fn asked(&self) -> TemplateQuestion {
        match self {
            Self::Announce(_) => TemplateQuestion::Announce,
            Self::Get(key) => TemplateQuestion::Get(*key),
            Self::Transactions { key, .. } => TemplateQuestion::Transactions(*key),
        }
    }

    /// Appends the bytes.
    pub fn encode(&self, out: &mut Writer) {
        match self {
            Self::Announce(announcement) => announcement.encode(out.u8(0)),
            Self::Get(key) => {
                out.u8(1).bytes(&key.0);
            }
            Self::Transactions { key, places, tail } => {
                out.u8(2).bytes(&key.0).u8(u8::from(*tail)).u16(u16::try_from(places.len()).unwrap_or(u16::MAX));
                for place in places {
                    out.u16(*place);
                }
            }
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            0 => Self::Announce(Box::new(Announcement::decode(reader)?)),
            1 => Self::Get(TemplateKey(reader.array()?)),
            2 => {
                let (key, tail) = (TemplateKey(reader.array()?), reader.option_tag("tail")?);
                let count = bounded("places", usize::from(reader.u16()?), TRANSACTIONS_MAX)?;
                let places: Vec<u16> = (0..count).map(|_| reader.u16()).collect::<Result<_, _>>()?;
                if !places.is_sorted_by(|a, b| a < b) {
                    return Err(DecodeError::Malformed { field: "places" });
                }
                Self::Transactions { key, places, tail }
            }
            tag => return Err(DecodeError::UnknownTag { field: "template request", tag }),
        })
    }
}

impl TemplateResponse {
    /// Appends the bytes.
    pub fn encode(&self, out: &mut Writer) {
        match self {
            Self::Heard => {
                out.u8(0);
            }
            Self::Template(None) => {
                out.u8(1).u8(0);
            }
            Self::Template(Some(announcement)) => announcement.encode(out.u8(1).u8(1)),
            Self::Transactions { transactions, tail } => {
                out.u8(2);
                match tail {
                    None => out.u8(0),
                    Some(tail) => out.u8(1).u32(u32::try_from(tail.len()).unwrap_or(u32::MAX)).bytes(tail),
                };
                out.u16(u16::try_from(transactions.len()).unwrap_or(u16::MAX));
                for SentTransaction { txid, bytes } in transactions {
                    out.bytes(txid.as_bytes()).u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX)).bytes(bytes);
                }
            }
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            0 => Self::Heard,
            1 if reader.option_tag("template")? => Self::Template(Some(Box::new(Announcement::decode(reader)?))),
            1 => Self::Template(None),
            2 => {
                let tail = match reader.option_tag("tail")? {
                    false => None,
                    true => Some(long_bytes(reader, "tail", TAIL_LEN_MAX)?),
                };
                let count = bounded("transactions", usize::from(reader.u16()?), TRANSACTIONS_MAX)?;
                let mut transactions = Vec::new();
                let mut room = TRANSACTIONS_LEN_MAX;
                for _ in 0..count {
                    let txid = Txid::from_bytes(reader.array()?);
                    let bytes = long_bytes(reader, "transaction", room)?;
                    room = room.saturating_sub(bytes.len());
                    transactions.push(SentTransaction { txid, bytes });
                }
                Self::Transactions { transactions, tail }
            }
            tag => return Err(DecodeError::UnknownTag { field: "template response", tag }),
        })
    }
}

fn long_bytes(reader: &mut Reader<'_>, field: &'static str, len_max: usize) -> Result<Vec<u8>, DecodeError> {
    let len = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
    Ok(reader.take(bounded(field, len, len_max)?)?.to_vec())
}

fn bounded(field: &'static str, len: usize, len_max: usize) -> Result<usize, DecodeError> {
    if len > len_max { Err(DecodeError::TooLong { field, len, len_max }) } else { Ok(len) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sharechain::testing;

    use super::*;

    pub(in crate::templates) fn announcement(transactions: u16) -> Announcement {
        Announcement {
            work: testing::Miner::devnet().work,
            version: 0x2000_0000,
            bits: CompactTarget::from_bits(0x1d00_ffff),
            time_min: 7,
            merkle_branch: vec![[3; 32]; 12],
            tail_len: 9,
            short_ids: (0..transactions)
                .map(|place| [place.to_le_bytes()[0], place.to_le_bytes()[1], 0, 0, 0, 9])
                .collect(),
        }
    }

    fn request_bytes(request: &TemplateRequest) -> Vec<u8> {
        let mut out = Writer::default();
        request.encode(&mut out);
        out.into_bytes()
    }

    fn response_bytes(response: &TemplateResponse) -> Vec<u8> {
        let mut out = Writer::default();
        response.encode(&mut out);
        out.into_bytes()
    }

    #[test]
    fn messages_round_trip_and_fit_their_bounds() {
        let most = u16::try_from(TRANSACTIONS_MAX).unwrap();
        let longest = TemplateRequest::Announce(Box::new(announcement(most)));
        assert!(request_bytes(&longest).len() <= ANNOUNCEMENT_LEN_MAX);
        let key = TemplateKey([5; 32]);
        let places = TemplateRequest::Transactions { key, places: (0..most).collect(), tail: true };
        assert!(request_bytes(&places).len() <= REQUEST_LEN_MAX);
        for request in [longest, places, TemplateRequest::Get(key)] {
            let bytes = request_bytes(&request);
            let mut reader = Reader::new(&bytes);
            assert_eq!(TemplateRequest::decode(&mut reader), Ok(request));
            assert_eq!(reader.remaining(), 0);
        }
        let sent = SentTransaction { txid: Txid::from_bytes([1; 32]), bytes: vec![2; TRANSACTIONS_LEN_MAX] };
        let longest =
            TemplateResponse::Transactions { transactions: vec![sent.clone()], tail: Some(vec![1; TAIL_LEN_MAX]) };
        assert!(response_bytes(&longest).len() <= RESPONSE_LEN_MAX);
        let template = TemplateResponse::Template(Some(Box::new(announcement(3))));
        for response in [longest, template, TemplateResponse::Template(None), TemplateResponse::Heard] {
            let bytes = response_bytes(&response);
            assert_eq!(TemplateResponse::decode(&mut Reader::new(&bytes)), Ok(response));
        }
        let too_much = TemplateResponse::Transactions { transactions: vec![sent.clone(), sent], tail: None };
        assert!(TemplateResponse::decode(&mut Reader::new(&response_bytes(&too_much))).is_err());
        let unsorted = TemplateRequest::Transactions { key, places: vec![2, 2], tail: false };
        assert!(TemplateRequest::decode(&mut Reader::new(&request_bytes(&unsorted))).is_err());
    }

    #[test]
    fn a_template_of_4000_transactions_is_announced_in_less_than_30_kb() {
        let bytes = request_bytes(&TemplateRequest::Announce(Box::new(announcement(4_000))));
        assert!(bytes.len() < 30_000, "{}", bytes.len());
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_what_decodes_encodes_back(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut reader = Reader::new(&bytes);
            if let Ok(request) = TemplateRequest::decode(&mut reader) {
                prop_assert_eq!(&request_bytes(&request)[..], &bytes[..bytes.len() - reader.remaining()]);
            }
            let mut reader = Reader::new(&bytes);
            if let Ok(response) = TemplateResponse::decode(&mut reader) {
                prop_assert_eq!(&response_bytes(&response)[..], &bytes[..bytes.len() - reader.remaining()]);
            }
        }
    }
}
