//! The components of a lane. Pure.

use std::time::Duration;

use sharechain::sync::SyncState;

use super::{
    Finding, Judge, Name, Part,
    seen::{BlocksSeen, ChainSeen, LaneSeen, PeersSeen, StoreSeen, TemplatesSeen},
};
use crate::{
    defaults::TEMPLATE_AGE_MAX,
    parent::{ParentHealth, choice::Standing, daemons::DaemonSummary},
};

/// A template that no daemon has stood by for so long: ten looks at the tip were not answered.
const TEMPLATE_SILENT: Duration = Duration::from_secs(5);
/// A share chain that is behind and has not come nearer for so long is stuck.
const STUCK_SECS: u64 = 120;
/// A node that expects peers and has had none for so long is alone.
const ALONE_SECS: u64 = 60;
/// A write that took longer is slow: miners wait for it.
const WRITE_SLOW: Duration = Duration::from_secs(1);
/// A write under way for so long will not end soon; miners hear after 20 s that their share is not kept.
const WRITE_STUCK: Duration = Duration::from_secs(10);
/// An own block that no daemon has after so many seconds: a healthy one answers in a moment.
const BLOCK_WAITS_SECS: u64 = 10;

const ASKED_AGAIN: &str =
    "it is asked again every 0.5 to 8 s; miners keep their job for a minute after its last answer";

/// Every component of the lane.
pub(super) fn components(lane: &LaneSeen) -> Vec<Finding> {
    let judge = |part| Judge(Name { lane: Some(lane.name.clone()), part, subject: None });
    let are_others = |daemon: &DaemonSummary| {
        lane.daemons.iter().any(|other| other.url != daemon.url && other.health == ParentHealth::Ready)
    };
    let daemons = lane.daemons.iter().map(|seen| {
        let name = Name { subject: Some(seen.url.to_string()), ..judge(Part::Daemon).0 };
        daemon(Judge(name), seen, are_others(seen))
    });
    let rest = [
        templates(judge(Part::Templates), &lane.templates),
        share_chain(judge(Part::ShareChain), &lane.chain),
        peers(judge(Part::Peers), &lane.peers),
        store(judge(Part::Store), &lane.store),
        blocks(judge(Part::Blocks), &lane.blocks),
        payouts(judge(Part::Payouts), lane.unproven),
    ];
    daemons.chain(rest).collect()
}

fn daemon(judge: Judge, daemon: &DaemonSummary, are_others: bool) -> Finding {
    let action =
        if are_others { "another daemon is mined with; this one is asked again every 0.5 to 8 s" } else { ASKED_AGAIN };
    match (&daemon.health, daemon.standing) {
        (ParentHealth::Starting, _) => judge.degraded("it has not answered yet", "it is asked"),
        (ParentHealth::NotReady(reason), _) => judge.failed(reason.clone(), action),
        (ParentHealth::Ready, Standing::Behind(blocks)) => judge.degraded(
            format!("it is {blocks} blocks behind the others"),
            "the one with the newest block is mined with",
        ),
        (ParentHealth::Ready, Standing::Disagrees) => judge.degraded(
            "it has another block at the same height as the others",
            "the one that was mined with first stays",
        ),
        (ParentHealth::Ready, Standing::Well) => {
            judge.healthy(daemon.tip.map_or_else(String::new, |(_, height)| format!("at height {height}")))
        }
    }
}

fn templates(judge: Judge, seen: &TemplatesSeen) -> Finding {
    let asking = "the daemons are asked again every 0.5 to 8 s";
    let (age, height) = match (seen.age, seen.height) {
        (Some(age), Some(height)) => (age, height),
        _ if seen.is_starting => return judge.degraded("no daemon has answered yet", asking),
        _ => return judge.failed("there is none yet, so miners get no work", asking),
    };
    let secs = age.as_secs();
    if age >= TEMPLATE_AGE_MAX {
        judge.failed(format!("no daemon has stood by the last one for {secs} s, so miners get no work"), asking)
    } else if let Some(reason) = &seen.refused {
        judge.degraded(
            format!("the daemon refuses the block that is mined: {reason}"),
            "where there is another lane, nobody is moved to this one",
        )
    } else if age >= TEMPLATE_SILENT {
        judge.degraded(format!("no daemon has stood by it for {secs} s"), asking)
    } else {
        judge.healthy(format!("for block {height}"))
    }
}

