//! What was simulated, in numbers and as text.

use std::fmt::{self, Display};

use serde_json::{Value, json};

use super::{
    args::Args,
    eclipse::{Seized, Swarm, Tellers, Trial},
    policy::{Policy, Spread},
};

/// Everything that was asked for.
#[derive(Debug)]
pub struct Report {
    args: Args,
    spreads: Vec<(Policy, Spread)>,
    sieges: Vec<(&'static str, Siege)>,
}

/// Slots over many trials.
#[derive(Clone, Copy, Debug, Default)]
pub struct Siege {
    /// Trials.
    pub trials: u64,
    /// Those in which every held slot was hostile.
    pub eclipsed: u64,
    /// Those with an alarm.
    pub alarmed: u64,
    /// Those in which more than a quarter was hostile.
    pub over_quarter: u64,
    held: usize,
    hostile: usize,
    /// Largest hostile part.
    pub part_max: f64,
}

impl Siege {
    /// Counts a trial.
    pub fn add(&mut self, seized: Seized) {
        self.trials += 1;
        self.eclipsed += u64::from(seized.hostile == seized.held);
        self.alarmed += u64::from(seized.is_alarmed);
        self.over_quarter += u64::from(4 * seized.hostile > seized.held);
        self.held += seized.held;
        self.hostile += seized.hostile;
        self.part_max = self.part_max.max(ratio(seized.hostile, seized.held));
    }

    /// Hostile part of all slots.
    pub fn part_mean(&self) -> f64 {
        ratio(self.hostile, self.held)
    }
}

impl Report {
    /// Runs everything.
    pub fn new(args: Args) -> Self {
        let mut policies = vec![Policy::Random, Policy::Nearest, Policy::Selector(args.minutes)];
        if args.rotate_minutes > 0 {
            policies.push(Policy::Rotating(args.minutes, args.rotate_minutes));
        }
        let seeds = args.seed..args.seed + args.seeds;
        let spread = |policy: Policy| {
            let mut all = Spread::default();
            seeds.clone().for_each(|seed| all.join(policy.spread(args.nodes.into(), seed, args.origins.into())));
            (policy, all)
        };
        let spreads = policies.into_iter().map(spread).collect();
        let sieges = if args.trials == 0 { Vec::new() } else { sieges(&args) };
        Self { args, spreads, sieges }
    }

    /// One line for scripts.
    pub fn json(&self) -> Value {
        let spreads = self.spreads.iter().map(|(policy, spread)| {
            let [to_half, to_p95, to_all] = spread.medians();
            json!({
                "policy": policy.name(), "to_half_ms": to_half, "to_p95_ms": to_p95, "to_all_ms": to_all,
                "reach": spread.reach(),
            })
        });
        let sieges = self.sieges.iter().map(|(name, siege)| {
            json!({
                "case": name, "trials": siege.trials, "eclipsed": siege.eclipsed, "hostile_mean": siege.part_mean(),
                "hostile_max": siege.part_max, "over_quarter": siege.over_quarter, "alarmed": siege.alarmed,
            })
        });
        json!({
            "nodes": self.args.nodes, "seeds": self.args.seeds, "seed": self.args.seed, "origins": self.args.origins,
            "minutes": self.args.minutes, "rotate_minutes": self.args.rotate_minutes, "honest": self.args.honest,
            "hostile": self.args.hostile, "groups": self.args.groups,
            "spread": spreads.collect::<Vec<_>>(), "eclipse": sieges.collect::<Vec<_>>(),
        })
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Args { nodes, seeds, origins, honest, hostile, groups, .. } = self.args;
        writeln!(f, "{nodes} nodes, {seeds} seeds of {origins} shares; medians of milliseconds")?;
        writeln!(f, "{:20} {:>8} {:>8} {:>8} {:>8}", "policy", "to half", "to 95 %", "to all", "reach")?;
        for (policy, spread) in &self.spreads {
            let ([half, p95, all], reach) = (spread.medians(), 100.0 * spread.reach());
            writeln!(f, "{:20} {half:8.0} {p95:8.0} {all:8.0} {reach:6.1} %", policy.name())?;
        }
        if self.sieges.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\n{honest} honest nodes, {hostile} hostile addresses in {groups} /16; hostile part of outbound slots"
        )?;
        writeln!(f, "{:40} {:>8} {:>8} {:>8} {:>8} {:>8}", "case", "trials", "all", "mean", "most", "> 25 %")?;
        for (name, siege) in &self.sieges {
            let (mean, most) = (100.0 * siege.part_mean(), 100.0 * siege.part_max);
            let Siege { trials, eclipsed, over_quarter, .. } = siege;
            writeln!(f, "{name:40} {trials:8} {eclipsed:8} {mean:6.1} % {most:6.1} % {over_quarter:8}")?;
        }
        Ok(())
    }
}

fn sieges(args: &Args) -> Vec<(&'static str, Siege)> {
    let swarm = |tellers| Swarm {
        honest: args.honest.into(),
        hostile: usize::try_from(args.hostile).unwrap_or(usize::MAX),
        groups: args.groups,
        tellers,
    };
    let mut rows = Vec::new();
    let names = [
        (Tellers::Swarm, ["told by the swarm, new node", "  restarted, stuffed again", "  file lost, stuffed again"]),
        (Tellers::Anybody, ["told by anybody, new node", "  restarted, stuffed again", "  file lost, stuffed again"]),
    ];
    for (tellers, names) in names {
        let mut sieges = [Siege::default(); 3];
        for seed in args.seed..args.seed + args.trials {
            let Trial { first, restarted, lost_file } = swarm(tellers).trial(args.minutes, seed);
            sieges.iter_mut().zip([first, restarted, lost_file]).for_each(|(siege, seized)| siege.add(seized));
        }
        rows.extend(names.into_iter().zip(sieges));
    }
    rows
}

#[expect(clippy::cast_precision_loss, reason = "small")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / (whole as f64).max(1.0)
}
