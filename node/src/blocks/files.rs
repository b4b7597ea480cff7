//! The files of found blocks, `HASH.block`: a whole block in hexadecimal digits, there until the block is matured.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sharechain::BlockHash;
use tracing::warn;

use crate::{
    data_dir::{read_kept, write_durably},
    defaults::RPC_BODY_MAX,
};

/// Longest file. A block is made of a template, an answer with the same digits and more, and no daemon takes a longer
/// submitblock. Stops a wrong file from filling memory.
pub(super) const FILE_LEN_MAX: usize = RPC_BODY_MAX;

/// Where the file of a block is.
pub(super) fn path(folder: &Path, hash: &BlockHash) -> PathBuf {
    folder.join(format!("{hash}.block"))
}

/// The files of a folder.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn all(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        match entry {
            Ok(entry) => paths.push(entry.path()),
            Err(cause) => warn!(%cause, folder = %folder.display(), "a file of the folder cannot be seen"),
        }
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "block"));
    Ok(paths)
}

/// The block of a file; `None` when there is no file.
///
/// # Errors
/// When it cannot be read, is too long, or is not hexadecimal.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    read_kept(path, FILE_LEN_MAX, |text| hex::decode(text.trim_ascii()).map_err(io::Error::other))
}

/// Puts a block into its file, so that it survives a power cut.
///
/// # Errors
/// When a step fails.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_durably(path, hex::encode(bytes).as_bytes())
}

/// A matured block needs no file any more.
pub(super) fn forget(path: &Path) {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            warn!(%cause, path = %path.display(), "a matured block's file could not be removed");
        }
        _ => {}
    }
}
