//! What the API says, as JSON. Core types never cross this border; amounts are integers in base units, times Unix seconds.
//!
//! Fields are added and never change their meaning: dashboards and scripts of every age read them.

mod blocks;
mod envelope;
mod health;
mod nodes;
mod paid;
mod parent;
mod peers;
mod shares;
mod status;
mod store;
mod switching;
mod workers;

pub use blocks::{Block, NextPayouts, Payout, Weight};
pub use envelope::{List, Meta, Problem};
pub use health::{ComponentEntry, Drain, DrainOrderBody, EmergencyEntry};
pub use nodes::{ListedNode, NearNode};
pub use paid::{AuditedPayout, BlockAudit};
pub use parent::{ConfigItem, ParentDetail, TemplateSummary};
pub use peers::{BanEntry, Count, NetworkSummary, Peer, PeerOrderBody, PeerOrderResult};
pub use shares::{DagShare, ShareDetail, ShareEntry};
pub use status::{
    Band, Coin, Daemon, Finding, Health, Parent, PoolHashrate, RejectCounts, RivalBranch, Round, Status, Submits,
    Upgrade,
};
pub use store::{StoreMarks, StorePage};
pub use switching::{DecisionEntry, LaneChoice, Switching, SwitchingOrderBody};
pub use workers::{Connect, ConnectUrl, Lane, MinerDetail, PayoutEntry, Snippet, Worker};
