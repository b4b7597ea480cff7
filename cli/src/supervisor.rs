//! Who started this process and wants to hear how it is: systemd, in the words of sd_notify(3) and sd_watchdog_enabled(3).

use std::{
    ffi::{OsStr, OsString},
    time::Duration,
};

use node::supervisor::Supervisor;

/// The supervisor of the environment, if there is one.
pub(crate) fn find() -> Option<Supervisor> {
    let address = std::env::var_os("NOTIFY_SOCKET").filter(|address| !address.is_empty())?;
    let patience = patience(|name| std::env::var_os(name), std::process::id());
    Supervisor::find(&address, patience)
}

/// How long it waits for a sign of life. It is asked of one process only, where it names one.
fn patience(variable: impl Fn(&str) -> Option<OsString>, own_id: u32) -> Option<Duration> {
    let number = |text: &OsStr| text.to_str()?.parse::<u64>().ok();
    if variable("WATCHDOG_PID").is_some_and(|id| number(&id) != Some(own_id.into())) {
        return None;
    }
    let micros = number(&variable("WATCHDOG_USEC")?).filter(|micros| *micros > 0)?;
    Some(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variables: &[(&str, &str)], expected_micros: Option<u64>) {
        let variable = |name: &str| {
            let (_, value) = variables.iter().find(|(variable, _)| *variable == name)?;
            Some(OsString::from(value))
        };
        assert_eq!(patience(variable, 7), expected_micros.map(Duration::from_micros));
    }

    #[test]
    fn a_watchdog_is_for_the_process_that_it_names() {
        check(&[], None);
        check(&[("WATCHDOG_USEC", "120000000")], Some(120_000_000));
        check(&[("WATCHDOG_USEC", "120000000"), ("WATCHDOG_PID", "7")], Some(120_000_000));
        check(&[("WATCHDOG_USEC", "120000000"), ("WATCHDOG_PID", "8")], None);
        check(&[("WATCHDOG_PID", "7")], None);
        for wrong in ["0", "", "soon", "-1"] {
            check(&[("WATCHDOG_USEC", wrong)], None);
        }
    }
}
