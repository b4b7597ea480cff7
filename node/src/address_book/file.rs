//! The book as a file: `version u8 ++ bincode ++ crc32`, like a record of the store; local and never sent.
//!
//! What is read is trusted like gossip: every entry passes the checks of a new one and its place is computed again. A
//! file that is damaged, too long, or written by a hostile hand is an error, and an empty book to the caller.

use std::time::Duration;

use bincode::{
    Decode, Encode,
    config::{self, Configuration, Fixint, Limit, LittleEndian},
};
use libp2p::PeerId;

use super::{
    ANCHORS_MAX, AddressBook, Anchor, ENDPOINTS_MAX, Endpoint, Entry, Millis, key,
    tables::{ENTRIES_MAX, Key, Position},
};
use crate::{
    netgroup::{AddressPolicy, Netgroup},
    peer_selector::Slot,
    region::Region,
};

/// Version of the file; a node that does not know it begins with an empty book.
const VERSION: u8 = 1;
/// Longest file. Stops a damaged length from allocating.
pub const FILE_LEN_MAX: usize = ENTRIES_MAX * ENTRY_LEN_MAX + 1_024;
/// Longest entry: the peer, the endpoints, and numbers.
const ENTRY_LEN_MAX: usize = 8 + PEER_LEN_MAX + 8 + ENDPOINTS_MAX * 19 + 64;
/// Longest identity in bytes: a public key of 42 bytes, inline, with its prefix.
const PEER_LEN_MAX: usize = 48;
const CONFIG: Configuration<LittleEndian, Fixint, Limit<FILE_LEN_MAX>> =
    config::standard().with_fixed_int_encoding().with_limit::<FILE_LEN_MAX>();

/// Why a file is no book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookFileError {
    /// Longer than any book.
    #[error("longer than {FILE_LEN_MAX} bytes")]
    TooLong,
    /// Cut off, or changed since it was written.
    #[error("damaged: the checksum is wrong")]
    Damaged,
    /// Written by another version.
    #[error("unknown version {0}")]
    Version(u8),
    /// The content is not what this version writes.
    #[error("malformed content")]
    Malformed,
}

#[derive(Encode, Decode)]
struct StoredBook {
    secret: [u8; 32],
    entries: Vec<StoredEntry>,
    anchors: Vec<StoredAnchor>,
}

#[derive(Encode, Decode)]
struct StoredEntry {
    peer: Vec<u8>,
    endpoints: Vec<[u8; 19]>,
    region: u8,
    asn: Option<u32>,
    rtt_min_micros: Option<u32>,
    seen_at: u64,
    succeeded_at: Option<u64>,
    failures: u32,
    rests_until: u64,
    source: [u8; 5],
    is_tried: bool,
}

#[derive(Encode, Decode)]
struct StoredAnchor {
    peer: Vec<u8>,
    endpoint: [u8; 19],
    slot: u8,
}

impl AddressBook {
    /// The file.
    pub fn encode(&self) -> Vec<u8> {
        let stored = StoredBook {
            secret: self.secret,
            entries: self.entries.values().map(StoredEntry::of).collect(),
            anchors: self.anchors.iter().map(StoredAnchor::of).collect(),
        };
        let mut file = vec![VERSION];
        // Encoding to memory fails only above the limit, and a full book is below it.
        file.extend(bincode::encode_to_vec(stored, CONFIG).unwrap_or_default());
        file.extend(crc32fast::hash(&file).to_le_bytes());
        file
    }

    /// The book in a file. Entries that the policy no longer takes are left out; times after `now` become `now`.
    ///
    /// # Errors
    /// When the file is not one that this version wrote: begin with an empty book then.
    pub fn decode(file: &[u8], policy: AddressPolicy, now: Millis) -> Result<Self, BookFileError> {
        if file.len() > FILE_LEN_MAX {
            return Err(BookFileError::TooLong);
        }
        let (content, checksum) = file.split_last_chunk::<4>().ok_or(BookFileError::Damaged)?;
        if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
            return Err(BookFileError::Damaged);
        }
        let (version, body) = content.split_first().ok_or(BookFileError::Damaged)?;
        if *version != VERSION {
            return Err(BookFileError::Version(*version));
        }
        let (stored, read): (StoredBook, usize) =
            bincode::decode_from_slice(body, CONFIG).map_err(|_| BookFileError::Malformed)?;
        if read != body.len() || stored.entries.len() > ENTRIES_MAX {
            return Err(BookFileError::Malformed);
        }
        stored.into_book(policy, now).ok_or(BookFileError::Malformed)
    }
}

