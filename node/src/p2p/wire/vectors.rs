//! The messages of `docs/protocol/sync.md`, byte by byte.

use serde_json::Value;
use sharechain::{sync::CURSOR_MAX, testing::vectors};

use super::*;

const PAGE: &str = include_str!("../../../../docs/protocol/sync.md");

fn cases(block: &str) -> Vec<Value> {
    serde_json::from_str(block).unwrap()
}

/// A number, which stands as text above 2^53 - 1.
fn number(value: &Value) -> u128 {
    value.as_u64().map_or_else(|| value.as_str().unwrap().parse().unwrap(), u128::from)
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn id(value: &Value) -> ShareId {
    ShareId::from_bytes(bytes(value).try_into().unwrap())
}

fn ids(value: &Value) -> Vec<ShareId> {
    value.as_array().unwrap().iter().map(id).collect()
}

fn hello(value: &Value) -> Hello {
    Hello {
        tip: TipClaim {
            id: id(&value["tip_id"]),
            height: number(&value["tip_height"]).try_into().unwrap(),
            total_work: Work::from_hashes(number(&value["tip_total_work"])),
        },
        region: value["region"].as_str().map(|region| region.parse().unwrap()),
        agent: value["agent"].as_str().unwrap().to_owned(),
    }
}

/// The bytes of a message with its length, as they go through a stream.
async fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut stream = futures::io::Cursor::new(Vec::new());
    write_frame(&mut stream, bytes).await.unwrap();
    stream.into_inner()
}

#[tokio::test]
async fn messages_are_those_of_the_protocol_page() {
    for case in cases(vectors(PAGE, "frames")) {
        let framed = bytes(&case["frame"]);
        let mut stream = futures::io::Cursor::new(framed.clone());
        let kind = case["message"].as_str().unwrap();
        if kind.starts_with("request") {
            let request = match kind {
                "request hello" => Request::Hello(hello(&case["hello"])),
                "request range" => Request::Range { locator: ids(&case["locator"]) },
                "request shares" => Request::Shares { ids: ids(&case["ids"]) },
                "request peers" => {
                    let region = |code: &Value| code.as_str().unwrap().parse().unwrap();
                    Request::Peers { missing: case["missing"].as_array().unwrap().iter().map(region).collect() }
                }
                "request ads" => Request::Ads,
                other => panic!("unknown message {other}"),
            };
            assert_eq!(frame(&request.encode()).await, framed, "{case}");
            let read = read_frame(&mut stream, REQUEST_LEN_MAX).await.unwrap();
            assert_eq!(Request::decode(&read), Ok(request), "{case}");
        } else {
            let response = match kind {
                "response hello" => Response::Hello(hello(&case["hello"])),
                "response shares" => {
                    Response::Shares { shares: case["shares"].as_array().unwrap().iter().map(bytes).collect() }
                }
                "response ids" => Response::Ids { ids: ids(&case["ids"]), more: case["more"].as_bool().unwrap() },
                "response peers" => {
                    Response::Peers { envelopes: case["envelopes"].as_array().unwrap().iter().map(bytes).collect() }
                }
                "response ads" => Response::Ads { ads: case["ads"].as_array().unwrap().iter().map(bytes).collect() },
                other => panic!("unknown message {other}"),
            };
            assert_eq!(frame(&response.encode()).await, framed, "{case}");
            let read = read_frame(&mut stream, RESPONSE_LEN_MAX).await.unwrap();
            assert_eq!(Response::decode(&read), Ok(response), "{case}");
        }
    }
}

#[test]
fn what_the_protocol_page_refuses_is_refused() {
    for case in cases(vectors(PAGE, "refused")) {
        let bytes = bytes(&case["bytes"]);
        let refused = match case["message"].as_str().unwrap() {
            "request" => Request::decode(&bytes).is_err(),
            _ => Response::decode(&bytes).is_err(),
        };
        assert!(refused, "{case}");
    }
}

#[test]
fn bounds_are_those_of_the_protocol_page() {
    let bounds = [
        ("request bytes", REQUEST_LEN_MAX),
        ("response bytes", RESPONSE_LEN_MAX),
        ("ids of a locator", LOCATOR_MAX),
        ("ids of a cursor", CURSOR_MAX),
        ("ids of a request for shares", IDS_MAX),
        ("ids of an answer", SYNC_IDS_MAX),
        ("shares of an answer", SYNC_SHARES_MAX),
        ("bytes of a share", SHARE_LEN_MAX),
        ("bytes of an agent", AGENT_LEN_MAX),
        ("peers of an answer", EXCHANGE_MAX),
        ("bytes of a peer record", ENVELOPE_LEN_MAX),
        ("ads of an answer", ADS_MAX),
        ("bytes of an ad", AD_LEN_MAX),
    ];
    let page = cases(vectors(PAGE, "bounds"));
    assert_eq!(page.len(), bounds.len());
    for (case, (bound, value)) in page.iter().zip(bounds) {
        assert_eq!((case["bound"].as_str(), number(&case["value"])), (Some(bound), value.try_into().unwrap()));
    }
    for (field, len_max, bytes) in [
        ("ids", IDS_MAX, [&[2_u8, 251][..], &[0; 32 * 251]].concat()),
        ("locator", LOCATOR_MAX, [&[1_u8, 141][..], &[0; 32 * 141]].concat()),
    ] {
        assert_eq!(Request::decode(&bytes), Err(DecodeError::TooLong { field, len: len_max + 1, len_max }));
    }
}
