//! Judges how a daemon is reached, and whether it is the right one.

use std::io;

use sharechain::BlockHash;

use crate::{
    chain_profile::{ChainProfile, known_chains},
    diagnostics::{Finding, root_cause},
    parent::{
        rpc::{RpcAuth, RpcError, ZmqNotification},
        self_test::SelfTestError,
    },
};

/// What a daemon that still loads its blocks answers everything with.
const WARMING_UP: i64 = -28;
/// How daemons call what the node subscribes to.
const PUBLISHER: &str = "pubhashblock";

/// Whether it answers, and knows us.
pub(super) fn rpc(auth: &RpcAuth, section: &str, failed: Option<&RpcError>) -> Finding {
    let Some(error) = failed else { return Finding::ok("rpc", format!("answers {}", who(auth))) };
    let found = Finding::of_error("rpc", error);
    match error {
        RpcError::Daemon { code: WARMING_UP, .. } => Finding::ok("rpc", format!("answers {}", who(auth))),
        RpcError::Daemon { .. } => found.fix("is it a daemon of a Bitcoin-format coin?"),
        RpcError::Unreachable { .. } => found.fix(format!(
            "start the daemon with -server=1, or correct {section}.rpc_url (on another machine it needs -rpcbind and -rpcallowip)"
        )),
        RpcError::Timeout { .. } => {
            found.fix("look at its log: a full work queue (-rpcworkqueue, -rpcthreads), or a slow disk")
        }
        RpcError::Unauthorized(_) => unauthorized(found, auth, section),
        RpcError::Cookie { path, source } => match source.kind() {
            io::ErrorKind::NotFound => found.fix(format!(
                "start the daemon, or correct {section}.rpc_cookie_file: each network has a folder of its own below the daemon's"
            )),
            io::ErrorKind::PermissionDenied => found.fix(format!(
                "let this user read {} (-rpccookieperms=group), or set {section}.rpc_user and rpc_password",
                path.display()
            )),
            _ => found,
        },
        RpcError::Malformed { .. } => found.fix(format!("is {section}.rpc_url the port of the JSON-RPC, and not of peers or a web page?")),
    }
}

fn who(auth: &RpcAuth) -> String {
    match auth {
        RpcAuth::None => "without a password".to_owned(),
        RpcAuth::User { user, .. } => format!("the user {user:?}"),
        RpcAuth::CookieFile(path) => format!("the cookie {}", path.display()),
    }
}

fn unauthorized(found: Finding, auth: &RpcAuth, section: &str) -> Finding {
    let from_here = "or the daemon does not take this machine's address (-rpcallowip)";
    match auth {
        RpcAuth::None => found
            .because("no user is configured, and the daemon wants one")
            .fix(format!("set {section}.rpc_cookie_file, or rpc_user and rpc_password")),
        RpcAuth::User { user, .. } => found
            .because(format!("it does not know the user {user:?} with this password, {from_here}"))
            .fix(format!("compare {section}.rpc_user and rpc_password with -rpcuser and -rpcpassword (or -rpcauth) of the daemon")),
        RpcAuth::CookieFile(path) => found
            .because(format!("the cookie {} is another daemon's, or an old one, {from_here}", path.display()))
            .fix(format!("correct {section}.rpc_cookie_file: each network has a folder of its own; with -rpcpassword there is no cookie")),
    }
}

