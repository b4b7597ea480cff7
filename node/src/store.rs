//! The share store: every linked share, in the order it was linked, on a thread of its own.
//!
//! What is acknowledged as durable has been through `flush()` and `sync_data()` of sled's file: sled's flush alone lost
//! every acknowledged write in a power cut. The store is a cache of a verifiable log: a record whose checksum is wrong
//! is dropped and fetched from peers again.

use std::{io::ErrorKind, path::PathBuf};

use sharechain::{ParamsId, ShareId};

mod aside;
mod held;
mod journal;
mod load;
pub mod mem;
mod pace;
pub mod record;
#[cfg(any(test, feature = "redb"))]
pub mod redb;
pub mod schema;
pub mod sled;
mod task;

pub use journal::{Journal, JournalReader, open, refuse_other_journal};
pub use load::{LoadedChain, load, refuse_other_chain};
pub use pace::WritePace;
pub use record::StoredShare;
#[cfg(test)]
pub(crate) use task::Command;
pub use task::{OwnPage, StoreHandle, spawn};

pub(crate) use aside::kept as kept_aside;
pub(crate) use journal::files as journal_files;

/// Most records of a page. Stops whoever reads the store from holding up those who write by more than a few milliseconds.
pub const STORE_PAGE_MAX: usize = 500;

/// A place for shares. A share is stored once, and keeps its place until it is removed.
pub trait Store: Send {
    /// Stores shares that are not there yet, all of them or none.
    ///
    /// # Errors
    /// When nothing was stored.
    fn append(&mut self, shares: &[(ShareId, StoredShare)]) -> Result<(), StoreError>;

    /// Removes shares; those that are not there are none. What makes them needless has to be synced before: a power cut may take
    /// that back and not the removal. They may come back in one even after a sync, for the next start finds that they are unused.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn remove(&mut self, ids: &[ShareId]) -> Result<(), StoreError>;

    /// Remembers where the chain begins and ends.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn mark(&mut self, marks: Marks) -> Result<(), StoreError>;

    /// What was last remembered; `None` when nothing was, or its record is damaged.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn marks(&self) -> Result<Option<Marks>, StoreError>;

    /// The version of what is stored here; 0 in a new store, and in one from before there were versions.
    ///
    /// # Errors
    /// When the store cannot be read, or says it in a way that nobody ever wrote.
    fn schema(&self) -> Result<u32, StoreError>;

    /// Notes the version of what is stored here.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn set_schema(&mut self, version: u32) -> Result<(), StoreError>;

    /// Makes everything appended so far survive a power cut.
    ///
    /// # Errors
    /// When it may not; the data must not be acknowledged then.
    fn sync(&mut self) -> Result<(), StoreError>;

    /// Whether there is room to write. Asked before every write: an engine that has filled the disk may not open again.
    fn has_room(&self) -> bool {
        true
    }

    /// One share; `None` when it is not there or its record is damaged.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn get(&self, id: &ShareId) -> Result<Option<StoredShare>, StoreError>;

    /// At most `len_max` records in order of appending, from the one after the place `after`; damaged ones are left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn page(&self, after: Option<u64>, len_max: usize) -> Result<Page, StoreError>;

    /// Calls `visit` with every share in order of appending; damaged records are skipped and counted.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn for_each(&self, visit: &mut dyn FnMut(StoredShare)) -> Result<Loaded, StoreError>;
}

/// Where the best chain begins and ends. The shares alone do not tell which of two old branches the node was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The oldest share of the best chain that is kept; the virtual genesis while that is.
    pub first: ShareId,
    /// The best share.
    pub tip: ShareId,
}

/// A part of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Shares in order of appending.
    pub shares: Vec<StoredShare>,
    /// Records that were left out.
    pub damaged: u64,
    /// Place of the last record that was looked at; `None` when there may be no more.
    pub next: Option<u64>,
}

impl Page {
    /// Takes a page off records with their places, which come in order.
    fn of<R: AsRef<[u8]>>(
        records: impl Iterator<Item = Result<(u64, R), StoreError>>,
        len_max: usize,
    ) -> Result<Self, StoreError> {
        let (mut page, mut seen) = (Self::default(), 0);
        for entry in records.take(len_max) {
            let (place, record) = entry?;
            seen += 1;
            page.next = Some(place);
            match StoredShare::decode(record.as_ref()) {
                Some(share) => page.shares.push(share),
                None => page.damaged += 1,
            }
        }
        if seen < len_max {
            page.next = None;
        }
        Ok(page)
    }
}

/// What a pass over the store met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Records that were read.
    pub shares: u64,
    /// Records whose checksum or form is wrong.
    pub damaged: u64,
}

impl Loaded {
    fn count(&mut self, record: Option<StoredShare>, visit: &mut dyn FnMut(StoredShare)) {
        match record {
            Some(share) => {
                self.shares = self.shares.saturating_add(1);
                visit(share);
            }
            None => self.damaged = self.damaged.saturating_add(1),
        }
    }
}

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine or the disk.
    #[error("{action}")]
    Engine {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine's own files, by its own word.
    #[error("{action}")]
    Damaged {
        /// What was tried.
        action: &'static str,
        /// What it found.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A newer program wrote it.
    #[error(
        "it was written by a newer poolnode (version {found} of the store; this one knows {known}); update poolnode, or move the \
         folder away and have the shares synced again"
    )]
    Newer {
        /// What the store says.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// What it holds was found for another share chain.
    #[error(
        "{held} are of another share chain than {wanted}, which is configured: of another coin, password or rules; give every \
         share chain a data directory of its own (`--data-dir`)"
    )]
    OtherChain {
        /// Which shares.
        held: &'static str,
        /// The identity of the configured one.
        wanted: ParamsId,
    },
    /// Stores were moved aside again and again.
    #[error(
        "it is damaged ({cause}), and {lie_aside} damaged stores lie aside already; look at disk and memory of this machine, then \
         delete {} and start again: the shares come back from peers",
        pattern.display()
    )]
    TooManyAside {
        /// How many.
        lie_aside: usize,
        /// What they are called.
        pattern: PathBuf,
        /// What is wrong with this one.
        cause: String,
    },
    /// The disk is nearly full. What was to be written waits in memory.
    #[error("no space left on the node's disk; shares are taken again as soon as there is some")]
    NoRoom,
    /// The store thread is gone.
    #[error("the store has stopped")]
    Stopped,
}

impl StoreError {
    fn engine<E>(action: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Engine { action, source: source.into() }
    }

    fn damaged<E>(action: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Damaged { action, source: source.into() }
    }

    /// Whether the engine's own files are to blame, and not the system around them.
    pub fn is_damage(&self) -> bool {
        let source = match self {
            Self::Engine { source, .. } => source,
            Self::Damaged { .. } => return true,
            Self::Newer { .. } | Self::OtherChain { .. } | Self::TooManyAside { .. } | Self::NoRoom | Self::Stopped => {
                return false;
            }
        };
        match source.downcast_ref::<::sled::Error>() {
            Some(::sled::Error::Io(cause)) => {
                matches!(cause.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof)
            }
            Some(_) => true,
            None => false,
        }
    }

    /// The error with its causes, for a miner or a log line.
    pub fn chain(&self) -> String {
        crate::error::chain(self)
    }
}

#[cfg(test)]
mod tests;
