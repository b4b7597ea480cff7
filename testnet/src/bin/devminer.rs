//! `devminer`: a Stratum CPU miner for devnets and tests.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to people on its terminal")]

use std::{
    net::IpAddr,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::{
    Parser,
    builder::{PossibleValuesParser, TypedValueParser},
};
use node::signals::StopSignals;
use sharechain::PowAlgorithm;
use testnet::{
    client::ClientKind,
    load::{self, JunkConfig, LoadConfig, LoadWork},
    miner::{
        self, Counters, MinerConfig, Pool,
        v2::{self, ChannelKind},
    },
};

/// A Stratum CPU miner for devnets and tests.
#[derive(Clone, Debug, Parser)]
#[command(version)]
struct Args {
    /// Pool, as `stratum+tcp://HOST:PORT` or `HOST:PORT`; `stratum2+tcp://HOST:PORT/KEY`, as the node prints it, speaks Stratum V2.
    #[arg(long, short = 'o', visible_alias = "addr", default_value = "stratum+tcp://127.0.0.1:23336")]
    url: String,
    /// `ADDRESS[.worker]`.
    #[arg(long, short = 'u', conflicts_with = "name", required_unless_present_any = ["name", "load"])]
    user: Option<String>,
    /// Instead of a user: mine to a devnet address made from this name. Nobody can spend from it.
    #[arg(long)]
    name: Option<String>,
    /// Behave like this client, and end with an error when the pool does what it cannot take.
    #[arg(long, value_name = "NAME", default_value_t = ClientKind::Devminer, conflicts_with = "load")]
    #[arg(value_parser = PossibleValuesParser::new(ClientKind::ALL.map(ClientKind::name)).try_map(|name| name.parse::<ClientKind>()))]
    client: ClientKind,
    /// With Stratum V2: extended (the miner makes the merkle root) or standard (the pool does). Default: extended.
    #[arg(long, value_name = "KIND", conflicts_with_all = ["load", "client"])]
    channel: Option<Channel>,
    /// Proof of work: blake2s, sha256d or scrypt.
    #[arg(long, short = 'a', default_value = "blake2s")]
    algo: PowAlgorithm,
    /// Hashing threads; with `--load`, threads for all connections.
    #[arg(long, short = 't', default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=255))]
    threads: u32,
    /// Hashes per second of all threads together (default: as many as they can).
    #[arg(long)]
    max_hashrate: Option<f64>,
    /// Stop after this many seconds.
    #[arg(long, required_if_eq("load", "true"))]
    seconds: Option<u64>,
    /// Print one JSON line per report.
    #[arg(long)]
    json: bool,
    /// Instead of mining: put a load of many connections on the pool and measure it, see docs/performance.md.
    #[arg(long, requires = "connections", conflicts_with = "max_hashrate")]
    load: bool,
    #[command(flatten)]
    load_args: LoadArgs,
}

/// A kind of channel.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Channel {
    Extended,
    Standard,
}

impl From<Channel> for ChannelKind {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Extended => Self::Extended,
            Channel::Standard => Self::Standard,
        }
    }
}

/// The load.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "With --load")]
struct LoadArgs {
    /// Connections at once.
    #[arg(long, requires = "load", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    connections: Option<u32>,
    /// Connections opened per second (default: as fast as the pool takes them).
    #[arg(long, requires = "load", value_name = "PER_SECOND", value_parser = parse_rate)]
    connect_rate: Option<f64>,
    /// Miners that the connections are of, in turn, each with an address of its own (default: all of one).
    #[arg(long, requires = "load", conflicts_with = "user", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    miners: Option<u32>,
    /// Submits of one connection that wait for an answer.
    #[arg(long, requires = "load", value_name = "W", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1_024))]
    window: u16,
    /// Submits per second of all connections together (default: as fast as they are answered).
    #[arg(long, requires = "load", value_name = "PER_SECOND", value_parser = parse_rate)]
    rate: Option<f64>,
    /// Submit nothing, only hold the connections.
    #[arg(long, requires = "load", conflicts_with_all = ["rate", "window"])]
    idle: bool,
    /// Connections that do what nobody should, beside the others: several kinds of junk in turn, all the time.
    #[arg(long, requires = "load", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    junk: Option<u32>,
    /// Address of this machine that junk comes from: servers ban by address, and often not their own machine.
    #[arg(long, requires = "junk", value_name = "ADDR")]
    junk_bind: Option<IpAddr>,
    /// Password of the user.
    #[arg(long, requires = "load", value_name = "TEXT", default_value = "x")]
    password: String,
    /// The pool's process on this machine: measure its CPU time and memory.
    #[arg(long, requires = "load")]
    pid: Option<u32>,
}

/// Something per second.
fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        // Slower than once an hour, or faster than a clock can tell, is a mistake.
        Ok(rate) if (1.0 / 3_600.0..=1e9).contains(&rate) => Ok(rate),
        _ => Err("a number per second".to_owned()),
    }
}

