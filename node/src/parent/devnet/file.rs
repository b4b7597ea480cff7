//! The devnet's block file: every block that was added, one after the other, length first.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    path::PathBuf,
};

use tracing::{info, warn};

use super::{DevnetChain, chain::Outcome};
use crate::{data_dir::file_error, error::NodeError};

/// Longest block kept; the weight limit in bytes.
const BLOCK_LEN_MAX: usize = 4_000_000;

/// An append-only file.
#[derive(Debug)]
pub(super) struct BlockFile {
    file: File,
    path: PathBuf,
}

impl BlockFile {
    /// Opens the file and gives its blocks to the chain. What a crash left half-written at its end is cut off.
    pub(super) fn open(path: PathBuf, chain: &mut DevnetChain) -> Result<Self, NodeError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(file_error("create", folder))?;
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let mut file = options.open(&path).map_err(file_error("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(NodeError::DevnetFileInUse(path)),
            Err(TryLockError::Error(cause)) => return Err(file_error("lock", &path)(cause)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(file_error("read", &path))?;
        let mut rest = bytes.as_slice();
        while let Some((block, after)) = split_block(rest) {
            // Blocks were checked when they were written; `u64::MAX` because their times are not new.
            match chain.submit(block, u64::MAX) {
                Outcome::Accepted | Outcome::Inconclusive | Outcome::Duplicate => rest = after,
                Outcome::Refused(reason) => return Err(NodeError::DevnetFileRefused { path, reason }),
            }
        }
        if !rest.is_empty() {
            warn!(path = %path.display(), bytes = rest.len(), "the end of the devnet block file is damaged, cut off");
            let kept = u64::try_from(bytes.len() - rest.len()).unwrap_or_default();
            file.set_len(kept).map_err(file_error("cut", &path))?;
        }
        info!(height = chain.height(), "devnet chain loaded");
        Ok(Self { file, path })
    }

    /// Appends a block and waits until it is on the disk.
    pub(super) fn append(&mut self, block: &[u8]) -> Result<(), NodeError> {
        let length = u32::try_from(block.len()).unwrap_or(u32::MAX).to_le_bytes();
        let record = [&length, block].concat();
        self.file.write_all(&record).and_then(|()| self.file.sync_data()).map_err(file_error("write", &self.path))
    }
}

/// The first block and what follows it.
fn split_block(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= BLOCK_LEN_MAX)?;
    rest.split_at_checked(length)
}
