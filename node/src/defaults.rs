//! Operational constants: every queue, time-out and rate of a node, with the reason for its size.

use std::{num::NonZeroUsize, time::Duration};

use sharechain::share::SHARE_LEN_MAX;

/// Inputs waiting for the chain task. When it is full the check waits and what peers say of themselves is dropped: the
/// chain handles more than 10,000 shares a second, so a full queue is an attack or a stuck disk.
pub const CHAIN_QUEUE_MAX: usize = 1_024;
/// Gossiped shares waiting for their stateless check. Further ones are ignored without blame.
pub const CHECK_QUEUE_MAX: usize = 512;
/// Commands waiting for the p2p task; senders wait.
pub const P2P_QUEUE_MAX: usize = 256;
/// Commands waiting for the store thread; senders wait, which slows gossip down to what the disk can write.
pub const STORE_QUEUE_MAX: usize = 512;
/// Found and seen blocks waiting for the blocks task; senders wait. There are a few a day.
pub const BLOCKS_QUEUE_MAX: usize = 64;

/// Most appends joined into one store transaction; small batches are the fastest with sled.
pub const STORE_BATCH_MAX: usize = 128;
/// Shares that nobody waits for are on the disk after at most this.
pub const STORE_SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// With less room on its disk than this, bytes, the store does not write: sled fails for good when a write finds no space, and
/// does not open on a full disk. It is many times what its caches may write by themselves.
pub const STORE_ROOM_MIN: u64 = 32 << 20;
/// Time between two looks for room.
pub const STORE_ROOM_INTERVAL: Duration = Duration::from_secs(1);
/// Bytes of shares that wait in memory for room: hours of a busy chain. A node with more ends, as with a failed disk.
pub const STORE_HELD_BYTES_MAX: usize = 64 << 20;
/// Shares that are appended to one generation of the sled store. What is removed takes room until the rest of its generation is
/// removed too: a fifth of what a main network keeps.
pub const STORE_GENERATION_SHARES: u64 = 1 << 16;
/// Cache of each generation; a main network has six or seven of them, and one more while an undivided store is needed.
pub const STORE_GENERATION_CACHE_BYTES: u64 = 16 << 20;
/// Cache of the redb store.
pub const STORE_CACHE_BYTES: u64 = 64 << 20;

/// Shares waiting for their fsync before they are gossiped and their miner is answered.
pub const UNSTORED_OWN_SHARES_MAX: usize = 1_024;

/// New jobs without a new parent block come at most this often.
pub const JOB_REFRESH: Duration = Duration::from_secs(2);
/// Half of a full merge set on every network so far.
pub const UNCLES_FAST: usize = 32;
/// ... or, when half a merge set waits, this often.
pub const JOB_REFRESH_FAST: Duration = Duration::from_millis(250);
/// Jobs come at least this often: cpuminer-opt stops at the end of its nonce range, cgminer drops a pool after 90 s
/// without a line.
pub const JOB_REFRESH_MAX: Duration = Duration::from_secs(25);
/// Without a template for this long miners get no new jobs: their work could be on a dead block.
pub const TEMPLATE_AGE_MAX: Duration = Duration::from_secs(60);

/// Time for one RPC call other than a longpoll.
pub const RPC_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for the question after the tip, which costs a daemon nothing: without an answer it counts as gone.
pub const RPC_ALIVE_TIMEOUT: Duration = Duration::from_secs(4);
/// A longpoll is never aborted early: the daemon's worker thread would stay blocked (litecoind has four).
pub const RPC_LONGPOLL_TIMEOUT: Duration = Duration::from_secs(900);
/// Largest answer of a daemon. Stops a broken or hostile one from filling memory; Bitcoin Core's own bound.
pub const RPC_BODY_MAX: usize = 32 << 20;
/// Time between two looks at the daemon's tip, the safety net below the longpoll, and what tells a frozen daemon.
pub const PARENT_POLL: Duration = Duration::from_millis(500);
/// Time between two templates of a daemon without longpoll.
pub const TEMPLATE_POLL: Duration = Duration::from_secs(5);
/// Time between two looks at whether another daemon should be mined with.
pub const CHOICE_INTERVAL: Duration = Duration::from_millis(250);
/// Least time between two longpolls: litecoind answers them at once after a restart.
pub const LONGPOLL_INTERVAL_MIN: Duration = Duration::from_millis(500);
/// Pause after a failed call, doubled up to the second value.
pub const RPC_BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(8));
/// Time between two looks at a block that is not buried yet.
pub const BLOCK_CHECK: Duration = Duration::from_secs(5);
/// A share that claims to be a block and is unknown to the daemon for this long was orphaned, or a lie.
pub const BLOCK_UNKNOWN_MAX: Duration = Duration::from_secs(600);
/// Blocks and candidates remembered. Stops shares with an easy nBits from filling memory by claiming to be blocks.
pub const BLOCKS_REMEMBERED_MAX: usize = 1_024;

