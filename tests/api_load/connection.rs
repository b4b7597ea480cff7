//! One connection to the API, as plain as it goes: what is timed is the node, not a client.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

/// Time for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that is kept.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

/// What came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Length of the body.
    pub(crate) bytes: usize,
    /// From before the request was written until the last byte of the body was read.
    pub(crate) took: Duration,
}

impl Connection {
    pub(crate) async fn open(url: &str) -> anyhow::Result<Self> {
        let host = url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), host })
    }

    /// A reader of live events, who does not read.
    pub(crate) async fn follow(url: &str) -> anyhow::Result<Self> {
        let mut reader = Self::open(url).await?;
        reader.ask("/api/v1/events").await?;
        let (status, _) = timeout(PATIENCE, reader.head()).await.context("no answer")??;
        ensure!(status == 200, "live events are refused with {status}");
        Ok(reader)
    }

    /// Asks, and reads the whole answer.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        let asked = Instant::now();
        self.ask(path).await?;
        let (status, length) = timeout(PATIENCE, self.head()).await.context("no answer")??;
        let mut body = vec![0; length.context("an answer without a length")?];
        timeout(PATIENCE, self.stream.read_exact(&mut body)).await.context("half an answer")??;
        Ok(Answer { status, bytes: body.len(), took: asked.elapsed() })
    }

    async fn ask(&mut self, path: &str) -> anyhow::Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        Ok(self.stream.write_all(request.as_bytes()).await?)
    }

    /// The status, and the body's length where the answer says one.
    async fn head(&mut self) -> anyhow::Result<(u16, Option<usize>)> {
        let (mut status, mut length, mut line) = (None, None, String::new());
        loop {
            line.clear();
            ensure!(self.stream.read_line(&mut line).await? > 0, "the node closed the connection");
            if line.trim().is_empty() {
                break;
            }
            match line.split_once(": ") {
                None => status = line.split(' ').nth(1).and_then(|status| status.parse().ok()),
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().ok()
                }
                Some(_) => {}
            }
        }
        Ok((status.context("no status line")?, length))
    }
}
