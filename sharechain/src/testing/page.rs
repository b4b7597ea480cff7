//! The test vectors inside the pages of `docs/protocol`: tests read them from the page that people read.

/// The JSON text of the block that begins with ```` ```json vectors:NAME ````.
///
/// # Panics
/// When the page does not have exactly one such block: a vector that nothing reads proves nothing.
pub fn vectors<'a>(page: &'a str, name: &str) -> &'a str {
    let opening = format!("```json vectors:{name}\n");
    let mut blocks = page.split(opening.as_str()).skip(1);
    let block = blocks.next().and_then(|rest| rest.split_once("```")).map(|(block, _)| block);
    assert!(blocks.next().is_none(), "the page has the block {name} twice");
    block.unwrap_or_else(|| panic!("the page has no block {name}"))
}

/// Values of vectors, for the tests of this crate.
#[cfg(test)]
pub(crate) mod json {
    use serde_json::Value;

    use crate::{
        hash::ShareId,
        script::PayoutScript,
        target::{CompactTarget, Work},
    };

    /// The cases of a block.
    pub(crate) fn cases(page: &str, name: &str) -> Vec<Value> {
        let cases: Vec<Value> = serde_json::from_str(super::vectors(page, name)).unwrap();
        assert!(!cases.is_empty(), "{name}");
        cases
    }

    /// A number, which stands as text above 2^53 - 1.
    #[track_caller]
    pub(crate) fn number<T: TryFrom<u128, Error: std::fmt::Debug>>(value: &Value) -> T {
        let number = value.as_u64().map(u128::from).or_else(|| value.as_str()?.parse().ok());
        number.unwrap_or_else(|| panic!("a number expected: {value}")).try_into().unwrap()
    }

    #[track_caller]
    pub(crate) fn work(value: &Value) -> Work {
        Work::from_hashes(number(value))
    }

    #[track_caller]
    pub(crate) fn bits(value: &Value) -> CompactTarget {
        CompactTarget::from_bits(u32::from_str_radix(value.as_str().unwrap(), 16).unwrap())
    }

    #[track_caller]
    pub(crate) fn bytes(value: &Value) -> Vec<u8> {
        hex::decode(value.as_str().unwrap()).unwrap()
    }

    #[track_caller]
    pub(crate) fn bytes32(value: &Value) -> [u8; 32] {
        bytes(value).try_into().unwrap()
    }

    #[track_caller]
    pub(crate) fn id(value: &Value) -> ShareId {
        ShareId::from_bytes(bytes32(value))
    }

    #[track_caller]
    pub(crate) fn script(text: &str) -> PayoutScript {
        PayoutScript::from_bytes(&hex::decode(text).unwrap()).unwrap()
    }
}
