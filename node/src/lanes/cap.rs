//! How much of a chain this node may mine with: who moves much hash rate at once makes the blocks of a small chain come in
//! bursts, and pays for it by the next difficulty.

use super::{Inputs, Observation, Weights, health::HealthGate};

/// Basis points that a part may be off before anybody is moved for it.
const SLACK_BASIS_POINTS: u16 = 200;

/// Everything on `main` as far as its chain allows, the rest on the lanes after it in `order`. What fits nowhere stays on
/// `main`: miners that are turned away earn nothing. `kept` are the weights so far, which stay when they are near enough.
pub(super) fn capped(
    inputs: &Inputs,
    main: &str,
    order: &[String],
    gate: &HealthGate,
    (share_max_percent, kept): (f64, &Weights),
) -> Weights {
    let own: f64 = inputs.lanes.iter().map(|lane| lane.own_hashrate).filter(|rate| rate.is_finite()).sum();
    let limit = |lane: &Observation| match lane.network_hashrate {
        Some(network) if network.is_finite() && own > 0.0 => {
            (network * share_max_percent / 100.0 / own).clamp(0.0, 1.0)
        }
        _ => 1.0,
    };
    let rest = order.iter().map(String::as_str).filter(|lane| *lane != main && gate.takes_miners(lane));
    let mut left = 1.0;
    let mut parts = Vec::new();
    for lane in std::iter::once(main).chain(rest) {
        let Some(seen) = inputs.lane(lane) else { continue };
        let part = limit(seen).min(left);
        left -= part;
        parts.push((lane, part));
    }
    parts.push((main, left));
    let wanted = Weights::in_proportion(parts);
    let is_near = kept.main() == wanted.main() && kept.moved(&wanted) <= SLACK_BASIS_POINTS;
    if wanted.is_empty() {
        Weights::all_on(main)
    } else if is_near && !kept.is_empty() {
        kept.clone()
    } else {
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Health, params::HealthParams};

    fn lane(name: &str, own: f64, network: Option<f64>) -> Observation {
        Observation { lane: name.to_owned(), own_hashrate: own, network_hashrate: network, ..Observation::default() }
    }

    fn gate() -> HealthGate {
        HealthGate::new(HealthParams { failed_checks: 1, healthy_secs: 60 })
    }

    fn order() -> Vec<String> {
        ["a", "b", "c"].map(ToOwned::to_owned).to_vec()
    }

    fn of(lanes: Vec<Observation>, gate: &HealthGate, kept: &Weights) -> Vec<(String, u16)> {
        let inputs = Inputs { lanes, ..Inputs::default() };
        let weights = capped(&inputs, "b", &order(), gate, (10.0, kept));
        weights.iter().map(|(lane, part)| (lane.to_owned(), part)).collect()
    }

    #[test]
    fn a_tenth_of_a_chain_is_the_most_and_the_rest_goes_on_in_order() {
        let lanes = || vec![lane("a", 100.0, Some(300.0)), lane("b", 0.0, Some(500.0)), lane("c", 0.0, None)];
        let part = |name: &str, part| (name.to_owned(), part);
        let none = Weights::default();
        assert_eq!(of(lanes(), &gate(), &none), [part("a", 3_000), part("b", 5_000), part("c", 2_000)]);
        let mut failed = gate();
        failed.check("a", &Health::Failed { reason: String::new() }, 1);
        assert_eq!(of(lanes(), &failed, &none), [part("b", 5_000), part("c", 5_000)]);
        failed.check("c", &Health::Failed { reason: String::new() }, 1);
        assert_eq!(of(lanes(), &failed, &none), [part("b", 10_000)], "nowhere else to go");
    }

    #[test]
    fn an_unknown_network_is_no_limit_and_small_changes_move_nobody() {
        let part = |name: &str, part| (name.to_owned(), part);
        assert_eq!(of(vec![lane("b", 1.0, None)], &gate(), &Weights::default()), [part("b", 10_000)]);
        let kept = Weights::in_proportion([("b", 0.51), ("a", 0.49)]);
        let grown = vec![lane("a", 100.0, None), lane("b", 0.0, Some(515.0))];
        assert_eq!(of(grown, &gate(), &kept), [part("a", 4_900), part("b", 5_100)]);
        let grown = vec![lane("a", 100.0, None), lane("b", 0.0, Some(535.0))];
        assert_eq!(of(grown, &gate(), &kept), [part("a", 4_650), part("b", 5_350)]);
    }
}
