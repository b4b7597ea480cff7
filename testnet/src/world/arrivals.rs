//! When each share was where, from the logs of all nodes; and how that compares with the shortest paths. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::geography::Geography;

/// Log filter of a node that makes it write what is read here.
pub(super) const LOG_FILTER: &str = "info,node=info,stratum=info,node::arrivals=debug";
/// How a line names its target.
const TARGET: &str = " node::arrivals: ";
/// Lines that a node writes when it bans a peer, and when it bans the address of a miner; with the word that says whom.
const BANS: [(&str, &str); 2] = [(" peer banned ", "peer="), (" address banned ", "address=")];
/// Pairs that are closer than this are not compared with their distance: of six milliseconds most is the nodes' own work.
const FAR_MIN: Duration = Duration::from_millis(20);

/// Microseconds since 1970, by the clock that all processes share.
pub(super) type Micros = u64;

/// This moment, or an earlier one, as logs write it.
pub(super) fn micros(time: SystemTime) -> Micros {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// What the log of one node says.
#[derive(Clone, Debug, Default)]
pub(super) struct NodeLog {
    /// When it had each share.
    linked: BTreeMap<String, Micros>,
    /// When a miner heard that its share is kept.
    acknowledged: BTreeMap<String, Micros>,
    /// When it banned whom.
    bans: Vec<(Micros, String)>,
}

/// What all logs say together, by the index of the node.
#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    logs: Vec<NodeLog>,
}

/// How far the times from finder to node are from the shortest paths.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spread {
    /// Shares that were looked at.
    pub(super) shares: usize,
    /// Of nodes that are at least 20 ms apart: the time over the shortest path, ascending.
    pub(super) far_ratios: Vec<f64>,
    /// The same of all nodes.
    pub(super) ratios: Vec<f64>,
    /// The time until the last node has a share, by share; milliseconds, ascending.
    pub(super) to_all_ms: Vec<f64>,
    /// The same over the shortest paths.
    pub(super) to_all_shortest_ms: Vec<f64>,
    /// The time to each node.
    pub(super) reach_ms: Vec<f64>,
    /// The time to nodes closer than 20 ms.
    pub(super) near_ms: Vec<f64>,
}

impl NodeLog {
    /// Reads a log; lines of others are passed over.
    pub(super) fn read(text: &str) -> Self {
        let mut log = Self::default();
        for line in text.lines() {
            let Some(at) = line.split_whitespace().next().and_then(parse_time) else { continue };
            log.bans.extend(banned(line).map(|whom| (at, whom.to_owned())));
            let Some((_, event)) = line.split_once(TARGET) else { continue };
            let mut words = event.split_whitespace();
            let times = match words.next() {
                Some("linked") => &mut log.linked,
                Some("acknowledged") => &mut log.acknowledged,
                _ => continue,
            };
            if let Some(share) = words.find_map(|word| word.strip_prefix("share=")) {
                // A share that was forgotten and comes again was there before.
                times.entry(share.to_owned()).or_insert(at);
            }
        }
        log
    }
}

impl Arrivals {
    pub(super) fn new(logs: Vec<NodeLog>) -> Self {
        Self { logs }
    }

    /// Shares that were acknowledged in this time, with their finders.
    pub(super) fn acknowledged(&self, time: &Range<Micros>) -> impl Iterator<Item = (&str, usize)> {
        let time = time.clone();
        self.logs.iter().enumerate().flat_map(move |(node, log)| {
            let time = time.clone();
            let shares = log.acknowledged.iter().filter(move |(_, at)| time.contains(at));
            shares.map(move |(share, _)| (share.as_str(), node))
        })
    }

    /// Whether every node has the share.
    pub(super) fn is_everywhere(&self, share: &str) -> bool {
        self.logs.iter().all(|log| log.linked.contains_key(share))
    }