/// Inbound connections at the transport: those that are kept, and room to look at a newcomer before one is chosen to go.
pub const INBOUND_MAX: u32 = 56;
/// Outbound connections at the transport: those that are chosen, the operator's own, and those of lookups, which are short.
pub const OUTBOUND_MAX: u32 = 64;
/// Connections per peer: two nodes may dial each other at once, and test whether they can be reached.
pub const CONNECTIONS_PER_PEER_MAX: u32 = 3;
/// Handshakes under way. Stops connection churn from holding memory.
pub const PENDING_CONNECTIONS_MAX: u32 = 16;
/// Streams per connection; yamux would allow 512 with a window each.
pub const STREAMS_PER_CONNECTION_MAX: usize = 32;
/// Bytes of a QUIC stream that may be on their way: 25 MB/s at 80 ms.
pub const QUIC_STREAM_WINDOW: u32 = 2 << 20;
/// The same of all streams of a QUIC connection. Stops a peer from filling memory with what nobody reads.
pub const QUIC_CONNECTION_WINDOW: u32 = 4 << 20;
/// Peers per bucket of the hash table; the usual k.
pub const KAD_PEERS_PER_BUCKET: NonZeroUsize = NonZeroUsize::new(20).unwrap();
/// With fewer peers than this, in per cent of the outbound slots, seeds and the hash table are asked often.
pub const PEERS_FEW_PERCENT: usize = 66;
/// Time between two questions to the seeds, while there are few peers.
pub const SEED_INTERVAL: Duration = Duration::from_secs(30);
/// Time between two lookups in the hash table.
pub const LOOKUP_INTERVAL: Duration = Duration::from_secs(1_800);
/// The same while there are few peers.
pub const LOOKUP_INTERVAL_FEW: Duration = Duration::from_secs(60);
/// Time between two questions to peers for others.
pub const EXCHANGE_INTERVAL: Duration = Duration::from_secs(120);
/// A peer is told of others at most this often. Stops one from copying the address book.
pub const TOLD_INTERVAL: Duration = Duration::from_secs(30);
/// Signed records of nodes that are kept for others: one megabyte at most.
pub const ENVELOPES_MAX: usize = 1_024;
/// Peers of the local network that a node stays connected to, the configured ones included.
pub const LOCAL_PEERS_MAX: usize = 16;
/// Late deliveries between two looks of the network task.
pub const LAGS_MAX: usize = 4_096;
/// Requests and answers on one connection at once. Stops a peer that does not read from keeping answers in memory.
pub const REQUEST_STREAMS_MAX: usize = 8;
/// Connections without a stream stay open: peers outside the gossip mesh are still peers.
pub const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(3_600);
/// Time between two dials of a configured peer that is not connected.
pub const REDIAL_INTERVAL: Duration = Duration::from_secs(5);
/// Time between two questions for a peer's tip; also how soon a missed share is noticed.
pub const HELLO_INTERVAL: Duration = Duration::from_secs(5);
/// Time for a request to a peer. The sync gives up before, and has not asked the same peer again by then.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(9);
/// Time for the answer to a ping; without it the connection is dead. Far above any round trip with full queues.
pub const PING_TIMEOUT: Duration = Duration::from_secs(15);
/// Time between two pings of a peer.
pub const PING_INTERVAL: Duration = Duration::from_secs(10);
/// Sync answers being prepared for all peers. Further requests are dropped and asked again.
pub const SERVING_MAX: usize = 16;
/// Requests one peer may make in [`REQUEST_WINDOW`]; more end the connection. A syncing peer asks as fast as it
/// validates, a few times a second.
pub const REQUESTS_PER_WINDOW_MAX: u32 = 400;
/// Window of the request rate.
pub const REQUEST_WINDOW: Duration = Duration::from_secs(10);
/// Largest gossip message: one share.
pub const GOSSIP_LEN_MAX: usize = SHARE_LEN_MAX;
/// Longest user agent a peer may claim, characters kept.
pub const AGENT_LEN_MAX: usize = 64;

/// Waiting for configured peers before a node that holds shares of its own starts to mine without them.
pub const ALONE_GRACE: Duration = Duration::from_secs(15);
/// Time between the request to stop and the end of the node. Supervisors kill what takes much longer.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// The part of it that stores have to write what they have, when tasks take all of theirs.
pub const STORES_TIMEOUT: Duration = Duration::from_secs(2);
/// The part of it that blocks which were just found have to reach a daemon and the disk.
pub const BLOCKS_STOP_TIMEOUT: Duration = Duration::from_secs(2);
const _: () = assert!(BLOCKS_STOP_TIMEOUT.as_millis() + STORES_TIMEOUT.as_millis() < SHUTDOWN_TIMEOUT.as_millis());
/// Time for an answer of the chain task to the API.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(5);
