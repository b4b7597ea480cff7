//! The running node, where there is one: what it says of itself, judged.

use std::{path::Path, time::Duration};

use stratum::client::ClientProfile;
use tokio::time::timeout;

use super::{
    Finding,
    folder::Folder,
    ports::{self, Listens},
    root_cause, split_hint,
    time::{self, Against},
};
use crate::{
    api::{
        client::{ApiClient, ApiError},
        dto::{Daemon, Health, NetworkSummary, Status, Worker},
    },
    clock::unix_now,
    run::Endpoints,
};

/// Time for all answers of the node.
const API_TIMEOUT: Duration = Duration::from_secs(10);

/// What a node told.
#[derive(Debug)]
pub(super) struct RunningNode {
    endpoints: Option<Endpoints>,
    told: Option<Told>,
}

/// What its API told.
#[derive(Debug)]
struct Told {
    url: String,
    status: Status,
    health: Health,
    network: NetworkSummary,
    workers: Vec<Worker>,
    /// Time of its newest share.
    tip_time: Option<u64>,
}

impl RunningNode {
    /// The node that has the data directory, and what there is to say of finding it. `api` is asked when the directory does
    /// not tell.
    pub(super) async fn find(data_dir: &Path, folder: &Folder, api: &str) -> (Option<Self>, Vec<Finding>) {
        if let Folder::InUse { .. } = folder {
            let endpoints = endpoints(data_dir);
            let url = endpoints.as_ref().map_or(api, |endpoints| &endpoints.api);
            let (told, findings) = match ask(url).await {
                Ok(told) => (Some(told), Vec::new()),
                Err(cause) => (None, vec![silent(url, &cause)]),
            };
            return (Some(Self { endpoints, told }), findings);
        }
        let Ok(told) = ask(api).await else {
            let nobody = "no node runs with this data directory: what only a running node knows is not looked at";
            return (None, vec![Finding::skipped("node", nobody)]);
        };
        let theirs = Path::new(&told.status.cookie_file).parent().map(Path::to_owned).unwrap_or_default();
        let is_ours = std::path::absolute(data_dir).is_ok_and(|ours| ours == theirs);
        if is_ours && matches!(folder, Folder::Closed(_)) {
            return (Some(Self { endpoints: None, told: Some(told) }), Vec::new());
        }
        let another =
            Finding::warning("node", format!("the node at {api} has another data directory: {}", theirs.display()))
                .because(format!("this looks at {}", data_dir.display()))
                .fix("to look at that node, give doctor the --config and flags that it has");
        (None, vec![another])
    }

    /// JSON-RPC of its embedded devnet.
    pub(super) fn devnet_rpc(&self) -> Option<&str> {
        self.endpoints.as_ref()?.devnet_rpc.as_deref()
    }

    /// Where it listens.
    pub(super) fn listens(&self) -> Listens {
        self.endpoints.as_ref().map(ports::listens)
    }

    /// How many shares it holds.
    pub(super) fn shares(&self) -> Option<usize> {
        self.told.as_ref().map(|told| told.status.shares)
    }

    /// What it says, judged.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let Some(told) = &self.told else { return Vec::new() };
        let status = &told.status;
        let mut findings = vec![itself(told)];
        findings.extend(told.health.problems.iter().map(|problem| self::problem(problem)));
        findings.push(sync(status));
        findings.extend(held_back(status.shares_held_back));
        findings.extend(status.parent.daemons.iter().map(standing));
        findings.extend(told.tip_time.map(|time| time::judge(time, unix_now(), Against::Peers)));
        findings.push(peers(&told.network, status));
        findings.push(reachability(&told.network));
        findings.extend(bitaxes(&told.workers));
        findings
    }
}

fn endpoints(data_dir: &Path) -> Option<Endpoints> {
    let text = std::fs::read_to_string(data_dir.join("endpoints.json")).ok()?;
    serde_json::from_str(&text).ok()
}

