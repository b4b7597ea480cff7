//! What is drawn for each turn. Pure.

use std::time::Duration;

use sharechain::testing::Rng;

use super::super::{
    broken::{BrokenAnswer, BrokenGossip, BrokenQuestion},
    flood::Flood,
    lie::Lie,
};

/// Bytes of a flood: enough to be one, and too few to take a core away from honest nodes.
const FLOOD_LEN: (usize, usize) = (256 << 10, 1 << 20);
/// Milliseconds between two turns.
const PAUSE_MS: (usize, usize) = (100, 500);

/// What it does to a victim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Much of something.
    Flood(Flood),
    /// Broken gossip.
    Gossip(BrokenGossip),
    /// Gossips the victim's own best share without its work.
    WithoutWork,
    /// A broken question.
    Question(BrokenQuestion),
    /// Broken answers to whatever it is asked.
    Answers(BrokenAnswer),
    /// Claims the best chain, and lies about it.
    Lie(Lie),
    /// Connects, and answers no question.
    Silence,
    /// Opens a connection, and never says who it is.
    NoHandshake,
}

impl Way {
    /// Every one.
    pub fn all() -> impl Iterator<Item = Self> {
        Flood::all()
            .map(Self::Flood)
            .chain(BrokenGossip::ALL.map(Self::Gossip))
            .chain(BrokenQuestion::ALL.map(Self::Question))
            .chain(BrokenAnswer::ALL.map(Self::Answers))
            .chain(Lie::ALL.map(Self::Lie))
            .chain([Self::WithoutWork, Self::Silence, Self::NoHandshake])
    }
}

/// One turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Turn {
    /// Index of the victim.
    pub(super) victim: usize,
    pub(super) way: Way,
    /// Bytes, should it be a flood.
    pub(super) flood_len: usize,
    /// Makes its messages different from those of other turns.
    pub(super) number: u64,
    /// Time to rest after it.
    pub(super) pause: Duration,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Draw {
    rng: Rng,
    ways: Vec<Way>,
    victims: usize,
}

impl Draw {
    pub(super) fn new(seed: u64, victims: usize) -> Self {
        Self { rng: Rng::new(seed), ways: Way::all().collect(), victims }
    }

    /// The next turn, at somebody else's than at `closed_door`, if there is anybody else; `None` without victims.
    pub(super) fn turn(&mut self, closed_door: Option<usize>) -> Option<Turn> {
        let drawn = self.rng.below(self.victims);
        let victim = if closed_door == Some(drawn) { drawn + 1 } else { drawn }.checked_rem(self.victims)?;
        let way = self.ways.get(self.rng.below(self.ways.len())).copied()?;
        let flood_len = self.between(FLOOD_LEN);
        let number = self.rng.next();
        let pause_ms = u64::try_from(self.between(PAUSE_MS)).unwrap_or_default();
        Some(Turn { victim, way, flood_len, number, pause: Duration::from_millis(pause_ms) })
    }

    /// From the first to the second, both included.
    fn between(&mut self, (least, most): (usize, usize)) -> usize {
        least + self.rng.below(most - least + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURNS: usize = 2_000;

    fn turns(seed: u64, victims: usize, closed_door: Option<usize>) -> Vec<Turn> {
        let mut draw = Draw::new(seed, victims);
        (0..TURNS).filter_map(|_| draw.turn(closed_door)).collect()
    }

    #[test]
    fn every_victim_has_its_turn_in_every_way() {
        let turns = turns(1, 5, None);
        for victim in 0..5 {
            assert!(turns.iter().any(|turn| turn.victim == victim), "victim {victim}");
        }
        for way in Way::all() {
            assert!(turns.iter().any(|turn| turn.way == way), "{way:?}");
        }
        assert!(turns.iter().all(|turn| turn.victim < 5));
    }

    #[test]
    fn turns_are_bounded_and_no_two_send_the_same() {
        let turns = turns(2, 3, None);
        for turn in &turns {
            assert!((256 << 10..=1 << 20).contains(&turn.flood_len), "{turn:?}");
            assert!((100..=500).contains(&turn.pause.as_millis()), "{turn:?}");
        }
        let numbers: std::collections::BTreeSet<_> = turns.iter().map(|turn| turn.number).collect();
        assert_eq!(numbers.len(), TURNS);
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        assert_eq!(turns(3, 4, None), turns(3, 4, None));
        assert_ne!(turns(3, 4, None), turns(4, 4, None));
    }

    #[test]
    fn who_is_turned_away_tries_elsewhere_if_there_is_anywhere_else() {
        assert!(turns(5, 3, Some(2)).iter().all(|turn| turn.victim < 2));
        assert!(turns(5, 1, Some(0)).iter().all(|turn| turn.victim == 0));
        assert_eq!(turns(5, 1, Some(0)).len(), TURNS);
        assert_eq!(turns(5, 0, None), []);
    }
}
