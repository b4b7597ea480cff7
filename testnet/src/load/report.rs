//! What a run of the load generator says at its end.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::{junk::JunkCounts, tally::Tally};

/// The result; `None` is what was not measured.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// Submits that the server accepted.
    pub accepted: u64,
    /// Submits that it refused as stale.
    pub stale: u64,
    /// Submits that it refused for another reason.
    pub rejected: u64,
    /// Submits that had no answer at the end of the span. In no other number.
    pub unanswered: u64,
    /// Half of the answers took at most this long, from the write to the reply.
    pub p50_ms: Option<f64>,
    /// 99 of 100 answers did.
    pub p99_ms: Option<f64>,
    /// 999 of 1,000 answers did.
    pub p999_ms: Option<f64>,
    /// The measured span. It begins when all connections are there.
    pub seconds: f64,
    /// Accepted submits per second.
    pub shares_per_s: Option<f64>,
    /// CPU time of the server in the span, in seconds.
    pub server_cpu_s: Option<f64>,
    /// Accepted submits per second of the server's CPU time.
    pub shares_per_cpu_s: Option<f64>,
    /// The server's memory at the end of the span.
    pub rss_bytes: Option<u64>,
    /// Connections at the beginning of the span.
    pub connections: u32,
    /// Connections that the server closed in the span.
    pub connections_lost: u32,
    /// Connections that were not made, or closed before the span.
    pub connect_failures: u32,
    /// Time until the last connection had its first job.
    pub connect_seconds: f64,
    /// The longest time from the first to the last connection that heard of a block.
    pub fanout_last_ms: Option<f64>,
    /// Blocks in the span that all connections heard of.
    pub fanouts: u64,
    /// Junk connections that were made in the span.
    pub junk_connections: Option<u64>,
    /// Junk connections that the server closed in it.
    pub junk_closed: Option<u64>,
    /// The longest time in it that the server kept one of them.
    pub junk_longest_s: Option<f64>,
}

/// How the connections fared.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(super) struct Connections {
    pub(super) at_start: u32,
    pub(super) lost: u32,
    pub(super) failed: u32,
    pub(super) connect_seconds: f64,
}

/// The measured span from outside.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(super) struct Span {
    pub(super) seconds: f64,
    pub(super) client_cpu_secs: f64,
    pub(super) server_cpu_secs: Option<f64>,
    pub(super) server_rss_bytes: Option<u64>,
}

impl Report {
    pub(super) fn new(tally: &Tally, connections: Connections, span: Span, junk: Option<JunkCounts>) -> Self {
        let counts = tally.counts();
        let (fanouts, fanout_last) = tally.fanouts();
        let millis = |time: Duration| rounded(time.as_secs_f64() * 1e3);
        let latency = |per_mille| tally.latency(per_mille).map(millis);
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let accepted = counts.accepted as f64;
        let per = |seconds: f64| (counts.submitted > 0 && seconds > 0.0).then(|| rounded(accepted / seconds));
        Self {
            accepted: counts.accepted,
            stale: counts.stale,
            rejected: counts.rejected,
            unanswered: counts.submitted.saturating_sub(counts.accepted + counts.stale + counts.rejected),
            p50_ms: latency(500),
            p99_ms: latency(990),
            p999_ms: latency(999),
            seconds: rounded(span.seconds),
            shares_per_s: per(span.seconds),
            server_cpu_s: span.server_cpu_secs.map(rounded),
            shares_per_cpu_s: span.server_cpu_secs.and_then(per),
            rss_bytes: span.server_rss_bytes,
            connections: connections.at_start,
            connections_lost: connections.lost,
            connect_failures: connections.failed,
            connect_seconds: rounded(connections.connect_seconds),
            fanout_last_ms: fanout_last.map(millis),
            fanouts,
            junk_connections: junk.map(|junk| junk.connections),
            junk_closed: junk.map(|junk| junk.closed),
            junk_longest_s: junk.map(|junk| rounded(junk.longest.as_secs_f64())),
        }
    }
}

/// To three digits: nothing here is known better.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let Self { accepted, stale, rejected, unanswered, connections, connect_failures, connections_lost, .. } = self;
        writeln!(
            f,
            "{connections} connections in {} s, {connect_failures} failed, {connections_lost} lost",
            self.connect_seconds
        )?;
        writeln!(
            f,
            "{accepted} accepted, {stale} stale, {rejected} rejected, {unanswered} unanswered in {} s",
            self.seconds
        )?;
        let (rate, cpu_rate) = (shown(self.shares_per_s), shown(self.shares_per_cpu_s));
        writeln!(f, "{rate} shares/s, {cpu_rate} shares per CPU second of the server")?;
        let (p50, p99, p999) = (shown(self.p50_ms), shown(self.p99_ms), shown(self.p999_ms));
        writeln!(f, "latency {p50} / {p99} / {p999} ms (50 / 99 / 99.9 %)")?;
        write!(f, "{} blocks, the last connection {} ms after the first", self.fanouts, shown(self.fanout_last_ms))?;
        if let (Some(junk), Some(closed)) = (self.junk_connections, self.junk_closed) {
            write!(f, "\n{junk} junk connections, {closed} closed, the longest {} s", shown(self.junk_longest_s))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::message::Refusal;

    #[test]
    fn rates_count_what_was_accepted_and_null_is_what_was_not_measured() {
        let tally = Tally::new();
        tally.open(2);
        tally.on_submitted(12, 100);
        (0..8).for_each(|_| tally.on_answered(Ok(()), Duration::from_millis(2)));
        tally.on_answered(Err(Refusal { is_stale: true, reason: String::new() }), Duration::from_millis(2));
        let connections = Connections { at_start: 2, lost: 1, failed: 3, connect_seconds: 0.5 };
        let span = Span { seconds: 4.0, server_cpu_secs: Some(0.5), server_rss_bytes: Some(1_024), ..Span::default() };
        let junk = JunkCounts { connections: 9, closed: 7, failed: 1, longest: Duration::from_millis(1_500) };
        let report = serde_json::to_value(Report::new(&tally, connections, span, Some(junk))).unwrap();
        let expected = [
            ("accepted", 8.0),
            ("stale", 1.0),
            ("rejected", 0.0),
            ("unanswered", 3.0),
            ("shares_per_s", 2.0),
            ("shares_per_cpu_s", 16.0),
            ("rss_bytes", 1_024.0),
            ("connections", 2.0),
            ("connections_lost", 1.0),
            ("connect_failures", 3.0),
            ("junk_connections", 9.0),
            ("junk_closed", 7.0),
            ("junk_longest_s", 1.5),
        ];
        for (field, value) in expected {
            assert_eq!(report[field].as_f64(), Some(value), "{field}");
        }
        let p50 = report["p50_ms"].as_f64().unwrap();
        assert!((2.0..=2.0 * 129.0 / 128.0).contains(&p50), "{p50}");

        let idle = serde_json::to_value(Report::new(
            &Tally::new(),
            connections,
            Span { seconds: 4.0, ..Span::default() },
            None,
        ))
        .unwrap();
        for field in [
            "p50_ms",
            "p99_ms",
            "p999_ms",
            "shares_per_s",
            "server_cpu_s",
            "shares_per_cpu_s",
            "rss_bytes",
            "fanout_last_ms",
            "junk_connections",
            "junk_closed",
            "junk_longest_s",
        ] {
            assert!(idle[field].is_null(), "{field}");
        }
    }
}
