//! Follows the daemon's tip: one longpoll that is never aborted early, and a poll below it as a safety net.
//!
//! ```text
//!  Starting --genesis is right, first template--> Ready <--> NotReady (why)
//!      \------------ genesis is another one ----> WrongChain
//! ```
//! Whatever the daemon does, this task goes on: it reports and tries again.

use std::{sync::Arc, time::Duration};

use sharechain::{BlockHash, Params};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    rpc::{RpcClient, RpcError},
    template::{Template, TemplateError},
};
use crate::defaults::{LONGPOLL_INTERVAL_MIN, PARENT_POLL, RPC_BACKOFF, TEMPLATE_AGE_MAX};

/// What is known of the parent chain.
#[derive(Clone, Debug)]
pub struct ParentState {
    /// Whether the daemon can be mined with.
    pub health: ParentHealth,
    /// The newest template, even when the daemon is not ready any more.
    pub template: Option<Arc<Template>>,
    /// When the daemon last said that the template's parent is still its tip.
    pub confirmed: Option<Instant>,
}

/// Whether the daemon can be mined with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParentHealth {
    /// Nothing was heard yet.
    Starting,
    /// Templates come.
    Ready,
    /// They do not, for this reason.
    NotReady(String),
}

impl ParentState {
    /// Before the first answer.
    pub const fn starting() -> Self {
        Self { health: ParentHealth::Starting, template: None, confirmed: None }
    }

    /// Whether the daemon has lately stood by its template: an old one would be mined in vain.
    pub fn is_fresh(&self) -> bool {
        self.confirmed.is_some_and(|confirmed| confirmed.elapsed() < TEMPLATE_AGE_MAX)
    }

    /// Hash and height of the parent chain's tip.
    pub fn tip(&self) -> Option<(BlockHash, u32)> {
        let work = &self.template.as_ref()?.work;
        Some((work.prev_block, work.block_height.saturating_sub(1)))
    }
}

/// Why following the daemon has to begin anew.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Rpc(#[from] RpcError),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("the daemon is on another chain: its first block is {found}, this node expects {expected}")]
    WrongChain { found: BlockHash, expected: BlockHash },
}

struct Poller {
    client: RpcClient,
    params: Arc<Params>,
    rules: &'static [&'static str],
    state: watch::Sender<ParentState>,
}

/// Runs until the token is cancelled.
pub async fn run(
    client: RpcClient,
    params: Arc<Params>,
    rules: &'static [&'static str],
    state: watch::Sender<ParentState>,
    token: CancellationToken,
) {
    let poller = Poller { client, params, rules, state };
    let (backoff_min, backoff_max) = RPC_BACKOFF;
    let mut backoff = backoff_min;
    loop {
        let failed = tokio::select! {
            biased;
            () = token.cancelled() => return,
            failed = poller.follow() => failed,
        };
        if poller.state.borrow().health == ParentHealth::Ready {
            backoff = backoff_min;
        }
        poller.not_ready(&failed);
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            () = sleep(backoff) => {}
        }
        backoff = backoff.saturating_mul(2).min(backoff_max);
    }
}

impl Poller {
    /// Follows the tip until something fails.
    async fn follow(&self) -> FollowError {
        match self.try_follow().await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn try_follow(&self) -> Result<std::convert::Infallible, FollowError> {
        let (found, expected) = (self.client.block_hash(0).await?, self.params.parent().genesis);
        if found != expected {
            return Err(FollowError::WrongChain { found, expected });
        }
        let mut newest = self.template(None).await?;
        self.publish(newest.clone());
        let mut ticks = interval(PARENT_POLL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let longpoll = self.longpoll(newest.longpollid.clone());
            tokio::pin!(longpoll);
            // The longpoll goes on whatever becomes of the other calls: an aborted one keeps its thread in the daemon, and
            // a few of them freeze it.
            let news = loop {
                tokio::select! {
                    biased;
                    template = &mut longpoll => break template,
                    _ = ticks.tick() => match self.look(&newest).await {
                        Ok(None) => self.confirm(),
                        Ok(Some(template)) => {
                            newest = template;
                            self.publish(newest.clone());
                        }
                        Err(cause) => self.not_ready(&cause),
                    }
                }
            };
            match news {
                Ok(template) => {
                    newest = template;
                    self.publish(newest.clone());
                }
                // No news for so long is no failure.
                Err(FollowError::Rpc(RpcError::Timeout { .. })) => {}
                Err(cause) => return Err(cause),
            }
        }
    }

    /// A template when the tip is another one.
    async fn look(&self, newest: &Template) -> Result<Option<Arc<Template>>, FollowError> {
        let tip = self.client.best_block_hash().await?;
        if tip == newest.work.prev_block { Ok(None) } else { self.template(None).await.map(Some) }
    }

    /// The next template; not sooner than the least interval, and without longpoll support only then.
    async fn longpoll(&self, longpollid: Option<String>) -> Result<Arc<Template>, FollowError> {
        let earliest = Instant::now() + LONGPOLL_INTERVAL_MIN;
        let Some(longpollid) = longpollid else {
            sleep(Duration::from_secs(5)).await;
            return self.template(None).await;
        };
        let template = self.template(Some(&longpollid)).await;
        // A new block is passed on at once; only an answer that brings none is held back.
        if template.as_ref().is_ok_and(|template| template.longpollid.as_deref() == Some(&longpollid)) {
            sleep_until(earliest).await;
        }
        template
    }

    async fn template(&self, longpollid: Option<&str>) -> Result<Arc<Template>, FollowError> {
        let json = self.client.block_template(self.rules, longpollid).await?;
        Ok(Arc::new(Template::parse(json.get())?))
    }

    fn publish(&self, template: Arc<Template>) {
        let before = self.state.borrow().tip();
        if self.state.borrow().health != ParentHealth::Ready {
            info!(url = self.client.url(), height = template.work.block_height - 1, "parent daemon is ready");
        } else if before.map(|(tip, _)| tip) != Some(template.work.prev_block) {
            info!(height = template.work.block_height - 1, tip = %template.work.prev_block, "new parent block");
        }
        let confirmed = Some(Instant::now());
        self.state.send_replace(ParentState { health: ParentHealth::Ready, template: Some(template), confirmed });
    }

    fn confirm(&self) {
        self.state.send_modify(|state| {
            state.health = ParentHealth::Ready;
            state.confirmed = Some(Instant::now());
        });
    }

    /// Reports a failure, once per reason.
    fn not_ready(&self, error: &FollowError) {
        let health = ParentHealth::NotReady(error.to_string());
        if self.state.borrow().health != health {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            warn!(%error, cause, "parent daemon is not ready; miners get no new work without it");
            self.state.send_modify(|state| state.health = health);
        }
    }
}
