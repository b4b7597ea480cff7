//! `load_server`: the real Stratum endpoint with made-up work, for `devminer --load`.
//!
//! Jobs have a merkle branch of 12 hashes, as blocks with 2,048 to 4,095 transactions have, and a parent block that is too hard to be
//! found here; a new one comes every few seconds, so that fan-out can be measured without mining. Shares are acknowledged without a
//! store, whose disk is not what is measured.
//!
//! ```text
//! cargo run --release -p tests --bin load_server -- --listen 127.0.0.1:24336 --block-secs 5
//! ```

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use clap::Parser;
use node::ChainProfile;
use sharechain::{BlockHash, CompactTarget, JobContext, ShareChain, testing::Miner};
use stratum::{
    FoundShare, HeaderFields, JobTemplate, SessionConfig, Stratum, StratumConfig,
    limits::CONNECTIONS_MAX,
    server::{Access, FOUND_QUEUE_MAX, LaneEnds},
};
use tokio::{
    sync::{mpsc, watch},
    time::interval,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Hashes of the merkle branch.
const BRANCH_LEN: usize = 12;
/// Shares before the one that is mined: the window has somebody to pay.
const SHARES: u32 = 100;

#[derive(Parser)]
#[command(about = "The Stratum endpoint with made-up work, for devminer --load")]
struct Args {
    /// Where miners connect to.
    #[arg(long, default_value = "127.0.0.1:24336")]
    listen: SocketAddr,
    /// Seconds between parent blocks.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    block_secs: u64,
}

fn unix_now() -> anyhow::Result<u32> {
    Ok(u32::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?)
}

/// Work on parent block number `block`.
fn template(miner: &Miner, context: &JobContext, block: u32) -> anyhow::Result<Arc<JobTemplate>> {
    let mut work = miner.work.clone();
    let mut hash = [7; 32];
    hash[..4].copy_from_slice(&block.to_le_bytes());
    work.prev_block = BlockHash::from_bytes(hash);
    let header = HeaderFields {
        version: 0x2000_0000,
        bits: CompactTarget::from_bits(0x1900_ffff),
        time: unix_now()?.max(context.median_time),
        time_min: context.median_time,
        merkle_branch: vec![[3; 32]; BRANCH_LEN].into(),
    };
    Ok(Arc::new(JobTemplate::new(miner.params.clone(), context.clone(), (work, header, Arc::default()), block)))
}

/// Says of every share that it is stored.
async fn acknowledge(mut found: mpsc::Receiver<FoundShare>) {
    while let Some(FoundShare { stored, .. }) = found.recv().await {
        // Its connection may be gone.
        let _gone = stored.send(Ok(()));
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let profile = ChainProfile::find("devnet", None)?;
    let mut miner = Miner::new(profile.params.clone(), 1);
    let mut chain = ShareChain::new(profile.params.clone());
    let begin = unix_now()?.saturating_sub(SHARES);
    for second in 1..=SHARES {
        miner.extend(&mut chain, begin + second);
    }
    let context = chain.job_context().context("a short chain has a context")?;
    let (jobs, templates) = watch::channel(None);
    let (found, inbox) = mpsc::channel(FOUND_QUEUE_MAX);
    let session = SessionConfig::new(profile.params, profile.addresses, profile.vardiff);
    let access = Access { connections_max: CONNECTIONS_MAX, ..Access::default() };
    let config = StratumConfig::one_lane(session, access, LaneEnds { templates, found });
    let stratum = Stratum::bind(args.listen, config).with_context(|| format!("cannot listen on {}", args.listen))?;
    let (_handle, serving) = stratum.run(&TaskTracker::new(), &CancellationToken::new());
    tokio::spawn(serving);
    tokio::spawn(acknowledge(inbox));
    let mut blocks = interval(Duration::from_secs(args.block_secs));
    for block in 0.. {
        blocks.tick().await;
        jobs.send_replace(Some(template(&miner, &context, block)?));
    }
    Ok(())
}
