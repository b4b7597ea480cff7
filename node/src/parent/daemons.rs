//! All daemons of a node: follows each, and passes on what the chosen one has ([`super::choice`]).

use std::{collections::BTreeMap, sync::Arc};

use sharechain::{BlockHash, Params};
use stratum::timing::HistogramCounts;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Template,
    choice::{Choice, Seen, Standing},
    daemon::{DaemonSlot, DaemonState, Follower, ParentHealth},
    rpc::{BlockStatus, RpcClient, RpcError},
};
use crate::{
    chain_profile::DaemonProfile,
    clock::every,
    defaults::{CHOICE_INTERVAL, TEMPLATE_AGE_MAX},
};

/// What is known of the parent chain.
#[derive(Clone, Debug)]
pub struct ParentState {
    /// Whether it can be mined on.
    pub health: ParentHealth,
    /// The newest template, even when its daemon is not ready any more.
    pub template: Option<Arc<Template>>,
    /// When the daemon last said that the template's parent is still its tip.
    pub confirmed: Option<Instant>,
    /// Every daemon, in the order of the configuration.
    pub daemons: Arc<[DaemonSummary]>,
    /// The one that is mined with.
    pub chosen: usize,
}

/// One daemon beside the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonSummary {
    /// Where it answers.
    pub url: Arc<str>,
    /// Whether it can be mined with.
    pub health: ParentHealth,
    /// Its tip.
    pub tip: Option<(BlockHash, u32)>,
    /// How it compares.
    pub standing: Standing,
}

impl ParentState {
    /// Before the first answer.
    pub fn starting() -> Self {
        Self { health: ParentHealth::Starting, template: None, confirmed: None, daemons: Arc::default(), chosen: 0 }
    }

    /// Whether the daemon has lately stood by its template: an old one would be mined in vain.
    pub fn is_fresh(&self) -> bool {
        self.confirmed.is_some_and(|confirmed| confirmed.elapsed() < TEMPLATE_AGE_MAX)
    }

    /// Hash and height of the parent chain's tip.
    pub fn tip(&self) -> Option<(BlockHash, u32)> {
        self.template.as_ref().map(|template| template.tip())
    }
}

/// How to reach the daemons: the chosen one for questions, all of them for blocks.
#[derive(Clone, Debug)]
pub struct Daemons {
    clients: Arc<[RpcClient]>,
    state: watch::Receiver<ParentState>,
}

impl Daemons {
    /// These daemons, with what is known of them.
    pub fn new(clients: Vec<RpcClient>, state: watch::Receiver<ParentState>) -> Self {
        Self { clients: clients.into(), state }
    }

    /// All of them, in the order of the configuration.
    pub fn all(&self) -> &[RpcClient] {
        &self.clients
    }

    /// Calls of all of them by method: how long they took, and how many failed.
    pub fn calls(&self) -> Vec<(&'static str, HistogramCounts, u64)> {
        let mut by_method = BTreeMap::<&'static str, (HistogramCounts, u64)>::new();
        for (method, times, failed) in self.clients.iter().flat_map(|client| client.calls().counts()) {
            let sum = by_method.entry(method).or_default();
            *sum = (sum.0.and(&times), sum.1.saturating_add(failed));
        }
        by_method.into_iter().map(|(method, (times, failed))| (method, times, failed)).collect()
    }

    /// The one that is mined with.
    pub fn best(&self) -> Option<&RpcClient> {
        self.by_trust().next()
    }

    /// All of them, the one that is mined with first.
    fn by_trust(&self) -> impl Iterator<Item = &RpcClient> {
        let chosen = self.state.borrow().chosen;
        let is_chosen = move |index: usize| index == chosen;
        let first = self.clients.iter().enumerate().filter(move |(index, _)| is_chosen(*index));
        let others = self.clients.iter().enumerate().filter(move |(index, _)| !is_chosen(*index));
        first.chain(others).map(|(_, client)| client)
    }

