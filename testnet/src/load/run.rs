//! One run: the connections first, then the measured span, then the report. The only place that starts tasks.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use tokio::{
    net::lookup_host,
    runtime,
    sync::{Semaphore, mpsc, watch},
    task::{JoinError, JoinSet},
    time::sleep_until,
};

use super::{
    LoadConfig, LoadWork,
    connection::{Login, Purpose},
    junk::{self, Ground, JunkTally},
    open_files,
    report::{Connections, Report, Span},
    socket::{self, Ended, OPENING_MAX, Shared, Start},
    tally::Tally,
};
use crate::process_stat::Process;

/// Connections on their way to being counted; they wait when it is full.
const READY_QUEUE_MAX: usize = 1_024;
/// More hashes per share than this, and the client may be slower than the server.
const HASHES_PER_SHARE_MANY: u64 = 1_000;
/// A client that computes for more than this part of the time is hardly ever waiting for the server.
const BUSY: f64 = 0.9;

/// Runs the load.
///
/// # Returns
/// The report, and what else people should know, in words.
///
/// # Errors
/// When the first connection is not made, when all are lost, or when the system does not allow what is asked for.
pub fn run(config: &LoadConfig) -> anyhow::Result<(Report, Vec<String>)> {
    let server = config.server_pid.map(Process::find).transpose()?;
    open_files::make_room(config.connections.saturating_add(config.junk.map_or(0, |junk| junk.connections)))?;
    let mut runtime = runtime::Builder::new_multi_thread();
    let runtime = runtime
        .worker_threads(usize::try_from(config.threads).unwrap_or(1))
        .enable_all()
        .build()
        .context("cannot start threads")?;
    runtime.block_on(async {
        let mut crowd = Crowd::new(config).await?;
        let connect_time = crowd.connect().await?;
        let (at_start, failed) = (crowd.live(), crowd.not_opened.count + crowd.lost.count);
        let span = crowd.measure(server.as_ref()).await?;
        let lost = at_start - crowd.live();
        let connections = Connections { at_start, lost, failed, connect_seconds: connect_time.as_secs_f64() };
        let junk = crowd.junk.as_ref().map(|junk| junk.tally.counts());
        Ok((Report::new(&crowd.shared.tally, connections, span, junk), crowd.notes(span)))
    })
}

/// All connections. Dropping it ends them.
struct Crowd<'a> {
    config: &'a LoadConfig,
    shared: Arc<Shared>,
    /// Connections take them in turn.
    logins: Vec<Arc<Login>>,
    tasks: JoinSet<Ended>,
    ready: mpsc::Receiver<()>,
    start: watch::Sender<Option<Start>>,
    /// Connections that had a job, those lost since included.
    opened: u32,
    last_opened: Instant,
    not_opened: Failures,
    lost: Failures,
    junk: Option<Arc<Ground>>,
}

/// Connections that are no more.
#[derive(Default)]
struct Failures {
    count: u32,
    /// Why, of the first.
    first: Option<anyhow::Error>,
}

impl Failures {
    fn add(&mut self, error: anyhow::Error) {
        self.count += 1;
        self.first.get_or_insert(error);
    }

    fn note(&self, what: &str) -> Option<String> {
        self.first.as_ref().map(|error| format!("{} connections {what}, the first because {error:#}", self.count))
    }
}

impl<'a> Crowd<'a> {
    async fn new(config: &'a LoadConfig) -> anyhow::Result<Self> {
        let is_no_address = || format!("{} is no HOST:PORT that can be found", config.address);
        let addresses = lookup_host(&config.address).await.with_context(is_no_address)?.collect::<Vec<_>>();
        let (ready_sender, ready) = mpsc::channel(READY_QUEUE_MAX);
        let (start, starts) = watch::channel(None);
        let (purpose, window) = match config.work {
            LoadWork::Submit { window, .. } => (Purpose::Submit, window),
            LoadWork::Idle => (Purpose::Hold, 0),
        };
        let login = |user: &String| {
            let (user, password) = (user.clone(), config.password.clone());
            Arc::new(Login { user, password, algorithm: config.algorithm, purpose })
        };
        let logins: Vec<_> = config.users.iter().map(login).collect();
        let first = logins.first().context("nobody to log in as")?;
        if let Some(bind) = config.junk.and_then(|junk| junk.bind) {
            // Else every junk connection would fail, and the load would look as if there were none.
            std::net::UdpSocket::bind((bind, 0)).with_context(|| format!("{bind} is no address of this machine"))?;
        }
        let junk = config.junk.map(|junk| Ground {
            addresses: addresses.clone(),
            bind: junk.bind,
            login: Login::clone(first),
            tally: JunkTally::default(),
        });
        let shared = Shared {
            server: config.address.clone(),
            addresses,
            window,
            tally: Tally::new(),
            opening: Semaphore::new(OPENING_MAX),
            ready: ready_sender,
            start: starts,
        };
        Ok(Self {
            config,
            shared: Arc::new(shared),
            logins,
            tasks: JoinSet::new(),
            ready,
            start,
            opened: 0,
            last_opened: Instant::now(),
            not_opened: Failures::default(),
            lost: Failures::default(),
            junk: junk.map(Arc::new),
        })
    }

