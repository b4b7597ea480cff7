//! What a connection still has to send: parts that are written without being joined or copied, so that one coinbase in memory
//! serves every socket.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    task::{Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::{io::AsyncWrite, time::timeout};

use super::connection::Ended;
use crate::limits::WRITE_TIMEOUT;

/// Parts given to one write: a job has five, a difficulty and an answer one each.
const PARTS_PER_WRITE: usize = 16;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    parts: VecDeque<Bytes>,
}

impl Outbox {
    /// Adds a line, without its newline.
    pub(crate) fn push_line(&mut self, mut line: String) {
        line.push('\n');
        self.parts.push_back(line.into());
    }

    /// Adds what is sent as it is.
    pub(crate) fn push_parts(&mut self, parts: impl IntoIterator<Item = Bytes>) {
        self.parts.extend(parts);
    }

    /// Sends everything, to somebody who takes it.
    pub(crate) async fn flush_in_time(&mut self, socket: &mut (impl AsyncWrite + Unpin)) -> Result<(), Ended> {
        if self.parts.is_empty() {
            return Ok(());
        }
        match timeout(WRITE_TIMEOUT, self.flush(socket)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err("the socket is gone"),
            Err(_) => Err("does not read what it is sent"),
        }
    }

    /// Sends everything. What was not sent when the future is dropped stays.
    pub(crate) async fn flush(&mut self, socket: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        poll_fn(|cx| {
            while !self.parts.is_empty() {
                let mut slices = [IoSlice::new(&[]); PARTS_PER_WRITE];
                for (slice, part) in slices.iter_mut().zip(&self.parts) {
                    *slice = IoSlice::new(part);
                }
                let count = self.parts.len().min(PARTS_PER_WRITE);
                let written = ready!(Pin::new(&mut *socket).poll_write_vectored(cx, &slices[..count]))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.advance(written);
            }
            Pin::new(&mut *socket).poll_flush(cx)
        })
        .await
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(part) = self.parts.front_mut() {
            if written < part.len() {
                part.advance(written);
                return;
            }
            written = written.saturating_sub(part.len());
            self.parts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn everything_arrives_in_order_however_little_is_taken_at_once() {
        let mut outbox = Outbox::default();
        outbox.push_line("first".to_owned());
        outbox.push_parts((0..40_u8).map(|number| Bytes::from(vec![number; usize::from(number)])));
        outbox.push_line("last".to_owned());
        let mut expected = b"first\n".to_vec();
        expected.extend((0..40_u8).flat_map(|number| vec![number; usize::from(number)]));
        expected.extend(b"last\n");
        let (mut ours, mut theirs) = tokio::io::duplex(7);
        let reading = async {
            let mut read = vec![0; expected.len()];
            theirs.read_exact(&mut read).await.unwrap();
            read
        };
        let (sent, read) = tokio::join!(outbox.flush(&mut ours), reading);
        sent.unwrap();
        assert_eq!(read, expected);
        assert!(outbox.parts.is_empty());
    }

    #[tokio::test]
    async fn a_socket_that_is_closed_is_an_error() {
        let mut outbox = Outbox::default();
        outbox.push_line("nobody reads this".to_owned());
        let (mut ours, theirs) = tokio::io::duplex(7);
        drop(theirs);
        outbox.flush(&mut ours).await.unwrap_err();
    }
}
