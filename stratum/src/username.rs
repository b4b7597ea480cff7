//! The grammar of user names: `ADDRESS[.worker]`, also `ADDRESS_worker`, which ckpool allows.

use sharechain::PayoutScript;

use crate::{
    address::{AddressError, AddressFormat},
    limits::{USERNAME_LEN_MAX, WORKER_LEN_MAX},
};

/// Name of a worker that gave none.
const WORKER_DEFAULT: &str = "default";

/// Shorter than any address of any chain (BIP173: a prefix, a separator, a checksum and a program).
const ADDRESS_LEN_MIN: usize = 14;

/// A user name that can be paid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Username {
    /// Whom the work is credited to.
    pub script: PayoutScript,
    /// The worker's name: letters, digits, `-`, `_`, `.` only, because it ends up in logs and terminals.
    pub worker: String,
    /// Whether the user gave no address, so that somebody else is credited.
    pub is_nameless: bool,
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
        Ok(Self { script: format.parse(address.trim())?, worker: worker_name(worker), is_nameless: false })
    }

    /// The same, with somebody to credit when the user gives no address. What is long enough to be meant as an address has to be
    /// one: nobody loses work to a slip of the pen.
    ///
    /// # Errors
    /// [`AddressError`] as [`Username::parse`].
    pub fn parse_or(user: &str, format: &AddressFormat, default: Option<PayoutScript>) -> Result<Self, AddressError> {
        let address = user.split(['.', '_']).next().unwrap_or_default();
        match default.filter(|_| address.len() < ADDRESS_LEN_MIN && user.len() <= USERNAME_LEN_MAX) {
            Some(script) => Ok(Self { script, worker: worker_name(user), is_nameless: true }),
            None => Self::parse(user, format),
        }
    }
}

/// What of a name may be shown.
fn worker_name(text: &str) -> String {
    let allowed = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let worker: String = text.chars().filter(allowed).take(WORKER_LEN_MAX).collect();
    if worker.is_empty() { WORKER_DEFAULT.to_owned() } else { worker }
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
    fn who_gives_no_address_may_work_for_the_operator_but_not_by_a_slip_of_the_pen() {
        let format = AddressFormat { bech32: Some(Hrp::parse("bc").unwrap()), p2pkh: 0, p2sh: vec![5] };
        let default = format.parse(ADDRESS).ok();
        let parse = |user: &str| Username::parse_or(user, &format, default);
        let nameless =
            |worker: &str| Ok(Username { script: default.unwrap(), worker: worker.to_owned(), is_nameless: true });
        assert_eq!(parse("rig7"), nameless("rig7"));
        assert_eq!(parse(""), nameless("default"));
        assert_eq!(parse("john.rig 7"), nameless("john.rig7"));
        assert!(parse(&format!("{ADDRESS}.rig")).is_ok_and(|user| !user.is_nameless));
        assert_eq!(parse(&format!("{}x", &ADDRESS[..41])), Err(AddressError::Checksum));
        assert!(Username::parse_or("rig7", &format, None).is_err());
    }

    #[test]
    fn attack_m8_control_characters_never_reach_a_log() {
        check(&format!("{ADDRESS}.rig\x1b[31m\r\n\u{202e}7"), "rig31m7");
        check(&format!("{ADDRESS}.{}", "w".repeat(100)), &"w".repeat(WORKER_LEN_MAX));
    }
}
