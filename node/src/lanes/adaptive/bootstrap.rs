//! How sure a mean is: the means of the same values drawn anew, with replacement.

use super::super::jitter::mix;

/// Draws of the whole sample.
const RESAMPLES: u64 = 2_000;

/// The interval that holds the mean with this confidence; `(0, 0)` of nothing. Draws follow from the seed alone.
pub(super) fn interval(values: &[f64], confidence_percent: f64, seed: u64) -> (f64, f64) {
    let Ok(count) = u64::try_from(values.len()) else { return (0.0, 0.0) };
    if count == 0 {
        return (0.0, 0.0);
    }
    let drawn = |resample: u64, place: u64| {
        let draw = mix(seed ^ mix(resample.wrapping_mul(count).wrapping_add(place))) % count;
        usize::try_from(draw).ok().and_then(|draw| values.get(draw)).copied().unwrap_or(0.0)
    };
    let resampled = |resample| (0..count).map(|place| drawn(resample, place)).sum::<f64>() / count as f64;
    let mut means: Vec<f64> = (0..RESAMPLES).map(resampled).collect();
    means.sort_by(f64::total_cmp);
    let tail = ((100.0 - confidence_percent) / 200.0).clamp(0.0, 0.5);
    let out = rounded(tail * RESAMPLES as f64).min(means.len() / 2);
    let end = |place: usize| means.get(place).copied().unwrap_or(0.0);
    (end(out), end(means.len() - 1 - out))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of the resamples; NaN is 0")]
fn rounded(value: f64) -> usize {
    value.round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_a_normal_mean() {
        // 400 values of mean 1 and deviation 1: the standard error is 0.05.
        let values: Vec<f64> = (0..400).map(|place| f64::from(place % 2) * 2.0).collect();
        let (low, high) = interval(&values, 95.0, 7);
        assert!((low - 0.902).abs() < 0.015 && (high - 1.098).abs() < 0.015, "{low} {high}");
        assert_eq!(interval(&values, 95.0, 7), (low, high), "the same seed");
        assert_ne!(interval(&values, 95.0, 8), (low, high), "another seed");
    }

    #[test]
    fn nothing_and_absurd_confidences_give_an_interval_too() {
        assert_eq!(interval(&[], 95.0, 1), (0.0, 0.0));
        assert_eq!(interval(&[3.0], 95.0, 1), (3.0, 3.0));
        for confidence in [f64::NAN, -5.0, 0.0, 100.0, 500.0] {
            let (low, high) = interval(&[1.0, 2.0, 3.0], confidence, 1);
            assert!((1.0..=3.0).contains(&low) && low <= high && high <= 3.0, "{confidence}: {low} {high}");
        }
    }
}
