//! Where log lines go, and what they look like.

use std::{io::IsTerminal, sync::Mutex};

use anyhow::Context;
use node::{
    config::{LogConfig, LogFormat, RawConfig},
    log_file::LogFile,
};
use tracing_subscriber::{EnvFilter, fmt, fmt::MakeWriter};

use crate::args::Command;

/// The log that a command's configuration asks for; without one it is text on stderr.
pub(crate) fn config(command: &Command) -> anyhow::Result<LogConfig> {
    match command {
        Command::Run(run) => match &run.config {
            Some(path) => Ok(RawConfig::read(path)?.log.resolve()?),
            None => Ok(LogConfig::default()),
        },
        Command::Devnet(_)
        | Command::Quickstart(_)
        | Command::Status
        | Command::Doctor(_)
        | Command::Nearest(_)
        | Command::Peers(_) => Ok(LogConfig::default()),
    }
}

/// Starts to log. Lines go to stderr or a file, so that stdout is for data. libp2p speaks only when it is asked by name.
pub(crate) fn start(filter: &str, config: LogConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("warn,node=info,stratum=info,sharechain=info,{}", own(filter)))
        .with_context(|| format!("--log: {filter:?} is not a log filter"))?;
    match config.file {
        Some(file) => {
            let log = LogFile::open(file.path.clone(), file.len_max, file.older);
            let log = log.with_context(|| format!("log.file: cannot open {}", file.path.display()))?;
            write_to(Mutex::new(log), filter, config.format, false);
        }
        None => write_to(std::io::stderr, filter, config.format, std::io::stderr().is_terminal()),
    }
    Ok(())
}

fn write_to<W>(writer: W, filter: EnvFilter, format: LogFormat, colours: bool)
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = fmt().with_env_filter(filter).with_writer(writer).with_ansi(colours);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).init(),
    }
}

/// A bare level means our own crates.
fn own(filter: &str) -> String {
    if filter.contains('=') || filter.contains(',') {
        return filter.to_owned();
    }
    ["node", "stratum", "sharechain"].map(|name| format!("{name}={filter}")).join(",")
}
