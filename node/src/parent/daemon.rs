//! Follows one daemon: one longpoll that is never aborted early, a poll below it as a safety net, and ZMQ where it is
//! configured.
//!
//! ```text
//!  Starting --self-test, first template--> Ready <--> NotReady (why)
//! ```
//! Whatever the daemon does, this task goes on: it reports and tries again, from the self-test on.

use std::{convert::Infallible, sync::Arc};

use futures::future::{BoxFuture, OptionFuture};
use sharechain::{BlockHash, Params};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    rpc::{RpcClient, RpcError, TemplateRequest},
    self_test::{SelfTestError, self_test, tip_header},
    template::{CoinbaseRoom, Template, TemplateError},
};
use crate::{
    chain_profile::DaemonProfile,
    clock::every,
    defaults::{LONGPOLL_INTERVAL_MIN, PARENT_POLL, RPC_BACKOFF, TEMPLATE_POLL},
};

/// What is known of one daemon.
#[derive(Clone, Debug)]
pub struct DaemonState {
    /// Whether it can be mined with.
    pub health: ParentHealth,
    /// Its newest template, even when it is not ready any more.
    pub template: Option<Arc<Template>>,
    /// When it last said that the template's parent is still its tip.
    pub confirmed: Option<Instant>,
}

/// Whether a daemon can be mined with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParentHealth {
    /// Nothing was heard yet.
    Starting,
    /// Templates come.
    Ready,
    /// They do not, for this reason.
    NotReady(String),
}

impl DaemonState {
    /// Before the first answer.
    pub const fn starting() -> Self {
        Self { health: ParentHealth::Starting, template: None, confirmed: None }
    }

    /// Hash and height of its tip.
    pub fn tip(&self) -> Option<(BlockHash, u32)> {
        self.template.as_ref().map(|template| template.tip())
    }
}

/// Where a follower writes what is known of its daemon: its own place among all.
#[derive(Debug)]
pub struct DaemonSlot {
    index: usize,
    all: watch::Sender<Vec<DaemonState>>,
}

impl DaemonSlot {
    /// The place of this daemon.
    pub const fn new(index: usize, all: watch::Sender<Vec<DaemonState>>) -> Self {
        Self { index, all }
    }

    fn get(&self) -> DaemonState {
        self.all.borrow().get(self.index).cloned().unwrap_or_else(DaemonState::starting)
    }

    fn change(&self, change: impl FnOnce(&mut DaemonState)) {
        self.all.send_modify(|all| {
            if let Some(own) = all.get_mut(self.index) {
                change(own);
            }
        });
    }
}

