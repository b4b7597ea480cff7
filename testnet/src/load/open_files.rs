//! Room for one open file per connection.

use anyhow::Context;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Open files beside the connections: the runtime's, the terminal's, `/proc`.
const OTHER_FILES: u64 = 64;

/// Raises the limit of open files of this process until the connections fit.
///
/// # Errors
/// When the system does not allow as many.
pub(super) fn make_room(connections: u32) -> anyhow::Result<()> {
    let needed = u64::from(connections) + OTHER_FILES;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("cannot ask for the limit of open files")?;
    if soft >= needed {
        return Ok(());
    }
    // Only root may go beyond the hard limit; others are told what it is.
    setrlimit(Resource::RLIMIT_NOFILE, needed, hard.max(needed)).with_context(|| {
        format!(
            "{connections} connections need {needed} open files, and the system allows this process {hard}; raise the \
             hard limit (ulimit -Hn) or use fewer connections"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_suffices_stays_as_it_is() {
        let before = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        make_room(1).unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), before);
    }
}
