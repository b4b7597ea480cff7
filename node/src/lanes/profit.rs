//! `OPTIMIZE_PROFIT`: the lane that pays most, after doubt.
//!
//! ```text
//! revenue --not above 3 x the median--> smoothed --best other lane--> edge >= least edge, >= noise, >= cost of the move
//!                                                                      | in every one of the last ticks, at this node's moment
//!                                                                      v
//!                                                      main lane --at most a tenth of a chain's hash rate--> weights
//! ```
//! Lanes of one coin are compared without a price; with a price that is refused, a lane of another coin is not compared at all.

use std::collections::{BTreeMap, BTreeSet};

use sharechain::UnixTime;

use super::{
    Estimate, Inputs, Keep, Observation, Reason, Refusal,
    estimate::{GapLife, Smoothed},
    health::HealthGate,
    params::ProfitParams,
    prices::median_low,
};

/// See the module.
#[derive(Clone, Debug)]
pub struct Profit {
    params: ProfitParams,
    /// Logarithms of coins by hash.
    lanes: BTreeMap<String, Smoothed>,
    /// Logarithms of prices.
    coins: BTreeMap<String, Smoothed>,
    /// Coins that have a price now.
    priced: BTreeSet<String>,
    life: GapLife,
    pending: Option<(String, u32)>,
}

/// How much more one lane pays than another, as a logarithm.
#[derive(Clone, Copy, Debug)]
struct Edge {
    smoothed: f64,
    standard_error: Option<f64>,
    newest: f64,
}

/// What a moment allows.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// How lanes are.
    pub gate: &'a HealthGate,
    /// Whether this node may move now.
    pub may_move: bool,
}

/// A logarithm as percent.
fn percent(log: f64) -> f64 {
    log.exp_m1() * 100.0
}

/// Percent as a logarithm.
fn log(percent: f64) -> f64 {
    (percent / 100.0).ln_1p()
}

impl Profit {
    /// Nothing was observed yet.
    pub fn new(params: ProfitParams) -> Self {
        Self {
            params,
            lanes: BTreeMap::new(),
            coins: BTreeMap::new(),
            priced: BTreeSet::new(),
            life: GapLife::default(),
            pending: None,
        }
    }

    /// The parameters.
    pub const fn params(&self) -> &ProfitParams {
        &self.params
    }

    /// Goes on with other parameters and what was observed.
    pub fn set_params(&mut self, params: ProfitParams) {
        self.params = params;
        self.pending = None;
    }

    /// Takes in what lanes pay now.
    pub fn observe(&mut self, inputs: &Inputs, now: UnixTime) {
        let half_life = self.params.half_life_secs;
        let known = |name: &str| inputs.lanes.iter().any(|lane| lane.lane == name);
        self.lanes.retain(|lane, _| known(lane));
        self.priced.clear();
        for lane in &inputs.lanes {
            if let Ok(quote) = lane.price.quote()
                && self.priced.insert(lane.coin.clone())
            {
                observe(&mut self.coins, &lane.coin, quote.price.ln(), now, half_life);
            }
        }
        let believed = self.believed(inputs);
        for (lane, believed) in inputs.lanes.iter().zip(believed) {
            let Ok(coins) = lane.coins_per_hash() else { continue };
            observe(&mut self.lanes, &lane.lane, coins.ln() + believed, now, half_life);
        }
        let means: Vec<(&str, f64)> =
            inputs.lanes.iter().filter_map(|lane| Some((lane.lane.as_str(), self.mean(lane, inputs)?))).collect();
        self.life.observe(&means, now);
    }

    /// Logarithms by which the revenue of each lane is cut to what can be believed: 0 for most.
    fn believed(&self, inputs: &Inputs) -> Vec<f64> {
        let revenues = inputs.revenues();
        let mut known: Vec<f64> = revenues.iter().flatten().copied().collect();
        known.sort_by(f64::total_cmp);
        let limit = median_low(&known).map(|median| median * self.params.bait_factor);
        let cut = |revenue: &Option<f64>| match (revenue, limit) {
            (Some(revenue), Some(limit)) if *revenue > limit => (limit / revenue).ln(),
            _ => 0.0,
        };
        revenues.iter().map(cut).collect()
    }

