//! Lines of a Stratum server, told apart. Never decodes more of a line than every line needs: a job of many kilobytes is
//! looked at again when it is mined.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

/// Code of a stale submit in the Stratum wiki.
const STALE_CODE: i64 = 21;
/// Servers that use other codes say it in words.
const STALE_WORD: &str = "stale";

/// One line.
#[derive(Debug)]
pub(super) enum Message<'a> {
    /// The server tells something, or asks when there is an id.
    Call {
        /// What.
        method: Cow<'a, str>,
        /// The id as it was spelt; `None` when no answer is wanted.
        id: Option<&'a str>,
        /// JSON.
        params: &'a str,
    },
    /// The server answers.
    Reply {
        /// The id of the request.
        id: u64,
        /// What it says.
        answer: Answer<'a>,
    },
}

/// The answer to a request.
#[derive(Debug)]
pub(super) enum Answer<'a> {
    /// The result, which is JSON and neither `null` nor `false`.
    Result(&'a str),
    /// The server will not.
    Refused(Refusal),
}

/// Why the server will not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    /// A submit came too late.
    pub(super) is_stale: bool,
    /// In the server's words.
    pub(super) reason: String,
}

/// What every job is looked at for.
#[derive(Debug)]
pub(super) struct JobHead<'a> {
    /// The server's name of the job.
    pub(super) job_id: Cow<'a, str>,
    /// The parent block in the server's spelling.
    pub(super) prev_block: Cow<'a, str>,
    /// Earlier jobs are void.
    pub(super) clean: bool,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Value>,
    // ckpool has its reasons here.
    #[serde(default, rename = "reject-reason")]
    reject_reason: Option<String>,
}

/// Between the parent block and `clean`: both coinbase parts, the branch, version, bits and time.
#[derive(Deserialize)]
struct Notify<'a>(
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    IgnoredAny,
    IgnoredAny,
    IgnoredAny,
    IgnoredAny,
    IgnoredAny,
    IgnoredAny,
    bool,
);

impl<'a> Message<'a> {
    /// Parses one line; `None` when it is neither a call nor a reply.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let line: Line<'a> = serde_json::from_str(line).ok()?;
        match line.method {
            Some(method) => {
                let params = line.params.map_or("[]", RawValue::get);
                Some(Self::Call { method, id: line.id.map(RawValue::get), params })
            }
            None => {
                let id = line.id?.get().parse().ok()?;
                let result = line.result.map_or("null", RawValue::get);
                let answer = match (line.error, result) {
                    (Some(error), _) => Answer::Refused(Refusal::of_error(&error)),
                    (None, "null" | "false") => Answer::Refused(Refusal::new(None, line.reject_reason)),
                    (None, result) => Answer::Result(result),
                };
                Some(Self::Reply { id, answer })
            }
        }
    }
}

impl Refusal {
    fn of_error(error: &Value) -> Self {
        // Stratum has `[code, text, traceback]`, JSON-RPC `{code, message}`.
        let member = |place: usize, name: &str| error.get(place).or_else(|| error.get(name));
        let reason = member(1, "message").and_then(Value::as_str).map(ToOwned::to_owned);
        Self::new(member(0, "code").and_then(Value::as_i64), reason.or_else(|| Some(error.to_string())))
    }

    fn new(code: Option<i64>, reason: Option<String>) -> Self {
        let reason = reason.unwrap_or_else(|| "without a reason".to_owned());
        Self { is_stale: code == Some(STALE_CODE) || reason.to_ascii_lowercase().contains(STALE_WORD), reason }
    }
}

impl<'a> JobHead<'a> {
    /// Reads the parameters of `mining.notify`; `None` when they are not nine of the right types.
    pub(super) fn parse(params: &'a str) -> Option<Self> {
        let Notify(job_id, prev_block, .., clean) = serde_json::from_str(params).ok()?;
        Some(Self { job_id, prev_block, clean })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(line: &str) -> (u64, Result<String, Refusal>) {
        match Message::parse(line) {
            Some(Message::Reply { id, answer: Answer::Result(result) }) => (id, Ok(result.to_owned())),
            Some(Message::Reply { id, answer: Answer::Refused(refusal) }) => (id, Err(refusal)),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn answers_and_refusals_as_servers_spell_them() {
        assert_eq!(reply(r#"{"id":7,"result":true,"error":null}"#), (7, Ok("true".to_owned())));
        assert_eq!(
            reply(r#"{"error": null, "id": 1, "result": [[], "ab", 4]}"#),
            (1, Ok(r#"[[], "ab", 4]"#.to_owned()))
        );
        let cases = [
            (r#"{"id":5,"result":null,"error":[21,"job not found",null]}"#, true, "job not found"),
            (r#"{"id":5,"result":false,"error":[23,"low difficulty share",null]}"#, false, "low difficulty share"),
            (r#"{"id":5,"result":null,"error":{"code":24,"message":"who?"}}"#, false, "who?"),
            (r#"{"id":5,"result":false,"error":null,"reject-reason":"Stale"}"#, true, "Stale"),
            (r#"{"id":5,"result":null,"error":"no"}"#, false, "\"no\""),
            (r#"{"id":5,"result":false}"#, false, "without a reason"),
        ];
        for (line, is_stale, reason) in cases {
            assert_eq!(reply(line), (5, Err(Refusal { is_stale, reason: reason.to_owned() })), "{line}");
        }
    }

    #[test]
    fn calls_keep_the_spelling_of_their_id() {
        for (line, expected) in [
            (r#"{"id":null,"method":"mining.ping","params":[]}"#, None),
            (r#"{"method":"mining.ping"}"#, None),
            (r#"{"id":"a b","method":"mining.ping"}"#, Some("\"a b\"")),
            (r#"{"id":9,"method":"mining.ping"}"#, Some("9")),
        ] {
            let Some(Message::Call { method, id, params }) = Message::parse(line) else { panic!("{line}") };
            assert_eq!((&*method, id, params), ("mining.ping", expected, "[]"), "{line}");
        }
    }

    #[test]
    fn anything_else_is_no_message() {
        for line in ["", "hello", "7", "{}", r#"{"id":null,"result":true}"#, r#"{"id":"x","result":true}"#] {
            assert!(Message::parse(line).is_none(), "{line}");
        }
    }

    #[test]
    fn the_head_of_a_job() {
        let head =
            JobHead::parse(r#"["j\"1","00ff","01","02",["aa","bb"],"20000000","1d00ffff","6b00fe34",true]"#).unwrap();
        assert_eq!((&*head.job_id, &*head.prev_block, head.clean), ("j\"1", "00ff", true));
        assert!(JobHead::parse(r#"["j","00ff",true]"#).is_none());
        assert!(JobHead::parse(r#"["j","00ff","","",[],"","","",1]"#).is_none());
    }
}
