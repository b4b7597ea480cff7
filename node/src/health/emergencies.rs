//! What an operator wants to know of afterwards: which emergencies there were, from when to when, why, and what was done. Pure.
//!
//! An emergency is what is so now and should not be; it ends when it has not been so for a while, so that a daemon that comes and
//! goes is one emergency and not a hundred.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use sharechain::UnixTime;

use super::{Component, Condition, Name, Part, seen::NodeSeen};

/// Emergencies that are remembered, the newest: weeks of a bad time. Stops a part that comes and goes from filling memory.
pub(super) const EMERGENCIES_MAX: usize = 1_000;
/// An emergency is over when it has not been so for this long.
const CLEAR_SECS: u64 = 5;
/// After a start it takes so long until what was so before the stop is known to be over.
const STARTING_SECS: u64 = 20;
/// So many more banned addresses within [`BANS_WINDOW_SECS`] are an attack, or a firmware that has gone wrong.
const BANS_MANY: usize = 10;
/// See [`BANS_MANY`].
const BANS_WINDOW_SECS: u64 = 60;
/// Longest reason, characters: daemons and peers may say anything.
const REASON_LEN_MAX: usize = 400;

/// What kind of emergency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmergencyKind {
    /// A component failed.
    ComponentFailed,
    /// All daemons of a lane failed, where it has several.
    DaemonsLost,
    /// A lane is left because it fails.
    LaneLeft,
    /// The daemons refused a block that a miner of this node found.
    BlockRefused,
    /// Many addresses of miners were banned at once.
    ManyBans,
}

/// An emergency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Emergency {
    /// Counted from 1, over restarts.
    pub number: u64,
    /// When it began.
    pub began: UnixTime,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<UnixTime>,
    /// What kind.
    pub kind: EmergencyKind,
    /// What it is about.
    #[serde(flatten)]
    pub name: Name,
    /// Why, as far as that is known.
    pub reason: String,
    /// What the node does about it.
    pub action: String,
}

/// What became of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Change {
    Began(Arc<Emergency>),
    Ended(Arc<Emergency>),
}

type Key = (EmergencyKind, Name);

/// See the module.
#[derive(Debug)]
pub(super) struct Emergencies {
    started: UnixTime,
    /// Oldest first.
    all: VecDeque<Arc<Emergency>>,
    open: BTreeMap<Key, Open>,
    next_number: u64,
    /// Banned addresses at the looks of the last minute.
    banned: VecDeque<(UnixTime, usize)>,
}

#[derive(Debug)]
struct Open {
    emergency: Arc<Emergency>,
    /// Since when it is not so any more.
    clear_since: Option<UnixTime>,
}

impl EmergencyKind {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ComponentFailed => "component_failed",
            Self::DaemonsLost => "daemons_lost",
            Self::LaneLeft => "lane_left",
            Self::BlockRefused => "block_refused",
            Self::ManyBans => "many_bans",
        }
    }

    /// The names of its begin and its end in the log.
    pub const fn events(self) -> (&'static str, &'static str) {
        match self {
            Self::ComponentFailed => ("component_failed", "component_recovered"),
            Self::DaemonsLost => ("daemons_lost", "daemons_back"),
            Self::LaneLeft => ("lane_left", "lane_back"),
            Self::BlockRefused => ("own_block_refused", "own_block_settled"),
            Self::ManyBans => ("many_bans", "many_bans_over"),
        }
    }
}

impl Emergencies {
    /// Goes on with those of earlier runs, oldest first.
    pub(super) fn restore(earlier: Vec<Emergency>, started: UnixTime) -> Self {
        let next_number = earlier.iter().map(|emergency| emergency.number).max().unwrap_or(0).saturating_add(1);
        let all: VecDeque<_> = earlier.into_iter().map(Arc::new).collect();
        let still_open = all.iter().filter(|emergency| emergency.ended.is_none());
        let open = still_open.map(|emergency| {
            ((emergency.kind, emergency.name.clone()), Open { emergency: emergency.clone(), clear_since: None })
        });
        let open = open.collect();
        let mut restored = Self { started, all, open, next_number, banned: VecDeque::new() };
        restored.forget();
        restored
    }

