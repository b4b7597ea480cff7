//! Backups: a backup is a data directory, with the store written anew, and without what belongs to a running node.
//!
//! ```text
//! running node --GET /api/v1/store, page by page--\
//!                                                  >--> DIR/shares      files as they are --> DIR/..
//! stopped node --its store, under its lock--------/
//! ```
//! Shares are given in order of appending; what comes meanwhile is at the end, so nothing that was there at the beginning is
//! missing. Own shares that the store has lost are in the journal, which is copied too.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use serde::Serialize;
use sharechain::{Params, ShareId};

use super::{
    DatabaseError, Progress, files, has_store, lanes, of, opened, shares_of,
    unfinished::{self, Unfinished},
};
use crate::{
    api::{
        client::ApiClient,
        dto::{StoreMarks, StorePage},
    },
    config::Config,
    data_dir::{DataDir, LANES, OWN_SHARES, file_error},
    error::NodeError,
    run::Endpoints,
    store::{Marks, Page, STORE_PAGE_MAX, Store, StoredShare, journal_files, sled::SledStore},
};

/// Files that belong to a running node, or to a store that is copied otherwise.
const LEFT_OUT: [&str; 5] = ["lock", "api.cookie", "endpoints.json", "shares", LANES];

/// What was copied of a lane.
#[derive(Clone, Debug, Serialize)]
pub struct BackedUp {
    /// The lane.
    pub lane: String,
    /// Where to.
    pub folder: PathBuf,
    /// Shares.
    pub shares: u64,
    /// Records that are damaged, and left out.
    pub damaged: u64,
    /// Shares of another chain, or of other rules, that are left out.
    pub foreign: u64,
    /// Other files.
    pub files: usize,
    /// Whether a running node was asked for the shares.
    pub online: bool,
}

/// What was put back of a lane.
#[derive(Clone, Debug, Serialize)]
pub struct Restored {
    /// The lane.
    pub lane: String,
    /// Where to.
    pub folder: PathBuf,
    /// Shares.
    pub shares: u64,
}

/// Copies the folders of a node, running or not, to an empty folder.
///
/// # Errors
/// [`DatabaseError`]; the folder is empty then, as far as that is possible.
pub async fn backup(config: &Config, target: &Path, progress: Progress<'_>) -> Result<Vec<BackedUp>, DatabaseError> {
    if !files::is_free(target, &[])? {
        return Err(DatabaseError::NotEmpty(target.to_owned()));
    }
    if lanes(config).any(|(_, lane)| files::is_inside(target, &lane.data_dir)) {
        return Err(DatabaseError::InsideItself(target.to_owned()));
    }
    let folders = lanes(config).enumerate().map(|(place, (name, _))| of_lane(target, place, name)).collect();
    let unfinished = Unfinished::begin(folders)?;
    unfinished.end(back_up_all(config, target, progress).await)
}

async fn back_up_all(config: &Config, target: &Path, progress: Progress<'_>) -> Result<Vec<BackedUp>, DatabaseError> {
    let mut done = Vec::new();
    for (place, (name, lane)) in lanes(config).enumerate() {
        done.push(back_up_lane(config, (place, name, lane), &of_lane(target, place, name), progress).await?);
    }
    Ok(done)
}

/// Puts a backup back into the empty folders of a configuration.
///
/// # Errors
/// [`DatabaseError`]; folders that were empty are so again, as far as that is possible.
pub fn restore(config: &Config, source: &Path) -> Result<Vec<Restored>, DatabaseError> {
    let plan = plan(config, source);
    for Plan { folder, from, .. } in &plan {
        if unfinished::is_marked(source) || unfinished::is_marked(from) {
            return Err(DatabaseError::HalfBackup(source.to_owned()));
        }
        if !has_store(from) {
            return Err(DatabaseError::NoBackup(from.clone()));
        }
        refuse_filled(folder)?;
    }
    refuse_in_use(source)?;
    // No node starts on half of it, now or after this was cut off.
    let held = hold(&plan)?;
    let unfinished = Unfinished::begin(plan.iter().map(|lane| lane.folder.clone()).collect())?;
    let restored = unfinished.end(plan.iter().map(restore_lane).collect());
    drop(held);
    restored
}

