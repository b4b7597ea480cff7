//! The node's folder: one process at a time, its key for its owner only.
//!
//! ```text
//! lock            held while a node runs
//! node.key        ed25519 identity, mode 0600
//! endpoints.json  where this node listens, for scripts
//! api.cookie      what orders to the API have to show, mode 0600, new at each start
//! peers.book      the nodes that this one knows of
//! bans.json       peers that may not connect, until when and why
//! devnet-blocks   the blocks of an embedded devnet
//! stratum-v2.key  the key that miners know this node by in Stratum V2, mode 0600
//! stratum-*.pem   certificate and key that miners see, when the operator has none
//! shares/         the share store
//! own-shares.journal  shares that were found here, the newest; those before them are in own-shares.older.journal. 128 MiB at most
//! blocks/         found blocks until they are matured, and what became of all of them
//! payouts/        whom the pool's blocks paid, with the proof of each
//! history.hashrate  how fast was mined, by minute, hour and day
//! notify.json     notices that no receiver has taken yet, and those that were given up
//! decisions.jsonl  what was decided about lanes, and why
//! lanes-history.json  what the lanes paid, where the node learns from it
//! emergencies.jsonl  what failed, from when to when, why, and what was done
//! lanes/NAME/     the same of a further lane, without what concerns miners and the API
//! evidence/       templates of peers that the own daemon refused
//! ```

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use libp2p::identity::{Keypair, ed25519};
use stratum::v2::{AuthorityKeys, keys::KEY_LEN};
use tracing::warn;

use crate::{
    address_book::{self, AddressBook},
    api::Cookie,
    clock::{unix_millis, unix_now},
    error::NodeError,
    netgroup::AddressPolicy,
    p2p::{BANS_FILE_LEN_MAX, Bans},
};

/// In a folder that is being filled by a backup, or from one.
pub(crate) const RESTORING: &str = "restoring";
/// The journal of own shares; beside it is its older file.
pub(crate) const OWN_SHARES: &str = "own-shares.journal";
/// The folder of the folders of further lanes.
pub(crate) const LANES: &str = "lanes";