async fn ask(url: &str) -> Result<Told, ApiError> {
    let client = ApiClient::new(url)?;
    let asked = async {
        let status = client.status().await?;
        let (health, network) = (client.health().await?, client.network().await?);
        let workers = client.workers().await?.data;
        // The virtual genesis has no header.
        let tip_time = client.share(&status.share_tip).await.ok().map(|share| u64::from(share.time));
        Ok(Told { url: url.to_owned(), status, health, network, workers, tip_time })
    };
    timeout(API_TIMEOUT, asked).await.unwrap_or_else(|_| Err(ApiError::Timeout { url: url.to_owned() }))
}

fn silent(url: &str, cause: &ApiError) -> Finding {
    let found = Finding::error("node", format!("a node has the data directory, but does not answer at {url}: {cause}"))
        .fix("look at its log; when it hangs, stop it and start it again");
    match root_cause(cause) {
        Some(cause) => found.because(cause),
        None => found,
    }
}

fn itself(told: &Told) -> Finding {
    let Status { version, uptime_secs, .. } = &told.status;
    Finding::ok("node", format!("version {version} runs at {} since {uptime_secs} s: {}", told.url, told.health.status))
}

fn problem(text: &str) -> Finding {
    let (finding, fix) = split_hint(text);
    let found = Finding::error("health", finding);
    match fix {
        Some(fix) => found.fix(fix),
        None => found,
    }
}

fn sync(status: &Status) -> Finding {
    let height = status.share_height;
    match (status.synced, status.sync_target_height) {
        (true, _) => Finding::ok("share-sync", format!("synced at height {height}")),
        (false, Some(target)) => Finding::warning("share-sync", format!("at height {height} of {target}"))
            .fix("wait; `poolnode status` says how long it takes"),
        (false, None) => Finding::warning("share-sync", "no peer has said yet what it has")
            .because("miners get work when a configured peer, or one of its seeds, has answered")
            .fix("see `poolnode peers`; a node that is to be the first one takes --solo-until-synced"),
    }
}

fn held_back(shares: usize) -> Option<Finding> {
    (shares > 0).then(|| {
        Finding::warning("held-shares", format!("{shares} shares are held back"))
            .because("this machine's clock or its daemon speaks against them")
            .fix("check the clock (timedatectl), and whether the daemon follows its network")
    })
}

/// What the node says of a daemon beside the others; what can be asked of the daemon itself is asked elsewhere.
fn standing(daemon: &Daemon) -> Finding {
    let height = daemon.height.map(|height| format!(" at height {height}")).unwrap_or_default();
    let found = match (daemon.ready, daemon.standing.as_str()) {
        (false, _) => Finding::warning("standing", "the node cannot mine with it")
            .because(daemon.problem.as_deref().unwrap_or("it has given no template yet")),
        (true, "behind") => Finding::warning("standing", format!("behind the other daemons{height}"))
            .fix("is it connected to its network, and is its disk fast enough?"),
        (true, "disagrees") => Finding::warning("standing", format!("has another block than the others{height}"))
            .because("two branches of the chain, or a daemon that runs other rules")
            .fix("compare getbestblockhash of the daemons, and their versions"),
        (true, _) if daemon.chosen => Finding::ok("standing", format!("the node mines with it{height}")),
        (true, _) => Finding::ok("standing", format!("level with the others{height}")),
    };
    found.about(&daemon.url)
}

fn peers(network: &NetworkSummary, status: &Status) -> Finding {
    let text = format!("{} inbound, {} outbound", network.inbound, network.outbound);
    if let Some(alarm) = &network.alarm {
        return Finding::warning("peers", text)
            .because(alarm)
            .fix("add peers of other networks with --peer or p2p.seeds");
    }
    match network.inbound + network.outbound {
        // Whoever waits for nobody is alone by intent.
        0 if status.synced => Finding::ok("peers", format!("{text}: the node mines alone")),
        0 => Finding::warning("peers", text).fix("add some with --peer or p2p.seeds, and let TCP and UDP out"),
        _ => Finding::ok("peers", text),
    }
}