/// A lane that is put back.
struct Plan {
    name: String,
    /// Where to.
    folder: PathBuf,
    /// Its part of the backup.
    from: PathBuf,
}

fn plan(config: &Config, source: &Path) -> Vec<Plan> {
    let plan = |(place, (name, lane)): (usize, (&str, &Config))| Plan {
        name: name.to_owned(),
        folder: lane.data_dir.clone(),
        from: of_lane(source, place, name),
    };
    lanes(config).enumerate().map(plan).collect()
}

/// Takes the folders of all lanes, before anything is put into one of them: one that another node has stays as it is.
fn hold(plan: &[Plan]) -> Result<Vec<DataDir>, DatabaseError> {
    let hold = |Plan { folder, .. }: &Plan| {
        files::make(folder)?;
        let held = DataDir::open(folder)?;
        // A node may have come and gone since somebody looked.
        refuse_filled(folder)?;
        Ok(held)
    };
    plan.iter().map(hold).collect()
}

/// The lock alone says nothing: it stays when whoever took it has gone.
fn refuse_filled(folder: &Path) -> Result<(), DatabaseError> {
    match files::is_free(folder, &["lock"])? {
        true => Ok(()),
        false => Err(DatabaseError::NotEmpty(folder.to_owned())),
    }
}

fn restore_lane(Plan { name, folder, from }: &Plan) -> Result<Restored, DatabaseError> {
    files::copy(from, folder, &|name| LEFT_OUT.contains(&name) && name != "shares")?;
    let shares = u64::try_from(opened(folder)?.len().map_err(of(folder))?).unwrap_or(u64::MAX);
    Ok(Restored { lane: name.clone(), folder: folder.clone(), shares })
}

async fn back_up_lane(
    config: &Config,
    (place, name, lane): (usize, &str, &Config),
    folder: &Path,
    progress: Progress<'_>,
) -> Result<BackedUp, DatabaseError> {
    let dir = lane.data_dir.as_path();
    if !has_store(dir) {
        return Err(DatabaseError::NoStore(dir.to_owned()));
    }
    let (source, held) = match DataDir::open(dir) {
        Ok(held) => {
            let store = opened(dir)?;
            let total = store.len().map_err(of(dir))?;
            (Source::Here(store, total), Some(held))
        }
        Err(NodeError::DataDirInUse(_)) => (running(config, place, name)?, None),
        Err(cause) => return Err(cause.into()),
    };
    // The journal first, in its own order: a running node writes to it. A torn end costs the share that is just written.
    let journal = journal_files(Path::new(OWN_SHARES));
    let mut files = 0;
    for name in &journal {
        files += usize::from(files::copy_file(&dir.join(name), &folder.join(name))?);
    }
    let is_journal = |name: &str| journal.iter().any(|file| file == Path::new(name));
    files += files::copy(dir, folder, &|name| LEFT_OUT.contains(&name) || is_journal(name) || is_passing(name))?;
    let mut copy = SledStore::open(&shares_of(folder)).map_err(of(folder))?;
    let Copied { shares, damaged, foreign } = source.copy_to(&mut copy, (dir, &lane.chain.params), progress).await?;
    let (lane, online) = (name.to_owned(), matches!(source, Source::Running(_)));
    // The lock is held until nobody has the store open.
    drop(source);
    drop(held);
    Ok(BackedUp { lane, folder: folder.to_owned(), shares, damaged, foreign, files, online })
}

/// Where shares come from.
enum Source {
    /// With how many shares are in it.
    Here(SledStore, usize),
    Running(Running),
}

/// A node that has the folders.
struct Running {
    api: ApiClient,
    path: String,
    /// Where the API is public, those who do not show it are strangers, also on this machine.
    cookie: String,
}

/// What was taken of a store, and what was left out.
#[derive(Default)]
struct Copied {
    shares: u64,
    damaged: u64,
    foreign: u64,
}

/// A part of a store.
struct Part {
    page: Page,
    marks: Option<Marks>,
    /// About how many shares there are in all.
    total: usize,
}

