//! Floods: the victim's memory stays within its bound, and shares of honest peers travel as before.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use libp2p::Multiaddr;
use node::p2p::{Request, Response};
use testnet::{
    hostile::{Flood, Hostile, Seen, mesh, polite},
    miner::devnet_user,
};
use tests::{SteppedMiner, World, ensure_eq, wait_for};
use tokio::time::{Instant, sleep, timeout};

use super::{PATIENCE, Pair, address_of, faults::share_id, hostile_at, params_id};

/// Junk of one flood whose memory is looked at, and of one of many at once.
const FLOOD_LEN: usize = 8 << 20;
const FLOOD_OF_MANY_LEN: usize = 1 << 20;
/// Peers that flood at once.
const FLOODING: usize = 3;
/// What is not taken by then is stuck: the victim reads no more of it.
const STUCK: Duration = Duration::from_secs(8);
/// Memory that a peer may cost a node.
const PEER_BYTES_MAX: u64 = 8 << 20;
/// Shares that are timed.
const TIMED: usize = 40;
/// Below it nothing is told apart on a machine that does other things too.
const DELAY_MIN: Duration = Duration::from_millis(50);

/// What the ban says of who can only be hostile.
const fn reason(flood: Flood) -> Option<&'static str> {
    match flood {
        Flood::UnknownShares => Some("sends shares that nobody needs"),
        Flood::UnknownAds => Some("sends ads that nobody needs"),
        Flood::Control(_) | Flood::FullFrames | Flood::EndlessFrame | Flood::HalfQuestions => None,
    }
}

#[tokio::test]
async fn attack_p7_floods_do_not_grow_the_victim() -> anyhow::Result<()> {
    let mut pair = Pair::new().await?;
    let before = pair.victim.resident_bytes()?;
    let mut attackers = Vec::new();
    for flood in Flood::all() {
        let started = Instant::now();
        let (mut hostile, victim) = hostile_at(&pair.victim, polite).await?;
        flood.start(&mut hostile, &victim, FLOOD_LEN, 0);
        let seen = match reason(flood) {
            Some(_) => hostile.until_thrown_out().await.map(|_| Some(Seen::Closed)),
            None => Ok(timeout(STUCK, hostile.next()).await.ok()),
        };
        let seen = seen.map_err(|error| error.context(format!("{flood:?}")))?;
        let grown = pair.victim.resident_bytes()?.saturating_sub(before);
        println!("{flood:?}: {seen:?} after {:?}, the victim has grown by {} KiB", started.elapsed(), grown >> 10);
        if let Some(reason) = reason(flood) {
            pair.is_banned(&hostile, reason).await?;
        }
        // It stays connected as long as it may: its memory counts.
        attackers.push(hostile);
        pair.goes_on().await?;
    }
    let grown = pair.victim.resident_bytes()?.saturating_sub(before);
    let bound = PEER_BYTES_MAX * u64::try_from(attackers.len())?;
    anyhow::ensure!(grown <= bound, "{} peers made the victim grow by {grown} bytes", attackers.len());
    pair.ends_well().await
}

/// Mines shares at the honest node; how long the slowest but one in twenty takes to the victim.
async fn delay_p95(pair: &mut Pair) -> anyhow::Result<Duration> {
    let mut delays = Vec::new();
    for _ in 0..TIMED {
        let id = pair.miners[1].mine_one().await?;
        let since = Instant::now();
        let arrival = async {
            while pair.victim.api.share(&id).await.is_err() {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, arrival).await?;
        delays.push(since.elapsed());
    }
    delays.sort_unstable();
    Ok(delays[TIMED * 95 / 100])
}

/// Floods the victim, as somebody else each time, until it is told to stop; how many were there.
async fn flood_on(victim: Multiaddr, stop: Arc<AtomicBool>) -> anyhow::Result<usize> {
    let (params, mut identities) = (params_id()?, 0);
    while !stop.load(Ordering::Relaxed) {
        for flood in Flood::all() {
            let Ok((mut hostile, peer)) = Hostile::dialling(params, victim.clone(), polite).await else { continue };
            identities += 1;
            flood.start(&mut hostile, &peer, FLOOD_OF_MANY_LEN, 0);
            let _ended = timeout(Duration::from_millis(500), hostile.next()).await;
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    Ok(identities)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn honest_shares_travel_on_under_floods() -> anyhow::Result<()> {
    let mut pair = Pair::new().await?;
    let before = delay_p95(&mut pair).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let address = address_of(&pair.victim)?;
    let floods: Vec<_> = (0..FLOODING).map(|_| tokio::spawn(flood_on(address.clone(), stop.clone()))).collect();
    let under = delay_p95(&mut pair).await?;
    stop.store(true, Ordering::Relaxed);
    let mut identities = 0;
    for flood in floods {
        identities += flood.await??;
    }
    println!("p95 {before:?} before and {under:?} under floods of {identities} identities");
    anyhow::ensure!(identities > 0, "nobody flooded");
    anyhow::ensure!(under <= 2 * before.max(DELAY_MIN), "p95 was {before:?} and is {under:?}");
    pair.honest.stop().await?;
    pair.victim.stop().await
}

/// As a node does that has found much at once, or whose line was cut for a while.
#[tokio::test]
async fn shares_that_come_in_one_burst_are_all_read() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let finder = world.node("finder", &[]).await?;
    let reader = world.closed_node("reader", &[]).await?;
    let mut miner = SteppedMiner::connect(&finder.endpoints.stratum, &devnet_user("finder")?).await?;
    let mut ids = Vec::new();
    for _ in 0..TIMED {
        ids.push(share_id(&miner.mine_one().await?)?);
    }
    let (mut asker, peer) = hostile_at(&finder, polite).await?;
    let Response::Shares { shares } = asker.answer_of(&peer, &Request::Shares { ids }).await? else {
        anyhow::bail!("no shares")
    };
    let (mut sender, peer) = hostile_at(&reader, polite).await?;
    let topic = mesh::shares_topic(params_id()?);
    let frames: Vec<u8> = shares.iter().flat_map(|share| mesh::frame(&mesh::message(&topic, share))).collect();
    anyhow::ensure!(frames.len() > 3 * mesh::FRAME_LEN_MAX, "too short to be a burst");
    sender.gossip(&peer, frames);
    let seen = timeout(PATIENCE, sender.next()).await?;
    ensure_eq(&seen, &Seen::Taken(Vec::new()), "the stream is read to its end")?;
    wait_for("all shares of the burst", PATIENCE, async || {
        Ok((reader.api.status().await?.shares == shares.len()).then_some(()))
    })
    .await?;
    finder.stop().await?;
    reader.stop().await
}