    /// Bans that nodes of this pool laid on anybody since its start, those on `hostile` ones and those on others: a folder may
    /// hold logs of an earlier one.
    pub(super) fn bans(&self, since: Micros, hostile: &BTreeSet<String>) -> (usize, usize) {
        let bans = self.logs.iter().flat_map(|log| &log.bans).filter(|(at, _)| *at >= since);
        let (hostile, others): (Vec<_>, Vec<_>) = bans.partition(|(_, whom)| hostile.contains(whom));
        (hostile.len(), others.len())
    }

    /// Times from finder to every other node, of shares that were acknowledged in `time` but not in one of the `gaps`.
    pub(super) fn spread(&self, geography: &Geography, time: &Range<Micros>, gaps: &[Range<Micros>]) -> Spread {
        let mut spread = Spread::default();
        for (share, finder) in self.acknowledged(time) {
            let Some(found) = self.logs[finder].linked.get(share) else { continue };
            if gaps.iter().any(|gap| gap.contains(found)) {
                continue;
            }
            spread.shares += 1;
            let times = self.logs.iter().enumerate().filter(|(node, _)| *node != finder).filter_map(|(node, log)| {
                // One that is nowhere is lost, and counted as that.
                let taken = Duration::from_micros(log.linked.get(share)?.saturating_sub(*found));
                Some((taken, geography.shortest(finder, node)))
            });
            spread.add(&times.collect::<Vec<_>>());
        }
        spread.sort();
        spread
    }
}

impl Spread {
    /// Takes the times of one share to each node, with the shortest ones.
    fn add(&mut self, times: &[(Duration, Duration)]) {
        for (taken, shortest) in times {
            let ratio = taken.div_duration_f64(*shortest);
            self.ratios.push(ratio);
            self.reach_ms.push(millis(*taken));
            if *shortest >= FAR_MIN {
                self.far_ratios.push(ratio);
            } else {
                self.near_ms.push(millis(*taken));
            }
        }
        self.to_all_ms.extend(times.iter().map(|(taken, _)| millis(*taken)).max_by(f64::total_cmp));
        self.to_all_shortest_ms.extend(times.iter().map(|(_, shortest)| millis(*shortest)).max_by(f64::total_cmp));
    }

    fn sort(&mut self) {
        let ratios = [&mut self.far_ratios, &mut self.ratios];
        let times = [&mut self.to_all_ms, &mut self.to_all_shortest_ms, &mut self.reach_ms, &mut self.near_ms];
        for numbers in ratios.into_iter().chain(times) {
            numbers.sort_by(f64::total_cmp);
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Whom a line says to be banned.
fn banned(line: &str) -> Option<&str> {
    let (_, whom) = BANS.into_iter().find(|(event, _)| line.contains(event))?;
    line.split_whitespace().find_map(|word| word.strip_prefix(whom))
}

/// The number that this many percent of an ascending list do not exceed, to three digits; `None` of an empty list.
pub(super) fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).map(|number| (number * 1e3).round() / 1e3)
}

/// When a log first says this.
pub(super) fn logged_at(log: &str, event: &str) -> Option<Micros> {
    log.lines().find(|line| line.contains(event)).and_then(|line| parse_time(line.split_whitespace().next()?))
}

/// `2026-11-22T00:18:54.123456Z` as microseconds since 1970.
fn parse_time(text: &str) -> Option<Micros> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, by: char| text.split(by).map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>();
    let [year, month, day] = numbers(date, '-')?[..] else { return None };
    let (time, micros) = time.split_once('.')?;
    let [hour, minute, second] = numbers(time, ':')?[..] else { return None };
    if micros.len() != 6 || !(1970..10_000).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1_000_000 + micros.parse::<u64>().ok()?)
}

