//! The folders of a store: one for each generation, by number.
//!
//! ```text
//! shares/0000000007/   the oldest generation that has shares
//! shares/0000000008/   the newest one, which is appended to
//! shares/incoming/     an undivided store on its way to become a generation
//! shares/dropped/      a generation that is being deleted
//! shares/db/           an empty folder, in the place of sled's data file
//! ```
//! Up to version 1 sled's files lay in `shares/` itself. A program of then cannot open a folder as a file, so it refuses a divided
//! store instead of beginning an empty one in it. Every step is a rename, so that one which was cut off goes on at the next start.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::data_dir::sync_folder;

/// A store that lay in the folder itself.
const INCOMING: &str = "incoming";
/// What nobody needs any more.
const DROPPED: &str = "dropped";
/// sled's data file.
const DATA: &str = "db";

/// Where the generation of a number is.
pub(super) fn of_number(store: &Path, number: u32) -> PathBuf {
    store.join(format!("{number:010}"))
}

/// The generations that are there, the oldest first. An undivided store on its way, and one that is not yet, are the newest of them.
pub(super) fn generations(store: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let mut found = numbered(store)?;
    let undivided = [store.join(INCOMING), store.to_owned()];
    for path in undivided.into_iter().filter(|path| has_data(path)) {
        found.push((next_number(&found), path));
    }
    Ok(found)
}

/// Those that are divided.
fn numbered(store: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let mut found: Vec<_> = entries(store)?.into_iter().filter_map(|path| Some((number(&path)?, path))).collect();
    found.sort();
    Ok(found)
}

/// The number after the newest one.
fn next_number(generations: &[(u32, PathBuf)]) -> u32 {
    generations.last().map_or(0, |(number, _)| number.saturating_add(1))
}

/// Ends what was cut off, and makes an undivided store a generation.
pub(super) fn settle(store: &Path) -> io::Result<()> {
    if !store.exists() {
        return Ok(());
    }
    remove(&store.join(DROPPED))?;
    let incoming = store.join(INCOMING);
    // All of it is there: what lies beside it by now is another one.
    if has_data(&incoming) {
        take_in(store, &incoming)?;
    }
    if has_data(store) {
        fs::create_dir_all(&incoming)?;
        // sled's data file last: without it there is nothing more to divide.
        let (data, others): (Vec<_>, Vec<_>) = entries(store)?
            .into_iter()
            .filter(|path| number(path).is_none() && *path != incoming)
            .partition(|path| path.ends_with(DATA));
        for path in others.iter().chain(&data) {
            if let Some(name) = path.file_name() {
                fs::rename(path, incoming.join(name))?;
            }
        }
        sync_folder(&incoming)?;
        take_in(store, &incoming)?;
    }
    keep_out(store)
}

fn take_in(store: &Path, incoming: &Path) -> io::Result<()> {
    let number = next_number(&numbered(store)?);
    fs::rename(incoming, of_number(store, number))?;
    sync_folder(store)
}

/// See the module.
fn keep_out(store: &Path) -> io::Result<()> {
    fs::create_dir_all(store.join(DATA))?;
    sync_folder(store)
}

/// Makes the names in a new generation's folder, and its own, survive a power cut.
pub(super) fn sync_new(store: &Path, generation: &Path) -> io::Result<()> {
    sync_folder(generation)?;
    keep_out(store)?;
    store.parent().map_or(Ok(()), sync_folder)
}

/// Deletes a generation that nobody has open; when it is cut off, no half of it is left under its name.
pub(super) fn delete(store: &Path, generation: &Path) -> io::Result<()> {
    let dropped = store.join(DROPPED);
    remove(&dropped)?;
    fs::rename(generation, &dropped)?;
    remove(&dropped)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

/// Whether sled's files lie in a folder.
fn has_data(folder: &Path) -> bool {
    folder.join(DATA).is_file()
}

fn entries(store: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(store) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(cause),
    }
}

/// What a name is the number of.
fn number(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    name.parse().ok().filter(|number| format!("{number:010}") == name)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn generations_are_found_by_number_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("shares");
        assert_eq!(generations(&store).unwrap(), []);
        for name in ["0000000010", "0000000009", "11", "0000000012.damaged-1", "x", "99999999999"] {
            fs::create_dir_all(store.join(name)).unwrap();
        }
        let found = generations(&store).unwrap();
        assert_eq!(found.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [9, 10]);
        assert_eq!((next_number(&found), next_number(&[])), (11, 0));
    }

    #[test]
    fn an_undivided_store_becomes_the_newest_generation_wherever_it_was_cut_off() {
        for cut_off_after in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let store = folder.path().join("shares");
            fs::create_dir_all(store.join("0000000004")).unwrap();
            for name in ["conf", "db"] {
                fs::write(store.join(name), name).unwrap();
            }
            assert_eq!(generations(&store).unwrap()[1], (5, store.clone()));
            fs::create_dir(store.join(INCOMING)).unwrap();
            for name in ["conf", "db"].iter().take(cut_off_after) {
                fs::rename(store.join(name), store.join(INCOMING).join(name)).unwrap();
            }
            assert_eq!(generations(&store).unwrap().len(), 2, "it is seen before it is divided");
            for _ in 0..2 {
                settle(&store).unwrap();
                let found = generations(&store).unwrap();
                assert_eq!(found[1..], [(5, of_number(&store, 5))], "cut off after {cut_off_after}");
                assert_eq!(fs::read_to_string(found[1].1.join("db")).unwrap(), "db");
                assert_eq!(fs::read_to_string(found[1].1.join("conf")).unwrap(), "conf");
            }
        }
    }

    #[test]
    fn a_store_that_was_begun_beside_one_on_its_way_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (store, incoming) = (folder.path().to_owned(), folder.path().join(INCOMING));
        fs::create_dir(&incoming).unwrap();
        fs::write(incoming.join(DATA), "all shares").unwrap();
        fs::write(store.join(DATA), "few shares").unwrap();
        settle(&store).unwrap();
        let found: Vec<_> = generations(&store).unwrap();
        let texts = found.iter().map(|(_, path)| fs::read_to_string(path.join(DATA)).unwrap());
        assert_eq!(texts.collect::<Vec<_>>(), ["all shares", "few shares"]);
        let begun = File::options().create(true).truncate(false).write(true).open(store.join(DATA));
        assert!(begun.is_err(), "an older program is kept out");
    }

    #[test]
    fn what_is_half_deleted_is_no_generation() {
        let folder = tempfile::tempdir().unwrap();
        let (store, one) = (folder.path().to_owned(), of_number(folder.path(), 1));
        fs::create_dir_all(store.join(DROPPED).join("blobs")).unwrap();
        fs::create_dir(&one).unwrap();
        delete(&store, &one).unwrap();
        assert_eq!(entries(&store).unwrap(), Vec::<PathBuf>::new());
        fs::create_dir(store.join(DROPPED)).unwrap();
        settle(&store).unwrap();
        assert_eq!(entries(&store).unwrap(), [store.join(DATA)], "and an older program is kept out");
    }
}
