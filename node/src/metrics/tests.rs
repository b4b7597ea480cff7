use std::{collections::BTreeSet, fs, path::Path, time::Instant};

use serde_json::Value;
use sharechain::{ShareChain, testing};
use stratum::{
    server::{MinerSnapshot, Rejects, StratumSnapshot},
    timing::Timings,
};

use super::*;
use crate::{
    blocks::{BlocksView, PoolBlock, PoolBlockStatus},
    chain_profile::ChainProfile,
    chain_task::ChainView,
    health::{Component, Condition, Name, Part},
    p2p::PeersView,
    parent::ParentState,
    testing::{block, peer, template},
};

fn miner(number: usize) -> MinerSnapshot {
    MinerSnapshot {
        id: (0, number),
        worker: format!("w{number}"),
        #[expect(clippy::cast_precision_loss, reason = "small")]
        hashrate: number as f64,
        accepted: 3,
        hashes: 7.0,
        hashes_last: 7.0,
        rejects: Rejects::from([1, 2, 0, 0, 0, 0]),
        ..crate::testing::miner()
    }
}

fn component(condition: Condition) -> Component {
    let name = Name { lane: Some("devnet".to_owned()), part: Part::Daemon, subject: None };
    Component { name, condition, reason: String::new(), action: "".into(), since: 0 }
}

/// The families of a node that has a number for each of them.
fn all() -> Vec<Family> {
    let mut chain = ShareChain::new(testing::devnet_params());
    testing::Miner::new(testing::devnet_params(), 1).extend(&mut chain, testing::GENESIS_TIME + 1);
    let parent = ParentState {
        template: Some(Arc::new(template(1))),
        confirmed: Some(tokio::time::Instant::now()),
        ..ParentState::starting()
    };
    let block = PoolBlock { own: true, status: PoolBlockStatus::Matured(100), ..block(1) };
    let (timings, meters) = (Timings::new(Instant::now()), Meters::default());
    timings.submit.observe(Duration::from_micros(7));
    meters.share_ages.observe(1_000, 1_002_500);
    let miners = StratumSnapshot {
        miners: vec![miner(1)],
        connections: 3,
        connections_v2: 1,
        accepted: 3,
        hashes: 8_589_934_592.0,
        rejects: Rejects::from([1, 2, 0, 0, 0, 0]),
        ..StratumSnapshot::default()
    };
    let calls = Calls::new(&["getblocktemplate"]);
    calls.count("getblocktemplate", Duration::from_millis(3), false);
    calls.count("unheard-of", Duration::from_millis(3), false);
    let peers = PeersView { peers: vec![peer()], ..PeersView::default() };
    families(&Seen {
        lane: "devnet",
        network: "devnet",
        algorithm: sharechain::PowAlgorithm::Sha256d,
        chain: &ChainView::of(&mut chain),
        parent: &parent,
        miners: &miners,
        timings: &timings,
        peers: &peers,
        blocks: &BlocksView { blocks: vec![block], confirmed: 4 },
        meters: &meters,
        rpc: calls.counts().collect(),
        payout_estimate_coins: Some(1.5),
        round_work: Some(77),
        subscribers: 2,
        db_bytes: Some(1),
        components: &[component(Condition::Healthy), component(Condition::Failed)],
        process: Process { started_at: 1, resident_bytes: Some(2), open_fds: Some(3), tasks: Some(4) },
    })
}

fn of_workers(count: usize) -> Vec<Family> {
    let seen = StratumSnapshot { miners: (0..count).map(miner).collect(), ..StratumSnapshot::default() };
    let addresses = ChainProfile::find("devnet", None).unwrap().addresses;
    workers(&seen, &addresses, sharechain::PowAlgorithm::Sha256d)
}

#[test]
fn the_page_is_what_a_scraper_reads() {
    let page = encode(all());
    let lines: BTreeSet<&str> = page.lines().collect();
    for line in [
        "poolnode_build_info{version=\"0.1.0\",chain=\"devnet\"} 1",
        "poolnode_stratum_connections{lane=\"devnet\",proto=\"v1\"} 2.0",
        "poolnode_stratum_submits_total{lane=\"devnet\",result=\"accepted\",reason=\"\"} 3.0",
        "poolnode_stratum_submits_total{lane=\"devnet\",result=\"rejected\",reason=\"duplicate\"} 2.0",
        "poolnode_stratum_difficulty_accepted_total{lane=\"devnet\"} 2.0",
        "poolnode_stratum_submit_validate_seconds_count{lane=\"devnet\"} 1",
        "poolnode_rpc_errors_total{lane=\"devnet\",method=\"getblocktemplate\"} 1.0",
        "poolnode_blocks{lane=\"devnet\",status=\"matured\"} 1.0",
        "poolnode_blocks_found_total{lane=\"devnet\",status=\"confirmed\"} 4.0",
        "poolnode_peers{direction=\"outbound\",transport=\"tcp\",region=\"unknown\"} 1.0",
        "poolnode_sharechain_height{lane=\"devnet\"} 1.0",
        "poolnode_share_propagation_seconds_sum{lane=\"devnet\"} 2.5",
        "poolnode_clock_skew_seconds 2.5",
        "poolnode_round_work{lane=\"devnet\"} 77.0",
        "# EOF",
    ] {
        assert!(lines.contains(line), "{line} is missing in:\n{page}");
    }
    let buckets = page.lines().filter(|line| line.starts_with("poolnode_stratum_submit_validate_seconds_bucket{"));
    let counts: Vec<_> = buckets.filter_map(|line| line.rsplit(' ').next()).collect();
    assert_eq!((counts[0], counts[1], counts[counts.len() - 1]), ("0", "1", "1"), "cumulative");
    assert!(page.contains("le=\"+Inf\"") && page.contains("poolnode_node_ready 0.0"), "{page}");
    assert!(!page.contains("unheard-of"), "calls have as many series as names");
}

