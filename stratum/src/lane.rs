//! Lanes: share chains of one proof of work, between which the miners of an endpoint are moved on their connection.
//!
//! A session mines on one lane at a time. Which one follows from the [`LanePlan`], from what the miner asked for, and from what it
//! can be paid on; the same plan gives the same lane again after a lost connection. Nothing here ever credits a share to another
//! lane than that of its job.

use std::{collections::BTreeMap, fmt, sync::Arc};

use sharechain::{Params, PayoutScript, hash::blake2s256};

use crate::{address::AddressFormat, miner::OperatorFee};

/// Lanes of one node. A lane's number is in the id of each of its jobs.
pub const LANES_MAX: usize = 64;

/// What the weights of a plan are parts of.
pub const WHOLE: u16 = 10_000;

/// A lane's number at this node: its place in the configuration, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LaneId(u8);

impl LaneId {
    /// The first lane, which every node has.
    pub const FIRST: Self = Self(0);

    /// The lane in this place; `None` beyond [`LANES_MAX`].
    pub fn new(place: usize) -> Option<Self> {
        u8::try_from(place).ok().filter(|_| place < LANES_MAX).map(Self)
    }

    pub(crate) const fn number(self) -> u8 {
        self.0
    }

    /// Its place in the configuration.
    pub const fn place(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What sessions know of a lane.
#[derive(Clone, Debug)]
pub struct LaneTerms {
    /// What operators and miners call it.
    pub name: String,
    /// The share chain.
    pub params: Arc<Params>,
    /// What addresses look like.
    pub addresses: AddressFormat,
    /// Whom miners are credited to that give no address; they are told.
    pub default_script: Option<PayoutScript>,
    /// The operator's part.
    pub fee: Option<OperatorFee>,
}

impl LaneTerms {
    /// A lane without a fee.
    pub const fn new(name: String, params: Arc<Params>, addresses: AddressFormat) -> Self {
        Self { name, params, addresses, default_script: None, fee: None }
    }
}

/// The lanes of a node in the order of the configuration. There is always a first.
#[derive(Clone, Debug)]
pub struct Lanes {
    first: LaneTerms,
    others: Vec<LaneTerms>,
}

impl Lanes {
    /// A node with one lane.
    pub const fn one(lane: LaneTerms) -> Self {
        Self { first: lane, others: Vec::new() }
    }

    /// The same with one lane more; `None` when there are [`LANES_MAX`] or it has another proof of work than the first.
    #[must_use]
    pub fn with(mut self, lane: LaneTerms) -> Option<Self> {
        let fits = self.len() < LANES_MAX && lane.params.parent().pow == self.first.params.parent().pow;
        fits.then(|| {
            self.others.push(lane);
            self
        })
    }

    /// The first lane.
    pub const fn first(&self) -> &LaneTerms {
        &self.first
    }

    /// The first lane, to change it.
    pub const fn first_mut(&mut self) -> &mut LaneTerms {
        &mut self.first
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "there is always a first")]
    pub const fn len(&self) -> usize {
        self.others.len().saturating_add(1)
    }

    /// A lane of this node.
    pub fn get(&self, lane: LaneId) -> Option<&LaneTerms> {
        match lane.place().checked_sub(1) {
            None => Some(&self.first),
            Some(place) => self.others.get(place),
        }
    }

    /// A lane of this node, to change it.
    pub fn get_mut(&mut self, lane: LaneId) -> Option<&mut LaneTerms> {
        match lane.place().checked_sub(1) {
            None => Some(&mut self.first),
            Some(place) => self.others.get_mut(place),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (LaneId, &LaneTerms)> {
        let lanes = std::iter::once(&self.first).chain(&self.others).enumerate();
        lanes.filter_map(|(place, terms)| Some((LaneId::new(place)?, terms)))
    }

    /// Version bits that the parent chain of some lane fixes.
    pub fn fixed_version_bits(&self) -> u32 {
        self.iter().fold(0, |bits, (_, lane)| bits | lane.params.parent().version_mask)
    }

    /// The lane of this name, in whatever case.
    pub fn named(&self, name: &str) -> Option<LaneId> {
        self.iter().find(|(_, lane)| lane.name.eq_ignore_ascii_case(name)).map(|(lane, _)| lane)
    }
}

/// A miner's payout scripts by lane; `None` where it gave no address that the lane's chain can pay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LaneScripts(Arc<[Option<PayoutScript>]>);

impl LaneScripts {
    /// The script on a lane.
    pub fn on(&self, lane: LaneId) -> Option<PayoutScript> {
        self.0.get(lane.place()).copied().flatten()
    }

    /// The script on a lane, or where there is none on another: to call the miner by.
    pub fn on_or_any(&self, lane: LaneId) -> Option<PayoutScript> {
        self.on(lane).or_else(|| self.0.iter().flatten().next().copied())
    }

    /// The lanes it can be paid on.
    pub fn lanes(&self) -> impl Iterator<Item = LaneId> + '_ {
        let payable = self.0.iter().enumerate().filter(|(_, script)| script.is_some());
        payable.filter_map(|(place, _)| LaneId::new(place))
    }

    /// What stays the same for a miner that comes back.
    fn key(&self, worker: &str) -> Vec<u8> {
        let scripts = self.0.iter().flatten().flat_map(|script| script.as_bytes().iter().copied());
        scripts.chain(worker.bytes()).collect()
    }
}

impl FromIterator<Option<PayoutScript>> for LaneScripts {
    /// In the order of the lanes.
    fn from_iter<I: IntoIterator<Item = Option<PayoutScript>>>(scripts: I) -> Self {
        Self(scripts.into_iter().collect())
    }
}

/// How miners are spread over the lanes now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LanePlan {
    lanes: Vec<PlannedLane>,
    placing: Option<Placing>,
}

/// Where single connections are to be, when weights alone do not say it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Placing {
    /// By the number of the connection. Others stay where they are.
    pub placed: BTreeMap<u64, LaneId>,
    /// Where who connects begins, by the group of its worker.
    pub newcomers: BTreeMap<String, LaneId>,
    /// The same for those of no group.
    pub newcomer: Option<LaneId>,
}

