//! JSON-RPC client of a coin daemon: one call at a time per question, every answer bounded in size and time.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};
use sharechain::{BlockHash, Header, header::HEADER_LEN};

use crate::{
    defaults::{RPC_ALIVE_TIMEOUT, RPC_BODY_MAX, RPC_LONGPOLL_TIMEOUT, RPC_TIMEOUT},
    metrics::Calls,
};

mod setup;

pub use setup::ZmqNotification;

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

/// Calls that are timed.
const METHODS: [&str; 6] =
    ["getbestblockhash", "getblockhash", "getblockheader", "getblocktemplate", "getblockchaininfo", "submitblock"];
/// Bitcoin Core's code for a block it does not know.
const NOT_FOUND: i64 = -5;
/// Its code for a method it does not have.
const METHOD_NOT_FOUND: i64 = -32_601;
/// Characters of a daemon's words that are kept. Stops a hostile one from filling logs and answers of the API.
const WORDS_LEN_MAX: usize = 300;

/// What a daemon knows about a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct BlockStatus {
    /// Blocks on top, itself included; below 1 when it is not on the best chain.
    pub confirmations: i64,
    /// Its height.
    pub height: u32,
}

/// What a daemon says of its chain; old ones leave out fields.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChainInfo {
    /// Name of the network.
    #[serde(default)]
    pub chain: Option<String>,
    /// Height of its tip.
    pub blocks: u32,
    /// Height of the best header it knows.
    #[serde(default)]
    pub headers: Option<u32>,
    /// Whether it is still fetching old blocks.
    #[serde(default, rename = "initialblockdownload")]
    pub initial_download: Option<bool>,
}

/// What getblocktemplate is asked for.
#[derive(Clone, Copy, Debug)]
pub struct TemplateRequest<'a> {
    /// Rules that we understand.
    pub rules: &'a [String],
    /// Further positional arguments.
    pub arguments: &'a [String],
    /// The template that is known: the daemon answers when it has a newer one.
    pub longpollid: Option<&'a str>,
}

/// A daemon.
#[derive(Clone, Debug)]
pub struct RpcClient {
    url: Arc<str>,
    auth: RpcAuth,
    http: reqwest::Client,
    calls: Arc<Calls>,
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
    let malformed = |error: serde_json::Error| RpcError::Malformed { method, detail: words(&error.to_string()) };
    // With a full work queue daemons answer in plain text.
    let reply: Reply<'_> = serde_json::from_slice(body)
        .map_err(|_| RpcError::Malformed { method, detail: words(&String::from_utf8_lossy(body)) })?;
    if let Some(DaemonError { code, message }) = reply.error {
        return Err(RpcError::Daemon { method, code, message: words(&message) });
    }
    serde_json::from_str(reply.result.map_or("null", RawValue::get)).map_err(malformed)
}

/// The parameters of a call: the first, and the further ones that a chain's daemon wants.
fn positional(first: Value, further: &[String]) -> Value {
    std::iter::once(first).chain(further.iter().map(|argument| json!(argument))).collect()
}

/// A daemon's words as they may be logged and shown: bounded, and without control characters.
pub(super) fn words(text: &str) -> String {
    let kept = text.trim().chars().take(WORDS_LEN_MAX);
    kept.map(|character| if character.is_control() { ' ' } else { character }).collect()
}

impl RpcClient {
    /// A client for this address; nothing is sent yet.
    ///
    /// # Errors
    /// When the system gives no HTTP client.
    pub fn new(url: &str, auth: RpcAuth) -> Result<Self, RpcError> {
        // A proxy from the environment has no business between a node and its daemon.
        let http = reqwest::Client::builder()
            .no_proxy()
            // A daemon never redirects; whoever does would be sent our password.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build();
        let http = http.map_err(|source| RpcError::Unreachable { url: url.to_owned(), source })?;
        Ok(Self { url: url.into(), auth, http, calls: Calls::new(&METHODS) })
    }

    /// How long calls take, longpolls excepted.
    pub fn calls(&self) -> &Calls {
        &self.calls
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
        self.hash("getblockhash", json!([height]), RPC_TIMEOUT).await
    }

    /// Hash of the tip.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn best_block_hash(&self) -> Result<BlockHash, RpcError> {
        self.hash("getbestblockhash", json!([]), RPC_ALIVE_TIMEOUT).await
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

