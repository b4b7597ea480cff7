//! One fault each: the sender is gone within a second.

use libp2p::{PeerId, identity::Keypair};
use node::p2p::{Request, Response};
use sharechain::ShareId;
use testnet::hostile::{
    Answer, BrokenAnswer, BrokenGossip, BrokenQuestion, Hostile, Seen, framed, mesh, polite, signed_record,
    without_work,
};
use tests::ensure_eq;

use super::{PATIENCE, Pair, arrives, has_dial, hostile_at, params_id};

/// Requests of a peer in ten seconds that are answered.
const REQUESTS_MAX: usize = 400;
/// What the ban says of a share that can only be wrong.
const INVALID_SHARE: &str = "sent an invalid share";

/// What the API calls a share.
pub(super) fn share_id(id: &str) -> anyhow::Result<ShareId> {
    let mut bytes = <[u8; 32]>::try_from(hex::decode(id)?).map_err(|_| anyhow::anyhow!("{id} is no id"))?;
    bytes.reverse();
    Ok(ShareId::from_bytes(bytes))
}

/// A share of the chain.
async fn mined(pair: &mut Pair) -> anyhow::Result<Vec<u8>> {
    let id = pair.miners[1].mine_one().await?;
    arrives(&id, &pair.honest).await?;
    let (mut asker, honest) = hostile_at(&pair.honest, polite).await?;
    let answer = asker.answer_of(&honest, &Request::Shares { ids: vec![share_id(&id)?] }).await?;
    let Response::Shares { mut shares } = answer else { anyhow::bail!("{answer:?} is no answer") };
    ensure_eq(&shares.len(), &1, "shares of one id")?;
    Ok(shares.remove(0))
}

/// What the ban says of it.
const fn gossip_reason(broken: BrokenGossip) -> &'static str {
    match broken {
        BrokenGossip::HalfShare
        | BrokenGossip::EmptyShare
        | BrokenGossip::GarbageShare
        | BrokenGossip::FalseShare
        | BrokenGossip::LongShare => INVALID_SHARE,
        BrokenGossip::GarbageAd => "sent a record that is none",
    }
}

#[tokio::test]
async fn broken_gossip_costs_the_sender_its_connection_and_nobody_else() -> anyhow::Result<()> {
    let mut pair = Pair::new().await?;
    let params = params_id()?;
    let without_work = mesh::share(params, &without_work(&mined(&mut pair).await?, 0)?);
    let broken = BrokenGossip::ALL.map(|broken| (gossip_reason(broken), broken.frames(params, 1)));
    for (reason, frames) in broken.into_iter().chain([(INVALID_SHARE, without_work)]) {
        let (mut hostile, victim) = hostile_at(&pair.victim, polite).await?;
        hostile.gossip(&victim, frames);
        pair.is_gone(&mut hostile, reason).await?;
    }
    // By gossip, not by the sync that would bring them later.
    let before = pair.victim.api.status().await?.shares_gossiped;
    pair.goes_on().await?;
    ensure_eq(&(pair.victim.api.status().await?.shares_gossiped > before), &true, "shares are gossiped as before")?;
    pair.ends_well().await
}

#[tokio::test]
async fn broken_questions_cost_the_asker_its_connection() -> anyhow::Result<()> {
    let mut pair = Pair::new().await?;
    for broken in BrokenQuestion::ALL {
        let (mut hostile, victim) = hostile_at(&pair.victim, polite).await?;
        hostile.ask(&victim, broken.bytes());
        pair.is_gone(&mut hostile, "no message").await?;
    }
    pair.ends_well().await
}

#[tokio::test]
async fn attack_p8_who_asks_without_an_end_is_gone() -> anyhow::Result<()> {
    let mut pair = Pair::new().await?;
    let (mut hostile, victim) = hostile_at(&pair.victim, polite).await?;
    let question = framed(&Request::Peers { missing: Vec::new() }.encode());
    // A few at once: the victim takes no more streams than that of a peer.
    for _ in 0..4 {
        hostile.ask(&victim, question.clone());
    }
    let mut answered = 0;
    let gone = async {
        loop {
            match hostile.next().await {
                Seen::Taken(bytes) => answered += usize::from(!bytes.is_empty()),
                Seen::Closed => return,
                Seen::Refused | Seen::Connected(_) => {}
            }
            hostile.ask(&victim, question.clone());
        }
    };
    tokio::time::timeout(PATIENCE, gone).await?;
    anyhow::ensure!(answered <= REQUESTS_MAX, "{answered} requests were answered");
    pair.is_banned(&hostile, "asks too often").await?;
    pair.ends_well().await
}

/// Connects the victim to a peer that answers hellos and nodes like this, and waits for the ban.
async fn answers_cost(pair: &mut Pair, broken: BrokenAnswer) -> anyhow::Result<()> {
    let reason = match broken {
        BrokenAnswer::ForgedRecord | BrokenAnswer::NoRecord => "sent a record that is none",
        BrokenAnswer::OtherAnswer => "answered something else",
        BrokenAnswer::Garbage | BrokenAnswer::LengthAboveBound => "no message",
    };
    let key = Keypair::generate_ed25519();
    let record = signed_record(&key)?;
    let mut hostile = Hostile::with_key(key, params_id()?, move |request| broken.answer(request, &record))?;
    has_dial(&pair.victim, &mut hostile).await?;
    wait_connected(&mut hostile).await?;
    pair.is_gone(&mut hostile, reason).await
}

async fn wait_connected(hostile: &mut Hostile) -> anyhow::Result<PeerId> {
    match tokio::time::timeout(PATIENCE, hostile.next()).await? {
        Seen::Connected(peer) => Ok(peer),
        other => anyhow::bail!("not connected but {other:?}"),
    }
}

#[tokio::test]
async fn broken_answers_cost_the_peer_its_connection() -> anyhow::Result<()> {
    let mut pair = Pair::new().await?;
    for broken in BrokenAnswer::ALL {
        answers_cost(&mut pair, broken).await?;
    }
    pair.ends_well().await
}

/// Silence may be a cut line: whoever banned for it would ban honest nodes after each partition.
#[tokio::test]
async fn a_peer_that_never_answers_is_not_banned_and_holds_nobody_up() -> anyhow::Result<()> {
    let pair = Pair::new().await?;
    let (_silent, _) = hostile_at(&pair.victim, |_| Answer::Silence).await?;
    pair.ends_well().await
}
