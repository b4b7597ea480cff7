//! Floods: the victim's memory stays within its bound, and shares of honest peers travel as before.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use libp2p::{Multiaddr, PeerId};
use node::p2p::{Request, Response};
use sharechain::{header::HEADER_LEN, share::SHARE_VERSION};
use testnet::miner::devnet_user;
use tests::{SteppedMiner, World, ensure_eq, wait_for};
use tokio::time::{Instant, sleep, timeout};

use super::{
    PATIENCE, Pair,
    faults::share_id,
    mesh::{self, Control, ads_topic, shares_topic},
    peer::{Hostile, Seen, framed, polite},
};

/// Junk of one flood whose memory is looked at, and of one of many at once.
const FLOOD_LEN: usize = 8 << 20;
const FLOOD_OF_MANY_LEN: usize = 1 << 20;
/// Peers that flood at once.
const FLOODING: usize = 3;
/// What is not taken by then is stuck: the victim reads no more of it.
const STUCK: Duration = Duration::from_secs(8);
/// Memory that a peer may cost a node.
const PEER_BYTES_MAX: u64 = 8 << 20;
/// Streams that a hostile peer opens and does not finish.
const HALF_QUESTIONS: usize = 64;
/// Shares that are timed.
const TIMED: usize = 40;
/// Below it nothing is told apart on a machine that does other things too.
const DELAY_MIN: Duration = Duration::from_millis(50);
/// Messages of one frame that are read.
const READ_IN_A_FRAME: u64 = 4;
/// A version that nobody knows yet.
const UNKNOWN_VERSION: u8 = 0x7f;

/// What a victim is flooded with.
#[derive(Clone, Copy, Debug)]
enum Flood {
    /// Control messages and subscriptions.
    Control(Control),
    /// Shares of a version that is not known, as many in a frame as are read.
    UnknownShares,
    /// The same, with more in a frame than anybody sends.
    FullFrames,
    /// Ads of a version that is not known.
    UnknownAds,
    /// A frame that is longer than allowed.
    EndlessFrame,
    /// Questions that are begun.
    HalfQuestions,
}

impl Flood {
    fn all() -> impl Iterator<Item = Self> {
        let others = [Self::UnknownShares, Self::FullFrames, Self::UnknownAds, Self::EndlessFrame, Self::HalfQuestions];
        Control::ALL.into_iter().map(Self::Control).chain(others)
    }

    fn start(self, len: usize, hostile: &mut Hostile, victim: &PeerId) -> anyhow::Result<()> {
        let numbered = |offset: usize, number: u64| {
            let mut bytes = vec![UNKNOWN_VERSION; offset + 9];
            bytes[offset + 1..].copy_from_slice(&number.to_le_bytes());
            bytes
        };
        let frames = match self {
            Self::Control(control) => mesh::controls(control, &shares_topic()?, len),
            Self::UnknownShares => {
                mesh::messages(&shares_topic()?, (len, READ_IN_A_FRAME), |number| numbered(HEADER_LEN, number))
            }
            Self::FullFrames => {
                mesh::messages(&shares_topic()?, (len, 5 * READ_IN_A_FRAME), |number| numbered(HEADER_LEN, number))
            }
            Self::UnknownAds => mesh::messages(&ads_topic()?, (len, READ_IN_A_FRAME), |number| numbered(0, number)),
            Self::EndlessFrame => [mesh::endless_frame(), vec![0x12; len]].concat(),
            Self::HalfQuestions => {
                let whole = framed(&vec![2; 8_000]);
                for _ in 0..HALF_QUESTIONS {
                    hostile.begin_to_ask(victim, whole[..7_000].to_vec());
                }
                return Ok(());
            }
        };
        hostile.gossip(victim, frames);
        Ok(())
    }

    /// What the ban says of who can only be hostile.
    const fn reason(self) -> Option<&'static str> {
        match self {
            Self::UnknownShares => Some("sends shares that nobody needs"),
            Self::UnknownAds => Some("sends ads that nobody needs"),
            Self::Control(_) | Self::FullFrames | Self::EndlessFrame | Self::HalfQuestions => None,
        }
    }
}

#[tokio::test]
async fn attack_p7_floods_do_not_grow_the_victim() -> anyhow::Result<()> {
    const _: () = assert!(SHARE_VERSION != UNKNOWN_VERSION);
    let mut pair = Pair::new().await?;
    let before = pair.victim.resident_bytes()?;
    let mut attackers = Vec::new();
    for flood in Flood::all() {
        let started = Instant::now();
        let (mut hostile, victim) = Hostile::at(&pair.victim, polite).await?;
        flood.start(FLOOD_LEN, &mut hostile, &victim)?;
        let seen = match flood.reason() {
            Some(_) => hostile.until_thrown_out().await.map(|_| Some(Seen::Closed)),
            None => Ok(timeout(STUCK, hostile.next()).await.ok()),
        };
        let seen = seen.map_err(|error| error.context(format!("{flood:?}")))?;
        let grown = pair.victim.resident_bytes()?.saturating_sub(before);
        println!("{flood:?}: {seen:?} after {:?}, the victim has grown by {} KiB", started.elapsed(), grown >> 10);
        if let Some(reason) = flood.reason() {
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
    let mut identities = 0;
    while !stop.load(Ordering::Relaxed) {
        for flood in Flood::all() {
            let Ok((mut hostile, peer)) = Hostile::dialling(victim.clone(), polite).await else { continue };
            identities += 1;
            flood.start(FLOOD_OF_MANY_LEN, &mut hostile, &peer)?;
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
    let address: Multiaddr = pair.victim.endpoints.p2p[0].parse()?;
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
    let (mut asker, peer) = Hostile::at(&finder, polite).await?;
    let Response::Shares { shares } = asker.answer_of(&peer, &Request::Shares { ids }).await? else {
        anyhow::bail!("no shares")
    };
    let (mut sender, peer) = Hostile::at(&reader, polite).await?;
    let topic = shares_topic()?;
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
