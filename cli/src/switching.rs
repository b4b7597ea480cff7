//! `poolnode lanes status|switch|release|state|explain`: where miners are, why, and orders about it.

use std::process::ExitCode;

use anyhow::Context;
use node::{
    api::{
        client::ApiClient,
        dto::{DecisionEntry, LaneChoice, List, Switching, SwitchingOrderBody},
    },
    clock::iso,
    lanes::{Counterfactual, Decision, Estimate},
};

use crate::{
    listing::{self, Column},
    peers,
    render::{self, hashrate, key_values, line},
};

const CHOICES: [Column<LaneChoice>; 10] = [
    Column::text("LANE", "name", |lane| lane.name.clone()),
    Column::text("COIN", "coin", |lane| lane.coin.clone()),
    Column::text("HEALTH", "health", |lane| lane.health.clone()),
    Column::number(
        "MINED",
        "weight_percent",
        |lane| format!("{:.0} %", lane.weight_percent),
        |lane| lane.weight_percent.to_string(),
    ),
    Column::number(
        "WANTED",
        "wanted_percent",
        |lane| format!("{:.0} %", lane.wanted_percent),
        |lane| lane.wanted_percent.to_string(),
    ),
    Column::count("WORKERS", "workers", |lane| lane.workers.to_string()),
    Column::number("HASHRATE", "hashrate", |lane| hashrate(lane.hashrate), |lane| lane.hashrate.to_string()),
    Column::number(
        "REVENUE/TH",
        "revenue_per_hash",
        |lane| lane.revenue_per_hash.map_or_else(|| "-".to_owned(), |revenue| format!("{:.3e}", revenue * 1e12)),
        |lane| lane.revenue_per_hash.map(|revenue| revenue.to_string()).unwrap_or_default(),
    ),
    Column::number(
        "EARNED (EST.)",
        "estimated_units",
        |lane| render::coins(lane.estimated_units),
        |lane| lane.estimated_units.to_string(),
    ),
    Column::number("PAID", "paid_units", |lane| render::coins(lane.paid_units), |lane| lane.paid_units.to_string()),
];

/// Where miners are, and what comes next.
pub(crate) async fn status(api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    show(&api.get("switching").await?, json)
}

/// Gives an order and shows what came of it.
pub(crate) async fn order(
    order: &str,
    body: &SwitchingOrderBody,
    api: &ApiClient,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let cookie = peers::cookie(api).await?;
    show(&api.switching_order(order, body, cookie.trim()).await?, json)
}

