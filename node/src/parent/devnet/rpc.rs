//! JSON-RPC over HTTP, with the methods, fields, codes and words of Bitcoin Core.

use std::time::Duration;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    routing::post,
};
use serde_json::{Value, json};
use sharechain::{BlockHash, Target, Work, coinbase::WITNESS_MARKER};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{
    chain::{BlockTemplate, Outcome, WEIGHT_MAX},
    task::{BlockView, Command, Tip},
};
use crate::{clock::unix_now, parent::block::Block};

/// Largest request: a block in hex. Stops a client from filling memory.
const BODY_MAX: usize = 9 << 20;
/// A longpoll without a new block returns after this long, with the transactions that came in.
const LONGPOLL_MAX: Duration = Duration::from_secs(60);

const INVALID_REQUEST: i32 = -32_600;
const METHOD_NOT_FOUND: i32 = -32_601;
const PARSE_ERROR: i32 = -32_700;
const MISC_ERROR: i32 = -1;
const NOT_FOUND: i32 = -5;
const INVALID_PARAMETER: i32 = -8;
const DECODE_FAILED: i32 = -22;

#[derive(Clone, Debug)]
pub(super) struct Server {
    commands: mpsc::Sender<Command>,
    tip: watch::Receiver<Tip>,
}

/// A JSON-RPC error.
struct RpcFailure(i32, String);

impl RpcFailure {
    fn new(code: i32, message: &str) -> Self {
        Self(code, message.to_owned())
    }
}

pub(super) async fn serve(listener: TcpListener, server: Server, token: CancellationToken) {
    let app = Router::new().route("/", post(answer)).layer(DefaultBodyLimit::max(BODY_MAX)).with_state(server);
    let served = axum::serve(listener, app).with_graceful_shutdown(async move { token.cancelled().await });
    if let Err(cause) = served.await {
        error!(%cause, "the devnet rpc server failed");
    }
}

/// One call. Errors come with HTTP 500, unknown methods with 404, as JSON-RPC 1.0 daemons do it.
async fn answer(State(server): State<Server>, body: Bytes) -> (StatusCode, Json<Value>) {
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return failure(&Value::Null, RpcFailure::new(PARSE_ERROR, "Parse error"));
    };
    let id = request.get("id").cloned().unwrap_or(Value::Null);
    let Some(method) = request.get("method").and_then(Value::as_str) else {
        return failure(&id, RpcFailure::new(INVALID_REQUEST, "Missing method"));
    };
    let params = request.get("params").cloned().unwrap_or(Value::Null);
    match server.call(method, &params).await {
        Ok(result) => (StatusCode::OK, Json(json!({"result": result, "error": null, "id": id}))),
        Err(error) => failure(&id, error),
    }
}

fn failure(id: &Value, RpcFailure(code, message): RpcFailure) -> (StatusCode, Json<Value>) {
    let status = match code {
        METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        INVALID_REQUEST => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Json(json!({"result": null, "error": {"code": code, "message": message}, "id": id})))
}

impl Server {
    pub(super) fn new(commands: mpsc::Sender<Command>, tip: watch::Receiver<Tip>) -> Self {
        Self { commands, tip }
    }

