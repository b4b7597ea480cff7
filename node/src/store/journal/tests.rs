use sharechain::{
    CheckedShare, CompactTarget, ConsensusParams, Effect, Origin, ShareChain,
    testing::{self, GENESIS_TIME, Miner},
};

use super::*;
use crate::{defaults::STORE_GENERATION_SHARES, store::Marks};

fn sample(tag: u8) -> StoredShare {
    StoredShare { bytes: vec![tag; 300], is_block: false, linked_at: tag.into() }
}

fn kept(path: &Path) -> Vec<u64> {
    let mut reader = Journal::open(path).unwrap().shares().unwrap();
    // Pages of one: where a page ends makes no difference.
    let shares = std::iter::from_fn(|| reader.page(1).unwrap().pop());
    shares.map(|share| share.linked_at).collect()
}

#[test]
fn what_was_appended_is_there_after_a_restart_and_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own-shares.journal");
    assert_eq!(kept(&path), Vec::<u64>::new());
    let mut journal = Journal::open(&path).unwrap();
    journal.append(&[sample(1), sample(2)]).unwrap();
    journal.append(&[sample(3)]).unwrap();
    assert_eq!(kept(&path), [1, 2, 3]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

/// The device takes what is written and cannot be synced.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_appended_before_it_is_synced() {
    let path = PathBuf::from("/dev/null");
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"taken").unwrap();
    let mut journal = Journal { path, file, len: 0, len_max: u64::MAX };
    assert_eq!(journal.append(&[sample(1)]).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert_eq!(journal.len, 0);
}

#[test]
fn a_torn_or_damaged_entry_costs_itself_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own-shares.journal");
    let whole = |tags: std::ops::RangeInclusive<u8>| {
        let _begun = fs::remove_file(&path);
        Journal::open(&path).unwrap().append(&tags.map(sample).collect::<Vec<_>>()).unwrap();
        fs::read(&path).unwrap()
    };
    let bytes = whole(1..=3);
    let entry_len = bytes.len() / 3;
    for cut in 1..entry_len {
        fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
        // A node that goes on after it finds what it then writes.
        Journal::open(&path).unwrap().append(&[sample(4)]).unwrap();
        assert_eq!(kept(&path), [1, 2, 4], "{cut} bytes less");
    }
    for bit in 0..entry_len * 8 {
        let mut damaged = bytes.clone();
        damaged[entry_len + bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &damaged).unwrap();
        assert_eq!(kept(&path), [1, 3], "bit {bit}");
    }
    fs::write(&path, vec![0xa5; 10_000]).unwrap();
    assert_eq!(kept(&path), Vec::<u64>::new());
}

#[test]
fn damage_that_is_longer_than_what_is_read_at_once_hides_nothing_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own-shares.journal");
    let (begin, end) = (std::iter::once(sample(1)).collect::<Vec<_>>(), (2..=250).map(sample).collect::<Vec<_>>());
    for noise in (100_000..100_016).chain([65_536, 131_072, 65_533]) {
        let _begun = fs::remove_file(&path);
        Journal::open(&path).unwrap().append(&begin).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend(vec![b'o'; noise]);
        fs::write(&path, bytes).unwrap();
        Journal::open(&path).unwrap().append(&end).unwrap();
        assert_eq!(kept(&path), (1..=250).collect::<Vec<_>>(), "{noise} bytes between them");
    }
}

