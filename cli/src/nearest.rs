//! `nearest`: which pool node loses a miner least, by measuring like a miner.
//!
//! ```text
//! directory of a node, or arguments --> candidates (30 at most) --5 rounds--> measurement --> rank --> table or configuration
//! ```
//! What nodes say of themselves only decides whom to measure first; fee and load are believed, because a node gains
//! nothing by looking worse and the share chain shows a fee. Nothing is changed anywhere: the answer is printed.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use node::{
    api::{
        client::ApiClient,
        dto::{ListedNode, Status},
    },
    directory::StratumUrl,
};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{args::NearestArgs, progress::Progress, render};

mod formats;
mod measurement;
mod probe;
mod rank;
mod report;
mod tls;

pub(crate) use formats::Format;

use formats::USER_PLACEHOLDER;
use measurement::{Candidate, Measurement, SAMPLES, mark_behind};
use report::Findings;

/// Endpoints measured at most: with five samples each that is as much as a stranger may be asked for.
const CANDIDATES_MAX: usize = 30;
/// Endpoints measured at once: more would measure the line of whoever asks.
const AT_ONCE_MAX: usize = 8;
/// Where no node is there to ask: what most share chains have.
const SHARE_INTERVAL: Duration = Duration::from_secs(10);

/// Measures and prints.
pub(crate) async fn run(args: NearestArgs, api: &str, json: bool) -> anyhow::Result<ExitCode> {
    let format = if json { Format::Json } else { args.format };
    let known = ask(&args, api).await?;
    let candidates = candidates(&args, &known.nodes);
    if candidates.is_empty() {
        bail!(
            "the node at {api} knows no node that miners can connect to: none has announced itself within the hour; \
             give endpoints instead: poolnode nearest stratum+tcp://HOST:PORT, or announce your own with \
             directory.public_stratum"
        );
    }
    let progress = Progress::new(&format!("measuring {} endpoints", candidates.len()), json);
    let measurements = measure(candidates, args.user.as_deref(), &progress).await;
    drop(progress);
    let findings = find(&args, format, &known, measurements);
    if findings.reached.is_empty() {
        let why = findings.failed.iter().map(|failed| {
            format!("\n  {}: {}", failed.candidate.url, failed.failure.as_deref().unwrap_or("too few samples"))
        });
        bail!(
            "none of {} endpoints could be measured; is this machine online, and is the port not blocked?{}",
            findings.failed.len(),
            why.collect::<String>()
        );
    }
    print(&findings, format, args.user.as_deref(), known.chain.as_deref().unwrap_or("COIN"))?;
    Ok(ExitCode::SUCCESS)
}

/// What a node told.
#[derive(Debug, Default)]
struct Known {
    nodes: Vec<ListedNode>,
    share_interval: Option<Duration>,
    chain: Option<String>,
}

/// Asks the node. Where endpoints were given it may be absent.
async fn ask(args: &NearestArgs, api: &str) -> anyhow::Result<Known> {
    let client = ApiClient::new(api)?;
    let asked = async {
        let status: Status = client.status().await?;
        let region = args.region.map(|region| region.to_string()).or(status.region);
        let nodes = client.nodes(region.as_deref()).await?.data;
        let share_interval = Some(Duration::from_millis(status.share_interval_ms.max(1).into()));
        anyhow::Ok(Known { nodes, share_interval, chain: Some(status.network) })
    };
    match asked.await {
        Err(_) if !args.endpoints.is_empty() => Ok(Known::default()),
        known => known.context(
            "there is no directory to choose from; endpoints can also be given: poolnode nearest stratum+tcp://HOST:PORT",
        ),
    }
}

/// What is measured: what was given, or what the directory names, and what is used today.
fn candidates(args: &NearestArgs, nodes: &[ListedNode]) -> Vec<Candidate> {
    let listed: Vec<Candidate> = nodes
        .iter()
        .flat_map(|node| node.stratum.iter().filter_map(move |url| Some((node, url.parse::<StratumUrl>().ok()?))))
        .map(|(node, url)| Candidate { url, listed: Some(node.clone()), is_given: false })
        .collect();
    let given = args.endpoints.iter().chain(&args.current).map(|url| {
        let listed = listed.iter().find(|candidate| candidate.url == *url);
        Candidate { url: url.clone(), listed: listed.and_then(|known| known.listed.clone()), is_given: true }
    });
    let mut all: Vec<Candidate> = given.collect();
    if args.endpoints.is_empty() {
        all.extend(listed);
    }
    let mut unique: Vec<Candidate> = Vec::new();
    for candidate in all {
        if !unique.iter().any(|known| known.url == candidate.url) {
            unique.push(candidate);
        }
    }
    unique.truncate(CANDIDATES_MAX);
    unique
}

/// Measures all of them in rounds, so that a burst of traffic spoils one sample of each and not all samples of one.
async fn measure(candidates: Vec<Candidate>, user: Option<&str>, progress: &Progress) -> Vec<Measurement> {
    let mut measurements: Vec<Measurement> = candidates.into_iter().map(Measurement::new).collect();
    for done in 0..SAMPLES {
        progress.at(done * measurements.len(), SAMPLES * measurements.len());
        measurements = round(measurements, user, (progress, done)).await;
    }
    mark_behind(&mut measurements);
    measurements
}