    /// Opens the connections and waits until each had a job or failed; gives the time until the last one had. The first
    /// goes alone: when the server does not take it, thousands more would only say the same later.
    async fn connect(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.spawn(0, began);
        self.wait_for(1).await;
        if let Some(error) = self.not_opened.first.take() {
            return Err(error);
        }
        let interval = self.config.connect_rate.map_or(0.0, f64::recip);
        let rest_began = Instant::now();
        for index in 1..self.config.connections {
            self.spawn(index, rest_began + Duration::from_secs_f64(interval * f64::from(index)));
        }
        self.wait_for(self.config.connections).await;
        Ok(self.last_opened.duration_since(began))
    }

    fn spawn(&mut self, index: u32, opens: Instant) {
        let place = f64::from(index) / f64::from(self.config.connections);
        let turn = usize::try_from(index).unwrap_or_default().checked_rem(self.logins.len());
        let Some(login) = turn.and_then(|turn| self.logins.get(turn)) else { return };
        self.tasks.spawn(socket::run(self.shared.clone(), login.clone(), opens, place));
    }

    /// Waits until this many connections had a job or failed.
    async fn wait_for(&mut self, connections: u32) {
        while self.opened + self.not_opened.count < connections {
            tokio::select! {
                // In this order: a connection is counted before it is lost.
                biased;
                Some(()) = self.ready.recv() => {
                    self.opened += 1;
                    self.last_opened = Instant::now();
                }
                Some(ended) = self.tasks.join_next() => self.on_ended(ended),
            }
        }
    }

    fn on_ended(&mut self, ended: Result<Ended, JoinError>) {
        match ended {
            Ok(Ended::NotConnected(error)) => self.not_opened.add(error),
            Ok(Ended::Lost(error)) => self.lost.add(error),
            Err(error) => self.lost.add(error.into()),
        }
    }

    /// Connections that are there.
    const fn live(&self) -> u32 {
        self.opened.saturating_sub(self.lost.count)
    }

    /// Lets the connections work for the measured time.
    async fn measure(&mut self, server: Option<&Process>) -> anyhow::Result<Span> {
        let client = Process::this()?;
        let cpu_secs = || anyhow::Ok((client.cpu_secs()?, server.map(Process::cpu_secs).transpose()?));
        let (client_before, server_before) = cpu_secs()?;
        let began = Instant::now();
        self.shared.tally.open(self.live());
        self.start.send_replace(Some(Start { at: began, interval: self.submit_interval() }));
        let mut junk = self.spawn_junk();
        let end = sleep_until((began + self.config.duration).into());
        tokio::pin!(end);
        while self.live() > 0 {
            tokio::select! {
                biased;
                () = &mut end => break,
                Some(ended) = self.tasks.join_next() => {
                    self.on_ended(ended);
                    self.shared.tally.on_lost();
                }
            }
        }
        self.shared.tally.close();
        let seconds = began.elapsed().as_secs_f64();
        // What is still open tells when it is dropped how long it was.
        junk.shutdown().await;
        if self.live() == 0 {
            let error = self.lost.first.take().unwrap_or_else(|| anyhow!("there was none"));
            let left = [vec!["no connection is left".to_owned()], self.refusals()].concat();
            return Err(error.context(left.join("; ")));
        }
        let (client_after, server_after) = cpu_secs()?;
        Ok(Span {
            seconds,
            client_cpu_secs: client_after - client_before,
            server_cpu_secs: server_after.zip(server_before).map(|(after, before)| after - before),
            server_rss_bytes: server.map(Process::rss_bytes).transpose()?,
        })
    }

    /// Junk from now on, until it is dropped.
    fn spawn_junk(&self) -> JoinSet<()> {
        let ground = self.junk.iter().zip(self.config.junk);
        ground.flat_map(|(ground, junk)| (0..junk.connections).map(|place| junk::run(ground.clone(), place))).collect()
    }

    /// Time between two submits of one connection, so that all together keep the rate.
    fn submit_interval(&self) -> Option<Duration> {
        match self.config.work {
            LoadWork::Submit { rate: Some(rate), .. } => Some(Duration::from_secs_f64(f64::from(self.live()) / rate)),
            LoadWork::Submit { rate: None, .. } | LoadWork::Idle => None,
        }
    }

    /// What the report has no place for.
    fn notes(&self, span: Span) -> Vec<String> {
        let tally = &self.shared.tally;
        let counts = tally.counts();
        let per_share = counts.hashes.checked_div(counts.submitted);
        let hashing = per_share.map_or(String::new(), |hashes| format!(", {hashes} hashes per share"));
        let mut notes = vec![format!("the client used {:.2} s of CPU time{hashing}", span.client_cpu_secs)];
        if per_share.is_some_and(|hashes| hashes > HASHES_PER_SHARE_MANY) {
            notes.push("the server's difficulty is so high that hashing, not the server, limited the load".to_owned());
        } else if span.client_cpu_secs > BUSY * span.seconds * f64::from(self.config.threads) {
            notes.push("the client was busy all the time: with more --threads the server may do more".to_owned());
        }
        notes.extend(self.not_opened.note("were not made"));
        notes.extend(self.lost.note("were lost"));
        notes.extend(self.refusals());
        notes.extend(self.junk.iter().flat_map(|junk| junk.tally.notes()));
        notes
    }

    fn refusals(&self) -> Vec<String> {
        let reasons = self.shared.tally.reasons();
        reasons.iter().map(|(reason, count)| format!("{count} submits were refused: {reason}")).collect()
    }
}