/// A connection that looks for its lane.
#[derive(Clone, Copy, Debug)]
pub struct Seeker<'a> {
    /// The connection's number.
    pub id: u64,
    /// Whom its work is credited to.
    pub scripts: &'a LaneScripts,
    /// The name of its first worker.
    pub worker: &'a str,
    /// The lane that it asked for.
    pub pin: Option<LaneId>,
    /// The lane that it is on already.
    pub current: Option<LaneId>,
}

/// The group of a worker: what its name has before the first hyphen.
pub fn group_of(worker: &str) -> Option<&str> {
    worker.split_once('-').map(|(group, _)| group)
}

/// A lane in a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlannedLane {
    /// Its part of the miners, of [`WHOLE`].
    pub weight: u16,
    /// Whether it has work. A lane without is left by everybody who can be paid on another.
    pub is_usable: bool,
}

impl LanePlan {
    /// A plan for lanes in the order of the configuration.
    pub const fn new(lanes: Vec<PlannedLane>) -> Self {
        Self { lanes, placing: None }
    }

    /// The same with places for single connections.
    #[must_use]
    pub fn with_placing(self, placing: Placing) -> Self {
        Self { placing: Some(placing), ..self }
    }

    /// Everybody on the first of so many lanes.
    pub fn first_of(lanes: usize) -> Self {
        let weight = |place: usize| if place == 0 { WHOLE } else { 0 };
        Self::new((0..lanes).map(|place| PlannedLane { weight: weight(place), is_usable: true }).collect())
    }

    /// The lanes in the order of the configuration.
    pub fn lanes(&self) -> &[PlannedLane] {
        &self.lanes
    }

