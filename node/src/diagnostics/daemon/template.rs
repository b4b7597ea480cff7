//! Judges what a daemon gives to mine on, and the addresses that are to be paid.

use sharechain::BlockHash;

use super::{NoTemplate, Offered};
use crate::{
    diagnostics::Finding,
    parent::{rpc::RpcError, template::TemplateError},
};

/// Base units of a coin.
const COIN: u64 = 100_000_000;
/// Codes of getblocktemplate: no peers, initial download, rules that were not named.
pub(super) const NOT_CONNECTED: i64 = -9;
const IN_INITIAL_DOWNLOAD: i64 = super::tip::IN_INITIAL_DOWNLOAD;
const INVALID_PARAMETER: i64 = -8;

/// Whether there is a template that can be mined on, and for the tip: one of `tips`, which were asked before and after it.
pub(super) fn content(offered: &Result<Offered, NoTemplate>, tips: &[Option<BlockHash>]) -> Finding {
    match offered {
        Ok(offered) => usable(offered, tips),
        Err(NoTemplate::Template(cause)) => unusable(cause),
        Err(NoTemplate::Rpc(cause)) => {
            let found = Finding::of_error("template", cause);
            match cause {
                RpcError::Daemon { code: NOT_CONNECTED, .. } => found.fix("the daemon needs peers, see daemon-peers"),
                RpcError::Daemon { code: IN_INITIAL_DOWNLOAD, .. } => found.fix("wait until it has caught up, see sync"),
                RpcError::Daemon { code: INVALID_PARAMETER, .. } => {
                    found.fix("the daemon wants other rules or arguments: is there a newer poolnode, or are custom.template_rules right?")
                }
                RpcError::Daemon { .. }
                | RpcError::Timeout { .. }
                | RpcError::Unreachable { .. }
                | RpcError::Unauthorized(_)
                | RpcError::Cookie { .. }
                | RpcError::Malformed { .. } => found,
            }
        }
    }
}

fn usable(offered: &Offered, tips: &[Option<BlockHash>]) -> Finding {
    let (tip, _) = offered.template.tip();
    let (height, kept) = (offered.template.work.block_height, offered.template.txids.len());
    let value = offered.template.work.coinbase_value.units();
    let text = format!("block {height}, worth {}.{:08}, {kept} transactions", value / COIN, value % COIN);
    if tips.iter().all(|known| known.is_some_and(|known| known != tip)) {
        return Finding::warning("template", format!("{text}; not for the daemon's tip"))
            .because("the daemon keeps an old template")
            .fix("restart the daemon; a proxy in between must not keep answers");
    }
    match offered.transactions.saturating_sub(kept) {
        0 => Finding::ok("template", text),
        left => Finding::ok("template", format!("{text}; {left} made way for the coinbase"))
            .because("the daemon leaves too little room for a coinbase that pays many")
            .fix("lower the daemon's -blockmaxweight, so that it leaves out the cheapest transactions itself"),
    }
}

fn unusable(cause: &TemplateError) -> Finding {
    let found = Finding::of_error("template", cause);
    match cause {
        TemplateError::Signet => found.fix("mine on bitcoin-testnet4 or bitcoin-regtest, or on a signet of your own"),
        TemplateError::Json(_) | TemplateError::Field { .. } => {
            found.fix("is it a daemon of this chain, and is there nothing in between that changes its answers?")
        }
        TemplateError::Output { .. } => {
            found.fix("compare custom.treasury_scripts and treasury_permille_max with the coin's rules")
        }
        // They say it themselves.
        TemplateError::UnknownRule(_) | TemplateError::NoRoom { .. } => found,
    }
}

/// Whether the daemon tells of a new template by itself.
pub(super) fn longpoll(is_offered: bool) -> Finding {
    if is_offered {
        return Finding::ok("longpoll", "the daemon tells of new templates at once");
    }
    Finding::warning("longpoll", "the daemon does not offer it")
        .because("new blocks are seen by a poll, up to half a second later, and new transactions every five seconds")
        .fix("use a newer daemon, or set zmq_hashblock beside its rpc_url")
}

