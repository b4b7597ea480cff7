//! Why a node cannot start or go on, in words that say what to do.

use std::{error::Error, path::PathBuf};

use crate::{notify::SenderError, parent::rpc::RpcError, store::StoreError};

/// Ends `run`.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A file or folder cannot be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With which path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Another process has the data directory.
    #[error("data directory {} is in use by another poolnode; stop it or choose another --data-dir", .0.display())]
    DataDirInUse(PathBuf),
    /// A backup or a restore was cut off, and left some of a node.
    #[error("data directory {} was not filled to its end by `poolnode db`; empty it and restore or back up again", .0.display())]
    HalfRestored(PathBuf),
    /// Another devnet writes the block file.
    #[error("{} is in use by another devnet; stop it or choose another folder", .0.display())]
    DevnetFileInUse(PathBuf),
    /// The block file holds blocks of another devnet.
    #[error(
        "{} holds a block that this devnet refuses ({reason}): it was made with another block interval, or is damaged; \
         use the same interval, or move the file away to begin a new chain",
        path.display()
    )]
    DevnetFileRefused {
        /// The file.
        path: PathBuf,
        /// The rule.
        reason: &'static str,
    },
    /// A secret file can be read by others.
    #[error("{} can be read by others (mode {mode:o}); run: chmod 600 {}", path.display(), path.display())]
    LooseMode {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Others can put files into the data directory.
    #[error("others can write to the data directory {} (mode {mode:o}); run: chmod 700 {}", path.display(), path.display())]
    LooseFolder {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Nobody can be told of anything over HTTPS.
    #[error("notify: nobody can be told over HTTPS")]
    Notify(#[from] SenderError),
    /// The node's key is damaged.
    #[error("{} holds no node key; restore it from a backup, or delete it to get a new identity", .0.display())]
    Key(PathBuf),
    /// The operator's key is damaged.
    #[error("{} holds no operator key: 64 hexadecimal digits, the same on all nodes of an operator; make one with `openssl rand -hex 32`", .0.display())]
    OperatorKey(PathBuf),
    /// A certificate or its key cannot be used.
    #[error("{}: {reason}; stratum.tls_cert_file and tls_key_file name PEM files, and a certificate of our own is made anew when both its files are gone", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address} for {what}; {}", listen_hint(source.kind(), flag))]
    Listen {
        /// Which service.
        what: &'static str,
        /// The configured address.
        address: String,
        /// The flag that changes it.
        flag: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The operator's token is none.
    #[error("{} holds no token: 16 to 512 printable characters without spaces; make one with `openssl rand -hex 32`", .0.display())]
    ApiToken(PathBuf),
    /// The store cannot be used.
    #[error(
        "cannot use the share store; if its files are damaged, move the folder `shares` away: peers have its shares"
    )]
    Store(#[from] StoreError),
    /// What is stored is of another share chain.
    #[error("{} cannot be used", folder.display())]
    OtherChain {
        /// The data directory.
        folder: PathBuf,
        /// Says which chain is configured, and what to do.
        #[source]
        source: StoreError,
    },
    /// A call to the daemon failed for good.
    #[error("the parent daemon cannot be used")]
    Rpc(#[from] RpcError),
    /// The network layer could not be built.
    #[error("cannot start the network: {0}")]
    Network(String),
    /// A task that a node cannot live without ended.
    #[error("the {0} task ended unexpectedly")]
    TaskEnded(&'static str),
    /// A task panicked: a bug.
    #[error("the {0} task panicked; please report this with the lines above")]
    TaskPanicked(&'static str),
}

/// An error with its causes on one line, for a log or a miner.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// What to do about an address that cannot be listened on.
fn listen_hint(kind: std::io::ErrorKind, flag: &str) -> String {
    match kind {
        std::io::ErrorKind::AddrInUse => format!("another process uses the port; choose another with {flag}"),
        std::io::ErrorKind::AddrNotAvailable => format!("this machine has no such address; choose another with {flag}"),
        std::io::ErrorKind::PermissionDenied => format!("ports below 1024 are for root; choose another with {flag}"),
        _ => format!("choose another with {flag}"),
    }
}