    /// What a hash earns on every lane, as far as it is believed.
    pub fn believed_revenues(&self, inputs: &Inputs) -> Vec<Option<f64>> {
        let revenues = inputs.revenues().into_iter().zip(self.believed(inputs));
        revenues.map(|(revenue, cut)| Some(revenue? * cut.exp())).collect()
    }

    /// Whether a lane pays less than another by more than a move needs.
    pub fn pays_less(&self, inputs: &Inputs, lane: &str, than: &str) -> bool {
        let pair = inputs.lane(lane).zip(inputs.lane(than));
        let edge = pair.and_then(|(lane, than)| self.edge(lane, than));
        edge.is_some_and(|edge| edge.smoothed < -log(self.params.edge_min_percent))
    }

    /// All lanes, those that pay most first; those that cannot be told last, in their order.
    pub fn ranking(&self, inputs: &Inputs) -> Vec<String> {
        let mut lanes: Vec<(&Observation, Option<f64>)> =
            inputs.lanes.iter().map(|lane| (lane, self.mean(lane, inputs))).collect();
        let key = |mean: &Option<f64>| mean.unwrap_or(f64::NEG_INFINITY);
        lanes.sort_by(|a, b| key(&b.1).total_cmp(&key(&a.1)));
        lanes.into_iter().map(|(lane, _)| lane.lane.clone()).collect()
    }

    /// Smoothed logarithm of a lane's revenue.
    fn mean(&self, lane: &Observation, inputs: &Inputs) -> Option<f64> {
        let coins = self.lanes.get(&lane.lane)?.mean();
        if inputs.is_one_coin() {
            return Some(coins);
        }
        Some(coins + self.coins.get(&lane.coin).filter(|_| self.priced.contains(&lane.coin))?.mean())
    }

    /// How much more `a` pays than `b`; `None` when they cannot be compared.
    fn edge(&self, a: &Observation, b: &Observation) -> Option<Edge> {
        let mut parts = vec![(self.lanes.get(&a.lane)?, 1.0), (self.lanes.get(&b.lane)?, -1.0)];
        if a.coin != b.coin {
            for (lane, sign) in [(a, 1.0), (b, -1.0)] {
                parts.push((self.coins.get(&lane.coin).filter(|_| self.priced.contains(&lane.coin))?, sign));
            }
        }
        let variance: Option<f64> = parts.iter().map(|(part, _)| part.variance()).sum();
        Some(Edge {
            smoothed: parts.iter().map(|(part, sign)| part.mean() * sign).sum(),
            standard_error: variance.map(f64::sqrt),
            newest: parts.iter().map(|(part, sign)| part.last() * sign).sum(),
        })
    }

