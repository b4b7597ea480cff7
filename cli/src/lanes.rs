//! `poolnode lanes`: what this node works on, and what a policy would have made of a history.

use std::{fs::File, io::BufReader, process::ExitCode};

use anyhow::Context;
use node::{
    api::{client::ApiClient, dto::SwitchingOrderBody},
    lanes::{
        Params,
        jitter::Schedule,
        replay::{ReplaySettings, Report, Rows, replay},
    },
};

use crate::{
    args::{LanesArgs, LanesCommand, ReplayArgs},
    listing::{self, Column},
    lists, render, switching,
};

/// One way to decide, and what it would have earned.
struct Way {
    name: String,
    gain_percent: f64,
    switches_per_day: f64,
}

const WAYS: [Column<Way>; 3] = [
    Column::text("WHAT IS MINED", "way", |way| way.name.clone()),
    Column::number(
        "GAIN",
        "gain_percent",
        |way| format!("{:+.2} %", way.gain_percent),
        |way| way.gain_percent.to_string(),
    ),
    Column::number(
        "MOVES A DAY",
        "switches_per_day",
        |way| format!("{:.1}", way.switches_per_day),
        |way| way.switches_per_day.to_string(),
    ),
];

/// Runs `poolnode lanes`.
pub(crate) async fn run(args: &LanesArgs, api: &str, json: bool) -> anyhow::Result<ExitCode> {
    match &args.command {
        None => lists::lanes(&args.list, &ApiClient::new(api)?, json).await,
        Some(LanesCommand::Ls(list)) => lists::lanes(list, &ApiClient::new(api)?, json).await,
        Some(LanesCommand::Status) => switching::status(&ApiClient::new(api)?, json).await,
        Some(LanesCommand::Switch(args)) => {
            let (lane, reason) = (Some(args.lane.clone()), Some(args.reason.clone()));
            let body = SwitchingOrderBody { lane, reason, ..SwitchingOrderBody::default() };
            switching::order("switch", &body, &ApiClient::new(api)?, json).await
        }
        Some(LanesCommand::Release) => {
            switching::order("release", &SwitchingOrderBody::default(), &ApiClient::new(api)?, json).await
        }
        Some(LanesCommand::State { state }) => {
            let body = SwitchingOrderBody { state: Some(state.to_string()), ..SwitchingOrderBody::default() };
            switching::order("state", &body, &ApiClient::new(api)?, json).await
        }
        Some(LanesCommand::Explain { number }) => switching::explain(*number, &ApiClient::new(api)?, json).await,
        Some(LanesCommand::Replay(args)) => replay_file(args, json),
    }
}

fn replay_file(args: &ReplayArgs, json: bool) -> anyhow::Result<ExitCode> {
    let path = args.file.display();
    let file = File::open(&args.file).with_context(|| format!("cannot open {path}"))?;
    let mut params = Params::of(args.policy, args.profile);
    let profit = &mut params.profit;
    profit.half_life_secs = args.half_life_secs.unwrap_or(profit.half_life_secs);
    profit.edge_min_percent = args.edge_min_percent.unwrap_or(profit.edge_min_percent);
    let settings = ReplaySettings {
        mode: args.policy,
        profile: args.profile,
        params: Some(params),
        switch_cost_ms: args.switch_cost_ms,
        schedule: Schedule::seeded(args.seed),
    };
    let report =
        replay(&mut Rows::new(BufReader::new(file)), &settings).with_context(|| format!("cannot replay {path}"))?;
    if json {
        render::json_line(&report)?
    } else {
        render::line(&text(&report))?
    }
    Ok(ExitCode::SUCCESS)
}

