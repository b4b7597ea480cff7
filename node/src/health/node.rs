//! The components that a node has once, and all of them together. Pure.

use stratum::server::Intake;

use super::{
    Finding, Judge, Part, lane,
    seen::{NodeSeen, StratumSeen},
};
use crate::geo::AGE_MAX;

/// From this part of the room on miners may soon have to wait, percent.
const NEARLY_FULL_PERCENT: usize = 90;
/// So many banned addresses are more than some broken machines.
const BANNED_MANY: usize = 20;

/// Every component of the node, and then of its lanes.
pub(super) fn components(seen: &NodeSeen) -> Vec<Finding> {
    let own = [stratum(&seen.stratum), api(seen.api), geo(&seen.geo), clock(seen.clock_step_secs), lanes(seen)];
    own.into_iter().chain(seen.lanes.iter().flat_map(lane::components)).collect()
}

fn stratum(seen: &StratumSeen) -> Finding {
    let judge = Judge::of_node(Part::Stratum);
    let StratumSeen { connections, room, intake, banned } = *seen;
    let room = room.connections_max;
    match intake {
        Intake::Closed => judge.degraded(
            format!("draining: {connections} connections are left, and no new ones are taken"),
            "new miners are turned away, willing ones pointed to the best refuge; `poolnode drain --off` ends it",
        ),
        Intake::Open if connections >= room => {
            judge.degraded(format!("all {room} connections are taken"), "new miners wait until there is room")
        }
        Intake::Open if is_nearly_full(connections, room) => judge.degraded(
            format!("{connections} of {room} connections are taken"),
            "willing miners go elsewhere from stratum.shed_above on",
        ),
        Intake::Open if banned >= BANNED_MANY => {
            judge.degraded(format!("{banned} addresses are banned"), "they may come back when their bans end")
        }
        Intake::Open => judge.healthy(format!("{connections} of {room} connections, {banned} addresses banned")),
    }
}

fn api((connections, room): (usize, usize)) -> Finding {
    let (judge, action) = (Judge::of_node(Part::Api), "new ones wait for room; idle ones are closed after 15 s");
    if connections >= room {
        judge.failed(format!("all {room} connections are taken"), action)
    } else if is_nearly_full(connections, room) {
        judge.degraded(format!("{connections} of {room} connections are taken"), action)
    } else {
        judge.healthy(format!("{connections} of {room} connections"))
    }
}

const fn is_nearly_full(connections: usize, room: usize) -> bool {
    connections.saturating_mul(100) >= room.saturating_mul(NEARLY_FULL_PERCENT)
}

fn geo(databases: &[(&'static str, Option<u64>)]) -> Finding {
    let judge = Judge::of_node(Part::Geo);
    let list = |fits: fn(Option<u64>) -> bool| {
        let fitting: Vec<&str> = databases.iter().filter(|(_, age)| fits(*age)).map(|(what, _)| *what).collect();
        (!fitting.is_empty()).then(|| fitting.join(", "))
    };
    if let Some(names) = list(|age| age.is_none()) {
        let action = "places are what peers claim and round trips allow; the file is tried again every minute";
        return judge.degraded(format!("cannot be read: {names}"), action);
    }
    match list(|age| age.is_some_and(|secs| secs > AGE_MAX.as_secs())) {
        Some(names) => judge.degraded(
            format!("more than 90 days old: {names}"),
            "it is used all the same; a file that is replaced is read within a minute",
        ),
        None if databases.is_empty() => judge.healthy("none is configured"),
        None => judge.healthy("loaded"),
    }
}

fn clock(step_secs: Option<i64>) -> Finding {
    let judge = Judge::of_node(Part::Clock);
    match step_secs {
        Some(secs) => judge.degraded(
            format!("it was set by {secs} s, or the machine slept"),
            "mining goes on; shares that the clock speaks against are held back",
        ),
        None => judge.healthy("steady"),
    }
}

fn lanes(seen: &NodeSeen) -> Finding {
    let (judge, all) = (Judge::of_node(Part::Lanes), seen.lanes.len());
    match seen.out.len() {
        _ if all < 2 => judge.healthy("there is one"),
        0 => judge.healthy(format!("{all} can be mined")),
        out if out >= all => judge.failed("all of them have failed", "the first that is well again is mined"),
        _ => judge.degraded(
            format!("left because they failed: {}", seen.out.join(", ")),
            "their miners are on the others; they are returned to after a healthy time",
        ),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use stratum::server::Room;

    use super::{
        super::{
            Condition::{Degraded, Failed, Healthy},
            lane::tests::well as lane_well,
        },
        *,
    };

    /// A node with these lanes of which everything is well.
    pub(in crate::health) fn well(lanes: &[&str]) -> NodeSeen {
        let room = Room { connections_max: 100, shed_above: None };
        NodeSeen {
            stratum: StratumSeen { connections: 1, room, intake: Intake::Open, banned: 0 },
            api: (1, 100),
            geo: Vec::new(),
            clock_step_secs: None,
            out: Vec::new(),
            lanes: lanes.iter().map(|name| lane_well(name)).collect(),
        }
    }

    #[test]
    fn the_nodes_come_before_those_of_its_lanes() {
        let found = components(&well(&["a", "b"]));
        assert!(found.iter().all(|found| found.condition == Healthy), "{found:?}");
        assert_eq!(found.len(), 5 + 2 * 7);
        assert_eq!(found[0].name.to_string(), "stratum");
        assert_eq!(found[5].name.to_string(), "a daemon http://a");
    }

    #[test]
    fn a_full_house_a_drain_and_many_bans_are_told() {
        let judged = |connections, intake, banned| {
            stratum(&StratumSeen { connections, intake, banned, ..well(&[]).stratum }).condition
        };
        assert_eq!([89, 90, 100].map(|taken| judged(taken, Intake::Open, 0)), [Healthy, Degraded, Degraded]);
        assert_eq!([judged(0, Intake::Closed, 0), judged(0, Intake::Open, 20)], [Degraded, Degraded]);
        assert_eq!([0, 90, 100].map(|taken| api((taken, 100)).condition), [Healthy, Degraded, Failed]);
    }

    #[test]
    fn databases_clock_and_lanes_say_what_is_wrong() {
        let database = |days: Option<u64>| geo(&[("countries", days.map(|days| days * 86_400))]).condition;
        assert_eq!([database(Some(1)), database(Some(91)), database(None)], [Healthy, Degraded, Degraded]);
        assert_eq!([clock(None).condition, clock(Some(-7)).condition], [Healthy, Degraded]);
        let mut node = well(&["a", "b"]);
        node.out.push("b".to_owned());
        assert_eq!(lanes(&node).condition, Degraded);
        node.out.push("a".to_owned());
        assert_eq!(lanes(&node).condition, Failed);
        node.lanes.pop();
        assert_eq!(lanes(&node).condition, Healthy, "a single lane is not chosen");
    }
}
