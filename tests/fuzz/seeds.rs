//! The corpus that is made of real bytes: mined shares, messages as nodes send them, lines as miners do, templates and
//! blocks of real daemons. Small, and the same at every run.

use libp2p::{
    Multiaddr, PeerId,
    identity::{
        PublicKey,
        ed25519::{Keypair, SecretKey},
    },
};
use node::{
    Region,
    address_book::{AddressBook, Anchor, Endpoint, PeerRecord, Source},
    config,
    directory::{NodeAd, Operator},
    netgroup::AddressPolicy,
    p2p::{Hello, Request, Response},
    peer_selector::Slot,
    store::StoredShare,
    templates::wire::{Announcement, SentTransaction, TemplateRequest, TemplateResponse},
};
use serde_json::json;
use sharechain::{
    CheckedShare, CompactTarget, PayoutScript, Share, ShareId,
    encode::Writer,
    hash::Txid,
    sync::TipClaim,
    testing::{self, GENESIS_TIME, Rng, World},
};
use std::{sync::Arc, time::Duration};

use super::fuzz::stratum_session::address_format;

const GBT: &str = include_str!("../vectors/bitcoin-gbt.json");
const LITECOIN_GBT: &str = include_str!("../vectors/litecoin-gbt-nomweb.json");
const BLOCK: &str = include_str!("../vectors/bitcoin-block-111.hex");

/// Before the target reads books.
const BOOK_WRITTEN_AT: u64 = 1_780_000_000_000;

/// Target, file name and content of every seed.
///
/// # Panics
/// Never: the vectors are hexadecimal.
pub fn all() -> Vec<(&'static str, String, Vec<u8>)> {
    let shares = shares();
    let mut seeds = Vec::new();
    let mut add = |target: &'static str, inputs: Vec<Vec<u8>>| {
        seeds.extend(inputs.into_iter().enumerate().map(|(number, bytes)| (target, format!("seed-{number}"), bytes)));
    };
    add("share", shares.iter().map(|share| share.share().encode()).collect());
    add("header_and_targets", shares.iter().map(|share| header_and_numbers(share.share())).collect());
    add("identifiers", identifiers(&shares));
    add("reader", (0..4).map(|seed| noise(seed, 120)).collect());
    add("coinbase", vec![coinbase(111, 3, true), coinbase(1, 0, false), coinbase(u32::MAX, 361, true)]);
    add("payout_split", vec![split(4, 7), split(11, 40), split(362, 90), split(1, 0)]);
    add("chain", (0..6).map(|seed| [vec![u8::from(seed % 3 == 0)], noise(seed, 9 * 40)].concat()).collect());
    add("sync", (10..13).map(|seed| noise(seed, 240)).collect());
    add("stratum_session", sessions());
    add("stratum_submit", lines());
    add("stratum_username", usernames());
    add(
        "stratum_difficulty",
        (20..23).map(|seed| [1e-3_f64.to_le_bytes().to_vec(), noise(seed, 160)].concat()).collect(),
    );
    add("stratum_login", ["x", "secret,d=1024;th=1.5T fd=0.001", "fd=1e999"].map(Vec::from).to_vec());
    add("stratum_opening", openings());
    add("stratum_v2", v2_connections());
    add("p2p_request", requests(&shares));
    add("p2p_response", responses(&shares));
    add("node_ad", node_ads());
    add("store_record", shares.iter().take(2).map(|share| StoredShare::new(share, 7).encode()).collect());
    add("address_book", address_books());
    add("api_answer", api_answers());
    add("block", vec![hex::decode(BLOCK.trim()).expect("hexadecimal"), transaction()]);
    let flags = GBT.replacen(r#""coinbaseaux": {"#, &format!(r#""coinbaseaux": {{"flags": "{}""#, "7a".repeat(31)), 1);
    add("template", [GBT, LITECOIN_GBT, &flags].map(|json| json.as_bytes().to_vec()).to_vec());
    add("template_store", template_stores());
    add("rpc_answer", rpc_answers());
    add("devnet_rpc", devnet_requests());
    add("config", configs());
    add("lanes_history", lane_histories());
    add("lanes_price", lane_prices());
    seeds
}

