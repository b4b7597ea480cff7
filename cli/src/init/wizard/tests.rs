use node::config::{MinersConfig, ParentConfig, RawConfig};

use super::*;

/// The order in which a wizard asks when every answer is the default, or this one.
fn ask(wizard: &mut Wizard, answers: &[(Question, &str)]) -> Vec<Question> {
    let mut asked = Vec::new();
    while let Some(prompt) = wizard.next() {
        let given = answers.iter().find(|(question, _)| *question == prompt.question).map(|(_, answer)| *answer);
        let answer = given.map_or(prompt.default, |answer| Some(answer.to_owned()));
        wizard.answer(prompt.question, &answer.expect("a default")).unwrap();
        asked.push(prompt.question);
    }
    asked
}

fn resolved(wizard: &Wizard) -> node::Config {
    RawConfig::parse(&wizard.text().unwrap(), "wizard".as_ref()).unwrap().resolve().unwrap()
}

#[test]
fn the_devnet_needs_no_daemon_and_no_answers() {
    let mut wizard = Wizard::new(Vec::new());
    let asked = ask(&mut wizard, &[]);
    use Question::{Address, Chain, DataDir, Hashrate, Miners, Region};
    assert_eq!(asked, [Chain, DataDir, Address, Region, Miners, Hashrate]);
    let config = resolved(&wizard);
    assert_eq!((config.chain.name.as_str(), wizard.hashrate()), ("devnet", None));
    assert!(config.stratum.listen.ip().is_loopback() && config.stratum.default_script.is_none());
}

#[test]
fn a_daemon_that_is_there_is_proposed() {
    let cookie = "/var/lib/bitcoind/regtest/.cookie";
    let mut wizard = Wizard::new(vec![("bitcoin-regtest".to_owned(), cookie.to_owned())]);
    let answers = [
        (Question::Address, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"),
        (Question::Region, "EU"),
        (Question::Miners, "private"),
        (Question::Password, "open sesame"),
        (Question::Hashrate, "500 GH/s"),
    ];
    assert_eq!(ask(&mut wizard, &answers), Question::ALL);
    let config = resolved(&wizard);
    let ParentConfig::Daemons(daemons) = &config.parent else { panic!("a daemon") };
    assert_eq!(daemons[0].url, "http://127.0.0.1:18443");
    assert!(wizard.text().unwrap().contains(&format!("\nrpc_cookie_file = {cookie:?}\n")));
    let MinersConfig { listen, password, default_script, .. } = &config.stratum;
    assert!(listen.ip().is_unspecified() && default_script.is_some());
    assert_eq!(password.as_deref(), Some("open sesame"));
    assert_eq!(
        (config.p2p.region.map(|region| region.to_string()), wizard.hashrate()),
        (Some("EU".to_owned()), Some(5e11))
    );
}

#[test]
fn an_answer_that_no_node_would_start_with_is_refused_and_asked_again() {
    let mut wizard = Wizard::new(Vec::new());
    for (question, wrong, words) in [
        (Question::Chain, "dogecoin", "unknown chain"),
        (Question::Chain, "custom", "custom.name: is missing"),
        (Question::DataDir, "/tmp", "the chain comes first"),
        (Question::Hashrate, "fast", "is not a hash rate"),
        (Question::Miners, "everybody", "is not local, private or public"),
        (Question::Password, "x", "--miners private"),
        (Question::Daemon, "http://127.0.0.1:1", "without a daemon"),
    ] {
        let refused = wizard.answer(question, wrong).unwrap_err();
        assert!(refused.contains(words), "{question:?}: {refused}");
        assert_eq!(wizard.next().unwrap().question, Question::Chain);
    }
    wizard.answer(Question::Chain, "bitcoin").unwrap();
    assert!(wizard.answer(Question::Daemon, "127.0.0.1:8332").unwrap_err().contains("is not an address like http://"));
    assert_eq!(wizard.next().unwrap().question, Question::Daemon);
    wizard.answer(Question::Daemon, "http://10.0.0.2:8332").unwrap();
    wizard.answer(Question::Auth, "pool:s:e/cret").unwrap();
    let of_litecoin = "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9";
    assert!(wizard.answer(Question::Address, of_litecoin).unwrap_err().contains("another network"));
    assert!(wizard.answer(Question::Region, "Europe").unwrap_err().contains("p2p.region"));
    assert!(wizard.text().unwrap().contains("rpc_user = \"pool\"\nrpc_password = \"s:e/cret\"\n"));
}

#[test]
fn hash_rates_are_read_as_people_write_them() {
    for (text, rate) in [
        ("500 GH/s", 5e11),
        ("500G", 5e11),
        ("1.5 th/s", 1.5e12),
        ("12", 12.0),
        ("3 kh", 3e3),
        ("2 H/s", 2.0),
        ("5e11", 5e11),
        ("1EH/s", 1e18),
    ] {
        assert!((hashrate(text).unwrap() / rate - 1.0).abs() < 1e-9, "{text}: {:?}", hashrate(text));
    }
    for wrong in ["", "H/s", "-1 GH/s", "0", "nan", "inf", "1 XH/s", "1 G G"] {
        assert!(hashrate(wrong).is_err(), "{wrong}");
    }
}
