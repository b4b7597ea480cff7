//! Genesis headers of real coins and shares captured from real miners (`tests/vectors/stratum.json`).

use serde_json::Value;

use super::*;
use crate::{hash::sha256d, header::Header, merkle};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/stratum.json")).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn header(value: &Value) -> [u8; HEADER_LEN] {
    bytes(value).try_into().unwrap()
}

#[test]
fn genesis_headers_of_seven_chains_have_their_published_hashes() {
    let vectors = vectors();
    let genesis = vectors["genesis"].as_array().unwrap();
    assert_eq!(genesis.len(), 7);
    for vector in genesis {
        let algorithm: PowAlgorithm = vector["algo"].as_str().unwrap().parse().unwrap();
        let mut expected = bytes(&vector["pow_hash"]);
        expected.reverse();
        assert_eq!(algorithm.hash(&header(&vector["header"])).as_bytes().to_vec(), expected, "{}", vector["name"]);
    }
}

#[test]
fn captured_shares_of_real_miners_rebuild_byte_for_byte() {
    let vectors = vectors();
    let shares = vectors["shares"].as_array().unwrap();
    assert_eq!(shares.len(), 6);
    for vector in shares {
        let algorithm: PowAlgorithm = vector["algo"].as_str().unwrap().parse().unwrap();
        let txid = sha256d(&bytes(&vector["coinbase"]));
        let mut displayed = txid;
        displayed.reverse();
        assert_eq!(hex::encode(displayed), vector["coinbase_txid"]);
        let branch: Vec<[u8; 32]> =
            vector["notify"][4].as_array().unwrap().iter().map(|node| bytes(node).try_into().unwrap()).collect();
        let root = merkle::root_of_left_path(crate::hash::Txid::from_bytes(txid), &branch);
        assert_eq!(hex::encode(root.as_bytes()), vector["merkle_root_header_order"]);
        let raw = header(&vector["header"]);
        let parsed = Header::decode(&raw);
        assert_eq!(parsed.merkle_root, root);
        assert_eq!(parsed.encode(), raw);
        assert_eq!(hex::encode(algorithm.hash(&raw).as_bytes()), vector["pow_hash_le"]);
    }
}

#[test]
fn an_algorithm_is_read_as_it_is_shown() {
    for algorithm in PowAlgorithm::ALL {
        assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        assert!(!algorithm.to_string().is_empty());
    }
}