/// An open data directory; the lock goes with it.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the folder if needed and takes its lock.
    ///
    /// # Errors
    /// [`NodeError::File`] when it cannot be written, [`NodeError::LooseFolder`] when others can write to it,
    /// [`NodeError::DataDirInUse`] when another node has it, [`NodeError::HalfRestored`] when a backup or a restore was cut off in it.
    pub fn open(path: &Path) -> Result<Self, NodeError> {
        if path.is_dir() {
            // Who can write to a folder can put other keys, cookies and shares into it. To read it is no harm: its files have
            // modes of their own.
            refuse_loose_folder(path)?;
        } else {
            fs::create_dir_all(path).map_err(file_error("create", path))?;
            set_mode(path, 0o700)?;
        }
        let lock_path = path.join("lock");
        let lock = File::create(&lock_path).map_err(file_error("create", &lock_path))?;
        match lock.try_lock() {
            Ok(()) if path.join(RESTORING).exists() => Err(NodeError::HalfRestored(path.to_owned())),
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(NodeError::DataDirInUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(file_error("lock", &lock_path)(source)),
        }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the share store.
    pub fn shares(&self) -> PathBuf {
        self.path.join("shares")
    }

    /// The journal of own shares.
    pub fn own_shares(&self) -> PathBuf {
        self.path.join(OWN_SHARES)
    }

    /// The folder of found blocks.
    pub fn blocks(&self) -> PathBuf {
        self.path.join("blocks")
    }

    /// What the lanes paid.
    pub fn lanes_history(&self) -> PathBuf {
        self.path.join("lanes-history.json")
    }

    /// The record of decisions about lanes.
    pub fn decisions(&self) -> PathBuf {
        self.path.join("decisions.jsonl")
    }

    /// The log of emergencies.
    pub fn emergencies(&self) -> PathBuf {
        self.path.join("emergencies.jsonl")
    }

    /// The folder of proofs of payouts.
    pub fn payouts(&self) -> PathBuf {
        self.path.join("payouts")
    }

    /// The folder of templates that were refused.
    pub fn evidence(&self) -> PathBuf {
        self.path.join("evidence")
    }

    /// The key that miners know this node by in Stratum V2; made when it is first wanted.
    ///
    /// # Errors
    /// [`NodeError::LooseMode`] when others can read it, [`NodeError::Key`] when it is damaged.
    pub fn authority_keys(&self) -> Result<AuthorityKeys, NodeError> {
        let path = self.path.join("stratum-v2.key");
        if path.exists() {
            refuse_loose_mode(&path)?;
            let text = fs::read_to_string(&path).map_err(file_error("read", &path))?;
            let mut secret = [0; KEY_LEN];
            let is_hex = hex::decode_to_slice(text.trim(), &mut secret).is_ok();
            let keys = is_hex.then(|| AuthorityKeys::from_secret(&secret).ok()).flatten();
            return keys.ok_or(NodeError::Key(path));
        }
        let keys = AuthorityKeys::generate();
        write_durably(&path, hex::encode(keys.secret()).as_bytes()).map_err(file_error("write", &path))?;
        Ok(keys)
    }

    /// The files of the certificate that miners see, and of its key.
    pub fn certificate(&self) -> (PathBuf, PathBuf) {
        certificate(&self.path)
    }

    /// Peers that may not connect, as they were kept, and their file.
    pub fn bans(&self) -> (Bans, PathBuf) {
        let path = self.path.join("bans.json");
        let kept = read_kept(&path, BANS_FILE_LEN_MAX, |json| Ok(Bans::from_json(json, unix_now())?));
        let bans = kept.unwrap_or_else(|cause| {
            warn!(path = %path.display(), %cause, "the list of bans cannot be read; nobody is banned");
            None
        });
        (bans.unwrap_or_default(), path)
    }

    /// The nodes that this one knows of, as they were kept, and their file.
    pub fn address_book(&self, policy: AddressPolicy) -> (AddressBook, PathBuf) {
        let path = self.path.join("peers.book");
        let decode = |file: &[u8]| AddressBook::decode(file, policy, unix_millis()).map_err(io::Error::other);
        let book = read_kept(&path, address_book::FILE_LEN_MAX, decode).unwrap_or_else(|cause| {
            warn!(path = %path.display(), %cause, "the known peers cannot be read; they are looked for anew");
            None
        });
        (book.unwrap_or_else(|| AddressBook::new(policy, rand::random())), path)
    }

    /// A new secret for those who may give orders to this node: its user alone.
    ///
    /// # Errors
    /// [`NodeError::File`] when it cannot be written.
    pub fn new_cookie(&self) -> Result<Cookie, NodeError> {
        let path = self.path.join("api.cookie");
        let cookie = Cookie::generate(std::path::absolute(&path).unwrap_or_else(|_| path.clone()));
        write_durably(&path, cookie.secret().as_bytes()).map_err(file_error("write", &path))?;
        Ok(cookie)
    }

    /// The file of past hash rates.
    pub fn history(&self) -> PathBuf {
        self.path.join("history.hashrate")
    }

    /// The file of notices that were not delivered yet.
    pub fn notices(&self) -> PathBuf {
        self.path.join("notify.json")
    }

    /// The file that says where the node listens.
    pub fn endpoints(&self) -> PathBuf {
        self.path.join("endpoints.json")
    }

    /// The node's key; made on the first start.
    ///
    /// # Errors
    /// [`NodeError::LooseMode`] when others can read it, [`NodeError::Key`] when it is damaged.
    pub fn identity(&self) -> Result<Keypair, NodeError> {
        let path = self.path.join("node.key");
        if path.exists() {
            refuse_loose_mode(&path)?;
            let bytes = fs::read(&path).map_err(file_error("read", &path))?;
            return Keypair::from_protobuf_encoding(&bytes).map_err(|_| NodeError::Key(path));
        }
        let key = Keypair::generate_ed25519();
        let bytes = key.to_protobuf_encoding().map_err(|_| NodeError::Key(path.clone()))?;
        write_durably(&path, &bytes).map_err(file_error("write", &path))?;
        Ok(key)
    }
}

/// The files of the own certificate in this data directory, and of its key.
pub(crate) fn certificate(data_dir: &Path) -> (PathBuf, PathBuf) {
    (data_dir.join("stratum-cert.pem"), data_dir.join("stratum-key.pem"))
}

/// The key that all nodes of an operator share: 64 hexadecimal digits. It is never made here, because then each node
/// would have another one.
///
/// # Errors
/// [`NodeError::File`], [`NodeError::LooseMode`] when others can read it, [`NodeError::OperatorKey`] when it is none.
pub fn operator_key(path: &Path) -> Result<ed25519::Keypair, NodeError> {
    let text = fs::read_to_string(path).map_err(file_error("read", path))?;
    refuse_loose_mode(path)?;
    let mut secret = [0; 32];
    hex::decode_to_slice(text.trim(), &mut secret).map_err(|_| NodeError::OperatorKey(path.to_owned()))?;
    let secret = ed25519::SecretKey::try_from_bytes(secret).map_err(|_| NodeError::OperatorKey(path.to_owned()))?;
    Ok(secret.into())
}

/// What a file of ours holds; `None` before it was first written. One that is longer than ours ever are is not read.
///
/// # Errors
/// When it cannot be read or decoded, or is too long.
pub(crate) fn read_kept<T>(
    path: &Path,
    len_max: usize,
    decode: impl FnOnce(&[u8]) -> io::Result<T>,
) -> io::Result<Option<T>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(cause),
    };
    let mut bytes = Vec::new();
    let one_more = u64::try_from(len_max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(one_more).read_to_end(&mut bytes)?;
    if bytes.len() > len_max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    decode(&bytes).map(Some)
}

/// Writes a file that only its owner can read, so that after a power cut it is there as a whole or not at all.
///
/// A file has one writer at a time, which callers see to: its temporary file has always the same name, so that a crash leaves
/// one at most.
///
/// # Errors
/// When a step fails; the old file is then still there.
pub fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    // The new name is durable only when its folder is.
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes the names in a folder survive a power cut.
///
/// # Errors
/// When they may not.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes an I/O error say what was done with which path.
pub fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> NodeError {
    let path = path.to_owned();
    move |source| NodeError::File { action, path, source }
}

/// From now on files and folders of this process are for its owner alone, also those of the share store, which is not asked for
/// modes.
pub(crate) fn keep_files_private() {
    #[cfg(unix)]
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
}

#[cfg(unix)]
fn refuse_loose_folder(path: &Path) -> Result<(), NodeError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(file_error("read", path))?.permissions().mode() & 0o777;
    if mode & 0o022 == 0 { Ok(()) } else { Err(NodeError::LooseFolder { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn refuse_loose_folder(_path: &Path) -> Result<(), NodeError> {
    Ok(())
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<(), NodeError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(file_error("set the mode of", path))
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) -> Result<(), NodeError> {
    Ok(())
}

#[cfg(unix)]
pub(crate) fn refuse_loose_mode(path: &Path) -> Result<(), NodeError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(file_error("read", path))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(NodeError::LooseMode { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
pub(crate) fn refuse_loose_mode(_path: &Path) -> Result<(), NodeError> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
