//! Who is told to leave, and where to.

use super::*;

fn refuge() -> Refuge {
    Refuge { host: "b.pool.example".to_owned(), port: 3333 }
}

fn login(worker: &str, password: &str) -> String {
    authorize().replace(".rig\"", &format!(".{worker}\"")).replace("\"x\"", &format!("\"{password}\""))
}

fn mining(password: &str) -> TestMiner {
    let mut miner = TestMiner::new(PowAlgorithm::Blake2s);
    miner.line(SUBSCRIBE, 0);
    assert!(miner.line(&login("rig", password), 0).concat().contains("true"));
    miner
}

fn line(action: Option<Action>) -> Option<String> {
    action.map(|action| lines(&[action]).concat())
}

const ELSEWHERE: &str = r#"{"id":null,"method":"client.reconnect","params":["b.pool.example",3333,7]}"#;
const SAME_PLACE: &str = r#"{"id":null,"method":"client.reconnect","params":[null,null,7]}"#;

#[test]
fn only_who_asked_for_it_is_sent_to_another_node() {
    for (password, farewell, invitation) in [
        ("x", SAME_PLACE, None),
        ("r=0", SAME_PLACE, None),
        ("x,r=1", ELSEWHERE, Some(ELSEWHERE)),
        ("d=4 r=1", ELSEWHERE, Some(ELSEWHERE)),
    ] {
        let miner = mining(password);
        assert_eq!(line(miner.session.farewell(Some(&refuge()), 7)).as_deref(), Some(farewell), "{password}");
        assert_eq!(line(miner.session.invitation(&refuge(), 7)).as_deref(), invitation, "{password}");
        assert_eq!(line(miner.session.farewell(None, 7)).as_deref(), Some(SAME_PLACE), "{password}");
    }
}

#[test]
fn who_does_not_mine_is_told_nothing() {
    let mut miner = TestMiner::new(PowAlgorithm::Blake2s);
    miner.line(&login("rig", "r=1"), 0);
    assert!(miner.session.farewell(Some(&refuge()), 7).is_none());
    assert!(miner.session.invitation(&refuge(), 7).is_none());
}

#[test]
fn one_worker_that_stays_keeps_the_connection() {
    let follows = |actions: &[Action]| {
        actions.iter().find_map(|action| match action {
            Action::Follows(follows) => Some(*follows),
            _ => None,
        })
    };
    let mut miner = TestMiner::new(PowAlgorithm::Blake2s);
    miner.line(SUBSCRIBE, 0);
    let mut login = |worker: &str, password: &str| {
        follows(&miner.session.handle_line(&login(worker, password), at(miner.start, 0)))
    };
    assert_eq!(login("one", "r=1"), Some(true));
    assert_eq!(login("two", "r=1"), None, "nothing new");
    assert_eq!(login("three", "x"), Some(false));
    assert_eq!(login("four", "r=1"), None, "and it stays so");
    assert!(!miner.session.follows());
}