    /// A whole block as bytes.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn block(&self, hash: &BlockHash) -> Result<Vec<u8>, RpcError> {
        let method = "getblock";
        let text: String = self.call(method, json!([hash.to_string(), 0]), RPC_TIMEOUT).await?;
        hex::decode(&text).map_err(|_| RpcError::Malformed { method, detail: "no hexadecimal".to_owned() })
    }

    /// What the daemon says of its chain; `None` when it is too old to be asked.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn chain_info(&self) -> Result<Option<ChainInfo>, RpcError> {
        let info = self.optional::<ChainInfo>("getblockchaininfo", json!([])).await?;
        Ok(info.map(|info| ChainInfo { chain: info.chain.map(|name| words(&name)), ..info }))
    }

    /// A block's header as bytes.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn header(&self, hash: &BlockHash) -> Result<Header, RpcError> {
        let method = "getblockheader";
        let text: String = self.call(method, json!([hash.to_string(), false]), RPC_TIMEOUT).await?;
        let mut bytes = [0; HEADER_LEN];
        hex::decode_to_slice(&text, &mut bytes)
            .map_err(|_| RpcError::Malformed { method, detail: "no header of 80 bytes".to_owned() })?;
        Ok(Header::decode(&bytes))
    }

    /// The template of the next block, as JSON. With a longpoll id the daemon answers when it has a newer one.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn block_template(&self, request: TemplateRequest<'_>) -> Result<Box<RawValue>, RpcError> {
        let mut first = json!({"rules": request.rules});
        let mut time = RPC_TIMEOUT;
        if let Some(longpollid) = request.longpollid {
            first["longpollid"] = json!(longpollid);
            time = RPC_LONGPOLL_TIMEOUT;
        }
        self.call("getblocktemplate", positional(first, request.arguments), time).await
    }

    /// Has a block checked in everything but its proof of work (BIP23); the daemon's word against it, `None` when it is good.
    ///
    /// # Errors
    /// [`RpcError`] when the daemon could not judge it.
    pub async fn propose_block(
        &self,
        block: &[u8],
        rules: &[String],
        arguments: &[String],
    ) -> Result<Option<String>, RpcError> {
        let first = json!({"mode": "proposal", "data": hex::encode(block), "rules": rules});
        let word = self.call::<Option<String>>("getblocktemplate", positional(first, arguments), RPC_TIMEOUT).await?;
        Ok(word.map(|word| words(&word)))
    }

    /// Hands a block over; the daemon's word for what became of it, `None` when it took it.
    ///
    /// # Errors
    /// [`RpcError`] when the daemon could not judge it.
    pub async fn submit_block(&self, block: &[u8]) -> Result<Option<String>, RpcError> {
        let word = self.call::<Option<String>>("submitblock", json!([hex::encode(block)]), RPC_TIMEOUT).await?;
        Ok(word.map(|word| words(&word)))
    }

    async fn hash(&self, method: &'static str, params: Value, time: Duration) -> Result<BlockHash, RpcError> {
        let text: String = self.call(method, params, time).await?;
        text.parse().map_err(|_| RpcError::Malformed { method, detail: "no block hash".to_owned() })
    }

    /// A call that not every daemon has; `None` where it is missing.
    async fn optional<T: DeserializeOwned>(&self, method: &'static str, params: Value) -> Result<Option<T>, RpcError> {
        match self.call(method, params, RPC_TIMEOUT).await {
            Ok(answer) => Ok(Some(answer)),
            Err(RpcError::Daemon { code: METHOD_NOT_FOUND, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn call<T>(&self, method: &'static str, params: Value, time: Duration) -> Result<T, RpcError>
    where
        T: DeserializeOwned,
    {
        let since = Instant::now();
        let exchange = self.exchange(method, params);
        let exchanged = tokio::time::timeout(time, exchange).await.map_err(|_| RpcError::Timeout {
            url: self.url.to_string(),
            method,
            after: time,
        });
        let answer = exchanged.flatten().and_then(|body| parse_answer(method, &body));
        // An unknown block is an answer, and a longpoll takes as long as there is nothing new.
        let is_ok = matches!(answer, Ok(_) | Err(RpcError::Daemon { .. }));
        if time != RPC_LONGPOLL_TIMEOUT || !is_ok {
            self.calls.count(method, since.elapsed(), is_ok);
        }
        answer
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
