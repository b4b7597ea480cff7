//! `poolnode peers`: who is connected, who may not, and orders about them.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use node::api::{
    client::ApiClient,
    dto::{BanEntry, Count, List, NetworkSummary, Peer, PeerOrderBody},
};
use tokio::time::sleep;

use crate::{
    args::{PeersArgs, PeersCommand},
    listing::CLEAR,
    render::{self, duration, line, short},
};

/// Runs the command.
pub(crate) async fn run(args: PeersArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    let Some(command) = args.command else { return list(api, json, args.watch).await };
    let (order, subject, secs) = match command {
        PeersCommand::Bans => {
            let bans = api.bans().await?;
            if json {
                render::json(&bans)?
            } else {
                line(&bans_text(&bans))?
            }
            return Ok(ExitCode::SUCCESS);
        }
        PeersCommand::Ban { subject, lasts } => ("ban", whole_id(api, subject).await?, Some(seconds(&lasts)?)),
        PeersCommand::Unban { subject } => ("unban", subject, None),
        PeersCommand::Add { address } => ("add", address, None),
        PeersCommand::Drop { peer } => ("drop", whole_id(api, peer).await?, None),
        PeersCommand::Ping { peer } => ("ping", whole_id(api, peer).await?, None),
    };
    let cookie = cookie(api).await?;
    let result = api.order(order, &PeerOrderBody { subject: subject.clone(), secs }, &cookie).await?;
    if json {
        render::json_line(&result)?;
    } else {
        line(&answer_text(order, &subject, secs, result.rtt_ms, result.done))?;
    }
    Ok(if result.done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn list(api: &ApiClient, json: bool, watch: Option<u64>) -> anyhow::Result<ExitCode> {
    loop {
        let (peers, network) = (api.peers().await?, api.network().await?);
        match (json, watch) {
            (true, None) => render::json(&peers)?,
            (true, Some(_)) => render::json_line(&peers)?,
            (false, None) => line(&text(&peers, &network))?,
            (false, Some(_)) => line(&format!("{CLEAR}{}", text(&peers, &network)))?,
        }
        match watch {
            Some(secs) => sleep(Duration::from_secs(secs)).await,
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// The node says where its cookie is; only its user can read it.
pub(crate) async fn cookie(api: &ApiClient) -> anyhow::Result<String> {
    let path = api.status().await?.cookie_file;
    std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {path}; give orders as the user that runs the node"))
}

/// A peer id that was cut short, as the table shows it, made whole again.
async fn whole_id(api: &ApiClient, text: String) -> anyhow::Result<String> {
    let Some((head, tail)) = text.split_once("..") else { return Ok(text) };
    let peers = api.peers().await?.data;
    let mut fitting = peers.iter().filter(|peer| peer.peer_id.starts_with(head) && peer.peer_id.ends_with(tail));
    match (fitting.next(), fitting.next()) {
        (Some(peer), None) => Ok(peer.peer_id.clone()),
        (None, _) => bail!("no connected peer is called {text}; `poolnode peers --json` has the whole ids"),
        (Some(_), Some(_)) => bail!("several connected peers are called {text}; give the whole id"),
    }
}

/// `90`, `90s`, `10m`, `2h` or `7d` in seconds.
fn seconds(text: &str) -> anyhow::Result<u64> {
    let (number, unit) = match text.find(|letter: char| !letter.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => bail!("--for: {text:?} is no time like 90s, 10m, 2h or 7d"),
    };
    let number: u64 = number.parse().with_context(|| format!("--for: {text:?} is no time like 90s, 10m, 2h or 7d"))?;
    number.checked_mul(unit).with_context(|| format!("--for: {text:?} is too long"))
}

fn answer_text(order: &str, subject: &str, secs: Option<u64>, rtt_ms: Option<f64>, done: bool) -> String {
    match (order, done) {
        ("ban", _) => format!("{subject} is banned for {}", duration(secs.unwrap_or_default())),
        ("unban", true) => format!("{subject} may come back"),
        ("unban", false) => format!("{subject} is not banned"),
        ("add", _) => format!("dialling {subject}; the node stays connected to it until it stops"),
        ("drop", true) => format!("{subject} is disconnected"),
        ("ping", true) => format!("{subject} answered after {:.1} ms", rtt_ms.unwrap_or_default()),
        ("ping", false) => format!("{subject} did not answer"),
        _ => format!("{subject} is not connected"),
    }
}

/// The peers as a table, and the node's place among them.
fn text(peers: &List<Peer>, network: &NetworkSummary) -> String {
    if peers.data.is_empty() {
        return format!(
            "no peers\n\nhint: connect to one with `poolnode run --peer MULTIADDR`\n\n{}",
            summary(network)
        );
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header([
        "<->", "SLOT", "NET", "MIN", "RTT", "JIT", "HEIGHT", "LAG", "SH-IN", "1ST%", "AGE", "REGION", "ASN", "AGENT",
        "PEER", "ADDRESS",
    ]);
    for column in [3, 4, 5, 6, 7, 8, 9, 10, 12] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    // The node sorts: connections of its own choice first, then the nearest.
    for peer in &peers.data {
        table.add_row(row(peer));
    }
    format!("{}\n\n{}", table.trim_fmt(), summary(network))
}

fn row(peer: &Peer) -> Vec<String> {
    let dash = || "-".to_owned();
    let millis = |rtt: Option<f64>| rtt.map_or_else(dash, |rtt| format!("{rtt:.1}"));
    let number = |number: Option<u64>| number.map_or_else(dash, |number| number.to_string());
    let delivered = peer.shares_first.saturating_add(peer.shares_late);
    let first = (peer.shares_first * 100).checked_div(delivered).map_or_else(dash, |part| format!("{part}%"));
    // A region that rests on nothing but the peer's word is marked.
    let region = match (&peer.region, peer.region_source.as_deref()) {
        (Some(region), Some("self-declared")) => format!("{region}?"),
        (Some(region), _) => region.clone(),
        (None, _) => dash(),
    };
    vec![
        if peer.direction == "outbound" { "out" } else { "in" }.to_owned(),
        peer.slot.clone().unwrap_or_else(dash),
        peer.transport.clone(),
        millis(peer.rtt_min_ms),
        millis(peer.rtt_ms),
        millis(peer.rtt_jitter_ms),
        number(peer.share_height),
        number(peer.share_lag),
        delivered.to_string(),
        first,
        duration(peer.connected_secs),
        peer.country.as_ref().map_or_else(|| region.clone(), |country| format!("{region} {country}")),
        peer.asn.map_or_else(dash, |asn| asn.to_string()),
        peer.agent.clone(),
        short(&peer.peer_id),
        peer.address.clone(),
    ]
}

fn summary(network: &NetworkSummary) -> String {
    let counts = |counts: &[Count]| {
        let list: Vec<String> = counts.iter().map(|entry| format!("{} {}", entry.name, entry.count)).collect();
        if list.is_empty() { "-".to_owned() } else { list.join(" ") }
    };
    let reachable = match network.reachable {
        Some(true) => format!("yes ({} dials back)", network.dialled_back),
        Some(false) => format!(
            "no ({} dials back failed); hint: open the port, or set p2p.external or p2p.relays",
            network.dial_back_failed
        ),
        None => "not tested yet".to_owned(),
    };
    let mut text = format!(
        "in {}  out {}  total {} | {} | regions {} | ASNs {} | bans {} | height {}\nreachable: {reachable}",
        network.inbound,
        network.outbound,
        network.inbound + network.outbound,
        counts(&network.transports),
        counts(&network.regions),
        counts(&network.asns),
        network.bans,
        network.share_height,
    );
    if let Some(alarm) = &network.alarm {
        text.push_str(&format!("\nwarning: {alarm}"));
    }
    text
}

fn bans_text(bans: &List<BanEntry>) -> String {
    if bans.data.is_empty() {
        return "nobody is banned".to_owned();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["SUBJECT", "LEFT", "REASON"]);
    for ban in &bans.data {
        table.add_row([ban.subject.clone(), duration(ban.secs_left), ban.reason.clone()]);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let read = |text: &str| seconds(text).ok();
        assert_eq!(["90", "90s", "10m", "2h", "7d"].map(read), [90, 90, 600, 7_200, 604_800].map(Some));
        assert_eq!(["", "h", "2w", "-1s", "1h30", "99999999999999999999d"].map(read), [None; 6]);
    }
}
