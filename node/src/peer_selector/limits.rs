//! Every number of the selector, with the attack or the failure that it stops.

use std::time::Duration;

use crate::address_book::Millis;

/// Outbound peers that answer fast: most shares come by them first. Not more, or the network falls apart into regions.
pub const NEAR_SLOTS: usize = 5;
/// Outbound peers in different other regions. Two carry the shares between regions; four survive losing two of them.
pub const FAR_SLOTS: usize = 4;
/// Outbound peers that neither geography nor speed chose: an attacker close by gets them no more often than anybody.
pub const RANDOM_SLOTS: usize = 2;
/// Short visits to nodes that were never reached, so that slots are filled from nodes that exist.
pub const FEELER_SLOTS: usize = 1;
/// Outbound slots.
pub const OUTBOUND_SLOTS: usize = NEAR_SLOTS + FAR_SLOTS + RANDOM_SLOTS + FEELER_SLOTS;
const _: () = assert!(OUTBOUND_SLOTS == 12);
/// Fewest outbound slots that an operator may want: one of each kind. Stops a node from hanging on a single peer or region.
pub const OUTBOUND_SLOTS_MIN: usize = 4;

/// Inbound peers. More would cost memory and mesh links, fewer would let a small attacker crowd out honest ones.
pub const INBOUND_MAX: usize = 48;
/// Inbound peers of one /24 or IPv6 /64. Stops one customer of a hoster from taking the inbound slots.
pub const INBOUND_PER_SUBNET_MAX: usize = 2;
/// Outbound peers of one /16 or IPv6 /32. Stops a hoster's customer from owning the outbound slots.
pub const OUTBOUND_PER_GROUP_MAX: usize = 1;
/// Outbound peers of one autonomous system, when known. Stops the owner of many small networks.
pub const OUTBOUND_PER_ASN_MAX: usize = 2;
/// Outbound connections that something else than the selector opened (a search in the table of kad), at once.
pub const UNASKED_MAX: usize = 8;
/// Dials at once. Stops a book full of dead addresses from using up sockets.
pub const DIALS_MAX: usize = 8;

/// Peers that answer faster are near: light in fibre makes at most 100 km there and back in a millisecond, so they are
/// within 4,000 km whatever region they claim. Continents touch, so no finer bound would prove more.
pub const RTT_NEAR_MAX: Duration = Duration::from_millis(40);
/// Peers that answer slower are far.
pub const RTT_MID_MAX: Duration = Duration::from_millis(120);
/// Faster than this is no better. Stops a machine next door from being drawn more often than one in the same region.
pub const RTT_FLOOR: Duration = Duration::from_millis(20);
/// Added to a round trip before its inverse is a weight: 12 and 20 ms are nearly as good as each other.
pub const RTT_WEIGHT_OFFSET: Duration = Duration::from_millis(10);
/// Near candidates that are drawn uniformly before the weights decide. Stops the fastest from being everybody's choice.
pub const NEAR_SAMPLE: usize = 10;
/// Far candidates, of which the fastest is taken.
pub const FAR_SAMPLE: usize = 3;

/// A dial that said nothing for so long is forgotten.
pub const DIAL_TIMEOUT: Millis = 30_000;
/// Longest visit of a feeler, and of a connection that nobody asked for.
pub const FEELER_MAX: Millis = 120_000;
/// Time between two feelers: a new node knows the round trips of 60 others after half an hour.
pub const FEELER_INTERVAL: Millis = 30_000;
/// A visited node is left alone while its connection closes.
pub const FEELER_REST: Millis = 10_000;
/// A peer that was let go is left alone for so long. Stops the same two from taking turns.
pub const LET_GO_REST: Millis = 3_600_000;

/// Time between two rotations. Slow, so that an attacker who delivers faster than others wins a slot per hours, not at once.
pub const ROTATION_INTERVAL: Millis = 600_000;
/// A peer is not judged earlier.
pub const TENURE_MIN: Millis = 1_800_000;
/// A peer is not judged by fewer shares.
pub const LAGS_MIN: usize = 100;
/// Lags that are kept of each peer.
pub const LAGS_MAX: usize = 256;
const _: () = assert!(LAGS_MIN <= LAGS_MAX);
/// How much worse than its class a peer must deliver to be replaced, per cent. Stops noise from moving connections.
pub const HYSTERESIS_PERCENT: u64 = 15;
/// A near or far peer without news for so long, while others had some, is replaced.
pub const SILENT_AFTER: Millis = 1_800_000;

/// Inbound peers protected by their keyed netgroup: an attacker cannot know which groups he would have to be in.
pub const PROTECTED_BY_GROUP: usize = 4;
/// Inbound peers protected by the shortest round trip: that takes machines close by.
pub const PROTECTED_BY_RTT: usize = 8;
/// Inbound peers protected because they delivered first: that takes proof of work, sooner than others have it.
pub const PROTECTED_BY_DELIVERY: usize = 6;
/// Inbound peers protected of each far region. A claim suffices, so never more.
pub const PROTECTED_PER_REGION: usize = 2;

/// Outbound peers from which on few netgroups are an alarm.
pub const ALARM_OUTBOUND_MIN: usize = 4;
/// Netgroups of all outbound peers up to which there is an alarm.
pub const ALARM_GROUPS_MAX: usize = 2;
/// Random peers without news for so long, while near ones had some, are an alarm.
pub const ALARM_SILENCE: Millis = 600_000;
