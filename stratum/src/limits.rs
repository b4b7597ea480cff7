//! Every limit of the protocol, with the attack it stops.

use std::time::Duration;

use crate::bucket::Allowance;

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
/// Connections at once, where the system allows so many open files. Each holds a socket, a task and its jobs.
pub const CONNECTIONS_MAX: usize = 16_384;
/// Connections that the kernel holds for us until they are accepted. A farm comes back at once after a power cut.
pub const BACKLOG: u32 = 4_096;
/// Lines of one connection: a flood is read only as fast as this. A working miner sends one in some seconds, a large proxy some
/// hundred a second.
pub const LINES: Allowance = Allowance { per_second: 2_000.0, burst: 4_000.0 };
/// Sessions kept for their miners to come back to, and how long. The oldest go first.
pub const PARKED_MAX: usize = 4_096;
/// See [`PARKED_MAX`].
pub const PARKED_TIME: Duration = Duration::from_secs(600);
/// Jobs a session remembers. Bounds its memory whatever the refresh rate.
pub const JOBS_MAX: usize = 32;
/// How long a job is valid.
pub const JOB_AGE_MAX: Duration = Duration::from_secs(120);
/// How long a job on the previous parent block is still credited: the work was done before the miner could know.
pub const STALE_GRACE: Duration = Duration::from_secs(5);
/// Accepted submits that a session remembers, to refuse duplicates: two or three megabytes. At the wanted pace a job sees some dozens;
/// whoever has itself set a tiny difficulty loses its oldest jobs first, and gets another when one job alone is too much.
pub const SUBMITS_MAX: usize = 65_536;
/// Workers one connection may authorize.
pub const WORKERS_MAX: usize = 64;
/// Longest user name. Avalon cuts at 63, Whatsminer breaks above 127.
pub const USERNAME_LEN_MAX: usize = 255;
/// Longest password that is looked at, in characters: options, and payout addresses on a few lanes.
pub const PASSWORD_LEN_MAX: usize = 512;
/// Extensions of one `mining.configure` that are answered. BIP310 knows four.
pub const EXTENSIONS_MAX: usize = 16;
/// Longest worker name after the address.
pub const WORKER_LEN_MAX: usize = 64;
/// Longest user agent kept, in characters.
pub const USER_AGENT_LEN_MAX: usize = 64;
/// Rejected submits in a row after which the connection is closed. Stops a broken or hostile miner from making us hash.
pub const REJECTS_IN_A_ROW_MAX: u32 = 200;
/// How far a submitted time may be ahead of ours: other nodes would hold the share back.
pub const NTIME_AHEAD_MAX_SECS: u64 = sharechain::chain::FUTURE_TIME_MAX_SECS;

const _: () = assert!(STALE_GRACE.as_secs() < JOB_AGE_MAX.as_secs());