    /// The lane of a miner that works on `may` only; `None` when there is no lane for it.
    ///
    /// Weighted rendezvous hashing: when weights change, hardly more miners move than have to.
    pub fn lane_of(&self, seeker: &Seeker<'_>, may: impl Fn(LaneId) -> bool) -> Option<LaneId> {
        let Seeker { scripts, worker, pin, .. } = *seeker;
        let mine = || scripts.lanes().filter(|lane| may(*lane));
        let usable = |lane: &LaneId| self.lanes.get(lane.place()).is_some_and(|planned| planned.is_usable);
        let wanted = [pin, self.placing.as_ref().and_then(|placing| placing.lane_of(seeker))];
        if let Some(wanted) = wanted.into_iter().flatten().find(|lane| usable(lane) && may(*lane)) {
            return Some(wanted);
        }
        let key = scripts.key(worker);
        let score = |lane: LaneId| {
            let weight = self.lanes.get(lane.place()).map_or(0, |planned| planned.weight);
            score(&key, lane, weight)
        };
        // Where the plan sends nobody a miner still mines, rather than not at all.
        mine()
            .filter(usable)
            .max_by(|one, other| score(*one).total_cmp(&score(*other)).then(other.cmp(one)))
            .or_else(|| mine().next())
    }
}

impl Placing {
    fn lane_of(&self, seeker: &Seeker<'_>) -> Option<LaneId> {
        let newcomer =
            || group_of(seeker.worker).and_then(|group| self.newcomers.get(group)).copied().or(self.newcomer);
        self.placed.get(&seeker.id).copied().or(seeker.current).or_else(newcomer)
    }
}

