//! A miner's byte stream, plain or encrypted, and what is read of it.

use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Poll, ready},
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// Bytes read at once. Only a socket that has something to read needs them: a thousand silent miners have no buffers.
const READ_LEN: usize = 4_096;
/// Capacity that a connection may keep for the next line.
const KEPT_CAPACITY: usize = 512;

/// See the module.
pub(super) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// A line has more bytes than it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LineTooLong;

/// Bytes that were read and not used yet.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    used: usize,
}

impl Inbox {
    /// Reads what there is; 0 at the end. Nothing is lost when the future is dropped.
    pub(crate) async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        poll_fn(|cx| {
            let mut bytes = [const { MaybeUninit::uninit() }; READ_LEN];
            let mut buf = ReadBuf::uninit(&mut bytes);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf))?;
            self.bytes.drain(..std::mem::take(&mut self.used));
            self.bytes.extend_from_slice(buf.filled());
            Poll::Ready(Ok(buf.filled().len()))
        })
        .await
    }

    /// What was read and not used.
    pub(crate) fn unused(&self) -> &[u8] {
        self.bytes.get(self.used..).unwrap_or_default()
    }

    /// The next whole line without its ending, if there is one.
    ///
    /// # Errors
    /// [`LineTooLong`] when it has more than `len_max` bytes, whole or not.
    pub(crate) fn next_line(&mut self, len_max: usize) -> Result<Option<&[u8]>, LineTooLong> {
        let end = self.unused().iter().position(|byte| *byte == b'\n');
        if end.unwrap_or_else(|| self.unused().len()) > len_max {
            return Err(LineTooLong);
        }
        let Some(len) = end else { return Ok(None) };
        let start = self.used;
        self.used = start.saturating_add(len).saturating_add(1);
        let line = self.bytes.get(start..start.saturating_add(len)).unwrap_or_default();
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// So many bytes were used.
    pub(crate) fn consume(&mut self, len: usize) {
        self.used = self.used.saturating_add(len).min(self.bytes.len());
    }

    /// Gives memory back that the next line will not need.
    pub(crate) fn shrink(&mut self) {
        if self.unused().is_empty() {
            self.used = 0;
            self.bytes.clear();
            if self.bytes.capacity() > KEPT_CAPACITY {
                self.bytes = Vec::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn lines_come_whole_however_they_are_cut() {
        let (mut ours, mut theirs) = tokio::io::duplex(3);
        let writing = async {
            theirs.write_all(b"one\r\n\ntwo two\nrest").await.unwrap();
            drop(theirs);
        };
        let reading = async {
            let (mut inbox, mut lines) = (Inbox::default(), Vec::new());
            while inbox.fill(&mut ours).await.unwrap() > 0 {
                while let Some(line) = inbox.next_line(7).unwrap() {
                    lines.push(String::from_utf8(line.to_vec()).unwrap());
                }
                inbox.shrink();
            }
            (lines, inbox.unused().to_vec())
        };
        let ((lines, rest), ()) = tokio::join!(reading, writing);
        assert_eq!(lines, ["one", "", "two two"]);
        assert_eq!(rest, b"rest");
    }

    #[tokio::test]
    async fn attack_m4_a_line_is_too_long_with_and_without_its_end() {
        for line in [&b"12345678\n"[..], b"12345678"] {
            let mut inbox = Inbox::default();
            inbox.fill(&mut &line[..]).await.unwrap();
            assert_eq!(inbox.next_line(7), Err(LineTooLong));
            assert_eq!(inbox.next_line(8), Ok(line.strip_suffix(b"\n")));
        }
    }

    #[tokio::test]
    async fn a_silent_connection_keeps_next_to_nothing() {
        let (mut ours, mut theirs) = tokio::io::duplex(8_192);
        theirs.write_all(&[vec![b'x'; 4_000], vec![b'\n']].concat()).await.unwrap();
        let mut inbox = Inbox::default();
        inbox.fill(&mut ours).await.unwrap();
        assert_eq!(inbox.next_line(4_000).unwrap().map(<[u8]>::len), Some(4_000));
        inbox.shrink();
        assert_eq!(inbox.bytes.capacity(), 0);
    }
}
