//! What miners ask for: difficulties, targets, extensions, floods of wishes.

use super::*;
use crate::limits::{LINES, SUBMITS_MAX};

fn renews(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Renew))
}

/// A miner whose shares are so hard that its difficulty is what it asks for.
fn fast_miner(algorithm: PowAlgorithm) -> TestMiner {
    let mut miner = TestMiner::new(algorithm);
    miner.line(SUBSCRIBE, 0);
    miner.line(&authorize(), 0);
    miner.offer_at_rate(&template(algorithm, 1, HARD), 1e9, 0);
    miner
}

#[test]
fn a_suggested_difficulty_or_target_comes_with_a_job_at_once_and_only_when_it_changes_something() {
    let mut miner = fast_miner(PowAlgorithm::Blake2s);
    let difficulty = Difficulty::from_hashes(16.0, PowAlgorithm::Blake2s).get();
    let target = "0".to_owned() + &"f".repeat(63);
    for wish in [
        format!(r#"{{"id":null,"method":"mining.suggest_difficulty","params":[{difficulty:e}]}}"#),
        format!(r#"{{"id":null,"method":"mining.suggest_target","params":["{target}"]}}"#),
    ] {
        let mut miner = fast_miner(PowAlgorithm::Blake2s);
        assert!(renews(&miner.session.handle_line(&wish, at(miner.start, 1))), "{wish}");
        miner.offer_at_rate(&template(PowAlgorithm::Blake2s, 1, HARD), 1e9, 1);
        assert!((miner.difficulty / difficulty - 1.0).abs() < 1e-9, "{wish}: {} {difficulty}", miner.difficulty);
        // NerdMiner says it again every 30 s.
        assert!(!renews(&miner.session.handle_line(&wish, at(miner.start, 31))));
    }
    for nonsense in ["[]", "[null]", "[-1]", r#"["x"]"#, "{}", r#"["zz"]"#, "7"] {
        for method in ["suggest_difficulty", "suggest_target"] {
            let line = format!(r#"{{"id":9,"method":"mining.{method}","params":{nonsense}}}"#);
            assert_eq!(miner.line(&line, 1), [r#"{"id":9,"result":true,"error":null}"#]);
        }
    }
}

#[test]
fn jobs_on_one_template_are_other_work_and_not_without_end() {
    let mut miner = fast_miner(PowAlgorithm::Blake2s);
    let template = template(PowAlgorithm::Blake2s, 1, HARD);
    let mut coinbases = std::collections::BTreeSet::new();
    let mut ids = std::collections::BTreeSet::new();
    let mut sent = 0;
    for _ in 0..100 {
        sent += miner.offer_at_rate(&template, 1e9, 1).len();
        coinbases.insert(miner.notify[2].to_string());
        ids.insert(miner.notify[0].to_string());
    }
    assert_eq!((sent, coinbases.len(), ids.len()), (16, 16, 16));
    assert_eq!(miner.notify[8], Value::Bool(false));
}

#[test]
fn a_minimum_difficulty_is_kept_to() {
    let mut miner = fast_miner(PowAlgorithm::Sha256d);
    let easy = miner.difficulty;
    let line = r#"{"id":1,"method":"mining.configure","params":[["minimum-difficulty"],{"minimum-difficulty.value":0.00002}]}"#;
    assert_eq!(miner.line(line, 1), [r#"{"id":1,"result":{"minimum-difficulty":true},"error":null}"#]);
    let share = miner.session.miner.newest_job().unwrap().share_target().unwrap();
    let most = Difficulty::covering(share, PowAlgorithm::Sha256d).get();
    miner.offer_at_rate(&template(PowAlgorithm::Sha256d, 1, HARD), 1e9, 1);
    assert!(miner.difficulty >= easy && miner.difficulty <= most);
    // Silence eases the difficulty, but not below.
    for second in 1..500 {
        miner.session.handle_tick(at(miner.start, second));
    }
    assert!(miner.session.miner.vardiff().hashes() >= 0.00002 * 2_f64.powi(32));
}

#[test]
fn extensions_are_answered_one_by_one_however_little_is_said() {
    for (params, result) in [
        (r#"[["info"]]"#, r#"{"info":true}"#),
        (r#"[["unheard-of", 7]]"#, r#"{"unheard-of":false}"#),
        ("[]", "{}"),
        (r#"[["version-rolling"],{"version-rolling.mask":"00000000"}]"#, r#"{"version-rolling":false}"#),
        (r#"[["version-rolling"]]"#, r#"{"version-rolling":true,"version-rolling.mask":"1fffe000"}"#),
        (
            r#"[["version-rolling"],{"version-rolling.mask":"00c00000","version-rolling.min-bit-count":2}]"#,
            r#"{"version-rolling":true,"version-rolling.mask":"00c00000"}"#,
        ),
    ] {
        let line = format!(r#"{{"id":1,"method":"mining.configure","params":{params}}}"#);
        let reply = TestMiner::new(PowAlgorithm::Sha256d).line(&line, 0);
        assert_eq!(reply, [format!(r#"{{"id":1,"result":{result},"error":null}}"#)], "{params}");
    }
}

#[test]
fn a_miner_that_is_much_faster_than_its_job_gets_another_at_once() {
    let mut miner = fast_miner(PowAlgorithm::Blake2s);
    miner.session.miner.vardiff().suggest(4.0, miner.start);
    miner.offer_at_rate(&template(PowAlgorithm::Blake2s, 1, HARD), 1e9, 0);
    let mut nonce = 0;
    let renewed = (0..20).any(|_| {
        nonce = miner.grind(true, nonce + 1);
        renews(&miner.submit(nonce, 1))
    });
    assert!(renewed);
    let slow = miner.difficulty;
    miner.offer_at_rate(&template(PowAlgorithm::Blake2s, 1, HARD), 1e9, 1);
    assert!(miner.difficulty > slow * 2.0, "{} {slow}", miner.difficulty);
}

#[test]
fn a_tiny_difficulty_costs_old_jobs_and_then_another_job_but_no_memory() {
    let mut miner = TestMiner::new(PowAlgorithm::Blake2s);
    miner.line(SUBSCRIBE, 0);
    miner.line(&authorize().replace("\"x\"", "\"fd=1e-10\""), 0);
    let offer = |miner: &mut TestMiner| {
        miner.offer_at_rate(&template(PowAlgorithm::Blake2s, 1, HARD), 1e9, 0);
        miner.notify.clone()
    };
    let jobs = [offer(&mut miner), offer(&mut miner)];
    let submit = |miner: &mut TestMiner, job: usize, nonce: usize| {
        miner.notify.clone_from(&jobs[job]);
        miner.submit(u32::try_from(nonce).unwrap(), 0)
    };
    let is_refused = |actions: &[Action]| lines(actions).iter().any(|line| line.contains("\"error\":["));
    for nonce in 0..SUBMITS_MAX / 2 {
        assert!(!is_refused(&submit(&mut miner, 0, nonce)) && !is_refused(&submit(&mut miner, 1, nonce)));
    }
    assert_eq!(refusal(&submit(&mut miner, 0, 0)), "21 stale job", "the oldest was forgotten");
    for nonce in SUBMITS_MAX / 2..SUBMITS_MAX {
        assert!(!is_refused(&submit(&mut miner, 1, nonce)));
    }
    let refused = submit(&mut miner, 1, SUBMITS_MAX);
    assert_eq!(refusal(&refused), "20 too many shares at this difficulty");
    assert!(renews(&refused));
}

#[test]
fn attack_m3_a_flood_of_lines_is_read_only_as_fast_as_it_may_come() {
    let mut miner = fast_miner(PowAlgorithm::Blake2s);
    let ping = r#"{"id":5,"method":"mining.ping"}"#;
    let mut taken = 0;
    while miner.session.may_read_at(miner.start).is_none() {
        miner.line(ping, 0);
        taken += 1;
    }
    assert!((LINES.burst - 2.0..=LINES.burst).contains(&f64::from(taken)), "{taken}");
    let later = miner.session.may_read_at(miner.start).unwrap();
    assert!(later > miner.start && later < miner.start + Duration::from_millis(10));
    assert_eq!(miner.session.may_read_at(later + Duration::from_millis(1)), None);
}
