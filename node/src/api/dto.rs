//! What the API says, as JSON. Core types never cross this border; amounts are integers in base units, times Unix seconds.
//!
//! Fields are added and never change their meaning: dashboards and scripts of every age read them.

mod blocks;
mod envelope;
mod nodes;
mod peers;
mod shares;
mod status;
mod workers;

pub use blocks::{Block, NextPayouts, Payout, Weight};
pub use envelope::{List, Meta, Problem};
pub use nodes::ListedNode;
pub use peers::{BanEntry, Count, NetworkSummary, Peer, PeerOrderBody, PeerOrderResult};
pub use shares::ShareDetail;
pub use status::{Daemon, Health, Parent, RivalBranch, Status, Submits, Upgrade};
pub use workers::Worker;