/// Whether an address that the configuration pays can be paid; `valid` is the daemon's word, where it gives one.
pub(super) fn address(key: &str, address: &str, chain: &str, valid: Option<bool>) -> Finding {
    match valid {
        Some(true) => {
            Finding::ok("payout-address", format!("{key}: {address} is one of {chain}, and the daemon says so too"))
        }
        None => Finding::ok("payout-address", format!("{key}: {address} is one of {chain}")),
        Some(false) => {
            Finding::error("payout-address", format!("{key}: the daemon does not know {address} for an address"))
                .because("the address has a form that is not in use on this network, or the daemon is on another one")
                .fix(format!("set {key} to an address of a wallet on {chain}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        chain_profile::ChainProfile,
        diagnostics::Severity,
        parent::{Template, template::CoinbaseRoom},
    };

    fn offered(transactions: usize) -> Offered {
        let chain = ChainProfile::find("bitcoin-regtest", None).unwrap();
        let id = |index: u8| hex::encode([index + 1; 32]);
        let kept: Vec<Value> =
            (0..2).map(|index| json!({"data": "00", "txid": id(index), "hash": id(index), "fee": 0})).collect();
        let json = json!({
            "version": 0x2000_0000, "previousblockhash": "11".repeat(32), "transactions": kept, "coinbaseaux": {},
            "coinbasevalue": 5_000_012_345_u64, "curtime": 1_793_491_300, "bits": "207fffff", "height": 7,
        });
        let template = Template::parse(&json.to_string(), &chain.daemon, &CoinbaseRoom::of(&chain.params)).unwrap();
        Offered { template, time: 0, time_min: 0, transactions }
    }

    fn tip() -> Option<BlockHash> {
        "11".repeat(32).parse().ok()
    }

    fn refused(code: i64) -> Finding {
        let message = "no".to_owned();
        content(&Err(RpcError::Daemon { method: "getblocktemplate", code, message }.into()), &[])
    }

    #[test]
    fn a_template_is_told_by_height_value_and_transactions() {
        let found = content(&Ok(offered(2)), &[tip()]);
        assert_eq!(found, Finding::ok("template", "block 7, worth 50.00012345, 2 transactions"));
        let cut = content(&Ok(offered(5)), &[tip()]);
        assert_eq!(cut.finding, "block 7, worth 50.00012345, 2 transactions; 3 made way for the coinbase");
        assert!(cut.fix.unwrap().contains("-blockmaxweight"));
    }

    #[test]
    fn a_template_that_is_not_for_the_tip_warns_unless_the_tip_moved() {
        let other = Some(BlockHash::ZERO);
        let judged = |tips: &[Option<BlockHash>]| content(&Ok(offered(2)), tips).severity;
        assert_eq!(judged(&[other, other]), Severity::Warning);
        assert_eq!([judged(&[other, tip()]), judged(&[tip(), other]), judged(&[None, other])], [Severity::Ok; 3]);
    }

    #[test]
    fn refusals_point_to_the_check_that_explains_them() {
        assert_eq!(refused(-9).fix.unwrap(), "the daemon needs peers, see daemon-peers");
        assert_eq!(refused(-10).fix.unwrap(), "wait until it has caught up, see sync");
        assert_eq!((refused(-1).severity, refused(-1).fix), (Severity::Error, None));
        let judged = |cause: TemplateError| content(&Err(cause.into()), &[]);
        let room = judged(TemplateError::NoRoom { needed: 9_000 });
        assert_eq!(room.finding, "the template leaves no room for a coinbase of 9000 weight units");
        assert_eq!(room.fix.unwrap(), "lower the daemon's -blockmaxweight by as much");
        assert!(judged(TemplateError::Signet).fix.unwrap().contains("bitcoin-testnet4"));
        let rule = judged(TemplateError::UnknownRule("heresy".to_owned()));
        assert!(rule.finding.contains("\"heresy\"") && rule.fix.unwrap() == "is there a newer poolnode?");
    }

    #[test]
    fn the_daemon_has_the_last_word_on_addresses() {
        let judged = |valid| address("stratum.fee_address", "bc1q", "bitcoin", valid);
        assert_eq!(judged(None).finding, "stratum.fee_address: bc1q is one of bitcoin");
        assert_eq!([judged(Some(true)).severity, judged(Some(false)).severity], [Severity::Ok, Severity::Error]);
        assert_eq!([longpoll(true).severity, longpoll(false).severity], [Severity::Ok, Severity::Warning]);
    }
}
