//! The ads of `docs/protocol/directory.md`, byte by byte.

use libp2p::identity::ed25519::{Keypair, SecretKey};
use serde_json::Value;
use sharechain::{ParamsId, testing::vectors};

use super::{
    limits::{
        AD_LEN_MAX, AD_TTL_SECS_MAX, ADDRESS_LEN_MAX, ADDRESSES_MAX, AUTHORITY_KEY_LEN_MAX, ENDPOINTS_MAX, HOST_LEN_MAX,
    },
    *,
};
use crate::defaults::AGENT_LEN_MAX;

const PAGE: &str = include_str!("../../../docs/protocol/directory.md");

fn cases(block: &str) -> Vec<Value> {
    serde_json::from_str(block).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array(value: &Value) -> [u8; 32] {
    bytes(value).try_into().unwrap()
}

fn pair(value: &Value) -> Keypair {
    SecretKey::try_from_bytes(array(value)).unwrap().into()
}

fn number<T: TryFrom<u64>>(value: &Value) -> T {
    T::try_from(value.as_u64().unwrap()).ok().unwrap()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap())
}

fn region(value: &Value) -> Option<Region> {
    value.as_str().map(|region| region.parse().unwrap())
}

/// The ad of a case, signed with its keys.
fn signed(case: &Value, params: ParamsId) -> SignedAd {
    let (node, fields) = (pair(&case["node_secret"]), &case["ad"]);
    let operator = case["operator_secret"].is_string().then(|| pair(&case["operator_secret"]));
    let ad = NodeAd {
        node: (&node).into(),
        issued: number(&fields["issued"]),
        ttl_secs: number(&fields["ttl_secs"]),
        region: region(&fields["region"]),
        country: fields["country"].as_str().map(|country| Country::parse(country).unwrap()),
        fee_basis_points: number(&fields["fee_basis_points"]),
        capacity: number(&fields["capacity"]),
        load: number(&fields["load"]),
        agent: fields["agent"].as_str().unwrap().to_owned(),
        operator: operator.map(|operator| Operator::sign(&operator, (&node).into(), params)),
        addresses: texts(&fields["addresses"]).map(|address| address.parse().unwrap()).collect(),
        endpoints: texts(&fields["endpoints"]).map(|url| url.parse().unwrap()).collect(),
    };
    ad.sign(&node, params)
}

#[test]
fn ads_are_those_of_the_protocol_page() {
    for case in cases(vectors(PAGE, "ads")) {
        let params = ParamsId(array(&case["params_id"]));
        let signed = signed(&case, params);
        assert_eq!(hex::encode(signed.encode()), case["bytes"].as_str().unwrap(), "{}", case["about"]);
        let decoded = SignedAd::decode(&bytes(&case["bytes"])).unwrap();
        assert_eq!((decoded.verify(params), &decoded), (Ok(()), &signed));
        assert_eq!(decoded.ad.node.peer_id().unwrap().to_string(), case["peer_id"].as_str().unwrap());
    }
}

#[test]
fn what_the_protocol_page_refuses_is_refused() {
    for case in cases(vectors(PAGE, "refused")) {
        let params = ParamsId(array(&case["params_id"]));
        let checked = SignedAd::decode(&bytes(&case["bytes"])).and_then(|ad| ad.verify(params));
        let error = checked.expect_err(&case.to_string());
        assert_eq!(error.to_string(), case["error"].as_str().unwrap(), "{}", case["about"]);
    }
}

#[test]
fn bounds_are_those_of_the_protocol_page() {
    let bounds = [
        ("bytes of an ad", AD_LEN_MAX),
        ("seconds of life", usize::from(AD_TTL_SECS_MAX)),
        ("bytes of an agent", AGENT_LEN_MAX),
        ("addresses", ADDRESSES_MAX),
        ("bytes of an address", ADDRESS_LEN_MAX),
        ("endpoints", ENDPOINTS_MAX),
        ("bytes of a host", HOST_LEN_MAX),
        ("bytes of an authority key", AUTHORITY_KEY_LEN_MAX),
    ];
    let page = cases(vectors(PAGE, "bounds"));
    assert_eq!(page.len(), bounds.len());
    for (case, (bound, value)) in page.iter().zip(bounds) {
        assert_eq!((case["bound"].as_str(), number::<usize>(&case["value"])), (Some(bound), value));
    }
}

#[test]
fn places_are_those_of_the_protocol_page() {
    let model = signed(&cases(vectors(PAGE, "ads"))[0], ParamsId([3; 32])).ad;
    for case in cases(vectors(PAGE, "places")) {
        let region = region(&case["region"]);
        let place = Place::of(&NodeAd { node: PublicKey(array(&case["node"])), region, ..model.clone() });
        assert_eq!(place, Place::new(region, number(&case["index"])), "{case}");
        assert_eq!(
            hex::encode(place.key(ParamsId(array(&case["params_id"])))),
            case["key"].as_str().unwrap(),
            "{case}"
        );
    }
}
