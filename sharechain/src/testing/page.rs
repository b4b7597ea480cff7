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
