//! Metrics for Prometheus: every name of them is here, and what each is made of.
//!
//! Nothing is counted for their sake where the node has the number already: a scrape reads what tasks publish. What only
//! metrics want is counted in [`Meters`]. A number that this version does not have has no metric: none is always 0.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text},
    metrics::MetricType,
    registry::Registry,
};
use stratum::timing::{BOUNDS_MICROS, Histogram, HistogramCounts};

mod ages;
mod families;
mod process;
mod workers;

pub use ages::ShareAges;
pub use families::{Seen, families};
pub use process::Process;
pub use workers::{WORKERS_MAX, workers};

/// What the answer is, for a scraper.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What only metrics want to know.
#[derive(Debug, Default)]
pub struct Meters {
    /// From a share at the chain task to its verdict.
    pub share_validate: Histogram,
    /// How old shares of others look when gossip brings them.
    pub share_ages: ShareAges,
    /// Round trips to peers.
    pub peer_rtt: Histogram,
    /// Shares that became part of the chain.
    pub shares_linked: Count,
    /// Shares that these merged.
    pub uncles: Count,
    /// Moves of the tip to another branch.
    pub reorgs: Count,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds to it.
    pub fn add(&self, more: usize) {
        self.0.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What it is.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Names and values that tell samples of a family apart.
pub type Labels = Vec<(&'static str, String)>;

/// All samples of a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// As Prometheus knows it, without what it adds itself: `_total`, `_info`, `_bucket`.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// The samples.
    pub samples: Samples,
}

/// What kind of numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    /// May go up and down.
    Gauge(Vec<(Labels, f64)>),
    /// Only grows, until the node starts again.
    Counter(Vec<(Labels, f64)>),
    /// Times.
    Histogram(Vec<(Labels, HistogramCounts)>),
    /// Words.
    Info(Labels),
}

impl Family {
    /// Its name as queries write it.
    pub fn query_name(&self) -> String {
        let suffix = match self.samples {
            Samples::Gauge(_) | Samples::Histogram(_) => "",
            Samples::Counter(_) => "_total",
            Samples::Info(_) => "_info",
        };
        format!("{}{suffix}", self.name)
    }
}

/// What a scraper reads.
pub fn encode(families: Vec<Family>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Page(families)));
    let mut page = String::new();
    // Writing to a string does not fail.
    let _written = text::encode(&mut page, &registry);
    page
}

#[derive(Debug)]
struct Page(Vec<Family>);

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for Family { name, help, samples } in &self.0 {
            let kind = match samples {
                Samples::Gauge(_) => MetricType::Gauge,
                Samples::Counter(_) => MetricType::Counter,
                Samples::Histogram(_) => MetricType::Histogram,
                Samples::Info(_) => MetricType::Info,
            };
            // It adds the full stop itself.
            let mut metric = encoder.encode_descriptor(name, help.trim_end_matches('.'), None, kind)?;
            match samples {
                Samples::Gauge(samples) => {
                    for (labels, value) in samples {
                        labelled(&mut metric, labels, |metric| metric.encode_gauge(value))?;
                    }
                }
                Samples::Counter(samples) => {
                    for (labels, value) in samples {
                        labelled(&mut metric, labels, |metric| {
                            metric.encode_counter::<NoLabelSet, _, f64>(value, None)
                        })?;
                    }
                }
                Samples::Histogram(samples) => {
                    for (labels, counts) in samples {
                        let (sum, buckets) = (counts.sum.as_secs_f64(), buckets(counts));
                        labelled(&mut metric, labels, |metric| {
                            metric.encode_histogram::<NoLabelSet>(sum, counts.count(), &buckets, None)
                        })?;
                    }
                }
                Samples::Info(labels) => metric.encode_info(labels)?,
            }
        }
        Ok(())
    }
}

/// Encodes a sample with its labels, and without braces where there are none.
fn labelled(
    metric: &mut MetricEncoder<'_>,
    labels: &Labels,
    encode: impl FnOnce(&mut MetricEncoder<'_>) -> fmt::Result,
) -> fmt::Result {
    if labels.is_empty() { encode(metric) } else { encode(&mut metric.encode_family(labels)?) }
}

fn buckets(counts: &HistogramCounts) -> Vec<(f64, u64)> {
    let bounds = BOUNDS_MICROS.iter().map(|micros| Duration::from_micros(*micros).as_secs_f64());
    bounds.chain([f64::INFINITY]).zip(counts.buckets).collect()
}

/// Times of calls by the name of what was called, and how many failed.
#[derive(Debug)]
pub struct Calls {
    by_name: BTreeMap<&'static str, (Histogram, Count)>,
}

impl Calls {
    /// These names; calls of others are not counted, so that there are as many series as names.
    pub fn new(names: &[&'static str]) -> Arc<Self> {
        Arc::new(Self { by_name: names.iter().map(|name| (*name, Default::default())).collect() })
    }

    /// Counts a call.
    pub fn count(&self, name: &str, took: Duration, is_ok: bool) {
        if let Some((times, failed)) = self.by_name.get(name) {
            times.observe(took);
            failed.add(usize::from(!is_ok));
        }
    }

    /// Calls that happened, and how many of them failed.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, HistogramCounts, u64)> {
        let counts = self.by_name.iter().map(|(name, (times, failed))| (*name, times.counts(), failed.get()));
        counts.filter(|(_, times, _)| times.count() > 0)
    }
}

#[cfg(test)]
mod tests;
