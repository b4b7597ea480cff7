//! Own shares, in one file that only grows, synced before the store has them and before a miner hears of them.
//!
//! ```text
//! own share --> own-shares.journal (fsync) --> store (fsync) --> acknowledged, published
//!                  |  at 4 MiB
//!                  v
//!               own-shares.older.journal, replaced each time
//! ```
//! A store that was lost comes back from peers. Until they have an own share it is here only, so it is put into the new store from
//! here. Each entry is `mark ++ length ++ record`; what is torn or damaged is passed over up to the next mark. Found blocks have files
//! of their own, see `blocks`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use sharechain::{Origin, Params};
use tracing::{info, warn};

use super::{LoadedChain, Store, StoreError, StoredShare, aside, load, record::RECORD_LEN_MAX, sled::SledStore};

/// Begins every entry.
const MARK: [u8; 4] = *b"own\x01";
/// Bytes of mark and length.
const HEAD_LEN: usize = 8;
/// A file of this length makes way for a new one: thousands of own shares, hours of a node that finds all of a pool's. Stops the
/// journal from filling the disk, and a start from reading for long.
const FILE_LEN_MAX: u64 = 4 << 20;
/// Most bytes that are read of a file. Stops a wrong file from filling memory.
const READ_LEN_MAX: u64 = 2 * FILE_LEN_MAX;

/// The open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Journal {
    /// Opens the journal, or begins it; also gives the shares in it, the oldest first.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn open(path: &Path) -> io::Result<(Self, Vec<StoredShare>)> {
        let mut shares = read(&older(path))?;
        shares.extend(read(path)?);
        Ok((Self::append_to(path)?, shares))
    }

    fn append_to(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        sync_folder(path)?;
        let len = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, len })
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
        if self.len >= FILE_LEN_MAX {
            fs::rename(&self.path, older(&self.path))?;
            *self = Self::append_to(&self.path)?;
        }
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        self.len = self.len.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

/// Opens store and journal of a node, and rebuilds the chain. A store that cannot be opened or read is moved aside and begun anew;
/// own shares that it does not have come from the journal.
///
/// # Errors
/// When the system does not let us, or the store is of a newer program.
pub fn open(
    folder: &Path,
    journal: &Path,
    params: &Arc<Params>,
) -> Result<(SledStore, Journal, LoadedChain), StoreError> {
    let (journal, own) = Journal::open(journal).map_err(StoreError::engine("use the journal of own shares"))?;
    let (store, loaded) = aside::open_or_begin_anew(folder, |folder| {
        let mut store = SledStore::open(folder)?;
        let loaded = rebuild(&mut store, &own, params)?;
        Ok((store, loaded))
    })?;
    Ok((store, journal, loaded))
}

/// The chain of the store and of own shares that the store may not have.
fn rebuild(store: &mut dyn Store, own: &[StoredShare], params: &Arc<Params>) -> Result<LoadedChain, StoreError> {
    put_back(store, own, params)?;
    let mut loaded = load(store, params)?;
    if loaded.chain.is_empty() {
        // Their ancestors are with peers: they wait for them.
        for share in own.iter().filter_map(|stored| stored.to_share(params)) {
            let _waiting = loaded.chain.handle(Arc::new(share), Origin::OwnStore, 0);
        }
    }
    Ok(loaded)
}

/// Stores own shares that are not there, but for those below the oldest one that is kept.
fn put_back(store: &mut dyn Store, own: &[StoredShare], params: &Params) -> Result<(), StoreError> {
    let first = store.marks()?.map(|marks| store.get(&marks.first)).transpose()?.flatten();
    let lowest = first.and_then(|first| first.to_share(params)).map_or(0, |first| first.share().data.height);
    let mut missing = Vec::new();
    for stored in own {
        let Some(share) = stored.to_share(params) else { continue };
        if share.share().data.height >= lowest && store.get(&share.id())?.is_none() {
            missing.push((share.id(), stored.clone()));
        }
    }
    if !missing.is_empty() {
        store.append(&missing)?;
        store.sync()?;
        info!(event = "own_shares_restored", shares = missing.len(), "own shares were taken from their journal");
    }
    Ok(())
}

/// The shares of a file; none when it is not there.
fn read(path: &Path) -> io::Result<Vec<StoredShare>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(READ_LEN_MAX).read_to_end(&mut bytes)?,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    let (mut rest, mut shares, mut skipped) = (bytes.as_slice(), Vec::new(), 0_usize);
    while !rest.is_empty() {
        let len = match entry(rest) {
            Some((share, len)) => {
                shares.push(share);
                len
            }
            None => {
                let after = rest.get(1..).unwrap_or_default();
                let len = after.windows(MARK.len()).position(|part| part == MARK).map_or(rest.len(), |at| at + 1);
                skipped += len;
                len
            }
        };
        rest = rest.get(len..).unwrap_or_default();
    }
    if skipped > 0 {
        warn!(path = %path.display(), bytes = skipped, "a part of the journal of own shares is torn or damaged, and passed over");
    }
    Ok(shares)
}

/// The entry at the beginning, and its length.
fn entry(bytes: &[u8]) -> Option<(StoredShare, usize)> {
    let (len, rest) = bytes.strip_prefix(&MARK)?.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_le_bytes(*len)).ok().filter(|len| *len <= RECORD_LEN_MAX)?;
    Some((StoredShare::decode(rest.get(..len)?)?, HEAD_LEN + len))
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("older.journal")
}

/// A new name is durable only when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests;
