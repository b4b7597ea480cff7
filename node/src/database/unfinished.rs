//! Folders that are being filled, each with a mark in it: no node starts on what was cut off, and nothing is restored from it.
//!
//! ```text
//! mark all --> fill all --> sync all ------> remove the marks, that of the first folder last
//!                 `- fails --> empty all --^  only if all of it went
//! ```
//! A node begins with its first folder. Wherever this is cut off, that one has its mark, or is as it was, or all are whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{DatabaseError, files};
use crate::data_dir::{RESTORING, file_error, write_durably};

/// Whether a folder is being filled, or that was cut off.
pub(super) fn is_marked(folder: &Path) -> bool {
    folder.join(RESTORING).exists()
}

/// See the module.
#[derive(Debug)]
pub(super) struct Unfinished {
    /// That of the first lane first.
    folders: Vec<PathBuf>,
}

impl Unfinished {
    /// Makes and marks folders that are empty, before anything is put into one of them.
    ///
    /// # Errors
    /// When they cannot be made or written; they are empty then, as far as that is possible.
    pub(super) fn begin(folders: Vec<PathBuf>) -> Result<Self, DatabaseError> {
        let begun = Self { folders };
        let marked = begun.folders.iter().try_for_each(|folder| {
            files::make(folder)?;
            let mark = folder.join(RESTORING);
            Ok(write_durably(&mark, b"").map_err(file_error("write", &mark))?)
        });
        if marked.is_err() {
            begun.take_back(files::remove);
        }
        marked.map(|()| begun)
    }

    /// The marks go when all folders are filled; when one is not, all of it goes.
    ///
    /// # Errors
    /// Why they were not filled, or could not be synced.
    pub(super) fn end<T>(self, filled: Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        let ended = filled.and_then(|filled| self.unmark().map(|()| filled));
        if ended.is_err() {
            self.take_back(files::remove);
        }
        ended
    }

    fn unmark(&self) -> Result<(), DatabaseError> {
        for folder in &self.folders {
            files::sync_all(folder)?;
        }
        for folder in self.folders.iter().rev() {
            let mark = folder.join(RESTORING);
            fs::remove_file(&mark).map_err(file_error("remove", &mark))?;
            // A mark that a power cut brings back would condemn what is whole.
            files::sync(folder)?;
        }
        Ok(())
    }

    /// What cannot be removed stays under its mark, and is seen by the next try, which refuses the folder. To remove is an argument,
    /// because a test has nothing that cannot be removed.
    fn take_back(&self, remove: fn(&Path) -> io::Result<()>) {
        // All are emptied, also after one that cannot be.
        let left = self.folders.iter().rev().filter(|folder| !files::empty(folder, RESTORING, remove)).count();
        let unmark = |folder: &PathBuf| match remove(&folder.join(RESTORING)) {
            // It went with the folder around it, or was not written.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
        if left == 0 {
            let _stays_marked = self.folders.iter().rev().try_for_each(unmark);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn what_cannot_be_taken_back_keeps_all_marks_and_what_can_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let (first, second) = (place.path().join("first"), place.path().join("second"));
        let unfinished = Unfinished::begin(vec![first.clone(), second.clone()]).unwrap();
        for folder in [&first, &second] {
            for name in ["node.key", "shares"] {
                fs::write(folder.join(name), "").unwrap();
            }
        }
        let all_but_keys = |path: &Path| match path.ends_with("second/node.key") {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => files::remove(path),
        };
        unfinished.take_back(all_but_keys);
        assert_eq!(
            (names(&first), names(&second)),
            (vec![RESTORING.into()], vec!["node.key".into(), RESTORING.into()])
        );
        unfinished.take_back(files::remove);
        assert_eq!((names(&first).len(), names(&second).len()), (0, 0));
    }
}
