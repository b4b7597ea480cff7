use sharechain::Header;

use super::*;
use crate::{
    chain_profile::ChainProfile,
    parent::block::{self, Transaction},
};

/// Templates of real daemons on regtest, and the blocks that were made of them by hand and accepted.
const BITCOIN: &str = include_str!("../../../../tests/vectors/bitcoin-gbt.json");
const BITCOIN_BLOCK: &str = include_str!("../../../../tests/vectors/bitcoin-block-111.hex");
const LITECOIN: &str = include_str!("../../../../tests/vectors/litecoin-gbt-nomweb.json");
const LITECOIN_MWEB: &str = include_str!("../../../../tests/vectors/litecoin-gbt.json");
const LITECOIN_MWEB_BLOCK: &str = include_str!("../../../../tests/vectors/litecoin-block-432.hex");
const LITECOIN_IDLE_MWEB: &str = include_str!("../../../../tests/vectors/litecoin-gbt-idle-mweb.json");

fn chain(name: &str) -> ChainProfile {
    ChainProfile::find(name, None).unwrap()
}

fn parse_on(chain: &ChainProfile, json: &str) -> Result<Template, TemplateError> {
    Template::parse(json, &chain.daemon, &CoinbaseRoom::of(&chain.params))
}

fn parse(json: &str) -> Result<Template, TemplateError> {
    parse_on(&chain("bitcoin-regtest"), json)
}

/// Takes a block apart with the template that it was made of, and puts it together again.
#[track_caller]
fn check_block(chain: &str, json: &str, block: &str) {
    let template = parse_on(&self::chain(chain), json).unwrap();
    let bytes = hex::decode(block.trim()).unwrap();
    let header = Header::decode(bytes.first_chunk().unwrap());
    assert_eq!((template.work.prev_block, template.bits), (header.prev_block, header.bits));
    let without_coinbase = block::encode(&header, &[], &template.body);
    let coinbase = &bytes[81..81 + bytes.len() - without_coinbase.len()];
    assert_eq!(block::encode(&header, coinbase, &template.body), bytes);
    let coinbase = Transaction::decode(coinbase).unwrap();
    assert_eq!(merkle::root_of_left_path(coinbase.txid, &template.merkle_branch), header.merkle_root);
    let commitment = template.work.witness_commitment.unwrap();
    assert!(coinbase.outputs.iter().any(|output| output.script.ends_with(&commitment)));
    assert_eq!(room::commitment_to(&template.wtxids), commitment, "what it would be made anew");
}

#[test]
fn real_blocks_follow_from_their_templates() {
    check_block("bitcoin-regtest", BITCOIN, BITCOIN_BLOCK);
    // With a HogEx transaction and the MWEB block after the transactions.
    check_block("litecoin-regtest", LITECOIN_MWEB, LITECOIN_MWEB_BLOCK);
}

#[test]
fn templates_of_litecoin_have_a_tail_once_mweb_is_active() {
    let litecoin = chain("litecoin-regtest");
    let tail = |json| parse_on(&litecoin, json).unwrap().body.tail.clone();
    assert!(tail(LITECOIN).is_empty());
    assert_eq!(tail(LITECOIN_IDLE_MWEB).len(), 1 + 167);
    assert_eq!(tail(LITECOIN_IDLE_MWEB)[0], 1);
    // A bitcoin node has no business with it.
    let refused = LITECOIN_IDLE_MWEB.replacen("\"mweb\"\n ]", "\"!mweb\"\n ]", 1);
    assert_eq!(parse(&refused).unwrap_err(), TemplateError::UnknownRule("mweb".to_owned()));
}