    /// Hash of the main chain's block at a height, as the chosen daemon has it.
    ///
    /// # Errors
    /// The chosen daemon's, when no other answers either.
    pub async fn block_hash(&self, height: u32) -> Result<BlockHash, RpcError> {
        let mut first_error = None;
        for client in self.by_trust() {
            match client.block_hash(height).await {
                Ok(hash) => return Ok(hash),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(no_daemon))
    }

    /// What is known of a block: what the chosen daemon says, or another that has it on its main chain; `None` when none has
    /// it.
    ///
    /// # Errors
    /// The first one's, when no daemon answers.
    pub async fn block_status(&self, hash: &BlockHash) -> Result<Option<BlockStatus>, RpcError> {
        let (mut first_error, mut known, mut answered) = (None, None, false);
        for client in self.by_trust() {
            match client.block_status(hash).await {
                Ok(Some(status)) if status.confirmations >= 1 => return Ok(Some(status)),
                Ok(status) => {
                    answered = true;
                    known = known.or(status);
                }
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        if answered { Ok(known) } else { Err(first_error.unwrap_or_else(no_daemon)) }
    }

    /// A whole block, of the first daemon that has it.
    ///
    /// # Errors
    /// The first one's, when none has it.
    pub async fn block(&self, hash: &BlockHash) -> Result<Vec<u8>, RpcError> {
        let mut first_error = None;
        for client in self.by_trust() {
            match client.block(hash).await {
                Ok(block) => return Ok(block),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(no_daemon))
    }
}

/// There is always at least one daemon, so this is never seen.
fn no_daemon() -> RpcError {
    RpcError::Malformed { method: "any call", detail: "no daemon is configured".to_owned() }
}

/// Chooses among the daemons; see [`super::choice`].
#[derive(Debug)]
pub struct Chooser {
    urls: Vec<Arc<str>>,
    daemons: watch::Receiver<Vec<DaemonState>>,
    choice: Choice,
    told: Vec<Standing>,
    chosen: Option<usize>,
    state: watch::Sender<ParentState>,
}

/// A follower for each daemon, and what chooses among them. Each client comes with what wakes its follower when ZMQ tells of a
/// block.
pub fn follow(
    clients: Vec<(RpcClient, Arc<Notify>)>,
    params: &Arc<Params>,
    profile: &Arc<DaemonProfile>,
    state: watch::Sender<ParentState>,
) -> (Vec<Follower>, Chooser) {
    let count = clients.len();
    let (sender, daemons) = watch::channel(vec![DaemonState::starting(); count]);
    let urls = clients.iter().map(|(client, _)| client.url().into()).collect();
    let followers = clients.into_iter().enumerate().map(|(index, (client, block_seen))| Follower {
        client,
        params: params.clone(),
        profile: profile.clone(),
        block_seen,
        state: DaemonSlot::new(index, sender.clone()),
    });
    let told = vec![Standing::Well; count];
    let chooser = Chooser { urls, daemons, choice: Choice::new(count), told, chosen: None, state };
    (followers.collect(), chooser)
}

impl Chooser {
    /// Runs until the token is cancelled.
    pub async fn run(mut self, token: CancellationToken) {
        // Silence is seen by the clock alone.
        let mut ticks = every(CHOICE_INTERVAL);
        loop {
            self.choose(Instant::now());
            tokio::select! {
                biased;
                () = token.cancelled() => return,
                changed = self.daemons.changed() => if changed.is_err() { return },
                _ = ticks.tick() => {}
            }
        }
    }

    fn choose(&mut self, now: Instant) {
        let daemons = self.daemons.borrow_and_update().clone();
        let seen: Vec<Option<Seen>> = daemons.iter().map(seen).collect();
        let chosen = self.choice.choose(&seen, now);
        self.report(chosen);
        self.chosen = chosen;
        let summaries: Arc<[DaemonSummary]> = self.summaries(&daemons).into();
        self.state.send_if_modified(|state| {
            let next = match chosen.and_then(|chosen| Some((chosen, daemons.get(chosen)?))) {
                Some((chosen, daemon)) => ParentState {
                    health: ParentHealth::Ready,
                    template: daemon.template.clone(),
                    confirmed: daemon.confirmed,
                    daemons: summaries,
                    chosen,
                },
                None => ParentState { health: health_of_none(&daemons), daemons: summaries, ..state.clone() },
            };
            let same_template = match (&state.template, &next.template) {
                (Some(before), Some(now)) => Arc::ptr_eq(before, now),
                (before, now) => before.is_none() && now.is_none(),
            };
            let is_news = !same_template || state.health != next.health || state.daemons != next.daemons;
            *state = next;
            is_news
        });
    }

    /// Tells the operator what changed.
    fn report(&mut self, chosen: Option<usize>) {
        let url = |index: usize| self.urls.get(index).cloned().unwrap_or_default();
        if self.urls.len() > 1 && chosen != self.chosen {
            match chosen {
                Some(index) => info!(url = %url(index), "mining with this parent daemon"),
                None => warn!("no parent daemon is ready; miners get no new work"),
            }
        }
        let standings = self.choice.standings();
        for (index, (told, standing)) in self.told.iter_mut().zip(standings).enumerate() {
            match standing {
                _ if told == standing => {}
                Standing::Well => info!(url = %url(index), "the parent daemon is level with the others again"),
                Standing::Behind(blocks) if !matches!(told, Standing::Behind(_)) => {
                    warn!(url = %url(index), blocks, "the parent daemon is behind the others; is it connected?");
                }
                Standing::Behind(_) => {}
                Standing::Disagrees => {
                    warn!(url = %url(index), "the parent daemon has another block at the same height as the others");
                }
            }
            *told = *standing;
        }
    }

    fn summaries(&self, daemons: &[DaemonState]) -> Vec<DaemonSummary> {
        let with_standing = daemons.iter().zip(self.choice.standings()).zip(&self.urls);
        let summary = with_standing.map(|((daemon, standing), url)| DaemonSummary {
            url: url.clone(),
            health: daemon.health.clone(),
            tip: daemon.tip(),
            standing: *standing,
        });
        summary.collect()
    }
}

/// What a ready daemon has shown.
fn seen(daemon: &DaemonState) -> Option<Seen> {
    let (tip, height) = daemon.tip().filter(|_| daemon.health == ParentHealth::Ready)?;
    Some(Seen { tip, height, confirmed: daemon.confirmed? })
}

/// Why nothing can be mined on: each daemon's reason.
fn health_of_none(daemons: &[DaemonState]) -> ParentHealth {
    let reasons: Vec<&str> = daemons
        .iter()
        .filter_map(|daemon| match &daemon.health {
            ParentHealth::NotReady(reason) => Some(reason.as_str()),
            ParentHealth::Starting | ParentHealth::Ready => None,
        })
        .collect();
    if reasons.is_empty() { ParentHealth::Starting } else { ParentHealth::NotReady(reasons.join("; ")) }
}
