//! What an endpoint costs a miner, and which endpoints to use. Pure: measurements in, an order out.
//!
//! ```text
//! loss = 1 - exp(-(rtt + lag) / share interval)  +  fee  +  penalty of a node that is nearly full
//! ```
//! The first part is the chance that the pool has moved on between the moment a job is made and the moment its share is
//! back: work done meanwhile is late. It never believes what a node says of its place, only what was measured.

use std::{fmt, net::IpAddr, time::Duration};

use node::netgroup::Netgroup;

/// Losses that differ by less than a round trip of this are one: the next measurement may turn them round.
const TIE: Duration = Duration::from_millis(10);
/// Fail-overs beside the primary.
pub(crate) const FAIL_OVERS_MAX: usize = 3;
/// A switch has to gain more than this part, or a miner would wander with the noise.
pub(crate) const SWITCH_GAIN_MIN: f64 = 0.002;
/// From this part of its capacity on a node is nearly full.
const NEARLY_FULL: f64 = 0.8;
/// What a node costs that is quite full: a judgement, not a measurement. It outweighs a detour of some milliseconds and
/// no more.
const FULL_PENALTY: f64 = 0.005;

/// Where an endpoint is in the network, as far as that is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Network {
    /// Its autonomous system.
    As(u32),
    /// Its netgroup, without that.
    Group(Netgroup),
}

impl Network {
    /// The network of an address whose AS may be known.
    pub(crate) fn of(asn: Option<u32>, address: IpAddr) -> Self {
        asn.map_or_else(|| Self::Group(Netgroup::of(address)), Self::As)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::As(number) => write!(f, "AS{number}"),
            Self::Group(group) => group.fmt(f),
        }
    }
}

/// What is known of an endpoint that was reached.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Measured {
    /// The node, where it is known: two endpoints of one node fail together.
    pub(crate) node: Option<String>,
    /// Where it is.
    pub(crate) network: Network,
    /// Shortest round trip.
    pub(crate) rtt: Duration,
    /// How much later than a round trip a job came.
    pub(crate) lag: Duration,
    /// Whether its jobs were for another block than those of most others.
    pub(crate) is_behind: bool,
    /// The operator's part, as the node says.
    pub(crate) fee: f64,
    /// Connections by capacity, as the node says.
    pub(crate) load: Option<f64>,
}

impl Measured {
    /// The part of the work that is expected to be lost there.
    pub(crate) fn loss(&self, share_interval: Duration) -> f64 {
        // Work for a block that is over is lost; how long the node stays behind is unknown, so one share counts.
        let behind = if self.is_behind { share_interval } else { Duration::ZERO };
        lost_in(self.rtt + self.lag + behind, share_interval) + self.fee + load_penalty(self.load.unwrap_or_default())
    }
}

/// The chance that somebody finds a share meanwhile.
fn lost_in(delay: Duration, share_interval: Duration) -> f64 {
    -(-delay.as_secs_f64() / share_interval.as_secs_f64()).exp_m1()
}

/// Grows from nothing at [`NEARLY_FULL`] to [`FULL_PENALTY`] at the capacity.
fn load_penalty(load: f64) -> f64 {
    let into = (load.clamp(0.0, 1.0) - NEARLY_FULL) / (1.0 - NEARLY_FULL);
    into.max(0.0) * FULL_PENALTY
}

/// The order of all endpoints by loss: places in `measured`, the best first.
pub(crate) fn order(measured: &[Measured], share_interval: Duration) -> Vec<usize> {
    let mut places: Vec<usize> = (0..measured.len()).collect();
    places.sort_by(|a, b| measured[*a].loss(share_interval).total_cmp(&measured[*b].loss(share_interval)));
    places
}

/// The primary and its fail-overs among the endpoints that `fits` takes: of one node only one, and as long as there are
/// any, from networks that were not chosen yet. Of endpoints that are as good as each other the one with less load.
pub(crate) fn choose(measured: &[Measured], share_interval: Duration, fits: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut left: Vec<usize> = order(measured, share_interval).into_iter().filter(|place| fits(*place)).collect();
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() <= FAIL_OVERS_MAX {
        left.retain(|place| !chosen.iter().any(|other| is_same_node(&measured[*place], &measured[*other])));
        let is_elsewhere =
            |place: usize| chosen.iter().all(|other| measured[*other].network != measured[place].network);
        let elsewhere: Vec<usize> = left.iter().copied().filter(|place| is_elsewhere(*place)).collect();
        // Another network is worth more than some percent: what fails takes its neighbours along.
        let from = if elsewhere.is_empty() { &left } else { &elsewhere };
        let Some(next) = best(measured, from, share_interval) else { break };
        chosen.push(next);
    }
    chosen
}

/// Of those that are as good as the first, the one with the least load.
fn best(measured: &[Measured], ordered: &[usize], share_interval: Duration) -> Option<usize> {
    let first = measured[*ordered.first()?].loss(share_interval);
    let tie = lost_in(TIE, share_interval);
    let equal = ordered.iter().take_while(|place| measured[**place].loss(share_interval) - first <= tie);
    let load = |place: &usize| measured[*place].load.unwrap_or_default();
    equal.copied().min_by(|a, b| load(a).total_cmp(&load(b)))
}

