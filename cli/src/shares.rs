//! `poolnode shares` and `chain dag`: the newest shares, and how they build on each other.

use std::process::ExitCode;

use anyhow::Context;
use node::{
    api::{
        client::{ApiClient, encoded},
        dto::{DagShare, List, ShareEntry},
    },
    clock::iso,
};

use crate::{
    args::{DagArgs, SharesArgs},
    listing::{self, Column},
    render::{self, hashes, short},
};

const SHARES: [Column<ShareEntry>; 6] = [
    Column::text("TIME", "time", |share| iso(share.time.into())),
    Column::count("HEIGHT", "height", |share| share.height.to_string()),
    Column::number("WORK", "work_hashes", |share| hashes(share.work_hashes), |share| share.work_hashes.to_string()),
    Column::text("KIND", "kind", |share| kind(share).to_owned()),
    Column::text("CREDITED TO", "address", |share| match (&share.address, &share.worker) {
        (Some(address), Some(worker)) => format!("{address}.{worker}"),
        (Some(address), None) => address.clone(),
        (None, _) => "-".to_owned(),
    }),
    Column::id("ID", "id", |share| share.id.clone()),
];

const DAG: [Column<DagShare>; 6] = [
    Column::count("HEIGHT", "height", |share| share.height.to_string()),
    Column::text("TIME", "time", |share| iso(share.time.into())),
    Column::text("SELECTED", "selected", |share| if share.selected { "yes" } else { "no" }.to_owned()),
    Column::id("ID", "id", |share| share.id.clone()),
    Column::id("PARENT", "parent", |share| share.parent.clone().unwrap_or_default()),
    Column::text("UNCLES", "uncles", |share| share.uncles.join(" ")),
];

/// Lists the newest shares.
pub(crate) async fn shares(args: &SharesArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    let address = args.address.as_ref().map(|address| format!("&address={}", encoded(address))).unwrap_or_default();
    let own = if args.own { "&own=true" } else { "" };
    loop {
        let shares: List<ShareEntry> = api.get(&format!("shares?limit={}{address}{own}", args.limit)).await?;
        args.list.clear()?;
        listing::print(&shares, &SHARES, args.list.output.or_json(json), "no shares yet")?;
        let Some(secs) = args.list.watch else { return Ok(ExitCode::SUCCESS) };
        listing::pause(secs).await;
    }
}

/// Shows a slice of the DAG.
pub(crate) async fn dag(args: &DagArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    let to = args.to.map(|to| format!("&to={to}")).unwrap_or_default();
    let slice: List<DagShare> = api.get(&format!("shares/dag?heights={}{to}", args.heights)).await?;
    if args.dot {
        render::text(&dot(&slice.data)).context("cannot print the graph")?;
    } else {
        listing::print(&slice, &DAG, args.output.or_json(json), "no shares yet")?;
    }
    Ok(ExitCode::SUCCESS)
}

const fn kind(share: &ShareEntry) -> &'static str {
    match (share.is_block, share.is_uncle, share.merged_by.is_some()) {
        (true, ..) => "block",
        (false, false, _) => "share",
        (false, true, true) => "uncle",
        (false, true, false) => "not merged",
    }
}

/// A graph for Graphviz: parents by lines, uncles by dashes, the best chain filled, blocks with a double edge.
fn dot(shares: &[DagShare]) -> String {
    let mut text = "digraph sharechain {\n  rankdir=RL;\n  node [shape=box, fontname=monospace];\n".to_owned();
    for share in shares {
        let style = if share.selected { ", style=filled" } else { "" };
        let edge = if share.is_block { ", peripheries=2" } else { "" };
        let label = format!("{}\\n{}", share.height, short(&share.id));
        text.push_str(&format!("  {} [label=\"{label}\"{style}{edge}];\n", quoted(&share.id)));
        for (to, look) in
            share.parent.iter().map(|parent| (parent, "")).chain(share.uncles.iter().map(|id| (id, " [style=dashed]")))
        {
            text.push_str(&format!("  {} -> {}{look};\n", quoted(&share.id), quoted(to)));
        }
    }
    text.push_str("}\n");
    text
}

fn quoted(id: &str) -> String {
    format!("\"{}\"", id.replace(['"', '\\'], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(id: &str, parent: Option<&str>, uncles: &[&str]) -> DagShare {
        DagShare {
            id: id.to_owned(),
            parent: parent.map(ToOwned::to_owned),
            uncles: uncles.iter().map(ToString::to_string).collect(),
            height: 5,
            time: 0,
            work_hashes: 1,
            address: None,
            selected: parent.is_some(),
            is_block: uncles.len() == 1,
        }
    }

    #[test]
    fn the_graph_has_a_node_for_each_share_and_an_edge_for_what_it_builds_on() {
        let graph = dot(&[share("aa", None, &[]), share("bb", Some("aa"), &["cc"])]);
        let lines: Vec<&str> = graph.lines().skip(3).collect();
        assert_eq!(
            lines,
            [
                "  \"aa\" [label=\"5\\naa\"];",
                "  \"bb\" [label=\"5\\nbb\", style=filled, peripheries=2];",
                "  \"bb\" -> \"aa\";",
                "  \"bb\" -> \"cc\" [style=dashed];",
                "}"
            ]
        );
    }

    #[test]
    fn a_share_is_called_what_it_is() {
        let share = |is_block, is_uncle, merged: Option<&str>| ShareEntry {
            id: String::new(),
            height: 1,
            time: 0,
            work_hashes: 1,
            address: None,
            worker: None,
            is_uncle,
            merged_by: merged.map(ToOwned::to_owned),
            is_block,
        };
        let kinds = [
            share(false, false, None),
            share(false, true, Some("x")),
            share(false, true, None),
            share(true, true, None),
        ];
        assert_eq!(kinds.each_ref().map(kind), ["share", "uncle", "not merged", "block"]);
    }
}
