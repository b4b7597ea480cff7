//! Tells the operator elsewhere: webhooks for workers that went offline, blocks, payouts, an unhealthy node, upgrades.
//!
//! ```text
//! events, health --> Policy (pure: what is worth a notice, and when) --> Outbox (pure: who still has to hear it) --> sender
//!                                                                          |  every change, before anything is sent
//!                                                                          v
//!                                                                      notify.json
//! ```
//! What is in the outbox is sent at least once: it survives a restart, is tried again with growing pauses, and ends in the
//! list of dead letters when nobody takes it. A receiver tells repetitions by `Idempotency-Key`. Nothing waits for a receiver.

use std::{io, path::PathBuf, sync::Arc};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{sync::watch, time::Duration};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    chain_task::ChainView,
    clock::{every, unix_now},
    data_dir::write_durably,
    events::{EventsHandle, Kinds, Subscription},
    parent::{ParentHealth, ParentState},
    problems::{pending_upgrades, problems},
};

mod outbox;
mod policy;
mod sender;
mod target;

pub use outbox::{DeadLetter, Outbox, Outcome};
pub use policy::{Notice, NoticeKind, Policy};
pub use sender::{Sender, SenderError};
pub use target::{Format, Target, signature};

/// Time between two looks at health and at what is due.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What the task is given.
#[derive(Debug)]
pub struct NotifyTask {
    /// Who is told.
    pub targets: Arc<[Target]>,
    /// How long a worker is gone, or something is wrong, before anybody is told.
    pub patience: Duration,
    /// Whose notices these are.
    pub node: String,
    /// What was not delivered yet.
    pub outbox: Outbox,
    /// Where that is kept.
    pub path: PathBuf,
    /// How it is delivered.
    pub sender: Sender,
    /// What happens.
    pub events: EventsHandle,
    /// Health of the share chain.
    pub chain: watch::Receiver<Arc<ChainView>>,
    /// Health of the parent chain.
    pub parent: watch::Receiver<ParentState>,
}

impl NotifyTask {
    /// Runs until the token is cancelled.
    pub async fn run(mut self, token: CancellationToken) {
        let mut policy = Policy::new(self.patience.as_secs());
        let Some(mut events) = self.events.subscribe_node(None, Kinds::ALL).await else { return };
        let mut looks = every(LOOK_INTERVAL);
        let mut sending = FuturesUnordered::<BoxFuture<'static, (u64, Outcome)>>::new();
        loop {
            let mut notices = Vec::new();
            // Streams and intervals lose nothing when another branch wins.
            tokio::select! {
                biased;
                () = token.cancelled() => break,
                Some((delivery, outcome)) = sending.next() => self.on_outcome(delivery, &outcome),
                batch = events.next() => match batch {
                    Some(batch) => {
                        let seen = events.wanted(&batch);
                        notices.extend(seen.flat_map(|event| policy.on_event(event)));
                    }
                    // Further behind than the stream holds: it is taken up where it was.
                    None => match self.resubscribe(policy.last_event()).await {
                        Some(resumed) => events = resumed,
                        None => break token.cancelled().await,
                    },
                },
                _ = looks.tick() => notices.extend(self.look(&mut policy)),
            }
            self.queue(notices);
            let due = self.outbox.take_due(unix_now());
            for delivery in due {
                let Some(target) = self.targets.iter().find(|target| target.id() == delivery.target) else { continue };
                let request = target.request(&delivery.notice, &self.node, unix_now());
                let sender = self.sender.clone();
                sending.push(Box::pin(async move { (delivery.number, sender.send(request).await) }));
            }
        }
        self.save();
    }

    async fn resubscribe(&self, after: Option<u64>) -> Option<Subscription> {
        self.events.subscribe_node(after, Kinds::ALL).await
    }

    fn look(&self, policy: &mut Policy) -> Vec<Notice> {
        let (chain, parent) = (self.chain.borrow().clone(), self.parent.borrow().clone());
        // At the start nothing is wrong yet.
        let is_starting = parent.health == ParentHealth::Starting;
        let wrong = if is_starting { Vec::new() } else { problems(&chain, &parent) };
        policy.on_look(&wrong, &pending_upgrades(&chain), unix_now())
    }

    fn queue(&mut self, notices: Vec<Notice>) {
        let wanted = |target: &&Target, notice: &Notice| target.kinds.contains(&notice.kind);
        let mut is_new = false;
        for notice in notices {
            for target in self.targets.iter().filter(|target| wanted(target, &notice)) {
                info!(event = "notice_queued", kind = notice.kind.as_str(), key = %notice.key, receiver = target.id());
                is_new |= self.outbox.push(target.id(), &notice, unix_now());
            }
        }
        if is_new {
            // Before it is sent: what was sent and not kept would be lost if nobody took it.
            self.save();
        }
    }

    fn on_outcome(&mut self, delivery: u64, outcome: &Outcome) {
        match outcome {
            Outcome::Delivered => {}
            Outcome::Failed { reason, is_final } => {
                warn!(event = "notice_failed", delivery, %reason, is_final, "a notice was not taken");
            }
        }
        self.outbox.on_outcome(delivery, outcome, unix_now());
        self.save();
    }

    fn save(&self) {
        if let Err(cause) = write_durably(&self.path, &self.outbox.to_json()) {
            warn!(event = "notices_unwritten", %cause, path = %self.path.display(), "notices could not be written to disk");
        }
    }
}

/// What the file holds, for these targets; a damaged one is put aside.
pub fn read_outbox(path: &std::path::Path, targets: &[Target]) -> Outbox {
    let read = match path.metadata().map(|metadata| metadata.len()) {
        Ok(len) if len > outbox::FILE_LEN_MAX => Err(io::ErrorKind::FileTooLarge.into()),
        Ok(_) => std::fs::read(path).and_then(|json| Outbox::from_json(&json).map_err(io::Error::other)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Outbox::default(),
        Err(cause) => Err(cause),
    };
    let mut outbox = read.unwrap_or_else(|cause| {
        let moved = std::fs::rename(path, path.with_extension("broken")).is_ok();
        warn!(event = "notices_broken", path = %path.display(), %cause, moved, "kept notices cannot be read; they are put aside");
        Outbox::default()
    });
    outbox.keep_only(|id| targets.iter().any(|target| target.id() == id));
    outbox
}
