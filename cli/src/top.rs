//! `poolnode top`: a node on one screen, anew every second.
//!
//! This file has the terminal; what is drawn is a pure function of what the node said ([`screen`]).

use std::{
    collections::VecDeque,
    io::{self, IsTerminal},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use node::api::{client::ApiClient, dto::List};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

mod screen;

use screen::{Peer, Status, View, Worker};

/// Time between two looks at the node.
const REFRESH: Duration = Duration::from_secs(1);
/// Looks that the curve of the hash rate remembers: as many as the widest terminals have columns.
const RATES_MAX: usize = 512;

/// Shows the node until somebody presses q.
pub(crate) async fn run(api: &ApiClient) -> anyhow::Result<ExitCode> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        bail!("there is no terminal to draw on\nhint: `poolnode status --json` is for scripts");
    }
    let mut rates = VecDeque::new();
    // A node that does not answer at all is an error, not a screen.
    let mut view = look(api, &mut rates).await?;
    let mut terminal = ratatui::try_init().context("cannot draw on this terminal")?;
    let shown = loop {
        if let Err(error) = terminal.draw(|frame| screen::draw(frame, &view)) {
            break Err(error.into());
        }
        match tokio::task::spawn_blocking(is_over).await.map_err(io::Error::other).flatten() {
            Ok(true) => break Ok(ExitCode::SUCCESS),
            Ok(false) => {}
            Err(error) => break Err(error.into()),
        }
        match look(api, &mut rates).await {
            Ok(fresh) => view = fresh,
            // The last that was known stays, with why it is old.
            Err(error) => view.lost = Some(error.to_string()),
        }
    };
    ratatui::restore();
    shown
}

/// Asks the node.
async fn look(api: &ApiClient, rates: &mut VecDeque<f64>) -> anyhow::Result<View> {
    let (status, workers, peers, health) = tokio::try_join!(
        api.get::<Status>("status"),
        api.get::<List<Worker>>("workers?limit=1000"),
        api.get::<List<Peer>>("peers?limit=1000"),
        api.health()
    )?;
    if rates.len() == RATES_MAX {
        rates.pop_front();
    }
    rates.push_back(status.hashrate);
    Ok(View { status, workers: workers.data, peers: peers.data, health, rates: rates.clone(), lost: None })
}

/// Waits for a key until it is time for the next look.
fn is_over() -> io::Result<bool> {
    if !event::poll(REFRESH)? {
        return Ok(false);
    }
    let Event::Key(key) = event::read()? else { return Ok(false) };
    let is_interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    let is_quit = matches!(key.code, KeyCode::Char('q') | KeyCode::Esc);
    Ok(key.kind == KeyEventKind::Press && (is_interrupt || is_quit))
}
