//! Submits per second through one Stratum connection: a real server on a real socket, every submit hashed and judged.
//!
//! `cargo bench -p tests --bench stratum`; figures are in `docs/performance.md`.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use node::ChainProfile;
use sharechain::{
    CompactTarget, ShareChain,
    testing::{self, Miner},
};
use stratum::{
    HeaderFields, JobTemplate, SessionConfig, Stratum, StratumConfig,
    bucket::Allowance,
    server::{Access, LaneEnds},
    vardiff::VardiffConfig,
};
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Submits per measured batch; a session remembers a few more of one job.
const BATCH: u32 = 10_000;
/// Header time of every submit: some time that is over.
const JOB_TIME: u32 = 1_767_225_600;
/// Submits sent before their replies are read.
const IN_FLIGHT: u32 = 64;

type Templates = watch::Sender<Option<Arc<JobTemplate>>>;

/// A job template with 12 branch hashes whose shares are far too hard to be found here.
fn template(time: u32) -> Arc<JobTemplate> {
    let mut raw = testing::devnet_params().raw().clone();
    raw.base_target_max = CompactTarget::from_bits(0x1d00_ffff);
    let params = testing::params(raw);
    let context = ShareChain::new(params.clone()).job_context().expect("an empty chain has a context");
    let header = HeaderFields {
        version: 0x2000_0000,
        bits: CompactTarget::from_bits(0x1900_ffff),
        time,
        time_min: JOB_TIME,
        merkle_branch: vec![[3; 32]; 12].into(),
    };
    let work = Miner::new(params.clone(), 1).work;
    Arc::new(JobTemplate::new(params, context, (work, header, Arc::default()), time))
}

/// A server on a thread of its own, whose easiest difficulty every hash meets.
fn server() -> (SocketAddr, Templates) {
    let profile = ChainProfile::find("devnet", None).expect("the devnet exists");
    let (templates, jobs) = watch::channel(Some(template(JOB_TIME)));
    let (found, found_inbox) = mpsc::channel(1);
    let vardiff = VardiffConfig { start_hashes: 0.0, min_hashes: 0.0, submit_interval: Duration::from_nanos(1) };
    let session = SessionConfig {
        lines: Allowance { per_second: f64::MAX, burst: f64::MAX },
        ..SessionConfig::new(profile.params, profile.addresses, vardiff)
    };
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async move {
            let access = Access { connections_max: 1, ..Access::default() };
            let config = StratumConfig::one_lane(session, access, LaneEnds { templates: jobs, found });
            let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
            let stratum = Stratum::bind(any_port, config).expect("a free port");
            sender.send(stratum.address()).expect("the benchmark waits");
            let (_handle, serving) = stratum.run(&TaskTracker::new(), &CancellationToken::new());
            tokio::spawn(serving);
            let _kept = found_inbox;
            std::future::pending::<()>().await;
        });
    });
    (receiver.recv().expect("the server starts"), templates)
}

/// One miner that submits without mining: every nonce is good.
struct Client {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    user: String,
    job: String,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let writer = TcpStream::connect(address).expect("the server listens");
        writer.set_nodelay(true).expect("a socket");
        let profile = ChainProfile::find("devnet", None).expect("the devnet exists");
        let user = profile.addresses.format(&testing::script(1)).expect("an address");
        let reader = BufReader::new(writer.try_clone().expect("a socket"));
        let mut client = Self { reader, writer, user: user.clone(), job: String::new() };
        let hello = format!(
            "{{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"cpuminer\"]}}\n{{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"{user}\",\"x\"]}}\n"
        );
        client.writer.write_all(hello.as_bytes()).expect("the server reads");
        while client.job.is_empty() {
            client.read();
        }
        client
    }

    /// Reads one line; says whether it is a reply.
    fn read(&mut self) -> bool {
        let mut line = String::new();
        let read = self.reader.read_line(&mut line).expect("the server answers");
        assert!(read > 0, "the server hung up");
        if let Some(params) = line.split_once("\"mining.notify\",\"params\":[\"").map(|(_, params)| params) {
            self.job = params[..8].to_owned();
        }
        assert!(!line.contains("\"error\":["), "{line}");
        line.contains("\"result\":")
    }

    fn submit(&mut self, batch: u32) {
        let mut sent = 0;
        while sent < batch {
            let lines: String = (sent..sent + IN_FLIGHT)
                .map(|nonce| {
                    format!(
                        "{{\"method\": \"mining.submit\", \"params\": [\"{}\", \"{}\", \"0000000000000001\", \"{JOB_TIME:08x}\", \"{nonce:08x}\"], \"id\":4}}\n",
                        self.user, self.job
                    )
                })
                .collect();
            self.writer.write_all(lines.as_bytes()).expect("the server reads");
            for _ in 0..IN_FLIGHT {
                while !self.read() {}
            }
            sent += IN_FLIGHT;
        }
    }
}

fn submits(criterion: &mut Criterion) {
    let (address, templates) = server();
    let mut client = Client::connect(address);
    let mut group = criterion.benchmark_group("stratum");
    let batch = BATCH.next_multiple_of(IN_FLIGHT);
    group.throughput(Throughput::Elements(u64::from(batch)));
    let mut time = JOB_TIME;
    group.bench_function("submits through one connection, 64 in flight, 12 branch hashes", |bencher| {
        bencher.iter_custom(|iterations| {
            (0..iterations)
                .map(|_| {
                    // A job of its own for each batch, so that no nonce is a duplicate.
                    let before = client.job.clone();
                    time += 1;
                    templates.send_replace(Some(template(time)));
                    while client.job == before {
                        client.read();
                    }
                    let started = Instant::now();
                    client.submit(batch);
                    started.elapsed()
                })
                .sum()
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(8));
    targets = submits
}
criterion_main!(benches);