/// Why following the daemon has to begin anew.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Rpc(#[from] RpcError),
    #[error(transparent)]
    SelfTest(#[from] SelfTestError),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// One daemon and what its chain is like.
#[derive(Debug)]
pub struct Follower {
    /// The daemon.
    pub client: RpcClient,
    /// The share chain.
    pub params: Arc<Params>,
    /// What its answers have to be.
    pub profile: Arc<DaemonProfile>,
    /// Told by ZMQ that there is a new block.
    pub block_seen: Arc<Notify>,
    /// Where what is known of it goes.
    pub state: DaemonSlot,
}

type Templated = Result<Arc<Template>, FollowError>;

impl Follower {
    /// Runs until the token is cancelled.
    pub async fn run(self, token: CancellationToken) {
        let (backoff_min, backoff_max) = RPC_BACKOFF;
        let mut backoff = backoff_min;
        loop {
            let failed = tokio::select! {
                biased;
                () = token.cancelled() => return,
                failed = self.follow() => failed,
            };
            if self.state.get().health == ParentHealth::Ready {
                backoff = backoff_min;
            }
            self.not_ready(&failed);
            tokio::select! {
                biased;
                () = token.cancelled() => return,
                () = sleep(backoff) => {}
            }
            backoff = backoff.saturating_mul(2).min(backoff_max);
        }
    }

    /// Follows the tip until something fails.
    async fn follow(&self) -> FollowError {
        match self.try_follow().await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn try_follow(&self) -> Result<Infallible, FollowError> {
        self_test(&self.client, &self.params, &self.profile).await?;
        let mut newest = self.template(None).await?;
        self.publish(newest.clone()).await?;
        let mut ticks = every(PARENT_POLL);
        loop {
            let longpoll = self.longpoll(newest.longpollid.clone());
            tokio::pin!(longpoll);
            let mut look: Option<BoxFuture<'_, Result<Option<Arc<Template>>, FollowError>>> = None;
            // The longpoll goes on whatever becomes of the other calls: an aborted one keeps its thread in the daemon, and
            // a few of them freeze it.
            let news = loop {
                tokio::select! {
                    biased;
                    template = &mut longpoll => break template,
                    Some(looked) = OptionFuture::from(look.as_mut()) => {
                        look = None;
                        match looked {
                            Ok(None) => self.confirm(),
                            Ok(Some(template)) => match self.publish(template.clone()).await {
                                Ok(()) => newest = template,
                                Err(cause) => self.not_ready(&cause),
                            },
                            Err(cause) => self.not_ready(&cause),
                        }
                    }
                    () = self.block_seen.notified(), if look.is_none() => {
                        look = Some(Box::pin(self.look(newest.work.prev_block)));
                    }
                    _ = ticks.tick(), if look.is_none() => {
                        look = Some(Box::pin(self.look(newest.work.prev_block)));
                    }
                }
            };
            match news {
                Ok(template) => {
                    newest = template;
                    self.publish(newest.clone()).await?;
                }
                // No news for so long is no failure.
                Err(FollowError::Rpc(RpcError::Timeout { .. })) => {}
                Err(cause) => return Err(cause),
            }
        }
    }

    /// A template when the tip is another one.
    async fn look(&self, known: BlockHash) -> Result<Option<Arc<Template>>, FollowError> {
        let tip = self.client.best_block_hash().await?;
        if tip == known { Ok(None) } else { self.template(None).await.map(Some) }
    }

    /// The next template; not sooner than the least interval, and without longpoll support only then.
    async fn longpoll(&self, longpollid: Option<String>) -> Templated {
        let earliest = Instant::now() + LONGPOLL_INTERVAL_MIN;
        let Some(longpollid) = longpollid else {
            sleep(TEMPLATE_POLL).await;
            return self.template(None).await;
        };
        let template = self.template(Some(&longpollid)).await;
        // A new block is passed on at once; only an answer that brings none is held back.
        if template.as_ref().is_ok_and(|template| template.longpollid.as_deref() == Some(&longpollid)) {
            sleep_until(earliest).await;
        }
        template
    }

    async fn template(&self, longpollid: Option<&str>) -> Templated {
        let request = TemplateRequest { rules: &self.profile.rules, arguments: &self.profile.arguments, longpollid };
        let json = self.client.block_template(request).await?;
        Ok(Arc::new(Template::parse(json.get(), &self.profile, &CoinbaseRoom::of(&self.params))?))
    }

    /// Passes a template on. A new tip has to show its work first.
    async fn publish(&self, template: Arc<Template>) -> Result<(), FollowError> {
        let (tip, height) = template.tip();
        let before = self.state.get().tip();
        if before.map(|(before, _)| before) != Some(tip) && tip != self.params.parent().genesis {
            tip_header(&self.client, &self.params, &self.profile, &tip).await?;
        }
        if self.state.get().health != ParentHealth::Ready {
            info!(url = self.client.url(), height, "parent daemon is ready");
        }
        let confirmed = Some(Instant::now());
        self.state.change(|state| {
            *state = DaemonState { health: ParentHealth::Ready, template: Some(template), confirmed };
        });
        Ok(())
    }

    fn confirm(&self) {
        self.state.change(|state| {
            state.health = ParentHealth::Ready;
            state.confirmed = Some(Instant::now());
        });
    }

    /// Reports a failure, once per reason.
    fn not_ready(&self, error: &FollowError) {
        let health = ParentHealth::NotReady(error.to_string());
        if self.state.get().health != health {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            warn!(url = self.client.url(), %error, cause, "parent daemon is not ready");
            self.state.change(|state| state.health = health);
        }
    }
}
