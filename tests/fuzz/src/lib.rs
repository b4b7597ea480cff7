//! What the fuzz targets do with their bytes: every decoder of the project, and its state machines driven by operations
//! that are read from bytes.
//!
//! Each body is a plain function that panics when a promise is broken; it holds no state between calls, reads no clock
//! and no file. libFuzzer calls them from `fuzz_targets/`, and `tests/fuzz_corpus.rs` calls them over the committed
//! corpus and over mutations of it.
#![expect(clippy::missing_panics_doc, reason = "a body reports a broken promise by a panic")]

pub mod amounts;
pub mod chain;
pub mod consensus;
pub mod lanes;
pub mod measure;
pub mod network;
pub mod parent;
pub mod stratum_session;
pub mod stratum_text;
pub mod stratum_v2;
pub mod sync;
pub mod templates;

/// One fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name of its binary and of its folder below `corpus/`.
    pub name: &'static str,
    /// What it does with its bytes.
    pub run: fn(&[u8]),
    /// How many mutations of its corpus the test suite tries.
    pub mutations: u32,
}

/// Every target, in the order of `Cargo.toml`.
pub const TARGETS: [Target; 29] = [
    Target { name: "share", run: consensus::share, mutations: 40_000 },
    Target { name: "header_and_targets", run: consensus::header_and_targets, mutations: 40_000 },
    Target { name: "identifiers", run: consensus::identifiers, mutations: 40_000 },
    Target { name: "reader", run: consensus::reader, mutations: 40_000 },
    Target { name: "coinbase", run: amounts::coinbase, mutations: 20_000 },
    Target { name: "payout_split", run: amounts::payout_split, mutations: 20_000 },
    Target { name: "chain", run: chain::run, mutations: 300 },
    Target { name: "sync", run: sync::run, mutations: 20_000 },
    Target { name: "stratum_session", run: stratum_session::run, mutations: 4_000 },
    Target { name: "stratum_submit", run: stratum_text::submit, mutations: 40_000 },
    Target { name: "stratum_username", run: stratum_text::username, mutations: 20_000 },
    Target { name: "stratum_difficulty", run: stratum_text::difficulty, mutations: 20_000 },
    Target { name: "stratum_login", run: stratum_text::login, mutations: 20_000 },
    Target { name: "stratum_opening", run: stratum_text::opening, mutations: 20_000 },
    Target { name: "stratum_v2", run: stratum_v2::run, mutations: 4_000 },
    Target { name: "p2p_request", run: network::request, mutations: 40_000 },
    Target { name: "p2p_response", run: network::response, mutations: 40_000 },
    Target { name: "node_ad", run: network::node_ad, mutations: 20_000 },
    Target { name: "store_record", run: network::store_record, mutations: 40_000 },
    Target { name: "address_book", run: network::address_book, mutations: 10_000 },
    Target { name: "api_answer", run: network::api_answer, mutations: 20_000 },
    Target { name: "block", run: parent::block, mutations: 40_000 },
    Target { name: "template", run: parent::template, mutations: 10_000 },
    Target { name: "template_store", run: templates::run, mutations: 4_000 },
    Target { name: "rpc_answer", run: parent::rpc_answer, mutations: 20_000 },
    Target { name: "devnet_rpc", run: parent::devnet_rpc, mutations: 400 },
    Target { name: "config", run: parent::config, mutations: 10_000 },
    Target { name: "lanes_history", run: lanes::history, mutations: 4_000 },
    Target { name: "lanes_price", run: lanes::price, mutations: 20_000 },
];
