//! Where a run keeps everything: a folder that the caller names and that stays, or a temporary one that goes with the run.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// The folder of a run. A temporary one is removed with everything in it when this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl Folder {
    /// The folder that the caller wants, or a temporary one.
    ///
    /// # Errors
    /// When the system gives no temporary folder.
    pub(crate) fn new(wanted: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(path) = wanted {
            return Ok(Self { path: path.to_owned(), temporary: None });
        }
        let temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
        Ok(Self { path: temporary.path().to_owned(), temporary: Some(temporary) })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps a temporary folder from being removed, and says where it is; one that stays anyway needs no telling.
    pub(crate) fn keep(&mut self) -> Option<PathBuf> {
        self.temporary.take().map(tempfile::TempDir::keep)
    }
}
