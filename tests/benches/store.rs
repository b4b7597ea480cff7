//! The share store of a chain that forgets as much as it links: what it takes on the disk and in memory, and how long it takes to open.
//!
//! `cargo bench -p tests --bench store` prints one JSON line for every so many shares; figures are in `docs/performance.md`.

use std::{
    fs,
    io::Write,
    time::{Duration, Instant},
};

use node::store::{Store, StoredShare, sled::SledStore};
use serde_json::json;
use sharechain::{ShareId, testing::Rng};

/// Bytes of a share with an uncle, in a block of 4,000 transactions.
const SHARE_LEN: usize = 700;
/// Shares that are stored together, as in a busy second or while catching up.
const TOGETHER: u64 = 100;

fn main() {
    // A test run only shows that it runs.
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let (kept, stored) = if is_measured { (100_000, 500_000) } else { (500, 2_000) };
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let path = folder.path().join("shares");
    let mut store = SledStore::open(&path).expect("the store opens");
    let mut writing = Duration::ZERO;
    for first in (0..stored).step_by(usize::try_from(TOGETHER).expect("it is small")) {
        let shares: Vec<_> = (first..first + TOGETHER).map(share).collect();
        let forgotten: Vec<ShareId> =
            (first..first + TOGETHER).filter_map(|tag| tag.checked_sub(kept)).map(id).collect();
        let began = Instant::now();
        store.append(&shares).expect("shares are stored");
        store.sync().expect("shares are synced");
        store.remove(&forgotten).expect("shares are removed");
        writing += began.elapsed();
        let so_far = first + TOGETHER;
        if so_far.is_multiple_of(stored / 5) {
            tell(&json!({
                "stored": so_far, "kept": so_far.min(kept), "disk_bytes": store.disk_bytes().expect("the store is measured"),
                "rss_bytes": rss_bytes(), "shares_per_second": so_far as f64 / writing.as_secs_f64(),
            }));
        }
    }
    drop(store);
    let began = Instant::now();
    let store = SledStore::open(&path).expect("the store opens again");
    tell(&json!({ "open_ms": began.elapsed().as_millis(), "kept": store.len().expect("the store is counted") }));
}

fn tell(line: &serde_json::Value) {
    writeln!(std::io::stdout(), "{line}").expect("standard output is open");
}

fn id(tag: u64) -> ShareId {
    let mut rng = Rng::new(tag);
    ShareId::from_bytes(std::array::from_fn(|_| rng.next().to_le_bytes()[0]))
}

fn share(tag: u64) -> (ShareId, StoredShare) {
    let mut rng = Rng::new(!tag);
    let bytes = (0..SHARE_LEN).map(|_| rng.next().to_le_bytes()[0]).collect();
    (id(tag), StoredShare { bytes, is_block: false, linked_at: tag })
}

/// Resident memory of this process, where the system tells.
fn rss_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok().map(|kib: u64| kib << 10)
}
