//! Lines out of a stream of bytes. Holds only what is not a whole line yet: thousands of connections need little.

use std::io::BufRead;

/// Room that an empty buffer may keep: several replies. A job needs more, but comes seldom.
const KEPT_BYTES: usize = 1_024;

/// Bytes that arrived, cut at newlines.
#[derive(Debug, Default)]
pub(super) struct LineBuffer {
    bytes: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Before this there is no newline but those of lines that were taken.
    searched: usize,
}

impl LineBuffer {
    /// Appends what arrived.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the next whole line, without its newline.
    pub(super) fn next_line(&mut self) -> Option<&[u8]> {
        // `skip_until` searches many bytes at a time, and jobs have many.
        let mut unsearched = self.bytes.get(self.searched..).unwrap_or_default();
        let skipped = unsearched.skip_until(b'\n').unwrap_or_default();
        let end = self.searched.saturating_add(skipped);
        if skipped == 0 || self.bytes.get(end - 1) != Some(&b'\n') {
            self.forget_taken();
            return None;
        }
        let start = std::mem::replace(&mut self.start, end);
        self.searched = end;
        self.bytes.get(start..end - 1)
    }

    /// Bytes of the line that is not whole yet. Right after the last line was taken.
    pub(super) const fn unfinished(&self) -> usize {
        self.bytes.len() - self.start
    }

    fn forget_taken(&mut self) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.searched = self.bytes.len();
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT_BYTES {
            self.bytes = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_all(buffer: &mut LineBuffer) -> Vec<String> {
        std::iter::from_fn(|| buffer.next_line().map(|line| String::from_utf8_lossy(line).into_owned())).collect()
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_arrive() {
        let text = "one\n\nthree is longer\nrest";
        for size in 1..=text.len() {
            let mut buffer = LineBuffer::default();
            let mut lines = Vec::new();
            for chunk in text.as_bytes().chunks(size) {
                buffer.extend(chunk);
                lines.extend(take_all(&mut buffer));
            }
            assert_eq!(lines, ["one", "", "three is longer"], "in pieces of {size}");
            assert_eq!(buffer.unfinished(), "rest".len());
            buffer.extend(b"\n");
            assert_eq!(take_all(&mut buffer), ["rest"]);
        }
    }

    #[test]
    fn an_empty_buffer_gives_the_room_of_a_long_line_back() {
        let mut buffer = LineBuffer::default();
        buffer.extend(&[b'x'; 20 * KEPT_BYTES]);
        assert_eq!(buffer.next_line(), None);
        assert_eq!(buffer.unfinished(), 20 * KEPT_BYTES);
        buffer.extend(b"\n");
        assert_eq!(take_all(&mut buffer).len(), 1);
        assert_eq!((buffer.unfinished(), buffer.bytes.capacity()), (0, 0));
    }
}
