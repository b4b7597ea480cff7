//! The node's files: the data directory and its secrets, the share store, certificate, and databases of places.

use std::{
    fs::{self, TryLockError},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use sharechain::Params;

use super::{
    Finding,
    folder::{self, Folder},
};
use crate::{
    clock::unix_now,
    config::{Config, TlsConfig},
    data_dir::{self, OWN_SHARES},
    error::NodeError,
    geo::{self, DatabaseFacts},
    store::{Loaded, StoreError, refuse_other_journal, sled::SledStore},
    tls,
};

/// Files of the data directory that a node does not start with when others can read them.
const SECRETS: [&str; 2] = ["node.key", "stratum-v2.key"];
/// Fewer days left are worth a warning: certificates of 90 days are renewed 30 days before their end.
const CERTIFICATE_DAYS_LEFT_MIN: u64 = 14;
/// What only weakens a running node.
const COOKIE: &str = "api.cookie";

/// Everything; `shares` is how many a running node holds.
pub(super) fn look(config: &Config, folder: &Folder, shares: Option<Option<usize>>) -> Vec<Finding> {
    let dir = &config.data_dir;
    let mut findings = vec![data_dir(dir, folder)];
    findings.extend(SECRETS.iter().filter_map(|name| secret(&dir.join(name))));
    findings.extend(cookie(&dir.join(COOKIE)));
    findings.extend(config.announcement.operator_key_file.as_deref().map(operator_key));
    findings.push(database(config, folder, shares));
    findings.push(certificate(&config.stratum.tls, dir, folder));
    let places = [("country_db", &config.geo.country_db), ("asn_db", &config.geo.asn_db)];
    let given: Vec<(&str, &PathBuf)> =
        places.into_iter().filter_map(|(key, path)| Some((key, path.as_ref()?))).collect();
    if given.is_empty() {
        let none = "no databases are configured: places are what peers claim and round trips show";
        findings.push(Finding::skipped("geo", none));
    }
    findings.extend(given.into_iter().map(|(key, path)| {
        let facts = geo::facts(path).map_err(|cause| cause.to_string());
        place_database(key, facts, unix_now()).about(path.display().to_string())
    }));
    findings
}

fn data_dir(path: &Path, folder: &Folder) -> Finding {
    let found = match folder {
        Folder::Absent => Finding::ok("data-dir", "not there yet; the first start makes it"),
        Folder::Closed(kind) => Finding::error("data-dir", "this user cannot look into it")
            .because(kind.to_string())
            .fix("run doctor as the user that runs the node"),
        Folder::Free { owner: Some(owner), .. } | Folder::InUse { owner: Some(owner), .. } => {
            Finding::warning("data-dir", format!("belongs to another user (uid {owner})"))
                .because("what this user can read and write says little about the node's")
                .fix(format!("run doctor as the user that runs the node: sudo -u '#{owner}' poolnode doctor"))
        }
        Folder::Free { mode, .. } | Folder::InUse { mode, .. } if mode & 0o022 != 0 => {
            Finding::error("data-dir", format!("others can write to it (mode {mode:o}), so the node does not start"))
                .fix(format!("chmod 700 {}; look whether all that is in it is the node's", path.display()))
        }
        Folder::Free { mode, .. } | Folder::InUse { mode, .. } if mode & 0o077 != 0 => {
            Finding::warning("data-dir", format!("others can look into it (mode {mode:o})"))
                .fix(format!("chmod 700 {}", path.display()))
        }
        Folder::Free { .. } => Finding::ok("data-dir", "the node's user alone can use it"),
        Folder::InUse { .. } => Finding::ok("data-dir", "in use by the running node, whose user alone can use it"),
    };
    found.about(path.display().to_string())
}

/// The finding about a key that is there.
fn secret(path: &Path) -> Option<Finding> {
    let mode = mode(path)?;
    let found = match mode & 0o077 {
        0 => Finding::ok("keys", "its owner alone can read it"),
        _ => Finding::error("keys", format!("others can read it (mode {mode:o}), so the node does not start"))
            .fix(format!("chmod 600 {}; if others may have read it, replace it", path.display())),
    };
    Some(found.about(path.display().to_string()))
}

fn cookie(path: &Path) -> Option<Finding> {
    let mode = mode(path).filter(|mode| mode & 0o077 != 0)?;
    let loose = Finding::warning("keys", format!("others can read it (mode {mode:o}) and give orders to the node"));
    Some(loose.fix("restart the node: it writes a new one").about(path.display().to_string()))
}

fn operator_key(path: &Path) -> Finding {
    let found = match data_dir::operator_key(path) {
        Ok(_) => Finding::ok("keys", "the operator's key is there, for its owner alone"),
        Err(cause) => Finding::of_error("keys", &cause),
    };
    found.about(path.display().to_string())
}

fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|metadata| metadata.permissions().mode() & 0o777)
}

fn database(config: &Config, folder: &Folder, shares: Option<Option<usize>>) -> Finding {
    let (dir, path) = (&config.data_dir, &config.data_dir.join("shares"));
    let found = match folder {
        Folder::Absent => Finding::ok("database", "not there yet; the first start makes it"),
        Folder::Closed(_) => Finding::skipped("database", "this user cannot look at it"),
        // sled writes as it opens; files of another user would keep the node out.
        Folder::Free { owner: Some(_), .. } => Finding::skipped("database", "only its owner can open it"),
        Folder::InUse { .. } => in_use(shares.flatten()),
        Folder::Free { .. } => match folder::lock(dir) {
            Ok(lock) => {
                let held = stored(dir, path, &config.chain.params);
                // No node may have had it meanwhile.
                drop(lock);
                held.map_or_else(|| Finding::ok("database", "not there yet; the first start makes it"), opened)
            }
            Err(TryLockError::WouldBlock) => in_use(None),
            Err(TryLockError::Error(cause)) => Finding::of_error("database", &cause),
        },
    };
    found.about(path.display().to_string())
}

