//! What tells of the node: `[metrics]`, `[log]` and `[[notify]]`.

use std::{fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, in_home};
use crate::notify::{Format, NoticeKind, Target};

/// Bytes of a log file when nothing else is said, in megabytes.
const LOG_MB_DEFAULT: u32 = 16;
/// Older log files that are kept when nothing else is said.
const LOG_OLDER_DEFAULT: u32 = 4;
/// Most of them.
const LOG_OLDER_MAX: u32 = 1_000;
/// Time that a worker is gone, or something is wrong, before anybody is told, seconds, when nothing else is said.
const NOTIFY_AFTER_SECS: u64 = 300;
/// Receivers of notices. More are a mistake, and every notice costs a request to each.
const TARGETS_MAX: usize = 16;

/// `[metrics]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawMetrics {
    /// Series of single workers.
    pub per_worker: Option<bool>,
}

/// `[log]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawLog {
    /// A level, or a filter of `tracing`.
    pub filter: Option<String>,
    /// `text` or `json`.
    pub format: Option<String>,
    /// Instead of stderr.
    pub file: Option<PathBuf>,
    /// When it is renamed.
    pub file_mb_max: Option<u32>,
    /// How many older ones are kept.
    pub files_older: Option<u32>,
}

/// `[[notify]]`
#[derive(Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawNotify {
    /// Where it listens.
    pub url: String,
    /// What it understands.
    pub format: Option<String>,
    /// What it wants to hear.
    pub kinds: Option<Vec<String>>,
    /// Signs payloads.
    pub secret: Option<String>,
    /// Bearer token.
    pub token: Option<String>,
    /// Telegram's chat.
    pub chat_id: Option<String>,
}

/// Its URL may be a secret too.
impl fmt::Debug for RawNotify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawNotify").field("format", &self.format).field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

/// What log lines look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// A file of log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFileConfig {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes at which it is renamed.
    pub len_max: u64,
    /// Older ones that are kept.
    pub older: u32,
}

/// The log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    /// What lines look like.
    pub format: LogFormat,
    /// Where they go instead of stderr.
    pub file: Option<LogFileConfig>,
}

/// Who is told of what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotifyConfig {
    /// Receivers.
    pub targets: Vec<Target>,
    /// How long a worker is gone, or something is wrong, before they are told, seconds.
    pub after_secs: u64,
}

/// Why a section is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TelemetryError {
    /// No such format.
    #[error("log.format: {0:?} is neither text nor json")]
    LogFormat(String),
    /// A file of nothing, or without end.
    #[error("log.file_mb_max: must be 1 to 4096; log.files_older: 0 to {LOG_OLDER_MAX}")]
    LogSize,
    /// Not a URL that can be posted to.
    #[error("notify.url: number {0} is not an address like https://ntfy.sh/my-pool")]
    Url(usize),
    /// No such format.
    #[error("notify.format: {0:?} is none of json, ntfy, telegram, discord")]
    Format(String),
    /// No such kind.
    #[error("notify.kinds: {0:?} is none of worker_offline, block, payout, unhealthy, upgrade")]
    Kind(String),
    /// Telegram has to know where to.
    #[error("notify.chat_id: is missing, though notify.format is telegram")]
    ChatId,
    /// What would be put into a header.
    #[error("notify.token: has a letter that no token has")]
    Token,
    /// Too many.
    #[error("notify: has more than {TARGETS_MAX} entries")]
    Targets,
}

impl TelemetryError {
    /// The key, or the list, that it is about.
    pub(super) const fn key(&self) -> &'static str {
        match self {
            Self::LogFormat(_) => "log.format",
            Self::LogSize => "log.file_mb_max",
            Self::Url(_) | Self::Format(_) | Self::Kind(_) | Self::ChatId | Self::Token | Self::Targets => "notify",
        }
    }
}

impl RawLog {
    /// Fills in defaults.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn resolve(self) -> Result<LogConfig, ConfigError> {
        let format = match self.format.as_deref() {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => return Err(TelemetryError::LogFormat(other.to_owned()).into()),
        };
        let (megabytes, older) =
            (self.file_mb_max.unwrap_or(LOG_MB_DEFAULT), self.files_older.unwrap_or(LOG_OLDER_DEFAULT));
        if !(1..=4_096).contains(&megabytes) || older > LOG_OLDER_MAX {
            return Err(TelemetryError::LogSize.into());
        }
        let path = self.file.map(|path| in_home(path).ok_or(ConfigError::NoHome)).transpose()?;
        let file = path.map(|path| LogFileConfig { path, len_max: u64::from(megabytes) << 20, older });
        Ok(LogConfig { format, file })
    }
}