fn share_chain(judge: Judge, chain: &ChainSeen) -> Finding {
    let asking = "peers are asked for shares; miners get work when it is synced";
    if let Some(problem) = chain.problems.first() {
        return judge.degraded(problem.clone(), "mining goes on");
    }
    match chain.sync {
        SyncState::Behind { height } if !chain.may_mine && !chain.advances => {
            let reason = format!("at height {} of {height}, and it does not come nearer", chain.height);
            judge.failed(reason, asking).after(STUCK_SECS)
        }
        SyncState::Behind { height } => {
            let action = if chain.may_mine { "peers are asked for shares; mining goes on" } else { asking };
            judge.degraded(format!("at height {} of {height}", chain.height), action)
        }
        SyncState::Alone if !chain.may_mine => judge.degraded("no peer has told of its chain yet", asking),
        SyncState::Alone | SyncState::Synced => judge.healthy(format!("at height {}", chain.height)),
    }
}

fn peers(judge: Judge, peers: &PeersSeen) -> Finding {
    let PeersSeen { count, regions, are_expected, alarm } = peers;
    match (count, alarm) {
        (_, Some(alarm)) => judge.degraded(alarm.clone(), "others are looked for in further networks"),
        (0, None) if *are_expected => judge
            .failed(
                "none is connected: own shares reach nobody",
                "configured ones are dialled every 5 s, others are looked for",
            )
            .after(ALONE_SECS),
        (0, None) => judge.healthy("none is known"),
        (_, None) => judge.healthy(format!("{count} in {regions} regions")),
    }
}

fn store(judge: Judge, store: &StoreSeen) -> Finding {
    let waiting = "miners hear that a share is kept only when it is";
    match store.under_way {
        _ if store.has_failed => {
            let action = "the node ends: a share that cannot be kept must not be mined; its supervisor starts it again";
            judge.failed("a write failed", action).after(0)
        }
        _ if store.waits_for_room => {
            let action = "miners' shares are refused until there is space, then they are taken again";
            judge.failed("no space left on the disk", action).after(0)
        }
        Some(time) if time >= WRITE_STUCK => {
            judge.failed(format!("a write has taken {} s and is not done", time.as_secs()), waiting)
        }
        _ if store.slowest.max(store.under_way.unwrap_or_default()) >= WRITE_SLOW => {
            let slowest = store.slowest.max(store.under_way.unwrap_or_default());
            judge.degraded(format!("a write took {:.1} s", slowest.as_secs_f64()), waiting)
        }
        _ => judge.healthy(format!("the slowest write of the last minute took {} ms", store.slowest.as_millis())),
    }
}

fn blocks(judge: Judge, blocks: &BlocksSeen) -> Finding {
    let waits = blocks.waiting.iter().filter(|(_, age_secs)| *age_secs >= BLOCK_WAITS_SECS);
    if let Some((height, age_secs)) = waits.max_by_key(|(_, age_secs)| *age_secs) {
        let reason = format!("no daemon has taken the own block of height {height} for {age_secs} s");
        return judge
            .failed(reason, "its file is kept, and it is submitted again every 0.5 to 8 s, and at every start");
    }
    match blocks.refused.first() {
        Some((_, height, reason)) => judge.degraded(
            format!("the daemons refused the own block of height {height}: {reason}"),
            "its file is kept in blocks/",
        ),
        None => judge.healthy("none waits"),
    }
}