/// What is not asked where the first question failed. A daemon that warms up is one that syncs.
pub(super) fn unanswered(cause: &RpcError, checks: &[&'static str]) -> Vec<Finding> {
    let judged = checks.iter().map(|check| match cause {
        RpcError::Daemon { code: WARMING_UP, message, .. } if *check == "sync" => {
            Finding::error("sync", format!("the daemon is starting: {message}")).fix("wait; its log says how far it is")
        }
        _ => Finding::skipped(check, "not asked: the daemon does not answer"),
    });
    judged.collect()
}

/// Whether it is on this chain.
pub(super) fn chain(profile: &ChainProfile, tested: &Result<(), SelfTestError>) -> Finding {
    let name = &profile.name;
    match tested {
        // Whether it has caught up is another check.
        Ok(()) | Err(SelfTestError::Syncing { .. }) => {
            Finding::ok("chain", format!("its first block and newest headers are those of {name}"))
        }
        Err(error @ SelfTestError::WrongChain { found, .. }) => {
            let wrong = Finding::of_error("chain", error);
            match with_genesis(found) {
                Some(theirs) => wrong
                    .because(format!("it is a daemon of {theirs}, and this node is configured for {name}"))
                    .fix(format!(
                        "set chain = \"{theirs}\", or point the node to a daemon of {name}: is it the right port?"
                    )),
                None => wrong.fix(format!("point the node to a daemon of {name}: is it the right port?")),
            }
        }
        Err(error @ SelfTestError::WrongNetwork { .. }) => Finding::of_error("chain", error)
            .fix(format!("point the node to a daemon of {name}: each network has a port of its own")),
        Err(error @ SelfTestError::Header { .. }) => Finding::of_error("chain", error)
            .because("the daemon is broken, or it lies, or a proxy in between does")
            .fix("use a daemon of your own, and compare its blocks with a block explorer"),
        Err(error @ SelfTestError::Rpc(cause)) => {
            let found = Finding::of_error("chain", error);
            match root_cause(cause) {
                Some(cause) => found.because(cause),
                None => found,
            }
        }
    }
}

/// Which chain begins with this block.
fn with_genesis(hash: &BlockHash) -> Option<&'static str> {
    let has_it = |name: &&str| ChainProfile::find(name, None).is_ok_and(|chain| chain.params.parent().genesis == *hash);
    known_chains().into_iter().find(has_it)
}

