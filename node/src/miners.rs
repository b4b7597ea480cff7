//! What the Stratum endpoint is given: who may connect, on what terms, with which certificate.

use std::{net::SocketAddr, sync::Arc};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use stratum::{
    LanePlan, LaneTerms, Refuge, SessionConfig, Stratum, StratumConfig,
    lane::Lanes,
    server::{Access, LaneEnds, Room},
};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::{
    api,
    config::{Config, MinersConfig, TlsConfig},
    data_dir::DataDir,
    error::NodeError,
    tls,
};

/// Open files beside miners: peers, stores, the API.
const OTHER_FILES: u64 = 512;

/// Joins the operator's settings with what the lanes say, the first one first.
///
/// # Errors
/// When the certificate cannot be read or made.
pub(crate) fn stratum_config(
    config: &Config,
    data_dir: &DataDir,
    lanes: Vec<LaneEnds>,
    (plan, refuge): (watch::Receiver<Arc<LanePlan>>, watch::Receiver<Option<Refuge>>),
) -> Result<StratumConfig, NodeError> {
    let (profile, miners) = (&config.chain, &config.stratum);
    let certificate = tls::certificate(&miners.tls, data_dir)?;
    if let Some(certificate) = &certificate {
        info!(sha256 = certificate.fingerprint, "miners may use TLS on the same port");
    }
    let room = room(miners);
    let mut session = SessionConfig {
        password: miners.password.clone(),
        node_nonce: rand::random(),
        share_period: profile.share_period,
        ..SessionConfig::new(profile.params.clone(), profile.addresses.clone(), profile.vardiff)
    };
    session.lanes = Lanes::one(lane_terms(config.lane_name(), config));
    for (name, lane) in &config.lanes {
        let with = session.lanes.with(lane_terms(name, lane));
        session.lanes = with.expect("a configuration has lanes that go together");
    }
    Ok(StratumConfig {
        session,
        access: Access {
            allowed: miners.allow.clone(),
            proxies: miners.proxies.clone(),
            connections_max: room.connections_max,
            shed_above: room.shed_above,
            refuge: Some(refuge),
            tls: certificate.map(|certificate| certificate.acceptor),
        },
        lanes,
        plan: Some(plan),
    })
}

fn lane_terms(name: &str, lane: &Config) -> LaneTerms {
    let (chain, miners) = (&lane.chain, &lane.stratum);
    LaneTerms {
        default_script: miners.default_script,
        fee: miners.fee,
        ..LaneTerms::new(name.to_owned(), chain.params.clone(), chain.addresses.clone())
    }
}

/// What the API tells of the endpoint.
#[derive(Clone, Debug)]
pub struct StratumEndpoint {
    /// Where miners connect to.
    pub address: SocketAddr,
    /// Where those connect to that speak Stratum V2: a URL with the key that they know this node by.
    pub v2_url: Option<String>,
    /// Whether the first takes TLS too.
    pub tls: bool,
}

/// Binds the endpoint and, where it is wanted, that of Stratum V2.
///
/// # Errors
/// When an address cannot be listened on or the key cannot be read.
pub(crate) fn bind(
    miners: &MinersConfig,
    terms: StratumConfig,
    data_dir: &DataDir,
) -> Result<(Stratum, StratumEndpoint), NodeError> {
    let refused = |address: SocketAddr, flag| {
        move |source| NodeError::Listen { what: "miners", address: address.to_string(), flag, source }
    };
    let mut stratum = Stratum::bind(miners.listen, terms).map_err(refused(miners.listen, "--stratum-listen"))?;
    let tls = miners.tls != TlsConfig::Off;
    let mut endpoint = StratumEndpoint { address: stratum.address(), v2_url: None, tls };
    let Some(address) = miners.v2_listen else { return Ok((stratum, endpoint)) };
    let keys = data_dir.authority_keys()?;
    let key = keys.public_text();
    stratum.bind_v2(address, keys).map_err(refused(address, "--stratum-v2-listen"))?;
    let bound = stratum.v2_address().unwrap_or(address);
    endpoint.v2_url = Some(format!("stratum2+tcp://{bound}/{key}"));
    Ok((stratum, endpoint))
}

/// How many miners may connect, as far as the system allows it.
pub(crate) fn room(miners: &MinersConfig) -> Room {
    Room { connections_max: connections_max(miners.connections_max), shed_above: miners.shed_above }
}

/// As many connections as wanted, where the system allows so many open files; raises what it lets us raise.
fn connections_max(wanted: usize) -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return wanted };
    let api = u64::try_from(api::CONNECTIONS_MAX).unwrap_or(u64::MAX);
    let needed = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_add(OTHER_FILES).saturating_add(api);
    let reachable = needed.min(hard);
    let allowed = if soft >= reachable || setrlimit(Resource::RLIMIT_NOFILE, reachable, hard).is_err() {
        soft
    } else {
        reachable
    };
    let possible = connections_possible(wanted, allowed);
    if possible < wanted {
        warn!(
            connections = possible,
            "the system allows {allowed} open files, so fewer miners than {wanted} can connect; hint: raise `ulimit -Hn` (LimitNOFILE)"
        );
    }
    possible
}

/// How many of the wanted connections go with so many open files.
pub(crate) fn connections_possible(wanted: usize, files: u64) -> usize {
    // Where files are scarce, half of them are for miners.
    let room = files.saturating_sub(OTHER_FILES).max(files / 2);
    usize::try_from(room).unwrap_or(usize::MAX).min(wanted)
}