fn reachability(network: &NetworkSummary) -> Finding {
    match network.reachable {
        Some(true) => Finding::ok("reachability", format!("peers have dialled back {} times", network.dialled_back)),
        Some(false) => Finding::warning("reachability", format!("{} dials of peers failed", network.dial_back_failed))
            .because("a router or firewall is in between; the node works, and others find fewer ways to it")
            .fix("open the p2p port for TCP and UDP, or set p2p.external, p2p.upnp or p2p.relays"),
        None => Finding::skipped("reachability", "no peer has tried to dial back yet"),
    }
}

/// Nothing is wrong with them, but their owners will ask.
fn bitaxes(workers: &[Worker]) -> Option<Finding> {
    let is_bitaxe = |worker: &&Worker| ["Bitaxe", "NerdQAxe"].contains(&ClientProfile::of(&worker.agent).name);
    let count = workers.iter().filter(is_bitaxe).count();
    (count > 0).then(|| {
        Finding::ok("workers", format!("{count} of {} are Bitaxes (ESP-Miner)", workers.len())).because(
            "their page may show a decode error for the coinbase, because it pays many; they mine all the same",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Severity;

    fn network(inbound: usize, reachable: Option<bool>) -> NetworkSummary {
        NetworkSummary {
            inbound,
            outbound: 0,
            transports: Vec::new(),
            regions: Vec::new(),
            asns: Vec::new(),
            listen: Vec::new(),
            external: Vec::new(),
            reachable,
            dialled_back: 3,
            dial_back_failed: 4,
            share_height: 0,
            bans: 0,
            alarm: None,
        }
    }

    #[test]
    fn reachability_is_what_peers_have_tried() {
        let judged = |reachable| reachability(&network(1, reachable));
        assert_eq!(judged(Some(true)).finding, "peers have dialled back 3 times");
        assert_eq!((judged(Some(false)).severity, judged(None).severity), (Severity::Warning, Severity::Skipped));
        assert_eq!(judged(Some(false)).finding, "4 dials of peers failed");
    }

    #[test]
    fn what_health_says_is_split_into_finding_and_fix() {
        let found = problem("a branch has more work; hint: restart with --adopt-branch x");
        assert_eq!(
            (found.finding.as_str(), found.fix.as_deref()),
            ("a branch has more work", Some("restart with --adopt-branch x"))
        );
        assert_eq!(problem("nothing comes").fix, None);
        assert_eq!(held_back(0), None);
        assert_eq!(held_back(2).unwrap().severity, Severity::Warning);
    }

    #[test]
    fn a_daemon_beside_the_others_is_judged_by_its_standing() {
        let judged = |ready, chosen, standing: &str| {
            let (url, standing) = ("http://127.0.0.1:1".to_owned(), standing.to_owned());
            let found = self::standing(&Daemon { url, chosen, ready, problem: None, height: Some(7), standing });
            (found.severity, found.finding)
        };
        assert_eq!(judged(true, true, "well"), (Severity::Ok, "the node mines with it at height 7".to_owned()));
        assert_eq!(
            judged(true, false, "behind"),
            (Severity::Warning, "behind the other daemons at height 7".to_owned())
        );
        assert_eq!(judged(true, false, "disagrees").0, Severity::Warning);
        assert_eq!(judged(false, false, "well"), (Severity::Warning, "the node cannot mine with it".to_owned()));
    }

    #[test]
    fn bitaxes_are_explained_and_not_complained_about() {
        let worker = |agent: &str| Worker {
            address: String::new(),
            worker: String::new(),
            agent: agent.to_owned(),
            hashrate: 0.0,
            connected_secs: 0,
            submits: crate::api::dto::Submits { accepted: 0, stale: 0, rejected: 0 },
            hashrate_low: None,
            hashrate_high: None,
            id: String::new(),
            difficulty: None,
            last_share_secs: None,
            rejects: crate::api::dto::RejectCounts::default(),
        };
        assert_eq!(bitaxes(&[worker("cgminer/4.12")]), None);
        let found = bitaxes(&[worker("bitaxe/BM1370/v2.9.0"), worker("cgminer/4.12")]).unwrap();
        assert_eq!((found.severity, found.finding.as_str()), (Severity::Ok, "1 of 2 are Bitaxes (ESP-Miner)"));
    }
}
