//! Every bound of the lanes, with what it keeps away.

pub use stratum::lane::LANES_MAX;

/// Bytes of the name of a lane or a coin: it is a label in metrics, logs and tables.
pub const NAME_LEN_MAX: usize = 64;
/// Decisions that are kept in memory: eight hours of ticks, 8 MB with fifty lanes. Older ones are in the store.
pub const DECISIONS_MAX: usize = 512;
/// Bytes of the reason that an operator gives for a switch.
pub const REASON_LEN_MAX: usize = 200;
/// Milliseconds that a switch may be said to cost: a day. A greater cost is an error of measurement.
pub const SWITCH_COST_MS_MAX: u64 = 86_400_000;
/// Seconds for which an observation is believed to hold when no other follows: a node that was off earned nothing.
pub const OBSERVATION_SECS_MAX: u64 = 3_600;
/// Seconds between two ticks of a policy, without jitter.
pub const TICK_SECS: u64 = 60;
/// Seconds over which the ticks of different nodes are spread, so that they never move together.
pub const JITTER_SECS_MAX: u64 = 120;
/// Moves of one rebalancing. The rest follows at the next tick; stops a mistaken target from moving a farm at once.
pub const MOVES_MAX: usize = 64;
/// Price sources of one coin.
pub const PRICE_SOURCES_MAX: usize = 16;
/// Bytes that a price source may answer. The largest ticker of an exchange has a few kilobytes.
pub const PRICE_BODY_LEN_MAX: usize = 65_536;
/// The greatest believable price of a coin, in whatever unit: above it is a mistake or a bait.
pub const PRICE_MAX: f64 = 1e12;
/// The least believable price.
pub const PRICE_MIN: f64 = 1e-12;
/// Bytes of a line of a history that is replayed.
pub const REPLAY_LINE_LEN_MAX: usize = 262_144;
/// Lines of a history that is replayed: a year of minutes.
pub const REPLAY_ROWS_MAX: usize = 527_040;
