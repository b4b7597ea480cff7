//! Histories that are replayed, and what price sources answer.

use node::lanes::{
    Mode, Profile,
    jitter::Schedule,
    prices::{PriceLimits, Sample, combine, parse},
    replay::{ReplaySettings, Rows, replay},
};

/// A history of anybody's, under the policy that the first byte names: whatever is in it, its report is made of numbers.
pub fn history(bytes: &[u8]) {
    let Some((first, text)) = bytes.split_first() else { return };
    let mode = Mode::ALL[usize::from(*first) % Mode::ALL.len()];
    let settings = ReplaySettings {
        mode,
        profile: Profile::Aggressive,
        params: None,
        switch_cost_ms: None,
        schedule: Schedule { seed: 1, tick_secs: 60, jitter_secs: 0 },
    };
    let mut rows = Rows::new(text);
    match replay(&mut rows, &settings) {
        Ok(report) => {
            let shown = [
                report.gain_percent,
                report.oracle_gain_percent,
                report.argmax_gain_percent,
                report.best_static_percent,
            ];
            assert!(shown.iter().all(|number| number.is_finite()), "{report:?}");
            // A millionth for rounding.
            let oracle = report.oracle_gain_percent;
            assert!(report.gain_percent <= oracle + 1e-6 * (1.0 + oracle), "{report:?}");
            assert!(report.best_static_percent >= -1e-6 && report.days > 0.0, "{report:?}");
        }
        Err(fault) => {
            let lines = text.split(|byte| *byte == b'\n').count();
            assert!(fault.line >= 1 && fault.line <= lines as u64 + 1, "line {} of {lines}", fault.line);
        }
    }
}

/// An answer of a price source, plain and with every pointer that a line before it names; a price that comes of it is one.
pub fn price(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let pointer = parts.next().and_then(|line| std::str::from_utf8(line).ok());
    let body = parts.next().unwrap_or_default();
    let samples =
        [None, pointer].map(|pointer| Sample { source: "fuzz".to_owned(), price: parse(body, pointer), at: 1_000 });
    let same = [samples[1].clone(), samples[1].clone()];
    for samples in [samples, same] {
        match combine(&samples, 1_300, &PriceLimits::default()) {
            Ok(quote) => {
                assert!(quote.check().is_ok() && quote.sources == 2 && quote.spread_percent <= 5.0, "{quote:?}")
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
