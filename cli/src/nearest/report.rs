//! What `nearest` prints: a table with notes for people, JSON for scripts. It decides nothing.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use node::directory::StratumUrl;
use serde::Serialize;

use super::{
    measurement::{Measurement, SAMPLES},
    rank::{self, Measured, SWITCH_GAIN_MIN},
};
use crate::render;

/// Everything that was found.
#[derive(Debug)]
pub(crate) struct Findings {
    /// What could be relied on, with what is ranked of it; the best first.
    pub(crate) reached: Vec<(Measurement, Measured)>,
    /// What could not.
    pub(crate) failed: Vec<Measurement>,
    /// Places in `reached`: the primary and its fail-overs.
    pub(crate) chosen: Vec<usize>,
    /// The endpoint that is used today.
    pub(crate) current: Option<StratumUrl>,
    /// Wanted time between shares.
    pub(crate) share_interval: Duration,
    /// What limits the measurement, one sentence each.
    pub(crate) notes: Vec<String>,
}

impl Findings {
    fn role(&self, place: usize) -> String {
        match self.chosen.iter().position(|chosen| *chosen == place) {
            None => String::new(),
            Some(0) => "primary".to_owned(),
            Some(number) => format!("fail-over {number}"),
        }
    }

    /// Whether to leave the endpoint that is used today, in words.
    pub(crate) fn advice(&self) -> Option<String> {
        let (url, best) = (self.current.as_ref()?, *self.chosen.first()?);
        let Some(current) = self.reached.iter().position(|(measurement, _)| measurement.candidate.url == *url) else {
            return Some(format!("switch: {url} answered too seldom to be relied on"));
        };
        let gain = rank::gain(&self.reached[current].1, &self.reached[best].1, self.share_interval);
        let (from, to) = (&self.reached[current].0.candidate.url, &self.reached[best].0.candidate.url);
        let points = gain.max(0.0) * 100.0;
        Some(match (current == best, gain > SWITCH_GAIN_MIN) {
            (true, _) => format!("stay: {from} is the best of those measured"),
            (false, true) => format!("switch: {to} loses {points:.2} percentage points less than {from}"),
            (false, false) => format!(
                "stay: {to} would gain {points:.2} percentage points over {from}, and below {:.1} a switch is noise",
                SWITCH_GAIN_MIN * 100.0
            ),
        })
    }
}

/// The table and its notes.
pub(crate) fn table(findings: &Findings) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["USE AS", "LOSS", "RTT", "JITTER", "JOB", "FEE", "LOAD", "REGION", "NETWORK", "OK", "ENDPOINT"]);
    for column in [1, 2, 3, 4, 5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for (place, (measurement, measured)) in findings.reached.iter().enumerate() {
        let dash = || "-".to_owned();
        let listed = measurement.candidate.listed.as_ref();
        table.add_row([
            findings.role(place),
            percent(measured.loss(findings.share_interval)),
            millis(measurement.rtt()),
            millis(measurement.jitter()),
            measurement.job().map_or_else(dash, millis),
            measurement.fee().map_or_else(dash, percent),
            measurement.load().map_or_else(dash, |load| format!("{:.0} %", load * 100.0)),
            listed.and_then(|node| node.region.clone()).unwrap_or_else(dash),
            measured.network.to_string(),
            format!("{}/{SAMPLES}", measurement.samples.len()),
            measurement.candidate.url.to_string(),
        ]);
    }
    render::line(&table.trim_fmt())?;
    let failed = findings.failed.iter().map(|failed| {
        let why = failed.failure.as_deref().unwrap_or("too few samples");
        format!("not reached: {}: {why}", failed.candidate.url)
    });
    let notes = failed.chain(findings.advice()).chain(findings.notes.iter().map(|note| format!("note: {note}")));
    for (number, note) in notes.enumerate() {
        render::line(&format!("{}{note}", if number == 0 { "\n" } else { "" }))?;
    }
    Ok(())
}

fn percent(part: f64) -> String {
    format!("{:.2} %", part * 100.0)
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

#[derive(Debug, Serialize)]
struct Row {
    url: String,
    role: Option<String>,
    loss: Option<f64>,
    rtt_ms: Option<f64>,
    jitter_ms: Option<f64>,
    job_ms: Option<f64>,
    behind: bool,
    fee: Option<f64>,
    load: Option<f64>,
    region: Option<String>,
    network: Option<String>,
    peer_id: Option<String>,
    samples: usize,
    failure: Option<String>,
}

/// Everything, those that were not reached last.
pub(crate) fn json(findings: &Findings) -> serde_json::Value {
    let reached = findings.reached.iter().enumerate().map(|(place, (measurement, measured))| Row {
        role: Some(findings.role(place)).filter(|role| !role.is_empty()),
        loss: Some(measured.loss(findings.share_interval)),
        network: Some(measured.network.to_string()),
        ..row(measurement)
    });
    let rows: Vec<Row> = reached.chain(findings.failed.iter().map(row)).collect();
    serde_json::json!({
        "meta": {
            "count": rows.len(),
            "share_interval_secs": findings.share_interval.as_secs_f64(),
            "advice": findings.advice(),
            "notes": findings.notes,
        },
        "data": rows,
    })
}

fn row(measurement: &Measurement) -> Row {
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    let listed = measurement.candidate.listed.as_ref();
    let has_samples = !measurement.samples.is_empty();
    Row {
        url: measurement.candidate.url.to_string(),
        role: None,
        loss: None,
        rtt_ms: has_samples.then(|| millis(measurement.rtt())),
        jitter_ms: has_samples.then(|| millis(measurement.jitter())),
        job_ms: measurement.job().map(millis),
        behind: measurement.is_behind,
        fee: measurement.fee(),
        load: measurement.load(),
        region: listed.and_then(|node| node.region.clone()),
        network: None,
        peer_id: listed.map(|node| node.peer_id.clone()),
        samples: measurement.samples.len(),
        failure: measurement.failure.clone().or_else(|| measurement.refusal.clone()),
    }
}