/// Why miners are where they are: of a decision by its number, or of the newest.
pub(crate) async fn explain(number: Option<u64>, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    let mut path = "switching/decisions?limit=100".to_owned();
    loop {
        let page: List<DecisionEntry> = api.get(&path).await?;
        let found = page.data.iter().find(|entry| number.is_none_or(|number| entry.number == number));
        if let Some(entry) = found {
            if json {
                render::json(&entry.decision)?;
            } else {
                let decision: Decision = serde_json::from_value(entry.decision.clone())
                    .context("the node is of another version than this program; --json shows the decision as it is")?;
                line(&explanation(&decision))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        match page.meta.next {
            Some(next) => path = format!("switching/decisions?limit=100&cursor={next}"),
            None => anyhow::bail!(
                "no such decision is known any more; `poolnode lanes explain` without a number explains the newest"
            ),
        }
    }
}

fn show(switching: &Switching, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        render::json(switching)?;
    } else {
        line(&text(switching))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(switching: &Switching) -> String {
    let state = match switching.state.as_str() {
        "DRY-RUN" => "DRY-RUN: it says what it would do, and moves nobody but away from what fails",
        "LIVE" => "LIVE: what is decided is done",
        "PAUSED" => "PAUSED: nothing is decided; what fails is left all the same",
        other => other,
    };
    let mut rows = vec![
        ("mode", format!("{} ({})", switching.mode, switching.profile)),
        ("state", state.to_owned()),
        ("last decision", switching.why.clone().unwrap_or_else(|| "none yet".to_owned())),
        ("next decision", iso(switching.next_tick)),
    ];
    rows.extend(switching.next_move.map(|at| ("next move for profit", format!("not before {}", iso(at)))));
    let secs = switching.switch_cost_ms as f64 / 1_000.0;
    let known = match (switching.switch_cost_source.as_str(), switching.switch_cost_moves) {
        ("measured", Some(moves)) => format!("measured over {moves} moves"),
        ("configured", _) => "lanes.switch_cost_ms".to_owned(),
        (source, _) => source.to_owned(),
    };
    rows.push(("a move costs", format!("{secs:.1} s of mining ({known})")));
    if let (Some(lane), Some(reason)) = (&switching.manual_lane, &switching.manual_reason) {
        rows.push(("chosen by hand", format!("{lane}: {reason}; `poolnode lanes release` ends that")));
    }
    let failing = switching.lanes.iter().filter_map(|lane| Some(format!("{}: {}", lane.name, lane.problem.as_ref()?)));
    let problems: Vec<String> = failing.chain(switching.advice.iter().chain(&switching.warning).cloned()).collect();
    let mut text = format!("{}\n\n{}", key_values(&rows), listing::table(&switching.lanes, &CHOICES));
    for problem in problems {
        text.push_str("\n! ");
        text.push_str(&problem);
    }
    text
}

fn explanation(decision: &Decision) -> String {
    let weights = |weights: &node::lanes::Weights| {
        let parts: Vec<String> =
            weights.iter().map(|(lane, part)| format!("{lane} {:.0} %", f64::from(part) / 100.0)).collect();
        if parts.is_empty() { "nobody".to_owned() } else { parts.join(", ") }
    };
    let mut rows = vec![
        ("decision", format!("{} of {}", decision.number, iso(decision.time))),
        ("mode", format!("{} ({}), {}", decision.mode, decision.profile, decision.state)),
        ("why", decision.why.clone()),
        ("wanted", weights(&decision.chosen)),
        ("mined", weights(&decision.in_effect)),
    ];
    rows.extend(decision.counterfactual.as_ref().map(|would| ("otherwise", otherwise(would))));
    let estimates: Vec<String> = decision.estimates.iter().map(estimate).collect();
    format!("{}\n\n  what the lanes are thought to pay:\n{}", key_values(&rows), estimates.join("\n"))
}

fn estimate(estimate: &Estimate) -> String {
    let Estimate { lane, revenue_per_hash, standard_error_percent, edge_percent, .. } = estimate;
    let Some(revenue) = revenue_per_hash else { return format!("  - {lane}: not known") };
    let error = standard_error_percent.map_or_else(|| "error not known".to_owned(), |error| format!("± {error:.1} %"));
    let edge = edge_percent.map(|edge| format!(", {edge:+.1} % over what is mined")).unwrap_or_default();
    format!("  - {lane}: {:.4e} by terahash ({error}){edge}", revenue * 1e12)
}

fn otherwise(would: &Counterfactual) -> String {
    format!(
        "over {} the policy earned {:+.2} % and what was mined {:+.2} % against {} alone; always the best of the moment \
         {:+.2} %, the oracle {:+.2} %",
        render::duration(would.secs),
        would.chosen_gain_percent,
        would.in_effect_gain_percent,
        would.best_static,
        would.argmax_gain_percent,
        would.oracle_gain_percent,
    )
}

#[cfg(test)]
mod tests {
    use node::lanes::{Controller, Inputs, Observation, Settings};

    use super::*;

    #[test]
    fn a_decision_is_explained_in_words() {
        let lanes = vec!["a".to_owned(), "b".to_owned()];
        let mut controller = Controller::new(Settings { lanes, ..Settings::default() });
        let lane = |name: &str, value| Observation {
            lane: name.to_owned(),
            coin: "x".to_owned(),
            block_value: value,
            units_per_coin: 100_000_000,
            block_hashes: 1_000_000,
            ..Observation::default()
        };
        let inputs = Inputs { lanes: vec![lane("a", 1_000), lane("b", 2_000)], ..Inputs::default() };
        let text = explanation(&controller.tick(1_795_332_599, inputs));
        for words in ["1 of 2026-11-22T07:29:59Z", "DRY-RUN", "started on a", "mined     a 100 %", "- b: "] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}
