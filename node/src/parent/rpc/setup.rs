//! What a daemon says of its own set-up. Only the diagnostics ask; nothing that is mined depends on it.

use serde::Deserialize;
use serde_json::json;

use super::{RpcClient, RpcError, words};

/// Publishers of a daemon that are looked at. Stops a hostile one from filling a finding.
const NOTIFICATIONS_MAX: usize = 32;

/// What a daemon publishes by ZMQ, and where.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ZmqNotification {
    /// The topic with `pub` before it: `pubhashblock`.
    #[serde(rename = "type")]
    pub topic: String,
    /// `tcp://HOST:PORT`, as its option says.
    pub address: String,
}

#[derive(Deserialize)]
struct Validity {
    isvalid: bool,
}

impl RpcClient {
    /// How many peers it has; `None` when it cannot be asked.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn connection_count(&self) -> Result<Option<u32>, RpcError> {
        self.optional("getconnectioncount", json!([])).await
    }

    /// What it publishes by ZMQ; `None` when it was built without, or is too old to be asked.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn zmq_notifications(&self) -> Result<Option<Vec<ZmqNotification>>, RpcError> {
        let all: Option<Vec<ZmqNotification>> = self.optional("getzmqnotifications", json!([])).await?;
        let bounded = |all: Vec<ZmqNotification>| {
            let kept = all.into_iter().take(NOTIFICATIONS_MAX);
            kept.map(|one| ZmqNotification { topic: words(&one.topic), address: words(&one.address) }).collect()
        };
        Ok(all.map(bounded))
    }

    /// Whether an address is one of its chain; `None` when it cannot be asked.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn is_valid_address(&self, address: &str) -> Result<Option<bool>, RpcError> {
        let validity: Option<Validity> = self.optional("validateaddress", json!([address])).await?;
        Ok(validity.map(|validity| validity.isvalid))
    }
}
