//! What peers, the store and API clients read: messages, records, answers.

use futures::{executor::block_on, io::Cursor};
use libp2p::{PeerId, StreamProtocol, multihash::Multihash, request_response::Codec as _};
use node::{
    address_book::{AddressBook, ENDPOINTS_MAX, FILE_LEN_MAX},
    api::dto,
    directory::{AdError, AdVerdict, Directory, SignedAd, StratumUrl},
    netgroup::AddressPolicy,
    p2p::{Codec, Request, Response},
    store::StoredShare,
};
use serde::{Serialize, de::DeserializeOwned};
use sharechain::testing;

use super::measure::{bounded, bounded_by};

/// A length that lies is believed by bincode, but only up to the longest record.
const RECORD_HELD_MAX: u64 = 4_096;
/// The same of a whole book: the list that is read, and what is made of it.
const BOOK_HELD_MAX: u64 = 2 * FILE_LEN_MAX as u64;
/// When books are read: some day in 2026, so that times before and after it are both likely.
const BOOK_READ_AT: u64 = 1_790_000_000_000;

/// A request: one encoding, little memory, and the same in a frame.
pub fn request(bytes: &[u8]) {
    let decoded = bounded(bytes, 4, Request::decode);
    if let Ok(request) = &decoded {
        assert_eq!(request.encode(), bytes);
    }
    let framed = read_frames(bytes, |stream| block_on(Codec.read_request(&protocol(), stream)));
    assert_eq!(framed.and_then(Result::ok), decoded.ok());
}

/// An answer: as a request.
pub fn response(bytes: &[u8]) {
    // An empty ad is two bytes on the wire and a vector of 24 here.
    let decoded = bounded(bytes, 16, Response::decode);
    if let Ok(response) = &decoded {
        assert_eq!(response.encode(), bytes);
    }
    let framed = read_frames(bytes, |stream| block_on(Codec.read_response(&protocol(), stream)));
    assert_eq!(framed, decoded.ok());
}

fn protocol() -> StreamProtocol {
    StreamProtocol::new("/fuzz/1")
}

/// Reads `bytes` as a stream of its own, whose length in front may lie, and as the content of a whole frame.
fn read_frames<T>(bytes: &[u8], read: impl Fn(&mut Cursor<Vec<u8>>) -> std::io::Result<T>) -> Option<T> {
    let mut stream = Cursor::new(bytes.to_vec());
    let _message = bounded(bytes, 16, |_| read(&mut stream));
    let length = u32::try_from(bytes.len()).ok()?;
    read(&mut Cursor::new([&length.to_le_bytes(), bytes].concat())).ok()
}

/// An ad: one encoding, little memory; what is not signed is never accepted, and what is read of it can be written into
/// terminals and files.
pub fn node_ad(bytes: &[u8]) {
    // A short address is a reference-counted vector of its own here.
    let decoded = bounded(bytes, 64, SignedAd::decode);
    let params = testing::devnet_params().id();
    let mut directory = Directory::new(params, AddressPolicy::LocalToo);
    let now = decoded.as_ref().map_or(0, |signed| signed.ad.issued);
    let source = PeerId::from_multihash(Multihash::default()).expect("an identity without bytes is one");
    let verdict = directory.on_ad(bytes, source, now);
    match &decoded {
        Ok(signed) => {
            assert_eq!(signed.encode(), bytes);
            assert_eq!(signed.verify(params).is_ok(), verdict == AdVerdict::Accept);
            assert_eq!(directory.view(|_| None, now).nodes.len(), directory.len());
            for endpoint in &signed.ad.endpoints {
                let url = endpoint.to_string();
                assert!(url.chars().all(|letter| letter.is_ascii_graphic()), "{url:?}");
                assert_eq!(url.parse::<StratumUrl>().as_ref(), Ok(endpoint));
            }
        }
        Err(AdError::Version(_)) => assert_eq!(verdict, AdVerdict::Ignore),
        Err(error) => assert_eq!(verdict, AdVerdict::Reject(error.clone())),
    }
}

/// A record of the store: one encoding, and what it holds is a share or not.
pub fn store_record(bytes: &[u8]) {
    if let Some(stored) = bounded_by(RECORD_HELD_MAX, || StoredShare::decode(bytes)) {
        assert_eq!(stored.encode(), bytes);
        let _share = stored.to_share(&testing::devnet_params());
    }
    // Behind a right checksum, so that what is inside is reached.
    let mut record = vec![1];
    record.extend(bytes);
    record.extend(crc32fast::hash(&record).to_le_bytes());
    if let Some(stored) = bounded_by(RECORD_HELD_MAX, || StoredShare::decode(&record)) {
        assert_eq!(stored.encode(), record);
        if let Some(share) = stored.to_share(&testing::devnet_params()) {
            assert_eq!(StoredShare::new(&share, stored.linked_at), stored);
        }
    }
}

/// A file of known nodes: what is taken of it is told and dialled, so it keeps every rule of a book, and is the same when it is
/// written and read again.
pub fn address_book(bytes: &[u8]) {
    check_book(bytes);
    // Behind a right checksum, so that what is inside is reached.
    let mut file = vec![1];
    file.extend(bytes);
    file.extend(crc32fast::hash(&file).to_le_bytes());
    check_book(&file);
}

fn check_book(file: &[u8]) {
    for policy in [AddressPolicy::PublicOnly, AddressPolicy::LocalToo] {
        let decode = |file: &[u8]| AddressBook::decode(file, policy, BOOK_READ_AT);
        let Ok(book) = bounded_by(BOOK_HELD_MAX, || decode(file)) else { continue };
        for entry in book.entries() {
            assert!((1..=ENDPOINTS_MAX).contains(&entry.endpoints.len()), "{entry:?}");
            assert!(entry.endpoints.iter().all(|endpoint| policy.takes(endpoint.ip)), "{entry:?}");
            assert!(entry.seen_at <= BOOK_READ_AT && entry.is_due(BOOK_READ_AT), "{entry:?}");
        }
        assert!(book.anchors().iter().all(|anchor| policy.takes(anchor.endpoint.ip)), "{:?}", book.anchors());
        assert_eq!(decode(&book.encode()).as_ref(), Ok(&book));
    }
}

/// What the command line reads from a node: whatever is understood is written and understood again.
pub fn api_answer(bytes: &[u8]) {
    fn survives<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
        let Ok(value) = serde_json::from_slice::<T>(bytes) else { return };
        let written = serde_json::to_string(&value).expect("what was read can be written");
        let again: T = serde_json::from_str(&written).expect("what was written can be read");
        assert_eq!(serde_json::to_string(&again).ok(), Some(written));
    }
    survives::<dto::Status>(bytes);
    survives::<dto::Health>(bytes);
    survives::<dto::NextPayouts>(bytes);
    survives::<dto::ShareDetail>(bytes);
    survives::<dto::List<dto::Peer>>(bytes);
    survives::<dto::List<dto::ListedNode>>(bytes);
    survives::<dto::List<dto::Block>>(bytes);
    survives::<dto::List<dto::Worker>>(bytes);
    survives::<dto::Problem>(bytes);
}