    async fn call(&self, method: &str, params: &Value) -> Result<Value, RpcFailure> {
        let tip = *self.tip.borrow();
        match method {
            "getblocktemplate" => self.block_template(&params[0]).await,
            "submitblock" => {
                let block = block_bytes(&params[0])?;
                let outcome = self.ask(|reply| Command::Submit { block, reply }).await?;
                submit_result(outcome)
            }
            "getblockcount" => Ok(json!(tip.height)),
            "getbestblockhash" => Ok(json!(tip.hash.to_string())),
            "getblockhash" => {
                let height = params[0].as_u64().and_then(|height| u32::try_from(height).ok());
                let height = height.ok_or_else(|| RpcFailure::new(INVALID_PARAMETER, "Block height out of range"))?;
                let hash = self.ask(|reply| Command::HashAt { height, reply }).await?;
                let hash = hash.ok_or_else(|| RpcFailure::new(INVALID_PARAMETER, "Block height out of range"))?;
                Ok(json!(hash.to_string()))
            }
            "getblockheader" => {
                let (hash, block) = self.block(&params[0]).await?;
                let verbose = params[1].as_bool().unwrap_or(true);
                Ok(if verbose { header_json(&hash, &block) } else { json!(hex::encode(block.header.encode())) })
            }
            "getblock" => {
                let (hash, block) = self.block(&params[0]).await?;
                match params[1].as_u64().unwrap_or(1) {
                    0 => Ok(json!(hex::encode(&block.bytes))),
                    _ => Ok(block_json(&hash, &block)),
                }
            }
            "getblockchaininfo" => Ok(json!({
                "chain": super::NAME, "blocks": tip.height, "headers": tip.height, "bestblockhash": tip.hash.to_string(),
                "initialblockdownload": false, "verificationprogress": 1.0, "warnings": "",
            })),
            _ => Err(RpcFailure::new(METHOD_NOT_FOUND, "Method not found")),
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, RpcFailure> {
        let (reply, answer) = oneshot::channel();
        let stopped = || RpcFailure::new(MISC_ERROR, "Shutting down");
        self.commands.send(command(reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }

    async fn block(&self, hash: &Value) -> Result<(BlockHash, BlockView), RpcFailure> {
        let hash: BlockHash = hash
            .as_str()
            .and_then(|hash| hash.parse().ok())
            .ok_or_else(|| RpcFailure::new(INVALID_PARAMETER, "blockhash must be of length 64"))?;
        let block = self.ask(|reply| Command::Block { hash, reply }).await?;
        block.map(|block| (hash, block)).ok_or_else(|| RpcFailure::new(NOT_FOUND, "Block not found"))
    }

    async fn block_template(&self, request: &Value) -> Result<Value, RpcFailure> {
        if request["mode"] == "proposal" {
            let block = block_bytes(&request["data"])?;
            return submit_result(self.ask(|reply| Command::Propose { block, reply }).await?);
        }
        let asks_segwit = request["rules"].as_array().is_some_and(|rules| rules.contains(&json!("segwit")));
        if !asks_segwit {
            let message =
                "getblocktemplate must be called with the segwit rule set (call with {\"rules\": [\"segwit\"]})";
            return Err(RpcFailure::new(INVALID_PARAMETER, message));
        }
        if let Some(longpollid) = request["longpollid"].as_str() {
            self.wait_for_change(longpollid).await;
        }
        Ok(template_json(&self.ask(|reply| Command::Template { reply }).await?))
    }

    /// Waits until the tip is another one than in the longpoll id, or for a while.
    async fn wait_for_change(&self, longpollid: &str) {
        let mut tip = self.tip.clone();
        let changed = tip.wait_for(|tip| !longpollid.starts_with(&tip.hash.to_string()));
        // Time-out and shutdown both end the wait with the template as it is.
        let _ended = timeout(LONGPOLL_MAX, changed).await;
    }
}

fn block_bytes(value: &Value) -> Result<Vec<u8>, RpcFailure> {
    let bytes = value.as_str().and_then(|text| hex::decode(text).ok());
    bytes
        .filter(|bytes| Block::decode(bytes).is_ok())
        .ok_or_else(|| RpcFailure::new(DECODE_FAILED, "Block decode failed"))
}

fn submit_result(outcome: Outcome) -> Result<Value, RpcFailure> {
    match outcome {
        Outcome::Accepted => Ok(Value::Null),
        Outcome::Inconclusive => Ok(json!("inconclusive")),
        Outcome::Duplicate => Ok(json!("duplicate")),
        Outcome::Refused(reason) => Ok(json!(reason)),
    }
}

fn template_json(template: &BlockTemplate) -> Value {
    let transactions: Vec<Value> = template
        .transactions
        .iter()
        .map(|transaction| {
            json!({
                "data": hex::encode(&transaction.bytes),
                "txid": transaction.txid.to_string(),
                "hash": transaction.wtxid.to_string(),
                "depends": [],
                "fee": transaction.fee,
                "sigops": 0,
                "weight": transaction.weight,
            })
        })
        .collect();
    let target = template.bits.to_target().unwrap_or(Target::HARDEST_SHARE);
    let mut target_bytes = target.to_le_bytes();
    target_bytes.reverse();
    let commitment = [WITNESS_MARKER.as_slice(), &template.witness_commitment].concat();
    json!({
        "capabilities": ["proposal"],
        "version": 0x2000_0000,
        "rules": ["csv", "!segwit", "taproot"],
        "vbavailable": {},
        "vbrequired": 0,
        "previousblockhash": template.prev_block.to_string(),
        "longpollid": format!("{}{}", template.prev_block, transactions.len()),
        "transactions": transactions,
        "coinbaseaux": {},
        "coinbasevalue": template.coinbase_value,
        "target": hex::encode(target_bytes),
        "mintime": template.time_min,
        "mutable": ["time", "transactions", "prevblock"],
        "noncerange": "00000000ffffffff",
        "sigoplimit": 80_000,
        "sizelimit": WEIGHT_MAX,
        "weightlimit": WEIGHT_MAX,
        "curtime": unix_now().max(u64::from(template.time_min)),
        "bits": template.bits.to_string(),
        "height": template.height,
        "default_witness_commitment": hex::encode(commitment),
    })
}

fn header_json(hash: &BlockHash, block: &BlockView) -> Value {
    let header = &block.header;
    let work = header.bits.to_target().and_then(Target::work).unwrap_or(Work::ZERO);
    let mut json = json!({
        "hash": hash.to_string(),
        "confirmations": block.confirmations,
        "height": block.height,
        "version": header.version,
        "merkleroot": header.merkle_root.to_string(),
        "time": header.time,
        "nonce": header.nonce,
        "bits": header.bits.to_string(),
        "expectedhashes": work.to_string(),
        "previousblockhash": header.prev_block.to_string(),
    });
    if let Some(next) = block.next {
        json["nextblockhash"] = json!(next.to_string());
    }
    json
}

fn block_json(hash: &BlockHash, block: &BlockView) -> Value {
    let mut json = header_json(hash, block);
    if let Ok(decoded) = Block::decode(&block.bytes) {
        json["size"] = json!(decoded.size);
        json["weight"] = json!(decoded.weight);
        json["nTx"] = json!(decoded.transactions.len());
        json["tx"] = decoded.transactions.iter().map(|transaction| transaction.txid.to_string()).collect();
    }
    json
}

#[cfg(test)]
mod tests;