/// The policy's byte, and rows of both kinds.
fn lane_histories() -> Vec<Vec<u8>> {
    let csv =
        "0secs,a,b,a.paid,b.paid\n0,1.0,1,1,1\n300,1.0,,1,1\n600,1,1.5,1,1.4\n900,1,1.6,1,1.5\n1200,1,1.6,1,1.5\n";
    let lane = |name: &str, value: u64, health: &str| {
        json!({
            "lane": name, "coin": name, "block_value": value, "units_per_coin": 100_000_000, "block_hashes": 1_000_000,
            "orphan_rate": 0.01, "stale_rate": 0.0, "fee": 0.1, "health": {"is": health, "reason": "x"}, "own_hashrate": 5.0,
            "network_hashrate": 90.0, "pool_hashrate": 7.5, "share_hashes": 1_000, "window_secs": 86_400,
            "price": {"quote": {"price": 1.5, "age_secs": 1, "spread_percent": 0.5, "sources": 2}},
        })
    };
    let row = |time: u64, value: u64, health: &str| {
        let lanes = [lane("a", 5_000_000_000, health), lane("b", value, "healthy")];
        json!({"time": time, "switch_cost_ms": 700, "lanes": lanes}).to_string() + "\n"
    };
    let rows: String = (0..8)
        .map(|tick| row(tick * 60, 5_000_000_000 + tick * 500_000_000, if tick == 6 { "failed" } else { "healthy" }))
        .collect();
    let decision = json!({"time": 5, "inputs": {"lanes": [lane("a", 1, "degraded")], "switch_cost_ms": 5}}).to_string();
    vec![csv.into(), format!("2{rows}").into(), format!("4{rows}").into(), format!("1# x\n{decision}\n").into()]
}

/// A pointer and an answer.
fn lane_prices() -> Vec<Vec<u8>> {
    let answers =
        ["\n42.5\n", "/result/0/last\n{\"result\":[{\"last\":\"1e3\"}]}", "/a~1b\n{\"a/b\":-7}", "/\nNaN", "\n1e999"];
    answers.map(Vec::from).to_vec()
}

/// Shares of a small network: the last ones, some with uncles.
fn shares() -> Vec<Arc<CheckedShare>> {
    let mut world = World::new(&testing::devnet_params(), 4, 3);
    world.run(40, 4);
    let mut newest: Vec<_> = world.shares.into_iter().rev().take(10).collect();
    newest.sort_by_key(|share| std::cmp::Reverse(share.share().data.uncles.len()));
    newest.truncate(4);
    newest
}

fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    (0..len.div_ceil(8)).flat_map(|_| rng.next().to_le_bytes()).take(len).collect()
}

fn header_and_numbers(share: &Share) -> Vec<u8> {
    let mut out = Writer::default();
    out.u32(share.data.base_bits.to_bits()).u128(1 << 20).u32(64).u32(128).u32(GENESIS_TIME).u32(GENESIS_TIME + 60);
    out.bytes(&share.header.encode()[36..]);
    out.into_bytes()
}

fn identifiers(shares: &[Arc<CheckedShare>]) -> Vec<Vec<u8>> {
    let scripts = [
        PayoutScript::p2pkh(&[7; 20]),
        PayoutScript::p2sh(&[7; 20]),
        PayoutScript::p2wpkh(&[7; 20]),
        PayoutScript::p2wsh(&[7; 32]),
        PayoutScript::p2tr(&[7; 32]),
    ];
    let texts = [shares[0].id().to_string(), "blake2s".to_owned(), "EU".to_owned()];
    scripts.iter().map(|script| script.as_bytes().to_vec()).chain(texts.map(String::into_bytes)).collect()
}

