//! Server-sent events (WHATWG HTML, section 9.2.6): bytes in any pieces become events.

/// Longest event. Stops whatever answers from filling memory.
const EVENT_LEN_MAX: usize = 1 << 20;

/// An event.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Event {
    /// Its number, by which the stream can be taken up again.
    pub(super) id: Option<u64>,
    /// Its kind.
    pub(super) kind: String,
    /// Its data.
    pub(super) data: String,
}

/// An event longer than any of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an event is longer than {EVENT_LEN_MAX} bytes")]
pub(super) struct TooLong;

/// Keeps what is not a whole event yet.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    event: Event,
}

impl Parser {
    /// The events that these bytes complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                self.line.push(*byte);
                if self.line.len() + self.event.data.len() > EVENT_LEN_MAX {
                    return Err(TooLong);
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            events.extend(self.on_line(&String::from_utf8_lossy(line)));
        }
        Ok(events)
    }

    /// An empty line ends an event; one that begins with a colon is a comment, which keeps the connection open.
    fn on_line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return (!event.data.is_empty()).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.event.id = value.parse().ok(),
            "event" => self.event.kind = value.to_owned(),
            "data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_however_the_bytes_are_cut() {
        let text =
            ": hello\n\nid: 7\nevent: tip\ndata: {\"a\":1}\n\nretry: 5\r\ndata: x\r\ndata: y\r\n\r\nid: 8\ndata: cut";
        let expected = [
            Event { id: Some(7), kind: "tip".to_owned(), data: "{\"a\":1}".to_owned() },
            Event { id: None, kind: String::new(), data: "x\ny".to_owned() },
        ];
        for size in [1, 3, 7, text.len()] {
            let mut parser = Parser::default();
            let events: Vec<Event> =
                text.as_bytes().chunks(size).flat_map(|bytes| parser.push(bytes).unwrap()).collect();
            assert_eq!(events, expected, "pieces of {size}");
        }
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut parser = Parser::default();
        let line = [b'x'; 1 << 16];
        assert_eq!((0..17).find_map(|_| parser.push(&line).err()), Some(TooLong));
        let mut parser = Parser::default();
        let lines = "data: xxxxxxxxxxxxxxxxxxxxxxxxxxx\n".repeat(1_000);
        assert_eq!((0..60).find_map(|_| parser.push(lines.as_bytes()).err()), Some(TooLong));
    }
}
