//! Small versions of what `docs/performance.md` says of the choice of peers.

use tests::peers_sim::{
    eclipse::{Swarm, Tellers, Trial},
    policy::Policy,
    report::Siege,
};

#[test]
fn selected_peers_spread_a_share_a_fifth_sooner_than_random_ones_and_to_everybody() {
    let [selector, random] = [Policy::Selector(10), Policy::Random].map(|policy| policy.spread(300, 1, 30));
    let ([.., selected], [.., drawn]) = (selector.medians(), random.medians());
    assert!(selected < 0.8 * drawn, "{selected} ms to all, random {drawn} ms");
    assert!((selector.reach() - 1.0).abs() < f64::EPSILON, "everybody is reached");
}

#[test]
fn near_peers_only_leave_most_of_the_network_unreached() {
    let reach = Policy::Nearest.spread(300, 1, 30).reach();
    assert!(reach < 0.5, "{reach}");
}

#[test]
fn a_swarm_in_eight_networks_never_has_all_slots() {
    for tellers in [Tellers::Swarm, Tellers::Anybody] {
        let mut siege = Siege::default();
        for seed in 0..4 {
            let Trial { first, restarted, lost_file } =
                Swarm { honest: 300, hostile: 2_000, groups: 8, tellers }.trial(10, seed);
            [first, restarted, lost_file].into_iter().for_each(|seized| siege.add(seized));
        }
        assert_eq!(siege.eclipsed, 0);
        assert!(siege.part_mean() < 0.25, "{tellers:?}: {}", siege.part_mean());
    }
}
