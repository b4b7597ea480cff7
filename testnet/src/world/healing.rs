//! Watches a partition heal: when the sides are in contact again, and when all nodes have one tip after that.

use std::{
    collections::BTreeSet,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use node::api::client::ApiClient;
use tokio::{
    task::JoinSet,
    time::{sleep, sleep_until},
};

use super::{
    arrivals::{Micros, micros},
    partition::Partition,
    switch::Traffic,
    verdict::Healed,
};

/// Time between two looks at the tips.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// A partition that has not healed by then does not heal.
const HEALING_MAX: Duration = Duration::from_secs(180);
/// Shares found just before a partition may be on their way when it begins.
const BEFORE: Duration = Duration::from_secs(2);

/// What is needed to watch.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// All nodes.
    pub(super) apis: Vec<ApiClient>,
    /// The switch's counters.
    pub(super) traffic: Arc<Traffic>,
    /// When the measured time began, by both clocks.
    pub(super) began: (Instant, SystemTime),
    /// Time that healing may take after contact.
    pub(super) bound: Duration,
}

impl Watch {
    /// Waits for the end of a partition, and then for one tip; also tells how long shares took no normal way.
    pub(super) async fn heal(self, index: usize, partition: Partition) -> (Healed, Range<Micros>) {
        let over = self.began.0 + Duration::from_secs(partition.end_secs());
        sleep_until(over.into()).await;
        let (contact, agreed) = self.one_tip(index, over).await;
        let since = |earlier: Instant, later: Instant| (later - earlier).as_secs_f64();
        let healed = Healed {
            region: partition.region.to_string(),
            start_secs: partition.start_secs,
            length_secs: partition.length_secs,
            contact_secs: contact.map(|contact| since(over, contact)),
            healed_secs: contact.zip(agreed).map(|(contact, agreed)| since(contact, agreed)),
            bound_secs: self.bound.as_secs_f64(),
        };
        let start = self.began.1 + Duration::from_secs(partition.start_secs) - BEFORE;
        (healed, micros(start)..micros(SystemTime::now()))
    }

    /// When the sides were in contact, and when all nodes had one tip after that; gives up long after the end of the partition.
    async fn one_tip(&self, index: usize, over: Instant) -> (Option<Instant>, Option<Instant>) {
        while over.elapsed() < HEALING_MAX {
            if self.traffic.contact(index).is_some()
                && let Some(agreed) = self.agree().await
            {
                return (self.traffic.contact(index), Some(agreed));
            }
            sleep(LOOK_INTERVAL).await;
        }
        (self.traffic.contact(index), None)
    }

    /// The moment at which all nodes were asked for their tip, if it is the same one.
    async fn agree(&self) -> Option<Instant> {
        let asked = Instant::now();
        let mut answers = JoinSet::new();
        for api in &self.apis {
            let api = api.clone();
            answers.spawn(async move { api.status().await.map(|status| status.share_tip) });
        }
        let tips: Option<BTreeSet<String>> = answers.join_all().await.into_iter().map(Result::ok).collect();
        (tips?.len() == 1).then_some(asked)
    }
}
