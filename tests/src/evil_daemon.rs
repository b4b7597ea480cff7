//! A daemon that misbehaves on demand: it stands before a real devnet chain and passes calls on, except where it is told to
//! lie, to stall or to shout.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::sleep,
};

/// Longest request that is read: a block.
const REQUEST_LEN_MAX: usize = 16 << 20;
/// What a shouting daemon sends at a time.
static PIECE: [u8; 64 << 10] = [b' '; 64 << 10];

/// What is done to the answers of one method, or of all.
#[derive(Clone, Debug)]
pub struct Misbehaviour {
    /// The method; any without.
    pub method: Option<&'static str>,
    /// What is done.
    pub deed: Deed,
}

/// What an evil daemon does with a call.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Takes it and says nothing.
    Silence,
    /// Hangs up.
    HangUp,
    /// Begins an answer and sends a byte now and then.
    Drip,
    /// Never ends its answer.
    Endless,
    /// Answers with so many bytes, as it says.
    Huge(usize),
    /// Answers with this status and body.
    Plain(u16, &'static str),
    /// Answers with this error.
    Error(i64, &'static str),
    /// Answers with this result.
    Result(Value),
    /// Gives the real answer with these fields replaced.
    Change(Vec<(&'static str, Value)>),
    /// Answers a longpoll at once.
    Hurry,
}

/// A running evil daemon.
#[derive(Debug)]
pub struct EvilDaemon {
    /// Where it answers.
    pub url: String,
    mood: watch::Sender<Option<Misbehaviour>>,
    calls: watch::Receiver<u64>,
    server: JoinHandle<()>,
}

#[derive(Clone, Debug)]
struct Server {
    upstream: Arc<str>,
    mood: watch::Receiver<Option<Misbehaviour>>,
    calls: watch::Sender<u64>,
}

impl EvilDaemon {
    /// Stands before this daemon, and behaves at first.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn before(upstream: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let ((mood, moods), (counter, calls)) = (watch::channel(None), watch::channel(0));
        let upstream = upstream.trim_start_matches("http://").into();
        let server = Server { upstream, mood: moods, calls: counter };
        let server = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { drop(server.serve(socket).await) });
            }
        });
        Ok(Self { url, mood, calls, server })
    }

    /// Misbehaves from now on; calls under way are cut off.
    pub fn turn(&self, misbehaviour: Misbehaviour) {
        self.mood.send_replace(Some(misbehaviour));
    }

    /// Behaves again.
    pub fn behave(&self) {
        self.mood.send_replace(None);
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        *self.calls.borrow()
    }
}

impl Drop for EvilDaemon {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Server {
    /// One connection: call after call.
    async fn serve(mut self, mut socket: TcpStream) -> anyhow::Result<()> {
        while let Some(request) = read_message(&mut socket).await? {
            self.calls.send_modify(|calls| *calls += 1);
            let call: Value = serde_json::from_slice(&request)?;
            let mood = self.mood.borrow_and_update().clone();
            let is_meant = |mood: &Misbehaviour| mood.method.is_none_or(|method| call["method"] == method);
            let is_longpoll = !call["params"][0]["longpollid"].is_null();
            match mood.filter(is_meant).map(|mood| mood.deed) {
                None => {
                    // A longpoll that waits is cut off when the mood changes, or the node would not notice for a minute.
                    let mut changed = self.mood.clone();
                    tokio::select! {
                        answer = self.pass_on(&request) => respond(&mut socket, 200, &answer?).await?,
                        _ = changed.changed(), if is_longpoll => return Ok(()),
                    }
                }
                Some(deed) => self.misbehave(&mut socket, deed, call).await?,
            }
        }
        Ok(())
    }

    async fn misbehave(&mut self, socket: &mut TcpStream, deed: Deed, mut call: Value) -> anyhow::Result<()> {
        let answer = |result: Value| json!({"result": result, "error": null, "id": 0}).to_string().into_bytes();
        match deed {
            Deed::HangUp => socket.shutdown().await?,
            Deed::Silence => {
                self.mood.changed().await?;
                socket.shutdown().await?;
            }
            Deed::Drip => {
                socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await?;
                while self.mood.has_changed().is_ok_and(|changed| !changed) {
                    socket.write_all(b" ").await?;
                    sleep(Duration::from_millis(200)).await;
                }
                socket.shutdown().await?;
            }
            Deed::Endless => {
                socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                while self.mood.has_changed().is_ok_and(|changed| !changed) {
                    socket.write_all(&PIECE).await?;
                }
                socket.shutdown().await?;
            }
            Deed::Huge(len) => {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n");
                socket.write_all(head.as_bytes()).await?;
                for _ in 0..len / PIECE.len() {
                    socket.write_all(&PIECE).await?;
                }
            }
            Deed::Plain(status, body) => respond(socket, status, body.as_bytes()).await?,
            Deed::Error(code, message) => {
                let error = json!({"result": null, "error": {"code": code, "message": message}, "id": 0});
                respond(socket, 500, error.to_string().as_bytes()).await?;
            }
            Deed::Result(result) => respond(socket, 200, &answer(result)).await?,
            Deed::Change(fields) => {
                // Otherwise it would wait for a block, and say nothing.
                if let Some(request) = call["params"][0].as_object_mut() {
                    request.remove("longpollid");
                }
                let mut real: Value = serde_json::from_slice(&self.pass_on(call.to_string().as_bytes()).await?)?;
                for (field, value) in fields {
                    real["result"][field] = value;
                }
                respond(socket, 200, real.to_string().as_bytes()).await?;
            }
            Deed::Hurry => {
                if let Some(request) = call["params"][0].as_object_mut() {
                    request.remove("longpollid");
                }
                respond(socket, 200, &self.pass_on(call.to_string().as_bytes()).await?).await?;
            }
        }
        Ok(())
    }

    /// The real daemon's answer.
    async fn pass_on(&self, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut upstream = TcpStream::connect(&*self.upstream).await?;
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            request.len()
        );
        upstream.write_all(&[head.as_bytes(), request].concat()).await?;
        read_message(&mut upstream).await?.context("no answer")
    }
}

/// The body of the next request or answer; `None` at the end of the connection.
async fn read_message(socket: &mut TcpStream) -> anyhow::Result<Option<Vec<u8>>> {
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let head = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let len = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            if bytes.len() >= head + 4 + len.unwrap_or(0) {
                return Ok(Some(bytes.split_off(head + 4)));
            }
        }
        let read = socket.read(&mut piece).await?;
        anyhow::ensure!(bytes.len() + read <= REQUEST_LEN_MAX, "too long");
        if read == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece[..read]);
    }
}

async fn respond(socket: &mut TcpStream, status: u16, body: &[u8]) -> anyhow::Result<()> {
    // Where a redirect would lead, our password would be sent.
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Ok(socket.write_all(&[head.as_bytes(), body].concat()).await?)
}
