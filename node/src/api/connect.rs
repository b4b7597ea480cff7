//! How a miner connects.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use axum::{Json, extract::State};
use sharechain::PowAlgorithm;

use super::{
    ApiState,
    dto::{Connect, ConnectUrl, Snippet},
    problem::Refusals,
    request::{NoParams, Params},
};
use crate::directory::{StratumProtocol, StratumUrl};

/// What is typed as user.
const USER: &str = "ADDRESS.worker";

/// Where and how miners connect, ready to be copied.
#[utoipa::path(get, path = "/connect", tag = "miners", responses((status = 200, body = Connect), Refusals))]
pub(super) async fn connect(State(api): State<ApiState>, _: Params<NoParams>) -> Json<Connect> {
    let own = own_urls(&api);
    let announced = api.config.announcement.endpoints.iter().map(announced_url);
    let urls: Vec<ConnectUrl> = announced.chain(own).collect();
    // From elsewhere first: who sits at this machine knows what to do with an address of it.
    let best = urls.iter().filter(|url| url.kind == "v1").min_by_key(|url| url.reach == "loopback");
    let url = best.map_or_else(|| stratum_url(api.endpoint.address), |url| url.url.clone());
    Json(Connect {
        snippets: snippets(api.algorithm(), &url),
        urls,
        algorithm: api.algorithm().to_string(),
        user: USER.to_owned(),
        password: "x".to_owned(),
        fee_percent: api.stratum.fee().map_or(0.0, |fee| f64::from(fee.basis_points) / 100.0),
    })
}

fn own_urls(api: &ApiState) -> Vec<ConnectUrl> {
    let listen = api.endpoint.address;
    let lan = listen.ip().is_unspecified().then(lan_address).flatten();
    let ips = match (listen.ip().is_unspecified(), lan) {
        (false, _) => vec![listen.ip()],
        (true, Some(lan)) => vec![lan, Ipv4Addr::LOCALHOST.into()],
        (true, None) => vec![Ipv4Addr::LOCALHOST.into()],
    };
    let kinds: &[(&str, &str)] =
        if api.endpoint.tls { &[("v1", "stratum+tcp"), ("v1-tls", "stratum+ssl")] } else { &[("v1", "stratum+tcp")] };
    let of_ip = |ip: IpAddr| {
        let address = SocketAddr::new(ip, listen.port());
        kinds.iter().map(move |(kind, scheme)| ConnectUrl {
            url: format!("{scheme}://{address}"),
            kind: (*kind).to_owned(),
            reach: reach(ip).to_owned(),
        })
    };
    let v2 = api.endpoint.v2_url.iter().filter_map(|url| {
        let listen: SocketAddr = url.split("://").nth(1)?.split('/').next()?.parse().ok()?;
        let reach = reach(if listen.ip().is_unspecified() { lan_address()? } else { listen.ip() });
        Some(ConnectUrl { url: url.clone(), kind: "v2".to_owned(), reach: reach.to_owned() })
    });
    ips.into_iter().flat_map(of_ip).chain(v2).collect()
}

/// One that the operator has the directory announce.
fn announced_url(url: &StratumUrl) -> ConnectUrl {
    let kind = match url.protocol {
        StratumProtocol::V1 => "v1",
        StratumProtocol::V1Tls => "v1-tls",
        StratumProtocol::V2(_) => "v2",
    };
    ConnectUrl { url: url.to_string(), kind: kind.to_owned(), reach: "public".to_owned() }
}

/// From where an address can be reached.
const fn reach(ip: IpAddr) -> &'static str {
    match ip.to_canonical() {
        ip if ip.is_loopback() => "loopback",
        IpAddr::V4(ip) if ip.is_private() || ip.is_link_local() => "lan",
        IpAddr::V6(ip) if ip.is_unique_local() || ip.is_unicast_link_local() => "lan",
        _ => "public",
    }
}

/// What to type into miners of this algorithm.
fn snippets(algorithm: PowAlgorithm, url: &str) -> Vec<Snippet> {
    let command = |program: &str| format!("{program} -a {algorithm} -o {url} -u {USER} -p x");
    let form = format!("Pool URL: {url}\nWorker: {USER}\nPassword: x");
    let hiveos = format!("Pool URL: {url}\nWallet and worker template: {USER}\nPass: x");
    let bare = url.rsplit("://").next().unwrap_or(url);
    let (host, port) = bare.rsplit_once(':').unwrap_or((bare, ""));
    let bitaxe = format!("Stratum Host: {host}\nStratum Port: {port}\nStratum User: {USER}\nStratum Password: x");
    let texts = match algorithm {
        PowAlgorithm::Blake2s => {
            vec![("cpuminer", command("cpuminer")), ("ccminer", command("ccminer")), ("hiveos", hiveos)]
        }
        PowAlgorithm::Sha256d => vec![
            ("bitaxe", bitaxe),
            ("asic", form),
            ("cgminer", format!("cgminer -o {url} -u {USER} -p x")),
            ("cpuminer", command("cpuminer")),
            ("hiveos", hiveos),
        ],
        PowAlgorithm::Scrypt => vec![
            ("asic", form),
            ("bfgminer", format!("bfgminer --scrypt -o {url} -u {USER} -p x")),
            ("cpuminer", command("cpuminer")),
            ("hiveos", hiveos),
        ],
    };
    texts.into_iter().map(|(miner, text)| Snippet { miner: miner.to_owned(), text }).collect()
}

/// What to type into a miner: an address that other machines can reach when the listener takes them.
pub(super) fn stratum_url(listen: SocketAddr) -> String {
    let reachable = listen.ip().is_unspecified().then(lan_address).flatten();
    let ip = reachable.unwrap_or_else(|| listen.ip());
    format!("stratum+tcp://{}", SocketAddr::new(ip, listen.port()))
}

/// This machine's address on its network, as the routing table knows it; nothing is sent.
fn lan_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_reached_from_where_it_is_routed() {
        let of = |ip: &str| reach(ip.parse().unwrap());
        let loopback = ["127.0.0.1", "::1", "::ffff:127.0.0.1"].map(of);
        let lan = ["10.0.0.1", "192.168.7.7", "169.254.1.1", "fd00::1", "fe80::1"].map(of);
        let public = ["203.0.113.7", "2001:db8::1"].map(of);
        assert_eq!((loopback, lan, public), (["loopback"; 3], ["lan"; 5], ["public"; 2]));
    }

    #[test]
    fn every_algorithm_has_something_to_copy() {
        for algorithm in PowAlgorithm::ALL {
            let texts = snippets(algorithm, "stratum+tcp://[::1]:3333");
            assert!(texts.len() >= 3);
            for Snippet { miner, text } in texts {
                assert!(text.contains("[::1]") && text.contains("3333") && text.contains(USER), "{miner}: {text}");
            }
        }
        assert!(
            snippets(PowAlgorithm::Sha256d, "stratum+tcp://pool:3333")[0]
                .text
                .contains("Host: pool\nStratum Port: 3333")
        );
    }
}
