//! JSON lines of Stratum V1: requests in, replies and notifications out.
//!
//! Replies always carry both `result` and `error`: cpuminer drops a reply without `result`, others one without `error`.
//! The request's id is echoed as it was spelt; cpuminer sends the same id with every submit.

use std::borrow::Cow;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{json, value::RawValue};

use crate::{error::Reject, limits::USER_AGENT_LEN_MAX};

/// A request whose parameters are not parsed yet.
#[derive(Debug, Deserialize)]
pub struct Request<'a> {
    /// The id in the miner's own spelling.
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    /// The method; absent in replies to us.
    #[serde(borrow, default)]
    pub method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    /// What was asked of the client, in its reply.
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
}

impl<'a> Request<'a> {
    /// Parses one line; `None` when it is not a JSON object with these members.
    pub fn parse(line: &'a str) -> Option<Self> {
        // An array would be taken for the members in order.
        let is_object = line.trim_start().starts_with('{');
        is_object.then(|| serde_json::from_str(line).ok()).flatten()
    }

    /// Whether the sender wants a reply.
    pub fn wants_reply(&self) -> bool {
        self.id.is_some_and(|id| id.get() != "null")
    }

    /// The id as it is echoed.
    pub fn id(&self) -> &'a str {
        self.id.map_or("null", RawValue::get)
    }

    /// The parameters as `T`.
    ///
    /// # Errors
    /// [`Reject::Malformed`] when they are not.
    pub fn params<T: DeserializeOwned>(&self, expected: &'static str) -> Result<T, Reject> {
        let text = self.params.map_or("[]", RawValue::get);
        serde_json::from_str(text).map_err(|_| Reject::Malformed { field: "params", expected })
    }

    /// The reply's text, when this is the reply to what we asked with this id.
    pub fn answer_to(&self, id: &str) -> Option<String> {
        let is_answer = self.method.is_none() && self.id.is_some_and(|given| given.get() == id);
        is_answer.then(|| serde_json::from_str(self.result?.get()).ok()).flatten()
    }

    /// The reply with this result, which is JSON.
    pub fn reply(&self, result: &str) -> String {
        format!(r#"{{"id":{},"result":{result},"error":null}}"#, self.id())
    }

    /// The reply that refuses the request.
    pub fn refuse(&self, reject: &Reject) -> String {
        refusal(self.id(), reject)
    }
}

/// The reply that refuses the request with this id, which is JSON.
pub fn refusal(id: &str, reject: &Reject) -> String {
    let error = json!([reject.code(), reject.to_string(), null]);
    format!(r#"{{"id":{id},"result":null,"error":{error}}}"#)
}

/// `mining.subscribe [user_agent, session_id?, ..]`; every parameter may be absent.
pub fn subscription(request: &Request<'_>) -> (String, Option<String>) {
    let params: Vec<serde_json::Value> = request.params("[user agent, session id]").unwrap_or_default();
    let text = |place: usize| params.get(place).and_then(|param| param.as_str());
    (user_agent(text(0).unwrap_or_default()), text(1).map(str::to_owned))
}

/// What a client calls itself, without what could reach a terminal.
pub fn user_agent(text: &str) -> String {
    text.chars().filter(|letter| letter.is_ascii_graphic() || *letter == ' ').take(USER_AGENT_LEN_MAX).collect()
}

/// A line that nobody answers: `method` with `params`, which is JSON.
pub fn notification(method: &str, params: &str) -> String {
    format!(r#"{{"id":null,"method":"{method}","params":{params}}}"#)
}

/// A request to the client with an id, which is JSON.
pub fn question(id: &str, method: &str) -> String {
    format!(r#"{{"id":{id},"method":"{method}","params":[]}}"#)
}

/// A JSON string.
pub fn quoted(text: &str) -> String {
    json!(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_echoed_verbatim_and_both_members_are_always_there() {
        for (id, wants_reply) in [("4", true), (r#""auth""#, true), ("1.0", true), ("null", false)] {
            let line = format!(r#"{{"id":{id},"method":"m","params":[]}}"#);
            let request = Request::parse(&line).unwrap();
            assert_eq!(request.wants_reply(), wants_reply);
            assert_eq!(request.reply("true"), format!(r#"{{"id":{id},"result":true,"error":null}}"#));
        }
        let request = Request::parse(r#"{"method":"m"}"#).unwrap();
        assert_eq!(
            request.refuse(&Reject::Duplicate),
            r#"{"id":null,"result":null,"error":[22,"duplicate share",null]}"#
        );
    }

    #[test]
    fn garbage_is_no_request() {
        for line in ["", "hello", "[]", "7", r#"{"id":"#, &"[".repeat(10_000)] {
            assert!(Request::parse(line).is_none(), "{line:.20}");
        }
    }

    #[test]
    fn user_agents_lose_what_could_reach_a_terminal() {
        let agent = |line| subscription(&Request::parse(line).unwrap()).0;
        assert_eq!(agent(r#"{"id":1,"params":["cpuminer-multi/1.3.7"]}"#), "cpuminer-multi/1.3.7");
        assert_eq!(agent(r#"{"id":1,"params":["a\u001b[31mb"]}"#), "a[31mb");
        assert_eq!(agent(r#"{"id":1,"params":[null]}"#), "");
        assert_eq!(agent(r#"{"id":1}"#), "");
    }
}
