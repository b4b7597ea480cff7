//! The history on disk: `version u8 ++ bincode ++ crc32`, written as a whole.

use std::collections::BTreeMap;

use bincode::config::{self, Configuration, Limit, LittleEndian, Varint};
use sharechain::{PayoutScript, UnixTime};
use stratum::limits::WORKER_LEN_MAX;

use super::{
    History,
    limits::{WORKERS_MAX, node_points_max, worker_points_max},
    series::Series,
};

/// A node that does not know it begins anew.
const VERSION: u8 = 1;
/// Longest file: every worker with every point. Stops a wrong file from filling memory.
const LEN_MAX: usize = 96 << 20;
/// The same, for whom looks at the file's length.
pub const FILE_LEN_MAX: u64 = LEN_MAX as u64;
const CONFIG: Configuration<LittleEndian, Varint, Limit<LEN_MAX>> = config::standard().with_limit::<LEN_MAX>();

type Content = (Series, Vec<(Vec<u8>, String, Series)>);

impl History {
    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let worker = |((script, name), series): (&(PayoutScript, String), &Series)| {
            (script.as_bytes().to_vec(), name.clone(), series.clone())
        };
        let content: Content = (self.node.clone(), self.workers.iter().map(worker).collect());
        let mut file = vec![VERSION];
        // Encoding to memory fails only above the limit, which the limits of history stay below.
        file.extend(bincode::encode_to_vec(content, CONFIG).unwrap_or_default());
        file.extend(crc32fast::hash(&file).to_le_bytes());
        file
    }

    /// What a file holds; `None` when a bit of it is not what was written, or it is of another version.
    pub fn decode(file: &[u8], now: UnixTime) -> Option<Self> {
        let (content, checksum) = file.split_last_chunk::<4>()?;
        let (version, body) = content.split_first()?;
        if crc32fast::hash(content) != u32::from_le_bytes(*checksum) || *version != VERSION {
            return None;
        }
        let ((node, list), read): (Content, usize) = bincode::decode_from_slice(body, CONFIG).ok()?;
        if read != body.len() || list.len() > WORKERS_MAX || !node.is_sound(now, node_points_max) {
            return None;
        }
        let mut workers = BTreeMap::new();
        for (script, name, series) in list {
            if name.len() > WORKER_LEN_MAX || !series.is_sound(now, worker_points_max) {
                return None;
            }
            workers.insert((PayoutScript::from_bytes(&script).ok()?, name), series);
        }
        let mut history = Self::of(node, workers);
        history.forget_old(now);
        Some(history)
    }
}
