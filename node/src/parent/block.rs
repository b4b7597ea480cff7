//! Parent-chain blocks and transactions as bytes: what the devnet checks and what a node submits.

use sharechain::{
    Header,
    encode::{DecodeError, Reader, Writer},
    hash::{Txid, sha256d},
    header::HEADER_LEN,
};
use stratum::BlockBody;

/// Most transactions of a block, inputs or outputs of a transaction. A block of 4 MB has no more; stops a count from
/// making us loop.
const COUNT_MAX: usize = 100_000;
/// Longest script or witness item.
const SCRIPT_LEN_MAX: usize = 4_000_000;

/// A block whose form is right; nothing else is checked.
#[derive(Clone, Debug)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// Coinbase first.
    pub transactions: Vec<Transaction>,
    /// Bytes of the block, witnesses included.
    pub size: usize,
    /// Weight (BIP141).
    pub weight: usize,
}

/// A transaction and its two ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Hash without the witness.
    pub txid: Txid,
    /// Hash with the witness.
    pub wtxid: Txid,
    /// Scripts of the inputs.
    pub input_scripts: Vec<Vec<u8>>,
    /// Previous outputs of the inputs, 36 bytes each.
    pub outpoints: Vec<[u8; 36]>,
    /// Witness items of the first input.
    pub first_witness: Vec<Vec<u8>>,
    /// Values and scripts.
    pub outputs: Vec<Output>,
    /// Weight (BIP141).
    pub weight: usize,
}

/// A transaction output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Base units.
    pub value: u64,
    /// Raw script.
    pub script: Vec<u8>,
}

impl Block {
    /// Reads exactly one block.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let header = Header::decode(&reader.array()?);
        let count = compact_size(&mut reader, "transactions", COUNT_MAX)?;
        let mut transactions = Vec::new();
        for _ in 0..count {
            transactions.push(Transaction::read(&mut reader)?);
        }
        reader.finish()?;
        let mut counter = Writer::default();
        counter.compact_size(count);
        let fixed = (HEADER_LEN + counter.len()) * 4;
        let weight = transactions.iter().map(|transaction| transaction.weight).sum::<usize>() + fixed;
        Ok(Self { header, transactions, size: bytes.len(), weight })
    }
}

/// The bytes of a block: header, coinbase, and the rest as the template had it.
pub fn encode(header: &Header, coinbase: &[u8], body: &BlockBody) -> Vec<u8> {
    let body_len = body.transactions.iter().map(|transaction| transaction.len()).sum::<usize>() + body.tail.len();
    let mut block = Writer::with_capacity(HEADER_LEN + 9 + coinbase.len() + body_len);
    block.bytes(&header.encode()).compact_size(body.transactions.len() + 1).bytes(coinbase);
    for transaction in &body.transactions {
        block.bytes(transaction);
    }
    block.bytes(&body.tail);
    block.into_bytes()
}

/// What begins with the coinbase in the bytes of a block; `None` when they end before it.
pub fn first_transaction(block: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(block.get(HEADER_LEN..)?);
    compact_size(&mut reader, "transactions", COUNT_MAX).ok()?;
    block.get(block.len().checked_sub(reader.remaining())?..)
}

impl Transaction {
    /// Reads exactly one transaction.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let transaction = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(transaction)
    }

    /// The transaction that these bytes begin with.
    ///
    /// # Errors
    /// [`DecodeError`] when they begin with none.
    pub fn decode_first(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::read(&mut Reader::new(bytes))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = reader.clone();
        let mut stripped = Writer::default();
        let version = reader.u32()?;
        stripped.u32(version);
        let mut lookahead = reader.clone();
        let has_witness = lookahead.array::<2>() == Ok([0x00, 0x01]);
        if has_witness {
            *reader = lookahead;
        }
        let body = reader.clone();
        let (outpoints, input_scripts) = read_inputs(reader)?;
        let outputs = read_list(reader, "outputs", |reader| {
            Ok(Output { value: reader.u64()?, script: read_bytes(reader, "output script")? })
        })?;
        let mut consumed = body;
        let body_len = consumed.remaining() - reader.remaining();
        stripped.bytes(consumed.take(body_len)?);
        let mut first_witness = Vec::new();
        if has_witness {
            for input in 0..outpoints.len() {
                let items = read_list(reader, "witness items", |reader| read_bytes(reader, "witness item"))?;
                if input == 0 {
                    first_witness = items;
                }
            }
        }
        stripped.u32(reader.u32()?);
        let stripped = stripped.into_bytes();
        let mut whole = start.clone();
        let whole = whole.take(start.remaining() - reader.remaining())?;
        Ok(Self {
            txid: Txid::from_bytes(sha256d(&stripped)),
            wtxid: Txid::from_bytes(sha256d(whole)),
            input_scripts,
            outpoints,
            first_witness,
            outputs,
            weight: stripped.len() * 3 + whole.len(),
        })
    }
}

