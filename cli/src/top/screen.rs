//! What `poolnode top` draws. Reads nothing and knows no time: the same view makes the same screen, of any size.

use std::collections::VecDeque;

use node::api::dto::{Health, Submits};
use ratatui::{
    Frame,
    layout::{Constraint, Direction, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Text},
    widgets::{Block, Paragraph, Row, Sparkline, Table, Wrap},
};
use serde::Deserialize;

use crate::render::{duration, hashrate, short};

/// From this width on workers and peers stand side by side.
const WIDE: u16 = 110;

/// The part of the node's status that is drawn.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Status {
    network: String,
    version: String,
    uptime_secs: u64,
    sync_state: String,
    mining: bool,
    share_height: u64,
    share_tip: String,
    window_shares: u64,
    shares: usize,
    shares_waiting: usize,
    shares_held_back: usize,
    peers: usize,
    miners: usize,
    pub(super) hashrate: f64,
    submits: Submits,
    parent: Parent,
    blocks_found: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Parent {
    height: Option<u32>,
    problem: Option<String>,
}

/// The part of a worker that is drawn.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Worker {
    address: String,
    worker: String,
    hashrate: f64,
    submits: Submits,
}

/// The part of a peer that is drawn.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Peer {
    peer_id: String,
    direction: String,
    rtt_min_ms: Option<f64>,
    region: Option<String>,
    share_lag: Option<u64>,
    connected_secs: u64,
}

/// What the node said.
#[derive(Debug)]
pub(super) struct View {
    pub(super) status: Status,
    pub(super) workers: Vec<Worker>,
    pub(super) peers: Vec<Peer>,
    pub(super) health: Health,
    /// Hash rates of the looks so far, the newest last.
    pub(super) rates: VecDeque<f64>,
    /// Why nothing newer is known.
    pub(super) lost: Option<String>,
}

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View) {
    let troubles = troubles(view);
    let below = u16::try_from(troubles.len()).unwrap_or(u16::MAX).clamp(1, 4) + 1;
    let rows = [Constraint::Length(1), Constraint::Length(5), Constraint::Min(0), Constraint::Length(below)];
    let [head, numbers, lists, foot] = Layout::vertical(rows).areas(frame.area());
    frame.render_widget(headline(&view.status), head);
    let [rate, chain] = Layout::horizontal([Constraint::Percentage(50); 2]).areas(numbers);
    draw_rate(frame, view, rate);
    frame.render_widget(Paragraph::new(chain_lines(&view.status)).block(Block::bordered().title("share chain")), chain);
    let direction = if lists.width >= WIDE { Direction::Horizontal } else { Direction::Vertical };
    let [workers, peers] = Layout::new(direction, [Constraint::Percentage(50); 2]).areas(lists);
    frame.render_widget(worker_table(&view.workers), workers);
    frame.render_widget(peer_table(&view.peers), peers);
    let lines: Vec<Line<'_>> = troubles.into_iter().map(Line::from).chain([Line::from("q quits")]).collect();
    frame.render_widget(Paragraph::new(Text::from(lines)).wrap(Wrap { trim: true }), foot);
}

fn headline(status: &Status) -> Paragraph<'static> {
    let mining = if status.mining { "mining" } else { "NOT MINING" };
    let text = format!(
        "poolnode {}  {}  {}  {mining}  {} peers  up {}",
        status.version,
        status.network,
        status.sync_state,
        status.peers,
        duration(status.uptime_secs)
    );
    Paragraph::new(text).style(Style::new().add_modifier(Modifier::REVERSED))
}

fn draw_rate(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let Status { miners, submits, .. } = &view.status;
    let title = format!("{} of {miners} workers", hashrate(view.status.hashrate));
    let block = Block::bordered().title(title);
    let [curve, line] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(block.inner(area));
    frame.render_widget(block, area);
    let newest = view.rates.len().saturating_sub(curve.width.into());
    frame.render_widget(Sparkline::default().data(view.rates.iter().skip(newest).map(|rate| heights(*rate))), curve);
    let text = format!("{} accepted  {} stale  {} rejected", submits.accepted, submits.stale, submits.rejected);
    frame.render_widget(Paragraph::new(text), line);
}

/// What a curve takes.
const fn heights(rate: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; a curve has eight steps")]
    let height = rate as u64;
    height
}

fn chain_lines(status: &Status) -> Text<'static> {
    let parent = match (&status.parent.problem, status.parent.height) {
        (Some(problem), _) => format!("parent: {problem}"),
        (None, Some(height)) => format!("parent height {height}"),
        (None, None) => "parent height unknown".to_owned(),
    };
    let waiting =
        format!("{} shares  {} waiting  {} held back", status.shares, status.shares_waiting, status.shares_held_back);
    let tip =
        format!("height {}  tip {}  window {}", status.share_height, short(&status.share_tip), status.window_shares);
    Text::from(vec![
        Line::from(tip),
        Line::from(waiting),
        Line::from(format!("{parent}  blocks found {}", status.blocks_found)),
    ])
}

fn worker_table(workers: &[Worker]) -> Table<'static> {
    let mut sorted: Vec<&Worker> = workers.iter().collect();
    sorted.sort_by(|one, other| other.hashrate.total_cmp(&one.hashrate));
    let rows = sorted.into_iter().map(|worker| {
        let refused = worker.submits.stale + worker.submits.rejected;
        Row::new([
            printable(&worker.worker),
            short(&worker.address),
            hashrate(worker.hashrate),
            worker.submits.accepted.to_string(),
            refused.to_string(),
        ])
    });
    let widths = [
        Constraint::Min(8),
        Constraint::Length(14),
        Constraint::Length(12),
        Constraint::Length(9),
        Constraint::Length(8),
    ];
    let title = format!("workers: {}", workers.len());
    Table::new(rows, widths)
        .header(header(["WORKER", "ADDRESS", "HASH RATE", "ACCEPTED", "REFUSED"]))
        .block(Block::bordered().title(title))
}

