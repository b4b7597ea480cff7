//! Who comes and who comes back: options, passwords, clients, fees, sessions taken up again.

use super::*;
use crate::{lane::LaneTerms, miner::OperatorFee, session::login::Ticket};

fn with_lane(algorithm: PowAlgorithm, change: impl FnOnce(&mut LaneTerms)) -> SessionConfig {
    let mut config = config(algorithm);
    change(config.lanes.first_mut());
    config
}

fn login(user: &str, password: &str) -> String {
    format!(r#"{{"id":2,"method":"mining.authorize","params":["{user}","{password}"]}}"#)
}

fn subscribe_as(agent: &str) -> String {
    format!(r#"{{"id":1,"method":"mining.subscribe","params":["{agent}"]}}"#)
}

#[test]
fn options_in_the_password_set_the_difficulty() {
    let hashes = |password: &str| {
        let mut miner = TestMiner::new(PowAlgorithm::Sha256d);
        miner.line(SUBSCRIBE, 0);
        assert!(miner.line(&login(&user(), password), 0).concat().contains("true"));
        miner.session.miner.vardiff().hashes()
    };
    let of_difficulty = |difficulty: f64| difficulty * 2_f64.powi(32);
    assert_eq!(hashes("x"), 1e6);
    assert_eq!(hashes("d=0.5"), of_difficulty(0.5));
    assert_eq!(hashes("fd=0.00001"), of_difficulty(0.00001));
    assert_eq!(hashes("x,th=2G"), 8e9, "four seconds of it");
    let mut miner = TestMiner::new(PowAlgorithm::Sha256d);
    let refused = miner.line(&login(&user(), "fd=many"), 0).concat();
    assert!(refused.contains(r#"[24,"password option fd= needs a positive number",null]"#), "{refused}");
}

#[test]
fn clients_have_the_coinbase_and_the_difficulties_they_take() {
    let payee = |agent: &str| {
        let mut miner = TestMiner::new(PowAlgorithm::Sha256d);
        miner.line(&subscribe_as(agent), 0);
        miner.line(&authorize(), 0);
        miner.session.payee(LaneId::FIRST).map(|payee| payee.payout_class)
    };
    assert_eq!(payee("NiceHash/1.0.0"), Some(0));
    assert_eq!(payee("bitaxe/BM1370/v2.9.0"), Some(3));
    assert_eq!(payee("cpuminer-multi/1.3.7"), Some(4));
    let mut asic = TestMiner::new(PowAlgorithm::Sha256d);
    asic.line(&subscribe_as("bmminer/2.0.0"), 0);
    asic.line(&login(&user(), "th=3.1G"), 0);
    assert_eq!(asic.session.miner.vardiff().hashes(), 12.4e9);
    for second in 1..4_000 {
        asic.session.miner.vardiff().on_tick(at(asic.start, second).instant);
    }
    assert_eq!(asic.session.miner.vardiff().hashes(), 2_f64.powi(32), "not below a difficulty of 1");
    // Who gives its own difficulty knows better.
    asic.line(&login(&user(), "fd=0.25"), 0);
    assert_eq!(asic.session.miner.vardiff().hashes(), 2_f64.powi(30));
}

#[test]
fn who_takes_whole_difficulties_only_has_shares_that_are_as_hard() {
    // A share at the base of this chain is 16 times easier than difficulty 1.
    let mut raw = testing::devnet_params().raw().clone();
    (raw.parent.pow, raw.base_target_max) = (PowAlgorithm::Sha256d, CompactTarget::from_bits(0x1d0f_ffff));
    let params = testing::params(raw);
    let told = |agent: &str, rate: f64| {
        let mut miner = TestMiner::with(with_lane(PowAlgorithm::Sha256d, |lane| lane.params = params.clone()));
        miner.line(&subscribe_as(agent), 0);
        miner.line(&login(&user(), "th=1T"), 0);
        miner.offer_at_rate(&template_after(0, params.clone(), 1, HARD), rate, 0);
        let share = miner.session.miner.newest_job().unwrap().share_target().unwrap();
        (miner.difficulty, Difficulty::covering(share, PowAlgorithm::Sha256d).get())
    };
    let (difficulty, of_share) = told("bmminer/2.0.0", 0.0);
    assert_eq!(difficulty, 1.0);
    assert!((1.0..1.02).contains(&of_share), "{of_share}");
    let (difficulty, of_share) = told("bmminer/2.0.0", 2e8);
    assert_eq!(difficulty, 2.0);
    assert!((2.0..3.0).contains(&of_share) && of_share.fract() > 0.0, "{of_share}");
    let (difficulty, of_share) = told("cpuminer/2.5", 0.0);
    assert!(difficulty < 0.07 && difficulty == of_share, "{difficulty} {of_share}");
}

#[test]
fn firmware_that_would_cut_the_coinbase_is_refused_in_words() {
    let words = "SparkMiner takes a coinbase of 255 bytes";
    let mut miner = TestMiner::new(PowAlgorithm::Sha256d);
    miner.line(&subscribe_as("SparkMiner/1.0"), 0);
    let refused = miner.line(&authorize(), 0);
    assert!(refused[0].contains(words) && refused[1].starts_with("disconnect"), "{refused:?}");
    // The other way round, too.
    let mut miner = TestMiner::new(PowAlgorithm::Sha256d);
    miner.line(&authorize(), 0);
    let refused = miner.line(&subscribe_as("SparkMiner/1.0"), 0);
    assert!(refused[0].contains(words) && refused[1].starts_with("disconnect"), "{refused:?}");
}

#[test]
fn who_says_nothing_of_itself_is_asked() {
    let mut miner = TestMiner::new(PowAlgorithm::Sha256d);
    miner.line(r#"{"id":1,"method":"mining.subscribe"}"#, 0);
    let asked = miner.line(&authorize(), 0);
    assert_eq!(asked[1], r#"{"id":"version","method":"client.get_version","params":[]}"#);
    assert_eq!(miner.session.payee(LaneId::FIRST).unwrap().payout_class, 2);
    miner.line(r#"{"id":"version","result":"cpuminer/2.5.1","error":null}"#, 1);
    assert_eq!(
        (miner.session.user_agent.as_str(), miner.session.payee(LaneId::FIRST).unwrap().payout_class),
        ("cpuminer/2.5.1", 4)
    );
    // Nobody is left without a job by its answer.
    miner.line(r#"{"id":"version","result":"SparkMiner/1","error":null}"#, 1);
    assert_eq!(miner.session.payee(LaneId::FIRST).unwrap().payout_class, 4);
}

#[test]
fn a_private_endpoint_takes_its_password_only() {
    let config = SessionConfig { password: Some("open sesame".to_owned()), ..config(PowAlgorithm::Blake2s) };
    let mut miner = TestMiner::with(SessionConfig { password: Some("sesame".to_owned()), ..config });
    miner.line(SUBSCRIBE, 0);
    for wrong in ["x", "", "sesam", "sesame2", "d=1"] {
        let actions = miner.session.handle_line(&login(&user(), wrong), at(miner.start, 0));
        assert_eq!(refusal(&actions), "24 wrong password for this endpoint");
        assert!(matches!(actions[1], Action::Misbehaved(Conduct::WrongPassword)));
    }
    assert!(miner.line(&login(&user(), "sesame,d=1"), 0).concat().contains("true"));
}

#[test]
fn the_nameless_work_for_the_operator_and_are_told() {
    let script = testing::script(9);
    let mut miner = TestMiner::with(with_lane(PowAlgorithm::Blake2s, |lane| lane.default_script = Some(script)));
    miner.line(SUBSCRIBE, 0);
    let said = miner.line(&login("rig7", "x"), 0);
    assert!(said[1].contains("client.show_message") && said[1].contains("WARNING"), "{said:?}");
    assert_eq!(miner.session.scripts().and_then(|scripts| scripts.on(LaneId::FIRST)), Some(script));
    // Somebody else's address is none, and is not paid to the operator.
    let mut miner = TestMiner::with(with_lane(PowAlgorithm::Blake2s, |lane| lane.default_script = Some(script)));
    let refused = miner.line(&login("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "x"), 0).concat();
    assert!(refused.contains("belongs to another network"), "{refused}");
}

#[test]
fn the_operators_fee_is_a_part_of_the_jobs_and_is_told() {
    let fee = OperatorFee { basis_points: 250, script: testing::script(9) };
    let mut miner = TestMiner::with(with_lane(PowAlgorithm::Blake2s, |lane| lane.fee = Some(fee)));
    miner.line(SUBSCRIBE, 0);
    let said = miner.line(&authorize(), 0);
    assert!(said[1].contains("operator takes 2.50 % of the jobs"), "{said:?}");
    let mut fees = 0;
    for second in 0..1_000 {
        miner.offer(&template(PowAlgorithm::Blake2s, 1, HARD), second);
        let script = miner.session.miner.newest_job().unwrap().script();
        assert!(script == fee.script || script == testing::script(1));
        if script == fee.script {
            fees += 1;
            if fees == 1 {
                let nonce = miner.grind(true, 0);
                let actions = miner.submit(nonce, second);
                assert!(matches!(actions[1], Action::Judged(Judged::Accepted { is_fee: true, .. })));
                assert_eq!(found(&actions).unwrap().data.payout_script, fee.script);
            }
        }
    }
    assert_eq!(fees, 25);
}

#[test]
fn a_miner_that_comes_back_takes_its_session_up() {
    let mut lost = TestMiner::mining(PowAlgorithm::Blake2s, HARD);
    let (notify, nonce) = (lost.notify.clone(), lost.grind(true, 0));
    lost.session.miner.vardiff().suggest(5e7, lost.start);
    let parked = lost.session.park().unwrap();

    let mut back = TestMiner::new(PowAlgorithm::Blake2s);
    back.session.ticket = Ticket { extranonce1: [9; 4], tag: 1 };
    let id = ticket().to_string();
    assert_eq!(id.parse(), Ok(ticket()));
    let line = format!(r#"{{"id":"s","method":"mining.subscribe","params":["cpuminer-multi/1.3.7","{id}"]}}"#);
    let asked = back.session.handle_line(&line, at(back.start, 1));
    assert!(matches!(&asked[..], [Action::Resume { session_id }] if *session_id == id), "{asked:?}");
    let reply = lines(&back.session.handle_resume(Some((ticket(), parked)))).concat();
    assert!(reply.starts_with(&format!(r#"{{"id":"s","result":[[["mining.set_difficulty","{id}"]"#)), "{reply}");
    assert!(reply.contains(r#""00000000",8]"#), "the extranonce of before: {reply}");
    back.line(&authorize(), 1);
    assert_eq!(back.session.miner.vardiff().hashes(), 5e7);
    // What was found for the job of before counts, and counts once.
    back.notify = notify;
    assert!(found(&back.submit(nonce, 1)).is_some());
    assert_eq!(refusal(&back.submit(nonce, 1)), "22 duplicate share");
    let told = back.offer(&template(PowAlgorithm::Blake2s, 1, HARD), 1);
    assert!(told[0].contains("set_difficulty"), "cpuminer has forgotten it: {told:?}");
}

#[test]
fn a_session_that_nobody_kept_begins_anew() {
    let mut miner = TestMiner::new(PowAlgorithm::Blake2s);
    let line = r#"{"id":1,"method":"mining.subscribe","params":["cpuminer-multi/1.3.7","4ab1ffffffffffffffffffff"]}"#;
    miner.session.handle_line(line, at(miner.start, 0));
    let reply = lines(&miner.session.handle_resume(None)).concat();
    assert!(reply.contains(r#""000000000000000000000005"]],"00000000",8]"#), "{reply}");
    assert!(miner.session.handle_resume(None).is_empty(), "nobody asks");
    // Subscribing again is answered, and nothing is looked for.
    assert!(lines(&miner.session.handle_line(line, at(miner.start, 0))).concat().contains("mining.notify"));
    assert!(miner.session.park().is_none(), "it never mined");
}