type Inputs = (Vec<[u8; 36]>, Vec<Vec<u8>>);

fn read_inputs(reader: &mut Reader<'_>) -> Result<Inputs, DecodeError> {
    let inputs = read_list(reader, "inputs", |reader| {
        let outpoint = reader.array()?;
        let script = read_bytes(reader, "input script")?;
        reader.u32()?;
        Ok((outpoint, script))
    })?;
    if inputs.is_empty() {
        return Err(DecodeError::Malformed { field: "inputs" });
    }
    Ok(inputs.into_iter().unzip())
}

fn read_list<T>(
    reader: &mut Reader<'_>,
    field: &'static str,
    element: impl Fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let count = compact_size(reader, field, COUNT_MAX)?;
    // Grows as elements are really there: a count alone allocates nothing.
    let mut list = Vec::new();
    for _ in 0..count {
        list.push(element(reader)?);
    }
    Ok(list)
}

fn read_bytes(reader: &mut Reader<'_>, field: &'static str) -> Result<Vec<u8>, DecodeError> {
    let len = compact_size(reader, field, SCRIPT_LEN_MAX)?;
    Ok(reader.take(len)?.to_vec())
}

/// A CompactSize in its shortest form, as daemons demand it, bounded.
fn compact_size(reader: &mut Reader<'_>, field: &'static str, len_max: usize) -> Result<usize, DecodeError> {
    let (len, len_min) = match reader.u8()? {
        0xfd => (u64::from(reader.u16()?), 0xfd),
        0xfe => (u64::from(reader.u32()?), 0x1_0000),
        0xff => (reader.u64()?, 0x1_0000_0000),
        small => (u64::from(small), 0),
    };
    if len < len_min {
        return Err(DecodeError::Malformed { field });
    }
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    if len > len_max { Err(DecodeError::TooLong { field, len, len_max }) } else { Ok(len) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bitcoin's first block.
    const GENESIS: &str = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c0101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000";

    #[test]
    fn bitcoins_first_block_is_understood_and_rebuilt() {
        let bytes = hex::decode(GENESIS).unwrap();
        let block = Block::decode(&bytes).unwrap();
        assert_eq!(block.transactions.len(), 1);
        let coinbase = &block.transactions[0];
        assert_eq!(coinbase.txid.to_string(), "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b");
        assert_eq!(coinbase.txid.as_bytes(), block.header.merkle_root.as_bytes());
        assert_eq!(coinbase.wtxid, coinbase.txid);
        assert_eq!(coinbase.outputs[0].value, 5_000_000_000);
        assert_eq!((block.size, block.weight), (285, 1_140));
        assert_eq!(encode(&block.header, &bytes[81..], &BlockBody::default()), bytes);
    }

    #[test]
    fn a_witness_changes_one_id_only() {
        let plain = {
            let mut tx = Writer::default();
            tx.u32(2)
                .compact_size(1)
                .bytes(&[7; 36])
                .compact_size(0)
                .u32(0)
                .compact_size(1)
                .u64(5)
                .compact_size(0)
                .u32(9);
            tx.into_bytes()
        };
        let mut with_witness = plain[..4].to_vec();
        with_witness.extend([0x00, 0x01]);
        with_witness.extend(&plain[4..plain.len() - 4]);
        with_witness.extend([0x01, 0x02, 0xaa, 0xbb]);
        with_witness.extend(&plain[plain.len() - 4..]);
        let (a, b) = (Transaction::decode(&plain).unwrap(), Transaction::decode(&with_witness).unwrap());
        assert_eq!(a.txid, b.txid);
        assert_ne!(a.wtxid, b.wtxid);
        assert_eq!(b.first_witness, [vec![0xaa, 0xbb]]);
        assert_eq!(b.weight, plain.len() * 3 + with_witness.len());
    }

    #[test]
    fn damaged_blocks_are_errors_and_allocate_little() {
        let bytes = hex::decode(GENESIS).unwrap();
        for len in 0..bytes.len() {
            assert!(Block::decode(&bytes[..len]).is_err(), "{len} bytes");
        }
        let mut many = bytes[..80].to_vec();
        many.extend([0xff; 9]);
        assert!(matches!(Block::decode(&many), Err(DecodeError::TooLong { .. })));
        // One transaction in three bytes instead of one: a daemon refuses such a block, though its header is the same.
        let longer_count = [&bytes[..80], &[0xfd, 1, 0], &bytes[81..]].concat();
        assert_eq!(Block::decode(&longer_count).unwrap_err(), DecodeError::Malformed { field: "transactions" });
        let mut no_inputs = bytes[..81].to_vec();
        no_inputs.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Block::decode(&no_inputs).unwrap_err(), DecodeError::Malformed { field: "inputs" });
    }
}
