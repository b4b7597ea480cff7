//! What the answers took, by resource.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::connection::Answer;

/// All answers.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    resources: BTreeMap<String, Resource>,
}

#[derive(Debug, Default)]
struct Resource {
    took: Times,
    bytes_max: usize,
    statuses: BTreeMap<u16, u32>,
}

/// Some times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Latencies {
    pub(crate) fn add(&mut self, resource: &str, answer: &Answer) {
        let entry = self.resources.entry(resource.to_owned()).or_default();
        entry.took.0.push(answer.took);
        entry.bytes_max = entry.bytes_max.max(answer.bytes);
        *entry.statuses.entry(answer.status).or_default() += 1;
    }

    /// Of all resources.
    pub(crate) fn all(&self) -> Times {
        Times(self.resources.values().flat_map(|resource| resource.took.0.iter().copied()).collect())
    }

    /// Figures of each.
    pub(crate) fn by_resource(&self) -> Value {
        let figures = |(name, resource): (&String, &Resource)| {
            let Resource { took, bytes_max, statuses } = resource;
            let figures = json!({
                "count": took.count(),
                "p50_ms": took.per_mille(500),
                "p99_ms": took.per_mille(990),
                "max_ms": took.per_mille(1_000),
                "bytes_max": bytes_max,
                "statuses": statuses,
            });
            (name.clone(), figures)
        };
        Value::Object(self.resources.iter().map(figures).collect())
    }
}

impl Times {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Milliseconds that this many of a thousand took at most: one of the times, none between two.
    pub(crate) fn per_mille(&self, part: usize) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * part).div_ceil(1_000).checked_sub(1)?;
        sorted.get(place).map(|took| (took.as_secs_f64() * 1e6).round() / 1e3)
    }
}
