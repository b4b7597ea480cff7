//! What cannot be opened twice is moved aside, loudly, and begun anew: the shares come back from peers.

use std::{
    any::Any,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use tracing::error;

use super::StoreError;
use crate::clock::unix_now;

/// Stores that lie aside. Stops a machine that damages every store from filling its disk with one more at every start.
const STORES_ASIDE_MAX: usize = 8;
/// Time before the second try: for a system that had no thread or memory left at the first.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// Opens a store; when its files are damaged, at a second try too, it is moved aside, and an empty one is opened in its place.
///
/// # Errors
/// See [`open_or_move_aside`].
pub(super) fn open_or_begin_anew<S>(
    folder: &Path,
    open: impl Fn(&Path) -> Result<S, StoreError>,
) -> Result<S, StoreError> {
    match open_or_move_aside(folder, folder, &open)? {
        Some(opened) => Ok(opened),
        None => catching(|| open(folder)),
    }
}

/// Opens a folder that is a store or a part of it; when its files are damaged, at a second try too, it is moved aside of the store.
///
/// # Errors
/// When the system does not let us (permissions, space, open files): then the files may be whole, and stay. So they do with
/// [`StoreError::TooManyAside`].
pub(super) fn open_or_move_aside<S>(
    part: &Path,
    store: &Path,
    open: impl Fn(&Path) -> Result<S, StoreError>,
) -> Result<Option<S>, StoreError> {
    let is_damaged = |cause: &StoreError| cause.is_damage() && part.exists();
    match catching(|| open(part)) {
        // An engine that cannot start a thread panics, as it does when its files are damaged.
        Err(cause) if is_damaged(&cause) => thread::sleep(RETRY_PAUSE),
        opened => return opened.map(Some),
    }
    match catching(|| open(part)) {
        Err(cause) if is_damaged(&cause) => move_aside(part, store, &cause).map(|()| None),
        opened => opened.map(Some),
    }
}

fn move_aside(part: &Path, store: &Path, cause: &StoreError) -> Result<(), StoreError> {
    let lie_aside = kept(store).len();
    if lie_aside >= STORES_ASIDE_MAX {
        let pattern = store.with_extension("damaged-*");
        return Err(StoreError::TooManyAside { lie_aside, pattern, cause: cause.chain() });
    }
    let aside = free_name(store);
    fs::rename(part, &aside).map_err(StoreError::engine("move the damaged store aside"))?;
    error!(
        event = "store_moved_aside", cause = cause.chain(), damaged = %part.display(), kept = %aside.display(),
        "the share store, or a part of it, could not be opened; it was moved aside and its shares will be synced again"
    );
    Ok(())
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

/// A name that nothing has: of those with this second, fewer are taken than may lie aside.
fn free_name(folder: &Path) -> PathBuf {
    let now = unix_now();
    let names = (1..=STORES_ASIDE_MAX).map(|number| folder.with_extension(format!("damaged-{now}-{number}")));
    let mut names = std::iter::once(folder.with_extension(format!("damaged-{now}"))).chain(names);
    // When all are taken, the rename fails and says so.
    names.find(|name| !name.exists()).unwrap_or_else(|| folder.with_extension(format!("damaged-{now}")))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_panic_that_does_not_come_again_moves_nothing_aside() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("shares");
        fs::create_dir(&folder).unwrap();
        let tries = Cell::new(0);
        let opened = open_or_begin_anew(&folder, |_| {
            tries.set(tries.get() + 1);
            assert!(tries.get() > 1, "no thread is left");
            Ok(())
        });
        assert!(opened.is_ok() && tries.get() == 2 && kept(&folder).is_empty());
    }

    #[test]
    fn when_many_stores_lie_aside_the_next_one_stays_and_the_operator_is_asked() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("shares");
        let open = |folder: &Path| match folder.exists() {
            true => Err(StoreError::damaged("open the store")("nothing fits")),
            false => Ok(()),
        };
        for _ in 0..STORES_ASIDE_MAX {
            fs::create_dir(&folder).unwrap();
            open_or_begin_anew(&folder, open).unwrap();
        }
        fs::create_dir(&folder).unwrap();
        let refused = open_or_begin_anew(&folder, open).unwrap_err();
        assert!(matches!(refused, StoreError::TooManyAside { .. }) && !refused.is_damage());
        assert!(refused.to_string().contains("delete") && refused.to_string().contains("nothing fits"), "{refused}");
        assert!(folder.exists() && kept(&folder).len() == STORES_ASIDE_MAX);
        fs::remove_dir(&kept(&folder)[0]).unwrap();
        open_or_begin_anew(&folder, open).unwrap();
    }
}
