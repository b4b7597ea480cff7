//! Which daemon's template is mined on: a pure state machine.
//!
//! The first that has the newest block wins, because old work is worth nothing. Among those that have it the one that is
//! mined on stays, and one that stands before it in the configuration takes over again when it has been well for a while. A
//! daemon that is silent counts as gone within [`SILENT_MAX`], long before its calls time out.

use std::time::Duration;

use sharechain::BlockHash;
use tokio::time::Instant;

/// A daemon that has not stood by its tip for this long is passed over, while there is another. Three polls.
pub const SILENT_MAX: Duration = Duration::from_millis(1_500);
/// How long a daemon has to be well before it takes over from a later one.
pub const FAIL_BACK: Duration = Duration::from_secs(10);
/// A daemon may be behind for so long without being thought ill of: blocks take their time from one to the other.
pub const LAG_MAX: Duration = Duration::from_secs(30);

/// What a daemon that is ready has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its tip.
    pub tip: BlockHash,
    /// The tip's height.
    pub height: u32,
    /// When it last stood by it.
    pub confirmed: Instant,
}

/// How a daemon stands beside the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Standing {
    /// It has the newest block, or was there lately.
    #[default]
    Well,
    /// It has been this many blocks behind for longer than [`LAG_MAX`].
    Behind(u32),
    /// It has had another block at the same height as the one that is mined on for longer than [`LAG_MAX`].
    Disagrees,
}

/// One daemon's record.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    well_since: Option<Instant>,
    behind_since: Option<Instant>,
    disagrees_since: Option<Instant>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Choice {
    chosen: Option<usize>,
    records: Vec<Record>,
    standings: Vec<Standing>,
}

impl Choice {
    /// Nobody is chosen yet, of so many daemons.
    pub fn new(daemons: usize) -> Self {
        Self { chosen: None, records: vec![Record::default(); daemons], standings: vec![Standing::Well; daemons] }
    }

    /// How each daemon stands, in the order of the configuration.
    pub fn standings(&self) -> &[Standing] {
        &self.standings
    }

    /// Which daemon to mine with, of what each has shown; `None` for those that are not ready.
    pub fn choose(&mut self, seen: &[Option<Seen>], now: Instant) -> Option<usize> {
        let is_heard = |seen: &Seen| now.saturating_duration_since(seen.confirmed) < SILENT_MAX;
        let anybody_heard = seen.iter().flatten().any(is_heard);
        let candidate = |seen: &&Seen| !anybody_heard || is_heard(seen);
        let newest = seen.iter().flatten().filter(candidate).map(|seen| seen.height).max();
        let chosen_tip = self.chosen.and_then(|chosen| *seen.get(chosen)?).map(|seen| (seen.height, seen.tip));
        for ((record, standing), seen) in self.records.iter_mut().zip(&mut self.standings).zip(seen) {
            *standing = record.update(seen.as_ref().filter(candidate), newest, chosen_tip, now);
        }
        let has_newest = |index: usize| {
            seen.get(index).and_then(Option::as_ref).filter(candidate).is_some_and(|seen| Some(seen.height) == newest)
        };
        let is_back = |index: &usize| {
            let well_since = self.records.get(*index).and_then(|record| record.well_since);
            has_newest(*index) && well_since.is_some_and(|since| now.saturating_duration_since(since) >= FAIL_BACK)
        };
        self.chosen = match self.chosen.filter(|chosen| has_newest(*chosen)) {
            Some(chosen) => Some((0..chosen).find(is_back).unwrap_or(chosen)),
            None => (0..seen.len()).find(|index| has_newest(*index)),
        };
        self.chosen
    }
}