fn coinbase(height: u32, outputs: u16, witness: bool) -> Vec<u8> {
    let mut out = Writer::default();
    out.u32(height).bytes_u8(b"/test/").u8(u8::from(witness));
    if witness {
        out.bytes(&[9; 32]);
    }
    out.u8(1).u64(5).bytes_u8(&[0x51]).u16(outputs).u8(outputs.to_le_bytes()[0]);
    out.into_bytes()
}

fn split(outputs: u16, miners: u8) -> Vec<u8> {
    let mut out = Writer::default();
    out.u64(5_000_000_000).u16(outputs - 1).u32(10_000).bytes(&[7; 32]);
    for miner in 0..miners {
        out.u8(miner).u64(1_000 / (1 + u64::from(miner))).u8(0);
    }
    out.into_bytes()
}

fn sessions() -> Vec<Vec<u8>> {
    let user = address_format().format(&testing::script(1)).expect("a devnet address");
    let submit = |id: u32, job: u32, extranonce2: &str, nonce: u32| {
        let time = GENESIS_TIME + 100;
        format!(
            r#"{{"id":{id},"method":"mining.submit","params":["{user}","{job:08x}","{extranonce2}","{time:08x}","{nonce:08x}"]}}"#
        )
    };
    let tries = |job: u32| (0..8).map(|nonce| submit(4, job, "00000000000000ab", nonce) + "\n").collect::<String>();
    let hello = concat!(
        r#"{"id":1,"method":"mining.subscribe","params":["cpuminer-multi/1.3.7"]}"#,
        "\n",
        r#"{"id":2,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"1fffe000"}]}"#,
        "\n",
        r#"{"id":3,"method":"mining.suggest_difficulty","params":["0.001"]}"#,
        "\n",
    );
    let authorize = format!(r#"{{"id":2,"method":"mining.authorize","params":["{user}.rig","d=1"]}}"#);
    let other_spelling = submit(5, 0x10, "00000000000000AB", 0);
    vec![
        format!("!a\n!j\n{}!r\n!a\n{}!j\n!j\n{}", tries(0x10), tries(0x10), tries(0x12)),
        format!("{hello}{authorize}\n!j\n{}", tries(0x10).replace(&format!("\"{user}\""), &format!("\"{user}.rig\""))),
        format!("!a\n!j\n{}{other_spelling}\n!t2\n!k\n{}{}", tries(0x10), tries(0x20), tries(0x10)),
        format!("!a\n!j\n{}\n!j\n!t1\n{}\n!t5\n!t5\n", submit(1, 9, "00", 0), tries(0x10)),
        r#"{"id":[1, {"a":null}],"method":"mining.ping"}"#.as_bytes().iter().map(|byte| char::from(*byte)).collect::<String>(),
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect()
}

fn lines() -> Vec<Vec<u8>> {
    [
        r#"{"id": 4, "method": "mining.submit", "params": ["w", "1", "00000000000000ab", "6b49d264", "b2957c02"]}"#,
        r#"{"id":"x","method":"mining.submit","params":["w","1","00000000000000AB","6b49d264","B2957C02","1fffe000"]}"#,
        r#"{"params":[],"method":"m","id":null}"#,
        r#"{"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.12.0", null]}"#,
    ]
    .map(|line| line.as_bytes().to_vec())
    .to_vec()
}

/// Frames as the target reads them: message type, length, payload.
fn v2_connections() -> Vec<Vec<u8>> {
    let frame = |kind: u8, payload: &[u8]| {
        let len = u8::try_from(payload.len()).expect("a short payload");
        [&[kind, len], payload].concat()
    };
    let text = |text: &str| [&[u8::try_from(text.len()).expect("a short text")], text.as_bytes()].concat();
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let user = address_format().format(&testing::script(1)).expect("a devnet address");
    // SetupConnection: mining, version 2, host, port, vendor, hardware, firmware, device.
    let names = [text("pool"), vec![1, 2], text("bitaxe"), text(""), text("v2"), text("")].concat();
    let setup = frame(0x00, &[&[0, 2, 0, 2, 0, 0, 0, 0, 0][..], &names].concat());
    let open = [words(&[7]), text(&format!("{user}.rig")), 1e6_f32.to_le_bytes().to_vec(), vec![0xff; 32]].concat();
    let submit = |nonce: u32| words(&[1, nonce, 0x10, nonce, GENESIS_TIME + 100, 0x2000_0000]);
    let standard: Vec<u8> = (0..8).flat_map(|nonce| frame(0x1a, &submit(nonce))).collect();
    let extended: Vec<u8> =
        (0..8).flat_map(|nonce| frame(0x1b, &[submit(nonce), vec![8], vec![9; 8]].concat())).collect();
    vec![
        [setup.clone(), frame(0x10, &open), standard.clone(), standard, vec![0xf0, 1, 0xf1, 3]].concat(),
        [setup, frame(0x13, &[open, vec![4, 0]].concat()), extended, frame(0x18, &words(&[1, 0]))].concat(),
    ]
}

fn openings() -> Vec<Vec<u8>> {
    let proxy = |command: u8, family: u8, body: &[u8]| {
        let len = [0, u8::try_from(body.len()).expect("a short body")];
        [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, family], &len, body].concat()
    };
    vec![
        b"GET / HTTP/1.1\r\nHost: pool\r\n\r\n".to_vec(),
        b"{\"id\":1,\"method\":\"mining.subscribe\"}\n".to_vec(),
        vec![0x16, 3, 1, 2, 0],
        proxy(0x21, 0x11, &[203, 0, 113, 7, 10, 0, 0, 1, 0x1f, 0x90, 0x5b, 0x28]),
        proxy(0x21, 0x21, &[7; 36]),
        proxy(0x20, 0, &[]),
    ]
}

fn usernames() -> Vec<Vec<u8>> {
    let format = address_format();
    let scripts = [PayoutScript::p2pkh(&[7; 20]), PayoutScript::p2sh(&[7; 20]), PayoutScript::p2tr(&[7; 32])];
    let addresses = scripts.iter().filter_map(|script| format.format(script));
    let spelt = addresses.enumerate().map(|(number, address)| match number {
        0 => format!("{address}.rig-1"),
        1 => format!("{address}_rig.2"),
        _ => address.to_uppercase(),
    });
    spelt.map(String::into_bytes).collect()
}

fn hello() -> Hello {
    let tip =
        TipClaim { id: ShareId::from_bytes([1; 32]), height: 7, total_work: sharechain::Work::from_hashes(1 << 70) };
    Hello { tip, region: Some(Region::As), agent: "poolnode/0.1.0".to_owned() }
}

fn requests(shares: &[Arc<CheckedShare>]) -> Vec<Vec<u8>> {
    let ids: Vec<ShareId> = shares.iter().map(|share| share.id()).collect();
    let nobody = Hello { region: None, agent: String::new(), ..hello() };
    let requests = [
        Request::Hello(hello()),
        Request::Hello(nobody),
        Request::Range { locator: ids.clone() },
        Request::Shares { ids },
        Request::Template(TemplateRequest::Announce(Box::new(announcement()))),
        Request::Template(TemplateRequest::Get(announcement().key())),
        Request::Template(TemplateRequest::Transactions { key: announcement().key(), places: vec![0, 2], tail: true }),
    ];
    requests.map(|request| request.encode()).to_vec()
}

fn responses(shares: &[Arc<CheckedShare>]) -> Vec<Vec<u8>> {
    let bytes = shares.iter().take(2).map(|share| share.share().encode()).collect();
    let sent = SentTransaction { txid: Txid::from_bytes([3; 32]), bytes: transaction() };
    let responses = [
        Response::Hello(hello()),
        Response::Shares { shares: bytes },
        Response::Shares { shares: Vec::new() },
        Response::Ids { ids: shares.iter().map(|share| share.id()).collect(), more: true },
        Response::Template(TemplateResponse::Template(Some(Box::new(announcement())))),
        Response::Template(TemplateResponse::Transactions { transactions: vec![sent], tail: Some(vec![1, 2]) }),
    ];
    responses.map(|response| response.encode()).to_vec()
}

fn announcement() -> Announcement {
    Announcement {
        work: testing::Miner::devnet().work,
        version: 0x2000_0000,
        bits: CompactTarget::from_bits(0x1d00_ffff),
        time_min: GENESIS_TIME,
        merkle_branch: vec![[7; 32]; 2],
        tail_len: 2,
        short_ids: vec![[1; 6], [2; 6], [3; 6]],
    }
}

/// Own templates, announcements of true and false ones, right and wrong answers, and peers that leave.
fn template_stores() -> Vec<Vec<u8>> {
    let fetched = [[0, 0, 1, 0x0f], [1, 1, 1, 0xfe], [3, 0, 0, 0], [5, 0, 1, 0]];
    let refused = [[0, 0, 1, 0x03], [0x85, 2, 1, 0xff], [3, 0, 0, 0], [1, 2, 2, 0x7f], [3, 0, 0, 3], [4, 2, 0, 0]];
    vec![fetched.concat(), refused.concat(), [fetched.concat(), refused.concat(), noise(30, 400)].concat()]
}

/// Ads of the share chain that the target knows, signed with keys that everybody knows.
fn node_ads() -> Vec<Vec<u8>> {
    let pair = |secret: u8| Keypair::from(SecretKey::try_from_bytes([secret; 32]).expect("any 32 bytes are a secret"));
    let params = testing::devnet_params().id();
    let node = (&pair(1)).into();
    let url = |text: &str| text.parse().expect("an endpoint");
    let bare = NodeAd {
        node,
        issued: 1_800_000_000,
        ttl_secs: 3_600,
        region: None,
        country: None,
        fee_basis_points: 0,
        capacity: 0,
        load: 0,
        agent: String::new(),
        operator: None,
        addresses: Vec::new(),
        endpoints: vec![url("stratum+tcp://9.9.9.9:3333")],
    };
    let full = NodeAd {
        region: Some(Region::As),
        country: node::directory::Country::parse("JP"),
        agent: "poolnode/0.1.0".to_owned(),
        operator: Some(Operator::sign(&pair(9), node, params)),
        addresses: ["/ip4/9.9.9.9/tcp/13333", "/dns4/pool.example/udp/13333/quic-v1"]
            .map(|address| address.parse().expect("a multiaddress"))
            .to_vec(),
        endpoints: vec![url("stratum+ssl://pool.example:3333"), url("stratum2+tcp://[2a00::1]:3336/KEY")],
        ..bare.clone()
    };
    [bare, full].map(|ad| ad.sign(&pair(1), params).encode()).to_vec()
}

/// Books as nodes write them, and what is between version and checksum, which the target adds too.
fn address_books() -> Vec<Vec<u8>> {
    let mut book = AddressBook::new(AddressPolicy::LocalToo, [7; 32]);
    let empty = book.encode();
    let at = |address: &str| address.parse::<Multiaddr>().expect("a multiaddress");
    let nodes = [
        vec![at("/ip4/9.9.9.9/tcp/23333"), at("/ip4/9.9.9.9/udp/23333/quic-v1")],
        vec![at("/ip6/2a00::1/tcp/23333")],
        vec![at("/ip4/192.168.1.7/tcp/4001")],
    ];
    for (secret, addresses) in (1..).zip(nodes) {
        let key = Keypair::from(SecretKey::try_from_bytes([secret; 32]).expect("any 32 bytes are a secret"));
        let peer = PeerId::from_public_key(&PublicKey::from(key.public()));
        let record = PeerRecord { peer, addresses: addresses.clone(), region: Some(Region::Eu), asn: Some(64_512) };
        book.add(&record, Source::Operator, BOOK_WRITTEN_AT);
        if secret == 1 {
            book.succeeded(&peer, &addresses[0], BOOK_WRITTEN_AT);
            book.measured(&peer, Duration::from_millis(30));
            let endpoint = Endpoint::parse(&addresses[0], &peer).expect("an endpoint");
            book.keep_anchors(vec![Anchor { peer, endpoint, slot: Slot::Near }]);
        } else {
            book.failed(&peer, BOOK_WRITTEN_AT);
        }
    }
    let full = book.encode();
    let content = full[1..full.len() - 4].to_vec();
    vec![empty, full, content]
}

fn api_answers() -> Vec<Vec<u8>> {
    let payout = json!({"script": "0014", "address": null, "amount": 5});
    let share = json!({
        "id": "00", "parent": "00", "uncles": [], "height": 1, "count": 1, "total_work": 2, "work": 2, "time": 7,
        "payout_script": "0014", "payout_address": null, "prev_block": "00", "block_height": 1, "coinbase_value": 5,
        "is_block": false, "linked_at": 7, "payouts": [payout],
    });
    let payouts = json!({
        "payout_share": "00", "window_shares": 3, "window_work": 12, "weights": [{"script": "0014", "address": null, "work": 12}],
        "coinbase_value": 5_000, "payouts": [payout],
    });
    let problem = json!({"title": "unknown share", "status": 404, "detail": "this node has no share with this id"});
    [share, payouts, problem].iter().map(|value| value.to_string().into_bytes()).collect()
}

/// A transaction with a witness, as it stands in a block.
fn transaction() -> Vec<u8> {
    let mut out = Writer::default();
    out.u32(2).bytes(&[0x00, 0x01]).compact_size(1).bytes(&[7; 36]).compact_size(0).u32(0);
    out.compact_size(1).u64(5).compact_size(1).u8(0x51);
    out.compact_size(2).compact_size(2).bytes(&[1, 2]).compact_size(0).u32(9);
    out.into_bytes()
}

fn rpc_answers() -> Vec<Vec<u8>> {
    vec![
        format!(r#"{{"result":{GBT},"error":null,"id":0}}"#).into_bytes(),
        br#"{"result":null,"error":{"code":-5,"message":"Block not found"},"id":0}"#.to_vec(),
        br#"{"result":"high-hash","error":null,"id":0}"#.to_vec(),
        br#"{"result":{"confirmations":-1,"height":7,"version":4},"error":null,"id":0}"#.to_vec(),
        format!(r#"{{"result":"{}","id":0}}"#, "0f".repeat(32)).into_bytes(),
    ]
}

fn devnet_requests() -> Vec<Vec<u8>> {
    let request =
        |method: &str, params: &str| format!(r#"{{"id":1,"method":"{method}","params":{params}}}"#).into_bytes();
    let block = BLOCK.trim();
    vec![
        request("getblocktemplate", r#"[{"rules":["segwit"]}]"#),
        request("getblocktemplate", &format!(r#"[{{"mode":"proposal","data":"{block}"}}]"#)),
        request("submitblock", &format!(r#"["{block}"]"#)),
        request("getblockhash", "[0]"),
        request("getblockheader", &format!(r#"["{}",true]"#, "00".repeat(32))),
        request("getmininginfo", "[]"),
        b"[{}]".to_vec(),
    ]
}

fn configs() -> Vec<Vec<u8>> {
    // Every documented key, set to its default.
    let all_keys: String = config::SAMPLE
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|line| line.contains(" = ") && !line.contains("..")).unwrap_or(line))
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| [line, "\n"])
        .collect();
    vec![
        all_keys.into_bytes(),
        b"chain = \"devnet\"\n[p2p]\nlisten = [\"/ip4/0.0.0.0/tcp/0\"]\nregion = \"EU\"\n".to_vec(),
        b"[parent]\nrpc_url = \"http://127.0.0.1:8332\"\nrpc_user = \"a\"\nrpc_password = \"b\"\n[geo]\n".to_vec(),
        b"[stratum]\nlisen = \"127.0.0.1:1\"\n".to_vec(),
    ]
}
