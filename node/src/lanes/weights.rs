//! Which part of the miners works on each lane, in basis points that always sum to the whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
pub use stratum::lane::WHOLE;

/// The part of one lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneWeight {
    /// Name of the lane.
    pub lane: String,
    /// Its part, of [`WHOLE`].
    pub basis_points: u16,
}

/// Parts of lanes: none is zero, no lane is named twice, and together they are [`WHOLE`], or there is none at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<LaneWeight>", into = "Vec<LaneWeight>")]
pub struct Weights(BTreeMap<String, u16>);

/// Parts that are not a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parts of lanes sum to {sum} of 10,000 basis points, or a lane is named twice")]
pub struct NotWhole {
    sum: u32,
}

impl Weights {
    /// Everything on one lane.
    pub fn all_on(lane: &str) -> Self {
        Self(BTreeMap::from([(lane.to_owned(), WHOLE)]))
    }

    /// Parts in proportion to these sizes, by largest remainders; sizes that are not positive numbers count for nothing.
    /// Empty when nothing counts.
    pub fn in_proportion<'a>(sizes: impl IntoIterator<Item = (&'a str, f64)>) -> Self {
        let mut merged: BTreeMap<&str, f64> = BTreeMap::new();
        for (lane, size) in sizes.into_iter().filter(|(_, size)| size.is_finite() && *size > 0.0) {
            *merged.entry(lane).or_default() += size;
        }
        let greatest = merged.values().copied().fold(0.0, f64::max);
        // Divided by the greatest first: the sum of great numbers may not be finite.
        let total: f64 = merged.values().map(|size| size / greatest).sum();
        let exact: Vec<(&str, f64)> = merged
            .into_iter()
            .map(|(lane, size)| (lane, size / greatest / total * f64::from(WHOLE)))
            .filter(|(_, exact)| exact.is_finite())
            .collect();
        let mut parts: Vec<(&str, u16, f64)> =
            exact.into_iter().map(|(lane, exact)| (lane, whole_part(exact), exact.fract())).collect();
        let given: u16 = parts.iter().map(|(_, part, _)| *part).sum();
        // Of equal remainders the first name gets the point: the same sizes always give the same parts.
        parts.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(b.0)));
        let count = parts.len();
        let left = usize::from(WHOLE.saturating_sub(given));
        for (place, (_, part, _)) in parts.iter_mut().enumerate() {
            let extra = left / count + usize::from(place < left % count);
            *part = part.saturating_add(u16::try_from(extra).unwrap_or(0));
        }
        let parts = parts.into_iter().filter(|(_, part, _)| *part > 0);
        Self(parts.map(|(lane, part, _)| (lane.to_owned(), part)).collect())
    }

    /// The same without some lanes, whose part the others take in proportion; `fallback` gets all when nobody is left.
    pub fn without(&self, is_out: impl Fn(&str) -> bool, fallback: Option<&str>) -> Self {
        if !self.0.keys().any(|lane| is_out(lane)) {
            return self.clone();
        }
        let left = self.iter().filter(|(lane, _)| !is_out(lane));
        let left = Self::in_proportion(left.map(|(lane, part)| (lane, f64::from(part))));
        match fallback {
            Some(lane) if left.is_empty() => Self::all_on(lane),
            _ => left,
        }
    }

    /// A lane's part; zero of one that is not mined.
    pub fn of(&self, lane: &str) -> u16 {
        self.0.get(lane).copied().unwrap_or(0)
    }

    /// Lanes and their parts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u16)> {
        self.0.iter().map(|(lane, part)| (lane.as_str(), *part))
    }

    /// The lane with the greatest part; of equal ones the first by name.
    pub fn main(&self) -> Option<&str> {
        self.iter().reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(lane, _)| lane)
    }

    /// Nothing is mined.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The part that changes its lane between two, in basis points.
    pub fn moved(&self, other: &Self) -> u16 {
        self.iter().map(|(lane, part)| part.saturating_sub(other.of(lane))).sum()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10,000")]
fn whole_part(exact: f64) -> u16 {
    exact.floor().clamp(0.0, f64::from(WHOLE)) as u16
}

impl From<Weights> for Vec<LaneWeight> {
    fn from(weights: Weights) -> Self {
        weights.0.into_iter().map(|(lane, basis_points)| LaneWeight { lane, basis_points }).collect()
    }
}

impl TryFrom<Vec<LaneWeight>> for Weights {
    type Error = NotWhole;

    fn try_from(parts: Vec<LaneWeight>) -> Result<Self, Self::Error> {
        let sum: u32 = parts.iter().map(|part| u32::from(part.basis_points)).sum();
        let named = parts.len();
        let map: BTreeMap<String, u16> =
            parts.into_iter().filter(|part| part.basis_points > 0).map(|part| (part.lane, part.basis_points)).collect();
        let is_whole = map.is_empty() || sum == u32::from(WHOLE);
        if is_whole && map.len() == named { Ok(Self(map)) } else { Err(NotWhole { sum }) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn invariant_parts_are_a_whole(sizes in prop::collection::vec(any::<f64>(), 0..60)) {
            let names: Vec<String> = (0..sizes.len()).map(|number| format!("lane{number}")).collect();
            let weights = Weights::in_proportion(names.iter().map(String::as_str).zip(sizes.iter().copied()));
            let sum: u32 = weights.iter().map(|(_, part)| u32::from(part)).sum();
            let counts = sizes.iter().any(|size| size.is_finite() && *size > 0.0);
            prop_assert_eq!(sum, if counts { u32::from(WHOLE) } else { 0 });
            prop_assert!(weights.iter().all(|(_, part)| part > 0));
            let json = serde_json::to_string(&weights).unwrap();
            prop_assert_eq!(serde_json::from_str::<Weights>(&json).unwrap(), weights);
        }
    }

    #[test]
    fn parts_follow_their_sizes_and_the_left_ones_take_over() {
        let weights = Weights::in_proportion([("a", 1.0), ("b", 2.0), ("c", 0.0), ("d", f64::NAN)]);
        assert_eq!((weights.of("a"), weights.of("b"), weights.of("c")), (3_333, 6_667, 0));
        assert_eq!(weights.main(), Some("b"));
        assert_eq!(weights.without(|lane| lane == "b", None), Weights::all_on("a"));
        assert_eq!(weights.without(|_| true, Some("c")), Weights::all_on("c"));
        assert_eq!(weights.without(|lane| lane == "c", Some("c")), weights);
        assert_eq!(weights.moved(&Weights::all_on("a")), 6_667);
        assert_eq!(Weights::all_on("a").moved(&weights), 6_667);
    }

    #[test]
    fn records_that_are_no_whole_are_refused() {
        for text in [
            r#"[{"lane":"a","basis_points":9999}]"#,
            r#"[{"lane":"a","basis_points":5000},{"lane":"a","basis_points":5000}]"#,
            r#"[{"lane":"a","basis_points":10000},{"lane":"b","basis_points":0}]"#,
        ] {
            assert!(serde_json::from_str::<Weights>(text).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Weights>("[]").unwrap().is_empty());
    }
}
