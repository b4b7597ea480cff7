//! Where prices come from: files, programs and HTTP. The only part of the lanes that leaves the process.
//!
//! Every source has its time limit and its bound of bytes, and none can hold up another. A program is started without a shell
//! and with an empty environment but for `PATH`: what it prints is read, what it is given is only what the operator wrote.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::UNIX_EPOCH,
};

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use sharechain::UnixTime;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    sync::watch,
    time::{Duration, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    super::{
        PriceSeen,
        limits::{PRICE_BODY_LEN_MAX, PRICE_SOURCES_MAX},
    },
    ParseError, PriceLimits, Sample, combine, parse,
};
use crate::{
    clock::{every, unix_now},
    notify::{Sender, SenderError},
};

/// Time for one source to answer.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between two looks. A price may be ten minutes old, so that one that is missed now and then does no harm.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// Where one price is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    /// A file that somebody writes; its age is that of its last change.
    File(PathBuf),
    /// A program and its arguments; what it prints.
    Command(Vec<String>),
    /// `http://..` or `https://..`; what it answers.
    Http(String),
}

/// One source of a coin's price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What it is called in words.
    pub name: String,
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// Where the price is in its JSON (RFC 6901); without one, the whole is a number.
    #[serde(default)]
    pub pointer: Option<String>,
}

/// Prices by coin; a coin without sources is not there.
pub type Prices = Arc<BTreeMap<String, PriceSeen>>;

/// Looks at all sources again and again.
#[derive(Debug)]
pub struct PriceTask {
    coins: BTreeMap<String, Vec<Source>>,
    limits: PriceLimits,
    fetcher: Fetcher,
    /// What each source said last: one that fails once is not forgotten before it is too old.
    last: BTreeMap<(String, String), Sample>,
    prices: watch::Sender<Prices>,
}

impl PriceTask {
    /// For these sources by coin, of which at most [`PRICE_SOURCES_MAX`] each are asked.
    pub fn new(
        mut coins: BTreeMap<String, Vec<Source>>,
        limits: PriceLimits,
        fetcher: Fetcher,
    ) -> (Self, watch::Receiver<Prices>) {
        for sources in coins.values_mut() {
            sources.truncate(PRICE_SOURCES_MAX);
        }
        let (prices, seen) = watch::channel(Prices::default());
        (Self { coins, limits, fetcher, last: BTreeMap::new(), prices }, seen)
    }

    /// Runs until the token is cancelled.
    pub async fn run(mut self, token: CancellationToken) {
        let mut looks = every(LOOK_INTERVAL);
        loop {
            // A look that is cut short is made anew after the next start.
            tokio::select! {
                biased;
                () = token.cancelled() => return,
                () = async { looks.tick().await; self.look().await } => {}
            }
        }
    }

    /// Asks all sources at once, and publishes what they agree on.
    async fn look(&mut self) {
        let asked = self.coins.iter().flat_map(|(coin, sources)| sources.iter().map(move |source| (coin, source)));
        let fetcher = &self.fetcher;
        let answers =
            join_all(asked.map(|(coin, source)| async move { (coin.clone(), fetcher.fetch(source).await) })).await;
        for (coin, sample) in answers {
            let key = (coin, sample.source.clone());
            if let (Err(cause), Some(kept)) = (&sample.price, self.last.get(&key))
                && kept.price.is_ok()
            {
                info!(event = "price_source_failed", coin = %key.0, source = %key.1, %cause, "its last price counts until it is too old");
                continue;
            }
            self.last.insert(key, sample);
        }
        let prices: BTreeMap<String, PriceSeen> =
            self.coins.keys().map(|coin| (coin.clone(), self.price(coin))).collect();
        let before = self.prices.send_replace(Arc::new(prices.clone()));
        for (coin, price) in &prices {
            let was_refused = matches!(before.get(coin), Some(PriceSeen::Refused(_)));
            match price {
                PriceSeen::Refused(reason) if !was_refused => {
                    warn!(event = "price_refused", %coin, %reason, "no price can be relied on");
                }
                PriceSeen::Quote(quote) if was_refused => info!(event = "price_back", %coin, price = quote.price),
                PriceSeen::Refused(_) | PriceSeen::Quote(_) | PriceSeen::NotNeeded => {}
            }
        }
    }

