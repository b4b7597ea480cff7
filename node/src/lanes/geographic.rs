//! `GEOGRAPHIC_DISTRIBUTION`: how far peers and ads are from the regions that the operator wants them in.
//!
//! It only advises. A node chooses whom it dials, and nothing else: it cannot make a peer exist, a miner move or another node
//! advertise itself, and says so with every advice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is counted by region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Peers that this node is connected to.
    Peers,
    /// Ads of nodes that miners find in its directory.
    Ads,
}

/// Where peers and ads are, by the code of the region; those of no known region under an empty code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spread {
    /// Connected peers.
    pub peers: BTreeMap<String, u32>,
    /// Known ads.
    pub ads: BTreeMap<String, u32>,
}

/// Wanted parts by the code of the region, percent; the rest may be anywhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegionTargets {
    /// Of connected peers.
    pub peers: BTreeMap<String, f64>,
    /// Of ads.
    pub ads: BTreeMap<String, f64>,
}

/// One region that has too little.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// Of what.
    pub subject: Subject,
    /// Where.
    pub region: String,
    /// What there is, percent of those whose region is known.
    pub has_percent: f64,
    /// What is wanted, percent.
    pub wanted_percent: f64,
    /// What to do, and what the node cannot do itself.
    pub text: String,
}

/// Percentage points below a target that are no reason to say anything.
const SLACK_PERCENT: f64 = 5.0;

/// What is missing, the farthest from its target first.
pub fn advise(spread: &Spread, targets: &RegionTargets) -> Vec<Advice> {
    let kinds = [(Subject::Peers, &spread.peers, &targets.peers), (Subject::Ads, &spread.ads, &targets.ads)];
    let mut advice: Vec<Advice> =
        kinds.into_iter().flat_map(|(subject, counts, wanted)| missing(subject, counts, wanted)).collect();
    let lack = |advice: &Advice| advice.wanted_percent - advice.has_percent;
    advice.sort_by(|a, b| lack(b).total_cmp(&lack(a)));
    advice
}

fn missing(subject: Subject, counts: &BTreeMap<String, u32>, wanted: &BTreeMap<String, f64>) -> Vec<Advice> {
    let known: u32 = counts.iter().filter(|(region, _)| !region.is_empty()).map(|(_, count)| *count).sum();
    let has = |region: &str| {
        let count = counts.get(region).copied().unwrap_or(0);
        f64::from(count) / f64::from(known.max(1)) * 100.0
    };
    let lacks = |(region, wanted_percent): (&String, &f64)| {
        let has_percent = has(region);
        // Written so that a target that is not a number asks for nothing.
        (wanted_percent - has_percent > SLACK_PERCENT).then(|| Advice {
            subject,
            region: region.clone(),
            has_percent,
            wanted_percent: *wanted_percent,
            text: subject.text(region, has_percent, *wanted_percent),
        })
    };
    wanted.iter().filter_map(lacks).collect()
}

impl Subject {
    fn text(self, region: &str, has: f64, wanted: f64) -> String {
        match self {
            Self::Peers => format!(
                "{has:.0} % of peers are in {region}, {wanted:.0} % are wanted: name a node there with --peer. This node \
                 dials nodes of many regions by itself, but cannot make one exist or accept it"
            ),
            Self::Ads => format!(
                "{has:.0} % of the nodes that miners find are in {region}, {wanted:.0} % are wanted: run a node there, or \
                 ask somebody to. This node cannot move another node or a miner; `poolnode nearest` tells miners where to go"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, u32)]) -> BTreeMap<String, u32> {
        counts.iter().map(|(region, count)| ((*region).to_owned(), *count)).collect()
    }

    #[test]
    fn the_farthest_from_its_target_comes_first_and_unknown_places_count_for_nothing() {
        let spread = Spread { peers: counts(&[("EU", 8), ("NA", 2), ("", 90)]), ads: counts(&[("EU", 1)]) };
        let targets = RegionTargets {
            peers: BTreeMap::from([("EU".to_owned(), 50.0), ("NA".to_owned(), 24.0), ("AS".to_owned(), 20.0)]),
            ads: BTreeMap::from([("AS".to_owned(), 50.0), ("SA".to_owned(), f64::NAN)]),
        };
        let advice = advise(&spread, &targets);
        let seen: Vec<_> = advice.iter().map(|advice| (advice.subject, advice.region.as_str())).collect();
        assert_eq!(seen, [(Subject::Ads, "AS"), (Subject::Peers, "AS")], "NA is within five points");
        assert_eq!((advice[1].has_percent, advice[1].wanted_percent), (0.0, 20.0));
        assert!(advice.iter().all(|advice| advice.text.contains("cannot")), "what it cannot command is said");
    }

    #[test]
    fn nothing_known_is_no_division_by_zero() {
        let targets = RegionTargets { peers: BTreeMap::from([("EU".to_owned(), 50.0)]), ..RegionTargets::default() };
        let advice = advise(&Spread::default(), &targets);
        assert_eq!(advice.len(), 1);
        assert_eq!(advice[0].has_percent, 0.0);
        assert!(advise(&Spread::default(), &RegionTargets::default()).is_empty());
    }
}