impl Record {
    fn update(
        &mut self,
        seen: Option<&Seen>,
        newest: Option<u32>,
        chosen: Option<(u32, BlockHash)>,
        now: Instant,
    ) -> Standing {
        let Some(seen) = seen else {
            *self = Self::default();
            return Standing::Well;
        };
        let since = |since: &mut Option<Instant>, holds: bool| {
            *since = holds.then(|| since.unwrap_or(now));
            since.is_some_and(|since| now.saturating_duration_since(since) > LAG_MAX)
        };
        let behind = newest.unwrap_or(seen.height).saturating_sub(seen.height);
        let is_behind = since(&mut self.behind_since, behind > 0);
        let differs = chosen.is_some_and(|(height, tip)| height == seen.height && tip != seen.tip);
        let disagrees = since(&mut self.disagrees_since, differs);
        // Every block makes some daemon the last for a moment; that is not being unwell.
        let is_well = !is_behind && !disagrees;
        self.well_since = is_well.then(|| self.well_since.unwrap_or(now));
        match (is_behind, disagrees) {
            (true, _) => Standing::Behind(behind),
            (false, true) => Standing::Disagrees,
            (false, false) => Standing::Well,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Daemons {
        choice: Choice,
        seen: Vec<Option<Seen>>,
        now: Instant,
    }

    impl Daemons {
        fn new(count: usize) -> Self {
            Self { choice: Choice::new(count), seen: vec![None; count], now: Instant::now() }
        }

        /// The daemon stands by a block.
        fn at(&mut self, daemon: usize, height: u32, tag: u8) {
            let tip = BlockHash::from_bytes([tag; 32]);
            self.seen[daemon] = Some(Seen { tip, height, confirmed: self.now });
        }

        fn after(&mut self, millis: u64) -> &mut Self {
            self.now += Duration::from_millis(millis);
            self
        }

        fn chosen(&mut self) -> Option<usize> {
            self.choice.choose(&self.seen, self.now)
        }
    }

    #[test]
    fn the_first_with_the_newest_block_wins_and_the_preferred_comes_back() {
        let mut daemons = Daemons::new(2);
        assert_eq!(daemons.chosen(), None);
        daemons.at(1, 7, 7);
        assert_eq!(daemons.chosen(), Some(1), "better than none");
        daemons.at(0, 7, 7);
        assert_eq!(daemons.chosen(), Some(1), "no change without a reason");
        daemons.after(9_000).at(0, 7, 7);
        daemons.at(1, 7, 7);
        assert_eq!(daemons.chosen(), Some(1));
        daemons.after(1_000).at(0, 7, 7);
        daemons.at(1, 7, 7);
        assert_eq!(daemons.chosen(), Some(0), "it has been well for ten seconds");
        daemons.after(10).at(1, 8, 8);
        assert_eq!(daemons.chosen(), Some(1), "old work is worth nothing");
        daemons.after(10).at(0, 8, 8);
        assert_eq!(daemons.chosen(), Some(0), "it was behind for a moment only");
    }

    #[test]
    fn a_silent_daemon_is_passed_over_within_two_seconds_and_alone_it_is_kept() {
        let mut daemons = Daemons::new(2);
        daemons.at(0, 7, 7);
        daemons.at(1, 7, 7);
        assert_eq!(daemons.chosen(), Some(0));
        daemons.after(1_499).at(1, 7, 7);
        assert_eq!(daemons.chosen(), Some(0));
        daemons.after(1).at(1, 7, 7);
        assert_eq!(daemons.chosen(), Some(1));
        daemons.after(60_000);
        assert_eq!(daemons.chosen(), Some(1), "nobody is heard; how old a template may be is not decided here");
        daemons.seen[1] = None;
        assert_eq!(daemons.chosen(), Some(0));
        daemons.seen[0] = None;
        assert_eq!(daemons.chosen(), None);
    }

    #[test]
    fn who_is_behind_or_on_another_block_for_long_is_named_and_does_not_come_back() {
        let mut daemons = Daemons::new(2);
        daemons.at(0, 7, 7);
        daemons.at(1, 9, 9);
        assert_eq!(daemons.chosen(), Some(1));
        for _ in 0..31 {
            assert_eq!(daemons.choice.standings(), [Standing::Well; 2]);
            daemons.after(1_000).at(0, 7, 7);
            daemons.at(1, 9, 9);
            assert_eq!(daemons.chosen(), Some(1));
        }
        assert_eq!(daemons.choice.standings(), [Standing::Behind(2), Standing::Well]);
        for second in 0..45 {
            daemons.after(1_000).at(0, 9, 8);
            daemons.at(1, 9, 9);
            assert_eq!(daemons.chosen(), Some(if second < 10 { 1 } else { 0 }), "{second}");
        }
        assert_eq!(daemons.choice.standings()[1], Standing::Disagrees);
    }
}
