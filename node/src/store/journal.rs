//! Own shares, in one file that only grows, synced before the store has them and before a miner hears of them.
//!
//! ```text
//! own share --> own-shares.journal (fsync) --> store (fsync) --> acknowledged, published
//!                  |  at 64 MiB
//!                  v
//!               own-shares.older.journal, replaced each time
//! ```
//! A store that was lost comes back from peers. Until they have an own share it is here only, so it is put into the new store from
//! here, and offered to the chain again when it has caught up, see `chain_task`. How long it stays is a matter of length, not of who
//! has it. Each entry is `mark ++ length ++ record`; what is torn or damaged is passed over up to the next mark. Found blocks have files
//! of their own, see `blocks`.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use sharechain::Params;
use tracing::{info, warn};

use super::{
    LoadedChain, STORE_PAGE_MAX, Store, StoreError, StoredShare, aside, load, record::RECORD_LEN_MAX,
    refuse_other_chain, sled::SledStore,
};
use crate::{data_dir::sync_folder, defaults::STORE_BATCH_MAX};

mod reader;

pub use reader::JournalReader;

/// Begins every entry.
const MARK: [u8; 4] = *b"own\x01";
/// Bytes of mark and length.
const HEAD_LEN: usize = 8;
/// A file that would grow longer makes way for a new one, so the newest 64 MiB of own shares at least are here, and 128 MiB at
/// most. Stops a miner that is much faster than the network from filling the disk.
///
/// It is more than a PPLNS window of own shares, 86,400 of a main network, a day of a node that finds all of them: a share
/// with one uncle, in a block of 4,000 transactions, takes about 740 bytes, a window 61 MiB. Only of shares with many uncles
/// each is there less than a window.
const FILE_LEN_MAX: u64 = 64 << 20;
/// What is appended at once fits into a file.
const _: () = assert!(STORE_BATCH_MAX * (HEAD_LEN + RECORD_LEN_MAX) < 64 << 20);

/// The open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    len: u64,
    /// Longest file.
    len_max: u64,
}

impl Journal {
    /// Opens the journal, or begins it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::open_with(path, FILE_LEN_MAX)
    }

    fn open_with(path: &Path, len_max: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        // A new name is durable only when its folder is.
        path.parent().map_or(Ok(()), sync_folder)?;
        let len = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, len, len_max })
    }

    /// The shares in it, from the oldest on.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn shares(&self) -> io::Result<JournalReader> {
        JournalReader::open(&self.path)
    }

    /// Writes shares; they survive a power cut when this returns.
    ///
    /// # Errors
    /// When they may not: then nothing of it may be acknowledged.
    pub fn append(&mut self, shares: &[StoredShare]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for share in shares {
            let record = share.encode();
            bytes.extend(MARK);
            bytes.extend(u32::try_from(record.len()).map_err(io::Error::other)?.to_le_bytes());
            bytes.extend(record);
        }
        let added = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.len > 0 && self.len.saturating_add(added) > self.len_max {
            fs::rename(&self.path, older(&self.path))?;
            *self = Self::open_with(&self.path, self.len_max)?;
        }
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        self.len = self.len.saturating_add(added);
        Ok(())
    }
}

/// Opens store and journal of a node, and rebuilds the chain. A store that cannot be opened or read is moved aside and begun anew;
/// own shares that it does not have come from the journal.
///
/// # Errors
/// When the system does not let us, or the store is of a newer program or of another share chain.
pub fn open(
    folder: &Path,
    journal: &Path,
    params: &Arc<Params>,
    generation_shares: u64,
) -> Result<(SledStore, Journal, LoadedChain), StoreError> {
    let journal = Journal::open(journal).map_err(StoreError::engine("use the journal of own shares"))?;
    let (store, loaded) = aside::open_or_begin_anew(folder, |folder| {
        let mut store = SledStore::open_with(folder, generation_shares)?;
        let loaded = rebuild(&mut store, &journal, params)?;
        Ok((store, loaded))
    })?;
    Ok((store, journal, loaded))
}

