//! JSON-RPC client of a coin daemon: one call at a time per question, every answer bounded in size and time.

use std::{path::PathBuf, sync::Arc, time::Duration};

use reqwest::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};
use sharechain::BlockHash;

use crate::defaults::{RPC_BODY_MAX, RPC_LONGPOLL_TIMEOUT, RPC_TIMEOUT};

/// Time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How the daemon knows us.
#[derive(Clone, PartialEq, Eq)]
pub enum RpcAuth {
    /// It asks for nothing.
    None,
    /// A user and a password.
    User {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A file with `user:password` that the daemon writes at every start.
    CookieFile(PathBuf),
}

/// Passwords stay out of logs.
impl std::fmt::Debug for RpcAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::User { .. } => "User",
            Self::CookieFile(_) => "CookieFile",
        })
    }
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// Nothing answers at the address.
    #[error("no daemon answers at {url}; is it running, with its JSON-RPC enabled on this address?")]
    Unreachable {
        /// The address.
        url: String,
        /// Why not.
        #[source]
        source: reqwest::Error,
    },
    /// The answer did not come in time.
    #[error("the daemon at {url} did not answer {method} within {} s", after.as_secs())]
    Timeout {
        /// The address.
        url: String,
        /// The call.
        method: &'static str,
        /// The time it was given.
        after: Duration,
    },
    /// User or password are wrong.
    #[error("the daemon at {0} refuses our user and password")]
    Unauthorized(String),
    /// The cookie file cannot be read.
    #[error("cannot read the daemon's cookie {}", path.display())]
    Cookie {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The daemon says no.
    #[error("the daemon answers {method} with error {code}: {message}")]
    Daemon {
        /// The call.
        method: &'static str,
        /// Its code.
        code: i64,
        /// Its words.
        message: String,
    },
    /// The answer is not what this call returns.
    #[error("the daemon's answer to {method} makes no sense: {detail}")]
    Malformed {
        /// The call.
        method: &'static str,
        /// What is wrong.
        detail: String,
    },
}

/// Bitcoin Core's code for a block it does not know.
const NOT_FOUND: i64 = -5;

/// What a daemon knows about a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct BlockStatus {
    /// Blocks on top, itself included; below 1 when it is not on the best chain.
    pub confirmations: i64,
    /// Its height.
    pub height: u32,
}

/// A daemon.
#[derive(Clone, Debug)]
pub struct RpcClient {
    url: Arc<str>,
    auth: RpcAuth,
    http: reqwest::Client,
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<DaemonError>,
}

#[derive(Deserialize)]
struct DaemonError {
    code: i64,
    message: String,
}

/// The result in the body of a daemon's answer.
///
/// # Errors
/// [`RpcError::Daemon`] when the daemon says no, [`RpcError::Malformed`] when the body is no answer to this call.
pub fn parse_answer<T: DeserializeOwned>(method: &'static str, body: &[u8]) -> Result<T, RpcError> {
    let malformed = |error: serde_json::Error| RpcError::Malformed { method, detail: error.to_string() };
    let reply: Reply<'_> = serde_json::from_slice(body).map_err(malformed)?;
    if let Some(DaemonError { code, message }) = reply.error {
        return Err(RpcError::Daemon { method, code, message });
    }
    serde_json::from_str(reply.result.map_or("null", RawValue::get)).map_err(malformed)
}

impl RpcClient {
    /// A client for this address; nothing is sent yet.
    ///
    /// # Errors
    /// When the system gives no HTTP client.
    pub fn new(url: &str, auth: RpcAuth) -> Result<Self, RpcError> {
        // A proxy from the environment has no business between a node and its daemon.
        let http = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT_TIMEOUT).build();
        let http = http.map_err(|source| RpcError::Unreachable { url: url.to_owned(), source })?;
        Ok(Self { url: url.into(), auth, http })
    }

    /// Where the daemon answers, for messages.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Hash of the main chain's block at a height.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn block_hash(&self, height: u32) -> Result<BlockHash, RpcError> {
        self.hash("getblockhash", json!([height])).await
    }

    /// Hash of the tip.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn best_block_hash(&self) -> Result<BlockHash, RpcError> {
        self.hash("getbestblockhash", json!([])).await
    }

    /// What the daemon knows about a block; `None` when it does not know it.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn block_status(&self, hash: &BlockHash) -> Result<Option<BlockStatus>, RpcError> {
        match self.call("getblockheader", json!([hash.to_string(), true]), RPC_TIMEOUT).await {
            Ok(status) => Ok(Some(status)),
            Err(RpcError::Daemon { code: NOT_FOUND, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The template of the next block, as JSON. With a longpoll id the daemon answers when it has a newer one.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn block_template(&self, rules: &[&str], longpollid: Option<&str>) -> Result<Box<RawValue>, RpcError> {
        let mut request = json!({"rules": rules});
        let mut time = RPC_TIMEOUT;
        if let Some(longpollid) = longpollid {
            request["longpollid"] = json!(longpollid);
            time = RPC_LONGPOLL_TIMEOUT;
        }
        self.call("getblocktemplate", json!([request]), time).await
    }

    /// Hands a block over; the daemon's word for what became of it, `None` when it took it.
    ///
    /// # Errors
    /// [`RpcError`] when the daemon could not judge it.
    pub async fn submit_block(&self, block: &[u8]) -> Result<Option<String>, RpcError> {
        self.call("submitblock", json!([hex::encode(block)]), RPC_TIMEOUT).await
    }

    async fn hash(&self, method: &'static str, params: Value) -> Result<BlockHash, RpcError> {
        let text: String = self.call(method, params, RPC_TIMEOUT).await?;
        text.parse().map_err(|_| RpcError::Malformed { method, detail: "no block hash".to_owned() })
    }

    async fn call<T>(&self, method: &'static str, params: Value, time: Duration) -> Result<T, RpcError>
    where
        T: DeserializeOwned,
    {
        let exchange = self.exchange(method, params);
        let body = tokio::time::timeout(time, exchange).await.map_err(|_| RpcError::Timeout {
            url: self.url.to_string(),
            method,
            after: time,
        })??;
        parse_answer(method, &body)
    }

    /// Sends a request and reads the whole answer, whatever its HTTP status: errors come with 500 or 404.
    async fn exchange(&self, method: &'static str, params: Value) -> Result<Vec<u8>, RpcError> {
        let unreachable = |source| RpcError::Unreachable { url: self.url.to_string(), source };
        let request = json!({"jsonrpc": "1.0", "id": 0, "method": method, "params": params});
        let mut builder = self.http.post(&*self.url).json(&request);
        if let Some((user, password)) = self.credentials()? {
            builder = builder.basic_auth(user, Some(password));
        }
        let mut response = builder.send().await.map_err(unreachable)?;
        if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(RpcError::Unauthorized(self.url.to_string()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > RPC_BODY_MAX {
                return Err(RpcError::Malformed { method, detail: format!("longer than {RPC_BODY_MAX} bytes") });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The cookie is read for every call: the daemon writes a new one at every start.
    fn credentials(&self) -> Result<Option<(String, String)>, RpcError> {
        match &self.auth {
            RpcAuth::None => Ok(None),
            RpcAuth::User { user, password } => Ok(Some((user.clone(), password.clone()))),
            RpcAuth::CookieFile(path) => {
                let cookie =
                    std::fs::read_to_string(path).map_err(|source| RpcError::Cookie { path: path.clone(), source })?;
                let (user, password) = cookie.trim().split_once(':').unwrap_or_else(|| (cookie.trim(), ""));
                Ok(Some((user.to_owned(), password.to_owned())))
            }
        }
    }
}
