//! Addresses to listen on: free, ours, or taken. Found out by binding them for a moment, where no node of ours has them.

use std::{collections::BTreeSet, io, net::SocketAddr};

use super::Finding;
use crate::{
    config::{Config, ParentConfig},
    run::Endpoints,
    socket::{Socket, Transport},
};

/// Where a running node of ours listens; `None` when that is not known.
pub(super) type Listens = Option<BTreeSet<(Transport, u16)>>;

/// An address that the configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    what: &'static str,
    flag: &'static str,
    socket: Socket,
}

impl Wanted {
    fn port(&self) -> (Transport, u16) {
        (self.socket.transport, self.socket.address.port())
    }
}

/// Every configured address. `listens` is what the running node has, when there is one.
pub(super) fn look(config: &Config, listens: Option<&Listens>) -> Vec<Finding> {
    let judged = wanted(config).into_iter().map(|wanted| {
        // A port that is ours is not tried: nobody's connection should fail over a question.
        let is_ours = matches!(listens, Some(Some(ours)) if ours.contains(&wanted.port()));
        let bound = if is_ours {
            Err(io::ErrorKind::AddrInUse)
        } else {
            wanted.socket.try_open().map_err(|cause| cause.kind())
        };
        judge(&wanted, bound, listens)
    });
    judged.collect()
}

fn wanted(config: &Config) -> Vec<Wanted> {
    let tcp = |what, flag, address| Wanted { what, flag, socket: of_tcp(address) };
    let mut all = vec![tcp("miners", "--stratum-listen", config.stratum.listen)];
    all.extend(config.stratum.v2_listen.map(|address| tcp("miners (v2)", "--stratum-v2-listen", address)));
    all.push(tcp("api", "--api-listen", config.api_listen));
    if let ParentConfig::Embedded(devnet) = &config.parent {
        all.push(tcp("devnet rpc", "--devnet-listen", devnet.listen));
    }
    let peers = config.p2p.listen.iter().filter_map(Socket::of);
    all.extend(peers.map(|socket| Wanted { what: "peers", flag: "--p2p-listen", socket }));
    all
}

/// As everything but libp2p listens on it.
const fn of_tcp(address: SocketAddr) -> Socket {
    Socket { transport: Transport::Tcp, address, is_ipv6_alone: false }
}

/// What a node's `endpoints.json` says.
pub(super) fn listens(endpoints: &Endpoints) -> BTreeSet<(Transport, u16)> {
    let urls =
        [Some(&endpoints.api), Some(&endpoints.stratum), endpoints.stratum_v2.as_ref(), endpoints.devnet_rpc.as_ref()];
    let tcp = urls.into_iter().flatten().filter_map(|url| Some((Transport::Tcp, port(url)?)));
    let peers = endpoints.p2p.iter().filter_map(|address| Socket::of(&address.parse().ok()?));
    tcp.chain(peers.map(|socket| (socket.transport, socket.address.port()))).collect()
}

/// The port of `scheme://HOST:PORT/..`.
fn port(url: &str) -> Option<u16> {
    let authority = url.split_once("://")?.1.split('/').next()?;
    authority.rsplit_once(':')?.1.parse().ok()
}

fn judge(wanted: &Wanted, bound: Result<(), io::ErrorKind>, listens: Option<&Listens>) -> Finding {
    let Wanted { what, flag, socket: Socket { transport, address, .. } } = wanted;
    let transport = match transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    };
    let found = match (bound, listens) {
        (Ok(()), _) if address.port() == 0 => Finding::ok("ports", "any free port"),
        (Ok(()), None | Some(None)) => Finding::ok("ports", "free"),
        (Ok(()), Some(Some(_))) => Finding::warning("ports", "the running node does not listen here")
            .because("it was started with other settings than these")
            .fix("give doctor the flags that the node has, or restart the node"),
        (Err(kind), listens) => unbound(wanted, kind, listens, flag),
    };
    found.about(format!("{what}: {address}/{transport}"))
}

