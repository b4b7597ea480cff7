//! `poolnode health`, `emergencies`, `drain`, `pause` and `resume`: how well a node is, what went wrong, and the orders that take work
//! from it gently.

use std::process::ExitCode;

use node::{
    api::{
        client::ApiClient,
        dto::{ComponentEntry, Drain, DrainOrderBody, EmergencyEntry, List, SwitchingOrderBody},
    },
    clock::iso,
};

use crate::{
    args::{DrainArgs, ListArgs},
    listing::{self, Column, Output},
    peers, render, switching,
};

const COMPONENTS: [Column<ComponentEntry>; 6] = [
    Column::text("HEALTH", "health", |entry| entry.health.clone()),
    Column::text("COMPONENT", "component", component),
    Column::text("LANE", "lane", |entry| entry.lane.clone().unwrap_or_default()),
    Column::text("SINCE", "since", |entry| iso(entry.since)),
    Column::text("REASON", "reason", |entry| entry.reason.clone()),
    Column::text("WHAT THE NODE DOES", "action", |entry| entry.action.clone().unwrap_or_default()),
];

const EMERGENCIES: [Column<EmergencyEntry>; 7] = [
    Column::text("BEGAN", "began", |entry| iso(entry.began)),
    Column::text("ENDED", "ended", |entry| entry.ended.map(iso).unwrap_or_default()),
    Column::text("KIND", "kind", |entry| entry.kind.clone()),
    Column::text("COMPONENT", "component", |entry| with_subject(&entry.component, entry.subject.as_deref())),
    Column::text("LANE", "lane", |entry| entry.lane.clone().unwrap_or_default()),
    Column::text("REASON", "reason", |entry| entry.reason.clone()),
    Column::text("WHAT THE NODE DID", "action", |entry| entry.action.clone()),
];

/// Every part of the node; the exit code says whether one has failed.
pub(crate) async fn components(args: &ListArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    loop {
        let components = api.components().await?;
        args.clear()?;
        listing::print(&components, &COMPONENTS, args.output.or_json(json), "the node has not looked yet")?;
        if args.output.or_json(json) == Output::Table {
            render::line(&format!("\n{}", summary(&components)))?;
        }
        if let Some(secs) = args.watch {
            listing::pause(secs).await;
            continue;
        }
        let has_failed = components.data.iter().any(|entry| entry.health == "failed");
        return Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
}

/// What failed, the newest first.
pub(crate) async fn emergencies(args: &ListArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    loop {
        let emergencies: List<EmergencyEntry> = api.get("emergencies?limit=1000").await?;
        args.clear()?;
        listing::print(&emergencies, &EMERGENCIES, args.output.or_json(json), "no emergency is remembered")?;
        let Some(secs) = args.watch else { return Ok(ExitCode::SUCCESS) };
        listing::pause(secs).await;
    }
}

/// Takes no new miners, or takes them again.
pub(crate) async fn drain(args: &DrainArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    let cookie = peers::cookie(api).await?;
    let drain: Drain = api.post("drain", &DrainOrderBody { on: !args.off }, cookie.trim()).await?;
    if json {
        render::json_line(&drain)?;
    } else if drain.on {
        let left = drain.connections;
        render::line(&format!("no new miners are taken; {left} connections are left, and mine on"))?;
    } else {
        render::line("new miners are taken")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `pause` or `resume`: whether decisions about lanes take effect.
pub(crate) async fn switching(order: &str, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    switching::order(order, &SwitchingOrderBody::default(), api, json).await
}

/// One line when all is well, else the list of what is not.
pub(crate) fn lines(components: &List<ComponentEntry>) -> String {
    let bad = components.data.iter().filter(|entry| entry.health != "healthy");
    let line = |entry: &ComponentEntry| {
        let lane = entry.lane.as_deref().map(|lane| format!(" of {lane}")).unwrap_or_default();
        let action = entry.action.as_deref().map(|action| format!("\n    {action}")).unwrap_or_default();
        format!("  {:<9} {}{lane}: {}{action}", entry.health, component(entry), entry.reason)
    };
    let lines: Vec<String> = bad.map(line).collect();
    if lines.is_empty() { summary(components) } else { format!("{}\n{}", summary(components), lines.join("\n")) }
}

fn summary(components: &List<ComponentEntry>) -> String {
    let count = |health: &str| components.data.iter().filter(|entry| entry.health == health).count();
    match (count("failed"), count("degraded"), components.data.len()) {
        (_, _, 0) => "the node has not looked yet".to_owned(),
        (0, 0, all) => format!("all {all} components are well"),
        (failed, degraded, all) => format!("{failed} failed, {degraded} degraded, of {all} components"),
    }
}

fn component(entry: &ComponentEntry) -> String {
    with_subject(&entry.component, entry.subject.as_deref())
}

fn with_subject(component: &str, subject: Option<&str>) -> String {
    subject.map_or_else(|| component.to_owned(), |subject| format!("{component} {subject}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_when_all_is_well_else_what_is_not() {
        let entry = |health: &str, component: &str| ComponentEntry {
            component: component.to_owned(),
            lane: Some("main".to_owned()),
            subject: None,
            health: health.to_owned(),
            since: 0,
            reason: "no daemon answers".to_owned(),
            action: Some("it is asked again".to_owned()),
        };
        let well = vec![entry("healthy", "store")];
        assert_eq!(lines(&List::new(Vec::new())), "the node has not looked yet");
        assert_eq!(lines(&List::new(well.clone())), "all 1 components are well");
        let bad = [well, vec![entry("failed", "daemon")]].concat();
        let expected = "1 failed, 0 degraded, of 2 components\n  failed    daemon of main: no daemon answers\n    it is asked again";
        assert_eq!(lines(&List::new(bad)), expected);
    }
}