fn peer_table(peers: &[Peer]) -> Table<'static> {
    let rows = peers.iter().map(|peer| {
        let rtt = peer.rtt_min_ms.map_or_else(|| "-".to_owned(), |rtt| format!("{rtt:.0} ms"));
        Row::new([
            if peer.direction == "outbound" { "out" } else { "in" }.to_owned(),
            short(&peer.peer_id),
            rtt,
            peer.region.clone().unwrap_or_else(|| "-".to_owned()),
            peer.share_lag.map_or_else(|| "-".to_owned(), |lag| lag.to_string()),
            duration(peer.connected_secs),
        ])
    });
    let widths = [
        Constraint::Length(3),
        Constraint::Min(14),
        Constraint::Length(8),
        Constraint::Length(6),
        Constraint::Length(5),
        Constraint::Length(6),
    ];
    let title = format!("peers: {}", peers.len());
    Table::new(rows, widths)
        .header(header(["<->", "PEER", "RTT", "REGION", "LAG", "AGE"]))
        .block(Block::bordered().title(title))
}

fn header<const N: usize>(names: [&'static str; N]) -> Row<'static> {
    Row::new(names).style(Style::new().add_modifier(Modifier::BOLD))
}

/// What is wrong, the worst first; one line when nothing is.
fn troubles(view: &View) -> Vec<String> {
    let lost = view.lost.iter().map(|why| format!("NO ANSWER: {why}"));
    let problems = view.health.problems.iter().map(|problem| format!("PROBLEM: {problem}"));
    let all: Vec<String> = lost.chain(problems).collect();
    if all.is_empty() { vec![format!("health: {}", view.health.status)] } else { all }
}

/// Names of workers are anybody's.
fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, backend::TestBackend};
    use serde_json::json;

    use super::*;

    fn view() -> View {
        let status = json!({
            "network": "devnet", "version": "0.1.0", "uptime_secs": 90_000, "sync_state": "synced", "mining": true,
            "share_height": 184_221, "share_tip": "0123456789abcdef0123", "window_shares": 600, "shares": 700, "shares_waiting": 1,
            "shares_held_back": 0, "peers": 1, "miners": 2, "hashrate": 3.0e12,
            "submits": {"accepted": 40, "stale": 1, "rejected": 2}, "parent": {"height": 812, "problem": null}, "blocks_found": 3,
        });
        let worker = |name: &str, hashrate: f64| {
            json!({
                "address": "dn1qqurswpc8qurswpc8qurswpc8qurswpc8xqyr0r", "worker": name, "hashrate": hashrate,
                "submits": {"accepted": 20, "stale": 1, "rejected": 1},
            })
        };
        let workers = [worker("small", 1.0e12), worker("gr\u{1b}eat", 2.0e12)];
        View {
            status: serde_json::from_value(status).unwrap(),
            workers: workers.map(|worker| serde_json::from_value(worker).unwrap()).to_vec(),
            peers: Vec::new(),
            health: Health { status: "ready".to_owned(), problems: Vec::new(), findings: Vec::new() },
            rates: (0_u8..200).map(f64::from).collect(),
            lost: None,
        }
    }

    fn lines(view: &View, (width, height): (u16, u16)) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, view)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(|y| row(y).trim_end().to_owned()).collect()
    }

    #[test]
    fn a_usual_terminal_shows_rate_chain_workers_and_health() {
        let shown = lines(&view(), (100, 30));
        let all = shown.join("\n");
        assert_eq!(shown[0], "poolnode 0.1.0  devnet  synced  mining  1 peers  up 1d01");
        for words in [
            "3.00 TH/s of 2 workers",
            "40 accepted  1 stale  2 rejected",
            "height 184221  tip 01234567..0123",
            "peers: 0",
            "health: ready",
        ] {
            assert!(all.contains(words), "{words}:\n{all}");
        }
        let place =
            |name: &str| shown.iter().position(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}:\n{all}"));
        assert!(place("great") < place("small"), "the most hash rate first, and no control characters");
        assert!(place("workers: 2") < place("peers: 0"), "below each other");
    }

    #[test]
    fn a_wide_terminal_has_the_lists_side_by_side() {
        let shown = lines(&view(), (160, 40));
        assert!(
            shown.iter().any(|line| line.contains("workers: 2") && line.contains("peers: 0")),
            "{}",
            shown.join("\n")
        );
    }

    #[test]
    fn trouble_is_said_at_the_bottom() {
        let health =
            Health { status: "unhealthy".to_owned(), problems: vec!["no daemon".to_owned()], findings: Vec::new() };
        let shown = lines(&View { health, lost: Some("timeout".to_owned()), ..view() }, (100, 30));
        assert_eq!(shown[27..], ["NO ANSWER: timeout", "PROBLEM: no daemon", "q quits"]);
    }

    #[test]
    fn no_terminal_is_too_small() {
        for size in [(1, 1), (10, 3), (20, 8), (500, 2)] {
            assert_eq!(lines(&view(), size).len(), usize::from(size.1));
        }
    }
}