    /// The newest first.
    pub(super) fn newest(&self) -> Vec<Arc<Emergency>> {
        self.all.iter().rev().cloned().collect()
    }

    /// Looks at how things are now; says what began and what is over.
    pub(super) fn look(&mut self, components: &[Component], seen: &NodeSeen, now: UnixTime) -> Vec<Change> {
        let wrong = self.wrong(components, seen, now);
        let mut changes = self.end(&wrong, now);
        for ((kind, name), (reason, action)) in wrong {
            if self.open.contains_key(&(kind, name.clone())) {
                continue;
            }
            let reason = reason.chars().take(REASON_LEN_MAX).collect();
            let number = self.next_number;
            self.next_number = number.saturating_add(1);
            let emergency =
                Arc::new(Emergency { number, began: now, ended: None, kind, name: name.clone(), reason, action });
            self.open.insert((kind, name), Open { emergency: emergency.clone(), clear_since: None });
            self.all.push_back(emergency.clone());
            changes.push(Change::Began(emergency));
        }
        self.forget();
        changes
    }

    /// Ends what has not been so for a while.
    fn end(&mut self, wrong: &BTreeMap<Key, (String, String)>, now: UnixTime) -> Vec<Change> {
        let is_starting = now < self.started.saturating_add(STARTING_SECS);
        let mut ended = Vec::new();
        self.open.retain(|key, open| {
            if wrong.contains_key(key) || is_starting {
                open.clear_since = None;
                return true;
            }
            let since = *open.clear_since.get_or_insert(now);
            let is_over = now.abs_diff(since) >= CLEAR_SECS;
            if is_over {
                ended.push(Arc::new(Emergency { ended: Some(since), ..Emergency::clone(&open.emergency) }));
            }
            !is_over
        });
        for emergency in &ended {
            if let Some(place) = self.all.iter_mut().find(|known| known.number == emergency.number) {
                *place = emergency.clone();
            }
        }
        ended.into_iter().map(Change::Ended).collect()
    }

    /// All that is so now and should not be, with the reason and what is done.
    fn wrong(&mut self, components: &[Component], seen: &NodeSeen, now: UnixTime) -> BTreeMap<Key, (String, String)> {
        use EmergencyKind::{BlockRefused, ComponentFailed, DaemonsLost, LaneLeft, ManyBans};
        let mut wrong = BTreeMap::new();
        let name = |lane: &str, part| Name { lane: Some(lane.to_owned()), part, subject: None };
        let failed = |component: &&Component| component.condition == Condition::Failed;
        for component in components.iter().filter(failed) {
            let told = (component.reason.clone(), component.action.to_string());
            wrong.insert((ComponentFailed, component.name.clone()), told);
        }
        for lane in &seen.lanes {
            let is_lost = |component: &&Component| {
                component.name.part == Part::Daemon
                    && component.name.lane.as_deref() == Some(&lane.name)
                    && failed(component)
            };
            let (lost, all) = (components.iter().filter(is_lost).count(), lane.daemons.len());
            if all > 1 && lost == all {
                let action = "all are asked again; miners keep their job for a minute, and go to another lane where there is one";
                wrong.insert(
                    (DaemonsLost, name(&lane.name, Part::Daemon)),
                    (format!("all {all} failed"), action.to_owned()),
                );
            }
            for (hash, height, reason) in &lane.blocks.refused {
                let block = Name { subject: Some(hash.clone()), ..name(&lane.name, Part::Blocks) };
                let reason = format!("the daemons refused the own block of height {height}: {reason}");
                wrong.insert((BlockRefused, block), (reason, "its file is kept in blocks/".to_owned()));
            }
        }
        if seen.lanes.len() > 1 {
            for lane in &seen.out {
                let action = "its miners are on the others until it has been well for a while".to_owned();
                wrong.insert((LaneLeft, name(lane, Part::Lanes)), (why_left(components, lane), action));
            }
        }
        if let Some(more) = self.more_bans(seen.stratum.banned, now) {
            let own = Name { lane: None, part: Part::Stratum, subject: None };
            let reason = format!("{more} addresses were banned within {BANS_WINDOW_SECS} s");
            let action = "they are turned away until their bans end; who mines well is not concerned";
            wrong.insert((ManyBans, own), (reason, action.to_owned()));
        }
        wrong
    }