/// Days in the Gregorian calendar, whose years begin in March here, so that leap days come last
/// (<https://howardhinnant.github.io/date_algorithms.html#days_from_civil>).
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap_days = year / 4 - year / 100 + year / 400;
    // 719,469 days from 1 March of the year 0 to the day before 1970.
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(ms: u64, event: &str) -> String {
        format!("2026-11-22T00:00:{:02}.{:03}000Z DEBUG node::arrivals: {event}\n", ms / 1_000, ms % 1_000)
    }

    fn at(ms: u64) -> Micros {
        1_795_305_600_000_000 + ms * 1_000
    }

    /// Two nodes of North America and one in Europe, 6 and 40 ms away.
    fn world() -> (Geography, Vec<usize>) {
        let geography = Geography::new(7);
        (geography, vec![0, 6, 2])
    }

    #[test]
    fn times_are_read_to_the_microsecond() {
        assert_eq!(parse_time("1970-01-01T00:00:00.000001Z"), Some(1));
        assert_eq!(parse_time("2000-02-29T12:00:00.000000Z"), Some(951_825_600_000_000));
        assert_eq!(parse_time("2026-11-22T00:00:01.250000Z"), Some(at(1_250)));
        for bad in ["", "2026-11-22", "2026-11-22T00:00:01Z", "2026-11-22T00:00:01.25Z", "x-11-22T00:00:01.250000Z"] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_log_tells_of_shares_and_bans_and_nothing_else() {
        let text = [
            &line(10, "linked share=aa"),
            &line(15, "acknowledged share=aa height=5"),
            &line(90, "linked share=aa"),
            "2026-11-22T00:00:00.000000Z  INFO node::p2p: linked share=bb\n",
            "2026-11-22T00:00:00.000000Z  WARN node::p2p::event_loop::judging: peer banned peer=x reason=\"y\" secs=600\n",
            "2026-11-22T00:00:00.000000Z  INFO stratum::server::registry: address banned event=\"miner_banned\" address=10.88.1.7 conduct=Junk\n",
            "a panic without a time\n",
        ];
        let log = NodeLog::read(&text.concat());
        assert_eq!(log.linked, BTreeMap::from([("aa".to_owned(), at(10))]));
        assert_eq!(log.acknowledged, BTreeMap::from([("aa".to_owned(), at(15))]));
        assert_eq!(log.bans, [(at(0), "x".to_owned()), (at(0), "10.88.1.7".to_owned())]);
        let arrivals = Arrivals::new(vec![NodeLog::default(), log]);
        let hostile = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        assert_eq!(arrivals.bans(at(0), &hostile(&[])), (0, 2));
        assert_eq!(arrivals.bans(at(0), &hostile(&["x", "y"])), (1, 1));
        assert_eq!(arrivals.bans(at(1), &hostile(&["x"])), (0, 0));
    }

    #[test]
    fn times_are_compared_with_shortest_paths() {
        let (geography, nodes) = world();
        let mut logs = vec![NodeLog::default(); geography.len()];
        logs[nodes[0]] =
            NodeLog::read(&[line(0, "linked share=aa"), line(9, "acknowledged share=aa height=1")].concat());
        logs[nodes[1]] = NodeLog::read(&line(9, "linked share=aa"));
        logs[nodes[2]] = NodeLog::read(&line(50, "linked share=aa"));
        let arrivals = Arrivals::new(logs);
        let spread = arrivals.spread(&geography, &(at(0)..at(100)), &[]);
        assert_eq!(
            spread,
            Spread {
                shares: 1,
                far_ratios: vec![1.25],
                ratios: vec![1.25, 1.5],
                to_all_ms: vec![50.0],
                to_all_shortest_ms: vec![40.0],
                reach_ms: vec![9.0, 50.0],
                near_ms: vec![9.0],
            }
        );
        assert!(!arrivals.is_everywhere("aa"), "four nodes never heard of it");
        let outside = arrivals.spread(&geography, &(at(10)..at(100)), &[]);
        let in_a_gap = arrivals.spread(&geography, &(at(0)..at(100)), &[at(90)..at(100), at(0)..at(1)]);
        assert_eq!([outside, in_a_gap], [Spread::default(), Spread::default()]);
    }

    #[test]
    fn percentiles_are_of_the_list() {
        let numbers: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!([50, 95, 100].map(|percent| percentile(&numbers, percent)), [Some(100.0), Some(190.0), Some(200.0)]);
        assert_eq!(percentile(&[1.234_56], 95), Some(1.235));
        assert_eq!(percentile(&[], 50), None);
    }
}