#[test]
fn every_family_has_its_own_name_and_samples() {
    let families: Vec<Family> = all().into_iter().chain(of_workers(1)).collect();
    let names: BTreeSet<&str> = families.iter().map(|family| family.name).collect();
    assert_eq!(names.len(), families.len());
    for family in &families {
        assert!(family.name.starts_with("poolnode_") || family.name.starts_with("process_"), "{}", family.name);
        assert!(!family.name.ends_with("_total") && !family.help.ends_with('.'), "{}", family.name);
    }
}

#[test]
fn workers_have_a_bound_and_the_fastest_are_shown() {
    let page = encode(of_workers(WORKERS_MAX + 100));
    let count = page.lines().filter(|line| line.starts_with("poolnode_worker_connections{")).count();
    assert_eq!(count, WORKERS_MAX);
    assert!(page.contains("worker=\"w599\"") && !page.contains("worker=\"w99\""));
    assert!(of_workers(0).is_empty());
}

/// Names of metrics in a query: words that begin like ours.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = words.filter(|word| word.starts_with("poolnode_") || word.starts_with("process_"));
    ours.map(ToOwned::to_owned).collect()
}

fn known() -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for family in all().into_iter().chain(of_workers(1)) {
        known.insert(family.query_name());
        if matches!(family.samples, Samples::Histogram(_)) {
            known.extend(["bucket", "sum", "count"].map(|part| format!("{}_{part}", family.name)));
        }
    }
    known
}

fn observability(ending: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/observability");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let wanted = entries.filter(|path| path.to_string_lossy().ends_with(ending));
    wanted.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn dashboards_can_be_imported_and_ask_for_what_there_is() {
    let (known, boards) = (known(), observability(".json"));
    assert_eq!(boards.len(), 4);
    let mut used = BTreeSet::new();
    for (name, text) in &boards {
        let board: Value = serde_json::from_str(text).unwrap();
        assert!(
            board["id"].is_null() && board["uid"].is_string(),
            "{name}: a fixed id would replace another dashboard"
        );
        assert_eq!(board["__inputs"][0]["name"], "DS_PROMETHEUS", "{name}");
        let panels = board["panels"].as_array().unwrap();
        let required: BTreeSet<&str> =
            board["__requires"].as_array().unwrap().iter().filter_map(|it| it["id"].as_str()).collect();
        assert!(required.contains("grafana") && required.contains("prometheus"), "{name}");
        let mut ids = BTreeSet::new();
        for panel in panels {
            assert!(required.contains(panel["type"].as_str().unwrap()), "{name}: {}", panel["title"]);
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: two panels with one id");
            assert_eq!(panel["datasource"]["uid"], "${DS_PROMETHEUS}", "{name}: {}", panel["title"]);
            for target in panel["targets"].as_array().unwrap() {
                let expression = target["expr"].as_str().unwrap();
                let asked = metrics_in(expression);
                let unknown: Vec<_> = asked.difference(&known).collect();
                assert!(unknown.is_empty() && !asked.is_empty(), "{name}: {}: {unknown:?}", panel["title"]);
                let is_balanced = expression.matches('(').count() == expression.matches(')').count()
                    && expression.matches('{').count() == expression.matches('}').count();
                assert!(is_balanced, "{name}: {expression}");
                used.extend(asked);
            }
        }
    }
    assert!(used.len() > 30, "{}", used.len());
}

#[test]
fn alerts_ask_for_what_there_is_and_say_what_to_do() {
    let (known, rules) = (known(), observability("alerts.rules.yml"));
    let [(_, text)] = &rules[..] else { panic!("one file") };
    let count = |word: &str| text.lines().filter(|line| line.trim_start().starts_with(word)).count();
    assert!(count("- alert:") > 5);
    for part in ["expr:", "labels: {severity:", "summary:", "description:"] {
        assert_eq!(count(part), count("- alert:"), "{part}");
    }
    let unknown: Vec<_> = metrics_in(text).difference(&known).cloned().collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