fn payouts(judge: Judge, unproven: usize) -> Finding {
    match unproven {
        0 => judge.healthy("what blocks paid is proven"),
        _ => judge.degraded(
            format!("what {unproven} confirmed blocks paid is not proven yet"),
            "the share chain is asked again; what they paid does not depend on it",
        ),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::{
        super::{
            Condition,
            Condition::{Degraded, Failed, Healthy},
        },
        *,
    };

    pub(in crate::health) fn daemon(url: &str, health: ParentHealth) -> DaemonSummary {
        DaemonSummary { url: Arc::from(url), health, tip: None, standing: Standing::Well }
    }

    /// A lane of which everything is well.
    pub(in crate::health) fn well(name: &str) -> LaneSeen {
        LaneSeen {
            name: name.to_owned(),
            daemons: vec![daemon("http://a", ParentHealth::Ready)],
            templates: TemplatesSeen { height: Some(7), age: Some(Duration::ZERO), is_starting: false, refused: None },
            chain: ChainSeen {
                height: 5,
                sync: SyncState::Synced,
                advances: true,
                may_mine: true,
                problems: Vec::new(),
            },
            peers: PeersSeen { count: 3, regions: 2, are_expected: true, alarm: None },
            store: StoreSeen { slowest: Duration::from_millis(2), ..StoreSeen::default() },
            blocks: BlocksSeen::default(),
            unproven: 0,
        }
    }

    /// How the lane is and why, of all that is not well.
    fn wrong(lane: &LaneSeen) -> Vec<(Part, Condition, String)> {
        let bad = components(lane).into_iter().filter(|found| found.condition != Healthy);
        bad.map(|found| {
            assert!(!found.action.is_empty(), "{found:?}");
            (found.name.part, found.condition, found.reason)
        })
        .collect()
    }

    #[test]
    fn a_lane_that_is_well_has_nothing_wrong() {
        assert_eq!(wrong(&well("a")), []);
        assert_eq!(components(&well("a")).len(), 7);
    }

    #[test]
    fn each_daemon_is_judged_and_silence_makes_the_template_old() {
        let mut lane = well("a");
        lane.daemons.push(daemon("http://b", ParentHealth::NotReady("no daemon answers".to_owned())));
        assert_eq!(wrong(&lane), [(Part::Daemon, Failed, "no daemon answers".to_owned())]);
        let found = components(&lane).into_iter().find(|found| found.condition == Failed).unwrap();
        assert!(found.name.subject.as_deref() == Some("http://b") && found.action.starts_with("another daemon"));
        lane.daemons = vec![DaemonSummary { standing: Standing::Behind(2), ..daemon("http://a", ParentHealth::Ready) }];
        assert_eq!(wrong(&lane)[0].1, Degraded);
        lane.daemons = vec![daemon("http://a", ParentHealth::Starting)];
        assert_eq!(wrong(&lane)[0].1, Degraded, "at the start nothing has failed yet");
        lane.daemons.clear();
        for (secs, expected) in [(4, Healthy), (5, Degraded), (59, Degraded), (60, Failed)] {
            lane.templates.age = Some(Duration::from_secs(secs));
            let found = templates(Judge::of_node(Part::Templates), &lane.templates);
            assert_eq!(found.condition, expected, "{secs}");
        }
        for (is_starting, expected) in [(true, Degraded), (false, Failed)] {
            let seen = TemplatesSeen { height: None, age: None, is_starting, refused: None };
            assert_eq!(templates(Judge::of_node(Part::Templates), &seen).condition, expected);
        }
    }

    #[test]
    fn a_chain_that_is_behind_is_degraded_and_a_stuck_one_fails_after_a_while() {
        let chain = |sync, advances, may_mine| {
            let chain = ChainSeen { sync, advances, may_mine, ..well("a").chain };
            let found = share_chain(Judge::of_node(Part::ShareChain), &chain);
            (found.condition, found.patience_secs >= STUCK_SECS)
        };
        let behind = SyncState::Behind { height: 9 };
        assert_eq!(chain(behind, true, false), (Degraded, false));
        assert_eq!(chain(behind, false, false), (Failed, true));
        assert_eq!(chain(behind, false, true).0, Degraded, "miners have work");
        assert_eq!(chain(SyncState::Alone, false, false).0, Degraded);
        assert_eq!(chain(SyncState::Alone, false, true).0, Healthy, "the first node of a network");
    }

    #[test]
    fn who_expects_peers_and_has_none_is_alone() {
        let peers = |count, are_expected, alarm: Option<&str>| {
            let seen = PeersSeen { count, regions: 1, are_expected, alarm: alarm.map(ToOwned::to_owned) };
            peers(Judge::of_node(Part::Peers), &seen).condition
        };
        assert_eq!([peers(0, true, None), peers(0, false, None), peers(1, true, None)], [Failed, Healthy, Healthy]);
        assert_eq!(peers(9, true, Some("all in two networks")), Degraded);
    }

    #[test]
    fn slow_writes_stuck_writes_and_blocks_that_wait_are_told() {
        let store = |has_failed, under_way: Option<u64>, slowest| {
            let under_way = under_way.map(Duration::from_secs);
            let seen =
                StoreSeen { has_failed, under_way, slowest: Duration::from_secs(slowest), waits_for_room: false };
            store(Judge::of_node(Part::Store), &seen).condition
        };
        assert_eq!(
            [store(false, None, 0), store(false, None, 1), store(false, Some(2), 0)],
            [Healthy, Degraded, Degraded]
        );
        assert_eq!([store(false, Some(10), 0), store(true, None, 0)], [Failed, Failed]);
        let mut full = well("a");
        full.store.waits_for_room = true;
        assert_eq!(wrong(&full), [(Part::Store, Failed, "no space left on the disk".to_owned())]);
        let mut lane = well("a");
        lane.blocks.refused.push(("ab".to_owned(), 8, "bad-cb-amount".to_owned()));
        assert_eq!(wrong(&lane)[0].1, Degraded);
        lane.blocks.waiting = vec![(9, 9)];
        assert_eq!(wrong(&lane)[0].1, Degraded, "a daemon may take some seconds");
        lane.blocks.waiting.push((10, 12));
        let told = "no daemon has taken the own block of height 10 for 12 s";
        assert_eq!(wrong(&lane), [(Part::Blocks, Failed, told.to_owned())]);
    }
}
