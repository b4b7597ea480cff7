//! A price in the bytes of a source: a plain number, or JSON with a pointer to a number or a text that is one.

use serde_json::Value;

use super::super::limits::PRICE_BODY_LEN_MAX;

/// Why bytes hold no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// More than [`PRICE_BODY_LEN_MAX`].
    #[error("it answers more than {PRICE_BODY_LEN_MAX} bytes")]
    TooLong,
    /// Neither text nor a number.
    #[error("it answers no number")]
    NoNumber,
    /// Not JSON.
    #[error("it answers no JSON")]
    NoJson,
    /// Nothing there.
    #[error("its answer has nothing at {pointer}")]
    Nothing {
        /// Where.
        pointer: String,
    },
    /// It could not be read at all.
    #[error("it cannot be read: {0}")]
    Unread(String),
}

/// Reads a price; whether it can be one is for [`super::combine`] to say. A pointer is that of RFC 6901: `/data/0/last`.
///
/// # Errors
/// [`ParseError`].
pub fn parse(bytes: &[u8], pointer: Option<&str>) -> Result<f64, ParseError> {
    if bytes.len() > PRICE_BODY_LEN_MAX {
        return Err(ParseError::TooLong);
    }
    let Some(pointer) = pointer else {
        return number(std::str::from_utf8(bytes).map_err(|_| ParseError::NoNumber)?);
    };
    let answer: Value = serde_json::from_slice(bytes).map_err(|_| ParseError::NoJson)?;
    let value = answer.pointer(pointer).ok_or_else(|| ParseError::Nothing { pointer: pointer.to_owned() })?;
    match value {
        Value::Number(number) => number.as_f64().ok_or(ParseError::NoNumber),
        Value::String(text) => number(text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(ParseError::NoNumber),
    }
}

fn number(text: &str) -> Result<f64, ParseError> {
    text.trim().parse().map_err(|_| ParseError::NoNumber)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_plainly_or_where_the_pointer_leads() {
        assert_eq!(parse(b" 12.5\n", None), Ok(12.5));
        assert_eq!(parse(br#"{"data":[{"last":"3e2"}]}"#, Some("/data/0/last")), Ok(300.0));
        assert_eq!(parse(br#"{"a/b":7}"#, Some("/a~1b")), Ok(7.0));
        assert_eq!(parse(b"1", Some("")), Ok(1.0));
        assert!(parse(b"NaN", None).unwrap().is_nan(), "a number is judged where it is used");
    }

    #[test]
    fn what_is_no_number_is_refused_in_words() {
        let nothing = ParseError::Nothing { pointer: "/b".to_owned() };
        for (bytes, pointer, error) in [
            (&b"twelve"[..], None, ParseError::NoNumber),
            (b"", None, ParseError::NoNumber),
            (b"\xff", None, ParseError::NoNumber),
            (b"1,5", None, ParseError::NoNumber),
            (b"<html>", Some("/a"), ParseError::NoJson),
            (br#"{"a":1e999}"#, Some("/a"), ParseError::NoJson),
            (br#"{"a":1}"#, Some("/b"), nothing),
            (br#"{"a":null}"#, Some("/a"), ParseError::NoNumber),
            (br#"{"a":[1]}"#, Some("/a"), ParseError::NoNumber),
            (br#"{"a":"x"}"#, Some("/a"), ParseError::NoNumber),
            (&[b' '; PRICE_BODY_LEN_MAX + 1], None, ParseError::TooLong),
        ] {
            assert_eq!(parse(bytes, pointer), Err(error));
        }
    }

    #[test]
    fn deep_json_is_refused_and_breaks_nothing() {
        assert_eq!(parse("[".repeat(60_000).as_bytes(), Some("/0")), Err(ParseError::NoJson));
    }
}
