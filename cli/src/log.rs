//! The log: to stderr, so that stdout is for data, or to a file. What is logged may change while a node runs.

use std::{io::IsTerminal, sync::Mutex};

use anyhow::Context;
use node::{
    config::{LogConfig, LogFormat},
    log_file::LogFile,
};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt,
    fmt::MakeWriter,
    layer::{Layered, SubscriberExt},
    reload,
    util::SubscriberInitExt,
};

/// What is left when the filter has looked at it.
type Filtered = Layered<reload::Layer<EnvFilter, Registry>, Registry>;
/// What writes lines.
type Lines = Box<dyn Layer<Filtered> + Send + Sync>;

/// What is logged, and where.
#[derive(Clone)]
pub(crate) struct LogFilter {
    handle: reload::Handle<EnvFilter, Registry>,
    lines: reload::Handle<Lines, Filtered>,
}

impl std::fmt::Debug for LogFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogFilter").finish_non_exhaustive()
    }
}

impl LogFilter {
    /// Starts to log, as text on stderr. libp2p speaks only when it is asked by name.
    pub(crate) fn start(filter: &str) -> anyhow::Result<Self> {
        let (filter, handle) = reload::Layer::new(parse(filter)?);
        let (layer, lines) = reload::Layer::new(on_stderr(LogFormat::Text));
        tracing_subscriber::registry().with(filter).with(layer).init();
        Ok(Self { handle, lines })
    }

    /// Logs this from now on.
    pub(crate) fn set(&self, filter: &str) -> anyhow::Result<()> {
        self.handle.reload(parse(filter)?).context("cannot change what is logged")
    }

    /// Logs like this, and there. Only before anything has begun: what has, keeps its fields in the form of before.
    pub(crate) fn write_to(&self, config: &LogConfig) -> anyhow::Result<()> {
        let lines = match &config.file {
            Some(file) => {
                let log = LogFile::open(file.path.clone(), file.len_max, file.older);
                let log = log.with_context(|| format!("log.file: cannot open {}", file.path.display()))?;
                lines(Mutex::new(log), config.format, false)
            }
            None => on_stderr(config.format),
        };
        self.lines.reload(lines).context("cannot change where is logged")
    }
}

fn on_stderr(format: LogFormat) -> Lines {
    lines(std::io::stderr, format, std::io::stderr().is_terminal())
}

fn lines<W>(writer: W, format: LogFormat, colours: bool) -> Lines
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer).with_ansi(colours);
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed(),
    }
}

/// What is logged of everything, before what is asked for.
const UNASKED: &str = "warn,node=info,stratum=info,sharechain=info";
/// The DHT warns of having no peers: a node alone, or the first one, has none.
const NO_PEERS: &str = "libp2p_kad::behaviour=error";

fn parse(filter: &str) -> anyhow::Result<EnvFilter> {
    // The longest name wins: with it `libp2p=debug` would not be for all of libp2p.
    let hidden = if filter.contains("libp2p") { "" } else { NO_PEERS };
    EnvFilter::try_new(format!("{UNASKED},{hidden},{}", own(filter)))
        .with_context(|| format!("--log: {filter:?} is not a log filter"))
}

/// A bare level means our own crates.
fn own(filter: &str) -> String {
    if filter.contains('=') || filter.contains(',') {
        return filter.to_owned();
    }
    ["node", "stratum", "sharechain"].map(|name| format!("{name}={filter}")).join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_is_for_our_own_crates() {
        assert_eq!(own("debug"), "node=debug,stratum=debug,sharechain=debug");
        assert_eq!(own("warn,node::p2p=trace"), "warn,node::p2p=trace");
        assert!(parse("info").is_ok() && parse("==").is_err());
    }

    #[test]
    fn what_is_asked_for_goes_before_what_is_not() {
        let filter = |asked: &str| format!(",{},", parse(asked).unwrap());
        assert!(filter("info").contains(",libp2p_kad::behaviour=error,"));
        for asked in ["libp2p=debug", "libp2p_kad=debug"] {
            let parsed = filter(&format!("warn,{asked}"));
            assert!(parsed.contains(&format!(",{asked},")) && !parsed.contains("=error"), "{parsed}");
        }
    }
}
