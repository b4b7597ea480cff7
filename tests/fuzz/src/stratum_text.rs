//! What miners spell: submits, user names, difficulties.

use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use sharechain::{PowAlgorithm, testing};
use stratum::{
    Difficulty, LaneId, LaneTerms, SessionConfig,
    client::{self, ClientProfile},
    connect_page::ConnectPage,
    lane::Lanes,
    limits::{PASSWORD_LEN_MAX, USERNAME_LEN_MAX, WORKER_LEN_MAX},
    message::{self, Request},
    opening::{Opening, PROXY_HEADER_LEN, PROXY_LEN_MAX, ProxyHeader},
    options::LoginOptions,
    submit::Submit,
    username::Username,
    vardiff::{Vardiff, VardiffConfig},
};

use super::stratum_session::address_format;

/// A request line, and the parameters of a submit: equal bytes come of equal spellings only.
pub fn submit(bytes: &[u8]) {
    let Ok(line) = std::str::from_utf8(bytes) else { return };
    let Some(request) = Request::parse(line) else { return };
    let (agent, _session) = message::subscription(&request);
    let profile = ClientProfile::of(&agent);
    if let Ok(class) = profile.payout_class(&testing::devnet_params()) {
        let outputs = testing::devnet_params().raw().payout_classes[usize::from(class)];
        assert!(client::coinbase_len_max(outputs) <= profile.coinbase_max);
    }
    assert!(agent.chars().all(|letter| letter.is_ascii_graphic() || letter == ' '));
    for reply in [request.reply("true"), request.refuse(&stratum::Reject::Duplicate)] {
        // Not as a value: an id may hold numbers that no float holds.
        assert!(serde_json::from_str::<&RawValue>(&reply).is_ok(), "{reply}");
    }
    let Ok(params) = request.params::<Vec<String>>("strings") else { return };
    let Ok(submit) = Submit::parse(&params) else { return };
    let spelt = |text: &str, bytes: &[u8]| assert_eq!(text.to_ascii_lowercase(), hex::encode(bytes));
    spelt(&params[2], &submit.extranonce2);
    spelt(&params[3], &submit.time.to_be_bytes());
    spelt(&params[4], &submit.nonce.to_be_bytes());
    if let Some(bits) = submit.version_bits {
        spelt(&params[5], &bits.to_be_bytes());
    }
}

/// A user name: what is accepted is an address that spells the same script again, and a worker that is safe to print.
pub fn username(bytes: &[u8]) {
    let user = String::from_utf8_lossy(bytes);
    let format = address_format();
    let lanes = Lanes::one(LaneTerms::new("main".to_owned(), testing::devnet_params(), format.clone()));
    let Ok(parsed) = Username::parse(&user, &LoginOptions::default(), &lanes) else { return };
    let script = parsed.scripts.on(LaneId::FIRST).expect("who can be paid can be paid on the only lane");
    assert!(user.len() <= USERNAME_LEN_MAX && parsed.worker.len() <= WORKER_LEN_MAX && !parsed.worker.is_empty());
    assert!(parsed.worker.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
    let address = format.format(&script).expect("a script that can be paid has an address");
    assert_eq!(format.parse(&address), Ok(script));
    let given = user.split(['.', '_']).next().unwrap_or_default().trim();
    assert!(given == address || given.to_ascii_lowercase() == address, "{given} pays {address}");
}

/// A password: options are numbers that make sense.
pub fn login(bytes: &[u8]) {
    let password = String::from_utf8_lossy(bytes);
    let Ok(options) = LoginOptions::parse(&password) else { return };
    for number in [options.difficulty_min, options.difficulty_fixed, options.hashrate].into_iter().flatten() {
        assert!(number.is_finite() && number > 0.0, "{password:?}");
    }
    assert!(options.password.chars().count() <= PASSWORD_LEN_MAX && password.contains(&options.password));
}

/// The first bytes of a connection: what they are is known at once or after a bounded number more, and a PROXY header is no longer
/// than it says.
pub fn opening(bytes: &[u8]) {
    let opening = Opening::of(bytes);
    assert!(opening.is_some() || bytes.len() < PROXY_HEADER_LEN);
    for len in 0..bytes.len().min(PROXY_HEADER_LEN) {
        let sooner = Opening::of(&bytes[..len]);
        assert!(sooner.is_none() || sooner == opening, "what was told stays told");
    }
    if let Ok(Some(header)) = ProxyHeader::parse(bytes) {
        assert_eq!(ProxyHeader::declared_len(bytes), Ok(header.len));
        assert!(header.len <= bytes.len() && header.len <= PROXY_LEN_MAX);
        assert_eq!(ProxyHeader::parse(&bytes[..header.len]), Ok(Some(header)), "what follows changes nothing");
    }
    let config = SessionConfig::new(
        testing::devnet_params(),
        address_format(),
        VardiffConfig { start_hashes: 1.0, min_hashes: 1.0, submit_interval: Duration::from_secs(4) },
    );
    if let Some(answer) = ConnectPage::new(&config, 7, true).answer(bytes) {
        assert!(answer.starts_with(b"HTTP/1.1 ") && answer.windows(4).any(|end| end == b"\r\n\r\n"));
    }
}

/// Difficulties that miners ask for and are told, and the controller under submits at any time.
pub fn difficulty(bytes: &[u8]) {
    let mut numbers = bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes));
    let Some(asked) = numbers.next() else { return };
    let difficulty = Difficulty::new(asked);
    assert!(difficulty.get().is_finite() && difficulty.get() > 0.0);
    assert_eq!(difficulty.to_json().parse::<f64>().ok(), Some(difficulty.get()), "what is told is what is meant");
    for algorithm in PowAlgorithm::ALL {
        let target = difficulty.target(algorithm);
        let covering = Difficulty::covering(target, algorithm);
        assert!(covering.get().is_finite() && covering.get() > 0.0);
        let back = Difficulty::from_hashes(difficulty.hashes(algorithm), algorithm);
        assert!(back.get().is_finite());
    }
    let start = Instant::now();
    let config = VardiffConfig { start_hashes: 1e6, min_hashes: 1e3, submit_interval: Duration::from_secs(4) };
    let mut vardiff = Vardiff::new(config, start);
    let mut now = start;
    for (step, number) in numbers.take(200).enumerate() {
        now += Duration::from_millis(number.to_bits() % 20_000);
        match step % 3 {
            0 => vardiff.suggest(number, now),
            1 => vardiff.on_submit(vardiff.hashes(), now),
            _ => vardiff.on_tick(now),
        }
        assert!(vardiff.hashes().is_finite() && vardiff.hashes() >= config.min_hashes, "{}", vardiff.hashes());
    }
}
