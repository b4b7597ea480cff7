//! Who has the data directory: nothing is made or changed to find out.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
};

use nix::unistd::geteuid;

/// The state of a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Folder {
    /// It is not there yet: the first start makes it.
    Absent,
    /// No node has it.
    Free {
        /// Its owner, where that is another user than who looks.
        owner: Option<u32>,
        /// Permission bits.
        mode: u32,
    },
    /// A node has it.
    InUse {
        /// See above.
        owner: Option<u32>,
        /// See above.
        mode: u32,
    },
    /// It cannot be looked into.
    Closed(io::ErrorKind),
}

impl Folder {
    /// Looks once; a node may start or stop right after.
    pub(super) fn look(path: &Path) -> Self {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Self::Absent,
            Err(cause) => return Self::Closed(cause.kind()),
        };
        let (mode, owner) = (metadata.mode() & 0o777, metadata.uid());
        let owner = Some(owner).filter(|owner| *owner != geteuid().as_raw());
        match lock(path) {
            Ok(_) => Self::Free { owner, mode },
            Err(TryLockError::WouldBlock) => Self::InUse { owner, mode },
            Err(TryLockError::Error(cause)) => Self::Closed(cause.kind()),
        }
    }
}

/// Keeps nodes out of a data directory for as long as the file lives; `None` when no node was ever in it.
pub(super) fn lock(path: &Path) -> Result<Option<File>, TryLockError> {
    let file = match File::open(path.join("lock")) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(TryLockError::Error(cause)),
    };
    file.try_lock().map(|()| Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_dir::DataDir;

    #[test]
    fn a_folder_is_absent_free_or_in_use_and_looking_makes_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("node");
        assert_eq!(Folder::look(&path), Folder::Absent);
        assert!(!path.exists());
        let opened = DataDir::open(&path).unwrap();
        assert_eq!(Folder::look(&path), Folder::InUse { owner: None, mode: 0o700 });
        drop(opened);
        assert_eq!(Folder::look(&path), Folder::Free { owner: None, mode: 0o700 });
        fs::remove_file(path.join("lock")).unwrap();
        assert_eq!(Folder::look(&path), Folder::Free { owner: None, mode: 0o700 });
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        assert_eq!(Folder::look(&parent.path().join("node/x/y")), Folder::Absent);
    }
}
