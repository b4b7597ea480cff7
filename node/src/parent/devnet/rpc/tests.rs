//! Over real HTTP: what a pool or a person with curl sees.

use tokio_util::sync::DropGuard;

use super::*;
use crate::{
    blocks::submit::submit_until_judged,
    parent::{
        devnet::{
            Devnet, DevnetChain,
            chain::tests::{Candidate, NOW, easy_chain},
        },
        rpc::{RpcAuth, RpcClient},
    },
};

/// A devnet that answers on a port of its own, and a chain with the same blocks to build the next one on.
struct World {
    url: String,
    http: reqwest::Client,
    mirror: DevnetChain,
    _running: DropGuard,
}

impl World {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let token = CancellationToken::new();
        let devnet = Devnet { listener, address, chain: easy_chain(), file: None };
        tokio::spawn(devnet.run(token.clone()));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url: format!("http://{address}"), http, mirror: easy_chain(), _running: token.drop_guard() }
    }

    async fn post(&self, body: String) -> (u16, Value) {
        let response = self.http.post(&self.url).body(body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
    }

    async fn call(&self, method: &str, params: Value) -> Result<Value, i64> {
        let (_, answer) = self.post(json!({"id": 1, "method": method, "params": params}).to_string()).await;
        answer["error"]["code"].as_i64().map_or_else(|| Ok(answer["result"].clone()), Err)
    }

    /// The next block, which the mirror has too.
    fn mine(&mut self) -> Vec<u8> {
        let now = NOW + u64::from(self.mirror.height());
        let block = Candidate::honest(&self.mirror, now).mine();
        assert_eq!(self.mirror.submit(&block, now), Outcome::Accepted);
        block
    }
}

#[tokio::test]
async fn a_block_goes_in_and_every_question_about_it_is_answered() {
    let mut world = World::new().await;
    assert_eq!(world.call("getblockcount", json!([])).await, Ok(json!(0)));
    let genesis = world.call("getbestblockhash", json!([])).await.unwrap();
    let block = world.mine();
    let template = world.call("getblocktemplate", json!([{"rules": ["segwit"]}])).await.unwrap();
    assert_eq!((&template["previousblockhash"], &template["height"]), (&genesis, &json!(1)));
    assert!(!template["transactions"].as_array().unwrap().is_empty(), "merkle branches are not empty");
    let hex = hex::encode(&block);
    assert_eq!(world.call("submitblock", json!([hex])).await, Ok(Value::Null));
    assert_eq!(world.call("submitblock", json!([hex])).await, Ok(json!("duplicate")));
    let tip = world.mirror.tip().to_string();
    assert_eq!(world.call("getblockcount", json!([])).await, Ok(json!(1)));
    assert_eq!(world.call("getbestblockhash", json!([])).await, Ok(json!(tip)));
    assert_eq!(world.call("getblockhash", json!([1])).await, Ok(json!(tip)));
    assert_eq!(world.call("getblock", json!([tip, 0])).await, Ok(json!(hex)));
    assert_eq!(world.call("getblockheader", json!([tip, false])).await, Ok(json!(hex[..160])));
    let header = world.call("getblockheader", json!([genesis])).await.unwrap();
    assert_eq!((&header["confirmations"], &header["nextblockhash"]), (&json!(2), &json!(tip)));
    let verbose = world.call("getblock", json!([tip])).await.unwrap();
    assert_eq!((&verbose["height"], &verbose["confirmations"]), (&json!(1), &json!(1)));
    assert_eq!(verbose["tx"].as_array().unwrap().len(), Block::decode(&block).unwrap().transactions.len());
}

#[tokio::test]
async fn a_longpoll_ends_with_the_next_block() {
    let mut world = World::new().await;
    let block = world.mine();
    let template = world.call("getblocktemplate", json!([{"rules": ["segwit"]}])).await.unwrap();
    let request = json!([{"rules": ["segwit"], "longpollid": template["longpollid"]}]);
    let (template, submitted) =
        tokio::join!(world.call("getblocktemplate", request), world.call("submitblock", json!([hex::encode(block)])),);
    assert_eq!(submitted, Ok(Value::Null));
    assert_eq!(template.unwrap()["previousblockhash"], world.mirror.tip().to_string());
}

#[tokio::test]
async fn a_found_block_is_submitted_until_the_daemon_has_its_parent() {
    let mut world = World::new().await;
    let (parent, found) = (world.mine(), world.mine());
    let client = RpcClient::new(&world.url, RpcAuth::None).unwrap();
    assert_eq!(client.submit_block(&found).await.unwrap().as_deref(), Some("prev-blk-not-found"));
    let (verdict, submitted) =
        tokio::join!(submit_until_judged(&client, &found), world.call("submitblock", json!([hex::encode(parent)])));
    assert_eq!(submitted, Ok(Value::Null));
    assert_eq!(verdict.unwrap(), None, "taken");
    assert_eq!(world.call("getblockcount", json!([])).await, Ok(json!(2)));
}

#[tokio::test]
async fn a_proposal_is_judged_without_its_work() {
    let world = World::new().await;
    let propose = async |block: Vec<u8>| {
        world.call("getblocktemplate", json!([{"mode": "proposal", "data": hex::encode(block)}])).await
    };
    let honest = Candidate::honest(&world.mirror, NOW);
    assert_eq!(propose(honest.bytes()).await, Ok(Value::Null));
    let mut wrong = honest.bytes();
    // The merkle root in the header.
    wrong[40] ^= 1;
    assert_eq!(propose(wrong).await, Ok(json!("bad-txnmrklroot")));
    assert_eq!(propose(vec![0; 10]).await, Err(-22));
}

#[tokio::test]
async fn mistakes_have_the_codes_of_a_coin_daemon() {
    let world = World::new().await;
    assert_eq!(world.call("frobnicate", json!([])).await, Err(-32_601));
    assert_eq!(world.call("getblocktemplate", json!([{}])).await, Err(-8), "no segwit in the rules");
    assert_eq!(world.call("getblockhash", json!([7])).await, Err(-8));
    assert_eq!(world.call("getblockheader", json!(["00".repeat(32)])).await, Err(-5));
    assert_eq!(world.call("getblockheader", json!(["xyz"])).await, Err(-8));
    assert_eq!(world.call("submitblock", json!(["xyz"])).await, Err(-22));
    let (status, answer) = world.post("{".to_owned()).await;
    assert_eq!((status, &answer["error"]["code"]), (500, &json!(-32_700)));
    let (status, _) = world.post("x".repeat(BODY_MAX + 1)).await;
    assert_eq!(status, 413, "a body has a bound");
}