/// The ways to decide below each other, and what the numbers mean.
fn text(report: &Report) -> String {
    let way = |name: String, gain_percent, switches_per_day| Way { name, gain_percent, switches_per_day };
    let ways = [
        way("the best lane of every moment, known before, free (oracle)".to_owned(), report.oracle_gain_percent, 0.0),
        way(format!("{}, {}", report.policy, report.profile), report.gain_percent, report.switches_per_day),
        way(
            "the lane that seems best at every moment".to_owned(),
            report.argmax_gain_percent,
            report.argmax_switches_per_day,
        ),
        way(format!("{} all the time: the best single lane", report.best_static), 0.0, 0.0),
    ];
    let kept =
        report.kept_percent.map_or_else(String::new, |kept| format!("; the policy keeps {kept:.0} % of the oracle's"));
    let cost = report.switch_cost_ms.map_or_else(
        || "as the history says".to_owned(),
        |cost| format!("{:.1} s of mining", f64::from(u32::try_from(cost).unwrap_or(u32::MAX)) / 1_000.0),
    );
    format!(
        "{}\n\n{} rows, {:.1} days, {} lanes; a move costs {cost}. Gains are over the best single lane of the whole time, \
         which nobody knew before{kept}.\n{} is {:+.2} % over an even split between all lanes.",
        listing::table(&ways, &WAYS),
        report.rows,
        report.days,
        report.lanes,
        report.best_static,
        report.best_static_percent,
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use clap::Parser as _;
    use node::lanes::{Mode, Profile};

    use super::*;
    use crate::args::{Args, Command};

    fn parsed(arguments: &[&str]) -> Result<LanesArgs, clap::Error> {
        let args = Args::try_parse_from([&["poolnode", "lanes"], arguments].concat())?;
        let Command::Lanes(lanes) = args.command else { panic!("lanes") };
        Ok(lanes)
    }

    #[test]
    fn bare_it_lists_and_a_policy_has_two_spellings() {
        assert!(parsed(&[]).unwrap().command.is_none());
        assert!(matches!(parsed(&["ls"]).unwrap().command, Some(LanesCommand::Ls(_))));
        for name in ["MAXIMIZE_STABILITY", "maximize-stability"] {
            let Some(LanesCommand::Replay(args)) = parsed(&["replay", "x", "--policy", name]).unwrap().command else {
                panic!("replay")
            };
            assert_eq!(
                (args.policy, args.profile, args.switch_cost_ms),
                (Mode::MaximizeStability, Profile::Balanced, None)
            );
        }
        let error = parsed(&["replay", "x", "--policy", "greedy"]).unwrap_err().to_string();
        assert!(error.contains("known are optimize-profit"), "{error}");
        assert!(parsed(&["replay", "x", "--edge-min-percent", "NaN"]).is_err());
    }

    #[test]
    fn the_table_names_every_way_and_a_fault_its_line() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "secs,north,south").unwrap();
        for minute in 0..1_441_u32 {
            writeln!(file, "{},1.0,{}", minute * 60, if minute < 720 { "0.9" } else { "1.1" }).unwrap();
        }
        let path = file.path().to_str().unwrap().to_owned();
        let arguments = ["replay", path.as_str()];
        let Some(LanesCommand::Replay(args)) = parsed(&arguments).unwrap().command else { panic!("replay") };
        let mut rows = Rows::new(BufReader::new(File::open(&path).unwrap()));
        let settings = ReplaySettings {
            mode: args.policy,
            profile: args.profile,
            params: None,
            switch_cost_ms: None,
            schedule: Schedule::default(),
        };
        let text = text(&replay(&mut rows, &settings).unwrap());
        for words in
            ["(oracle)", "+5.00 %", "OPTIMIZE_PROFIT, balanced", "north all the time", "1441 rows, 1.0 days, 2 lanes"]
        {
            assert!(text.contains(words), "{text}");
        }
        writeln!(file, "90000,-1,1").unwrap();
        let error = format!("{:#}", replay_file(&args, true).unwrap_err());
        assert!(error.contains("line 1443 of the history: \"-1\" is not a number between"), "{error}");
    }
}
