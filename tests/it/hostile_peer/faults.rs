//! One fault each: the sender is gone within a second.

use std::sync::{Arc, Mutex};

use libp2p::{PeerId, core::PeerRecord};
use node::p2p::{Request, Response};
use sharechain::{
    Share, ShareId,
    header::HEADER_LEN,
    share::{SHARE_LEN_MAX, SHARE_VERSION},
    testing,
};
use tests::ensure_eq;

use super::{
    PATIENCE, Pair, arrives, has_dial,
    mesh::{self, ads_topic},
    peer::{Answer, Hostile, Seen, framed, polite},
};

/// Requests of a peer in ten seconds that are answered.
const REQUESTS_MAX: usize = 400;
/// An ad begins with its version, which is known.
const AD_VERSION: u8 = 1;

/// A share with real work that says a lie its bytes alone give away.
fn false_share() -> Share {
    let mut share = testing::Miner::devnet().orphan(1).share().clone();
    share.data.signal ^= 1;
    share
}

/// Of the version that is known: another one is refused without blame.
fn of_known_version(byte: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![byte; len];
    bytes[HEADER_LEN] = SHARE_VERSION;
    bytes
}

/// What the API calls a share.
pub(super) fn share_id(id: &str) -> anyhow::Result<ShareId> {
    let mut bytes = <[u8; 32]>::try_from(hex::decode(id)?).map_err(|_| anyhow::anyhow!("{id} is no id"))?;
    bytes.reverse();
    Ok(ShareId::from_bytes(bytes))
}

/// A share of the chain, without its work.
async fn without_work(pair: &mut Pair) -> anyhow::Result<Vec<u8>> {
    let id = pair.miners[1].mine_one().await?;
    arrives(&id, &pair.honest).await?;
    let (mut asker, honest) = Hostile::at(&pair.honest, polite).await?;
    let answer = asker.answer_of(&honest, &Request::Shares { ids: vec![share_id(&id)?] }).await?;
    let Response::Shares { shares } = answer else { anyhow::bail!("{answer:?} is no answer") };
    let mut share = Share::decode(&shares[0])?;
    share.header.nonce = share.header.nonce.wrapping_add(1);
    Ok(share.encode())
}

#[tokio::test]
async fn broken_gossip_costs_the_sender_its_connection_and_nobody_else() -> anyhow::Result<()> {
    let mut pair = Pair::new().await?;
    let whole = false_share().encode();
    let garbage_ad = [&[AD_VERSION][..], &[0xa5; 200]].concat();
    let stories = [
        ("sent an invalid share", mesh::share(&whole[..whole.len() / 2])?),
        ("sent an invalid share", mesh::share(&[])?),
        ("sent an invalid share", mesh::share(&of_known_version(0xa5, 700))?),
        ("sent an invalid share", mesh::share(&whole)?),
        ("sent an invalid share", mesh::share(&of_known_version(7, SHARE_LEN_MAX + 1))?),
        ("sent an invalid share", mesh::share(&without_work(&mut pair).await?)?),
        ("sent a record that is none", mesh::frame(&mesh::message(&ads_topic()?, &garbage_ad))),
    ];
    for (reason, frames) in stories {
        let (mut hostile, victim) = Hostile::at(&pair.victim, polite).await?;
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
    let stories = [
        ("no message: an unknown question", framed(&[9])),
        ("no message: a byte too many", framed(&[1, 0, 0])),
        ("no message: a length above the bound", u32::MAX.to_le_bytes().to_vec()),
    ];
    for (story, bytes) in stories {
        let (mut hostile, victim) = Hostile::at(&pair.victim, polite).await?;
        hostile.ask(&victim, bytes);
        let reason = story.split_once(':').map_or(story, |(reason, _)| reason);
        pair.is_gone(&mut hostile, reason).await?;
    }
    pair.ends_well().await
}

#[tokio::test]
async fn attack_p8_who_asks_without_an_end_is_gone() -> anyhow::Result<()> {
    let mut pair = Pair::new().await?;
    let (mut hostile, victim) = Hostile::at(&pair.victim, polite).await?;
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
async fn answers_cost(
    pair: &mut Pair,
    reason: &str,
    mut answers: impl FnMut(&Request, &[u8]) -> Answer + Send + 'static,
) -> anyhow::Result<()> {
    let record = Arc::new(Mutex::new(Vec::new()));
    let kept = record.clone();
    let mut hostile = Hostile::new(move |request| {
        let record = kept.lock().map(|record| record.clone()).unwrap_or_default();
        answers(request, &record)
    })?;
    let signed = PeerRecord::new(hostile.key(), vec!["/ip4/192.0.2.7/tcp/1".parse()?])?;
    if let Ok(mut record) = record.lock() {
        *record = signed.into_signed_envelope().into_protobuf_encoding();
    }
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
    let envelopes = |envelope: Vec<u8>| Answer::message(&Response::Peers { envelopes: vec![envelope] });
    answers_cost(&mut pair, "sent a record that is none", move |request, record| match request {
        Request::Peers { .. } => {
            let mut forged = record.to_vec();
            // The signature is at the end.
            if let Some(last) = forged.last_mut() {
                *last ^= 1;
            }
            envelopes(forged)
        }
        other => polite(other),
    })
    .await?;
    answers_cost(&mut pair, "sent a record that is none", move |request, _| match request {
        Request::Peers { .. } => envelopes(b"no envelope".to_vec()),
        other => polite(other),
    })
    .await?;
    answers_cost(&mut pair, "answered something else", |request, _| match request {
        Request::Hello(_) => Answer::message(&Response::Ids { ids: Vec::new(), more: false }),
        other => polite(other),
    })
    .await?;
    answers_cost(&mut pair, "no message", |_, _| Answer::Bytes(framed(&[0xff; 40]))).await?;
    answers_cost(&mut pair, "no message", |_, _| Answer::Bytes(u32::MAX.to_le_bytes().to_vec())).await?;
    pair.ends_well().await
}

/// Silence may be a cut line: whoever banned for it would ban honest nodes after each partition.
#[tokio::test]
async fn a_peer_that_never_answers_is_not_banned_and_holds_nobody_up() -> anyhow::Result<()> {
    let pair = Pair::new().await?;
    let (_silent, _) = Hostile::at(&pair.victim, |_| Answer::Silence).await?;
    pair.ends_well().await
}
