//! Miners of this node, worker by worker.

use std::{cmp::Ordering, collections::BTreeMap};

use axum::{Json, extract::State};
use serde::Deserialize;
use sharechain::PayoutScript;
use stratum::{
    Difficulty,
    error::RejectReason,
    server::{MinerSnapshot, Rejects},
};

use super::{
    ApiState, band,
    dto::{List, RejectCounts, Submits, Worker},
    page::Page,
    problem::{Failure, Refusals},
    request::Params,
    viewer::Viewer,
};

/// Averaging time of the hash rates that miners are shown with, seconds.
const HASHRATE_TAU_SECS: f64 = 300.0;

/// Which workers, in which order.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only those with this text in name, address or user agent, whatever the case.
    #[param(nullable = false)]
    search: Option<String>,
    /// The order: `hashrate` (the fastest first), `name`, or `seen` (the newest share first).
    #[param(inline, nullable = false)]
    sort: Option<Sort>,
    /// Most elements.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<usize>,
    /// Where to go on: `meta.next` of the page before.
    #[param(nullable = false, pattern = "^[0-9]{1,19}$")]
    cursor: Option<String>,
}

/// An order of workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sort {
    /// The fastest first.
    #[default]
    Hashrate,
    /// By name.
    Name,
    /// The newest share first; those without one last.
    Seen,
}

/// Workers that are connected to this node.
#[utoipa::path(get, path = "/workers", tag = "miners", params(Wanted), responses(
    (status = 200, body = List<Worker>),
    Refusals,
))]
pub(super) async fn workers(
    State(api): State<ApiState>,
    viewer: Viewer,
    Params(wanted): Params<Wanted>,
) -> Result<Json<List<Worker>>, Failure> {
    let page = Page::new(wanted.limit, wanted.cursor.as_deref())?;
    let snapshot = api.stratum.snapshot();
    let mut miners: Vec<&MinerSnapshot> = match wanted.search.as_deref().map(str::to_lowercase) {
        Some(text) => {
            let mut search = Search { api: &api, viewer, text, scripts: BTreeMap::new() };
            snapshot.miners.iter().filter(|miner| search.matches(miner)).collect()
        }
        None => snapshot.miners.iter().collect(),
    };
    let sort = wanted.sort.unwrap_or_default();
    miners.sort_unstable_by(|a, b| sort.compare(a, b).then(a.id.cmp(&b.id)));
    Ok(Json(page.of(&miners, |miner| worker_dto(&api, viewer, miner))))
}

/// A text that is looked for.
struct Search<'a> {
    api: &'a ApiState,
    viewer: Viewer,
    text: String,
    /// Addresses that were looked at: many workers have one.
    scripts: BTreeMap<PayoutScript, bool>,
}

impl Search<'_> {
    fn matches(&mut self, miner: &MinerSnapshot) -> bool {
        let Self { api, viewer, text, scripts } = self;
        let has_text = |shown: &str| contains(shown, text);
        // A stranger finds by what a stranger sees.
        let of_script = || viewer.address(api, &miner.script).is_some_and(|address| has_text(&address));
        has_text(&miner.worker) || has_text(&miner.agent) || *scripts.entry(miner.script).or_insert_with(of_script)
    }
}

/// Whether a text has another in it, which is lowercase, whatever the case. Thousands are looked at, and nearly all are ASCII.
fn contains(text: &str, part: &str) -> bool {
    if part.is_empty() {
        return true;
    }
    if text.is_ascii() {
        return text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()));
    }
    text.to_lowercase().contains(part)
}

impl Sort {
    fn compare(self, a: &MinerSnapshot, b: &MinerSnapshot) -> Ordering {
        match self {
            Self::Hashrate => b.hashrate.total_cmp(&a.hashrate),
            Self::Name => a.worker.cmp(&b.worker),
            Self::Seen => {
                let ago = |miner: &MinerSnapshot| miner.accepted_ago_secs.unwrap_or(u64::MAX);
                ago(a).cmp(&ago(b))
            }
        }
    }
}

/// How many equal shares a worker's hash rate tells as much as: an average that forgets with a time constant knows about twice the
/// shares of that time, and never more than there were.
#[expect(clippy::cast_precision_loss, reason = "a count for an estimate")]
pub(super) fn samples(miner: &MinerSnapshot) -> f64 {
    if miner.hashes_last <= 0.0 {
        return 0.0;
    }
    (2.0 * miner.hashrate * HASHRATE_TAU_SECS / miner.hashes_last).min(miner.accepted as f64)
}

pub(super) fn worker_dto(api: &ApiState, viewer: Viewer, miner: &MinerSnapshot) -> Worker {
    let band = band::factors(samples(miner));
    Worker {
        address: viewer.address(api, &miner.script).unwrap_or_default(),
        worker: miner.worker.clone(),
        agent: miner.agent.clone(),
        hashrate: miner.hashrate,
        connected_secs: miner.connected_secs,
        submits: Submits { accepted: miner.accepted, stale: miner.stale, rejected: miner.rejected },
        id: format!("{}-{}", miner.id.0, miner.id.1),
        hashrate_low: band.map(|(low, _)| low * miner.hashrate),
        hashrate_high: band.map(|(_, high)| high * miner.hashrate),
        difficulty: (miner.hashes_last > 0.0)
            .then(|| Difficulty::from_hashes(miner.hashes_last, api.algorithm()).get()),
        last_share_secs: miner.accepted_ago_secs,
        rejects: reject_counts(&miner.rejects),
    }
}

fn reject_counts(rejects: &Rejects) -> RejectCounts {
    RejectCounts {
        stale: rejects.of(RejectReason::Stale),
        duplicate: rejects.of(RejectReason::Duplicate),
        low_difficulty: rejects.of(RejectReason::LowDifficulty),
        unknown_job: rejects.of(RejectReason::UnknownJob),
        bad_time: rejects.of(RejectReason::BadTime),
        other: rejects.of(RejectReason::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_does_not_mind_the_case() {
        for (text, part, is_in) in [
            ("Rig-7", "rig", true),
            ("Rig-7", "g-7", true),
            ("Rig-7", "rig-70", false),
            ("", "r", false),
            ("Rig", "", true),
            ("GRÜN", "rün", true),
            ("grün", "run", false),
            ("rig", "ü", false),
        ] {
            assert_eq!(contains(text, part), is_in, "{text} {part}");
        }
    }
}
