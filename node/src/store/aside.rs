//! What cannot be opened is moved aside, loudly, and begun anew: the shares come back from peers.

use std::{
    any::Any,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use tracing::error;

use super::StoreError;
use crate::clock::unix_now;

/// Stores that are moved aside within one second. Stops a disk on which nothing can be kept from being filled with them.
const ASIDE_PER_SECOND_MAX: u32 = 100;

/// Opens a store; when its files are damaged it is moved aside, and an empty one is opened in its place.
///
/// # Errors
/// When the system does not let us (permissions, space, open files): then the store may be whole, and stays.
pub(super) fn open_or_begin_anew<S>(
    folder: &Path,
    open: impl Fn(&Path) -> Result<S, StoreError>,
) -> Result<S, StoreError> {
    let cause = match catching(|| open(folder)) {
        Err(cause) if cause.is_damage() && folder.exists() => cause,
        opened => return opened,
    };
    let aside = free_name(folder);
    fs::rename(folder, &aside).map_err(StoreError::engine("move the damaged store aside"))?;
    error!(
        event = "store_moved_aside", cause = cause.chain(), kept = %aside.display(),
        "the share store could not be opened; it was moved aside and the shares will be synced again"
    );
    catching(|| open(folder))
}

/// Engines panic on some damaged files; for those who call them that is an error like any other.
pub(super) fn catching<T>(call: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        Err(StoreError::damaged("open the store")(format!("the engine panicked: {}", words(&*panic))))
    })
}

/// What was moved aside of this store, and is still there.
pub(crate) fn kept(folder: &Path) -> Vec<PathBuf> {
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else { return Vec::new() };
    let prefix = format!("{}.damaged-", name.to_string_lossy());
    let entries = fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok);
    let mut kept: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .collect();
    kept.sort();
    kept
}

fn free_name(folder: &Path) -> PathBuf {
    let now = unix_now();
    let names = (1..ASIDE_PER_SECOND_MAX).map(|number| folder.with_extension(format!("damaged-{now}-{number}")));
    let mut names = std::iter::once(folder.with_extension(format!("damaged-{now}"))).chain(names);
    // When all are taken, the rename fails and says so.
    names.find(|name| !name.exists()).unwrap_or_else(|| folder.with_extension(format!("damaged-{now}")))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}
