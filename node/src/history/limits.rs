//! How much history is kept, and what each bound stops.

use super::Step;

/// Workers with a history. Names cost nothing, so one miner can have a new one every second: only those whose work was accepted
/// are kept, and beyond this number those that worked least make room.
pub const WORKERS_MAX: usize = 10_240;

/// Points of the node: a day, a quarter, three years.
pub const fn node_points_max(step: Step) -> usize {
    match step {
        Step::Minute => 1_440,
        Step::Hour => 2_208,
        Step::Day => 1_096,
    }
}

/// Points of a worker: an hour, three days, two months. They take 32 bytes each: 63 MB when [`WORKERS_MAX`] workers mine for two
/// months. Only what somebody worked in takes room.
pub const fn worker_points_max(step: Step) -> usize {
    match step {
        Step::Minute => 60,
        Step::Hour => 72,
        Step::Day => 60,
    }
}
