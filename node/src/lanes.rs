//! Which lane is mined: what every lane pays by hash, and a decision with its reason.
//!
//! ```text
//! daemons, share chains, prices --Inputs--> Controller::tick    --Decision--> the log, the API, `lanes explain`
//! health, every second ---------Health----> Controller::on_health    |
//!                                                 weights in effect  v
//!                                            assignment: which worker mines which lane
//! ```
//! A lane is a parent chain, its share chain and a payout script. Everything here but [`prices::PriceTask`] is pure: it never
//! reads a clock, draws a number, opens a file or moves a miner; time and seeds are arguments, so that a recorded history
//! replays to the same decisions ([`replay`]). A policy that cannot know refuses, keeps what is, and says why. Nothing is
//! forecast: estimates are smoothed measurements with their standard errors.

pub mod adaptive;
pub mod balance;
mod cap;
pub mod controller;
pub mod cost;
pub mod decision;
pub mod estimate;
pub mod geographic;
pub mod health;
pub mod jitter;
pub mod ledger;
pub mod limits;
pub mod mode;
pub mod observation;
pub mod params;
pub mod prices;
pub mod profit;
pub mod replay;
pub mod stability;
pub mod weights;

pub use controller::{Controller, Settings, UnknownLane};
pub use decision::{Decision, Keep, Reason, Refusal, RunState};
pub use estimate::Estimate;
pub use health::Health;
pub use ledger::Counterfactual;
pub use mode::{Mode, Profile, UnknownMode, UnknownProfile};
pub use observation::{Inputs, Observation, PriceSeen, Unusable};
pub use params::Params;
pub use weights::{LaneWeight, WHOLE, Weights};
