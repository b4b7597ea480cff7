//! `poolnode db`: the share store of a node, looked at, copied and put back.

use std::{path::Path, process::ExitCode};

use node::{
    Config,
    clock::iso,
    database::{self, BackedUp, Restored, StoreCheck, StoreMigration, StoreStats},
};
use serde::Serialize;

use crate::{
    args::{DatabaseArgs, DatabaseCommand, RunArgs},
    progress::Progress,
    render::{self, key_values},
};

/// Runs the command.
pub(crate) async fn run(args: DatabaseArgs, log: Option<&str>, json: bool) -> anyhow::Result<ExitCode> {
    let config = |run: &RunArgs| run.sources(log).read();
    match args.command {
        DatabaseCommand::Check { run } => check(&config(&run)?, json),
        DatabaseCommand::Stats { run } => {
            let progress = Progress::new("shares", json);
            let stats = database::stats(&config(&run)?, &|done, total| progress.at(done, total))?;
            drop(progress);
            print(&stats, json, stats_text)
        }
        DatabaseCommand::Migrate { run } => print(&database::migrate(&config(&run)?)?, json, migration_text),
        DatabaseCommand::Backup { dir, run } => {
            let progress = Progress::new("shares", json);
            let done = database::backup(&config(&run)?, &dir, &|done, total| progress.at(done, total)).await?;
            drop(progress);
            print(&done, json, backup_text)
        }
        DatabaseCommand::Restore { dir, run } => restore(&config(&run)?, &dir, json),
    }
}

fn check(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let progress = Progress::new("shares", json);
    let checks = database::check(config, &|done, total| progress.at(done, total))?;
    drop(progress);
    print(&checks, json, check_text)?;
    let is_well = checks.iter().all(|check| check.problems.is_empty());
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn restore(config: &Config, dir: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let progress = Progress::new("the backup is copied", json);
    progress.begun();
    let done = database::restore(config, dir)?;
    drop(progress);
    print(&done, json, restore_text)
}

/// One JSON list, or a text for each lane.
fn print<T: Serialize>(lanes: &[T], json: bool, text: fn(&T) -> String) -> anyhow::Result<ExitCode> {
    if json {
        render::json(&serde_json::json!({ "data": lanes, "meta": { "count": lanes.len() } }))?;
    } else {
        render::line(&lanes.iter().map(text).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn check_text(check: &StoreCheck) -> String {
    let StoreCheck { lane, folder, shares, height, problems } = check;
    let verdict = if problems.is_empty() { "ok".to_owned() } else { format!("{} problems", problems.len()) };
    let mut text = format!("{lane}: {verdict}: {shares} shares up to height {height} in {}", folder.display());
    for problem in problems {
        text.push_str(&format!("\n  {problem}"));
    }
    text
}

fn stats_text(stats: &StoreStats) -> String {
    let none = || "none".to_owned();
    let mut rows = vec![
        ("lane", stats.lane.clone()),
        ("folder", stats.folder.display().to_string()),
        ("version", format!("{} (this program writes {})", stats.schema, stats.schema_known)),
        ("shares", format!("{}  {} damaged", stats.shares, stats.damaged)),
        (
            "linked",
            match (stats.linked_from, stats.linked_to) {
                (Some(from), Some(to)) => format!("{} to {}", iso(from), iso(to)),
                _ => none(),
            },
        ),
        (
            "best chain",
            stats.tip.as_ref().zip(stats.first.as_ref()).map_or_else(none, |(tip, first)| format!("{first} to {tip}")),
        ),
        ("on disk", format!("{} bytes", stats.disk_bytes)),
    ];
    rows.extend(stats.moved_aside.iter().map(|path| ("moved aside", path.display().to_string())));
    key_values(&rows)
}

fn migration_text(StoreMigration { lane, folder, from, to }: &StoreMigration) -> String {
    let folder = folder.display();
    if from == to {
        format!("{lane}: {folder} is of version {to} already")
    } else {
        format!("{lane}: {folder} was of version {from} and is of version {to} now")
    }
}

fn backup_text(done: &BackedUp) -> String {
    let BackedUp { lane, folder, shares, damaged, foreign, files, online } = done;
    let from = if *online { "the running node" } else { "its store" };
    let mut text = format!("{lane}: {shares} shares from {from} and {files} files are in {}", folder.display());
    if (*damaged, *foreign) != (0, 0) {
        text.push_str(&format!(
            "\n  left out: {damaged} damaged records, {foreign} shares of another chain or other rules"
        ));
    }
    text
}

fn restore_text(Restored { lane, folder, shares }: &Restored) -> String {
    format!("{lane}: {} holds the backup with {shares} shares; start the node", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_says_what_it_has_not() {
        let whole = BackedUp {
            lane: "devnet".to_owned(),
            folder: "/copy".into(),
            shares: 9,
            damaged: 0,
            foreign: 0,
            files: 3,
            online: true,
        };
        let line = "devnet: 9 shares from the running node and 3 files are in /copy";
        assert_eq!(backup_text(&whole), line);
        let text = backup_text(&BackedUp { damaged: 1, foreign: 2, ..whole });
        assert_eq!(text, format!("{line}\n  left out: 1 damaged records, 2 shares of another chain or other rules"));
    }

    #[test]
    fn a_check_says_what_is_wrong_below_its_verdict() {
        let well = StoreCheck {
            lane: "devnet".to_owned(),
            folder: "/pool/shares".into(),
            shares: 9,
            height: 9,
            problems: Vec::new(),
        };
        assert_eq!(check_text(&well), "devnet: ok: 9 shares up to height 9 in /pool/shares");
        let bad = StoreCheck { problems: vec!["1 records are damaged".to_owned()], ..well };
        let expected = "devnet: 1 problems: 9 shares up to height 9 in /pool/shares\n  1 records are damaged";
        assert_eq!(check_text(&bad), expected);
    }
}