#[test]
fn values_that_cannot_be_are_named() {
    let refused = |from: &str, to: &str| {
        let changed = BITCOIN.replacen(from, to, 1);
        assert_ne!(changed, BITCOIN, "{from}");
        parse(&changed).unwrap_err().to_string()
    };
    assert_eq!(refused(r#""bits": "207fffff""#, r#""bits": "ff7fffff""#), "the template's bits is no target");
    assert_eq!(
        refused(r#""bits": "207fffff""#, r#""bits": "2100ffff""#),
        "the template's bits is easier than any block of this chain"
    );
    assert_eq!(
        refused("6a24aa21a9ed", "6a25aa21a9ed"),
        "the template's default_witness_commitment is of an unknown form"
    );
    assert!(refused(r#""coinbasevalue": "#, r#""coinbasevalue": -"#).starts_with("the template is not understood"));
    assert_eq!(
        refused(r#""coinbasevalue": 5000004530"#, r#""coinbasevalue": 2100000000000001"#),
        "the template's coinbasevalue is more than there can be"
    );
    assert_eq!(
        refused(r#""vbrequired": 0"#, r#""vbrequired": 2"#),
        "the template's version is without the bits of vbrequired"
    );
    assert!(refused(r#""!segwit""#, r#""!heretic""#).contains("the rule \"heretic\""));
    assert!(refused(r#""height": 111"#, r#""height": 0"#).ends_with("height is zero"));
    assert!(refused(r#""coinbaseaux": {}"#, r#""signet_challenge": "5121""#).contains("signature of its owners"));
    let flags = |len: usize| format!(r#""coinbaseaux": {{"flags": "{}"}}"#, "7a".repeat(len));
    assert_eq!(refused(r#""coinbaseaux": {}"#, &flags(32)), "the template's coinbaseaux is longer than 31 bytes");
    let longest = parse(&BITCOIN.replacen(r#""coinbaseaux": {}"#, &flags(31), 1)).unwrap();
    assert_eq!(longest.work.coinbase_flags, [0x7a; 31]);
    let two = BITCOIN.replacen(r#""coinbaseaux": {}"#, r#""coinbaseaux": {"flags": "aa", "motd": "bb"}"#, 1);
    assert_eq!(parse(&two).unwrap().work.coinbase_flags, [0xaa, 0xbb], "all of it, as BIP22 wants");
    assert!(parse("[]").is_err());
}

#[test]
fn a_template_before_segwit_has_neither_commitment_nor_limits() {
    let changed = BITCOIN
        .replacen("!segwit", "bip34", 1)
        .replacen("\"default_witness_commitment\"", "\"unused\"", 1)
        .replacen("\"weightlimit\"", "\"unused2\"", 1);
    let template = parse(&changed).unwrap();
    assert_eq!(template.work.witness_commitment, None);
    assert_eq!(template.body.transactions.len(), 3);
}

#[test]
fn transactions_at_the_end_make_way_for_the_coinbase() {
    let all = parse(BITCOIN).unwrap();
    // Three transactions of 561, 585 and 657 weight units; the coinbase needs some 63,800.
    let limited = |limit: &str| BITCOIN.replacen(r#""weightlimit": 4000000"#, &format!(r#""weightlimit": {limit}"#), 1);
    let cut = parse(&limited("64500")).unwrap();
    assert_eq!(cut.body.transactions, all.body.transactions[..cut.body.transactions.len()]);
    assert_eq!(cut.body.transactions.len(), 1);
    let lost_fees = Amount::from_units(1_470 + 1_650);
    assert_eq!(cut.work.coinbase_value.checked_add(lost_fees), Some(all.work.coinbase_value));
    assert_eq!(cut.work.witness_commitment, Some(room::commitment_to(&all.wtxids[..1])));
    let sigops = BITCOIN.replacen(r#""sigoplimit": 80000"#, r#""sigoplimit": 1450"#, 1);
    assert_eq!(parse(&sigops).unwrap().body.transactions.len(), 1, "1,448 for the coinbase, 1 and 9 for the first two");
    let fixed = limited("64500").replacen("  \"transactions\",\n", "", 1);
    assert!(matches!(parse(&fixed), Err(TemplateError::NoRoom { .. })), "nothing may be left out");
    let litecoin = LITECOIN_MWEB.replacen(r#""weightlimit": 4000000"#, r#""weightlimit": 64000"#, 1);
    let refused = parse_on(&chain("litecoin-regtest"), &litecoin).unwrap_err().to_string();
    assert!(refused.contains("-blockmaxweight"), "the last transaction belongs to the MWEB block: {refused}");
}

#[test]
fn room_is_no_less_than_the_largest_coinbase_needs() {
    let script = sharechain::PayoutScript::p2tr(&[7; 32]);
    let payouts = vec![sharechain::payout::Payout { script, amount: Amount::from_units(1) }; 362];
    let fields = sharechain::coinbase::CoinbaseFields {
        tx_time: Some(0),
        block_height: 0x7fff_ffff,
        flags: &[1; 31],
        extra_outputs: &[],
        payouts: &payouts,
        witness_commitment: Some(&[7; 32]),
    };
    let plain = [fields.prefix().as_slice(), &[0; sharechain::coinbase::TAIL_LEN]].concat();
    let weight = plain.len() * 3 + sharechain::coinbase::with_witness(&plain).len();
    let room = CoinbaseRoom::of(&chain("bitcoin-regtest").params);
    let spare = room.weight().checked_sub(u64::try_from(weight).unwrap()).expect("room for all of it");
    assert!(spare < 1_000, "and not much more: {spare}");
}

#[test]
fn outputs_that_the_coin_demands_are_echoed() {
    let treasury = r#""coinbaseaux": {}, "treasury": {"scriptPubKey": "GTaddress", "hex": "a914b787", "amount": 77}"#;
    let json = BITCOIN.replacen(r#""coinbaseaux": {}"#, treasury, 1);
    let mut chain = chain("bitcoin-regtest");
    let profile = DaemonProfile { output_fields: vec!["treasury".to_owned()], ..DaemonProfile::clone(&chain.daemon) };
    chain.daemon = Arc::new(profile);
    let outputs = parse_on(&chain, &json).unwrap().work.extra_outputs;
    assert_eq!(outputs.len(), 1);
    assert_eq!((outputs[0].value.units(), outputs[0].script.as_slice()), (77, &[0xa9, 0x14, 0xb7, 0x87][..]));
    assert_eq!(parse_on(&chain, BITCOIN).unwrap().work.extra_outputs, [], "not at every height");
    let refused =
        parse_on(&chain, &json.replacen("\"amount\": 77", "\"amount\": \"many\"", 1)).unwrap_err().to_string();
    assert_eq!(refused, "the template demands an output in \"treasury\" that is without an amount");
    let signed = DaemonProfile { signature_key: Some(vec![2; 33]), ..DaemonProfile::clone(&chain.daemon) };
    chain.daemon = Arc::new(signed);
    let outputs = parse_on(&chain, BITCOIN).unwrap().work.extra_outputs;
    assert_eq!((outputs[0].value, outputs[0].script.len()), (Amount::ZERO, 35));
}
