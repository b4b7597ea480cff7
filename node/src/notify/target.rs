//! Whom notices go to, and what each kind of receiver is sent. Pure.
//!
//! A target's URL may hold a secret (Telegram's token does), as may its other fields: none of them is ever logged, and kept
//! notices name their target by a hash of its URL.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};
use sharechain::UnixTime;

use super::{Notice, NoticeKind};

/// What a receiver understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON with every field, signed when there is a secret.
    Json,
    /// <https://docs.ntfy.sh/publish/>
    Ntfy,
    /// `sendMessage` of <https://core.telegram.org/bots/api>.
    Telegram,
    /// <https://discord.com/developers/docs/resources/webhook#execute-webhook>
    Discord,
}

/// See the module.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// Where it listens.
    pub url: String,
    /// What it understands.
    pub format: Format,
    /// What it wants to hear.
    pub kinds: Vec<NoticeKind>,
    /// Signs payloads.
    pub secret: Option<String>,
    /// Bearer token.
    pub token: Option<String>,
    /// Telegram's chat.
    pub chat_id: Option<String>,
    id: String,
}

/// What is sent.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Target {
    /// A target that wants to hear everything.
    pub fn new(url: String, format: Format) -> Self {
        let id = hex::encode(&Sha256::digest(url.as_bytes())[..6]);
        Self { url, format, kinds: NoticeKind::ALL.to_vec(), secret: None, token: None, chat_id: None, id }
    }

    /// Names it without telling its URL.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What this target is sent.
    pub(super) fn request(&self, notice: &Notice, node: &str, now: UnixTime) -> Request {
        let Notice { key, time, kind, title, text, data } = notice;
        let mut headers = vec![("idempotency-key", format!("{node}-{key}"))];
        let (content_type, body) = match self.format {
            Format::Json => {
                let body = json!({
                    "key": key, "time": time, "kind": kind.as_str(), "node": node, "title": title, "text": text, "data": data
                });
                ("application/json", body.to_string())
            }
            Format::Ntfy => {
                let is_urgent = matches!(kind, NoticeKind::Unhealthy | NoticeKind::Upgrade);
                headers.push(("title", title.clone()));
                headers.push(("priority", if is_urgent { "high" } else { "default" }.to_owned()));
                headers.push(("tags", format!("poolnode,{}", kind.as_str())));
                ("text/plain; charset=utf-8", text.clone())
            }
            Format::Telegram => {
                let text = format!("{title}\n{text}");
                let body = json!({"chat_id": self.chat_id, "text": text, "disable_web_page_preview": true});
                ("application/json", body.to_string())
            }
            Format::Discord => {
                // Nobody is mentioned, whatever a text contains.
                let content = format!("**{title}**\n{text}");
                ("application/json", json!({"content": content, "allowed_mentions": {"parse": []}}).to_string())
            }
        };
        headers.push(("content-type", content_type.to_owned()));
        headers.push(("x-poolnode-event", kind.as_str().to_owned()));
        if let Some(secret) = &self.secret {
            headers.push(("x-poolnode-signature", format!("t={now},v1={}", signature(secret, now, &body))));
        }
        if let Some(token) = &self.token {
            headers.push(("authorization", format!("Bearer {token}")));
        }
        Request { url: self.url.clone(), headers, body }
    }
}

/// HMAC-SHA256 of `time.body`, hexadecimal: a receiver makes the same and refuses old times, so nothing can be replayed.
///
/// # Panics
/// Never: HMAC takes keys of any length.
pub fn signature(secret: &str, time: UnixTime, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{time}.{body}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, kinds, id, .. } = self;
        f.debug_struct("Target").field("id", id).field("format", format).field("kinds", kinds).finish_non_exhaustive()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn notice() -> Notice {
        Notice {
            key: "17".to_owned(),
            time: 1_795,
            kind: NoticeKind::Payout,
            title: "Payout in block 7".to_owned(),
            text: "Block 7 pays 50.".to_owned(),
            data: json!({"amount": 50}),
        }
    }

    fn sent(target: &Target) -> (Request, Value) {
        let request = target.request(&notice(), "n1", 1_800);
        let body = serde_json::from_str(&request.body).unwrap_or_else(|_| Value::String(request.body.clone()));
        (request, body)
    }

    fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
        request.headers.iter().find(|(header, _)| *header == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn every_format_is_what_its_receiver_reads() {
        let target = |format| Target::new("https://pool.example/hook".to_owned(), format);
        let (request, body) = sent(&target(Format::Json));
        assert_eq!(body["data"]["amount"], 50);
        assert_eq!((&body["kind"], &body["key"], &body["node"]), (&json!("payout"), &json!("17"), &json!("n1")));
        assert_eq!(header(&request, "idempotency-key"), Some("n1-17"));
        let (request, body) = sent(&target(Format::Ntfy));
        assert_eq!((header(&request, "title"), body), (Some("Payout in block 7"), json!("Block 7 pays 50.")));
        let telegram = Target { chat_id: Some("42".to_owned()), ..target(Format::Telegram) };
        assert_eq!(sent(&telegram).1["chat_id"], "42");
        let (_, body) = sent(&target(Format::Discord));
        assert_eq!(body["allowed_mentions"]["parse"], json!([]));
        assert_eq!(body["content"], "**Payout in block 7**\nBlock 7 pays 50.");
    }

    #[test]
    fn a_payload_is_signed_with_its_time() {
        // printf 1800.body | openssl dgst -sha256 -hmac key
        let signed = signature("key", 1_800, "body");
        assert_eq!(signed, "db87173621541a360d0389dfe74b986ed9b439825e14aa4aaefebab0b3a3e073");
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut target = Target::new("https://api.telegram.org/botTOKEN/sendMessage".to_owned(), Format::Telegram);
        (target.secret, target.token) = (Some("S3CRET".to_owned()), Some("B3ARER".to_owned()));
        let shown = format!("{target:?} {:?} {}", target.request(&notice(), "n1", 0), target.id());
        assert!(["TOKEN", "S3CRET", "B3ARER"].iter().all(|secret| !shown.contains(secret)), "{shown}");
    }
}