/// Checks receivers.
///
/// # Errors
/// [`TelemetryError`] names the key.
pub(super) fn notify(targets: Vec<RawNotify>, after_secs: Option<u64>) -> Result<NotifyConfig, TelemetryError> {
    if targets.len() > TARGETS_MAX {
        return Err(TelemetryError::Targets);
    }
    let numbered = targets.into_iter().enumerate().map(|(place, target)| target.resolve(place + 1));
    Ok(NotifyConfig {
        targets: numbered.collect::<Result<_, _>>()?,
        after_secs: after_secs.unwrap_or(NOTIFY_AFTER_SECS),
    })
}

impl RawNotify {
    fn resolve(self, number: usize) -> Result<Target, TelemetryError> {
        let is_http = self.url.starts_with("https://") || self.url.starts_with("http://");
        let has_host = self.url.parse::<hyper::Uri>().is_ok_and(|uri| uri.host().is_some());
        if !is_http || !has_host {
            return Err(TelemetryError::Url(number));
        }
        let format = match self.format.as_deref() {
            None | Some("json") => Format::Json,
            Some("ntfy") => Format::Ntfy,
            Some("telegram") if self.chat_id.is_none() => return Err(TelemetryError::ChatId),
            Some("telegram") => Format::Telegram,
            Some("discord") => Format::Discord,
            Some(other) => return Err(TelemetryError::Format(other.to_owned())),
        };
        if self.token.as_ref().is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(TelemetryError::Token);
        }
        let mut target = Target::new(self.url, format);
        if let Some(kinds) = self.kinds {
            let kind = |name: String| {
                let known = NoticeKind::ALL.into_iter().find(|kind| kind.as_str() == name);
                known.ok_or(TelemetryError::Kind(name))
            };
            target.kinds = kinds.into_iter().map(kind).collect::<Result<_, _>>()?;
        }
        (target.secret, target.token, target.chat_id) = (self.secret, self.token, self.chat_id);
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(url: &str) -> RawNotify {
        RawNotify { url: url.to_owned(), ..RawNotify::default() }
    }

    #[test]
    fn receivers_are_checked_and_their_secrets_not_shown() {
        let one = |target: RawNotify| notify(vec![target], None).map(|config| config.targets[0].clone());
        let url = "https://ntfy.sh/T0PIC";
        assert_eq!(one(raw(url)).unwrap().kinds, NoticeKind::ALL);
        let kinds = Some(vec!["block".to_owned()]);
        assert_eq!(one(RawNotify { kinds, ..raw(url) }).unwrap().kinds, [NoticeKind::Block]);
        for bad in ["", "ntfy.sh/a", "ftp://a/b", "https://"] {
            assert_eq!(one(raw(bad)), Err(TelemetryError::Url(1)), "{bad}");
        }
        let format = |name: &str| RawNotify { format: Some(name.to_owned()), ..raw(url) };
        assert_eq!(one(format("telegram")), Err(TelemetryError::ChatId));
        assert_eq!(one(format("sms")), Err(TelemetryError::Format("sms".to_owned())));
        let kinds = Some(vec!["lunch".to_owned()]);
        assert_eq!(one(RawNotify { kinds, ..raw(url) }), Err(TelemetryError::Kind("lunch".to_owned())));
        let token = Some("a\r\nb".to_owned());
        assert_eq!(one(RawNotify { token, ..raw(url) }), Err(TelemetryError::Token));
        assert_eq!(notify(vec![raw(url); TARGETS_MAX + 1], None), Err(TelemetryError::Targets));
        let secret = Some("S3CRET".to_owned());
        let shown = format!(
            "{:?} {:?}",
            RawNotify { secret: secret.clone(), ..raw(url) },
            one(RawNotify { secret, ..raw(url) })
        );
        assert!(!shown.contains("S3CRET") && !shown.contains("T0PIC"), "{shown}");
    }

    #[test]
    fn a_log_file_has_a_bound() {
        let raw = RawLog { file: Some("/var/log/p.log".into()), ..RawLog::default() };
        let file = raw.clone().resolve().unwrap().file.unwrap();
        assert_eq!((file.len_max, file.older), (16 << 20, 4));
        assert!(RawLog { file_mb_max: Some(0), ..raw.clone() }.resolve().is_err());
        assert!(RawLog { format: Some("xml".to_owned()), ..raw }.resolve().is_err());
        assert_eq!(RawLog::default().resolve().unwrap(), LogConfig::default());
    }
}
