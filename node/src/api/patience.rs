//! Connections whose client does not read are cut: what waits for it would be kept for ever.
//!
//! A write that finds no room for [`STALL_MAX`] fails, and with it the connection. Reading is not watched: an idle client
//! costs little and may have nothing to say.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Duration, Sleep, sleep},
};

/// Time for a client to take what is written to it. Stops one that does not read from keeping memory and a place.
const STALL_MAX: Duration = Duration::from_secs(20);

/// A listener whose connections have a bound on how long a write may wait.
#[derive(Debug)]
pub(super) struct Patient<L>(pub(super) L);

impl<L: Listener> Listener for Patient<L> {
    type Io = Watched<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (io, address) = self.0.accept().await;
        (Watched::new(io, STALL_MAX), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection whose writes do not wait for ever.
#[derive(Debug)]
pub(super) struct Watched<T> {
    io: T,
    patience: Duration,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<T> Watched<T> {
    const fn new(io: T, patience: Duration) -> Self {
        Self { io, patience, stalled: None }
    }

    fn watch<R>(&mut self, written: Poll<io::Result<R>>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.watch(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.watch(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.watch(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.io).poll_shutdown(cx);
        self.watch(shut, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::timeout,
    };

    use super::*;

    /// Everything here takes milliseconds.
    const PATIENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_client_that_does_not_read_is_cut_and_one_that_reads_is_not() {
        let (ours, mut theirs) = duplex(4);
        let mut ours = Watched::new(ours, Duration::ZERO);
        ours.write_all(b"1234").await.unwrap();
        theirs.read_exact(&mut [0; 4]).await.unwrap();
        ours.write_all(b"5678").await.unwrap();
        let cut = timeout(PATIENCE, ours.write_all(b"9")).await.expect("a write does not wait for ever");
        assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let (ours, mut theirs) = duplex(4);
        let mut ours = Watched::new(ours, Duration::from_secs(3_600));
        let mut read = [0; 64];
        let (written, ()) =
            tokio::join!(ours.write_all(&[7; 64]), async { theirs.read_exact(&mut read).await.map(|_| ()).unwrap() });
        assert!(written.is_ok() && read == [7; 64] && ours.stalled.is_none());
    }
}
