//! The first bytes of a connection: a proxy's header, TLS, a browser, or a miner.

use std::net::IpAddr;

use tokio::{io::AsyncReadExt, net::TcpStream, sync::oneshot, time::timeout};

use super::{
    connection::Ended,
    link::Link,
    registry::Event,
    stream::{Inbox, Stream},
};
use crate::{
    guard::Conduct,
    opening::{Opening, PROXY_HEADER_LEN, ProxyHeader},
};

/// What a connection turned out to be.
pub(super) enum Opened {
    Stratum { stream: Stream, inbox: Inbox },
    Http { stream: Stream, inbox: Inbox },
}

/// Finds out what is spoken, in the time a miner has to subscribe.
pub(super) async fn open(socket: TcpStream, address: IpAddr, link: &mut Link) -> Result<Opened, Ended> {
    let patience = link.shared.session().subscribe_timeout;
    match timeout(patience, negotiate(socket, address, link)).await {
        Ok(opened) => opened,
        Err(_) => Err("said nothing in time"),
    }
}

async fn negotiate(mut socket: TcpStream, address: IpAddr, link: &mut Link) -> Result<Opened, Ended> {
    behind_proxy(&mut socket, address, link).await?;
    let mut first = [0];
    let seen = socket.peek(&mut first).await.map_err(|_| "the socket is gone")?;
    let stream = match Opening::of(first.get(..seen).unwrap_or_default()) {
        Some(Opening::Tls) => {
            let tls = link.shared.tls.as_ref().ok_or("this endpoint has no TLS")?;
            Stream::Right(Box::new(Box::pin(tls.accept(socket)).await.map_err(|_| "the TLS handshake failed")?))
        }
        _ => Stream::Left(socket),
    };
    greet(stream, link).await
}

/// A proxy says first for whom it connects, and that one has to be admitted.
pub(crate) async fn behind_proxy(socket: &mut TcpStream, address: IpAddr, link: &Link) -> Result<(), Ended> {
    if !link.shared.is_proxy(address) {
        return Ok(());
    }
    let header = proxy_header(socket).await?;
    let (answer, outcome) = oneshot::channel();
    let address = header.source.map_or(address, |source| source.ip());
    link.tell(Event::Admit { id: link.id(), address, answer }).await;
    outcome.await.map_err(|_| "the node stops")?.map_err(|_| "turned away")
}

/// Tells a browser from a miner.
async fn greet(mut stream: Stream, link: &mut Link) -> Result<Opened, Ended> {
    let mut inbox = Inbox::default();
    loop {
        match Opening::of(inbox.unused()) {
            Some(Opening::Stratum) => return Ok(Opened::Stratum { stream, inbox }),
            Some(Opening::Http) => return Ok(Opened::Http { stream, inbox }),
            Some(Opening::Tls | Opening::Proxy) => {
                link.tell_conduct(Conduct::Junk).await;
                return Err("begins with what is no Stratum");
            }
            None => {}
        }
        match inbox.fill(&mut stream).await {
            Ok(0) => return Err("closed without a word"),
            Ok(_) => {}
            Err(_) => return Err("the socket is gone"),
        }
    }
}

/// Reads exactly the header, so that what follows is there for the next look.
async fn proxy_header(socket: &mut TcpStream) -> Result<ProxyHeader, Ended> {
    let mut bytes = vec![0; PROXY_HEADER_LEN];
    socket.read_exact(&mut bytes).await.map_err(|_| "no PROXY header came")?;
    if Opening::of(&bytes) != Some(Opening::Proxy) {
        return Err("no PROXY header came");
    }
    let len = ProxyHeader::declared_len(&bytes).map_err(|_| "the PROXY header cannot be read")?;
    let read = bytes.len();
    bytes.resize(len, 0);
    socket.read_exact(&mut bytes[read..]).await.map_err(|_| "the PROXY header is cut short")?;
    ProxyHeader::parse(&bytes).ok().flatten().ok_or("the PROXY header cannot be read")
}
