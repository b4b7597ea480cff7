//! How sure a rate is that was counted: bands that hold the true one in 95 % of cases. Pure.
//!
//! Shares are found independently of each other, so their number in a time is Poisson distributed. The band is Garwood's exact
//! one: with n counted, the low end is the rate at which n or more are seen in 2.5 % of cases, the high end the one at which n or
//! fewer are (F. Garwood, "Fiducial limits for the Poisson distribution", 1936). Both are quantiles of gamma distributions,
//! which exist for fractions of a share too.

/// Probability beyond each end.
const TAIL: f64 = 0.025;
/// The same as a distance in standard deviations of a normal distribution.
const TAIL_Z: f64 = 1.959_963_985;
/// From here on the approximation is as good as anybody can read: four digits.
const SHAPE_APPROXIMATED: f64 = 30.0;
/// Newton steps from the approximation at most; each doubles the digits.
const STEPS: usize = 4;
/// A step that changes less than this part is the last one, and terms below it are none: nobody reads more than four digits.
const PRECISION: f64 = 1e-7;
/// Terms of the series; it has converged long before at these shapes.
const TERMS_MAX: usize = 200;

/// The ends of the band, as parts of the counted rate: `(0.8, 1.2)` is 20 % to either side. `None` when nothing was counted.
pub(super) fn factors(samples: f64) -> Option<(f64, f64)> {
    if samples <= 0.0 || !samples.is_finite() {
        return None;
    }
    let low = gamma_quantile(samples, TAIL, -TAIL_Z);
    let high = gamma_quantile(samples + 1.0, 1.0 - TAIL, TAIL_Z);
    Some((low / samples, high / samples))
}

/// How many equal samples tell as much as sums of several rates, each with its own samples.
pub(super) fn joint_samples(parts: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut rate, mut variance) = (0.0, 0.0);
    for (part, samples) in parts.filter(|(part, samples)| *part > 0.0 && *samples > 0.0) {
        rate += part;
        variance += part * part / samples;
    }
    if variance > 0.0 { rate * rate / variance } else { 0.0 }
}

/// The probability, in percent, that a block would have come by now when so many expected blocks' work was done.
pub(super) fn percentile(effort: f64) -> f64 {
    -(-effort).exp_m1() * 100.0
}

/// Quantile of the gamma distribution of this shape and scale 1; `z` is the same quantile of the normal distribution.
fn gamma_quantile(shape: f64, probability: f64, z: f64) -> f64 {
    // Wilson and Hilferty: the cube root is nearly normal.
    let ninth = 1.0 / (9.0 * shape);
    let approximate = shape * (1.0 - ninth + z * ninth.sqrt()).powi(3);
    if shape >= SHAPE_APPROXIMATED {
        return approximate;
    }
    // In the lower tail of small shapes the distribution is a power: P(x) = x^shape / (shape x Gamma(shape)).
    let power = ((probability.ln() + ln_gamma(shape + 1.0)) / shape).exp();
    let mut x = if approximate > shape * 0.05 { approximate } else { power };
    for _ in 0..STEPS {
        let density = ((shape - 1.0) * x.ln() - x - ln_gamma(shape)).exp();
        if density <= 0.0 {
            break;
        }
        let next = x - (gamma_probability(shape, x) - probability) / density;
        // A step below zero went too far: half of the way is on the right side.
        let before = x;
        x = if next > 0.0 { next } else { x / 2.0 };
        if (x - before).abs() < PRECISION * before {
            break;
        }
    }
    x
}

/// The regularised lower incomplete gamma function, by its series.
fn gamma_probability(shape: f64, x: f64) -> f64 {
    let mut term = 1.0 / shape;
    let mut sum = term;
    let mut denominator = shape;
    for _ in 0..TERMS_MAX {
        denominator += 1.0;
        term *= x / denominator;
        sum += term;
        if term < sum * PRECISION {
            break;
        }
    }
    sum * (shape * x.ln() - x - ln_gamma(shape)).exp()
}

/// Logarithm of the gamma function: Stirling's series, after moving the argument to where it is good.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0_f64);
    while x < 8.0 {
        product *= x;
        x += 1.0;
    }
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1_260.0 - square / 1_680.0)));
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Garwood's limits, as tables of the Poisson distribution print them.
    const TABLE: [(f64, f64, f64); 8] = [
        (1.0, 0.025_32, 5.571_64),
        (2.0, 0.242_21, 7.224_69),
        (3.0, 0.618_67, 8.767_27),
        (5.0, 1.623_49, 11.668_33),
        (10.0, 4.795_39, 18.390_36),
        (20.0, 12.216_52, 30.888_38),
        (50.0, 37.110_98, 65.918_30),
        (100.0, 81.363_95, 121.627_25),
    ];

    #[test]
    fn bands_are_those_of_the_tables() {
        for (counted, low, high) in TABLE {
            let (found_low, found_high) = factors(counted).unwrap();
            let agrees = |found: f64, table: f64| (found * counted / table - 1.0).abs() < 4e-4;
            assert!(agrees(found_low, low), "{counted}: {} is not {low}", found_low * counted);
            assert!(agrees(found_high, high), "{counted}: {} is not {high}", found_high * counted);
        }
    }

    #[test]
    fn more_samples_make_a_narrower_band_at_every_size() {
        let mut before = f64::INFINITY;
        let mut samples = 0.3;
        while samples < 1e6 {
            let (low, high) = factors(samples).unwrap();
            assert!(0.0 < low && low < 1.0 && 1.0 < high && high - low < before, "{samples}: {low} {high}");
            (before, samples) = (high - low, samples * 1.3);
        }
        for nothing in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(factors(nothing), None);
        }
    }

    #[test]
    fn equal_parts_add_up_and_a_large_one_decides() {
        let joint = |parts: &[(f64, f64)]| joint_samples(parts.iter().copied());
        assert!((joint(&[(10.0, 50.0), (10.0, 50.0)]) - 100.0).abs() < 1e-9);
        assert!((joint(&[(1_000.0, 50.0), (1.0, 1.0)]) - 50.0).abs() < 0.2);
        assert_eq!(joint(&[(0.0, 5.0)]), 0.0);
    }

    #[test]
    fn an_effort_of_100_percent_is_exceeded_by_37_of_100_rounds() {
        assert!((percentile(1.0) - 63.212).abs() < 1e-3);
        assert!((percentile(1.4) - 75.340).abs() < 1e-3);
        assert_eq!(percentile(0.0), 0.0);
    }
}