/// What a start would find, or refuse; `None` when it begins.
fn stored(dir: &Path, store: &Path, params: &Params) -> Option<Result<Loaded, StoreError>> {
    let journal = dir.join(OWN_SHARES);
    if SledStore::is_in(store) {
        return Some(SledStore::look(store, &journal, params));
    }
    refuse_other_journal(&journal, params).err().map(Err)
}

fn in_use(shares: Option<usize>) -> Finding {
    let shares = shares.map(|shares| format!(", which holds {shares} shares")).unwrap_or_default();
    Finding::ok("database", format!("in use by the running node{shares}"))
}

fn opened(held: Result<Loaded, StoreError>) -> Finding {
    match held {
        Ok(Loaded { shares, damaged: 0 }) => Finding::ok("database", format!("opens, and holds {shares} shares")),
        Ok(Loaded { shares, damaged }) => {
            Finding::warning("database", format!("{damaged} of {} records are damaged", shares.saturating_add(damaged)))
                .because("a failing disk, or memory")
                .fix("the node fetches them from peers again; look at the disk (smartctl -a) if this comes back")
        }
        Err(cause) if cause.is_damage() => Finding::warning("database", "does not open: its files are damaged")
            .because(cause.chain())
            .fix("the next start moves what is damaged aside, and fetches its shares from peers"),
        Err(StoreError::Newer { found, known }) => {
            Finding::error("database", "was written by a newer poolnode, so this one does not start")
                .because(format!("it is of version {found}, and the newest that this program knows is {known}"))
                .fix(
                    "run the newer poolnode, or move the data directory away and restore a backup of before \
                     (poolnode db restore DIR)",
                )
        }
        Err(cause @ StoreError::OtherChain { .. }) => {
            Finding::error("database", "is of another share chain, so this node does not start")
                .because(cause.chain())
                .fix("set data_dir to another folder, or chain, custom and password to what they were")
        }
        Err(cause) => Finding::error("database", "does not open").because(cause.chain()).fix(
            "look at the rights and the space of the data directory; if its files are damaged, move the folder `shares` away: \
             peers have its shares",
        ),
    }
}

fn certificate(config: &TlsConfig, dir: &Path, folder: &Folder) -> Finding {
    let (cert, key) = match config {
        TlsConfig::Off => return Finding::skipped("stratum-tls", "switched off with stratum.tls = false"),
        TlsConfig::Files { cert, key } => (cert.clone(), key.clone()),
        TlsConfig::Own if matches!(folder, Folder::Closed(_)) => {
            return Finding::skipped("stratum-tls", "this user cannot look at it");
        }
        TlsConfig::Own => {
            let (cert, key) = data_dir::certificate(dir);
            if !cert.exists() || !key.exists() {
                return Finding::ok("stratum-tls", "there is no certificate yet; the next start makes one");
            }
            (cert, key)
        }
    };
    let found = match tls::load(&cert, &key) {
        Ok(certificate) => loaded(&certificate, unix_now()),
        Err(cause) => Finding { fix: Some(certificate_fix(&cause, &key)), ..Finding::of_error("stratum-tls", &cause) },
    };
    found.about(cert.display().to_string())
}

fn loaded(certificate: &tls::Certificate, now: u64) -> Finding {
    let Some(left) = certificate.expires.checked_sub(now) else {
        return Finding::error("stratum-tls", "the certificate has expired")
            .because("miners that check certificates do not connect any more; most do not")
            .fix("renew it and restart the node");
    };
    let days = left / 86_400;
    if days < CERTIFICATE_DAYS_LEFT_MIN {
        return Finding::warning("stratum-tls", format!("the certificate expires in {days} days"))
            .fix("renew it and restart the node: the files are read at the start");
    }
    Finding::ok("stratum-tls", format!("certificate and key fit for {days} days; sha256 {}", certificate.fingerprint))
}

fn certificate_fix(cause: &NodeError, key: &Path) -> String {
    match cause {
        NodeError::LooseMode { .. } => format!("chmod 600 {}", key.display()),
        NodeError::File { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            "let the node's user read the files of stratum.tls_cert_file and tls_key_file".to_owned()
        }
        _ => "give the certificate with its chain and the key that it was made for, both as PEM".to_owned(),
    }
}

fn place_database(key: &str, facts: Result<DatabaseFacts, String>, now: u64) -> Finding {
    let facts = match facts {
        Ok(facts) => facts,
        Err(cause) => {
            return Finding::warning("geo", format!("geo.{key} cannot be used: places stay what peers claim"))
                .because(cause)
                .fix("give a file in the MaxMind format (.mmdb), whole and readable for the node's user");
        }
    };
    let age = Duration::from_secs(now.saturating_sub(facts.built));
    let text = format!("{}, {} days old", facts.kind, age.as_secs() / 86_400);
    if age > geo::AGE_MAX {
        let old = Finding::warning("geo", text).because("addresses move from one network and country to another");
        return old.fix("fetch it anew every month; a running node reads the new file by itself");
    }
    Finding::ok("geo", text)
}

#[cfg(test)]
mod tests;
