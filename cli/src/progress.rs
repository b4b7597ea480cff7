//! Progress of what takes a while: a bar on stderr, on a terminal only. Scripts and logs see none of it.

use std::io::{self, IsTerminal, Write};

/// Cells of a bar.
const CELLS: usize = 24;
/// Goes to the beginning of the line, and clears it.
const CLEAR_LINE: &str = "\r\x1b[K";

/// A line that is drawn over and over, and is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    what: String,
    is_shown: bool,
}

impl Progress {
    /// Shows nothing yet; and never anything where stderr is no terminal, or JSON is wanted.
    pub(crate) fn new(what: &str, json: bool) -> Self {
        Self { what: what.to_owned(), is_shown: !json && io::stderr().is_terminal() }
    }

    /// So much of it is done.
    pub(crate) fn at(&self, done: usize, total: usize) {
        self.draw(&format!("{}  {}  {done} of {total}", self.what, bar(done as f64 / total.max(1) as f64)));
    }

    /// It is under way, and nobody can say how far.
    pub(crate) fn begun(&self) {
        self.draw(&format!("{} ..", self.what));
    }

    fn draw(&self, line: &str) {
        if self.is_shown {
            let mut stderr = io::stderr().lock();
            // Nobody is left to look when stderr is gone.
            let _gone = write!(stderr, "{CLEAR_LINE}{line}").and_then(|()| stderr.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.draw("");
    }
}

/// A part of 1 as a bar with its percentage, which a reader of the screen can read too.
pub(crate) fn bar(part: f64) -> String {
    let part = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between nothing and all cells")]
    let full = (part * CELLS as f64) as usize;
    // Rounded down: 100 % is when it is done.
    format!("[{}{}] {:3.0} %", "#".repeat(full), ".".repeat(CELLS.saturating_sub(full)), (part * 100.0).floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_when_it_is_done_and_not_before() {
        assert_eq!(bar(0.0), "[........................]   0 %");
        assert_eq!(bar(0.5), "[############............]  50 %");
        assert_eq!(bar(0.999), "[#######################.]  99 %");
        assert_eq!(bar(1.0), "[########################] 100 %");
        assert_eq!([bar(7.0), bar(-1.0), bar(f64::NAN)], [bar(1.0), bar(0.0), bar(0.0)]);
    }
}
