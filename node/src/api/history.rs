//! `GET /api/v1/history/hashrate`: how fast was mined, by minute, hour or day.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use stratum::error::RejectReason;

use super::{
    ApiState,
    dto::RejectCounts,
    problem::{Failure, Refusals, problem},
    request::{Params, Within},
    shares::script_of,
};
use crate::history::{Point, Step, Subject, limits::node_points_max};

/// Points of an answer that names no number.
const POINTS_DEFAULT: usize = 120;
/// Most points of an answer: as many as are kept of anything.
const POINTS_MAX: u64 = node_points_max(Step::Hour) as u64;

/// What a client asks for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// A worker's name.
    #[param(nullable = false)]
    worker: Option<String>,
    /// A payout address.
    #[param(nullable = false)]
    address: Option<String>,
    /// `1m`, `1h` or `1d`.
    #[param(nullable = false, pattern = "^1[mhd]$")]
    step: Option<String>,
    /// Most points; of a worker fewer are kept.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 2208, default = 120, nullable = false)]
    points: Option<Within<1, { POINTS_MAX }>>,
}

/// Hash rates, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HashrateHistory {
    /// Seconds of a point.
    pub step_secs: u64,
    /// One for every step, zeros included; the last may not be over yet.
    pub data: Vec<HashratePoint>,
}

/// What was done in a step.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HashratePoint {
    /// Its begin, Unix seconds.
    pub time: u64,
    /// Hashes per second.
    pub hashrate: f64,
    /// Accepted submits.
    pub accepted: u64,
    /// Refused submits.
    pub rejected: u64,
    /// The same by reason.
    pub rejects: RejectCounts,
}

impl From<Point> for HashratePoint {
    fn from(point: Point) -> Self {
        let Point { time, hashrate, accepted, rejects } = point;
        let mut counts = RejectCounts::default();
        for (reason, count) in RejectReason::ALL.into_iter().zip(rejects) {
            let place = match reason {
                RejectReason::Stale => &mut counts.stale,
                RejectReason::Duplicate => &mut counts.duplicate,
                RejectReason::LowDifficulty => &mut counts.low_difficulty,
                RejectReason::UnknownJob => &mut counts.unknown_job,
                RejectReason::BadTime => &mut counts.bad_time,
                RejectReason::Other => &mut counts.other,
            };
            *place = count.into();
        }
        let rejected = rejects.into_iter().map(u64::from).sum();
        Self { time, hashrate, accepted: accepted.into(), rejected, rejects: counts }
    }
}

/// How fast was mined: the node, an address, a worker, or one worker of an address.
#[utoipa::path(get, path = "/history/hashrate", tag = "miners", params(Asked), responses(
    (status = 200, body = HashrateHistory),
    Refusals,
))]
pub(super) async fn hashrate(
    State(api): State<ApiState>,
    Params(asked): Params<Asked>,
) -> Result<Json<HashrateHistory>, Failure> {
    let refuse = |title, detail: &str| problem(StatusCode::BAD_REQUEST, title, detail.to_owned());
    let step = asked.step.as_deref().map_or(Some(Step::Minute), Step::parse);
    let step = step.ok_or_else(|| refuse("unknown step", "step is 1m, 1h or 1d"))?;
    let script = asked.address.map(|address| script_of(&api, &address)).transpose()?;
    let subject = match (script, asked.worker) {
        (None, None) => Subject::Node,
        (None, Some(name)) => Subject::Named(name),
        (Some(script), None) => Subject::Script(script),
        (Some(script), Some(name)) => Subject::Worker(script, name),
    };
    let unknown = || problem(StatusCode::NOT_FOUND, "unknown worker", "nobody of that name and address has mined here");
    let wanted = asked.points.and_then(|Within(points)| usize::try_from(points).ok()).unwrap_or(POINTS_DEFAULT);
    let points = api.history.points(subject, step, wanted).await.ok_or_else(unknown)?;
    Ok(Json(HashrateHistory { step_secs: step.secs(), data: points.into_iter().map(Into::into).collect() }))
}
