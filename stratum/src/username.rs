//! The grammar of user names: `ADDRESS[.worker]`, also `ADDRESS_worker`, which ckpool allows.

use crate::{
    address::AddressError,
    lane::{LaneId, LaneScripts, LaneTerms, Lanes},
    limits::{USERNAME_LEN_MAX, WORKER_LEN_MAX},
    options::LoginOptions,
};

/// Name of a worker that gave none.
const WORKER_DEFAULT: &str = "default";

/// Shorter than any address of any chain (BIP173: a prefix, a separator, a checksum and a program).
const ADDRESS_LEN_MIN: usize = 14;

/// A user name that can be paid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Username {
    /// Whom the work is credited to on each lane.
    pub scripts: LaneScripts,
    /// The worker's name: letters, digits, `-`, `_`, `.` only, because it ends up in logs and terminals.
    pub worker: String,
    /// Whether the user gave no address, so that somebody else is credited.
    pub is_nameless: bool,
    /// The lane that it asked for.
    pub pin: Option<LaneId>,
}

impl Username {
    /// Parses what a miner sends as user and, in its password, as further addresses. Lanes have somebody to credit when the user
    /// gives no address. What is long enough to be meant as an address has to be one: nobody loses work to a slip of the pen.
    ///
    /// # Errors
    /// [`AddressError`] when there is no lane on which the miner can be paid, or when an address is wrong that is for one lane.
    pub fn parse(user: &str, options: &LoginOptions, lanes: &Lanes) -> Result<Self, AddressError> {
        if user.len() > USERNAME_LEN_MAX {
            return Err(AddressError::Empty);
        }
        let (address, worker) = user.split_once(['.', '_']).unwrap_or((user, ""));
        let is_nameless =
            address.len() < ADDRESS_LEN_MIN && lanes.iter().any(|(_, lane)| lane.default_script.is_some());
        // Where there is one lane only, options of other pools are no addresses.
        let own = |lane: &LaneTerms| options.address_on(&lane.name).filter(|_| lanes.len() > 1);
        let script = |lane: &LaneTerms| match (own(lane), lane.default_script) {
            (Some(own), _) => lane.addresses.parse(own).map(Some),
            (None, default) if is_nameless => Ok(default),
            (None, _) => Ok(lane.addresses.parse(address.trim()).ok()),
        };
        let scripts = lanes.iter().map(|(_, lane)| script(lane)).collect::<Result<LaneScripts, _>>()?;
        if scripts.lanes().next().is_none() {
            // Why not is said of the first lane: it is the one that the node is known for.
            lanes.first().addresses.parse(address.trim())?;
        }
        Ok(Self { scripts, worker: worker_name(if is_nameless { user } else { worker }), is_nameless, pin: None })
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
    use sharechain::testing;

    use super::*;
    use crate::address::AddressFormat;

    const ADDRESS: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";

    fn format(hrp: &str) -> AddressFormat {
        AddressFormat { bech32: Some(Hrp::parse(hrp).unwrap()), p2pkh: 0, p2sh: vec![5] }
    }

    fn terms(name: &str, hrp: &str) -> LaneTerms {
        LaneTerms::new(name.to_owned(), testing::devnet_params(), format(hrp))
    }

    fn lanes() -> Lanes {
        Lanes::one(terms("main", "bc"))
    }

    fn options(password: &str) -> LoginOptions {
        LoginOptions::parse(password).unwrap()
    }

    fn parse(user: &str, password: &str, lanes: &Lanes) -> Result<Username, AddressError> {
        Username::parse(user, &options(password), lanes)
    }

    #[track_caller]
    fn check(user: &str, worker: &str) {
        let parsed = parse(user, "x", &lanes()).unwrap();
        assert_eq!(parsed.scripts.on(LaneId::FIRST), format("bc").parse(ADDRESS).ok());
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
        let mut lanes = lanes();
        assert!(parse("rig7", "x", &lanes).is_err());
        lanes.first_mut().default_script = format("bc").parse(ADDRESS).ok();
        let scripts: LaneScripts = [lanes.first().default_script].into_iter().collect();
        let nameless = |worker: &str| {
            Ok(Username { scripts: scripts.clone(), worker: worker.to_owned(), is_nameless: true, pin: None })
        };
        assert_eq!(parse("rig7", "x", &lanes), nameless("rig7"));
        assert_eq!(parse("", "x", &lanes), nameless("default"));
        assert_eq!(parse("john.rig 7", "x", &lanes), nameless("john.rig7"));
        assert!(parse(&format!("{ADDRESS}.rig"), "x", &lanes).is_ok_and(|user| !user.is_nameless));
        assert_eq!(parse(&format!("{}x", &ADDRESS[..41]), "x", &lanes), Err(AddressError::Checksum));
    }

    #[test]
    fn a_lane_pays_the_address_that_is_its_own_and_nobody_where_there_is_none() {
        let script = format("bc").parse(ADDRESS).unwrap();
        let other = format("ltc").format(&testing::script(2)).unwrap();
        let mut second = terms("second", "ltc");
        second.default_script = Some(testing::script(9));
        let lanes = lanes().with(second).unwrap();
        let scripts = |user: &str, password: &str| {
            let scripts = parse(user, password, &lanes)?.scripts;
            Ok::<_, AddressError>([0, 1].map(|place| scripts.on(LaneId::new(place).unwrap())))
        };
        assert_eq!(
            scripts(ADDRESS, "x"),
            Ok([Some(script), None]),
            "an address of another chain is not the operator's"
        );
        assert_eq!(scripts(ADDRESS, &format!("second={other}")), Ok([Some(script), Some(testing::script(2))]));
        assert_eq!(scripts(&other, "x"), Ok([None, Some(testing::script(2))]));
        assert_eq!(scripts("rig7", "x"), Ok([None, Some(testing::script(9))]));
        assert!(scripts(ADDRESS, &format!("second={ADDRESS}")).is_err(), "a wrong address is told");
    }

    #[test]
    fn attack_m8_control_characters_never_reach_a_log() {
        check(&format!("{ADDRESS}.rig\x1b[31m\r\n\u{202e}7"), "rig31m7");
        check(&format!("{ADDRESS}.{}", "w".repeat(100)), &"w".repeat(WORKER_LEN_MAX));
    }
}