fn is_same_node(one: &Measured, other: &Measured) -> bool {
    one == other || (one.node.is_some() && one.node == other.node)
}

/// How many parts of the work a switch from one endpoint to another gains.
pub(crate) fn gain(current: &Measured, best: &Measured, share_interval: Duration) -> f64 {
    current.loss(share_interval) - best.loss(share_interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_SECONDS: Duration = Duration::from_secs(10);

    fn at(millis: u64, network: u32) -> Measured {
        Measured {
            node: None,
            network: Network::As(network),
            rtt: Duration::from_millis(millis),
            lag: Duration::ZERO,
            is_behind: false,
            fee: 0.0,
            load: None,
        }
    }

    fn all(measured: &[Measured]) -> Vec<usize> {
        choose(measured, TEN_SECONDS, |_| true)
    }

    #[track_caller]
    fn loses(measured: &Measured, percent: f64) {
        let loss = measured.loss(TEN_SECONDS) * 100.0;
        assert!((loss - percent).abs() < 0.005, "{loss}");
    }

    #[test]
    fn loss_is_that_of_the_table_in_the_facts() {
        for (millis, percent) in [(0, 0.0), (20, 0.20), (100, 1.00), (300, 2.96)] {
            loses(&at(millis, 1), percent);
        }
        assert!((at(100, 1).loss(Duration::from_secs(600)) - 0.000_167).abs() < 1e-6);
    }

    #[test]
    fn lag_fee_load_and_an_old_block_cost() {
        loses(&Measured { lag: Duration::from_millis(80), ..at(20, 1) }, 1.00);
        loses(&Measured { fee: 0.01, ..at(20, 1) }, 1.20);
        loses(&Measured { load: Some(0.8), ..at(20, 1) }, 0.20);
        loses(&Measured { load: Some(0.9), ..at(20, 1) }, 0.45);
        loses(&Measured { load: Some(7.0), ..at(20, 1) }, 0.70);
        loses(&Measured { is_behind: true, ..at(0, 1) }, 63.21);
    }

    #[test]
    fn the_nearest_is_first_and_fail_overs_are_elsewhere() {
        let measured = [at(50, 1), at(10, 2), at(25, 2), at(200, 3), at(90, 4), at(400, 5)];
        assert_eq!(order(&measured, TEN_SECONDS), [1, 2, 0, 4, 3, 5]);
        assert_eq!(all(&measured), [1, 0, 4, 3], "25 ms in the network of the primary is left out");
    }

    #[test]
    fn a_fee_may_cost_more_than_a_detour() {
        assert_eq!(all(&[Measured { fee: 0.02, ..at(5, 1) }, at(100, 2)]), [1, 0]);
    }

    #[test]
    fn of_equals_the_one_with_less_load_is_first() {
        let loaded = |millis, network, load| Measured { load: Some(load), ..at(millis, network) };
        assert_eq!(all(&[loaded(10, 1, 0.5), loaded(19, 2, 0.1)]), [1, 0]);
        assert_eq!(all(&[loaded(10, 1, 0.5), loaded(25, 2, 0.1)]), [0, 1], "15 ms are no tie");
    }

    #[test]
    fn where_there_is_one_network_only_a_neighbour_is_better_than_nothing() {
        assert_eq!(all(&[at(10, 1), at(40, 1), at(60, 2)]), [0, 2, 1]);
        assert_eq!(all(&[]), Vec::<usize>::new());
    }

    #[test]
    fn one_node_is_chosen_once_and_only_what_fits_is() {
        let of_node = |millis, network, node: &str| Measured { node: Some(node.to_owned()), ..at(millis, network) };
        let measured = [of_node(10, 1, "a"), of_node(11, 1, "a"), of_node(50, 2, "b")];
        assert_eq!(all(&measured), [0, 2]);
        assert_eq!(choose(&measured, TEN_SECONDS, |place| place != 0), [1, 2]);
    }

    #[test]
    fn without_an_as_the_netgroup_is_the_network() {
        let of = |text: &str| Network::of(None, text.parse().unwrap());
        assert_eq!(of("9.9.1.2"), of("9.9.200.2"));
        assert_ne!(of("9.9.1.2"), of("9.8.1.2"));
        assert_eq!(of("2a00:1:2::1"), of("2a00:1:3::1"));
        assert_eq!(of("::ffff:9.9.1.2"), of("9.9.1.2"));
        let known = Network::of(Some(7), "9.9.1.2".parse().unwrap());
        assert_eq!([known.to_string(), of("9.9.1.2").to_string()], ["AS7", "9.9.0.0/16"]);
    }

    #[test]
    fn a_switch_is_worth_more_than_the_noise() {
        let worth = |from, to| gain(&at(from, 1), &at(to, 2), TEN_SECONDS) > SWITCH_GAIN_MIN;
        assert!(worth(120, 20));
        assert!(!worth(35, 20));
        assert!(!worth(20, 120));
    }
}
