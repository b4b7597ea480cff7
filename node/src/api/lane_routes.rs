//! The API of each lane: the same paths below `/api/v1/lanes/NAME` as below `/api/v1`, where the first lane is with all miners of the
//! node.

use std::sync::Arc;

use axum::{Router, http::Request};

/// Where the API of this version is.
pub(super) const BASE: &str = "/api/v1";
/// Where that of one lane is, before its name.
const LANES: &str = "/api/v1/lanes/";

/// The metrics of a lane, below its name.
const METRICS: &str = "metrics";

/// The routes of the node and of every lane by name.
#[derive(Clone, Debug)]
pub(super) struct LaneRoutes {
    node: Router,
    lanes: Arc<[(String, Router)]>,
}

impl LaneRoutes {
    /// The node's routes, and those of its lanes.
    pub(super) fn new(node: Router, lanes: Vec<(String, Router)>) -> Self {
        Self { node, lanes: lanes.into() }
    }

    /// The routes for a request, whose path then is as if the lane were the only one.
    pub(super) fn pick<B>(&self, request: &mut Request<B>) -> Router {
        let Some((lane, path)) = self.lane_of(request.uri().path()) else { return self.node.clone() };
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        // Metrics are none of the API's paths, but each lane has its own.
        let base = if path == METRICS || path.starts_with("metrics/") { "" } else { BASE };
        // What was a path before is one now.
        if let Ok(uri) = format!("{base}/{path}{query}").parse() {
            *request.uri_mut() = uri;
        }
        lane
    }

    fn lane_of(&self, path: &str) -> Option<(Router, String)> {
        let (name, rest) = path.strip_prefix(LANES)?.split_once('/')?;
        let (_, routes) = self.lanes.iter().find(|(lane, _)| lane == name)?;
        Some((routes.clone(), rest.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_the_lane_and_is_then_as_if_there_were_no_other() {
        let lanes = LaneRoutes::new(
            Router::new(),
            vec![("main".to_owned(), Router::new()), ("second".to_owned(), Router::new())],
        );
        let picked = |path: &str| {
            let mut request = Request::get(path).body(()).unwrap();
            let known = lanes.lane_of(path).is_some();
            drop(lanes.pick(&mut request));
            (known, request.uri().to_string())
        };
        assert_eq!(picked("/api/v1/status"), (false, "/api/v1/status".to_owned()));
        assert_eq!(picked("/api/v1/lanes"), (false, "/api/v1/lanes".to_owned()));
        assert_eq!(picked("/api/v1/lanes/second"), (false, "/api/v1/lanes/second".to_owned()));
        assert_eq!(picked("/api/v1/lanes/second/shares?limit=3"), (true, "/api/v1/shares?limit=3".to_owned()));
        assert_eq!(picked("/api/v1/lanes/second/"), (true, "/api/v1/".to_owned()));
        assert_eq!(picked("/api/v1/lanes/second/metrics"), (true, "/metrics".to_owned()));
        assert_eq!(picked("/api/v1/lanes/nobody/status"), (false, "/api/v1/lanes/nobody/status".to_owned()));
    }
}
