//! Which lane miners are on: the shell around [`lanes`](crate::lanes), which decides.
//!
//! ```text
//! lanes --LaneView--> observe --Inputs--> Controller --Decision--> record (a file), the API
//! operator --Order-------------------------> |
//!                                            +--LanePlan--> every connection
//! ```
//! It never touches a connection: each moves itself when the plan has another lane for its miner.

use std::sync::Arc;

use stratum::{JobTemplate, LaneId, LanePlan};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    blocks::BlocksView,
    chain_profile::ChainProfile,
    chain_task::ChainView,
    directory::DirectoryView,
    lanes::{Decision, Health, RunState},
    p2p::PeersView,
    parent::ParentState,
    payouts::ledger::Ledger,
    templates::RefusedTemplate,
};

mod earnings;
mod observe;
mod placing;
mod record;
mod studies;
mod task;

pub use earnings::Earned;
pub use record::DecisionRecord;
pub use task::SwitchingTask;

/// Orders that wait. An operator types one at a time.
const ORDERS_MAX: usize = 8;

/// What a lane shows to those who choose among lanes.
#[derive(Clone, Debug)]
pub struct LaneView {
    /// Its number.
    pub id: LaneId,
    /// Its name.
    pub name: String,
    /// What is earned on it: lanes of one coin are compared without a price.
    pub coin: String,
    /// Its chain.
    pub profile: Arc<ChainProfile>,
    /// Its share chain.
    pub chain: watch::Receiver<Arc<ChainView>>,
    /// Its daemons.
    pub parent: watch::Receiver<ParentState>,
    /// Its jobs; `None` while there is nothing to mine.
    pub jobs: watch::Receiver<Option<Arc<JobTemplate>>>,
    /// What became of its blocks.
    pub blocks: watch::Receiver<Arc<BlocksView>>,
    /// Why its daemon refuses what miners work on, while it does.
    pub refused: watch::Receiver<Option<RefusedTemplate>>,
    /// Its peers.
    pub peers: watch::Receiver<Arc<PeersView>>,
    /// Ads of its nodes.
    pub nodes: watch::Receiver<Arc<DirectoryView>>,
    /// Whom its blocks paid.
    pub paid: watch::Receiver<Arc<Ledger>>,
}

/// All lanes of a node, and how they are chosen among.
#[derive(Clone, Debug)]
pub struct Lanes {
    views: Arc<[LaneView]>,
    plan: watch::Receiver<Arc<LanePlan>>,
    board: watch::Receiver<Arc<Board>>,
    orders: mpsc::Sender<Order>,
}

/// What is known of the choice now.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// Whether decisions take effect.
    pub state: RunState,
    /// The lane and the reason of a manual switch.
    pub manual: Option<(String, String)>,
    /// How each lane is now.
    pub health: Vec<Health>,
    /// Lanes that are left because they fail.
    pub out: Vec<String>,
    /// When lanes are looked at next, Unix seconds.
    pub next_tick: u64,
    /// When this node may move miners for profit next.
    pub next_move: Option<u64>,
    /// What a move costs, milliseconds of mining, and how that is known.
    pub switch_cost: (u64, CostSource),
    /// What this node's miners earned by lane since its start.
    pub earned: Vec<Earned>,
    /// The newest decisions, oldest first.
    pub decisions: Vec<Arc<Decision>>,
}

/// How it is known what a move costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CostSource {
    /// Nobody said, and too little was moved to measure it.
    #[default]
    Assumed,
    /// The operator says so.
    Configured,
    /// By the mining that was missing after moves.
    Measured {
        /// So many.
        moves: u32,
    },
}

/// What an operator wants, and where to say whether it was done.
#[derive(Debug)]
pub struct Order {
    /// What.
    pub wish: Wish,
    /// What came of it; why not, in words.
    pub reply: oneshot::Sender<Result<Obeyed, String>>,
}

/// An order is carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Obeyed {
    /// It holds after a crash too.
    Recorded,
    /// The disk has not taken it: a crash would undo it.
    NotOnDisk,
}

/// What an operator can want.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// All miners to a lane, until it is released.
    Switch {
        /// The lane.
        lane: String,
        /// Why.
        reason: String,
    },
    /// The policy decides again.
    Release,
    /// Decisions take effect, or not.
    State(RunState),
    /// Back to what it was before the pause.
    Resume,
}

/// The ends that the task of the lanes is given.
#[derive(Debug)]
pub struct SwitchingEnds {
    plan: watch::Sender<Arc<LanePlan>>,
    board: watch::Sender<Arc<Board>>,
    orders: mpsc::Receiver<Order>,
}

impl Lanes {
    /// In the order of the configuration; `plan` is the one that is followed.
    pub fn new(views: Vec<LaneView>, plan: watch::Sender<Arc<LanePlan>>) -> (Self, SwitchingEnds) {
        let (board, board_seen) = watch::channel(Arc::default());
        let (sender, orders) = mpsc::channel(ORDERS_MAX);
        let lanes = Self { views: views.into(), plan: plan.subscribe(), board: board_seen, orders: sender };
        (lanes, SwitchingEnds { plan, board, orders })
    }

    /// Each of them.
    pub fn views(&self) -> &[LaneView] {
        &self.views
    }

    /// Who is to mine where.
    pub fn plan(&self) -> Arc<LanePlan> {
        self.plan.borrow().clone()
    }

    /// What is known of the choice.
    pub fn board(&self) -> Arc<Board> {
        self.board.borrow().clone()
    }

    /// Gives an order; `None` when the node stops.
    pub async fn order(&self, wish: Wish) -> Option<Result<Obeyed, String>> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(Order { wish, reply }).await.ok()?;
        answer.await.ok()
    }
}
