//! A client of the API, for the command line and for tests.

use std::time::Duration;

use reqwest::StatusCode;
use serde::{Serialize, de::DeserializeOwned};

use super::dto::{
    BanEntry, ComponentEntry, Health, List, ListedNode, NetworkSummary, NextPayouts, Peer, PeerOrderBody,
    PeerOrderResult, Problem, ShareDetail, Status, Switching, SwitchingOrderBody, Worker,
};

/// Time for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Pages of one list. Stops a node that does not end from filling memory.
const PAGES_MAX: usize = 1_000;

/// A node's API.
#[derive(Clone, Debug)]
pub struct ApiClient {
    url: String,
    http: reqwest::Client,
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nothing answers.
    #[error("no node answers at {url}; start one with `poolnode run`, or name another with --api")]
    Unreachable {
        /// Where.
        url: String,
        /// Why not.
        #[source]
        source: reqwest::Error,
    },
    /// A node that does not answer in time.
    #[error("the node at {url} did not answer within {} s", TIMEOUT.as_secs())]
    Timeout {
        /// Where.
        url: String,
    },
    /// Not an address.
    #[error("--api: {0:?} is not an address like http://127.0.0.1:23380")]
    BadUrl(String),
    /// The node refuses.
    #[error("{title}: {detail}")]
    Refused {
        /// A short name.
        title: String,
        /// What to do.
        detail: String,
    },
    /// Something else than a node answers.
    #[error("what answers at {url} is no poolnode of this version")]
    Malformed {
        /// Where.
        url: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// A text as one part of a path, or a value of a query, whatever is in it.
pub fn encoded(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(letter).collect()
}

impl ApiClient {
    /// A client for this address; nothing is sent yet.
    ///
    /// # Errors
    /// When the system gives no HTTP client.
    pub fn new(url: &str) -> Result<Self, ApiError> {
        let url = url.trim_end_matches('/').to_owned();
        if !url.starts_with("http://") || reqwest::Url::parse(&url).is_err() {
            return Err(ApiError::BadUrl(url));
        }
        // The node is on this machine; a proxy from the environment cannot reach it.
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
        http.map(|http| Self { url: url.clone(), http }).map_err(|source| ApiError::Unreachable { url, source })
    }

    /// The node at a glance.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn status(&self) -> Result<Status, ApiError> {
        self.get("status").await
    }

    /// Its peers.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn peers(&self) -> Result<List<Peer>, ApiError> {
        self.list("peers?").await
    }

    /// Nodes of the directory, those of the region first.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn nodes(&self, region: Option<&str>) -> Result<List<ListedNode>, ApiError> {
        let region = region.map(|region| format!("region={}&", encoded(region))).unwrap_or_default();
        self.list(&format!("nodes?{region}")).await
    }

    /// What the next block would pay.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn payouts(&self) -> Result<NextPayouts, ApiError> {
        self.get("payouts").await
    }

    /// One share.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn share(&self, id: &str) -> Result<ShareDetail, ApiError> {
        self.get(&format!("shares/{}", encoded(id))).await
    }

    /// The node's place in the network.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn network(&self) -> Result<NetworkSummary, ApiError> {
        self.get("network").await
    }

    /// Who is banned.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn bans(&self) -> Result<List<BanEntry>, ApiError> {
        self.list("peers/bans?").await
    }

    /// Gives an order about peers: `ban`, `unban`, `add`, `drop` or `ping`. `cookie` is what the node's cookie file holds.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn order(&self, order: &str, body: &PeerOrderBody, cookie: &str) -> Result<PeerOrderResult, ApiError> {
        self.post(&format!("peers/{order}"), body, cookie).await
    }

    /// How well every part of it is.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn components(&self) -> Result<List<ComponentEntry>, ApiError> {
        self.list("components?").await
    }

    /// Gives any order below `/api/v1/`. `cookie` is what the node's cookie file holds.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        cookie: &str,
    ) -> Result<T, ApiError> {
        let url = format!("{}/api/v1/{path}", self.url);
        self.answer(self.http.post(url).bearer_auth(cookie).json(body)).await
    }

    /// Gives an order about lanes: `switch`, `release`, `state`, `pause` or `resume`. `cookie` is what the node's cookie file holds.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn switching_order(
        &self,
        order: &str,
        body: &SwitchingOrderBody,
        cookie: &str,
    ) -> Result<Switching, ApiError> {
        self.post(&format!("switching/{order}"), body, cookie).await
    }

    /// Whether it does its work; one that does not says so too.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn health(&self) -> Result<Health, ApiError> {
        let (_, body) = self.exchange(self.http.get(format!("{}/api/v1/health", self.url))).await?;
        self.parse(&body)
    }

    /// Its miners.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn workers(&self) -> Result<List<Worker>, ApiError> {
        self.list("workers?").await
    }

    /// Any path below `/api/v1/`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.answer(self.http.get(format!("{}/api/v1/{path}", self.url))).await
    }

    /// The same, for what only the operator is shown. `cookie` is what the node's cookie file holds.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn get_as_operator<T: DeserializeOwned>(&self, path: &str, cookie: &str) -> Result<T, ApiError> {
        self.answer(self.http.get(format!("{}/api/v1/{path}", self.url)).bearer_auth(cookie)).await
    }

    /// The metrics, as a collector gets them.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn metrics(&self) -> Result<String, ApiError> {
        let (status, body) = self.exchange(self.http.get(format!("{}/metrics", self.url))).await?;
        if !status.is_success() {
            return Err(ApiError::Refused { title: "no metrics".to_owned(), detail: status.to_string() });
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// A whole list, page by page; `path` ends where the parameters of a page go.
    async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<List<T>, ApiError> {
        let (mut data, mut cursor) = (Vec::new(), String::new());
        // A node that always has a next page is not believed for ever.
        for _ in 0..PAGES_MAX {
            let page: List<T> = self.get(&format!("{path}limit=1000{cursor}")).await?;
            data.extend(page.data);
            let Some(next) = page.meta.next else { break };
            cursor = format!("&cursor={next}");
        }
        Ok(List::new(data))
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, ApiError> {
        let (status, body) = self.exchange(request).await?;
        if !status.is_success() {
            let Problem { title, detail, .. } = self.parse(&body)?;
            return Err(ApiError::Refused { title, detail });
        }
        self.parse(&body)
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<(StatusCode, Vec<u8>), ApiError> {
        let unreachable = |source: reqwest::Error| match source.is_timeout() {
            true => ApiError::Timeout { url: self.url.clone() },
            false => ApiError::Unreachable { url: self.url.clone(), source },
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        Ok((status, response.bytes().await.map_err(unreachable)?.into()))
    }

    fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, ApiError> {
        serde_json::from_slice(body).map_err(|source| ApiError::Malformed { url: self.url.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_typed_stays_one_part_of_a_url() {
        assert_eq!(encoded("dn1q0-_Z"), "dn1q0-_Z");
        assert_eq!(encoded("../status?a=b&c#d %"), "%2E%2E%2Fstatus%3Fa%3Db%26c%23d%20%25");
        assert_eq!(encoded("ü"), "%C3%BC");
    }
}
