//! Folders that are being filled, each with a mark in it: no node starts on what was cut off.
//!
//! ```text
//! mark all --> fill all --> sync all --> remove the marks, that of the first folder last
//! ```
//! A node begins with its first folder. Wherever this is cut off, that one has its mark, or is as it was, or all are whole.

use std::{fs, path::PathBuf};

use super::{DatabaseError, files};
use crate::data_dir::{RESTORING, file_error, write_durably};

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
            begun.take_back();
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
            self.take_back();
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

    fn take_back(&self) {
        self.folders.iter().for_each(|folder| files::empty(folder));
    }
}