fn unbound(wanted: &Wanted, kind: io::ErrorKind, listens: Option<&Listens>, flag: &str) -> Finding {
    let is_ours = |ours: &BTreeSet<_>| ours.contains(&wanted.port());
    match (kind, listens) {
        (io::ErrorKind::AddrInUse, Some(Some(ours))) if is_ours(ours) => {
            Finding::ok("ports", "in use by the running node")
        }
        (io::ErrorKind::AddrInUse, Some(None)) => {
            Finding::skipped("ports", "in use, probably by the running node, which does not say where it listens")
        }
        (io::ErrorKind::AddrInUse, _) => Finding::error("ports", "another program listens here").fix(format!(
            "stop it (see it with: ss -lptun 'sport = :{}'), or choose another address with {flag}",
            wanted.socket.address.port()
        )),
        (io::ErrorKind::AddrNotAvailable, _) => Finding::error("ports", "this machine has no such address")
            .fix(format!("choose one of its own with {flag}; 0.0.0.0 stands for all of them")),
        (io::ErrorKind::PermissionDenied, _) => Finding::error("ports", "this user may not listen here")
            .because("ports below 1024 are for root")
            .fix(format!("choose a port above 1023 with {flag}")),
        (other, _) => Finding::error("ports", "cannot be listened on").because(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::diagnostics::Severity;

    fn miners(port: u16) -> Wanted {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Wanted { what: "miners", flag: "--stratum-listen", socket: of_tcp(address) }
    }

    #[test]
    fn a_port_is_free_ours_or_taken() {
        let ours = Some([(Transport::Tcp, 3_333)].into());
        let judged = |port, bound, listens: Option<&Listens>| {
            let found = judge(&miners(port), bound, listens);
            (found.severity, found.finding)
        };
        let taken = Err(io::ErrorKind::AddrInUse);
        assert_eq!(judged(3_333, Ok(()), None), (Severity::Ok, "free".to_owned()));
        assert_eq!(judged(0, Ok(()), Some(&ours)), (Severity::Ok, "any free port".to_owned()));
        assert_eq!(judged(3_333, taken, Some(&ours)), (Severity::Ok, "in use by the running node".to_owned()));
        assert_eq!(judged(3_333, taken, None), (Severity::Error, "another program listens here".to_owned()));
        assert_eq!(judged(3_334, taken, Some(&ours)).0, Severity::Error);
        assert_eq!(judged(3_334, Ok(()), Some(&ours)).0, Severity::Warning);
        assert_eq!(judged(3_333, taken, Some(&None)).0, Severity::Skipped);
        let found = judge(&miners(3_333), taken, None);
        assert_eq!(found.subject.as_deref(), Some("miners: 127.0.0.1:3333/tcp"));
        assert!(found.fix.unwrap().ends_with("or choose another address with --stratum-listen"));
        let found = judge(&miners(80), Err(io::ErrorKind::PermissionDenied), None);
        assert_eq!(found.cause.as_deref(), Some("ports below 1024 are for root"));
    }

    #[test]
    fn a_taken_port_is_found_by_binding() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(miners(port).socket.try_open().unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn endpoints_say_where_a_node_listens() {
        let endpoints = Endpoints {
            api: "http://127.0.0.1:1".to_owned(),
            stratum: "stratum+tcp://[::1]:2".to_owned(),
            stratum_v2: Some("stratum2+tcp://10.0.0.1:3/9key".to_owned()),
            p2p: vec![
                "/ip4/10.0.0.1/udp/4/quic-v1".to_owned(),
                "/dns4/x/tcp/5".to_owned(),
                "/ip6/::1/tcp/6".to_owned(),
            ],
            devnet_rpc: None,
            lanes: std::collections::BTreeMap::new(),
        };
        use Transport::{Tcp, Udp};
        assert_eq!(listens(&endpoints), [(Tcp, 1), (Tcp, 2), (Tcp, 3), (Udp, 4), (Tcp, 6)].into());
    }
}
