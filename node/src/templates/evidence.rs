//! What a daemon refused of a peer: kept as a file each, so that people can see what happened.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use libp2p::PeerId;
use serde_json::json;
use sharechain::TemplateKey;

use crate::{clock::unix_now, data_dir::write_durably};

/// Files kept; the oldest go. Stops a hostile peer from filling the disk.
const FILES_MAX: usize = 32;

/// Writes one; says where.
///
/// # Errors
/// When the folder cannot be written.
pub fn keep(folder: &Path, key: &TemplateKey, peer: PeerId, reason: &str, block: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let mut files: Vec<(std::time::SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort();
    for (_, oldest) in files.iter().take((files.len() + 1).saturating_sub(FILES_MAX)) {
        fs::remove_file(oldest)?;
    }
    let path = folder.join(format!("{key}.json"));
    let evidence = json!({
        "template": key.to_string(),
        "peer": peer.to_string(),
        "refused": reason,
        "at": unix_now(),
        "block": hex::encode(block),
    });
    write_durably(&path, evidence.to_string().as_bytes())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for tag in 0..40 {
            keep(folder.path(), &TemplateKey([tag; 32]), PeerId::random(), "bad-cb-amount", &[1]).unwrap();
        }
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), FILES_MAX);
        let newest = format!("{}.json", TemplateKey([39; 32]));
        assert!(names.iter().any(|name| *name == *newest));
        let text = fs::read_to_string(folder.path().join(newest)).unwrap();
        assert!(text.contains("bad-cb-amount") && text.contains("\"block\":\"01\""), "{text}");
    }
}
