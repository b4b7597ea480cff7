//! The parent chain, as the daemons of this node have it.

use super::dto::{Daemon, Parent};
use crate::parent::{ParentHealth, ParentState, choice::Standing};

pub(super) fn parent_dto(parent: &ParentState) -> Parent {
    let tip = parent.tip();
    let (ready, problem) = health_dto(&parent.health);
    let daemons = parent.daemons.iter().enumerate().map(|(index, daemon)| {
        let (ready, problem) = health_dto(&daemon.health);
        Daemon {
            url: daemon.url.to_string(),
            chosen: index == parent.chosen && parent.health == ParentHealth::Ready,
            ready,
            problem,
            height: daemon.tip.map(|(_, height)| height),
            standing: match daemon.standing {
                Standing::Well => "well",
                Standing::Behind(_) => "behind",
                Standing::Disagrees => "disagrees",
            }
            .to_owned(),
        }
    });
    Parent {
        height: tip.map(|(_, height)| height),
        tip: tip.map(|(hash, _)| hash.to_string()),
        ready,
        problem,
        daemons: daemons.collect(),
    }
}

/// Whether it is ready, and why not.
fn health_dto(health: &ParentHealth) -> (bool, Option<String>) {
    match health {
        ParentHealth::Ready => (true, None),
        ParentHealth::Starting => (false, Some("the parent daemon has not answered yet".to_owned())),
        ParentHealth::NotReady(reason) => (false, Some(reason.clone())),
    }
}
