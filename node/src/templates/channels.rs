//! Whom the templates task speaks with, and what it tells the operator.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::{
    blocks::BlockInput,
    chain_task::{ChainInput, ChainView},
    p2p::P2pHandle,
    parent::ParentState,
};

/// Whom the task speaks with.
#[derive(Debug)]
pub struct TemplateChannels {
    /// What the daemons say.
    pub parent: watch::Receiver<ParentState>,
    /// The share chain's tip.
    pub chain_view: watch::Receiver<Arc<ChainView>>,
    /// The chain task.
    pub chain: mpsc::Sender<ChainInput>,
    /// The blocks task.
    pub blocks: mpsc::Sender<BlockInput>,
    /// The network.
    pub p2p: P2pHandle,
    /// Where others see that the own daemon refuses what miners work on.
    pub refused: watch::Sender<Option<RefusedTemplate>>,
}

/// What the own daemon says of the blocks that miners of this node work on, while it refuses them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the daemon refuses the blocks that miners work on: {reason}; hint: `poolnode doctor` looks at the daemon and the template"
)]
pub struct RefusedTemplate {
    /// In its words.
    pub reason: String,
}