#[test]
fn the_journal_is_bounded_and_the_newest_shares_stay() {
    const LEN_MAX: u64 = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own-shares.journal");
    let mut journal = Journal::open_with(&path, LEN_MAX).unwrap();
    let batch: Vec<StoredShare> = (0..250).map(sample).collect();
    for _ in 0..50 {
        journal.append(&batch).unwrap();
        let on_disk = [path.clone(), older(&path)].map(|path| fs::metadata(path).map_or(0, |file| file.len()));
        assert!(on_disk.iter().all(|len| *len <= LEN_MAX), "{on_disk:?}");
    }
    let entry_len = u64::try_from(sample(0).encode().len() + HEAD_LEN).unwrap();
    let kept = kept(&path);
    assert!(u64::try_from(kept.len()).unwrap() * entry_len > LEN_MAX * 9 / 10, "{}", kept.len());
    assert_eq!(kept.last(), Some(&249));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_window_of_own_shares_fits() {
    let params = testing::main_params();
    let mut miner = Miner::new(params.clone(), 1);
    // A block of 4,000 transactions.
    miner.merkle_branch = vec![[3; 32]; 12];
    let mut chain = ShareChain::new(params.clone());
    let twins = [1, 2].map(|tag| {
        miner.script = testing::script(tag);
        miner.mine(&mut chain, GENESIS_TIME + 1)
    });
    for twin in twins {
        assert_eq!(chain.handle(twin, Origin::OwnStore, 0), sharechain::Verdict::Valid);
    }
    let share = miner.mine(&mut chain, GENESIS_TIME + 2);
    assert_eq!(share.share().data.uncles.len(), 1);
    let entry_len = u64::try_from(StoredShare::new(&share, 0).encode().len() + HEAD_LEN).unwrap();
    let window = u64::from(params.raw().window_shares) * entry_len;
    assert!(window < FILE_LEN_MAX && window > FILE_LEN_MAX * 9 / 10, "{entry_len} bytes each, {window} in all");
}

/// What a miner of this node found, and the store of it.
struct Mined {
    folder: tempfile::TempDir,
    chain: ShareChain,
    shares: Vec<Arc<CheckedShare>>,
    params: Arc<Params>,
}

impl Mined {
    fn folder(&self) -> PathBuf {
        self.folder.path().join("shares")
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("own-shares.journal")
    }

    /// Thirty shares; those whose number is our own are in the journal first.
    fn new(own: impl Fn(u32) -> bool) -> Self {
        Self::of(testing::devnet_params(), own)
    }

    fn of(params: Arc<Params>, own: impl Fn(u32) -> bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chain = ShareChain::new(params.clone());
        let mut mined = Self { folder, chain, shares: Vec::new(), params: params.clone() };
        let (mut store, mut journal, _) =
            open(&mined.folder(), &mined.journal(), &params, STORE_GENERATION_SHARES).unwrap();
        let mut miner = Miner::new(params, 1);
        for number in 1..=30 {
            let share = miner.extend(&mut mined.chain, GENESIS_TIME + number);
            let stored = StoredShare::new(&share, u64::from(number));
            if own(number) {
                journal.append(std::slice::from_ref(&stored)).unwrap();
            }
            store.append(&[(share.id(), stored)]).unwrap();
            mined.shares.push(share);
        }
        while let Some(effect) = mined.chain.poll_effect() {
            assert!(!matches!(effect, Effect::Forgotten(_)), "all are kept");
        }
        mined.mark(&mut store);
        mined
    }

    fn mark(&self, store: &mut SledStore) {
        store.mark(Marks { first: self.chain.first_share(), tip: self.chain.tip().id }).unwrap();
        store.sync().unwrap();
    }

    fn reopened(&self) -> LoadedChain {
        open(&self.folder(), &self.journal(), &self.params, STORE_GENERATION_SHARES).unwrap().2
    }
}

#[test]
fn a_lost_store_comes_back_from_the_journal_as_far_as_shares_are_our_own() {
    let alone = Mined::new(|_| true);
    fs::remove_dir_all(alone.folder()).unwrap();
    assert_eq!(alone.reopened().chain.tip(), alone.chain.tip(), "nobody else had them");
    assert_eq!(SledStore::look(&alone.folder(), &alone.journal(), &alone.params).unwrap().shares, 30);
    // Together with others.
    let one = Mined::new(|number| number % 3 == 0);
    // With its other file whole, sled takes such a log for an empty one.
    let generation = one.folder().join("0000000000");
    fs::write(generation.join("conf"), b"not what sled wrote").unwrap();
    fs::write(generation.join("db"), vec![0xa5; 4_096]).unwrap();
    let LoadedChain { mut chain, unused, kept, .. } = one.reopened();
    assert!(chain.is_empty() && fs::read_dir(one.folder.path()).unwrap().count() == 3, "moved aside");
    assert_eq!((unused, kept), (Vec::new(), 10), "they stay until their ancestors are here");
    // Peers bring theirs.
    let own = Journal::open(&one.journal()).unwrap().shares().unwrap().page(30).unwrap();
    let own = own.iter().map(|stored| Arc::new(stored.to_share(&one.params).unwrap()));
    for share in one.shares.iter().filter(|share| share.share().data.height % 3 != 0).cloned().chain(own) {
        let _linked = chain.handle(share, Origin::OwnStore, 0);
    }
    assert_eq!(chain.tip(), one.chain.tip());
}

#[test]
fn an_own_share_that_does_not_link_stays_as_long_as_it_is_in_the_journal() {
    let mined = Mined::new(|_| false);
    let orphans: Vec<_> = (0..2).map(|tag| Miner::new(mined.params.clone(), 1).orphan(tag)).collect();
    let stored: Vec<_> = orphans.iter().map(|orphan| (orphan.id(), StoredShare::new(orphan, 0))).collect();
    Journal::open(&mined.journal()).unwrap().append(&[stored[0].1.clone()]).unwrap();
    let mut store = SledStore::open(&mined.folder()).unwrap();
    store.append(&stored).unwrap();
    store.sync().unwrap();
    drop(store);
    let loaded = mined.reopened();
    assert_eq!((loaded.chain.tip(), loaded.unused, loaded.kept), (mined.chain.tip(), vec![orphans[1].id()], 1));
}

#[test]
fn a_store_that_opens_and_cannot_be_read_is_moved_aside_too() {
    let mined = Mined::new(|_| true);
    // As if sled had found damage on the way: a version that nobody ever wrote.
    let raw = ::sled::open(mined.folder().join("0000000000")).unwrap();
    raw.insert("schema", b"not a version").unwrap();
    drop(raw);
    assert_eq!(mined.reopened().chain.tip(), mined.chain.tip());
    let names = fs::read_dir(mined.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().any(|name| name.to_string_lossy().starts_with("shares.damaged-")));
}

#[test]
fn the_journal_adds_nothing_to_a_store_that_has_it_all() {
    let mined = Mined::new(|number| number % 2 == 0);
    assert_eq!(mined.reopened().chain.tip(), mined.chain.tip());
    assert_eq!(SledStore::look(&mined.folder(), &mined.journal(), &mined.params).unwrap().shares, 30);
}

/// Chains whose rules are not those of `params`.
fn others(params: &Params) -> [Arc<Params>; 3] {
    let raw = params.raw();
    [
        ConsensusParams { password: Some("another".to_owned()), ..raw.clone() },
        ConsensusParams { merge_depth: raw.merge_depth + 1, ..raw.clone() },
        ConsensusParams { base_target_max: CompactTarget::from_bits(0x1d00_ffff), ..raw.clone() },
    ]
    .map(testing::params)
}

#[test]
fn shares_of_another_share_chain_are_refused_and_left_alone() {
    let mined = Mined::new(|_| true);
    let refuses = |journal: &Path, other: &Arc<Params>| {
        let refused = open(&mined.folder(), journal, other, STORE_GENERATION_SHARES).unwrap_err();
        assert!(matches!(refused, StoreError::OtherChain { wanted, .. } if wanted == other.id()), "{refused:?}");
        let looked = SledStore::look(&mined.folder(), journal, other).unwrap_err();
        assert!(matches!(looked, StoreError::OtherChain { .. }), "{looked:?}");
    };
    let none = mined.folder.path().join("none.journal");
    others(&mined.params).iter().for_each(|other| refuses(&none, other));
    fs::remove_file(none).unwrap();
    assert_eq!(fs::read_dir(mined.folder.path()).unwrap().count(), 2, "nothing was moved aside");
    let LoadedChain { chain, unused, kept, .. } = mined.reopened();
    assert_eq!((chain.tip(), unused, kept), (mined.chain.tip(), Vec::new(), 0));
    // Whoever deletes the store alone still has the journal.
    fs::remove_dir_all(mined.folder()).unwrap();
    for other in others(&mined.params) {
        refuse_other_journal(&mined.journal(), &other).unwrap_err();
        refuses(&mined.journal(), &other);
    }
    assert_eq!(
        SledStore::look(&mined.folder(), &mined.journal(), &mined.params).unwrap().shares,
        0,
        "nothing was stored"
    );
    assert_eq!(mined.reopened().chain.tip(), mined.chain.tip());
}

#[test]
fn own_shares_of_a_pool_before_this_one_stay_in_the_journal_and_out_of_the_store() {
    let (mined, other) = (Mined::new(|_| true), Mined::of(others(&testing::devnet_params())[0].clone(), |_| true));
    let own = |mined: &Mined| JournalReader::open(&mined.journal()).unwrap().page(100).unwrap();
    let (ours, theirs) = (own(&mined), own(&other));
    fs::remove_dir_all(mined.folder()).unwrap();
    for (first, second, is_ours) in [(&theirs, &ours, true), (&ours, &theirs, false)] {
        fs::remove_file(mined.journal()).unwrap();
        let mut journal = Journal::open(&mined.journal()).unwrap();
        // Longer than a page each.
        for shares in [first, second] {
            (0..=STORE_PAGE_MAX / shares.len()).for_each(|_| journal.append(shares).unwrap());
        }
        assert_eq!(refuse_other_journal(&mined.journal(), &mined.params).is_ok(), is_ours);
        // From here on the store says whose the folder is.
        if is_ours {
            let (mut store, _, reopened) =
                open(&mined.folder(), &mined.journal(), &mined.params, STORE_GENERATION_SHARES).unwrap();
            assert_eq!((reopened.chain.tip(), reopened.unused, reopened.kept), (mined.chain.tip(), Vec::new(), 0));
            mined.mark(&mut store);
        }
        assert_eq!(mined.reopened().chain.tip(), mined.chain.tip());
        assert_eq!(SledStore::look(&mined.folder(), &mined.journal(), &mined.params).unwrap().shares, 30);
    }
}