/// The chain of the store and of own shares that the store may not have.
fn rebuild(store: &mut dyn Store, journal: &Journal, params: &Arc<Params>) -> Result<LoadedChain, StoreError> {
    refuse_other_chain(store, &journal.path, params)?;
    let restored = put_back(store, journal, params)?;
    let mut loaded = load(store, params)?;
    let unlinked = loaded.unused.len();
    if restored > 0 {
        // The ancestors of what was put back may be with peers only.
        loaded.unused.clear();
    } else if unlinked > 0 {
        keep_own(&mut loaded, journal, params)?;
    }
    loaded.kept += unlinked - loaded.unused.len();
    Ok(loaded)
}

/// Own shares stay as long as they are in the journal, or the next start would put them back.
fn keep_own(loaded: &mut LoadedChain, journal: &Journal, params: &Params) -> Result<(), StoreError> {
    let (lowest, mut own) = (loaded.chain.first_height(), BTreeSet::new());
    each_page(&journal.path, |page| {
        let shares = page.iter().filter_map(|stored| stored.to_share(params));
        own.extend(shares.filter(|share| share.share().data.height >= lowest).map(|share| share.id()));
        Ok(())
    })?;
    loaded.unused.retain(|id| !own.contains(id));
    Ok(())
}

/// Stores own shares that are not there, but for those below the oldest one that is kept; says how many.
fn put_back(store: &mut dyn Store, journal: &Journal, params: &Params) -> Result<usize, StoreError> {
    let first = store.marks()?.map(|marks| store.get(&marks.first)).transpose()?.flatten();
    let lowest = first.and_then(|first| first.to_share(params)).map_or(0, |first| first.share().data.height);
    let (mut restored, mut foreign) = (0_usize, 0_usize);
    each_page(&journal.path, |page| {
        let mut missing = Vec::new();
        for stored in page {
            let Some(share) = stored.to_share(params) else { continue };
            if share.share().data.height < lowest || store.get(&share.id())?.is_some() {
                continue;
            }
            // The folder may have been another pool's once, before a start refused it.
            if stored.is_of(params) { missing.push((share.id(), stored)) } else { foreign += 1 }
        }
        restored += missing.len();
        if missing.is_empty() { Ok(()) } else { store.append(&missing) }
    })?;
    if restored > 0 {
        store.sync()?;
        info!(event = "own_shares_restored", shares = restored, "own shares were taken from their journal");
    }
    if foreign > 0 {
        warn!(
            event = "own_shares_foreign",
            shares = foreign,
            "the journal has own shares of another share chain; they stay there"
        );
    }
    Ok(restored)
}

/// Refuses a journal whose newest share was found for another share chain: the store of another pool may have been deleted, and
/// its journal not.
///
/// # Errors
/// [`StoreError::OtherChain`], or when it cannot be read.
pub fn refuse_other_journal(journal: &Path, params: &Params) -> Result<(), StoreError> {
    let mut newest = None;
    each_page(journal, |mut page| {
        newest = page.pop();
        Ok(())
    })?;
    let held = "own shares in its own-shares.journal, or own-shares.older.journal,";
    if newest.is_none_or(|newest| newest.is_of(params)) {
        Ok(())
    } else {
        Err(StoreError::OtherChain { held, wanted: params.id() })
    }
}

/// Visits what is in the journal, from the oldest share on.
fn each_page(
    journal: &Path,
    mut visit: impl FnMut(Vec<StoredShare>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let failed = || StoreError::engine("read the journal of own shares");
    let mut reader = JournalReader::open(journal).map_err(failed())?;
    loop {
        let page = reader.page(STORE_PAGE_MAX).map_err(failed())?;
        if page.is_empty() {
            return Ok(());
        }
        visit(page)?;
    }
}

/// The files of a journal. It is written to the first, which is renamed to the second: whoever copies them in this order has what
/// was in the first one in one of the copies.
pub(crate) fn files(path: &Path) -> [PathBuf; 2] {
    [path.to_owned(), older(path)]
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("older.journal")
}

#[cfg(test)]
mod tests;
