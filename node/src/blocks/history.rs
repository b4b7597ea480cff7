//! What became of the pool's blocks, kept over a restart: one JSON file beside the blocks, written as a whole.
//!
//! It is for people and for the API. Nothing depends on it: without it the blocks' own files are submitted all the same.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{PoolBlock, PoolBlockStatus};
use crate::{data_dir::write_durably, defaults::BLOCKS_REMEMBERED_MAX};

/// Name of the file.
const FILE: &str = "history.json";
/// Longest file: a record is at most a kilobyte. Stops a wrong file from filling memory.
const FILE_LEN_MAX: u64 = 1_024 * (BLOCKS_REMEMBERED_MAX as u64 + 1);

/// What is kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    pub(super) blocks: Vec<PoolBlock>,
    /// Confirmed blocks that are not listed any more.
    pub(super) forgotten: u64,
}

#[derive(Serialize, Deserialize)]
struct File {
    blocks: Vec<Record>,
    forgotten: u64,
}

#[derive(Serialize, Deserialize)]
struct Record {
    hash: String,
    height: u32,
    coinbase_value: u64,
    own: bool,
    found_at: u64,
    #[serde(flatten)]
    status: Status,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum Status {
    Found,
    Submitted,
    Refused { reason: String },
    Confirmed { confirmations: i64 },
    Matured { confirmations: i64 },
    Orphaned,
}

/// What was kept in this folder; nothing when there is no such file, or when it is damaged.
pub(super) fn read(folder: &Path) -> History {
    let path = folder.join(FILE);
    let read = fs::metadata(&path).and_then(|metadata| {
        let too_long = || io::Error::new(io::ErrorKind::FileTooLarge, "too long");
        if metadata.len() > FILE_LEN_MAX { Err(too_long()) } else { fs::read(&path) }
    });
    let parsed = match read {
        Ok(bytes) => serde_json::from_slice::<File>(&bytes).map_err(|cause| cause.to_string()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return History::default(),
        Err(cause) => Err(cause.to_string()),
    };
    match parsed {
        Ok(File { blocks, forgotten }) => History { blocks: blocks.into_iter().filter_map(block).collect(), forgotten },
        Err(cause) => {
            warn!(path = %path.display(), cause, "what became of found blocks cannot be read; it is asked again");
            History::default()
        }
    }
}

/// Replaces what was kept.
pub(super) fn write(folder: &Path, history: &History) -> io::Result<()> {
    let file = File { blocks: history.blocks.iter().map(record).collect(), forgotten: history.forgotten };
    write_durably(&folder.join(FILE), &serde_json::to_vec_pretty(&file)?)
}

fn block(record: Record) -> Option<PoolBlock> {
    let Record { hash, height, coinbase_value, own, found_at, status } = record;
    let status = match status {
        Status::Found => PoolBlockStatus::Found,
        Status::Submitted => PoolBlockStatus::Submitted,
        Status::Refused { reason } => PoolBlockStatus::Refused(reason),
        Status::Confirmed { confirmations } => PoolBlockStatus::Confirmed(confirmations),
        Status::Matured { confirmations } => PoolBlockStatus::Matured(confirmations),
        Status::Orphaned => PoolBlockStatus::Orphaned,
    };
    Some(PoolBlock { hash: hash.parse().ok()?, height, coinbase_value, own, found_at, status })
}

fn record(block: &PoolBlock) -> Record {
    let status = match &block.status {
        PoolBlockStatus::Found => Status::Found,
        PoolBlockStatus::Submitted => Status::Submitted,
        PoolBlockStatus::Refused(reason) => Status::Refused { reason: reason.clone() },
        PoolBlockStatus::Confirmed(confirmations) => Status::Confirmed { confirmations: *confirmations },
        PoolBlockStatus::Matured(confirmations) => Status::Matured { confirmations: *confirmations },
        PoolBlockStatus::Orphaned => Status::Orphaned,
    };
    let PoolBlock { hash, height, coinbase_value, own, found_at, status: _ } = block;
    Record {
        hash: hash.to_string(),
        height: *height,
        coinbase_value: *coinbase_value,
        own: *own,
        found_at: *found_at,
        status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn every_status_is_kept_and_a_damaged_file_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), History::default());
        let statuses = [
            PoolBlockStatus::Found,
            PoolBlockStatus::Submitted,
            PoolBlockStatus::Refused("bad-cb-amount".to_owned()),
            PoolBlockStatus::Confirmed(3),
            PoolBlockStatus::Matured(100),
            PoolBlockStatus::Orphaned,
        ];
        let block = |(tag, status): (u8, PoolBlockStatus)| PoolBlock { own: tag == 1, status, ..testing::block(tag) };
        let history = History { blocks: (0..).zip(statuses).map(block).collect(), forgotten: 5 };
        write(folder.path(), &history).unwrap();
        assert_eq!(read(folder.path()), history);
        fs::write(folder.path().join(FILE), "{").unwrap();
        assert_eq!(read(folder.path()), History::default());
        fs::write(folder.path().join(FILE), vec![b' '; usize::try_from(FILE_LEN_MAX).unwrap() + 1]).unwrap();
        assert_eq!(read(folder.path()), History::default());
    }
}