    fn price(&self, coin: &str) -> PriceSeen {
        let of_coin = self.last.iter().filter(|((of, _), _)| of == coin);
        let samples: Vec<Sample> = of_coin.map(|(_, sample)| sample.clone()).collect();
        match combine(&samples, unix_now(), &self.limits) {
            Ok(quote) => PriceSeen::Quote(quote),
            Err(error) => PriceSeen::Refused(error),
        }
    }
}

/// Reads sources.
#[derive(Clone, Debug)]
pub struct Fetcher {
    http: Sender,
    timeout: Duration,
}

impl Fetcher {
    /// Speaks HTTPS with whom the system trusts.
    ///
    /// # Errors
    /// A source needs HTTPS, and the system has no certificates.
    pub fn new<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Result<Self, SenderError> {
        let urls = sources.into_iter().filter_map(|source| match &source.place {
            Place::Http(url) => Some(url),
            Place::File(_) | Place::Command(_) => None,
        });
        Ok(Self { http: Sender::new(urls)?, timeout: SOURCE_TIMEOUT })
    }

    /// What a source says now.
    pub async fn fetch(&self, source: &Source) -> Sample {
        let reads = async {
            match &source.place {
                Place::File(path) => read_file(path.clone()).await,
                Place::Command(words) => read_command(words).await.map(|bytes| (bytes, unix_now())),
                Place::Http(url) => {
                    let got = self.http.get(url, PRICE_BODY_LEN_MAX).await;
                    got.map(|bytes| (bytes, unix_now())).map_err(|cause| unread(&cause))
                }
            }
        };
        let late = || ParseError::Unread(format!("no answer within {:?}", self.timeout));
        let read = timeout(self.timeout, reads).await.unwrap_or_else(|_| Err(late()));
        let at = read.as_ref().map_or_else(|_| unix_now(), |(_, at)| *at);
        let price = read.and_then(|(bytes, _)| parse(&bytes, source.pointer.as_deref()));
        Sample { source: source.name.clone(), price, at }
    }
}

fn unread(cause: &dyn std::fmt::Display) -> ParseError {
    ParseError::Unread(cause.to_string())
}

/// A file and when it was last changed.
async fn read_file(path: PathBuf) -> Result<(Vec<u8>, UnixTime), ParseError> {
    // A disk that hangs keeps a thread of the pool, not the node.
    let read = tokio::task::spawn_blocking(move || read_file_now(&path)).await;
    read.map_err(|cause| unread(&cause))?
}

fn read_file_now(path: &Path) -> Result<(Vec<u8>, UnixTime), ParseError> {
    let metadata = path.metadata().map_err(|cause| unread(&cause))?;
    // A pipe would wait for its writer.
    if !metadata.is_file() {
        return Err(ParseError::Unread("it is no file".to_owned()));
    }
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|cause| unread(&cause))?;
    file.take(len_max()).read_to_end(&mut bytes).map_err(|cause| unread(&cause))?;
    Ok((bytes, changed.map_or(0, |since| since.as_secs())))
}

/// What a program prints. It is killed when the time is over, or when it prints too much.
async fn read_command(words: &[String]) -> Result<Vec<u8>, ParseError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(ParseError::Unread("there is no program".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let mut child = command.kill_on_drop(true).spawn().map_err(|cause| unread(&cause))?;
    let Some(stdout) = child.stdout.take() else { return Err(ParseError::Unread("it has no output".to_owned())) };
    let bytes = read_bounded(stdout).await?;
    if bytes.len() > PRICE_BODY_LEN_MAX {
        return Err(ParseError::TooLong);
    }
    let status = child.wait().await.map_err(|cause| unread(&cause))?;
    if status.success() { Ok(bytes) } else { Err(ParseError::Unread(status.to_string())) }
}

async fn read_bounded(reader: impl AsyncRead + Unpin) -> Result<Vec<u8>, ParseError> {
    let mut bytes = Vec::new();
    reader.take(len_max()).read_to_end(&mut bytes).await.map_err(|cause| unread(&cause))?;
    Ok(bytes)
}

/// One byte more than is allowed, to see that it is there.
fn len_max() -> u64 {
    u64::try_from(PRICE_BODY_LEN_MAX).unwrap_or(u64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests;
