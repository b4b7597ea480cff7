//! Whom the pool's blocks paid: history, proof and audit.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use sharechain::{Amount, BlockHash, PayoutScript};

use super::{
    ApiState,
    dto::{AuditedPayout, BlockAudit, List, PayoutEntry},
    page::Page,
    problem::{Failure, Refusals, problem, stopping},
    request::{Named, NoParams, Params, Time, Within},
    shares::script_of,
    viewer::{Operators, Viewer},
};
use crate::{
    blocks::{BlocksView, PoolBlockStatus},
    payouts::{self, AuditVerdict, PaidScript, PayoutProof, Proven, Unproven},
};

/// Which payouts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only those of this address.
    #[param(nullable = false)]
    address: Option<String>,
    /// Only those of blocks from this time on, Unix seconds.
    #[param(inline, nullable = false)]
    from: Option<Time>,
    /// Only those of blocks before this time, Unix seconds.
    #[param(inline, nullable = false)]
    to: Option<Time>,
    /// Most elements.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<usize>,
    /// Where to go on: `meta.next` of the page before.
    #[param(nullable = false, pattern = "^[0-9]{1,19}$")]
    cursor: Option<String>,
}

/// Payouts of the pool's blocks on the parent chain, the highest block first.
#[utoipa::path(get, path = "/payouts/history", tag = "miners", params(Wanted), responses(
    (status = 200, body = List<PayoutEntry>),
    Refusals,
))]
pub(super) async fn history(
    State(api): State<ApiState>,
    viewer: Viewer,
    Params(wanted): Params<Wanted>,
) -> Result<Json<List<PayoutEntry>>, Failure> {
    let page = Page::new(wanted.limit, wanted.cursor.as_deref())?;
    let script: Option<PayoutScript> = wanted.address.map(|address| script_of(&api, &address)).transpose()?;
    let time = wanted.from.map_or(0, |Within(from)| from)..wanted.to.map_or(u64::MAX, |Within(to)| to);
    let (ledger, blocks) = (api.paid.ledger(), api.blocks.borrow().clone());
    let paid: Vec<PaidScript<'_>> = ledger.payouts(script).filter(|paid| time.contains(&paid.block.time)).collect();
    Ok(Json(page.of(&paid, |paid| payout_entry(*paid, &blocks, viewer.address(&api, &paid.payout.script)))))
}

/// A payout as it is told, with what became of its block.
pub(super) fn payout_entry(paid: PaidScript<'_>, blocks: &BlocksView, address: Option<String>) -> PayoutEntry {
    let block = blocks.blocks.iter().find(|block| block.hash == paid.block.hash);
    PayoutEntry {
        block: paid.block.hash.to_string(),
        height: paid.block.height,
        time: paid.block.time,
        address,
        amount: Amount::units(paid.payout.amount),
        // What is not followed any more was settled long ago.
        status: match (block, paid.block.is_orphaned) {
            (Some(block), _) => block.status.as_str(),
            (None, true) => PoolBlockStatus::Orphaned.as_str(),
            (None, false) => PoolBlockStatus::Matured(0).as_str(),
        }
        .to_owned(),
    }
}

/// The proof of a block's payouts, which anybody can check without a node: `poolnode verify`.
#[utoipa::path(get, path = "/payouts/proof/{block}", tag = "miners",
    params(("block" = String, Path, description = "Hash of a block of the pool", pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, body = PayoutProof), Refusals),
)]
pub(super) async fn proof(
    State(api): State<ApiState>,
    _: Operators,
    Named(block): Named<String>,
    _: Params<NoParams>,
) -> Result<Json<PayoutProof>, Failure> {
    find(&api, &block).await.map(Json)
}

/// Compares what the share chain says that a block has to pay with the block as a daemon has it.
#[utoipa::path(get, path = "/payouts/audit/{block}", tag = "miners",
    params(("block" = String, Path, description = "Hash of a block of the pool", pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, body = BlockAudit), Refusals),
)]
pub(super) async fn audit(
    State(api): State<ApiState>,
    _: Operators,
    Named(block): Named<String>,
    _: Params<NoParams>,
) -> Result<Json<BlockAudit>, Failure> {
    let proof = find(&api, &block).await?;
    let wrong = |error: payouts::ProofError| {
        let detail = format!("the share chain of this node does not lead to the coinbase: {error}");
        problem(StatusCode::NOT_FOUND, "not provable", detail)
    };
    let proven = proof.verify(&api.profile).map_err(wrong)?;
    let raw = api.metrics.daemons.block(&proven.share.id().into()).await.map_err(|error| error.to_string());
    Ok(Json(audited(&api, &proven, raw)))
}

fn audited(api: &ApiState, proven: &Proven, raw: Result<Vec<u8>, String>) -> BlockAudit {
    let (id, data) = (proven.share.id(), &proven.share.share().data);
    let mut steps = vec![
        format!("the header's hash is {id} and meets the parent chain's target: it is a block"),
        format!("its coinbase {} commits to the share, and the header to the coinbase", proven.coinbase_txid),
        format!(
            "the window of share {} has {} shares of {} scripts; split by the rule it gives {} outputs",
            proven.payout_share,
            proven.weights.shares(),
            proven.weights.entries().len(),
            proven.payouts.len()
        ),
    ];
    let compared = match raw {
        Ok(block) => Some(payouts::audit(proven, &block)),
        Err(cause) => {
            steps.push(format!("no daemon of this node gives the block: {cause}"));
            None
        }
    };
    let verdict = match compared.as_ref().map(|audit| audit.verdict) {
        Some(AuditVerdict::Agrees) => "agrees",
        Some(AuditVerdict::Differs) => "differs",
        Some(AuditVerdict::OtherBlock) | None => "unknown",
    };
    steps.extend(match verdict {
        "agrees" => Some("the daemon's block begins with exactly this coinbase".to_owned()),
        "differs" => Some("the daemon's block has another coinbase".to_owned()),
        _ => None,
    });
    let outputs = compared.map(|audit| audit.outputs).unwrap_or_default();
    let output = |output: &payouts::AuditedOutput| AuditedPayout {
        script: hex::encode(&output.script),
        address: PayoutScript::from_bytes(&output.script).ok().and_then(|script| api.address(&script)),
        expected: output.expected,
        found: output.found,
        agrees: output.expected == output.found,
    };
    BlockAudit {
        block: id.to_string(),
        height: data.block_height,
        coinbase: proven.coinbase_txid.to_string(),
        payout_share: proven.payout_share.to_string(),
        window_shares: proven.weights.shares(),
        coinbase_value: data.coinbase_value.units(),
        verdict: verdict.to_owned(),
        outputs: outputs.iter().map(output).collect(),
        steps,
    }
}

async fn find(api: &ApiState, block: &str) -> Result<PayoutProof, Failure> {
    let malformed = |_| problem(StatusCode::BAD_REQUEST, "not a block hash", "a block hash is 64 hexadecimal digits");
    let hash: BlockHash = block.parse().map_err(malformed)?;
    api.paid.proof(hash).await.map_err(|unproven| match unproven {
        Unproven::Busy => stopping(),
        Unproven::Gone => {
            let detail = "this node has no proof of such a block, and does not keep its share (any more)";
            problem(StatusCode::NOT_FOUND, "unknown block", detail)
        }
    })
}
