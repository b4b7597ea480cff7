//! What a coin is worth: the median of at least two sources, or a refusal in plain words.
//!
//! ```text
//! file, command, HTTP --bytes--> parse --f64--> Sample --combine--> Quote or PriceError --watch--> Inputs
//!      PriceTask                  (pure)                (pure)
//! ```
//! Only [`PriceTask`] reads files, starts programs and opens sockets. A price that is in doubt is none: nobody's miners move because one source is wrong, late or bought.

use serde::{Deserialize, Serialize};
use sharechain::UnixTime;

use super::limits::{PRICE_MAX, PRICE_MIN};

mod parse;
mod sources;

pub use parse::{ParseError, parse};
pub use sources::{Fetcher, Place, PriceTask, Prices, Source};

/// What a price has to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PriceLimits {
    /// Least sources that agree; never below 2.
    pub sources_min: u32,
    /// Seconds after which a price is no price.
    pub age_max_secs: u64,
    /// Greatest distance between the highest and the lowest source, percent of the median.
    pub spread_max_percent: f64,
}

impl Default for PriceLimits {
    fn default() -> Self {
        Self { sources_min: SOURCES_MIN, age_max_secs: 600, spread_max_percent: 5.0 }
    }
}

/// One source alone is believed by nobody.
const SOURCES_MIN: u32 = 2;

/// What one source said.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Name of the source.
    pub source: String,
    /// The price, or why there is none.
    pub price: Result<f64, ParseError>,
    /// When it was so.
    pub at: UnixTime,
}

/// A price that sources agree on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// Median of the sources, in the unit that all coins of the node are priced in.
    pub price: f64,
    /// Seconds since the oldest of them was read.
    pub age_secs: u64,
    /// Distance between the highest and the lowest, percent of the median.
    pub spread_percent: f64,
    /// How many sources that are.
    pub sources: u32,
}

/// Why there is no price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PriceError {
    /// Nothing is configured, or nothing was read yet.
    #[error("no source has given a price")]
    NoSources,
    /// Fewer than are needed.
    #[error("{usable} of {needed} needed price sources can be used{}", .cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default())]
    TooFew {
        /// Sources with a price.
        usable: u32,
        /// How many it takes.
        needed: u32,
        /// What is wrong with the first of the others.
        cause: Option<String>,
    },
    /// Not a number.
    #[error("price source {source_name} says \"not a number\"")]
    NotANumber {
        /// Which source.
        source_name: String,
    },
    /// More than all numbers.
    #[error("price source {source_name} says infinity")]
    Infinite {
        /// Which source.
        source_name: String,
    },
    /// Nothing.
    #[error("price source {source_name} says zero")]
    Zero {
        /// Which source.
        source_name: String,
    },
    /// Below nothing.
    #[error("price source {source_name} says {price}, which is negative")]
    Negative {
        /// Which source.
        source_name: String,
        /// What it said.
        price: f64,
    },
    /// Outside of what can be believed.
    #[error("price source {source_name} says {price:e}, which is not between {PRICE_MIN:e} and {PRICE_MAX:e}")]
    Unbelievable {
        /// Which source.
        source_name: String,
        /// What it said.
        price: f64,
    },
    /// Too old.
    #[error("the price of {source_name} is {} min old; at most {} min are allowed", age_secs / 60, age_max_secs / 60)]
    Stale {
        /// Which source.
        source_name: String,
        /// Its age.
        age_secs: u64,
        /// The limit.
        age_max_secs: u64,
    },
    /// Sources do not agree.
    #[error("price sources are {spread_percent:.1} % apart; at most {spread_max_percent} % are allowed")]
    Spread {
        /// How far.
        spread_percent: f64,
        /// The limit.
        spread_max_percent: f64,
    },
}

impl Quote {
    /// Whether it can be computed with, whoever wrote it.
    ///
    /// # Errors
    /// [`PriceError`].
    pub fn check(&self) -> Result<(), PriceError> {
        believable("the quote", self.price).map(drop)
    }
}

/// Whether a number can be a price.
fn believable(source: &str, price: f64) -> Result<f64, PriceError> {
    let source_name = source.to_owned();
    match price {
        price if price.is_nan() => Err(PriceError::NotANumber { source_name }),
        price if price.is_infinite() => Err(PriceError::Infinite { source_name }),
        0.0 => Err(PriceError::Zero { source_name }),
        price if price < 0.0 => Err(PriceError::Negative { source_name, price }),
        price if !(PRICE_MIN..=PRICE_MAX).contains(&price) => Err(PriceError::Unbelievable { source_name, price }),
        price => Ok(price),
    }
}

/// The price that sources agree on.
///
/// # Errors
/// With two sources or fewer, what is wrong with the first of them; with more, that too few are left, or that they are apart.
pub fn combine(samples: &[Sample], now: UnixTime, limits: &PriceLimits) -> Result<Quote, PriceError> {
    let needed = limits.sources_min.max(SOURCES_MIN);
    let mut prices = Vec::new();
    let (mut age_secs, mut refused) = (0, Vec::new());
    for sample in samples {
        match usable(sample, now, limits) {
            Ok((price, age)) => {
                prices.push(price);
                age_secs = age_secs.max(age);
            }
            Err(error) => refused.push(error),
        }
    }
    let sources = u32::try_from(prices.len()).unwrap_or(u32::MAX);
    if sources < needed {
        return Err(too_few(sources, needed, samples.len(), refused));
    }
    prices.sort_by(f64::total_cmp);
    let price = median(&prices).ok_or(PriceError::NoSources)?;
    let (lowest, highest) = (prices.first().unwrap_or(&price), prices.last().unwrap_or(&price));
    let spread_percent = (highest - lowest) / price * 100.0;
    // A limit that is not a number refuses.
    let is_near = spread_percent <= limits.spread_max_percent;
    if !is_near {
        return Err(PriceError::Spread { spread_percent, spread_max_percent: limits.spread_max_percent });
    }
    Ok(Quote { price, age_secs, spread_percent, sources })
}

/// A source's price and its age.
fn usable(sample: &Sample, now: UnixTime, limits: &PriceLimits) -> Result<(f64, u64), PriceError> {
    let source_name = &sample.source;
    let price = sample.price.as_ref().map_err(|error| PriceError::TooFew {
        usable: 0,
        needed: limits.sources_min.max(SOURCES_MIN),
        cause: Some(format!("{source_name}: {error}")),
    })?;
    let price = believable(source_name, *price)?;
    let age_secs = now.saturating_sub(sample.at);
    if age_secs > limits.age_max_secs {
        let (source_name, age_max_secs) = (source_name.clone(), limits.age_max_secs);
        return Err(PriceError::Stale { source_name, age_secs, age_max_secs });
    }
    Ok((price, age_secs))
}

fn too_few(usable: u32, needed: u32, asked: usize, refused: Vec<PriceError>) -> PriceError {
    let Some(first) = refused.into_iter().next() else {
        return if asked == 0 { PriceError::NoSources } else { PriceError::TooFew { usable, needed, cause: None } };
    };
    match first {
        PriceError::TooFew { cause, .. } => PriceError::TooFew { usable, needed, cause },
        // What is wrong with the one source that is missing says more than that it is missing.
        first => first,
    }
}

/// The middle of sorted numbers; of an even count the mean of both.
fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    let is_odd = sorted.len() % 2 == 1;
    if is_odd { Some(upper) } else { Some(upper / 2.0 + *sorted.get(middle.checked_sub(1)?)? / 2.0) }
}

/// The middle of sorted numbers; of an even count the lower one, which a single high one cannot move.
pub(super) fn median_low(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests;
