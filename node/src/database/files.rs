//! Folders that are copied: file by file, with the modes they have, and synced at the end. Nothing is overwritten.

use std::{
    fs::{self, DirBuilder, File},
    io,
    path::Path,
};

use super::DatabaseError;
use crate::data_dir::file_error;

/// Whether there is nothing, but for files of these names.
pub(super) fn is_free(folder: &Path, but: &[&str]) -> Result<bool, DatabaseError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(cause) => return Err(file_error("read", folder)(cause).into()),
    };
    for entry in entries {
        let name = entry.map_err(file_error("read", folder))?.file_name();
        if !but.iter().any(|but| name == **but) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a folder, which need not be there yet, is another one or inside of it.
pub(super) fn is_inside(folder: &Path, other: &Path) -> bool {
    let Ok(other) = other.canonicalize() else { return false };
    let Ok(folder) = std::path::absolute(folder) else { return false };
    // Those that are not there yet have no links in them.
    folder.ancestors().find_map(|part| part.canonicalize().ok()).is_some_and(|there| there.starts_with(&other))
}

/// Makes a folder for its owner alone, durably; one that is there stays as it is.
pub(super) fn make(folder: &Path) -> Result<(), DatabaseError> {
    let folder = std::path::absolute(folder).map_err(file_error("find", folder))?;
    let new: Vec<&Path> = folder.ancestors().take_while(|part| !part.exists()).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder).map_err(file_error("create", &folder))?;
    // A new name is durable only when its folder is.
    new.into_iter().filter_map(Path::parent).try_for_each(sync)
}

/// Makes what was written to a file, or the names in a folder, survive a power cut.
pub(super) fn sync(path: &Path) -> Result<(), DatabaseError> {
    Ok(File::open(path).and_then(|file| file.sync_all()).map_err(file_error("sync", path))?)
}

/// The same of everything in a folder.
pub(super) fn sync_all(folder: &Path) -> Result<(), DatabaseError> {
    for entry in fs::read_dir(folder).map_err(file_error("read", folder))? {
        let entry = entry.map_err(file_error("read", folder))?;
        let path = entry.path();
        if entry.file_type().map_err(file_error("read", &path))?.is_dir() {
            sync_all(&path)?;
        } else {
            sync(&path)?;
        }
    }
    sync(folder)
}

/// Copies what is in a folder, but for what is left out at its top; says how many files there were.
pub(super) fn copy(from: &Path, to: &Path, left_out: &dyn Fn(&str) -> bool) -> Result<usize, DatabaseError> {
    make(to)?;
    let mut files = 0;
    for entry in fs::read_dir(from).map_err(file_error("read", from))? {
        let entry = entry.map_err(file_error("read", from))?;
        let name = entry.file_name();
        let (source, target) = (entry.path(), to.join(&name));
        if left_out(&name.to_string_lossy()) {
            continue;
        }
        let kind = entry.file_type().map_err(file_error("read", &source))?;
        if kind.is_dir() {
            files += copy(&source, &target, &|_| false)?;
        } else if kind.is_file() {
            files += usize::from(copy_file(&source, &target)?);
        }
    }
    Ok(files)
}

/// A running node replaces and removes files: one that has gone meanwhile is none.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<bool, DatabaseError> {
    match fs::copy(from, to) {
        Ok(_) => Ok(true),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(file_error("copy", from)(cause).into()),
    }
}

/// Removes what is in a folder, but for one name; says whether all of it went, durably. A folder that is not there has nothing.
pub(super) fn empty(folder: &Path, but: &str, remove: fn(&Path) -> io::Result<()>) -> bool {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) => return cause.kind() == io::ErrorKind::NotFound,
    };
    let stays = |entry: &io::Result<fs::DirEntry>| match entry {
        Ok(entry) => entry.file_name() != but && remove(&entry.path()).is_err(),
        Err(_) => true,
    };
    // What one entry refuses says nothing of the others: all are tried.
    entries.filter(stays).count() == 0 && sync(folder).is_ok()
}

/// Removes a file, or a folder with what is in it.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
