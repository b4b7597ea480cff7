//! The grammar of user names: `ADDRESS[.worker]`, also `ADDRESS_worker`, which ckpool allows.

use sharechain::PayoutScript;

use crate::{
    address::{AddressError, AddressFormat},
    limits::{USERNAME_LEN_MAX, WORKER_LEN_MAX},
};

/// Name of a worker that gave none.
const WORKER_DEFAULT: &str = "default";

/// A user name that can be paid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Username {
    /// Whom the work is credited to.
    pub script: PayoutScript,
    /// The worker's name: letters, digits, `-`, `_`, `.` only, because it ends up in logs and terminals.
    pub worker: String,
}

impl Username {
    /// Parses what a miner sends as user.
    ///
    /// # Errors
    /// [`AddressError`] when the part before the worker is no payout address of the chain.
    pub fn parse(user: &str, format: &AddressFormat) -> Result<Self, AddressError> {
        if user.len() > USERNAME_LEN_MAX {
            return Err(AddressError::Empty);
        }
        let (address, worker) = user.split_once(['.', '_']).unwrap_or((user, ""));
        let script = format.parse(address.trim())?;
        let allowed = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        let worker: String = worker.chars().filter(allowed).take(WORKER_LEN_MAX).collect();
        let worker = if worker.is_empty() { WORKER_DEFAULT.to_owned() } else { worker };
        Ok(Self { script, worker })
    }
}

#[cfg(test)]
mod tests {
    use bech32::Hrp;

    use super::*;

    const ADDRESS: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";

    #[track_caller]
    fn check(user: &str, worker: &str) {
        let format = AddressFormat { bech32: Some(Hrp::parse("bc").unwrap()), p2pkh: 0, p2sh: vec![5] };
        let parsed = Username::parse(user, &format).unwrap();
        assert_eq!(parsed.script, format.parse(ADDRESS).unwrap());
        assert_eq!(parsed.worker, worker);
    }

    #[test]
    fn address_and_worker() {
        check(ADDRESS, "default");
        check(&format!("{ADDRESS}.rig1"), "rig1");
        check(&format!("{ADDRESS}_rig.1"), "rig.1");
        check(&format!("{}.rig", ADDRESS.to_uppercase()), "rig");
    }

    #[test]
    fn attack_m8_control_characters_never_reach_a_log() {
        check(&format!("{ADDRESS}.rig\x1b[31m\r\n\u{202e}7"), "rig31m7");
        check(&format!("{ADDRESS}.{}", "w".repeat(100)), &"w".repeat(WORKER_LEN_MAX));
    }
}