impl StoredBook {
    fn into_book(self, policy: AddressPolicy, now: Millis) -> Option<AddressBook> {
        let mut book = AddressBook::new(policy, self.secret);
        for stored in self.entries {
            let entry = stored.into_entry(&self.secret, now)?;
            let is_taken = entry.endpoints.iter().all(|endpoint| policy.takes(endpoint.ip));
            if is_taken && !book.entries.contains_key(&entry.peer) {
                book.place_new(entry, now);
            }
        }
        let anchors: Option<Vec<Anchor>> = self.anchors.into_iter().map(StoredAnchor::into_anchor).collect();
        book.keep_anchors(anchors.filter(|anchors| anchors.len() <= ANCHORS_MAX)?);
        Some(book)
    }
}

impl StoredEntry {
    fn of(entry: &Entry) -> Self {
        Self {
            peer: entry.peer.to_bytes(),
            endpoints: entry.endpoints.iter().map(|endpoint| endpoint.to_bytes()).collect(),
            region: region_number(entry.region),
            asn: entry.asn,
            rtt_min_micros: entry.rtt_min.map(|rtt| u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX)),
            seen_at: entry.seen_at,
            succeeded_at: entry.succeeded_at,
            failures: entry.failures,
            rests_until: entry.rests_until,
            source: entry.source.to_bytes(),
            is_tried: entry.is_tried(),
        }
    }

    fn into_entry(self, secret: &[u8; 32], now: Millis) -> Option<Entry> {
        let endpoints: Vec<Endpoint> = self.endpoints.iter().map(Endpoint::from_bytes).collect::<Option<_>>()?;
        let first = *endpoints.first().filter(|_| endpoints.len() <= ENDPOINTS_MAX)?;
        let source = Netgroup::from_bytes(self.source)?;
        let peer = PeerId::from_bytes(&self.peer).ok()?;
        let position = Position::new(Key { secret, peer: &self.peer, endpoint: first }, source);
        let mut entry = Entry {
            peer,
            endpoints,
            region: region_of(self.region)?,
            asn: self.asn,
            rtt_min: self.rtt_min_micros.map(|micros| Duration::from_micros(micros.into())),
            // A clock that was wrong must not make an entry newer than all that will ever be heard.
            seen_at: self.seen_at.min(now),
            succeeded_at: self.succeeded_at.map(|then| then.min(now)),
            failures: self.failures,
            rests_until: self.rests_until.min(now),
            source,
            position,
        };
        if self.is_tried {
            entry.position = Position::tried(key(secret, &self.peer, &entry));
        }
        Some(entry)
    }
}

impl StoredAnchor {
    fn of(anchor: &Anchor) -> Self {
        Self {
            peer: anchor.peer.to_bytes(),
            endpoint: anchor.endpoint.to_bytes(),
            slot: match anchor.slot {
                Slot::Near => 1,
                Slot::Far => 2,
                Slot::Random | Slot::Feeler | Slot::Unasked | Slot::Inbound | Slot::Pinned => 3,
            },
        }
    }

    fn into_anchor(self) -> Option<Anchor> {
        let slot = match self.slot {
            1 => Slot::Near,
            2 => Slot::Far,
            3 => Slot::Random,
            _ => return None,
        };
        Some(Anchor {
            peer: PeerId::from_bytes(&self.peer).ok()?,
            endpoint: Endpoint::from_bytes(&self.endpoint)?,
            slot,
        })
    }
}

/// One more than the region's byte elsewhere; 0 stands for none.
const fn region_number(region: Option<Region>) -> u8 {
    match region {
        None => 0,
        Some(region) => region.index() + 1,
    }
}

/// `None` when no region has this number.
fn region_of(number: u8) -> Option<Option<Region>> {
    match number.checked_sub(1) {
        None => Some(None),
        Some(index) => Region::from_index(index).map(Some),
    }
}