/// Whether new blocks come by ZMQ; `listed` is what the daemon says it publishes.
pub(super) fn zmq(
    address: &str,
    section: &str,
    listed: Option<&[ZmqNotification]>,
    subscribed: Result<(), String>,
) -> Finding {
    let port = |address: &str| address.rsplit_once(':').map(|(_, port)| port.to_owned());
    let publishers = |listed: &[ZmqNotification]| -> Vec<String> {
        listed.iter().filter(|one| one.topic == PUBLISHER).map(|one| one.address.clone()).collect()
    };
    let published = listed.map(publishers);
    let option = format!("start the daemon with -zmq{PUBLISHER}=tcp://{address}");
    let later = "new blocks are seen by longpoll and poll, up to half a second later";
    match (&published, subscribed) {
        (Some(published), _) if published.is_empty() => {
            Finding::warning("zmq", "the daemon does not publish block hashes").because(later).fix(option)
        }
        (Some(published), _) if !published.iter().any(|there| port(there) == port(address)) => Finding::warning(
            "zmq",
            format!("the daemon publishes block hashes at {}, not at {address}", published.join(", ")),
        )
        .because(later)
        .fix(format!("correct {section}.zmq_hashblock, or {option}")),
        (None, Err(cause)) => Finding::warning("zmq", format!("no subscription at {address}"))
            .because(format!("{cause}; the daemon has no getzmqnotifications, so it may be built without ZMQ"))
            .fix(format!("{option}, where it can do that, or leave {section}.zmq_hashblock out: longpoll is enough")),
        (Some(_), Err(cause)) => Finding::warning("zmq", format!("no subscription at {address}"))
            .because(cause)
            .fix(format!("{option}, and let this machine connect to it")),
        (Some(_), Ok(())) => Finding::ok("zmq", format!("block hashes are published at {address}")),
        (None, Ok(())) => {
            Finding::ok("zmq", format!("{address} takes subscriptions; the daemon does not say what it publishes"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Severity;

    const URL: &str = "http://127.0.0.1:8332";

    fn user() -> RpcAuth {
        RpcAuth::User { user: "pool".to_owned(), password: "secret".to_owned() }
    }

    fn daemon(code: i64) -> RpcError {
        RpcError::Daemon { method: "getblockhash", code, message: "Loading block index".to_owned() }
    }

    #[test]
    fn who_is_refused_is_named_and_no_password_is_shown() {
        let unauthorized = RpcError::Unauthorized(URL.to_owned());
        let judged = |auth: &RpcAuth| rpc(auth, "parent", Some(&unauthorized));
        let found = judged(&user());
        assert_eq!(found.severity, Severity::Error);
        assert_eq!(found.finding, "the daemon at http://127.0.0.1:8332 refuses our user and password");
        assert!(found.cause.as_ref().unwrap().contains("the user \"pool\""));
        assert!(!format!("{found:?}").contains("secret"));
        assert_eq!(judged(&RpcAuth::None).fix.unwrap(), "set parent.rpc_cookie_file, or rpc_user and rpc_password");
        assert!(
            judged(&RpcAuth::CookieFile("/x/.cookie".into())).cause.unwrap().starts_with("the cookie /x/.cookie is")
        );
        assert_eq!(rpc(&user(), "parent", None).finding, "answers the user \"pool\"");
    }

    #[test]
    fn a_cookie_that_cannot_be_read_says_what_to_change() {
        let judged = |kind: io::ErrorKind| {
            let cookie = RpcError::Cookie { path: "/x/.cookie".into(), source: kind.into() };
            rpc(&RpcAuth::CookieFile("/x/.cookie".into()), "parent.fallback", Some(&cookie)).fix.unwrap()
        };
        assert!(judged(io::ErrorKind::NotFound).contains("parent.fallback.rpc_cookie_file"));
        assert!(judged(io::ErrorKind::PermissionDenied).contains("-rpccookieperms=group"));
    }

    #[test]
    fn a_daemon_that_warms_up_answers_and_syncs() {
        assert_eq!(rpc(&RpcAuth::None, "parent", Some(&daemon(-28))).severity, Severity::Ok);
        assert_eq!(rpc(&RpcAuth::None, "parent", Some(&daemon(-1))).severity, Severity::Error);
        let found = unanswered(&daemon(-28), &["chain", "sync"]);
        assert_eq!([found[0].severity, found[1].severity], [Severity::Skipped, Severity::Error]);
        assert_eq!(found[1].finding, "the daemon is starting: Loading block index");
        let silent = RpcError::Unauthorized(URL.to_owned());
        assert!(unanswered(&silent, &["chain", "sync"]).iter().all(|found| found.severity == Severity::Skipped));
    }

    #[test]
    fn a_daemon_of_another_chain_is_named() {
        let (ours, theirs) = ["bitcoin-regtest", "devnet"].map(|name| ChainProfile::find(name, None).unwrap()).into();
        let wrong = |found| SelfTestError::WrongChain { found, expected: ours.params.parent().genesis };
        let found = chain(&ours, &Err(wrong(theirs.params.parent().genesis)));
        assert_eq!(found.severity, Severity::Error);
        assert_eq!(found.cause.unwrap(), "it is a daemon of devnet, and this node is configured for bitcoin-regtest");
        assert!(found.fix.unwrap().starts_with("set chain = \"devnet\", or"));
        let unknown = chain(&ours, &Err(wrong(BlockHash::ZERO)));
        assert_eq!(unknown.cause, None);
        let syncing = Err(SelfTestError::Syncing { blocks: 1, headers: 9 });
        assert_eq!((chain(&ours, &syncing).severity, chain(&ours, &Ok(())).severity), (Severity::Ok, Severity::Ok));
    }

    #[test]
    fn zmq_is_judged_by_what_is_published_and_by_a_subscription() {
        let publisher =
            |topic: &str, address: &str| vec![ZmqNotification { topic: topic.to_owned(), address: address.to_owned() }];
        let judged = |listed: Option<Vec<ZmqNotification>>, subscribed| {
            zmq("127.0.0.1:28332", "parent", listed.as_deref(), subscribed)
        };
        let listed = publisher(PUBLISHER, "tcp://0.0.0.0:28332");
        assert_eq!(judged(Some(listed.clone()), Ok(())).severity, Severity::Ok);
        assert_eq!(judged(None, Ok(())).severity, Severity::Ok);
        let refused = judged(Some(listed), Err("Connection refused".to_owned()));
        assert_eq!((refused.severity, refused.cause.as_deref()), (Severity::Warning, Some("Connection refused")));
        let other = judged(Some(publisher("pubhashtx", "tcp://0.0.0.0:28332")), Ok(()));
        assert_eq!(other.finding, "the daemon does not publish block hashes");
        assert_eq!(other.fix.unwrap(), "start the daemon with -zmqpubhashblock=tcp://127.0.0.1:28332");
        let elsewhere = judged(Some(publisher(PUBLISHER, "tcp://127.0.0.1:1")), Ok(()));
        assert_eq!(elsewhere.finding, "the daemon publishes block hashes at tcp://127.0.0.1:1, not at 127.0.0.1:28332");
    }
}