    /// The lane among those that `may` be mined that pays most, beside `main`: by estimate where they can be compared, else
    /// in the order of the configuration.
    pub fn best<'a>(&self, inputs: &'a Inputs, main: &str, may: impl Fn(&str) -> bool) -> Option<&'a str> {
        let open = || inputs.lanes.iter().filter(|lane| lane.lane != main && may(&lane.lane));
        let best = |best: &'a Observation, next: &'a Observation| match self.edge(next, best) {
            Some(edge) if edge.smoothed > 0.0 => next,
            _ => best,
        };
        open().reduce(best).map(|lane| lane.lane.as_str())
    }

    /// Whether to leave the lane that is mined for another, and for which.
    pub fn decide(&mut self, inputs: &Inputs, main: &str, moment: Moment<'_>) -> Reason {
        let Some(mined) = inputs.lane(main) else {
            self.pending = None;
            return Reason::Kept(Keep::Alone);
        };
        let (to, edge) = match self.candidate(inputs, mined, moment.gate) {
            Ok(found) => found,
            Err(reason) => {
                self.pending = None;
                return reason;
            }
        };
        let doubt = self.doubt(&to, edge, inputs.switch_cost_secs());
        if let Some(keep) = doubt {
            self.pending = None;
            return Reason::Kept(keep);
        }
        let ticks = match self.pending.take() {
            Some((lane, ticks)) if lane == to => ticks.saturating_add(1),
            _ => 1,
        };
        let needed = self.params.ticks_min;
        self.pending = Some((to.clone(), ticks));
        if ticks < needed {
            return Reason::Kept(Keep::Unconfirmed { lane: to, ticks, needed });
        }
        if !moment.may_move {
            return Reason::Kept(Keep::Moment { lane: to });
        }
        self.pending = None;
        Reason::Switched {
            from: main.to_owned(),
            to,
            edge_percent: percent(edge.smoothed),
            standard_error_percent: percent(edge.standard_error.unwrap_or_default()),
            life_secs: self.life.secs(),
            cost_secs: inputs.switch_cost_secs(),
        }
    }

    /// The lane that pays most among those that take miners and can be compared with the one that is mined.
    fn candidate(&self, inputs: &Inputs, mined: &Observation, gate: &HealthGate) -> Result<(String, Edge), Reason> {
        mined.coins_per_hash().map_err(|error| Reason::Refused(Refusal::Revenue { error }))?;
        let others = || inputs.lanes.iter().filter(|lane| lane.lane != mined.lane && gate.takes_miners(&lane.lane));
        let comparable = others().filter_map(|lane| {
            lane.coins_per_hash().ok()?;
            Some((lane, self.edge(lane, mined)?))
        });
        let best = comparable.max_by(|a, b| a.1.smoothed.total_cmp(&b.1.smoothed));
        if let Some((lane, edge)) = best {
            return Ok((lane.lane.clone(), edge));
        }
        // Without a lane to compare with, it is said which price is missing.
        let unpriced = others().filter(|lane| lane.coin != mined.coin).flat_map(|lane| [mined, lane]);
        let refused = unpriced.filter_map(|lane| Some((lane.coin.clone(), lane.price.quote().err()?))).next();
        Err(match refused {
            Some((coin, error)) => Reason::Refused(Refusal::Price { coin, error }),
            None => Reason::Kept(Keep::Alone),
        })
    }

    /// The first doubt about an advantage.
    fn doubt(&self, lane: &str, edge: Edge, cost_secs: f64) -> Option<Keep> {
        let Some(error) = edge.standard_error else { return Some(Keep::WarmingUp) };
        let (lane, edge_percent) = (lane.to_owned(), percent(edge.smoothed));
        let least = log(self.params.edge_min_percent);
        if edge.smoothed <= 0.0 {
            return Some(Keep::Best);
        }
        // Parameters that are not numbers keep everything as it is.
        let is_great = edge.smoothed >= least;
        if !is_great {
            return Some(Keep::SmallEdge { lane, edge_percent, needed_percent: self.params.edge_min_percent });
        }
        // What was seen last has to agree, or the advantage is already over.
        let is_clear = edge.smoothed >= self.params.noise_factor * error;
        if !is_clear || edge.newest < least / 2.0 {
            return Some(Keep::Noise { lane, edge_percent, standard_error_percent: percent(error) });
        }
        let gain_secs = edge.smoothed * self.life.secs();
        let cost_secs = self.params.cost_factor * cost_secs;
        let is_worth = gain_secs > cost_secs;
        (!is_worth).then_some(Keep::Cost { lane, gain_secs, cost_secs })
    }

    /// What all lanes are thought to pay.
    pub fn estimates(&self, inputs: &Inputs, main: &str) -> Vec<Estimate> {
        let mined = inputs.lane(main);
        let estimate = |lane: &Observation| {
            let edge = mined.and_then(|mined| self.edge(lane, mined));
            let variance = self.lanes.get(&lane.lane).and_then(Smoothed::variance);
            let price = self.coins.get(&lane.coin).and_then(Smoothed::variance);
            let variance = if inputs.is_one_coin() { variance } else { variance.zip(price).map(|(a, b)| a + b) };
            Estimate {
                lane: lane.lane.clone(),
                revenue_per_hash: self.mean(lane, inputs).map(f64::exp),
                standard_error_percent: variance.map(|variance| percent(variance.sqrt())),
                edge_percent: edge.map(|edge| percent(edge.smoothed)),
                share_chance_percent: None,
            }
        };
        inputs.lanes.iter().map(estimate).collect()
    }
}

fn observe(map: &mut BTreeMap<String, Smoothed>, name: &str, value: f64, now: UnixTime, half_life_secs: u64) {
    if !value.is_finite() {
        return;
    }
    match map.get_mut(name) {
        Some(smoothed) => smoothed.observe(value, now, half_life_secs),
        None => drop(map.insert(name.to_owned(), Smoothed::begin(value, now))),
    }
}

#[cfg(test)]
mod tests;
