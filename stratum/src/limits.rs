//! Every limit of the protocol, with the attack it stops.

use std::time::Duration;

/// Longest line in bytes. Stops a sender without newlines from filling memory (rusty-kaspa #1017); the longest honest
/// line, a `mining.configure` with all extensions, is below 500.
pub const LINE_LEN_MAX: usize = 8 * 1024;
/// Time to send `mining.subscribe`. Stops half-open connections from holding a slot.
pub const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(15);
/// Time to authorize the first worker, from the connection on.
pub const AUTHORIZE_TIMEOUT: Duration = Duration::from_secs(60);
/// Time without a line from the miner. A working miner submits far more often; a dead one keeps its slot until then.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(600);
/// Time to take what we send. Stops slow readers from holding jobs in memory.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Time a submit waits for the node to store its share before the miner hears that the node is too busy.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(20);
/// Connections at once. Each holds a socket, a task and its jobs.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Jobs a session remembers. Bounds its memory whatever the refresh rate.
pub const JOBS_MAX: usize = 32;
/// How long a job is valid.
pub const JOB_AGE_MAX: Duration = Duration::from_secs(120);
/// How long a job on the previous parent block is still credited: the work was done before the miner could know.
pub const STALE_GRACE: Duration = Duration::from_secs(5);
/// Accepted submits remembered per job, to refuse duplicates: about a megabyte. At the wanted pace a job sees some dozens.
pub const SUBMITS_PER_JOB_MAX: usize = 16_384;
/// Workers one connection may authorize.
pub const WORKERS_MAX: usize = 64;
/// Longest user name. Avalon cuts at 63, Whatsminer breaks above 127.
pub const USERNAME_LEN_MAX: usize = 255;
/// Longest worker name after the address.
pub const WORKER_LEN_MAX: usize = 64;
/// Longest user agent kept, in characters.
pub const USER_AGENT_LEN_MAX: usize = 64;
/// Rejected submits in a row after which the connection is closed. Stops a broken or hostile miner from making us hash.
pub const REJECTS_IN_A_ROW_MAX: u32 = 200;
/// How far a submitted time may be ahead of ours: other nodes would hold the share back.
pub const NTIME_AHEAD_MAX_SECS: u64 = sharechain::chain::FUTURE_TIME_MAX_SECS;

const _: () = assert!(STALE_GRACE.as_secs() < JOB_AGE_MAX.as_secs());
