//! The parent chain: its daemons' JSON-RPC, templates, and block submission; and an embedded devnet daemon.
//!
//! ```text
//! daemon --rpc, longpoll, ZMQ--> Follower (one each) --> Chooser --ParentState--> work, known blocks, API
//! ```

pub mod block;
pub mod choice;
pub mod daemon;
pub mod daemons;
pub mod devnet;
pub mod known_blocks;
pub mod rpc;
pub mod self_test;
pub mod template;
pub mod zmq;

pub use daemon::ParentHealth;
pub use daemons::{Daemons, ParentState};
pub use template::Template;
