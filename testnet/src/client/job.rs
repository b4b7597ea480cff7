//! The parameters of a job, read as strictly as the most brittle firmware needs them: a missing text reboots an ESP-Miner
//! (its issue #1880), and fields of another length make others hash something else.

use serde_json::Value;

use super::{kind::Buffers, violation::Breach};

/// Letters of a hash.
const HASH: usize = 64;
/// Letters of version, bits and time.
const WORD: usize = 8;

/// What the rules look at in a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct JobShape {
    /// The server's name of it.
    pub(super) id: String,
    /// Bytes of the coinbase before the extranonce.
    pub(super) coinbase1_len: usize,
    /// Bytes of the coinbase after the extranonce.
    pub(super) coinbase2_len: usize,
    /// Nodes of the Merkle branch.
    pub(super) branch_len: usize,
    /// Header version.
    pub(super) version: u32,
}

impl JobShape {
    /// Reads the parameters of `mining.notify`.
    ///
    /// # Errors
    /// The name of the first that is not what it has to be.
    pub(super) fn parse(params: &Value) -> Result<Self, &'static str> {
        let id = params[0].as_str().filter(|id| !id.is_empty() && id.is_ascii()).ok_or("job id")?;
        hex_len(&params[1]).filter(|len| *len == HASH / 2).ok_or("prevhash")?;
        let coinbase1_len = hex_len(&params[2]).ok_or("coinb1")?;
        let coinbase2_len = hex_len(&params[3]).ok_or("coinb2")?;
        let branch = params[4].as_array().ok_or("merkle branch")?;
        let is_whole = branch.iter().all(|node| hex_len(node) == Some(HASH / 2));
        let branch_len = is_whole.then_some(branch.len()).ok_or("merkle branch")?;
        let version = word(&params[5]).ok_or("version")?;
        word(&params[6]).ok_or("nbits")?;
        word(&params[7]).ok_or("ntime")?;
        params[8].as_bool().ok_or("clean jobs")?;
        let has_nine = params.as_array().is_some_and(|params| params.len() == 9);
        has_nine.then_some(()).ok_or("parameters")?;
        Ok(Self { id: id.to_owned(), coinbase1_len, coinbase2_len, branch_len, version })
    }

    /// Whether the client has room for it, with an extranonce of so many bytes.
    ///
    /// # Errors
    /// What it has no room for.
    pub(super) fn check_room(&self, room: &Buffers, extranonce_len: usize) -> Result<(), Breach> {
        let len = self.coinbase1_len + extranonce_len + self.coinbase2_len;
        if len > room.coinbase {
            return Err(Breach::Coinbase { max: room.coinbase, len });
        }
        for (part, max, len) in
            [("coinb1", room.coinbase1, self.coinbase1_len), ("coinb2", room.coinbase2, self.coinbase2_len)]
        {
            if len > max {
                return Err(Breach::CoinbasePart { part, max, len });
            }
        }
        if self.branch_len > room.branch {
            return Err(Breach::Branch { max: room.branch, len: self.branch_len });
        }
        if self.id.len() > room.job_id {
            return Err(Breach::JobId { max: room.job_id, len: self.id.len() });
        }
        Ok(())
    }
}

/// Bytes that a text is the hexadecimal digits of.
fn hex_len(value: &Value) -> Option<usize> {
    let text = value.as_str()?;
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|letter| letter.is_ascii_hexdigit());
    is_hex.then_some(text.len() / 2)
}

fn word(value: &Value) -> Option<u32> {
    let text = value.as_str().filter(|text| text.len() == WORD && !text.starts_with('+'))?;
    u32::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn params() -> Value {
        json!(["6a", "00".repeat(32), "0102", "030405", ["ab".repeat(32)], "20000000", "1d00ffff", "6b00fe34", true])
    }

    #[test]
    fn a_job_is_measured_in_bytes() {
        let shape = JobShape::parse(&params()).unwrap();
        assert_eq!((shape.id.as_str(), shape.branch_len, shape.version), ("6a", 1, 0x2000_0000));
        assert_eq!((shape.coinbase1_len, shape.coinbase2_len), (2, 3));
    }

    #[test]
    fn attack_m10_what_would_crash_a_client_is_named() {
        let changed: [(usize, Value, &str); 12] = [
            (0, json!(7), "job id"),
            (0, json!(""), "job id"),
            (1, json!(null), "prevhash"),
            (1, json!("00"), "prevhash"),
            (2, json!("012"), "coinb1"),
            (3, json!("0x"), "coinb2"),
            (4, json!("ab"), "merkle branch"),
            (4, json!(["ab"]), "merkle branch"),
            (5, json!("2000000"), "version"),
            (6, json!("+d00ffff"), "nbits"),
            (7, json!(1_795_227_188), "ntime"),
            (8, json!(1), "clean jobs"),
        ];
        for (place, value, name) in changed {
            let mut params = params();
            params[place] = value;
            assert_eq!(JobShape::parse(&params), Err(name));
        }
        assert_eq!(JobShape::parse(&json!([])), Err("job id"));
        let mut longer = params();
        longer.as_array_mut().unwrap().push(json!(1));
        assert_eq!(JobShape::parse(&longer), Err("parameters"));
    }
}
