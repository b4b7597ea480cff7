//! The promises, each held against a finished world.

pub mod agreement;
pub mod blame;
pub mod losses;
pub mod payouts;
pub mod revenue;
pub mod window;
