//! Judges whether a daemon is where its network is.

use std::time::Duration;

use crate::{
    diagnostics::Finding,
    parent::rpc::{ChainInfo, RpcError},
};

/// What a daemon that fetches old blocks answers getblocktemplate with.
pub(super) const IN_INITIAL_DOWNLOAD: i64 = -10;
/// Blocks that it may be behind its own best header: one is being checked.
const BEHIND_MAX: u32 = 1;
/// No block for so long is a matter of chance once in some million times on the slowest chain.
const TIP_AGE_MAX: Duration = Duration::from_secs(3 * 3_600);
/// With fewer peers new blocks come late, and who they are decides what is seen of the network.
const PEERS_FEW: u32 = 4;

/// Whether it has caught up. `syncing` are its words where it gives no template for that; `tip_age` is left out on chains of
/// one's own, where blocks come when somebody mines.
pub(super) fn sync(
    info: Result<Option<ChainInfo>, RpcError>,
    syncing: Option<&str>,
    tip_age: Option<Duration>,
) -> Finding {
    let wait = "wait; its log says how far it is, and -dbcache makes it faster";
    let info = match info {
        Ok(info) => info,
        Err(cause) => return Finding::of_error("sync", &cause),
    };
    let headers = info.as_ref().map(|info| (info.blocks, info.headers.unwrap_or(info.blocks)));
    if let Some((blocks, headers)) = headers.filter(|(blocks, headers)| *headers > blocks.saturating_add(BEHIND_MAX)) {
        return Finding::error("sync", format!("the daemon has checked {blocks} of {headers} blocks")).fix(wait);
    }
    if let Some(words) = syncing {
        return Finding::error("sync", format!("the daemon is in its initial download: {words}")).fix(wait);
    }
    let height = headers.map(|(blocks, _)| format!("at height {blocks}")).unwrap_or_default();
    match (tip_age, &info) {
        (Some(age), _) if age > TIP_AGE_MAX => {
            let old =
                Finding::warning("sync", format!("{height}: its newest block is {} minutes old", age.as_secs() / 60));
            old.because("the daemon has lost its network, or this machine's clock is wrong")
                .fix("compare the height with a block explorer; is the daemon connected?")
        }
        (Some(_), Some(info)) if info.initial_download == Some(true) => {
            Finding::error("sync", format!("{height}, and in its initial download")).fix(wait)
        }
        (_, Some(_)) => Finding::ok("sync", height),
        (_, None) => Finding::skipped("sync", "the daemon is too old to be asked"),
    }
}

/// Whether it is connected to others.
pub(super) fn peers(count: Result<Option<u32>, RpcError>, may_be_alone: bool) -> Finding {
    let connect = "let it out to its network, or give it peers with -addnode";
    match count {
        Ok(Some(count)) if may_be_alone => {
            Finding::ok("daemon-peers", format!("{count}; a chain of one's own needs none"))
        }
        Ok(Some(0)) => Finding::error("daemon-peers", "the daemon has no peers")
            .because("its blocks reach nobody, and it gives no templates")
            .fix(connect),
        Ok(Some(count)) if count < PEERS_FEW => {
            Finding::warning("daemon-peers", format!("the daemon has {count} peers"))
                .because("new blocks come late")
                .fix(connect)
        }
        Ok(Some(count)) => Finding::ok("daemon-peers", format!("{count} peers")),
        Ok(None) => Finding::skipped("daemon-peers", "the daemon cannot be asked for them"),
        Err(cause) => Finding::of_error("daemon-peers", &cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Severity;

    fn info(blocks: u32, headers: u32, initial_download: bool) -> Result<Option<ChainInfo>, RpcError> {
        let initial_download = Some(initial_download);
        Ok(Some(ChainInfo { chain: None, blocks, headers: Some(headers), initial_download }))
    }

    #[test]
    fn a_daemon_that_has_not_caught_up_is_told_in_blocks() {
        let fresh = Some(Duration::from_secs(600));
        assert_eq!(sync(info(100, 101, false), None, fresh), Finding::ok("sync", "at height 100"));
        let behind = sync(info(100, 900, true), Some("is in initial sync"), fresh);
        assert_eq!(
            (behind.severity, behind.finding.as_str()),
            (Severity::Error, "the daemon has checked 100 of 900 blocks")
        );
        let words = sync(info(100, 100, true), Some("is in initial sync"), fresh);
        assert_eq!(words.finding, "the daemon is in its initial download: is in initial sync");
        assert_eq!(sync(info(100, 100, true), None, fresh).severity, Severity::Error);
        assert_eq!(sync(info(100, 100, true), None, None).severity, Severity::Ok, "a chain of one's own");
        assert_eq!(sync(Ok(None), None, fresh).severity, Severity::Skipped);
    }

    #[test]
    fn a_network_without_blocks_is_strange() {
        let aged = |minutes: u64| sync(info(7, 7, false), None, Some(Duration::from_secs(minutes * 60)));
        assert_eq!(aged(180).severity, Severity::Ok);
        assert_eq!(aged(181).severity, Severity::Warning);
        assert_eq!(aged(181).finding, "at height 7: its newest block is 181 minutes old");
    }

    #[test]
    fn peers_are_needed_where_others_mine() {
        let judged = |count| peers(Ok(Some(count)), false).severity;
        assert_eq!([0, 1, 3, 4].map(judged), [Severity::Error, Severity::Warning, Severity::Warning, Severity::Ok]);
        assert_eq!(peers(Ok(Some(0)), true).severity, Severity::Ok);
        assert_eq!(peers(Ok(None), false).severity, Severity::Skipped);
    }
}
