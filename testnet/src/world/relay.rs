//! Ways between the loopback of this machine and the loopback of a namespace, for everything that is not the network of
//! peers: the daemon, miners, questions to an API. A relay passes bytes on and never looks at them.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::Arc,
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::namespace::Namespace;

/// Any port of whoever's loopback.
const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

/// Running relays; they end when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Relays {
    tasks: JoinSet<()>,
}

/// Where connections of a relay go.
#[derive(Clone, Debug)]
enum Exit {
    /// In here.
    Here(SocketAddr),
    /// In a namespace.
    Inside(Arc<Namespace>, SocketAddr),
}

impl Relays {
    /// An address here that leads to one in the namespace.
    ///
    /// # Errors
    /// When no port is free.
    pub(super) fn inwards(&mut self, namespace: &Arc<Namespace>, to: SocketAddr) -> io::Result<SocketAddr> {
        let listener = std::net::TcpListener::bind(ANY_PORT)?;
        self.relay(listener, Exit::Inside(namespace.clone(), to))
    }

    /// An address in the namespace that leads to one here.
    ///
    /// # Errors
    /// When the namespace cannot be entered.
    pub(super) fn outwards(&mut self, namespace: &Arc<Namespace>, to: SocketAddr) -> io::Result<SocketAddr> {
        let listener = namespace.enter(|| std::net::TcpListener::bind(ANY_PORT))?;
        self.relay(listener, Exit::Here(to))
    }

    fn relay(&mut self, listener: std::net::TcpListener, exit: Exit) -> io::Result<SocketAddr> {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        self.tasks.spawn(async move {
            let mut connections = JoinSet::new();
            // A listener on loopback fails only when file descriptors run out: those who ask notice.
            while let Ok((outer, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                connections.spawn(pass_on(outer, exit.clone()));
            }
        });
        Ok(address)
    }
}

/// Joins a connection with one to the exit, until both sides have hung up. What cannot be reached hangs up at once.
async fn pass_on(mut outer: TcpStream, exit: Exit) {
    if let Ok(mut inner) = connect(exit).await {
        // Small lines, each of which somebody waits for.
        let _best_effort = (outer.set_nodelay(true), inner.set_nodelay(true));
        let _hung_up = copy_bidirectional(&mut outer, &mut inner).await;
    }
}

async fn connect(exit: Exit) -> io::Result<TcpStream> {
    match exit {
        Exit::Here(to) => TcpStream::connect(to).await,
        Exit::Inside(namespace, to) => {
            // A socket belongs to the namespace it is opened in, whoever uses it later.
            let connect = move || namespace.enter(|| std::net::TcpStream::connect(to));
            let stream = tokio::task::spawn_blocking(connect).await.map_err(io::Error::other)??;
            stream.set_nonblocking(true)?;
            TcpStream::from_std(stream)
        }
    }
}