/// The weight over an exponentially distributed number that is the pair's own: the highest wins as often as its weight says.
/// Of lanes without weight none wins against one with weight.
fn score(key: &[u8], lane: LaneId, weight: u16) -> f64 {
    if weight == 0 {
        return 0.0;
    }
    let hash = blake2s256(&[key, &[lane.0]]);
    let number = hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    // Of 53 bits, never 0 and never 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    let part = ((number >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    f64::from(weight) / -part.ln()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sharechain::testing;

    use super::*;

    fn lane(place: usize) -> LaneId {
        LaneId::new(place).unwrap()
    }

    fn plan(weights: &[u16]) -> LanePlan {
        LanePlan::new(weights.iter().map(|weight| PlannedLane { weight: *weight, is_usable: true }).collect())
    }

    const fn seeker<'a>(scripts: &'a LaneScripts, worker: &'a str, pin: Option<LaneId>) -> Seeker<'a> {
        Seeker { id: 7, scripts, worker, pin, current: None }
    }

    /// Where each of a thousand workers is that can be paid on every lane.
    fn spread(plan: &LanePlan) -> Vec<LaneId> {
        let scripts: LaneScripts = plan.lanes.iter().map(|_| Some(testing::script(1))).collect();
        (0..1_000).map(|rig| plan.lane_of(&seeker(&scripts, &format!("rig{rig}"), None), |_| true).unwrap()).collect()
    }

    #[test]
    fn weights_are_met_and_no_worker_moves_without_need() {
        let before = spread(&plan(&[2_500, 7_500, 0]));
        let on = |lanes: &[LaneId], place| lanes.iter().filter(|at| **at == lane(place)).count();
        assert!((200..300).contains(&on(&before, 0)) && on(&before, 2) == 0, "{}", on(&before, 0));
        let after = spread(&plan(&[2_500, 5_000, 2_500]));
        let moved: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
        assert!(
            moved.iter().all(|(from, to)| **from == lane(1) || **to == lane(2)),
            "from where less is, or to where more is"
        );
        assert!((200..300).contains(&moved.len()), "{}", moved.len());
    }

    #[test]
    fn a_pin_holds_while_its_lane_has_work() {
        let scripts: LaneScripts = [Some(testing::script(1)); 2].into_iter().collect();
        let mut plan = plan(&[WHOLE, 0]);
        let at = |plan: &LanePlan| plan.lane_of(&seeker(&scripts, "rig", Some(lane(1))), |_| true);
        assert_eq!(at(&plan), Some(lane(1)));
        plan.lanes[1].is_usable = false;
        assert_eq!(at(&plan), Some(lane(0)));
        plan.lanes[0].is_usable = false;
        assert_eq!(at(&plan), Some(lane(0)), "nothing is better anywhere");
    }

    #[test]
    fn who_is_placed_goes_there_and_others_stay_and_newcomers_go_where_they_are_wanted() {
        let scripts: LaneScripts = [Some(testing::script(1)); 3].into_iter().collect();
        let placing = Placing {
            placed: BTreeMap::from([(7, lane(2))]),
            newcomers: BTreeMap::from([("farm".to_owned(), lane(2))]),
            newcomer: Some(lane(1)),
        };
        let mut plan = plan(&[WHOLE, 0, 0]).with_placing(placing);
        let at = |plan: &LanePlan, id, worker: &str, current| {
            plan.lane_of(&Seeker { id, current, ..seeker(&scripts, worker, None) }, |_| true)
        };
        assert_eq!(at(&plan, 7, "rig", Some(lane(0))), Some(lane(2)));
        assert_eq!(at(&plan, 8, "rig", Some(lane(0))), Some(lane(0)));
        assert_eq!(at(&plan, 8, "rig", None), Some(lane(1)));
        assert_eq!(at(&plan, 8, "farm-9", None), Some(lane(2)));
        plan.lanes[2].is_usable = false;
        assert_eq!(at(&plan, 7, "rig", Some(lane(1))), Some(lane(0)), "by weight, where its place has no work");
    }

    #[test]
    fn nobody_is_moved_to_where_he_cannot_be_paid() {
        let scripts: LaneScripts = [None, Some(testing::script(1)), Some(testing::script(2))].into_iter().collect();
        let of = |plan: &LanePlan, may: &dyn Fn(LaneId) -> bool| plan.lane_of(&seeker(&scripts, "rig", None), may);
        assert_eq!(of(&plan(&[WHOLE, 0, 0]), &|_| true), Some(lane(1)), "the plan sends nobody there, but he is here");
        assert_eq!(of(&plan(&[0, 0, WHOLE]), &|_| true), Some(lane(2)));
        assert_eq!(of(&plan(&[0, 0, WHOLE]), &|at| at != lane(2)), Some(lane(1)));
        assert_eq!(of(&plan(&[WHOLE, 0, 0]), &|at| at == lane(0)), None);
    }

    #[test]
    fn there_are_so_many_lanes_and_no_more() {
        assert_eq!(LaneId::new(LANES_MAX - 1).map(LaneId::place), Some(LANES_MAX - 1));
        assert_eq!(LaneId::new(LANES_MAX), None);
    }

    proptest! {
        #[test]
        fn a_lane_that_loses_weight_wins_nobody(
            weights in proptest::collection::vec(0..=WHOLE, 2..6), loser in 0_usize..6, less in 0..=WHOLE, rig in 0_u32..1_000,
        ) {
            let loser = loser % weights.len();
            let mut fewer = weights.clone();
            fewer[loser] = less.min(weights[loser]);
            let scripts: LaneScripts = weights.iter().map(|_| Some(testing::script(1))).collect();
            let worker = format!("rig{rig}");
            let of = |weights: &[u16]| plan(weights).lane_of(&seeker(&scripts, &worker, None), |_| true).unwrap();
            let (before, after) = (of(&weights), of(&fewer));
            let all_gone = fewer.iter().all(|weight| *weight == 0);
            prop_assert!(all_gone || before == after || before == lane(loser), "{before} {after}");
        }
    }
}