    /// By how many addresses the bans grew, where that is much.
    fn more_bans(&mut self, banned: usize, now: UnixTime) -> Option<usize> {
        self.banned.push_back((now, banned));
        self.banned.retain(|(seen, _)| now.abs_diff(*seen) <= BANS_WINDOW_SECS);
        let least = self.banned.iter().map(|(_, banned)| *banned).min().unwrap_or(banned);
        Some(banned.saturating_sub(least)).filter(|more| *more >= BANS_MANY)
    }

    fn forget(&mut self) {
        while self.all.len() > EMERGENCIES_MAX {
            self.all.pop_front();
        }
    }
}

/// What is worst of a lane.
fn why_left(components: &[Component], lane: &str) -> String {
    let of_lane = components.iter().filter(|component| component.name.lane.as_deref() == Some(lane));
    let worst = of_lane.max_by_key(|component| component.condition);
    let bad = worst.filter(|component| component.condition > Condition::Healthy);
    bad.map_or_else(|| "it failed".to_owned(), |bad| format!("{}: {}", bad.name.part.as_str(), bad.reason))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{node, tracker::Tracker},
        *,
    };
    use crate::{
        health::{lane::tests::daemon, node::tests::well},
        parent::ParentHealth,
    };

    const START: UnixTime = 1_000;

    struct Test {
        tracker: Tracker,
        emergencies: Emergencies,
        node: NodeSeen,
    }

    impl Test {
        fn new(lanes: &[&str]) -> Self {
            let emergencies = Emergencies::restore(Vec::new(), START);
            Self { tracker: Tracker::default(), emergencies, node: well(lanes) }
        }

        /// What is told after so many seconds: `+` for a begin, `-` for an end.
        fn at(&mut self, secs: u64) -> Vec<String> {
            let now = START + secs;
            let components = self.tracker.update(node::components(&self.node), now);
            let changes = self.emergencies.look(&components, &self.node, now);
            let told = changes.iter().map(|change| match change {
                Change::Began(it) => format!("+{} {}", it.kind.as_str(), it.name),
                Change::Ended(it) => format!("-{} {} {}", it.kind.as_str(), it.name, it.ended.unwrap() - START),
            });
            told.collect()
        }

        fn daemons(&mut self, are_well: [bool; 2]) {
            let health = |is_well| match is_well {
                true => ParentHealth::Ready,
                false => ParentHealth::NotReady("no daemon answers".to_owned()),
            };
            self.node.lanes[0].daemons =
                ["x", "y"].into_iter().zip(are_well).map(|(url, is)| daemon(url, health(is))).collect();
        }
    }

    #[test]
    fn a_failure_is_one_emergency_from_its_begin_to_its_end() {
        let mut test = Test::new(&["a"]);
        assert_eq!(test.at(0), [""; 0]);
        test.daemons([true, false]);
        assert_eq!(test.at(30), [""; 0], "a moment is none");
        assert_eq!(test.at(32), ["+component_failed a daemon y"]);
        test.daemons([false, false]);
        assert_eq!(test.at(33), [""; 0]);
        assert_eq!(test.at(35), ["+component_failed a daemon x", "+daemons_lost a daemon"]);
        test.daemons([true, true]);
        assert_eq!(test.at(40), [""; 0]);
        test.daemons([true, false]);
        assert_eq!(test.at(42), [""; 0]);
        assert_eq!(test.at(44), [""; 0], "it came back for a moment: still the same emergency");
        test.daemons([true, true]);
        assert_eq!(test.at(45), ["-component_failed a daemon x 40", "-daemons_lost a daemon 40"]);
        assert_eq!(test.at(50), ["-component_failed a daemon y 45"]);
        let newest = test.emergencies.newest();
        let shown: Vec<_> =
            newest.iter().map(|it| (it.number, it.began - START, it.ended.map(|at| at - START))).collect();
        assert_eq!(shown, [(3, 35, Some(40)), (2, 35, Some(40)), (1, 32, Some(45))]);
        assert_eq!(newest[2].reason, "no daemon answers");
    }

    #[test]
    fn lanes_blocks_and_bans_are_emergencies_too() {
        let mut test = Test::new(&["a", "b"]);
        test.node.out.push("b".to_owned());
        test.node.lanes[0].blocks.refused.push(("ab".to_owned(), 7, "bad-cb-amount".to_owned()));
        test.node.stratum.banned = 30;
        assert_eq!(test.at(0), ["+lane_left b lanes", "+block_refused a blocks ab"], "bans from before are no news");
        test.node.stratum.banned = 39;
        assert_eq!(test.at(30), [""; 0]);
        test.node.stratum.banned = 40;
        test.node.out.clear();
        assert_eq!(test.at(50), ["+many_bans stratum"]);
        assert_eq!(test.at(55), ["-lane_left b lanes 50"]);
        assert_eq!(test.at(111), [""; 0]);
        assert_eq!(test.at(116), ["-many_bans stratum 111"]);
    }

    #[test]
    fn a_lane_is_left_for_what_is_worst_of_it() {
        let mut test = Test::new(&["a", "b"]);
        test.daemons([false, false]);
        test.at(0);
        test.node.out.push("a".to_owned());
        test.at(2);
        let left = test.emergencies.newest().into_iter().find(|it| it.kind == EmergencyKind::LaneLeft).unwrap();
        assert_eq!(left.reason, "daemon: no daemon answers");
        assert_eq!(why_left(&[], "a"), "it failed");
    }

    #[test]
    fn a_restart_goes_on_with_what_was_open_and_counts_on() {
        let mut test = Test::new(&["a"]);
        test.daemons([false, true]);
        test.at(0);
        test.at(2);
        let kept: Vec<Emergency> = test.emergencies.newest().iter().map(|it| Emergency::clone(it)).collect();
        assert_eq!(kept.len(), 1);
        let mut again = Test { emergencies: Emergencies::restore(kept.clone(), START + 100), ..Test::new(&["a"]) };
        assert_eq!(again.at(101), [""; 0], "at the start nothing is known yet");
        again.daemons([false, true]);
        assert_eq!([again.at(103), again.at(105)], [vec![], Vec::<String>::new()], "it still is the same one");
        again.daemons([true, true]);
        assert_eq!([again.at(130), again.at(135)], [vec![], vec!["-component_failed a daemon x 130".to_owned()]]);
        again.daemons([true, false]);
        again.at(140);
        assert_eq!(again.at(142), ["+component_failed a daemon y"]);
        assert_eq!(again.emergencies.newest()[0].number, 2);
    }

    #[test]
    fn the_oldest_are_forgotten_and_reasons_are_cut() {
        let mut test = Test::new(&["a"]);
        for number in 0..=EMERGENCIES_MAX {
            test.node.lanes[0].blocks.refused = vec![(number.to_string(), 7, "ä".repeat(5_000))];
            test.at(number as u64 * 10);
        }
        let newest = test.emergencies.newest();
        assert_eq!((newest.len(), newest[0].number), (EMERGENCIES_MAX, EMERGENCIES_MAX as u64 + 1));
        assert_eq!(newest[0].reason.chars().count(), REASON_LEN_MAX);
    }
}