/// Time between two reports.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);
/// Longest measured load: a day.
const LOAD_SECONDS_MAX: u64 = 86_400;
/// A pause is not longer than this when it is time to stop.
const STOP_LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Pauses between two connections: from, to.
const RECONNECT_PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let user = match (&args.user, &args.name) {
        (Some(user), _) => user.clone(),
        (None, name) => miner::devnet_user(name.as_deref().unwrap_or("devminer"))?,
    };
    let pool = pool(args)?;
    if args.load {
        let Pool::V1 { address, .. } = pool else { bail!("--load speaks Stratum V1 only") };
        return run_load(args, address, user);
    }
    let Args { algo: algorithm, threads, max_hashrate: hashrate_max, .. } = *args;
    let config = MinerConfig { pool, user, algorithm, threads, hashrate_max };
    eprintln!("mining to {}", config.user);
    let (counters, stop) = (Arc::new(Counters::default()), Arc::new(AtomicBool::new(false)));
    spawn_reports(args, counters.clone(), stop.clone());
    stop_at_signals(stop.clone())?;
    let mut pause = RECONNECT_PAUSE.0;
    let mut began = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        if let Err(error) = miner::mine(&config, &counters, &stop) {
            if miner::is_final(&error) {
                return Err(error);
            }
            eprintln!("{error:#}; trying again");
            if started.elapsed() > RECONNECT_PAUSE.1 {
                pause = RECONNECT_PAUSE.0;
            }
            sleep_unless(&stop, pause);
            pause = (pause * 2).min(RECONNECT_PAUSE.1);
        }
    }
    // The last one says the mean.
    report(args, &counters, &mut began, &mut 0);
    Ok(())
}

/// Ctrl-C and SIGTERM end the miner after its last report.
fn stop_at_signals(stop: Arc<AtomicBool>) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot wait for signals")?;
    let mut signals = runtime.block_on(async { StopSignals::register() }).context("cannot wait for signals")?;
    std::thread::spawn(move || {
        runtime.block_on(signals.next());
        stop.store(true, Ordering::Relaxed);
    });
    Ok(())
}

/// Where to mine, by the URL.
fn pool(args: &Args) -> anyhow::Result<Pool> {
    if args.url.starts_with(v2::SCHEME) {
        if args.client != ClientKind::Devminer {
            bail!("--client plays clients of Stratum V1 only");
        }
        let channel = args.channel.map(ChannelKind::from).unwrap_or_default();
        return Ok(Pool::V2 { endpoint: args.url.parse()?, channel });
    }
    if args.channel.is_some() {
        bail!("--channel is for URLs that begin with {}", v2::SCHEME);
    }
    let address = args.url.strip_prefix("stratum+tcp://").unwrap_or(&args.url).trim_end_matches('/').to_owned();
    Ok(Pool::V1 { address, client: args.client })
}

/// Puts the load on the pool and prints what came of it.
fn run_load(args: &Args, address: String, user: String) -> anyhow::Result<()> {
    let LoadArgs { connections, connect_rate, miners, window, rate, idle, junk, junk_bind, password, pid } =
        args.load_args.clone();
    let seconds = args.seconds.filter(|seconds| (1..=LOAD_SECONDS_MAX).contains(seconds));
    let seconds = seconds.with_context(|| format!("--seconds must be 1 to {LOAD_SECONDS_MAX}"))?;
    let name = args.name.as_deref().unwrap_or("devminer");
    let users = miners.map(|miners| (0..miners).map(|miner| miner::devnet_user(&format!("{name}{miner}"))).collect());
    let users: Vec<String> = users.transpose()?.unwrap_or_else(|| vec![user]);
    let work = if idle { LoadWork::Idle } else { LoadWork::Submit { window: window.into(), rate } };
    let config = LoadConfig {
        address,
        users,
        password,
        algorithm: args.algo,
        connections: connections.context("how many --connections?")?,
        connect_rate,
        work,
        junk: junk.map(|connections| JunkConfig { connections, bind: junk_bind }),
        duration: Duration::from_secs(seconds),
        server_pid: pid,
        threads: args.threads,
    };
    let (report, notes) = load::run(&config)?;
    for note in notes {
        eprintln!("{note}");
    }
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}

/// Sleeps for so long, or until it is time to stop.
fn sleep_unless(stop: &AtomicBool, pause: Duration) {
    let until = Instant::now() + pause;
    while !stop.load(Ordering::Relaxed) && Instant::now() < until {
        std::thread::sleep(STOP_LOOK_INTERVAL.min(pause));
    }
}

fn spawn_reports(args: &Args, counters: Arc<Counters>, stop: Arc<AtomicBool>) {
    let seconds = args.seconds.map(Duration::from_secs);
    let args = args.clone();
    std::thread::spawn(move || {
        let started = Instant::now();
        let (mut since, mut before) = (started, 0);
        loop {
            let left = seconds.map(|seconds| seconds.saturating_sub(started.elapsed()));
            std::thread::sleep(left.unwrap_or(REPORT_INTERVAL).min(REPORT_INTERVAL));
            if left.is_some_and(|left| left <= REPORT_INTERVAL) {
                stop.store(true, Ordering::Relaxed);
                return;
            }
            report(&args, &counters, &mut since, &mut before);
        }
    });
}

/// Prints the counters and the rate since the last report.
fn report(args: &Args, counters: &Counters, since: &mut Instant, before: &mut u64) {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let Counters { accepted, stale, rejected, unanswered, .. } = counters;
    let [accepted, stale, rejected, unanswered] = [accepted, stale, rejected, unanswered].map(read);
    let hashes = read(&counters.hashes);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = (hashes - *before) as f64 / since.elapsed().as_secs_f64().max(1e-3);
    (*since, *before) = (Instant::now(), hashes);
    for reason in counters.take_reasons() {
        eprintln!("rejected: {reason}");
    }
    if args.json {
        println!(
            "{}",
            serde_json::json!({
                "accepted": accepted, "stale": stale, "rejected": rejected, "unanswered": unanswered, "hashes": hashes,
                "hashrate": rate,
            })
        );
    } else {
        println!(
            "accepted {accepted}  stale {stale}  rejected {rejected}  unanswered {unanswered}  {:.2} MH/s",
            rate / 1e6
        );
    }
}
