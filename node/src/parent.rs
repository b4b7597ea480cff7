//! The parent chain: its daemon's JSON-RPC, templates, and block submission; and an embedded devnet daemon.

pub mod block;
pub mod devnet;
pub mod known_blocks;
pub mod poll;
pub mod rpc;
pub mod template;

pub use poll::{ParentHealth, ParentState};
pub use template::Template;
