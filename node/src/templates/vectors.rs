//! The messages of `docs/protocol/templates.md`, byte by byte.

use serde_json::Value;
use sharechain::{
    Amount, BlockHash, CompactTarget, ParentWork, TemplateKey,
    encode::{Reader, Writer},
    hash::Txid,
    testing::vectors,
};

use super::wire::{Announcement, SentTransaction, TemplateRequest, TemplateResponse, short_id};

const PAGE: &str = include_str!("../../../docs/protocol/templates.md");

fn case() -> Value {
    serde_json::from_str(vectors(PAGE, "templates")).unwrap()
}

fn array(value: &Value) -> [u8; 32] {
    hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
}

fn number<T: TryFrom<u64>>(value: &Value) -> T {
    T::try_from(value.as_u64().unwrap()).ok().unwrap()
}

fn announcement(fields: &Value) -> Announcement {
    let branch = fields["merkle_branch"].as_array().unwrap();
    let mut announcement = Announcement {
        work: ParentWork {
            prev_block: BlockHash::from_bytes(array(&fields["prev_block"])),
            block_height: number(&fields["height"]),
            coinbase_value: Amount::from_units(number(&fields["coinbase_value"])),
            coinbase_flags: hex::decode(fields["flags"].as_str().unwrap()).unwrap(),
            witness_commitment: Some(array(&fields["witness_commitment"])),
            extra_outputs: Vec::new(),
        },
        version: number(&fields["version"]),
        bits: CompactTarget::from_bits(number(&fields["bits"])),
        time_min: number(&fields["time_min"]),
        merkle_branch: branch.iter().map(array).collect(),
        tail_len: number(&fields["tail_len"]),
        short_ids: Vec::new(),
    };
    let key = announcement.key();
    let wtxids = fields["wtxids"].as_array().unwrap().iter();
    announcement.short_ids = wtxids.map(|wtxid| short_id(&key, &Txid::from_bytes(array(wtxid)))).collect();
    announcement
}

fn request_bytes(request: &TemplateRequest) -> String {
    let mut out = Writer::default();
    request.encode(&mut out);
    hex::encode(out.into_bytes())
}

fn response_bytes(response: &TemplateResponse) -> String {
    let mut out = Writer::default();
    response.encode(&mut out);
    hex::encode(out.into_bytes())
}

#[test]
fn keys_short_ids_and_messages_are_those_of_the_protocol_page() {
    let case = case();
    let told = announcement(&case["template"]);
    let key = told.key();
    assert_eq!(key.to_string(), case["key"].as_str().unwrap());
    let short_ids: Vec<String> = told.short_ids.iter().map(hex::encode).collect();
    assert_eq!(Value::from(short_ids), case["short_ids"]);
    assert_eq!(request_bytes(&TemplateRequest::Announce(Box::new(told.clone()))), case["announce"].as_str().unwrap());
    assert_eq!(request_bytes(&TemplateRequest::Get(key)), case["get"].as_str().unwrap());
    let wanted = TemplateRequest::Transactions { key, places: vec![0, 2], tail: true };
    assert_eq!(request_bytes(&wanted), case["wanted"].as_str().unwrap());
    let sent = SentTransaction { txid: Txid::from_bytes([1; 32]), bytes: vec![2, 3] };
    let answer = TemplateResponse::Transactions { transactions: vec![sent], tail: Some(vec![9]) };
    assert_eq!(response_bytes(&answer), case["transactions"].as_str().unwrap());
    assert_eq!(response_bytes(&TemplateResponse::Template(None)), case["unknown"].as_str().unwrap());
    let bytes = hex::decode(case["announce"].as_str().unwrap()).unwrap();
    assert_eq!(TemplateRequest::decode(&mut Reader::new(&bytes)), Ok(TemplateRequest::Announce(Box::new(told))));
    assert_eq!(TemplateKey(array(&case["key"])), key);
}