impl Source {
    async fn copy_to(
        &self,
        copy: &mut SledStore,
        (dir, params): (&Path, &Params),
        progress: Progress<'_>,
    ) -> Result<Copied, DatabaseError> {
        let (mut after, mut copied) = (None, Copied::default());
        loop {
            let Part { page: Page { shares, damaged, next }, marks, total } = self.part(after, dir).await?;
            copied.damaged = copied.damaged.saturating_add(damaged);
            let mut with_ids = Vec::with_capacity(shares.len());
            for stored in shares {
                match stored.to_share(params) {
                    Some(share) => with_ids.push((share.id(), stored)),
                    None => copied.foreign = copied.foreign.saturating_add(1),
                }
            }
            copied.shares = copied.shares.saturating_add(u64::try_from(with_ids.len()).unwrap_or(u64::MAX));
            copy.append(&with_ids).map_err(of(dir))?;
            progress(usize::try_from(copied.shares).unwrap_or(usize::MAX), total);
            if next.is_none() {
                // Those of the last page: what they name is stored by now.
                if let Some(marks) = marks {
                    copy.mark(marks).map_err(of(dir))?;
                }
                copy.sync().map_err(of(dir))?;
                return Ok(copied);
            }
            after = next;
        }
    }

    async fn part(&self, after: Option<u64>, dir: &Path) -> Result<Part, DatabaseError> {
        match self {
            Self::Here(store, total) => {
                let page = store.page(after, STORE_PAGE_MAX).map_err(of(dir))?;
                Ok(Part { page, marks: store.marks().map_err(of(dir))?, total: *total })
            }
            Self::Running(Running { api, path, cookie }) => {
                let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
                let StorePage { shares: total, records, damaged, next, marks } =
                    api.get_as_operator(&format!("{path}{after}"), cookie).await?;
                let decode = |record: &String| StoredShare::decode(&hex::decode(record).ok()?);
                let shares: Option<Vec<StoredShare>> = records.iter().map(decode).collect();
                let shares = shares.ok_or(DatabaseError::OtherVersion)?;
                let marks = marks.map(marks_of).transpose()?;
                Ok(Part { page: Page { shares, damaged, next }, marks, total })
            }
        }
    }
}

fn marks_of(StoreMarks { first, tip }: StoreMarks) -> Result<Marks, DatabaseError> {
    let id = |text: &str| text.parse::<ShareId>().map_err(|_| DatabaseError::OtherVersion);
    Ok(Marks { first: id(&first)?, tip: id(&tip)? })
}

/// The node that has the folders, by what it says in the first one.
fn running(config: &Config, place: usize, name: &str) -> Result<Source, DatabaseError> {
    let none = || DatabaseError::NoEndpoints(config.data_dir.clone());
    let text = fs::read(config.data_dir.join("endpoints.json")).map_err(|_| none())?;
    let endpoints: Endpoints = serde_json::from_slice(&text).map_err(|_| none())?;
    let cookie_file = config.data_dir.join("api.cookie");
    let cookie = fs::read_to_string(&cookie_file).map_err(file_error("read", &cookie_file))?.trim().to_owned();
    let path = if place == 0 { "store".to_owned() } else { format!("lanes/{name}/store") };
    Ok(Source::Running(Running { api: ApiClient::new(&endpoints.api)?, path, cookie }))
}

/// Where a lane is in a backup: as in a data directory.
fn of_lane(backup: &Path, place: usize, name: &str) -> PathBuf {
    if place == 0 { backup.to_owned() } else { backup.join(LANES).join(name) }
}

/// Files on their way to another name, and stores that were moved aside.
fn is_passing(name: &str) -> bool {
    name.ends_with(".tmp") || name.starts_with("shares.damaged-")
}

/// Whoever restores from the folder of a running node would get half of something.
fn refuse_in_use(source: &Path) -> Result<(), DatabaseError> {
    let Ok(lock) = File::open(source.join("lock")) else { return Ok(()) };
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => Err(NodeError::DataDirInUse(source.to_owned()).into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
