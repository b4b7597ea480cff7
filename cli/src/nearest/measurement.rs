//! What the samples of an endpoint say together. Pure.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use node::{api::dto::ListedNode, directory::StratumUrl};

use super::rank::{Measured, Network};

/// Samples of each endpoint: enough for a minimum that is the distance and not the noise.
pub(crate) const SAMPLES: usize = 5;
/// Samples that have to succeed: what fails more often is no pool to go to.
pub(crate) const SAMPLES_NEEDED: usize = 3;
/// Endpoints whose jobs are compared; of fewer none can be called the odd one out.
const MAJORITY_OF: usize = 3;

/// An endpoint that may be measured.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Where.
    pub(crate) url: StratumUrl,
    /// What its node says of itself, where it is in the directory.
    pub(crate) listed: Option<ListedNode>,
    /// Whether somebody typed it; otherwise a stranger named it.
    pub(crate) is_given: bool,
}

/// One try that went well.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Sample {
    /// Time until there was a connection.
    pub(crate) connect: Duration,
    /// Time from `mining.subscribe` to its answer; none for Stratum V2.
    pub(crate) answer: Option<Duration>,
    /// Time from `mining.authorize` to the first job, where a user was given and is taken.
    pub(crate) job: Option<Duration>,
    /// The block that job builds on.
    pub(crate) prev_block: Option<String>,
}

/// All tries of one endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Measurement {
    /// What was measured.
    pub(crate) candidate: Candidate,
    /// Where its name leads.
    pub(crate) address: Option<IpAddr>,
    /// The good ones, in order.
    pub(crate) samples: Vec<Sample>,
    /// Why the last bad one was bad.
    pub(crate) failure: Option<String>,
    /// Why no job came, though a user was given.
    pub(crate) refusal: Option<String>,
    /// Whether its jobs are for another block than those of most others.
    pub(crate) is_behind: bool,
}

impl Measurement {
    /// Nothing tried yet.
    pub(crate) fn new(candidate: Candidate) -> Self {
        Self { candidate, address: None, samples: Vec::new(), failure: None, refusal: None, is_behind: false }
    }

    /// Whether the endpoint can be relied on.
    pub(crate) fn is_reached(&self) -> bool {
        self.samples.len() >= SAMPLES_NEEDED
    }

    /// One round trip per sample: that of a line, or without Stratum V1 that of the connection.
    fn round_trips(&self) -> impl Iterator<Item = Duration> {
        self.samples.iter().map(|sample| sample.answer.unwrap_or(sample.connect))
    }

    /// The distance: all that is above the shortest round trip is other people's traffic.
    pub(crate) fn rtt(&self) -> Duration {
        self.round_trips().min().unwrap_or_default()
    }

    /// The nine-in-ten round trip without the distance.
    pub(crate) fn jitter(&self) -> Duration {
        let mut sorted: Vec<Duration> = self.round_trips().collect();
        sorted.sort();
        let place = (sorted.len() * 9).div_ceil(10).saturating_sub(1);
        sorted.get(place).copied().unwrap_or_default().saturating_sub(self.rtt())
    }

    /// The shortest time to a job.
    pub(crate) fn job(&self) -> Option<Duration> {
        self.samples.iter().filter_map(|sample| sample.job).min()
    }

    /// How much of that is the node's own.
    pub(crate) fn lag(&self) -> Duration {
        self.job().unwrap_or_default().saturating_sub(self.rtt())
    }

    /// The operator's part, as the node says.
    pub(crate) fn fee(&self) -> Option<f64> {
        Some(f64::from(self.candidate.listed.as_ref()?.fee_basis_points) / 10_000.0)
    }

    /// How full the node is, as it says.
    pub(crate) fn load(&self) -> Option<f64> {
        let listed = self.candidate.listed.as_ref()?;
        (listed.capacity > 0).then(|| f64::from(listed.load) / f64::from(listed.capacity))
    }

    /// What is ranked; `None` when the endpoint cannot be relied on.
    pub(crate) fn measured(&self) -> Option<Measured> {
        let address = self.address.filter(|_| self.is_reached())?;
        let listed = self.candidate.listed.as_ref();
        Some(Measured {
            node: listed.map(|node| node.peer_id.clone()),
            network: Network::of(listed.and_then(|node| node.asn), address),
            rtt: self.rtt(),
            lag: self.lag(),
            is_behind: self.is_behind,
            fee: self.fee().unwrap_or_default(),
            load: self.load(),
        })
    }
}

/// Marks the endpoints whose newest job is for another block than those of the strict majority.
pub(crate) fn mark_behind(measurements: &mut [Measurement]) {
    let newest = |measurement: &Measurement| measurement.samples.last().and_then(|sample| sample.prev_block.clone());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for block in measurements.iter().filter_map(newest) {
        *counts.entry(block).or_default() += 1;
    }
    let known: usize = counts.values().sum();
    let most = counts.into_iter().find(|(_, count)| known >= MAJORITY_OF && count * 2 > known);
    let Some((majority, _)) = most else { return };
    for measurement in measurements {
        measurement.is_behind = newest(measurement).is_some_and(|block| block != majority);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurement(answers: &[u64], prev_block: Option<&str>) -> Measurement {
        let candidate = Candidate { url: "stratum+tcp://9.9.9.9:1".parse().unwrap(), listed: None, is_given: true };
        let sample = |answer: &u64| Sample {
            connect: Duration::from_millis(500),
            answer: Some(Duration::from_millis(*answer)),
            job: prev_block.map(|_| Duration::from_millis(answer + 30)),
            prev_block: prev_block.map(ToOwned::to_owned),
        };
        Measurement {
            address: Some([9, 9, 9, 9].into()),
            samples: answers.iter().map(sample).collect(),
            ..Measurement::new(candidate)
        }
    }

    #[test]
    fn the_shortest_is_the_distance_and_the_rest_is_noise() {
        let five = measurement(&[40, 21, 90, 20, 30], Some("a"));
        assert_eq!((five.rtt().as_millis(), five.jitter().as_millis(), five.lag().as_millis()), (20, 70, 30));
        let measured = five.measured().unwrap();
        assert_eq!((measured.rtt, measured.network), (five.rtt(), Network::of(None, [9, 9, 9, 9].into())));
        assert!(measurement(&[20, 20], None).measured().is_none(), "two of five are no pool");
    }

    #[test]
    fn without_lines_the_connection_is_the_distance() {
        let mut v2 = measurement(&[1, 1, 1], None);
        v2.samples.iter_mut().for_each(|sample| sample.answer = None);
        assert_eq!((v2.rtt().as_millis(), v2.lag()), (500, Duration::ZERO));
    }

    #[test]
    fn the_odd_one_out_is_behind_and_of_two_nobody_is() {
        let behind = |blocks: &[Option<&str>]| {
            let mut all: Vec<Measurement> = blocks.iter().map(|block| measurement(&[1, 1, 1], *block)).collect();
            mark_behind(&mut all);
            all.iter().map(|one| one.is_behind).collect::<Vec<bool>>()
        };
        assert_eq!(behind(&[Some("a"), Some("b"), Some("a"), None]), [false, true, false, false]);
        assert_eq!(behind(&[Some("a"), Some("b")]), [false, false]);
        assert_eq!(behind(&[Some("a"), Some("b"), Some("a"), Some("b")]), [false; 4]);
    }
}