async fn round(
    measurements: Vec<Measurement>,
    user: Option<&str>,
    (progress, rounds): (&Progress, usize),
) -> Vec<Measurement> {
    let all = measurements.len();
    let places = Arc::new(Semaphore::new(AT_ONCE_MAX));
    let mut tasks = JoinSet::new();
    for (number, mut measurement) in measurements.into_iter().enumerate() {
        let (places, user) = (places.clone(), user.map(ToOwned::to_owned));
        tasks.spawn(async move {
            // The semaphore is never closed.
            let _place = places.acquire().await;
            take_sample(&mut measurement, user.as_deref()).await;
            (number, measurement)
        });
    }
    let mut done = Vec::new();
    while let Some(measured) = tasks.join_next().await {
        match measured {
            Ok(measured) => done.push(measured),
            Err(ended) => std::panic::resume_unwind(ended.into_panic()),
        }
        progress.at(rounds * all + done.len(), SAMPLES * all);
    }
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, measurement)| measurement).collect()
}

async fn take_sample(measurement: &mut Measurement, user: Option<&str>) {
    let probed = async {
        let address = probe::resolve(&measurement.candidate).await?;
        measurement.address = Some(address.ip());
        probe::sample(&measurement.candidate.url, address, user).await
    };
    match probed.await {
        Ok((sample, refusal)) => {
            measurement.samples.push(sample);
            measurement.refusal = refusal;
        }
        Err(error) => measurement.failure = Some(error.to_string()),
    }
}

/// Ranks what was measured.
fn find(args: &NearestArgs, format: Format, known: &Known, measurements: Vec<Measurement>) -> Findings {
    let share_interval = args.share_interval.map(Duration::from_secs_f64).or(known.share_interval);
    let notes = notes(args, format, share_interval, &measurements);
    let share_interval = share_interval.unwrap_or(SHARE_INTERVAL);
    let (mut reached, mut failed) = (Vec::new(), Vec::new());
    for measurement in measurements {
        match measurement.measured() {
            Some(measured) => reached.push((measurement, measured)),
            None => failed.push(measurement),
        }
    }
    reached.sort_by(|(_, a), (_, b)| a.loss(share_interval).total_cmp(&b.loss(share_interval)));
    let measured: Vec<rank::Measured> = reached.iter().map(|(_, measured)| measured.clone()).collect();
    let url = |place: usize| -> &StratumUrl { &reached[place].0.candidate.url };
    let chosen = rank::choose(&measured, share_interval, |place| format.takes(&url(place).protocol));
    let current = args.current.clone();
    Findings { chosen, current, reached, failed, share_interval, notes }
}

/// What limits the measurement, one sentence each.
fn notes(args: &NearestArgs, format: Format, interval: Option<Duration>, measurements: &[Measurement]) -> Vec<String> {
    let any = |is: fn(&Measurement) -> bool| measurements.iter().any(is);
    let refused = measurements.iter().find_map(|one| Some((&one.candidate.url, one.refusal.as_ref()?)));
    let notes = [
        args.user.is_none().then(|| {
            "jobs were not measured, because no user was given: add --user ADDRESS.worker (it is not paid and owes nothing)"
                .to_owned()
        }),
        refused.map(|(url, why)| format!("{url} sent no job: {why}")),
        any(|one| one.candidate.url.to_string().starts_with("stratum2")).then(|| {
            "Stratum V2 endpoints were measured by their connection only: the round trip of a line and jobs are unknown".to_owned()
        }),
        any(|one| one.candidate.url.to_string().starts_with("stratum+ssl")).then(|| {
            "certificates were not checked".to_owned()
        }),
        any(|one| one.is_behind).then(|| "an endpoint whose jobs are for another block than most counts as a share late".to_owned()),
        interval.is_none().then(|| {
            format!("no node was asked, so shares are taken to come every {} s; --share-interval sets it", SHARE_INTERVAL.as_secs())
        }),
        (args.user.is_none() && format.has_user()).then(|| format!("put your address in place of {USER_PLACEHOLDER}")),
    ];
    notes.into_iter().flatten().collect()
}

fn print(findings: &Findings, format: Format, user: Option<&str>, chain: &str) -> anyhow::Result<()> {
    let chosen: Vec<&StratumUrl> =
        findings.chosen.iter().map(|place| &findings.reached[*place].0.candidate.url).collect();
    if chosen.is_empty() {
        bail!("no endpoint that was reached is one that --format can be given; see them with --format table");
    }
    let user = user.unwrap_or(USER_PLACEHOLDER);
    match format {
        Format::Table => return report::table(findings),
        Format::Url => chosen.iter().try_for_each(|url| render::line(&url.to_string()))?,
        Format::Json => return render::json(&report::json(findings)),
        Format::Cgminer => render::json(&formats::cgminer(&chosen, user))?,
        Format::Bitaxe => render::json(&formats::bitaxe(&chosen, user))?,
        Format::Hiveos => render::json(&formats::hiveos(&chosen, user, chain))?,
        Format::Xmrig => render::json(&formats::xmrig(&chosen, user))?,
    }
    // Stdout is the miner's; people read the other one.
    let asides = findings.notes.iter().map(|note| format!("note: {note}")).chain(findings.advice());
    asides.for_each(|aside| render::aside(&aside));
    Ok(())
}

#[cfg(test)]
mod tests;
